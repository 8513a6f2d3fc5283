package behaviour_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A hit ends the chain: neither the handler runs nor what stands between it and the cache; what stands outside does.
func TestHitEndsTheChain(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		var aborted, wrote bool
		outside, outsides := counted(func(c *gin.Context) {
			c.Next()
			aborted, wrote = c.IsAborted(), c.Writer.Size() == len("body")
		})
		inside, insides := counted(func(*gin.Context) {})
		handler, runs := counted(text("body"))
		s.GET("/", outside, cachette.Cached(time.Minute), inside, handler)
		for i := range 3 {
			a := s.get("/")
			if a.status != http.StatusOK || a.body != "body" || a.hit() != (i > 0) {
				t.Errorf("answer %d: %d %q %q", i, a.status, a.body, a.cacheStatus())
			}
			if !wrote || aborted != (i > 0) {
				t.Errorf("answer %d: outside sees all of the body: %v; an aborted chain: %v", i, wrote, aborted)
			}
		}
		if outsides.Load() != 3 || insides.Load() != 1 || runs.Load() != 1 {
			t.Errorf("ran: outside %d, inside %d, handler %d; want 3, 1, 1", outsides.Load(), insides.Load(), runs.Load())
		}
	})
}

// Cached works wherever gin takes a handler.
func TestPlaces(t *testing.T) {
	for _, row := range []struct {
		name  string
		mount func(s *site, cached, handler gin.HandlerFunc)
	}{
		{"engine", func(s *site, cached, handler gin.HandlerFunc) { s.Use(cached); s.GET("/a/b", handler) }},
		{"group", func(s *site, cached, handler gin.HandlerFunc) { s.Group("/a", cached).GET("/b", handler) }},
		{"group of a group", func(s *site, cached, handler gin.HandlerFunc) {
			s.Group("/", cached).Group("/a").GET("/b", handler)
		}},
		{"Use on a group", func(s *site, cached, handler gin.HandlerFunc) {
			group := s.Group("/a")
			group.Use(cached)
			group.GET("/b", handler)
		}},
		{"route", func(s *site, cached, handler gin.HandlerFunc) { s.GET("/a/b", cached, handler) }},
		{"route with a parameter", func(s *site, cached, handler gin.HandlerFunc) { s.GET("/a/:x", cached, handler) }},
		{"any method", func(s *site, cached, handler gin.HandlerFunc) { s.Any("/*all", cached, handler) }},
		{"no route", func(s *site, cached, handler gin.HandlerFunc) { s.NoRoute(cached, handler) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t)
			handler, runs := counted(text("body"))
			row.mount(s, cachette.Cached(time.Minute), handler)
			first, second := s.get("/a/b"), s.get("/a/b")
			if first.hit() || !second.hit() || first.body != "body" || second.body != "body" || runs.Load() != 1 {
				t.Errorf("%q, then %q, after %d runs", first.cacheStatus(), second.cacheStatus(), runs.Load())
			}
		})
	}
}

// Whatever stands before the cache runs on hits, too: middleware of the engine, of a group, of a route, and that of another
// method's route for the same path.
func TestGuards(t *testing.T) {
	guard := func(c *gin.Context) {
		if c.GetHeader("X-Pass") == "" {
			c.AbortWithStatus(http.StatusForbidden)
		}
	}
	cached := cachette.Cached(time.Minute)
	for _, row := range []struct {
		name    string
		mount   func(s *site, handler gin.HandlerFunc)
		methods string // those that are guarded
	}{
		{"engine", func(s *site, handler gin.HandlerFunc) { s.Use(guard); s.GET("/", cached, handler) }, "GET"},
		{"group", func(s *site, handler gin.HandlerFunc) { s.Group("/", guard).GET("/", cached, handler) }, "GET"},
		{"route", func(s *site, handler gin.HandlerFunc) { s.GET("/", guard, cached, handler) }, "GET"},
		{"HEAD on another chain", func(s *site, handler gin.HandlerFunc) {
			s.GET("/", cached, handler)
			s.HEAD("/", guard, cached, handler)
		}, "HEAD"},
		{"HEAD on another chain, which is not cached", func(s *site, handler gin.HandlerFunc) {
			s.GET("/", cached, handler)
			s.HEAD("/", guard, handler)
		}, "HEAD"},
		{"GET on another chain", func(s *site, handler gin.HandlerFunc) {
			s.HEAD("/", cached, handler)
			s.GET("/", guard, cached, handler)
		}, "GET"},
		{"no route", func(s *site, handler gin.HandlerFunc) { s.NoRoute(guard, cached, handler) }, "GET HEAD"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t)
			row.mount(s, text("page"))
			for range 3 {
				if a := s.get("/", "X-Pass: 1"); a.body != "page" {
					t.Errorf("a client that passes: %d %q", a.status, a.body)
				}
				for method := range strings.FieldsSeq(row.methods) {
					if a := s.do(method, "/"); a.status != http.StatusForbidden || len(a.header["Cache-Status"]) > 0 {
						t.Errorf("%s of one that does not pass: %d (%s)", method, a.status, a.cacheStatus())
					}
				}
			}
		})
	}
}

