package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// start starts the program without its socket, in memory unless the environment says otherwise.
func start(t *testing.T) (*gin.Engine, *cachette.Cache) {
	t.Helper()
	gin.SetMode(gin.TestMode)
	r := gin.New()
	cache, _, err := open(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cache.Close() })
	return r, cache
}

func ask(r *gin.Engine, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

// tableFrom is what /table answers.
func tableFrom(t *testing.T, r *gin.Engine) (got table) {
	t.Helper()
	w := ask(r, "GET", "/table")
	if err := json.Unmarshal(w.Body.Bytes(), &got); w.Code != http.StatusOK || err != nil {
		t.Fatalf("/table: %d, %v, %s", w.Code, err, w.Body)
	}
	return got
}

// What the example tells its reader to try comes out as it says.
func TestWhatItTellsToTry(t *testing.T) {
	r, _ := start(t)
	chart := ""
	for _, step := range []struct {
		what, method, path, contentType, cacheStatus, body string
	}{
		{"the page", "GET", "/", "text/html; charset=utf-8", "", `<img src="/chart.svg"`},
		{"a miss", "GET", "/chart.svg", "image/svg+xml", "cachette; fwd=uri-miss; stored", "<svg "},
		{"a hit", "GET", "/chart.svg", "image/svg+xml", "cachette; hit; ttl=", "<svg "},
		{"the numbers", "GET", "/table", "application/json; charset=utf-8", "", `"rows": 144`},
		{"a new frame", "POST", "/frame", "text/plain; charset=utf-8", "", "put"},
		{"a new chart", "GET", "/chart.svg", "image/svg+xml", "cachette; fwd=uri-miss; stored", "<svg "},
	} {
		w := ask(r, step.method, step.path)
		status := w.Header().Get("Cache-Status")
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != step.contentType ||
			!strings.HasPrefix(status, step.cacheStatus) || !strings.Contains(w.Body.String(), step.body) {
			t.Errorf("%s: %d, Content-Type %q, Cache-Status %q, %.80q", step.what, w.Code, w.Header().Get("Content-Type"), status, w.Body)
		}
		if step.path == "/chart.svg" {
			if chart != "" && w.Body.String() != chart {
				t.Errorf("%s: another chart of the same frame", step.what)
			}
			chart = w.Body.String()
		}
	}
}

// Where there is no frame, or one that cannot be charted, the answer says so and is not kept.
func TestNoFrame(t *testing.T) {
	r, cache := start(t)
	for _, row := range []struct {
		what string
		do   func() error
		code int
		body string
	}{
		{"none", func() error { _, err := cache.Delete(t.Context(), key); return err }, http.StatusNotFound,
			"curl -X POST http://example.com/frame"},
		{"one of other columns", func() error {
			return cache.Put(t.Context(), key, []struct {
				Time time.Time `arrow:"time"`
			}{{time.Now()}}, 0)
		}, http.StatusInternalServerError, `"attic"`},
		{"one that was put", func() error { ask(r, "POST", "/frame"); return nil }, http.StatusOK, "attic"},
	} {
		if err := row.do(); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/chart.svg", "/table"} {
			if w := ask(r, "GET", path); w.Code != row.code || !strings.Contains(w.Body.String(), row.body) {
				t.Errorf("%s, %s: %d, %.200s; want %d, %q", row.what, path, w.Code, w.Body, row.code, row.body)
			}
		}
	}
}

// The numbers are those of the frame.
func TestTable(t *testing.T) {
	r, cache := start(t)
	frame := []reading{
		{time.Unix(0, 0), new(1.5), nil, new(-4.0)},
		{time.Unix(600, 0), nil, nil, new(-2.0)},
		{time.Unix(1200, 0), new(4.5), nil, new(0.0)},
	}
	if err := cache.Put(t.Context(), key, frame, time.Hour); err != nil {
		t.Fatal(err)
	}
	got := tableFrom(t, r)
	if left, err := time.ParseDuration(got.TTL); err != nil || left > time.Hour || left < 50*time.Minute {
		t.Errorf("it expires in %q", got.TTL)
	}
	want := table{3, []string{"time", "attic", "cellar", "garden"}, got.TTL, []summary{
		{"attic", 2, 1, &extent{1.5, 3, 4.5}},
		{"cellar", 0, 3, nil},
		{"garden", 3, 0, &extent{-4, -2, 0}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// In Redis keys are as Python writes them; elsewhere Python is not, and Go puts a frame.
func TestConfig(t *testing.T) {
	for _, row := range []struct {
		backend, address string
		plain            bool
	}{{"", "", false}, {"inmemory", "", false}, {"", "CACHETTE_URL", true}, {"redis", "CACHETTE_REDIS_URL", true}} {
		t.Run(row.backend+row.address, func(t *testing.T) {
			if row.backend != "" {
				t.Setenv("CACHETTE_BACKEND", row.backend)
			}
			if row.address != "" {
				t.Setenv(row.address, "redis://cache.example")
			}
			cfg, err := config()
			if err != nil || cfg.Codec != "feather" || cfg.PlainKeys != row.plain {
				t.Errorf("codec %q, plain keys %t, %v", cfg.Codec, cfg.PlainKeys, err)
			}
		})
	}
}
