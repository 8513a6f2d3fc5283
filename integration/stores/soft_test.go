package stores_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A soft purge by one program is stale to another one on the same server, which refreshes the page for both; a hard one behind a soft one leaves
// nothing.
func TestSoftPurge(t *testing.T) {
	configs := map[string]func(addr string) cachette.Config{
		"redis": func(addr string) cachette.Config {
			return cachette.Config{Backend: "redis", RedisURL: "redis://" + addr}
		},
		"memcached": func(addr string) cachette.Config { return cachette.Config{Backend: "memcached", MemcachedHost: addr} },
		"mongodb": func(addr string) cachette.Config {
			return cachette.Config{Backend: "mongodb", MongoDBURL: "mongodb://" + addr + "/?heartbeatFrequencyMS=3600000"}
		},
		"dynamodb": func(addr string) cachette.Config {
			return cachette.Config{Backend: "dynamodb", DynamoDBURL: "http://" + addr}
		},
	}
	for name, start := range countedStores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here := start(t)
			cfg := configs[name](here.proxy.Addr())
			cfg.OperationTimeout = patient
			there := newSite(t, cfg)
			var version atomic.Int64
			version.Store('1')
			for _, s := range []*site{here.site, there} {
				s.GET("/soft", cachette.Cached(time.Hour, cachette.WithTags("t"), cachette.WithStaleWhileRevalidate(time.Minute)), func(c *gin.Context) {
					c.String(http.StatusOK, string(rune(version.Load())))
				})
			}
			get := func(s *site, want, says string) {
				t.Helper()
				w := httptest.NewRecorder()
				s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/soft", nil))
				if got := w.Header().Get("Cache-Status"); w.Body.String() != want || !strings.Contains(got, says) {
					t.Errorf("%q (%s), want %q (%s)", w.Body, got, want, says)
				}
			}
			refreshed := func(s *site) {
				t.Helper()
				for range 200 {
					w := httptest.NewRecorder()
					s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/soft", nil))
					if w.Body.String() == string(rune(version.Load())) {
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
				t.Error("it is not refreshed")
			}
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			get(here.site, "1", "fwd=uri-miss")
			must(here.cache.Settle(t.Context()))
			get(there, "1", "hit")
			for _, soft := range []func() error{
				func() error { return here.cache.Expire(t.Context(), "t") },
				func() error {
					return here.cache.Purge(t.Context(), cachette.Purge{Paths: []string{"/soft"}, Soft: true})
				},
				func() error {
					return here.cache.Purge(t.Context(), cachette.Purge{Prefixes: []string{"/so"}, Soft: true})
				},
			} {
				version.Add(1)
				must(soft())
				get(there, string(rune(version.Load()-1)), "hit; ttl=0")
				refreshed(there)
				must(there.cache.Settle(t.Context()))
				get(here.site, string(rune(version.Load())), "hit")
			}
			version.Add(1)
			must(here.cache.Expire(t.Context(), "t"))
			must(here.cache.Invalidate(t.Context(), "t"))
			get(there, string(rune(version.Load())), "fwd=uri-miss")
		})
	}
}
