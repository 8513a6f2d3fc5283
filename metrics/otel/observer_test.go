package otel_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
	"github.com/gin-cachette/cachette/metrics/otel"
)

// site is an engine whose requests have spans, as those of a service have, and whose cache is observed.
type site struct {
	*cachettetest.Engine
	spans  *tracetest.InMemoryExporter
	reader *sdkmetric.ManualReader
}

func newSite(t testing.TB, store *cachettetest.Store, spansOfStore bool, options []otel.Option, configure ...func(*cachette.Config)) *site {
	t.Helper()
	s := &site{spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(s.spans))
	if spansOfStore {
		options = append(options, otel.WithStoreSpans(tracers))
	}
	observer, err := otel.NewObserver(sdkmetric.NewMeterProvider(sdkmetric.WithReader(s.reader)), options...)
	if err != nil {
		t.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Use(func(c *gin.Context) {
		ctx, span := tracers.Tracer("service").Start(c.Request.Context(), "request")
		defer span.End()
		c.Request = c.Request.WithContext(ctx)
		c.Next()
	})
	s.Engine = cachettetest.On(t, engine, append(configure, func(cfg *cachette.Config) {
		cfg.Observer = observer
		if store != nil {
			store.Use(cfg)
		}
	})...)
	s.GET("/pages/:n", cachette.Cached(time.Minute), func(c *gin.Context) {
		if cc := c.Query("cc"); cc != "" {
			c.Header("Cache-Control", cc)
		}
		c.Header("ETag", `"v"`)
		if c.GetHeader("If-None-Match") != "" {
			c.Status(http.StatusNotModified)
			return
		}
		c.String(http.StatusOK, "page")
	})
	if _, err := observer.Register(s.Cache); err != nil {
		t.Fatal(err)
	}
	if _, err := observer.Register(s.Cache); !errors.Is(err, cachette.ErrInvalid) {
		t.Errorf("registered twice: %v", err)
	}
	return s
}

// measured returns what is measured, as "name{key=value}"; of a histogram the count.
func (s *site) measured(t testing.TB) map[string]float64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := s.reader.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	add := func(name string, set attribute.Set, value float64) {
		values[name+"{"+set.Encoded(attribute.DefaultEncoder())+"}"] = value
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, float64(p.Value))
				}
			case metricdata.Sum[float64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, p.Value)
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, float64(p.Value))
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, float64(p.Count))
					for i, bound := range cachette.DurationBounds() {
						if p.Bounds[i] != bound.Seconds() {
							t.Errorf("%s has bounds %v", m.Name, p.Bounds)
						}
					}
				}
			default:
				t.Errorf("%s is a %T", m.Name, data)
			}
		}
	}
	return values
}

func (s *site) visit() {
	for _, query := range []string{"", "?cc=private", "?cc=no-store", "?cc=no-cache", "?cc=max-age=1,stale-while-revalidate=60"} {
		for n := range 3 {
			s.Get(fmt.Sprint("/pages/", n/2, query))
		}
	}
	s.Get("/pages/1", "Upgrade: websocket", "Connection: Upgrade")
}

// What is measured equals Stats, number by number, with the attributes that it is given.
func TestMeasuredEqualsStats(t *testing.T) {
	for name, store := range map[string]*cachettetest.Store{"memory": nil, "bytes": cachettetest.NewStore()} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, store, false, []otel.Option{otel.WithAttributes(attribute.String("cache", "a"))})
			s.visit()
			got, stats := s.measured(t), s.Cache.Stats()
			want := map[string]float64{}
			set := func(name string, value float64, labels ...string) {
				labels = append(labels, "cache=a")
				slices.Sort(labels)
				want["cachette."+name+"{"+strings.Join(labels, ",")+"}"] = value
			}
			r := stats.Routes["/pages/:n"]
			const route = "route=/pages/:n"
			for outcome, n := range r.All() {
				set("requests", float64(n), route, "outcome="+outcome)
			}
			for reason, n := range r.Refused {
				set("refused", float64(n), route, "reason="+reason)
			}
			for reason, n := range r.Bypasses {
				set("bypassed", float64(n), route, "reason="+reason)
			}
			set("fill.duration", float64(r.Fills.Count), route)
			set("refreshes", float64(r.Refreshes), route)
			set("saved", r.Saved.Seconds(), route)
			for operation, o := range stats.Store.All() {
				for result, n := range o.All() {
					set("store.operations", float64(n), "operation="+operation, "result="+result)
				}
				if o.Took.Count > 0 {
					set("store.operation.duration", float64(o.Took.Count), "operation="+operation)
				}
				set("store.transferred", float64(o.Bytes), "operation="+operation)
			}
			for _, operation := range []string{"read", "write", "removal"} {
				set("store.state", 0, "operation="+operation)
			}
			for name, value := range map[string]float64{
				"stored": float64(stats.Stored), "too_large": 0, "dropped": 0, "untagged": 0, "uncaptured": 0, "cut_off": 0, "store.failures": 0,
				"near.hits": 0, "owed": 0, "waiting": 0, "waiting.size": 0,
			} {
				set(name, value)
			}
			if m := stats.Memory; m.Limit != 0 {
				set("memory.entries", float64(m.Entries), "tier=store")
				set("memory.used", float64(m.Bytes), "tier=store")
				set("memory.limit", float64(m.Limit), "tier=store")
				set("memory.evictions", float64(m.Evictions), "tier=store")
			}
			if !maps.Equal(got, want) {
				t.Errorf("measured %v\nwant     %v", got, want)
			}
			if r.Hits == 0 || r.Validated == 0 || r.Refused["private"] == 0 || r.Bypasses["upgrade"] == 0 || r.Fills.Count == 0 {
				t.Errorf("too little came of it: %+v", r)
			}
		})
	}
}

