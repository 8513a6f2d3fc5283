package behaviour_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// refreshEnd is a way in which a background refresh comes to its end: the page's handler answers it so, or what stands outside of Cached.
type refreshEnd struct {
	name    string
	inside  gin.HandlerFunc
	outside gin.HandlerFunc
	options []cachette.Option
	takes   time.Duration // until it is over
}

var refreshEnds = []refreshEnd{
	{name: "a panic", inside: func(*gin.Context) { panic("no") }},
	{name: "a panic behind the header", inside: func(c *gin.Context) { c.String(http.StatusOK, "new"); c.Writer.Flush(); panic("no") }},
	{name: "a handler that breaks off", inside: func(*gin.Context) { panic(http.ErrAbortHandler) }},
	{name: "a handler that ends its goroutine", inside: func(*gin.Context) { runtime.Goexit() }},
	{name: "500", inside: status(http.StatusInternalServerError)},
	{name: "503, for which the page stands in", inside: status(http.StatusServiceUnavailable),
		options: []cachette.Option{cachette.WithStaleIfError(time.Hour)}},
	{name: "404", inside: status(http.StatusNotFound)},
	{name: "206 to a request for the whole", inside: status(http.StatusPartialContent)},
	{name: "304 to a request without a precondition", inside: func(c *gin.Context) { c.Status(http.StatusNotModified) }},
	{name: "an error of gin's", inside: func(c *gin.Context) { _ = c.Error(errors.New("no")); c.String(http.StatusOK, "new") }},
	{name: "a handler that aborts", inside: func(c *gin.Context) { c.Abort() }},
	{name: "nothing", inside: func(*gin.Context) {}},
	{name: "no-store", inside: text("new", "Cache-Control: no-store")},
	{name: "private", inside: text("new", "Cache-Control: private")},
	{name: "a cookie", inside: text("new", "Set-Cookie: a=b")},
	{name: "Vary: *", inside: text("new", "Vary: *")},
	{name: "another Vary", inside: text("new", "Vary: Accept")},
	{name: "NoStore", inside: func(c *gin.Context) { cachette.NoStore(c); c.String(http.StatusOK, "new") }},
	{name: "a body over the limit", inside: text(strings.Repeat("new", 1000)), options: []cachette.Option{cachette.WithBodyLimit(1000)}},
	{name: "a body that is too short", inside: text("new", "Content-Length: 4")},
	{name: "an event stream", inside: text("data: new\n\n", "Content-Type: text/event-stream")},
	{name: "stale at once", inside: text("new", "Cache-Control: max-age=0")},
	{name: "a handler that hangs until its time is over", takes: 30 * time.Second,
		inside: func(c *gin.Context) { <-c.Request.Context().Done() }},
	{name: "a handler that hangs behind its header", takes: 30 * time.Second,
		inside: func(c *gin.Context) { c.String(http.StatusOK, "new"); c.Writer.Flush(); <-c.Request.Context().Done() }},
	{name: "a handler that takes no notice of the time", takes: time.Minute,
		inside: func(c *gin.Context) { time.Sleep(time.Minute); c.String(http.StatusOK, "new") }},
	{name: "a handler that asks for the connection", inside: func(c *gin.Context) {
		if conn, _, err := c.Writer.Hijack(); err == nil { // which gin has none of
			_ = conn.Close()
		}
	}},
	{name: "middleware outside that aborts", outside: func(c *gin.Context) { c.AbortWithStatus(http.StatusUnauthorized) }},
	{name: "middleware outside that panics", outside: func(*gin.Context) { panic("no") }},
	{name: "middleware outside that hangs", takes: 30 * time.Second, outside: func(c *gin.Context) { <-c.Request.Context().Done(); c.Abort() }},
	{name: "middleware outside that changes the host", outside: func(c *gin.Context) { c.Request.Host = "elsewhere.example" }},
}

// refreshing tells whether a request is a background refresh: it alone has a time by which it is to be over.
func refreshing(c *gin.Context) bool {
	_, limited := c.Request.Context().Deadline()
	return limited
}

// leadsAtOnce has a client ask for a page anew, and sees that its request runs the handler without having waited for another one.
func leadsAtOnce(t *testing.T, s *site) {
	t.Helper()
	began := time.Now()
	a := s.get("/", "Cache-Control: no-cache")
	if waited := time.Since(began); waited != 0 || a.hit() || a.status != http.StatusOK || strings.Contains(a.cacheStatus(), "collapsed") {
		t.Fatalf("the next request waited for %v: %d (%s)", waited, a.status, a.cacheStatus())
	}
}

// However a background refresh ends (RFC 5861 §3), it holds up nothing that comes later: the next request that wants the handler leads at
// once (RFC 9111 §4), and a stale page is refreshed again, more often than refreshes run at a time. How many run is the same on any store,
// so that each end is seen so often on one of them, and each store with several ends.
func TestRefreshReleases(t *testing.T) {
	for i, row := range refreshEnds {
		t.Run(row.name, func(t *testing.T) {
			for k, kind := range stores {
				rounds := 33
				if k != i%len(stores) && !*every {
					rounds = 2
				}
				t.Run(kind.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { testRefreshReleases(t, row, kind.use, rounds) })
				})
			}
		})
	}
}