// Of Cached inside of Cached the inner one counts where the two are told different things; what the outer one alone is told
// holds, and what tells requests apart adds up. There is one of them to be seen.
func TestNested(t *testing.T) {
	tenant := cachette.WithKeyPart(func(c *gin.Context) string { return c.GetHeader("X-Tenant") })
	for _, row := range []struct {
		name         string
		outer, inner gin.HandlerFunc
		status       int    // of the handler; 200 unless given
		second       string // a request after one for "/a?q=1"
		header       string // of the second
		hit          bool
		ttl          string
	}{
		{name: "the same", outer: cachette.Cached(time.Minute), inner: cachette.Cached(time.Minute),
			second: "/a?q=1", hit: true, ttl: "ttl=60"},
		{name: "inner ttl", outer: cachette.Cached(time.Second), inner: cachette.Cached(time.Hour),
			second: "/a?q=1", hit: true, ttl: "ttl=3600"},
		{name: "inner ttl none", outer: cachette.Cached(time.Hour), inner: cachette.Cached(0), second: "/a?q=1"},
		{name: "inner status ttl", outer: cachette.Cached(time.Hour), status: http.StatusNotFound,
			inner:  cachette.Cached(0, cachette.WithStatusTTL(http.StatusNotFound, time.Minute)),
			second: "/a?q=1", hit: true, ttl: "ttl=60"},
		{name: "outer status ttl", outer: cachette.Cached(0, cachette.WithStatusTTL(http.StatusNotFound, time.Minute)),
			inner: cachette.Cached(time.Hour), status: http.StatusNotFound, second: "/a?q=1", hit: true, ttl: "ttl=60"},
		{name: "outer status ttl of what a ttl is for", outer: cachette.Cached(0, cachette.WithStatusTTL(http.StatusOK, time.Minute)),
			inner: cachette.Cached(time.Hour), second: "/a?q=1", hit: true, ttl: "ttl=3600"},
		{name: "both status ttls", outer: cachette.Cached(0, cachette.WithStatusTTL(http.StatusNotFound, time.Minute)),
			inner:  cachette.Cached(0, cachette.WithStatusTTL(http.StatusNotFound, time.Hour)),
			status: http.StatusNotFound, second: "/a?q=1", hit: true, ttl: "ttl=3600"},
		{name: "inner limit", outer: cachette.Cached(time.Hour),
			inner: cachette.Cached(time.Hour, cachette.WithBodyLimit(3)), second: "/a?q=1"},
		{name: "inner limit, larger", outer: cachette.Cached(time.Hour, cachette.WithBodyLimit(3)),
			inner: cachette.Cached(time.Hour, cachette.WithBodyLimit(300)), second: "/a?q=1", hit: true, ttl: "ttl=3600"},
		{name: "outer limit", outer: cachette.Cached(time.Hour, cachette.WithBodyLimit(3)),
			inner: cachette.Cached(time.Hour), second: "/a?q=1"},
		{name: "inner without query", outer: cachette.Cached(time.Second),
			inner: cachette.Cached(time.Hour, cachette.WithPathKey()), second: "/a?q=2", hit: true, ttl: "ttl=3600"},
		{name: "outer without query", outer: cachette.Cached(time.Hour, cachette.WithPathKey()),
			inner: cachette.Cached(time.Hour), second: "/a?q=2"},
		{name: "inner parameters", outer: cachette.Cached(time.Hour),
			inner: cachette.Cached(time.Hour, cachette.WithQueryParams("q")), second: "/a?x=1&q=1", hit: true, ttl: "ttl=3600"},
		{name: "outer parameters", outer: cachette.Cached(time.Hour, cachette.WithQueryParams("q")),
			inner: cachette.Cached(time.Hour), second: "/a?x=1&q=1"},
		{name: "both parameters", outer: cachette.Cached(time.Hour, cachette.WithQueryParams("x")),
			inner: cachette.Cached(time.Hour, cachette.WithQueryParams("q")), second: "/a?x=1&q=1"},
		{name: "both parameters, another", outer: cachette.Cached(time.Hour, cachette.WithQueryParams("x")),
			inner: cachette.Cached(time.Hour, cachette.WithQueryParams("q")), second: "/a?y=1&q=1", hit: true, ttl: "ttl=3600"},
		{name: "outer parameters, inner without query", outer: cachette.Cached(time.Hour, cachette.WithQueryParams("q")),
			inner: cachette.Cached(time.Hour, cachette.WithPathKey()), second: "/a?q=2"},
		{name: "both without query", outer: cachette.Cached(time.Hour, cachette.WithPathKey()),
			inner: cachette.Cached(time.Hour, cachette.WithPathKey()), second: "/a?q=2", hit: true, ttl: "ttl=3600"},
		{name: "inner part", outer: cachette.Cached(time.Hour), inner: cachette.Cached(time.Hour, tenant),
			second: "/a?q=1", header: "X-Tenant: other"},
		{name: "outer part", outer: cachette.Cached(time.Hour, tenant), inner: cachette.Cached(time.Hour),
			second: "/a?q=1", header: "X-Tenant: other"},
		{name: "outer part, the same", outer: cachette.Cached(time.Hour, tenant), inner: cachette.Cached(time.Minute),
			second: "/a?q=1", hit: true, ttl: "ttl=60"},
		{name: "inner namespace", outer: cachette.Cached(time.Second),
			inner: cachette.Cached(time.Hour, cachette.WithNamespace("n")), second: "/a?q=1", hit: true, ttl: "ttl=3600"},
		{name: "inner ignores what clients ask", outer: cachette.Cached(time.Minute),
			inner:  cachette.Cached(time.Minute, cachette.WithoutRequestDirectives()),
			second: "/a?q=1", header: "Cache-Control: no-cache", hit: true, ttl: "ttl=60"},
		{name: "outer ignores what clients ask", inner: cachette.Cached(time.Minute),
			outer:  cachette.Cached(time.Minute, cachette.WithoutRequestDirectives()),
			second: "/a?q=1", header: "Cache-Control: no-cache", hit: true, ttl: "ttl=60"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				handler, runs := counted(func(c *gin.Context) {
					c.String(max(row.status, http.StatusOK), "body of %s", c.Query("q"))
				})
				between, betweens := counted(func(*gin.Context) {})
				s.Group("/", row.outer, between).GET("/a", row.inner, handler)
				first := s.get("/a?q=1")
				var second answer
				if row.header != "" {
					second = s.get(row.second, row.header)
				} else {
					second = s.get(row.second)
				}
				if first.hit() || second.hit() != row.hit {
					t.Errorf("%q, then %q", first.cacheStatus(), second.cacheStatus())
				}
				if row.hit && (second.body != first.body || second.status != first.status || runs.Load() != 1 ||
					!strings.Contains(second.cacheStatus(), row.ttl)) {
					t.Errorf("the hit: %d %q %q after %d runs", second.status, second.body, second.cacheStatus(), runs.Load())
				}
				for _, a := range []answer{first, second} {
					if members := a.header.Values("Cache-Status"); len(members) != 1 {
						t.Errorf("Cache-Status has %d members: %q", len(members), members)
					}
				}
				if betweens.Load() == 0 {
					t.Error("what stands between the two never ran")
				}
			})
		})
	}
}

