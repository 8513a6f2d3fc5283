// Package metrics has the tests of what is exported, by the programs that read it.
package metrics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
	"github.com/gin-cachette/cachette/integration/servers"
	"github.com/gin-cachette/cachette/internal/testservers"
	metrics "github.com/gin-cachette/cachette/metrics/prometheus"
)

const alerts = "../../metrics/prometheus/alerts.yml"

// scraper is a real Prometheus.
type scraper struct {
	t   *testing.T
	url string
}

// scrape starts a Prometheus that scrapes a target and has the alerts for its rules.
func scrape(t *testing.T, target string) scraper {
	t.Helper()
	if _, err := exec.LookPath("prometheus"); err != nil {
		if os.Getenv("CACHETTE_TEST_REQUIRED") != "" {
			t.Fatal("prometheus is not installed, and CACHETTE_TEST_REQUIRED is set")
		}
		t.Skip("prometheus is not installed")
	}
	rules, err := filepath.Abs(alerts)
	if err != nil {
		t.Fatal(err)
	}
	port, err := testservers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	dir, address := t.TempDir(), "127.0.0.1:"+strconv.Itoa(port)
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf(`
global: {scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms}
rule_files: [%q]
scrape_configs: [{job_name: shop, static_configs: [{targets: [%q]}]}]
`, rules, target)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s := scraper{t, "http://" + address}
	process, err := servers.Start(t.Context(), "prometheus", s.ready, "prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s scraper) ready(ctx context.Context) error { return s.get(ctx, "/-/ready", nil) }

// get asks Prometheus, and reads what it answers with into data, if that is not nil.
func (s scraper) get(ctx context.Context, path string, data any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	if data == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(&struct{ Data any }{data})
}

// eventually asks until what is asked holds: a scrape and an evaluation come by their clocks. What holds says what is still wrong, or nothing.
func (s scraper) eventually(path string, data any, holds func() string) {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if err := s.get(s.t.Context(), path, data); err != nil {
			s.t.Fatal(path, err)
		}
		wrong := holds()
		if wrong == "" {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal(wrong)
		}
	}
}

// series returns what a registry has, by the names and labels, but for the buckets of histograms.
func series(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			name := family.GetName()
			switch {
			case m.Counter != nil:
				all[name+fmt.Sprint(labels)] = m.Counter.GetValue()
			case m.Gauge != nil:
				all[name+fmt.Sprint(labels)] = m.Gauge.GetValue()
			default:
				all[name+"_count"+fmt.Sprint(labels)] = float64(m.Histogram.GetSampleCount())
				all[name+"_sum"+fmt.Sprint(labels)] = m.Histogram.GetSampleSum()
			}
		}
	}
	return all
}

// sample is one of what a query has found.
type sample struct {
	Metric map[string]string
	Value  [2]any // a time, and a number as text
}

func (s sample) read(t *testing.T) (name string, value float64) {
	t.Helper()
	labels := maps.Clone(s.Metric)
	for _, own := range []string{"__name__", "job", "instance"} {
		delete(labels, own)
	}
	value, err := strconv.ParseFloat(fmt.Sprint(s.Value[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return s.Metric["__name__"] + fmt.Sprint(labels), value
}

// A running Prometheus has all series of a collector, with their numbers, and has taken each rule; that of a store which is down is about to fire.
func TestPrometheus(t *testing.T) {
	store := cachettetest.NewStore()
	e := cachettetest.New(t, store.Use)
	e.GET("/pages/:n", cachette.Cached(time.Minute), func(c *gin.Context) {
		if cc := c.Query("cc"); cc != "" {
			c.Header("Cache-Control", cc)
		}
		c.String(http.StatusOK, "page")
	})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics.NewCollector(e.Cache))
	target := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}))
	t.Cleanup(target.Close)
	address, err := url.Parse(target.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/pages/1", "/pages/1", "/pages/2", "/pages/3?cc=private"} {
		e.Get(path)
	}
	store.Fail(func(context.Context, cachettetest.Operation) error { return errors.New("away") })
	for n := range 5 {
		e.Get(fmt.Sprintf("/pages/%d", 10+n))
	}
	e.Cache.Settle(t.Context())
	s := scrape(t, address.Host)

	want := series(t, registry)
	if want["cachette_requests_total"+fmt.Sprint(map[string]string{"outcome": "hit", "route": "/pages/:n"})] != 1 || len(want) < 50 {
		t.Fatalf("the registry has %v", want)
	}
	var found struct{ Result []sample }
	s.eventually("/api/v1/query?query="+url.QueryEscape(`{__name__=~"cachette_.+",__name__!~".+_bucket"}`), &found, func() string {
		got := map[string]float64{}
		for _, sample := range found.Result {
			name, value := sample.read(t)
			got[name] = value
		}
		if want = series(t, registry); maps.Equal(got, want) {
			return ""
		}
		return fmt.Sprintf("Prometheus has %v\nthe registry %v", got, want)
	})
	s.rulesHold(t)
	var firing struct {
		Alerts []struct{ Labels map[string]string }
	}
	s.eventually("/api/v1/alerts", &firing, func() string {
		for _, alert := range firing.Alerts {
			if alert.Labels["alertname"] == "CachetteStoreDown" && alert.Labels["operation"] == "read" {
				return ""
			}
		}
		return fmt.Sprintf("the store is down, and the alerts are %v", firing.Alerts)
	})
}

// rulesHold has Prometheus evaluate each of the alerts.
func (s scraper) rulesHold(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(alerts)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, rule := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(string(text), -1) {
		names = append(names, rule[1])
	}
	var loaded struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	s.eventually("/api/v1/rules", &loaded, func() string {
		var good []string
		for _, group := range loaded.Groups {
			for _, rule := range group.Rules {
				if rule.Health == "ok" {
					good = append(good, rule.Name)
				}
			}
		}
		if slices.Equal(good, names) && len(good) > 0 {
			return ""
		}
		return fmt.Sprintf("the rules are %v, want %v", loaded, names)
	})
}
