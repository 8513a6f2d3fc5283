package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A stale response within its stale-while-revalidate window is served at once, and refreshed once, in the background, by
// a request of its own through the whole engine (RFC 5861 §3).
func TestStaleWhileRevalidate(t *testing.T) {
	for _, row := range []struct {
		name    string
		options []cachette.Option
		control string
	}{
		{"by the response", nil, "max-age=60, stale-while-revalidate=30"},
		{"by the route", []cachette.Option{cachette.WithStaleWhileRevalidate(30 * time.Second)}, "max-age=60"},
		{"by the response, over the route", []cachette.Option{cachette.WithStaleWhileRevalidate(time.Second)},
			"max-age=60, stale-while-revalidate=30"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					outside, outsides := counted(func(*gin.Context) {})
					s.Use(outside)
					var version atomic.Int64
					handler, gate, arrived, runs := gated(func(c *gin.Context) {
						c.Header("Cache-Control", row.control)
						c.String(http.StatusOK, "version %d", version.Add(1))
					})
					s.GET("/", cachette.Cached(time.Hour, row.options...), handler)
					first := later(func() answer { return s.get("/") })
					await(t, "the fill", arrived)
					gate <- struct{}{}
					await(t, "the fill's answer", first)

					time.Sleep(75 * time.Second)
					for range 5 {
						a := s.get("/")
						if !a.hit() || a.body != "version 1" || !strings.Contains(a.cacheStatus(), "ttl=-15") {
							t.Errorf("within the window: %q (%s)", a.body, a.cacheStatus())
						}
						if a.header.Get("Age") != "75" {
							t.Errorf("Age: %q", a.header["Age"])
						}
					}
					synctest.Wait()
					if n := runs.Load(); n != 2 {
						t.Errorf("the handler ran %d times: one fill and one refresh are wanted", n)
					}
					if n := outsides.Load(); n != 7 {
						t.Errorf("middleware outside ran %d times: a refresh goes through it, too", n)
					}
					close(gate)
					synctest.Wait()
					if a := s.get("/"); !a.hit() || a.body != "version 2" || !strings.Contains(a.cacheStatus(), "ttl=60") {
						t.Errorf("behind the refresh: %q (%s)", a.body, a.cacheStatus())
					}
					time.Sleep(91 * time.Second)
					if a := s.get("/"); a.hit() || a.body != "version 3" {
						t.Errorf("behind the window: %q (%s)", a.body, a.cacheStatus())
					}
				})
			})
		})
	}
}

// A refresh is the client's request once more: with its fields, less those that are between it and the cache, and with a
// context that does not end with it.
func TestRefreshRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		type seen struct {
			method, uri string
			header      http.Header
			value       any
			err         error
			deadline    time.Duration
		}
		requests := make(chan seen, 10)
		type key struct{}
		left := make(chan struct{})
		s.Use(func(c *gin.Context) {
			c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), key{}, "outside"))
		})
		s.GET("/p/*all", cachette.Cached(time.Minute, cachette.WithStaleWhileRevalidate(time.Hour)), func(c *gin.Context) {
			if c.Query("refresh") != "" {
				<-left
			}
			r := c.Request
			deadline, _ := r.Context().Deadline()
			requests <- seen{r.Method, r.RequestURI, r.Header.Clone(), r.Context().Value(key{}), r.Context().Err(), time.Until(deadline)}
			c.String(http.StatusOK, "page")
		})
		close(left)
		s.get("/p/a%2Fb?refresh=1")
		<-requests
		left = make(chan struct{})
		time.Sleep(2 * time.Minute)

		ctx, leave := context.WithCancel(t.Context())
		r := httptest.NewRequest(http.MethodGet, "/p/a%2Fb?refresh=1", nil).WithContext(ctx)
		for name, value := range map[string]string{"Accept-Language": "de", "Cookie": "a=1", "Range": "bytes=0-1",
			"If-None-Match": `"x"`, "If-Range": `"x"`, "Cache-Control": "max-stale"} {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		leave() // the client has its answer, and net/http ends its context
		if w.Code != http.StatusOK && w.Code != http.StatusPartialContent {
			t.Errorf("the client got %d", w.Code)
		}
		// max-stale takes what is stale as it is: no refresh. Once more, without it.
		synctest.Wait()
		if len(requests) != 0 {
			t.Error("a client that takes stale responses had one refreshed")
		}
		ctx, leave = context.WithCancel(t.Context())
		r = r.Clone(ctx)
		r.Header.Del("Cache-Control")
		s.ServeHTTP(httptest.NewRecorder(), r)
		leave()
		r.Header.Set("Accept-Language", "changed") // what the server does with a request that is over
		close(left)
		got := await(t, "the refresh", requests)
		if got.method != http.MethodGet || got.uri != "/p/a%2Fb?refresh=1" || got.err != nil {
			t.Errorf("%s %s, context: %v", got.method, got.uri, got.err)
		}
		if got.deadline <= 0 || got.deadline > time.Minute {
			t.Errorf("the deadline of the refresh is in %v", got.deadline)
		}
		if got.header.Get("Accept-Language") != "de" || got.header.Get("Cookie") != "a=1" || got.value != "outside" {
			t.Errorf("the refresh has %v, %v", got.header, got.value)
		}
		for _, name := range []string{"Range", "If-Range", "Cache-Control"} {
			if values := got.header[name]; len(values) > 0 {
				t.Errorf("the refresh has %s: %q", name, values)
			}
		}
		if got.header.Get("If-None-Match") == `"x"` {
			t.Error("the refresh has the client's own precondition")
		}
	})
}

