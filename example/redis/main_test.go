package main

import (
	"crypto/rand"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// What the example tells its reader to try comes out as it says.
func TestWhatItTellsToTry(t *testing.T) {
	where := testservers.Find(t, testservers.Redis)
	prefix := "example-" + rand.Text() + ":"
	t.Setenv("CACHETTE_REDIS_URL", where)
	t.Setenv("CACHETTE_KEY_PREFIX", prefix)
	t.Setenv("CACHETTE_OPERATION_TIMEOUT", "10s")
	gin.SetMode(gin.TestMode)
	r := gin.New()
	cache, err := cachette.Install(r, config)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	routes(r)

	for _, step := range []struct {
		what, method, path, cacheStatus, body string
		status                                int
	}{
		{"a miss", "GET", "/page", "cachette; fwd=uri-miss; stored", "made at ", 200},
		{"a hit", "GET", "/page", "cachette; hit; ttl=", "made at ", 200},
		{"no value", "GET", "/greeting", "", "there is no greeting", 404},
		{"a value is put", "PUT", "/greeting/hello", "", "put", 200},
		{"and fetched", "GET", "/greeting", "", "hello, for another ", 200},
	} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(step.method, step.path, nil))
		if w.Code != step.status || !strings.HasPrefix(w.Header().Get("Cache-Status"), step.cacheStatus) ||
			!strings.HasPrefix(w.Body.String(), step.body) {
			t.Errorf("%s: %d, Cache-Status %q, %q; want %d, %q, %q", step.what, w.Code, w.Header().Get("Cache-Status"), w.Body,
				step.status, step.cacheStatus, step.body)
		}
	}
	// The value lies there as other programs read it.
	options, err := redis.ParseURL(where)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	if text, err := client.Get(t.Context(), prefix+"greeting").Result(); err != nil || text != "hello" {
		t.Errorf("what lies in Redis is %q, %v", text, err)
	}
	if err := cache.Flush(t.Context()); err != nil {
		t.Errorf("Flush: %v", err)
	}
}

// Without an environment it is the Redis of docker-compose.yml.
func TestConfig(t *testing.T) {
	for _, row := range []struct{ url, want string }{
		{"", localURL},
		{"redis://cache.example:6380/1", "redis://cache.example:6380/1"},
	} {
		t.Setenv("CACHETTE_REDIS_URL", row.url)
		if row.url == "" {
			os.Unsetenv("CACHETTE_REDIS_URL")
		}
		cfg, err := config()
		if err != nil || cfg.Backend != "redis" || cfg.RedisURL != row.want {
			t.Errorf("with the URL %q: %q, %q, %v", row.url, cfg.Backend, cfg.RedisURL, err)
		}
	}
}

// One URL may say it all.
func TestConfigByURL(t *testing.T) {
	t.Setenv("CACHETTE_URL", "redis://cache.example")
	cfg, err := config()
	if err == nil {
		err = cfg.Validate()
	}
	if err != nil {
		t.Error(err)
	}
}