// docs/metrics.md has each instrument, and no other.
func TestPageHasInstruments(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	page := map[string]bool{}
	for _, found := range regexp.MustCompile("(?m)^\\| `cachette_[a-z_]+` \\| `(cachette\\.[a-z_.]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		page[found[1]] = true
	}
	meters := &namer{MeterProvider: sdkmetric.NewMeterProvider(), names: map[string]bool{}}
	observer, err := otel.NewObserver(meters)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := observer.Register(cachettetest.New(t).Cache); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(page, meters.names) || len(page) < 20 {
		t.Errorf("the page has %v\nand there are %v", page, meters.names)
	}
}

// namer remembers the names of instruments.
type namer struct {
	metric.MeterProvider
	names map[string]bool
}

type namedMeter struct {
	metric.Meter
	names map[string]bool
}

func (n *namer) Meter(name string, options ...metric.MeterOption) metric.Meter {
	return namedMeter{n.MeterProvider.Meter(name, options...), n.names}
}

func (m namedMeter) Float64Histogram(name string, options ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	m.names[name] = true
	return m.Meter.Float64Histogram(name, options...)
}

func (m namedMeter) Float64ObservableCounter(name string, options ...metric.Float64ObservableCounterOption) (metric.Float64ObservableCounter, error) {
	m.names[name] = true
	return m.Meter.Float64ObservableCounter(name, options...)
}

func (m namedMeter) Int64ObservableCounter(name string, options ...metric.Int64ObservableCounterOption) (metric.Int64ObservableCounter, error) {
	m.names[name] = true
	return m.Meter.Int64ObservableCounter(name, options...)
}

func (m namedMeter) Int64ObservableUpDownCounter(name string, options ...metric.Int64ObservableUpDownCounterOption) (metric.Int64ObservableUpDownCounter, error) {
	m.names[name] = true
	return m.Meter.Int64ObservableUpDownCounter(name, options...)
}

func (m namedMeter) Int64ObservableGauge(name string, options ...metric.Int64ObservableGaugeOption) (metric.Int64ObservableGauge, error) {
	m.names[name] = true
	return m.Meter.Int64ObservableGauge(name, options...)
}

// Histograms and counters tell the same routes apart, and no more than they may.
func TestRoutesAreBounded(t *testing.T) {
	s := newSite(t, nil, false, []otel.Option{otel.WithMostRoutes(3)})
	for n := range 20 {
		s.GET(fmt.Sprintf("/%d/:n", n), cachette.Cached(time.Minute), func(c *gin.Context) { c.String(http.StatusOK, "page") })
		s.Get(fmt.Sprintf("/%d/1", n))
		s.measured(t)
	}
	got := s.measured(t)
	for _, route := range []string{"/0/:n", "/1/:n", "/2/:n"} {
		if got["cachette.fill.duration{route="+route+"}"] != 1 || got["cachette.requests{outcome=miss,route="+route+"}"] != 1 {
			t.Errorf("%s: %v", route, got)
		}
	}
	if got["cachette.fill.duration{route=other}"] != 17 || got["cachette.requests{outcome=miss,route=other}"] != 17 {
		t.Errorf("others: %v", got)
	}
}

func attributes(span tracetest.SpanStub) map[string]string {
	all := map[string]string{}
	for _, a := range span.Attributes {
		all[string(a.Key)] = a.Value.String()
	}
	return all
}

