package prometheus_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
	_ "github.com/gin-cachette/cachette/compress"
	metrics "github.com/gin-cachette/cachette/metrics/prometheus"
)

// scraped is what a scrape has, by name.
type scraped map[string]*dto.MetricFamily

// endpoint returns a server of a registry on a loopback address, with the collectors.
func endpoint(t testing.TB, collectors ...prometheus.Collector) *httptest.Server {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	for _, collector := range collectors {
		if err := registry.Register(collector); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}))
	t.Cleanup(server.Close)
	return server
}

// scrape reads what Prometheus would, by its own parser.
func scrape(t testing.TB, server *httptest.Server) (scraped, string) {
	t.Helper()
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", response.Status, text, err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return families, string(text)
}

// value returns the value of a series, or that it is not there. Of a histogram it is the count.
func (s scraped) value(name string, labels ...string) (float64, bool) {
	for _, m := range s[name].GetMetric() {
		got := map[string]string{}
		for _, l := range m.GetLabel() {
			got[l.GetName()] = l.GetValue()
		}
		want := map[string]string{}
		for i := 0; i < len(labels); i += 2 {
			want[labels[i]] = labels[i+1]
		}
		if maps.Equal(got, want) {
			return valueOf(m), true
		}
	}
	return 0, false
}

func valueOf(m *dto.Metric) float64 {
	switch {
	case m.Counter != nil:
		return m.Counter.GetValue()
	case m.Gauge != nil:
		return m.Gauge.GetValue()
	}
	return float64(m.GetHistogram().GetSampleCount())
}

// site is an engine whose routes come out in many ways, on a store in memory or on one of bytes.
func site(t testing.TB, configure ...func(*cachette.Config)) *cachettetest.Engine {
	e := cachettetest.New(t, configure...)
	page := func(c *gin.Context) {
		if cc := c.Query("cc"); cc != "" {
			c.Header("Cache-Control", cc)
		}
		if c.Query("fail") != "" {
			c.Status(http.StatusInternalServerError)
			return
		}
		c.String(http.StatusOK, strings.Repeat("page ", 300))
	}
	e.GET("/pages/:n", cachette.Cached(time.Minute, cachette.WithCompression()), page)
	e.GET("/others/:n", cachette.Cached(time.Minute), page)
	e.NoRoute(cachette.Cached(time.Minute), page)
	return e
}

// visit has all of a site's routes come out in several ways.
func visit(e *cachettetest.Engine) {
	for _, path := range []string{"/pages/1", "/pages/2", "/others/1", "/none"} {
		for _, query := range []string{"", "?cc=private", "?cc=no-store", "?fail=1", "?cc=max-age=1,stale-while-revalidate=60"} {
			for range 2 {
				e.Get(path+query, "Accept-Encoding: gzip")
			}
		}
		e.Get(path, "Upgrade: websocket", "Connection: Upgrade")
		e.Get(path+"?new", "Cache-Control: only-if-cached")
	}
}

// stores keep responses as live objects, and as bytes.
var stores = map[string]func(*cachette.Config){
	"memory": func(*cachette.Config) {},
	"bytes":  func(cfg *cachette.Config) { cachettetest.NewStore().Use(cfg) },
}

