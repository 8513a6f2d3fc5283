package main

import (
	"crypto/rand"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// What the example tells its reader to try comes out as it says.
func TestWhatItTellsToTry(t *testing.T) {
	host := testservers.Find(t, testservers.Memcached)
	prefix := "example-" + rand.Text() + ":"
	t.Setenv("CACHETTE_MEMCACHED_HOST", host)
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
	client := memcache.New(host)
	defer client.Close()
	if item, err := client.Get(prefix + "greeting"); err != nil || string(item.Value) != "hello" {
		t.Errorf("what lies in Memcached is %v, %v", item, err)
	}
	if err := cache.Flush(t.Context()); err != nil {
		t.Errorf("Flush: %v", err)
	}
}

// Without an environment it is the Memcached of docker-compose.yml.
func TestConfig(t *testing.T) {
	for _, row := range []struct{ host, want string }{
		{"", localHost},
		{"cache.example:11212", "cache.example:11212"},
	} {
		t.Setenv("CACHETTE_MEMCACHED_HOST", row.host)
		if row.host == "" {
			os.Unsetenv("CACHETTE_MEMCACHED_HOST")
		}
		cfg, err := config()
		if err != nil || cfg.Backend != "memcached" || cfg.MemcachedHost != row.want {
			t.Errorf("with the host %q: %q, %q, %v", row.host, cfg.Backend, cfg.MemcachedHost, err)
		}
	}
}

// One URL may say it all.
func TestConfigByURL(t *testing.T) {
	t.Setenv("CACHETTE_URL", "memcached://cache.example")
	cfg, err := config()
	if err == nil {
		err = cfg.Validate()
	}
	if err != nil {
		t.Error(err)
	}
}
