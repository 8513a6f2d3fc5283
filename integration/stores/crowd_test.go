package stores_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
)

var rounds = flag.Int("rounds", 2, "how many pages TestCrowdFarAway has a crowd ask for, and how many times the tests of values go on")

// far returns an address that is as good as 20 milliseconds away from the server that listens on a port.
func far(t *testing.T, port int) (address string) {
	t.Helper()
	p := proxy.New(t, fmt.Sprintf("127.0.0.1:%d", port))
	p.Delay(10 * time.Millisecond)
	return p.Addr()
}

// A crowd that asks for a page that is not stored has its handler run once, in memory, on Redis, and on a Redis that is far away, whatever
// the requests of it ask for (RFC 9111 §4, RFC 9110 §9.3.2, §14.2).
func TestCrowdFarAway(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"InMemory", "Redis", "FarAway"} {
		t.Run(store, func(t *testing.T) {
			cfg := cachette.Config{}
			if store != "InMemory" {
				server := newRedis(t)
				server.start(t)
				cfg = cachette.Config{Backend: "redis", RedisURL: server.url(), OperationTimeout: patient}
				if store == "FarAway" {
					cfg.RedisURL = "redis://" + far(t, server.port)
				}
			}
			s := newSite(t, cfg)
			for kind, crowd := range crowds {
				var runs atomic.Int64
				s.Match([]string{http.MethodGet, http.MethodHead}, "/"+kind+"/:n", cachette.Cached(time.Hour), func(c *gin.Context) {
					runs.Add(1)
					time.Sleep(300 * time.Millisecond)
					c.String(http.StatusOK, "page")
				})
				if _, err := s.ask(http.MethodGet, "/"+kind+"/first", "page"); err != nil { // by which the cache knows the route's handlers
					t.Fatal(err)
				}
				for round := range *rounds {
					runs.Store(0)
					crowd.asks(t, s, fmt.Sprintf("/%s/%d", kind, round))
					if n := runs.Load(); n < 1 || n > crowd.most {
						t.Errorf("%s, round %d: the handler ran %d times, want %d at most", kind, round, n, crowd.most)
					}
				}
			}
		})
	}
}

// A crowd is 400 clients of one page, of which some ask in a way of their own.
type crowd struct {
	each   int // one of so many does
	method string
	fields http.Header
	leaves bool // 50 milliseconds after it came
	most   int64
}

var crowds = map[string]crowd{
	"leaving": {each: 4, leaves: true, most: 1},
	"head":    {each: 2, method: http.MethodHead, most: 1},
	"ranges":  {each: 2, fields: http.Header{"Range": {"bytes=1-2"}}, most: 1},
	"reloads": {each: 10, fields: http.Header{"Cache-Control": {"no-cache"}}, most: 3},
}

// asks has all of them ask at once.
func (c crowd) asks(t *testing.T, s *site, path string) {
	var all sync.WaitGroup
	for i := range 400 {
		all.Go(func() {
			ctx, leave := context.WithCancel(context.WithValue(t.Context(), http.ServerContextKey, new(http.Server)))
			defer leave()
			r := httptest.NewRequest(http.MethodGet, path, nil).WithContext(ctx)
			own := i%c.each == c.each-1
			if own {
				if r.Header = c.fields.Clone(); r.Header == nil {
					r.Header = make(http.Header)
				}
				if c.method != "" {
					r.Method = c.method
				}
				if c.leaves {
					defer time.AfterFunc(50*time.Millisecond, leave).Stop()
				}
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			switch got := w.Body.String(); {
			case w.Code == http.StatusOK && got == "page", own && c.leaves:
			case own && w.Code == http.StatusPartialContent && got == "ag":
			default:
				t.Errorf("%s %s: %d %q (%s)", r.Method, path, w.Code, got, w.Header().Get("Cache-Status"))
			}
		})
	}
	all.Wait()
}

// Many pages of a namespace that are not stored, and are asked for at once, are all stored: the mark that they share is made once, and
// nothing of it makes a healthy store that is far away look dead.
func TestColdNamespaceOnARedisFarAway(t *testing.T) {
	t.Parallel()
	server := newRedis(t)
	server.start(t)
	s := newSite(t, cachette.Config{Backend: "redis", RedisURL: "redis://" + far(t, server.port), OperationTimeout: patient})
	s.GET("/:n", cachette.Cached(time.Hour, cachette.WithNamespace("cold")), text("page"))
	const pages = 1_000
	var all sync.WaitGroup
	began := time.Now()
	for i := range pages {
		all.Go(func() {
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, fmt.Sprint("/", i), nil))
			if status := w.Header().Get("Cache-Status"); w.Code != http.StatusOK || !strings.HasSuffix(status, "; stored") {
				t.Errorf("page %d: %d (%s)", i, w.Code, status)
			}
		})
	}
	all.Wait()
	t.Logf("it took %v", time.Since(began))
	if stats := s.cache.Stats(); stats.StoreFailures > 0 {
		t.Errorf("%d operations on the store have failed", stats.StoreFailures)
	}
}
