package behaviour_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Each request of a client is counted once, by its route and by what became of it, and as its Cache-Status says (RFC 9211 §2).
func TestRoutesAreCounted(t *testing.T) {
	page := func(c *gin.Context) {
		c.Header("ETag", `"v"`)
		if c.GetHeader("If-None-Match") == `"v"` {
			c.Status(http.StatusNotModified)
			return
		}
		c.String(http.StatusOK, "page")
	}
	for name, row := range map[string]struct {
		ttl     string // Cache-Control of the answers
		handler gin.HandlerFunc
		send    func(s *site)
		want    cachette.Outcomes
	}{
		"misses and hits": {"max-age=60", page, func(s *site) {
			for _, path := range []string{"/1", "/1", "/2", "/1?a", "/1"} {
				s.get(path)
			}
			s.do(http.MethodHead, "/1")
		}, cachette.Outcomes{Misses: 3, Hits: 3}},
		"a client that has it": {"max-age=60", page, func(s *site) {
			s.get("/1")
			s.get("/1", "If-None-Match: \"v\"")
			s.get("/1", "Range: bytes=0-1")
		}, cachette.Outcomes{Misses: 1, Hits: 2}},
		"validated (RFC 9111 §4.3)": {"max-age=1", page, func(s *site) {
			s.get("/1")
			time.Sleep(2 * time.Second)
			s.get("/1")
		}, cachette.Outcomes{Misses: 1, Validated: 1}},
		"stale, as the client allows (RFC 9111 §5.2.1.2)": {"max-age=1", page, func(s *site) {
			s.get("/1")
			time.Sleep(2 * time.Second)
			s.get("/1", "Cache-Control: max-stale")
		}, cachette.Outcomes{Misses: 1, StaleHits: 1}},
		"stale, and refreshed (RFC 5861 §3)": {"max-age=1, stale-while-revalidate=60", page, func(s *site) {
			s.get("/1")
			time.Sleep(2 * time.Second)
			s.get("/1")
			synctest.Wait()
			s.get("/1")
		}, cachette.Outcomes{Misses: 1, StaleHits: 1, Hits: 1}},
		"stale on an error (RFC 5861 §4)": {"max-age=1, stale-if-error=60", failsAfter(1), func(s *site) {
			s.get("/1")
			time.Sleep(2 * time.Second)
			s.get("/1")
		}, cachette.Outcomes{Misses: 1, StaleOnError: 1}},
		"only if cached (RFC 9111 §5.2.1.7)": {"max-age=60", page, func(s *site) {
			s.get("/1", "Cache-Control: only-if-cached")
		}, cachette.Outcomes{Unsatisfiable: 1}},
		"not stored": {"no-store", page, func(s *site) {
			s.get("/1")
			s.get("/1")
		}, cachette.Outcomes{Misses: 2}},
		"past the cache": {"max-age=60", page, func(s *site) {
			s.do(http.MethodPost, "/1")
			s.get("/1", "Upgrade: websocket", "Connection: Upgrade")
		}, cachette.Outcomes{Bypassed: 2}},
		"waiting for another (RFC 9111 §4)": {"max-age=60", inASecond(page), func(s *site) {
			answers := together(5, func(int) answer { return s.served(context.Background(), http.MethodGet, "/1") })
			for range 5 {
				<-answers
			}
		}, cachette.Outcomes{Misses: 1, Collapsed: 4}},
		"a handler that panics": {"max-age=60", func(*gin.Context) { panic("no page") }, func(s *site) {
			defer func() { _ = recover() }()
			s.get("/1")
		}, cachette.Outcomes{Misses: 1}},
	} {
		for kind, store := range map[string]func(*cachette.Config){"memory": func(*cachette.Config) {}, "bytes": func(cfg *cachette.Config) { cfg.Driver = newShelf() }} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					s.Any("/:n", cachette.Cached(0), func(c *gin.Context) {
						c.Header("Cache-Control", row.ttl)
						row.handler(c)
					})
					s.GET("/other", cachette.Cached(time.Minute), page)
					row.send(s)
					routes := s.cache.Stats().Routes
					if got := routes["/:n"].Outcomes; got != row.want {
						t.Errorf("counted: %+v; want %+v", got, row.want)
					}
					if got := routes["/other"].Outcomes; got != (cachette.Outcomes{}) {
						t.Errorf("of another route: %+v", got)
					}
				})
			})
		}
	}
}

// What goes on to another Cached is counted of that one, once, and of the route by which it came.
func TestNestedRoutesAreCountedOnce(t *testing.T) {
	s := newSite(t)
	group := s.Group("/", cachette.Cached(time.Hour))
	group.GET("/inner/:n", cachette.Cached(time.Hour, cachette.WithNamespace("inner")), text("page"))
	group.GET("/led", func(c *gin.Context) {
		c.Request.URL.Path = "/inner/1"
		s.HandleContext(c)
	})
	for range 3 {
		s.get("/inner/1")
	}
	s.get("/led")
	routes := s.cache.Stats().Routes
	var all uint64
	for _, r := range routes {
		all += r.Hits + r.Misses + r.Bypassed + r.Collapsed + r.StaleHits + r.Validated
	}
	if got := routes["/inner/:n"]; all != 4 || got.Misses < 1 || got.Hits < 2 {
		t.Errorf("of four requests: %+v", routes)
	}
}