// No field of a request makes it a refresh: a client that tries gets the stale response as everybody does, and one refresh
// runs.
func TestRefreshCannotBeForged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		handler, runs := counted(text("page"))
		s.GET("/", cachette.Cached(time.Minute, cachette.WithStaleWhileRevalidate(time.Hour)), func(c *gin.Context) {
			handler(c)
			select { // so that one refresh is under way all the time
			case <-c.Request.Context().Done():
			case <-time.After(time.Second):
			}
		})
		s.get("/")
		time.Sleep(2 * time.Minute)
		for _, field := range []string{"X-Cachette-Refresh: 1", "Cachette-Refresh: 1", "X-Refresh: true", "Purpose: refresh",
			"X-Purge: 1", "Refreshkey: 1", "Sec-Purpose: prefetch"} {
			if a := s.get("/", field); !a.hit() {
				t.Errorf("%s: %s", field, a.cacheStatus())
			}
		}
		synctest.Wait()
		if n := runs.Load(); n != 2 {
			t.Errorf("the handler ran %d times", n)
		}
		time.Sleep(2 * time.Second)
	})
}

// A refresh that fails leaves what is stored, is tried again, and disturbs no request.
func TestRefreshFails(t *testing.T) {
	for _, row := range []struct {
		name  string
		fails func(c *gin.Context)
	}{
		{"panics", func(*gin.Context) { panic("no") }},
		{"breaks off", func(*gin.Context) { panic(http.ErrAbortHandler) }},
		{"500", func(c *gin.Context) { c.String(http.StatusInternalServerError, "no") }},
		{"refuses the request", func(c *gin.Context) { c.AbortWithStatus(http.StatusTooManyRequests) }},
		{"hangs", func(c *gin.Context) { <-c.Request.Context().Done() }},
		{"streams for ever", func(c *gin.Context) {
			c.Stream(func(w io.Writer) bool {
				time.Sleep(time.Second)
				_, _ = io.WriteString(w, "tick")
				return true
			})
		}},
		{"writes for ever", func(c *gin.Context) {
			for {
				if _, err := c.Writer.WriteString("tick"); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := new(journal)
				s := newSite(t, log.in)
				var failing atomic.Bool
				handler, runs := counted(func(c *gin.Context) {
					if failing.Load() {
						row.fails(c)
						return
					}
					c.String(http.StatusOK, "page")
				})
				s.GET("/", cachette.Cached(time.Minute, cachette.WithStaleWhileRevalidate(time.Hour)), handler)
				s.get("/")
				failing.Store(true)
				time.Sleep(2 * time.Minute)
				for i := range 3 {
					if a := s.get("/"); !a.hit() || a.body != "page" {
						t.Errorf("%q (%s)", a.body, a.cacheStatus())
					}
					time.Sleep(time.Minute) // longer than any refresh may take
					synctest.Wait()
					if n := runs.Load(); n != int64(i+2) {
						t.Errorf("the handler ran %d times", n)
					}
				}
				failing.Store(false)
				s.get("/")
				synctest.Wait()
				if a := s.get("/"); !a.hit() || !strings.Contains(a.cacheStatus(), "ttl=60") {
					t.Errorf("once it works again: %s", a.cacheStatus())
				}
				if strings.Contains(log.String(), "panicked") != (row.name == "panics") {
					t.Errorf("the log: %s", log)
				}
			})
		})
	}
}

