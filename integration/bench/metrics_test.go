package bench

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	client "github.com/prometheus/client_golang/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/metrics/otel"
	"github.com/gin-cachette/cachette/metrics/prometheus"
)

// scrapeEvery is how many hits there are between two scrapes: Prometheus scrapes every 15 seconds or so, and a second has more hits.
const scrapeEvery = 50_000

// BenchmarkMetrics measures a hit in memory of 1 KB that is scraped by Prometheus, observed by OpenTelemetry, or both ("cachette"), beside one that
// is neither ("raw"). The observed ones have no span: "sampled" ones, and those beside them, have one of the service's, which is recorded.
func BenchmarkMetrics(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	for _, row := range []struct {
		name                        string
		prometheus, otel, withSpans bool
	}{{"nothing", false, false, false}, {"prometheus", true, false, false}, {"otel", false, true, false}, {"all", true, true, false}, {"all sampled", true, true, true}} {
		b.Run(row.name, func(b *testing.B) {
			duel(b, measuredHit(b, row.prometheus, row.otel, row.withSpans), measuredHit(b, false, false, row.withSpans))
		})
	}
}

// measuredHit returns a hit of an engine whose cache is measured.
func measuredHit(b *testing.B, scraped, observed, withSpans bool) func() error {
	b.Helper()
	reader, config := sdkmetric.NewManualReader(), cachette.Config{}
	var observer *otel.Observer
	if observed {
		var err error
		if observer, err = otel.NewObserver(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))); err != nil {
			b.Fatal(err)
		}
		config.Observer = observer
	}
	engine := gin.New()
	if withSpans {
		spans := tracetest.NewInMemoryExporter()
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("service")
		var n atomic.Uint64
		engine.Use(func(c *gin.Context) {
			ctx, span := tracer.Start(c.Request.Context(), "request")
			c.Request = c.Request.WithContext(ctx)
			c.Next()
			span.End()
			if n.Add(1)%1024 == 0 {
				spans.Reset()
			}
		})
	}
	cache := installed(b, engine, config)
	engine.GET("/document", cachette.Cached(time.Hour), document)
	registry := client.NewRegistry()
	if scraped {
		registry.MustRegister(prometheus.NewCollector(cache))
	}
	if observed {
		if _, err := observer.Register(cache); err != nil {
			b.Fatal(err)
		}
	}
	r, w, n := httptest.NewRequest(http.MethodGet, "/document", nil), null(), 0
	return func() error {
		clear(w.Header())
		engine.ServeHTTP(w, r)
		if n++; scraped && n%scrapeEvery == 0 {
			_, err := registry.Gather()
			return err
		}
		return nil
	}
}