// The span of a request says what became of it; there is no other unless it is wanted.
func TestSpans(t *testing.T) {
	s := newSite(t, cachettetest.NewStore(), false, nil)
	for _, row := range []struct{ target, field, outcome, forward, reason string }{
		{"/pages/1", "A: b", "miss", "uri-miss", ""},
		{"/pages/1", "A: b", "hit", "", ""},
		{"/pages/2?cc=private", "A: b", "miss", "uri-miss", "private"},
		{"/pages/2", "Cache-Control: only-if-cached", "unsatisfiable", "", "only-if-cached"},
	} {
		s.spans.Reset()
		s.Get(row.target, row.field)
		spans := s.spans.GetSpans()
		want := map[string]string{"cachette.outcome": row.outcome, "cachette.forward": row.forward, "cachette.reason": row.reason, "cachette.near": "false"}
		if row.outcome == "hit" {
			delete(want, "cachette.forward")
			delete(want, "cachette.reason")
		}
		if len(spans) != 1 || !maps.Equal(attributes(spans[0]), want) {
			t.Errorf("%v: %d spans, %v", row, len(spans), attributes(spans[0]))
		}
	}
}

// Spans of operations on the store stand beneath that of the request, and say how they ended.
func TestStoreSpans(t *testing.T) {
	store := cachettetest.NewStore()
	s := newSite(t, store, true, nil)
	s.Get("/pages/1")
	s.spans.Reset()
	for _, row := range []struct {
		fault  error
		result string
		status codes.Code
	}{{nil, "done", codes.Unset}, {errors.New("away"), "failed", codes.Error}} {
		store.Fail(func(context.Context, cachettetest.Operation) error { return row.fault })
		s.spans.Reset()
		s.Get("/pages/1")
		var request tracetest.SpanStub
		var reads []tracetest.SpanStub
		for _, span := range s.spans.GetSpans() {
			switch span.Name {
			case "request":
				request = span
			case "cachette read":
				reads = append(reads, span)
			}
		}
		if len(reads) == 0 {
			t.Fatalf("%s: no span of a read", row.result)
		}
		for _, span := range reads {
			a := attributes(span)
			if span.Parent.SpanID() != request.SpanContext.SpanID() || a["cachette.operation"] != "read" || a["cachette.result"] != row.result ||
				span.Status.Code != row.status || span.EndTime.Before(span.StartTime) || span.StartTime.Before(request.StartTime) {
				t.Errorf("%s: %+v", row.result, span)
			}
		}
	}
}

// Nothing secret of requests, or of what is stored, is in what is measured or in spans.
func TestNoSecrets(t *testing.T) {
	const secret = "hunter2"
	s := newSite(t, cachettetest.NewStore(), true, nil)
	for range 2 {
		s.Get("/pages/"+secret+"?password="+secret, "Cookie: session="+secret, "Authorization: Bearer "+secret)
	}
	_ = s.Cache.Put(t.Context(), secret, secret, time.Minute)
	_ = s.Cache.PurgePath(t.Context(), "/pages/"+secret)
	told := fmt.Sprint(s.measured(t))
	for _, span := range s.spans.GetSpans() {
		told += fmt.Sprint(span.Name, span.Attributes, span.Status, span.Events)
	}
	if strings.Contains(told, secret) || !strings.Contains(told, "/pages/:n") || !strings.Contains(told, "cachette read") {
		t.Error(told)
	}
}

// A refresh in the background does not change the span of the request that has set it off, and is measured.
func TestBackground(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		s := newSite(t, nil, false, nil)
		const page = "/pages/1?cc=max-age=1,stale-while-revalidate=60"
		s.Get(page)
		time.Sleep(2 * time.Second)
		s.spans.Reset()
		s.Get(page)
		time.Sleep(time.Second) // the refresh ends
		var outcomes []string
		for _, span := range s.spans.GetSpans() {
			if outcome, ok := attributes(span)["cachette.outcome"]; ok {
				outcomes = append(outcomes, outcome)
			}
		}
		if !slices.Equal(outcomes, []string{"stale"}) {
			t.Errorf("outcomes of spans: %q", outcomes)
		}
		if got := s.measured(t); got["cachette.fill.duration{route=/pages/:n}"] != 2 || got["cachette.refreshes{route=/pages/:n}"] != 1 {
			t.Errorf("%v", got)
		}
	})
}

// A mistake is told where it is made.
func TestMisuse(t *testing.T) {
	meters := sdkmetric.NewMeterProvider()
	for name, f := range map[string]func(){
		"no provider":   func() { _, _ = otel.NewObserver(nil) },
		"a nil option":  func() { _, _ = otel.NewObserver(meters, nil) },
		"below nothing": func() { otel.WithMostRoutes(-1) },
		"no tracers":    func() { otel.WithStoreSpans(nil) },
	} {
		func() {
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, cachette.ErrInvalid) {
					t.Errorf("%s: %v", name, err)
				}
			}()
			f()
		}()
	}
	observer, err := otel.NewObserver(meters)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := observer.Register(nil); !errors.Is(err, cachette.ErrInvalid) {
		t.Errorf("no cache: %v", err)
	}
}