// failsAfter returns a handler that answers n requests, and fails from then on.
func failsAfter(n int64) gin.HandlerFunc {
	var runs atomic.Int64
	return func(c *gin.Context) {
		if runs.Add(1) > n {
			c.Status(http.StatusInternalServerError)
			return
		}
		c.String(http.StatusOK, "page")
	}
}

// inASecond returns a handler that takes a second.
func inASecond(handler gin.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		time.Sleep(time.Second)
		handler(c)
	}
}

// What became of the operations on the store can be read by their kind, those on values and on responses alike, and whether more of them
// go to it.
func TestOperationsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newDepot()
		s := newSite(t, func(cfg *cachette.Config) { cfg.Driver = store })
		s.GET("/:n", cachette.Cached(time.Minute), text("page"))
		var value string
		is := func(when string, got, want cachette.OperationStats) {
			t.Helper()
			if want.State == "" {
				want.State = "closed"
			}
			if got != want {
				t.Errorf("%s: %+v, want %+v", when, got, want)
			}
		}
		_ = s.cache.Fetch(t.Context(), "key", &value)
		_ = s.cache.Put(t.Context(), "key", "value", 0)
		_ = s.cache.Fetch(t.Context(), "key", &value)
		_ = s.cache.Ping(t.Context())
		if _, err := s.cache.Delete(t.Context(), "key"); err != nil {
			t.Fatal(err)
		}
		after := s.cache.Stats().Store
		is("read", after.Reads, cachette.OperationStats{Done: 1, Missed: 2, Bytes: 5}) // whether there are near tiers, too
		is("written", after.Writes, cachette.OperationStats{Done: 1, Bytes: 5})
		is("removed", after.Removals, cachette.OperationStats{Done: 2}) // its mark, too
		is("asked whether it answers", after.Pings, cachette.OperationStats{Done: 1})

		for range 3 {
			s.get("/1")
			_ = s.cache.PurgePath(t.Context(), "/1")
			_ = s.cache.Settle(t.Context())
		}
		if purged := s.cache.Stats().Store; purged.Adds.Done == 0 || purged.Appends.Done == 0 {
			t.Errorf("adds: %+v, appends: %+v", purged.Adds, purged.Appends)
		}
		store.breakdown(func(ctx context.Context, _ call) error { <-ctx.Done(); return ctx.Err() })
		for range 20 {
			s.get("/1")
		}
		broken, now := s.cache.Stats(), time.Now()
		reads := broken.Store.Reads
		if reads.TimedOut != 3 || reads.Refused == 0 || reads.State != "open" || !reads.RetryAt.After(now) || reads.RetryAt.After(now.Add(time.Second)) {
			t.Errorf("of a store that hangs: %+v", reads)
		}
		if broken.StoreFailures != 3 || broken.Store.Removals.State != "closed" {
			t.Errorf("%d failures; removals: %+v", broken.StoreFailures, broken.Store.Removals)
		}
		store.breakdown(nil)
		time.Sleep(time.Second)
		s.get("/1")
		if reads := s.cache.Stats().Store.Reads; reads.State != "closed" || !reads.RetryAt.IsZero() {
			t.Errorf("once it is back: %+v", reads)
		}
		if operations, asked := askedOf(s.cache.Stats().Store), store.asked(); operations != uint64(asked) {
			t.Errorf("%d operations, and the store was asked %d times", operations, asked)
		}
	})
}

// In memory, operations on values are counted, and take no time; responses are live objects, which is no operation.
func TestOperationsInMemoryAreCounted(t *testing.T) {
	s := newSite(t)
	s.GET("/:n", cachette.Cached(time.Minute), text("page"))
	var value string
	_ = s.cache.Put(t.Context(), "key", "value", 0)
	_ = s.cache.Fetch(t.Context(), "key", &value)
	_ = s.cache.Fetch(t.Context(), "none", &value)
	for range 3 {
		s.get("/1")
	}
	_ = s.cache.Close()
	got := s.cache.Stats().Store
	if want := (cachette.OperationStats{Done: 1, Missed: 1, Bytes: 5, State: "closed"}); got.Reads != want || askedOf(got) != 3 {
		t.Errorf("%+v, want reads %+v of three operations", got, want)
	}
}

// askedOf returns how many operations went to the store.
func askedOf(s cachette.StoreStats) (n uint64) {
	for _, o := range []cachette.OperationStats{s.Reads, s.Writes, s.Adds, s.Appends, s.Removals, s.Clearings, s.Sweeps, s.Pings} {
		n += o.Done + o.Missed + o.TooLarge + o.TimedOut + o.Failed + o.Canceled + o.Closed + o.Unsupported
	}
	return n
}