// The inner one sees what the client asked for, not what the outer one made of it.
func TestNestedSeesTheRequest(t *testing.T) {
	for _, row := range []struct {
		name    string
		between gin.HandlerFunc
	}{
		{"nothing between", func(*gin.Context) {}},
		{"a request of one's own between", func(c *gin.Context) {
			c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), patience, "value"))
		}},
		{"a copy of the request between", func(c *gin.Context) { c.Request = c.Request.Clone(c.Request.Context()) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t)
			s.Group("/", cachette.Cached(time.Minute), row.between).
				GET("/", cachette.Cached(time.Minute, cachette.WithPathKey()), text("body", `ETag: "v1"`))
			s.get("/")
			for _, row := range []struct {
				fields []string
				status int
				body   string
			}{
				{nil, http.StatusOK, "body"},
				{[]string{`If-None-Match: "v1"`}, http.StatusNotModified, ""},
				{[]string{"If-Modified-Since: Thu, 01 Jan 2054 00:00:00 GMT"}, http.StatusNotModified, ""},
				{[]string{"Range: bytes=1-2"}, http.StatusPartialContent, "od"},
				{[]string{"Range: bytes=1-2", `If-Range: "v0"`}, http.StatusOK, "body"},
			} {
				if a := s.get("/", row.fields...); a.status != row.status || a.body != row.body || !a.hit() {
					t.Errorf("%q: %d %q (%s)", row.fields, a.status, a.body, a.cacheStatus())
				}
			}
		})
	}
}