func testRefreshReleases(t *testing.T, row refreshEnd, store func(*cachette.Config), rounds int) {
	s := newSite(t, store)
	var refreshes atomic.Int64
	works := false
	s.Use(func(c *gin.Context) {
		if refreshing(c) {
			refreshes.Add(1)
			if row.outside != nil && !works {
				row.outside(c)
			}
		}
	})
	options := append([]cachette.Option{cachette.WithStaleWhileRevalidate(time.Hour)}, row.options...)
	s.GET("/", cachette.Cached(time.Minute, options...), func(c *gin.Context) {
		if row.inside != nil && refreshing(c) && !works {
			row.inside(c)
			return
		}
		c.String(http.StatusOK, "page")
	})
	for range rounds {
		leadsAtOnce(t, s)
		time.Sleep(2 * time.Minute)
		if a := s.get("/"); !a.hit() || a.body != "page" {
			t.Fatalf("stale: %q (%s)", a.body, a.cacheStatus())
		}
		synctest.Wait()
		time.Sleep(row.takes)
		synctest.Wait()
	}
	leadsAtOnce(t, s)
	works = true
	time.Sleep(2 * time.Minute)
	s.get("/")
	synctest.Wait()
	if a := s.get("/"); !a.hit() || !strings.Contains(a.cacheStatus(), "ttl=60") {
		t.Errorf("behind a refresh that works: %q (%s)", a.body, a.cacheStatus())
	}
	if n := int(refreshes.Load()); n != rounds+1 {
		t.Errorf("%d refreshes began, want %d", n, rounds+1)
	}
}

// While a refresh hangs, no request that wants the handler waits for it longer than for any fill, and none that takes a stale page waits
// at all (RFC 5861 §3).
func TestRefreshThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		handler, runs := counted(func(c *gin.Context) {
			if refreshing(c) {
				<-c.Request.Context().Done()
			}
			c.String(http.StatusOK, "page")
		})
		s.GET("/", cachette.Cached(time.Minute, cachette.WithStaleWhileRevalidate(time.Hour)), handler)
		s.get("/")
		time.Sleep(2 * time.Minute)
		began := time.Now()
		for range 3 {
			if a := s.get("/"); !a.hit() || !time.Now().Equal(began) {
				t.Errorf("after %v: %s", time.Since(began), a.cacheStatus())
			}
		}
		if err := s.cache.PurgePath(t.Context(), "/"); err != nil {
			t.Fatal(err)
		}
		if a := s.get("/"); a.hit() || a.body != "page" || time.Since(began) != 10*time.Second {
			t.Errorf("after %v: %q (%s)", time.Since(began), a.body, a.cacheStatus())
		}
		if a := s.get("/"); !a.hit() || runs.Load() != 3 {
			t.Errorf("after %d runs: %s", runs.Load(), a.cacheStatus())
		}
	})
}

// A store that fails at any point of a refresh costs that refresh, and holds up nothing that comes later.
func TestRefreshWithoutStore(t *testing.T) {
	away := errors.New("the store is away")
	fails := func(context.Context, call) error { return away }
	hangs := func(ctx context.Context, _ call) error { <-ctx.Done(); return ctx.Err() }
	onSet := func(ctx context.Context, c call) error {
		if c.op == "set" && isResponse(c.key) {
			return away
		}
		return nil
	}
	for _, row := range []struct {
		name   string
		fault  func(ctx context.Context, c call) error
		inside bool // it begins while the handler runs, and before the refresh looks else
		hangs  bool
	}{
		{"fails before the refresh looks", fails, false, false},
		{"hangs before the refresh looks", hangs, false, true},
		{"fails while the handler runs", fails, true, false},
		{"hangs while the handler runs", hangs, true, true},
		{"takes nothing", onSet, true, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newShelf()
				s := newSite(t, store.on)
				broken := false
				s.Use(func(c *gin.Context) {
					if broken && refreshing(c) && !row.inside {
						store.breakdown(row.fault)
					}
				})
				s.GET("/", cachette.Cached(time.Minute, cachette.WithStaleWhileRevalidate(time.Hour)), func(c *gin.Context) {
					if broken && refreshing(c) && row.inside {
						store.breakdown(row.fault)
					}
					c.String(http.StatusOK, "page")
				})
				for range 3 {
					leadsAtOnce(t, s)
					time.Sleep(2 * time.Minute)
					broken = true
					if a := s.get("/"); !a.hit() {
						t.Errorf("stale: %s", a.cacheStatus())
					}
					time.Sleep(time.Minute) // longer than any refresh may take
					synctest.Wait()
					broken = false
					if !row.hangs {
						leadsAtOnce(t, s)
					}
					store.breakdown(nil)
					time.Sleep(time.Minute) // longer than a store that failed is left alone
				}
				leadsAtOnce(t, s)
				time.Sleep(2 * time.Minute)
				s.get("/")
				synctest.Wait()
				if a := s.get("/"); !a.hit() || !strings.Contains(a.cacheStatus(), "ttl=60") {
					t.Errorf("once the store is back: %q (%s)", a.body, a.cacheStatus())
				}
			})
		})
	}
}