// What a scrape has equals Stats, number by number, and is named as Prometheus wants it.
func TestScrapeEqualsStats(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			e := site(t, store)
			visit(e)
			collector := metrics.NewCollector(e.Cache)
			got, _ := scrape(t, endpoint(t, collector))
			stats := e.Cache.Stats()
			series := 0
			holds := func(name string, want float64, labels ...string) {
				t.Helper()
				series++
				if value, ok := got.value(name, labels...); !ok || value != want {
					t.Errorf("%s%q is %v (%t), want %v", name, labels, value, ok, want)
				}
			}
			for pattern, r := range stats.Routes {
				route := pattern
				if route == "" {
					route = "none"
				}
				for outcome, n := range r.All() {
					holds("cachette_requests_total", float64(n), "route", route, "outcome", outcome)
				}
				for reason, n := range r.Refused {
					holds("cachette_refused_total", float64(n), "route", route, "reason", reason)
				}
				for reason, n := range r.Bypasses {
					holds("cachette_bypassed_total", float64(n), "route", route, "reason", reason)
				}
				holds("cachette_fill_duration_seconds", float64(r.Fills.Count), "route", route)
				holds("cachette_refreshes_total", float64(r.Refreshes), "route", route)
				holds("cachette_saved_seconds_total", r.Saved.Seconds(), "route", route)
			}
			for operation, o := range stats.Store.All() {
				for result, n := range o.All() {
					holds("cachette_store_operations_total", float64(n), "operation", operation, "result", result)
				}
				holds("cachette_store_operation_duration_seconds", float64(o.Took.Count), "operation", operation)
				holds("cachette_store_transferred_bytes_total", float64(o.Bytes), "operation", operation)
			}
			for _, operation := range []string{"read", "write", "removal"} {
				holds("cachette_store_state", 0, "operation", operation)
			}
			for name, want := range map[string]float64{
				"stored_total": float64(stats.Stored), "too_large_total": float64(stats.TooLarge), "dropped_total": float64(stats.Dropped),
				"untagged_total": float64(stats.Untagged), "uncaptured_total": float64(stats.Uncaptured), "cut_off_total": float64(stats.CutOff),
				"store_failures_total": float64(stats.StoreFailures), "near_hits_total": float64(stats.NearHits), "owed": float64(stats.Owed),
				"waiting": float64(stats.Waiting), "waiting_size_bytes": float64(stats.WaitingBytes),
			} {
				holds("cachette_"+name, want)
			}
			for coding, c := range stats.Codings {
				holds("cachette_coded_made_total", float64(c.Made), "coding", coding)
				holds("cachette_coded_content_bytes_total", float64(c.Content), "coding", coding)
				holds("cachette_coded_size_bytes_total", float64(c.Bytes), "coding", coding)
				holds("cachette_coded_found_total", float64(c.Found), "coding", coding)
				holds("cachette_coded_served_total", float64(c.Served), "coding", coding)
			}
			if stats.Codings["gzip"].Served == 0 {
				t.Errorf("nothing was served in a coding: %+v", stats.Codings)
			}
			for tier, m := range map[string]cachette.MemoryStats{"store": stats.Memory, "forms": stats.Forms} {
				if m.Limit == 0 {
					continue
				}
				holds("cachette_memory_entries", float64(m.Entries), "tier", tier)
				holds("cachette_memory_used_bytes", float64(m.Bytes), "tier", tier)
				holds("cachette_memory_limit_bytes", float64(m.Limit), "tier", tier)
				holds("cachette_memory_evictions_total", float64(m.Evictions), "tier", tier)
			}
			if (stats.Memory.Limit == 0) == (stats.Forms.Limit == 0) {
				t.Errorf("the store holds %+v, and the forms %+v", stats.Memory, stats.Forms)
			}
			there := 0
			for _, family := range got {
				there += len(family.Metric)
			}
			if there != series || len(stats.Routes) != 3 {
				t.Errorf("%d series are there, and %d were looked for; routes: %v", there, series, slices.Sorted(maps.Keys(stats.Routes)))
			}
			if problems, err := testutil.CollectAndLint(collector); err != nil || len(problems) != 0 {
				t.Errorf("lint: %v, %v", problems, err)
			}
		})
	}
}

// Histograms have what Durations have, bucket by bucket, as Prometheus counts them.
func TestHistograms(t *testing.T) {
	e := site(t)
	visit(e)
	got, _ := scrape(t, endpoint(t, metrics.NewCollector(e.Cache)))
	for _, m := range got["cachette_fill_duration_seconds"].GetMetric() {
		route := m.GetLabel()[0].GetValue()
		if route == "none" {
			route = ""
		}
		want, h := e.Cache.Stats().Routes[route].Fills, m.GetHistogram()
		n := uint64(0)
		for i, bound := range cachette.DurationBounds() {
			n += want.Buckets[i]
			if b := h.GetBucket()[i]; b.GetUpperBound() != bound.Seconds() || b.GetCumulativeCount() != n {
				t.Errorf("bucket %d: %v", i, b)
			}
		}
		if h.GetSampleSum() != want.Sum.Seconds() || h.GetSampleCount() != want.Count || want.Count == 0 {
			t.Errorf("%d in %v s, want %d in %v", h.GetSampleCount(), h.GetSampleSum(), want.Count, want.Sum)
		}
	}
}