// Refreshes are bounded, and end when the cache is closed.
func TestRefreshesBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		var running, most atomic.Int64
		hold := false
		s.GET("/:page", cachette.Cached(time.Minute, cachette.WithStaleWhileRevalidate(time.Hour)), func(c *gin.Context) {
			if hold {
				n := running.Add(1)
				defer running.Add(-1)
				most.Store(max(most.Load(), n))
				<-c.Request.Context().Done()
			}
			c.String(http.StatusOK, "page")
		})
		const pages = 200
		for i := range pages {
			s.get(fmt.Sprintf("/%d", i))
		}
		hold = true
		time.Sleep(2 * time.Minute)
		for i := range pages {
			if a := s.get(fmt.Sprintf("/%d", i)); !a.hit() {
				t.Errorf("page %d: %s", i, a.cacheStatus())
			}
		}
		synctest.Wait()
		if n := running.Load(); n == 0 || n >= pages/2 {
			t.Errorf("%d refreshes are under way", n)
		}
		if err := s.cache.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := running.Load(); n != 0 {
			t.Errorf("%d refreshes are under way in a cache that is closed", n)
		}
	})
}

// A stale response stands in for a handler that fails with 500, 502, 503 or 504, within its stale-if-error window (RFC
// 5861 §4).
func TestStaleIfError(t *testing.T) {
	for _, row := range []struct {
		name    string
		options []cachette.Option
		control string // of the response
		status  int    // of the failure
		after   time.Duration
		field   string // of the request during the failure
		stands  bool
	}{
		{name: "500", control: "max-age=60, stale-if-error=60", status: 500, after: 90 * time.Second, stands: true},
		{name: "502", control: "max-age=60, stale-if-error=60", status: 502, after: 90 * time.Second, stands: true},
		{name: "503", control: "max-age=60, stale-if-error=60", status: 503, after: 90 * time.Second, stands: true},
		{name: "504", control: "max-age=60, stale-if-error=60", status: 504, after: 90 * time.Second, stands: true},
		{name: "501", control: "max-age=60, stale-if-error=60", status: 501, after: 90 * time.Second},
		{name: "404", control: "max-age=60, stale-if-error=60", status: 404, after: 90 * time.Second},
		{name: "too late", control: "max-age=60, stale-if-error=60", status: 500, after: 121 * time.Second},
		{name: "by the route", options: []cachette.Option{cachette.WithStaleIfError(time.Minute)},
			control: "max-age=60", status: 500, after: 90 * time.Second, stands: true},
		{name: "by the client", control: "max-age=60", status: 500, after: 90 * time.Second,
			field: "Cache-Control: stale-if-error=60", stands: true},
		{name: "nothing said so", control: "max-age=60", status: 500, after: 90 * time.Second},
		{name: "must-revalidate (RFC 9111 §5.2.2.2)", control: "max-age=60, must-revalidate, stale-if-error=60", status: 500,
			after: 90 * time.Second},
		{name: "no-cache asked (RFC 9111 §5.2.1.4)", control: "max-age=60, stale-if-error=60", status: 500,
			after: 90 * time.Second, field: "Cache-Control: no-cache"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					fails := false
					s.GET("/", cachette.Cached(time.Hour, row.options...), func(c *gin.Context) {
						if fails {
							c.Header("X-Failure", "1")
							c.SetCookie("failed", "1", 1, "/", "", false, false)
							c.AbortWithStatusJSON(row.status, gin.H{"error": "broken"})
							_ = c.Error(errors.New("broken"))
							return
						}
						c.Header("Cache-Control", row.control)
						c.Header("X-Page", "1")
						c.String(http.StatusOK, "page")
					})
					s.get("/")
					fails = true
					time.Sleep(row.after)
					var a answer
					if row.field != "" {
						a = s.get("/", row.field)
					} else {
						a = s.get("/")
					}
					if !row.stands {
						if a.status != row.status || a.header.Get("X-Failure") != "1" || a.header.Get("X-Page") != "" {
							t.Errorf("%d %q %v", a.status, a.body, a.header)
						}
						return
					}
					if a.status != http.StatusOK || a.body != "page" || a.header.Get("X-Page") != "1" ||
						len(a.header["X-Failure"]) > 0 || len(a.header["Set-Cookie"]) > 0 {
						t.Errorf("%d %q %v", a.status, a.body, a.header)
					}
					if want := fmt.Sprintf("cachette; fwd=stale; fwd-status=%d; ttl=-30", row.status); a.cacheStatus() != want {
						t.Errorf("Cache-Status %q, want %q", a.cacheStatus(), want)
					}
					fails = false
					if a := s.get("/"); a.hit() || a.status != http.StatusOK {
						t.Errorf("once it works: %d (%s)", a.status, a.cacheStatus())
					}
				})
			})
		})
	}
}
