package bench

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	client "github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/metrics/otel"
	"github.com/gin-cachette/cachette/metrics/prometheus"
)

// scrapeEvery is how many hits there are between two scrapes: Prometheus scrapes every 15 seconds or so, and a second has more hits.
const scrapeEvery = 50_000

// measured says how a hit is measured.
type measured struct {
	prometheus, otel bool
	audited          bool // with a rate that audits none in the time that this takes
	span             bool // the service makes a span of each request, which is recorded and exported
	attributed       bool // and sets as many attributes on it as metrics/otel does
}

// BenchmarkMetrics measures a hit in memory of 1 KB that is scraped by Prometheus, observed by OpenTelemetry, or both and audited, too ("cachette"), beside one that
// is nothing of it ("raw"). Of those with a span of the service's both have one: what the span itself costs is the last but one, and what its attributes cost,
// whoever sets them, the last.
func BenchmarkMetrics(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	all := measured{prometheus: true, otel: true, audited: true}
	allInSpan := all
	allInSpan.span = true
	for _, row := range []struct {
		name         string
		ours, beside measured
	}{
		{"itself", measured{}, measured{}}, // how far two that are the same are apart
		{"prometheus", measured{prometheus: true}, measured{}},
		{"otel", measured{otel: true}, measured{}},
		{"all", all, measured{}},
		{"all in a span", allInSpan, measured{span: true}},
		{"all in a span beside its attributes", allInSpan, measured{span: true, attributed: true}},
		{"a span", measured{span: true}, measured{}},
		{"attributes of a span", measured{span: true, attributed: true}, measured{span: true}},
	} {
		b.Run(row.name, func(b *testing.B) { duel(b, measuredHit(b, row.ours), measuredHit(b, row.beside)) })
	}
}

// attributes are as many as a hit gets.
var attributes = []attribute.KeyValue{attribute.String("service.outcome", "hit"), attribute.Bool("service.near", false)}

// spans returns a middleware that makes a span of each request.
func spans(attributed bool) gin.HandlerFunc {
	exporter := tracetest.NewInMemoryExporter()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter)).Tracer("service")
	var n atomic.Uint64
	return func(c *gin.Context) {
		ctx, span := tracer.Start(c.Request.Context(), "request")
		c.Request = c.Request.WithContext(ctx)
		c.Next()
		if attributed {
			span.SetAttributes(attributes...)
		}
		span.End()
		if n.Add(1)%1024 == 0 {
			exporter.Reset()
		}
	}
}

// measuredHit returns a hit of an engine whose cache is measured.
func measuredHit(b *testing.B, how measured) func() error {
	b.Helper()
	reader, config := sdkmetric.NewManualReader(), cachette.Config{}
	var observer *otel.Observer
	if how.otel {
		var err error
		if observer, err = otel.NewObserver(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))); err != nil {
			b.Fatal(err)
		}
		config.Observer = observer
	}
	if how.audited {
		config.Audit = seldom
	}
	engine := gin.New()
	if how.span {
		engine.Use(spans(how.attributed))
	}
	cache := installed(b, engine, config)
	engine.GET("/document", cachette.Cached(time.Hour), document)
	registry := client.NewRegistry()
	if how.prometheus {
		registry.MustRegister(prometheus.NewCollector(cache))
	}
	if how.otel {
		if _, err := observer.Register(cache); err != nil {
			b.Fatal(err)
		}
	}
	r, w, n := httptest.NewRequest(http.MethodGet, "/document", nil), null(), 0
	return func() error {
		clear(w.Header())
		engine.ServeHTTP(w, r)
		if n++; how.prometheus && n%scrapeEvery == 0 {
			_, err := registry.Gather()
			return err
		}
		return nil
	}
}