// No counter goes down and no series goes away while requests run, also where routes come that have no label of their own.
func TestCountersNeverGoDown(t *testing.T) {
	e := cachettetest.New(t)
	for n := range 40 {
		e.GET(fmt.Sprintf("/%d/:id", n), cachette.Cached(time.Minute), func(c *gin.Context) { c.Header("Cache-Control", c.Query("cc")); c.String(http.StatusOK, "page") })
	}
	server := endpoint(t, metrics.NewCollector(e.Cache, metrics.WithMostRoutes(10)))
	var visitors sync.WaitGroup
	for visitor := range 4 {
		visitors.Go(func() {
			for n := range 400 {
				// From the last route to the first, so that names in order do not come in order.
				for _, cc := range []string{"max-age=60", "private"} {
					w := httptest.NewRecorder()
					e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, fmt.Sprintf("/%d/%d?cc=%s", 39-n/10, n%7+visitor, cc), nil))
				}
			}
		})
	}
	before := map[string]float64{}
	over := make(chan struct{})
	go func() { visitors.Wait(); close(over) }()
	for last := false; !last; {
		select {
		case <-over:
			last = true
		default:
		}
		_, text := scrape(t, server)
		now := map[string]float64{}
		for line := range strings.Lines(text) {
			var value float64
			i := strings.LastIndexByte(line, ' ')
			if _, err := fmt.Sscan(line[i+1:], &value); strings.HasPrefix(line, "#") || err != nil {
				continue
			}
			name, _, _ := strings.Cut(line[:i], "{")
			if strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_bucket") || strings.HasSuffix(name, "_count") || strings.HasSuffix(name, "_sum") {
				now[line[:i]] = value
			}
		}
		for series, value := range before {
			if after, ok := now[series]; !ok || after < value {
				t.Fatalf("%s was %v, and is %v", series, value, after)
			}
		}
		before = now
	}
	total := 0.0
	for series, value := range before {
		if strings.HasPrefix(series, "cachette_requests_total") {
			total += value
		}
	}
	if total != 4*400*2 {
		t.Errorf("%v requests in all, want %d", total, 4*400*2)
	}
	if before[`cachette_requests_total{outcome="miss",route="other"}`] == 0 {
		t.Error("none of the other routes was counted")
	}
}

// A thousand routes, each with all that a client can make of them, have no more series than docs/metrics.md says.
func TestRoutesAreBounded(t *testing.T) {
	const routes, most = 1000, 200
	e := cachettetest.New(t)
	page := func(c *gin.Context) {
		if cc := c.Query("cc"); cc != "" {
			c.Header("Cache-Control", cc)
		}
		c.String(http.StatusOK, "page")
	}
	for n := range routes {
		e.GET(fmt.Sprintf("/%d/:id", n), cachette.Cached(time.Minute), page)
	}
	collector := metrics.NewCollector(e.Cache)
	for n := range routes {
		for _, query := range []string{"", "", "?cc=private", "?cc=no-store", "?cc=no-cache"} {
			cachettetest.Do(t, e, http.MethodGet, fmt.Sprintf("/%d/1%s", n, query))
		}
		cachettetest.Do(t, e, http.MethodGet, fmt.Sprintf("/%d/1", n), "Upgrade: websocket", "Connection: Upgrade")
		cachettetest.Do(t, e, http.MethodGet, fmt.Sprintf("/%d/9", n), "Cache-Control: only-if-cached")
	}
	got, text := scrape(t, endpoint(t, collector))
	labels := map[string]bool{}
	total := 0.0
	for _, m := range got["cachette_requests_total"].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "route" {
				labels[l.GetValue()] = true
			}
		}
		total += m.GetCounter().GetValue()
	}
	if len(labels) != most+1 || !labels["other"] || total != routes*7 {
		t.Errorf("%d labels of routes, %v requests", len(labels), total)
	}
	if n := strings.Count(text, "\n"); n > 60*(most+1) {
		t.Errorf("%d lines", n)
	}
}