// However the cache deals with a request, one Cached inside of another reports once.
func TestNestedReportsOnce(t *testing.T) {
	for _, options := range []struct {
		name  string
		inner []cachette.Option
	}{{"the same keys", nil}, {"other keys", []cachette.Option{cachette.WithPathKey()}}} {
		for _, row := range []struct {
			name, method string
			fields       []string
			prepare      func(s *site)
		}{
			{name: "POST", method: http.MethodPost},
			{name: "PUT", method: http.MethodPut},
			{name: "OPTIONS", method: http.MethodOptions},
			{name: "upgrade", method: http.MethodGet, fields: []string{"Upgrade: echo"}},
			{name: "If-Match", method: http.MethodGet, fields: []string{`If-Match: "a"`}},
			{name: "HEAD on nothing", method: http.MethodHead},
			{name: "HEAD on something", method: http.MethodHead, prepare: func(s *site) { s.get("/") }},
			{name: "HEAD that asks for validation", method: http.MethodHead, fields: []string{"Cache-Control: no-cache"},
				prepare: func(s *site) { s.get("/") }},
			{name: "no-store", method: http.MethodGet, fields: []string{"Cache-Control: no-store"}},
			{name: "range", method: http.MethodGet, fields: []string{"Range: bytes=0-0"}},
			{name: "only-if-cached", method: http.MethodGet, fields: []string{"Cache-Control: only-if-cached"}},
			{name: "closed", method: http.MethodGet, prepare: func(s *site) { _ = s.cache.Close() }},
		} {
			t.Run(options.name+"/"+row.name, func(t *testing.T) {
				s := newSite(t)
				s.Any("/", cachette.Cached(time.Minute), cachette.Cached(time.Minute, options.inner...),
					cachette.Cached(time.Minute, options.inner...), text("body"))
				if row.prepare != nil {
					row.prepare(s)
				}
				a := s.do(row.method, "/", row.fields...)
				if members := a.header.Values("Cache-Status"); len(members) != 1 || strings.Contains(members[0], ",") {
					t.Errorf("Cache-Status: %q", members)
				}
			})
		}
	}
}

// Requests that meet in one Cached inside of another do not wait for one another for ever, nor run the handler twice.
func TestNestedTogether(t *testing.T) {
	for _, row := range []struct {
		name  string
		inner []cachette.Option
	}{{"the same keys", nil}, {"other keys", []cachette.Option{cachette.WithPathKey()}}} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				gate := make(chan struct{})
				handler, runs := counted(func(c *gin.Context) {
					<-gate
					c.String(http.StatusOK, "body")
				})
				s.Group("/", cachette.Cached(time.Minute)).GET("/", cachette.Cached(time.Minute, row.inner...), handler)
				answers := together(20, func(int) answer { return s.get("/") })
				synctest.Wait()
				close(gate)
				for range 20 {
					if a := await(t, "an answer", answers); a.body != "body" || a.status != http.StatusOK {
						t.Errorf("%d %q", a.status, a.body)
					}
				}
				if n := runs.Load(); n != 1 {
					t.Errorf("the handler ran %d times", n)
				}
			})
		})
	}
}