// Several caches are in one registry by labels of their own.
func TestSeveralCaches(t *testing.T) {
	a, b := site(t), site(t)
	visit(a)
	got, _ := scrape(t, endpoint(t,
		metrics.NewCollector(a.Cache, metrics.WithConstLabels(prometheus.Labels{"cache": "a"})),
		metrics.NewCollector(b.Cache, metrics.WithConstLabels(prometheus.Labels{"cache": "b"}))))
	if value, ok := got.value("cachette_stored_total", "cache", "a"); !ok || value == 0 {
		t.Errorf("a: %v, %t", value, ok)
	}
	if value, ok := got.value("cachette_stored_total", "cache", "b"); !ok || value != 0 {
		t.Errorf("b: %v, %t", value, ok)
	}
}

// The state of a store that fails is told, and what it owes; patterns that are no UTF-8 are told as such.
func TestStoreIsDown(t *testing.T) {
	store := cachettetest.NewStore()
	e := cachettetest.New(t, store.Use)
	e.GET("/\xff/:id", cachette.Cached(time.Minute), func(c *gin.Context) { c.String(http.StatusOK, "page") })
	e.Get("/%ff/1")
	store.Fail(func(context.Context, cachettetest.Operation) error { return errors.New("away") })
	for range 4 {
		e.Get("/%ff/2")
	}
	_ = e.Cache.PurgePath(context.Background(), "/x")
	got, _ := scrape(t, endpoint(t, metrics.NewCollector(e.Cache)))
	if value, _ := got.value("cachette_store_state", "operation", "read"); value != 2 {
		t.Errorf("state: %v", value)
	}
	if value, _ := got.value("cachette_owed"); value == 0 {
		t.Error("nothing is owed")
	}
	if value, ok := got.value("cachette_requests_total", "route", "/\uFFFD/:id", "outcome", "miss"); !ok || value != 5 {
		t.Errorf("misses: %v, %t", value, ok)
	}
}

// Nothing secret of requests, or of what is stored, is in a scrape.
func TestNoSecrets(t *testing.T) {
	const secret = "hunter2"
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			e := site(t, store, func(cfg *cachette.Config) { cfg.KeyPrefix = secret })
			for range 2 {
				for _, path := range []string{"/pages/", "/others/", "/none/"} {
					e.Get(path+secret+"?password="+secret, "Cookie: session="+secret, "Authorization: Bearer "+secret, secret+": "+secret)
				}
			}
			_ = e.Cache.Put(t.Context(), secret, secret, time.Minute)
			_ = e.Cache.PurgePath(t.Context(), "/pages/"+secret)
			if _, text := scrape(t, endpoint(t, metrics.NewCollector(e.Cache))); strings.Contains(text, secret) || !strings.Contains(text, "/pages/:n") {
				t.Errorf("scraped:\n%s", text)
			}
		})
	}
}

// A mistake is told where it is made.
func TestMisuse(t *testing.T) {
	e := site(t)
	for name, f := range map[string]func(){
		"no cache":      func() { metrics.NewCollector(nil) },
		"a nil option":  func() { metrics.NewCollector(e.Cache, nil) },
		"below nothing": func() { metrics.WithMostRoutes(-1) },
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
	for _, label := range []string{"route", "not a label\xff"} {
		err := prometheus.NewRegistry().Register(metrics.NewCollector(e.Cache, metrics.WithConstLabels(prometheus.Labels{label: "x"})))
		if err == nil {
			t.Errorf("%q was taken for a label", label)
		}
	}
}