// together runs n things at once and returns where their outcomes will be.
func together[T any](n int, do func(i int) T) <-chan T {
	ch := make(chan T, n)
	for i := range n {
		go func() { ch <- do(i) }()
	}
	return ch
}

// A handler may have another route answer by HandleContext, which takes away the context's writer and keys. The answer is
// the other route's, whatever was stored, and no route's response is ever stored as another's.
func TestHandleContext(t *testing.T) {
	for _, row := range []struct {
		name   string
		target []gin.HandlerFunc // on /target
		body   string
		status int
	}{
		{"a plain route", []gin.HandlerFunc{text("target")}, "target", http.StatusOK},
		{"a cached route", []gin.HandlerFunc{cachette.Cached(time.Minute), text("target")}, "target", http.StatusOK},
		{"a route that writes nothing", []gin.HandlerFunc{func(c *gin.Context) { c.Status(http.StatusNoContent) }},
			"", http.StatusNoContent},
		{"a private response", []gin.HandlerFunc{text("target", "Cache-Control: private")}, "target", http.StatusOK},
		{"an error", []gin.HandlerFunc{func(c *gin.Context) { c.String(http.StatusBadGateway, "bad") }},
			"bad", http.StatusBadGateway},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t)
			var partial atomic.Bool
			s.GET("/target", row.target...)
			s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
				if partial.Load() {
					c.String(http.StatusOK, "partial ")
				}
				c.Request.URL.Path = "/target"
				s.HandleContext(c)
			})
			for i := range 3 {
				if a := s.get("/"); a.body != row.body || a.status != row.status {
					t.Errorf("answer %d: %d %q", i, a.status, a.body)
				}
			}
			if a := s.get("/target"); a.body != row.body || a.status != row.status {
				t.Errorf("the target: %d %q", a.status, a.body)
			}
			partial.Store(true)
			for i := range 2 {
				if a := s.get("/?new"); a.body != "partial "+row.body {
					t.Errorf("answer %d of two handlers: %q", i, a.body)
				}
			}
		})
	}
}

// The engine answers by itself where there is no route, or none for the method, and where a handler writes nothing. It
// does so behind the chain: a hit of it equals the miss.
func TestEngineAnswers(t *testing.T) {
	for _, row := range []struct {
		name   string
		mount  func(s *site, cached gin.HandlerFunc)
		status int
		body   string
	}{
		{"no route", func(s *site, cached gin.HandlerFunc) { s.Use(cached) },
			http.StatusNotFound, "404 page not found"},
		{"NoRoute that writes nothing", func(s *site, cached gin.HandlerFunc) { s.NoRoute(cached, func(*gin.Context) {}) },
			http.StatusNotFound, "404 page not found"},
		{"NoRoute with a page", func(s *site, cached gin.HandlerFunc) {
			s.NoRoute(cached, func(c *gin.Context) { c.String(http.StatusNotFound, "nothing here") })
		}, http.StatusNotFound, "nothing here"},
		{"NoRoute that sets a status", func(s *site, cached gin.HandlerFunc) {
			s.NoRoute(cached, func(c *gin.Context) { c.Status(http.StatusGone) })
		}, http.StatusGone, ""},
		{"no method", func(s *site, cached gin.HandlerFunc) {
			s.HandleMethodNotAllowed = true
			s.POST("/x", text("posted"))
			s.Use(cached)
		}, http.StatusMethodNotAllowed, "405 method not allowed"},
		{"404 without a page", func(s *site, cached gin.HandlerFunc) {
			s.GET("/x", cached, func(c *gin.Context) { c.Status(http.StatusNotFound) })
		}, http.StatusNotFound, ""},
		{"404 aborted without a page", func(s *site, cached gin.HandlerFunc) {
			s.GET("/x", cached, func(c *gin.Context) { c.AbortWithStatus(http.StatusNotFound) })
		}, http.StatusNotFound, ""},
		{"204", func(s *site, cached gin.HandlerFunc) {
			s.GET("/x", cached, func(c *gin.Context) { c.Status(http.StatusNoContent) })
		}, http.StatusNoContent, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				row.mount(s, cachette.Cached(time.Minute, cachette.WithStatusTTL(http.StatusNotFound, time.Minute),
					cachette.WithStatusTTL(http.StatusMethodNotAllowed, time.Minute),
					cachette.WithStatusTTL(http.StatusGone, time.Minute)))
				miss, hit := s.get("/x"), s.get("/x")
				if miss.hit() || !hit.hit() {
					t.Errorf("%q, then %q", miss.cacheStatus(), hit.cacheStatus())
				}
				if miss.status != row.status || miss.body != row.body {
					t.Errorf("the miss: %d %q", miss.status, miss.body)
				}
				sameAnswer(t, miss, hit)
			})
		})
	}
}

// What ends a chain early is not stored, unless somebody said that it may be.
func TestAborted(t *testing.T) {
	teapot := cachette.WithStatusTTL(http.StatusTeapot, time.Minute)
	for _, row := range []struct {
		name    string
		options []cachette.Option
		handler gin.HandlerFunc
		stored  bool
	}{
		{name: "with JSON", handler: func(c *gin.Context) { c.AbortWithStatusJSON(http.StatusTeapot, gin.H{}) }},
		{name: "with JSON of 200", handler: func(c *gin.Context) { c.AbortWithStatusJSON(http.StatusOK, gin.H{}) }},
		{name: "with JSON, and a ttl for the status", options: []cachette.Option{teapot}, stored: true,
			handler: func(c *gin.Context) { c.AbortWithStatusJSON(http.StatusTeapot, gin.H{}) }},
		{name: "with JSON that declares freshness", stored: true, handler: func(c *gin.Context) {
			c.Header("Cache-Control", "max-age=60")
			c.AbortWithStatusJSON(http.StatusTeapot, gin.H{})
		}},
		{name: "with a status", handler: func(c *gin.Context) { c.AbortWithStatus(http.StatusOK) }},
		{name: "with nothing at all", handler: func(c *gin.Context) { c.Abort() }},
		{name: "behind the page", handler: func(c *gin.Context) {
			c.String(http.StatusOK, "page")
			c.Abort()
		}},
		{name: "with an error", handler: func(c *gin.Context) {
			_ = c.AbortWithError(http.StatusTeapot, errors.New("tea"))
		}},
		{name: "with an error, and a ttl for the status", options: []cachette.Option{teapot}, stored: true,
			handler: func(c *gin.Context) { _ = c.AbortWithError(http.StatusTeapot, errors.New("tea")) }},
		{name: "with the first of all errors, and a ttl for it", options: []cachette.Option{cachette.WithStatusTTL(400, time.Minute)}, stored: true,
			handler: func(c *gin.Context) { _ = c.AbortWithError(http.StatusBadRequest, errors.New("bad")) }},
		{name: "with an error that is left to others, and a ttl for the status", options: []cachette.Option{teapot},
			handler: func(c *gin.Context) {
				c.Status(http.StatusTeapot)
				_ = c.Error(errors.New("tea"))
			}},
		{name: "with an error behind the page", handler: func(c *gin.Context) {
			c.Header("Cache-Control", "max-age=60")
			c.String(http.StatusOK, "page")
			_ = c.Error(errors.New("half of it is missing"))
		}},
		{name: "as JSON cannot be made", handler: func(c *gin.Context) { c.JSON(http.StatusOK, func() {}) }},
		{name: "as JSON cannot be made, and it declares freshness", handler: func(c *gin.Context) {
			c.Header("Cache-Control", "max-age=60")
			c.JSON(http.StatusOK, func() {})
		}},
		{name: "as a part of XML cannot be made", handler: func(c *gin.Context) {
			c.Header("Cache-Control", "max-age=60")
			c.XML(http.StatusOK, []any{1, func() {}})
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t)
			handler, runs := counted(row.handler)
			s.GET("/", cachette.Cached(time.Minute, row.options...), handler)
			miss, second := s.get("/"), s.get("/")
			if second.hit() != row.stored {
				t.Errorf("%d %q, then %q after %d runs", miss.status, miss.cacheStatus(), second.cacheStatus(), runs.Load())
			}
		})
	}
}
