package behaviour_test

import (
	"context"
	"errors"
	"fmt"
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

// Cache.Refresh has the handler of a page run anew and stores what it answers; until then what is stored is served. What is not
// stored is an error that tells why (its documentation).

// numbered returns a handler whose body is the number of its run.
func numbered() (gin.HandlerFunc, *atomic.Int64) {
	var runs atomic.Int64
	return func(c *gin.Context) { c.String(http.StatusOK, "version %d", runs.Add(1)) }, &runs
}

// Whatever route a page is on, Refresh puts a new one in the place of the one that a client without any fields gets.
func TestRefreshNow(t *testing.T) {
	for _, row := range []struct {
		name  string
		mount func(s *site, page gin.HandlerFunc)
	}{
		{"a route", func(s *site, page gin.HandlerFunc) { s.GET("/page", cachette.Cached(time.Hour), page) }},
		{"by path alone", func(s *site, page gin.HandlerFunc) {
			s.GET("/page", cachette.Cached(time.Hour, cachette.WithPathKey()), page)
		}},
		{"by a parameter", func(s *site, page gin.HandlerFunc) {
			s.GET("/page", cachette.Cached(time.Hour, cachette.WithQueryParams("q")), page)
		}},
		{"a pattern", func(s *site, page gin.HandlerFunc) { s.GET("/:id", cachette.Cached(time.Hour), page) }},
		{"no route", func(s *site, page gin.HandlerFunc) { s.NoRoute(cachette.Cached(time.Hour), page) }},
		{"a part", func(s *site, page gin.HandlerFunc) {
			s.GET("/page", cachette.Cached(time.Hour, cachette.WithKeyPart(userOf)), page)
		}},
		{"a field", func(s *site, page gin.HandlerFunc) {
			s.GET("/page", cachette.Cached(time.Hour, cachette.WithVary("X-User")), func(c *gin.Context) { c.Header("Vary", "X-Kind") }, page)
		}},
		{"without what clients ask", func(s *site, page gin.HandlerFunc) {
			s.GET("/page", cachette.Cached(time.Hour, cachette.WithoutRequestDirectives()), page)
		}},
		{"two routes, one right behind the other", func(s *site, page gin.HandlerFunc) {
			s.GET("/page", cachette.Cached(time.Minute), cachette.Cached(time.Hour), page)
		}},
		{"two routes, and a handler between", func(s *site, page gin.HandlerFunc) {
			s.Group("/", cachette.Cached(time.Minute), loggerOf).GET("/page", cachette.Cached(time.Hour), page)
		}},
		{"two routes with keys of their own", func(s *site, page gin.HandlerFunc) {
			s.Group("/", cachette.Cached(time.Minute, cachette.WithKeyPart(tenantOf))).
				GET("/page", cachette.Cached(time.Hour, cachette.WithKeyPart(userOf), cachette.WithNamespace("n")), page)
		}},
		{"HandleContext", func(s *site, page gin.HandlerFunc) {
			s.GET("/page", lead(s, "/inner"))
			s.GET("/inner", cachette.Cached(time.Hour), page)
		}},
		{"HandleContext inside of a route", func(s *site, page gin.HandlerFunc) {
			s.GET("/page", cachette.Cached(time.Minute), lead(s, "/inner"))
			s.GET("/inner", cachette.Cached(time.Hour), page)
		}},
		{"aborted at the end, with a validator", func(s *site, page gin.HandlerFunc) {
			s.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) { c.Header("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT"); page(c); c.Abort() })
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				page, runs := numbered()
				row.mount(s, page)
				if err := s.cache.Refresh(t.Context(), "http://example.com/page?q=1"); err != nil { // before the first client asks
					t.Fatal(err)
				}
				for i := range 3 {
					want := fmt.Sprintf("version %d", i+1)
					for range 2 {
						if a := s.get("/page?q=1"); a.body != want || !a.hit() {
							t.Errorf("behind refresh %d: %q (%s)", i+1, a.body, a.cacheStatus())
						}
					}
					if err := s.cache.Refresh(t.Context(), "http://example.com/page?q=1"); err != nil {
						t.Fatal(err)
					}
				}
				if n := runs.Load(); n != 4 {
					t.Errorf("the handler ran %d times for four refreshes", n)
				}
			})
		})
	}
}

// A target is a URL, or a path that goes with the host and the scheme of a request; a scheme is that which the cache goes by.
func TestRefreshTargets(t *testing.T) {
	for _, row := range []struct {
		name, target string
		in           func(r *http.Request) // the request whose *gin.Context is the context; nil for none
		proxy        bool                  // Config.ProxyScheme
		refreshes    string                // scheme, host and path of the page that is refreshed
	}{
		{name: "a URL", target: "http://shop.example/page", refreshes: "http shop.example /page"},
		{name: "a URL, https", target: "https://shop.example/page", refreshes: "https shop.example /page"},
		{name: "a URL, in capitals", target: "HTTPS://Shop.Example/page", refreshes: "https shop.example /page"},
		{name: "a URL with a port", target: "http://shop.example:8080/page", refreshes: "http shop.example:8080 /page"},
		{name: "a URL with the default port", target: "http://shop.example:80/page", refreshes: "http shop.example /page"},
		{name: "a URL with the default port, https", target: "https://shop.example:443/page", refreshes: "https shop.example /page"},
		{name: "a URL with an empty port", target: "https://shop.example:/page", refreshes: "https shop.example /page"},
		{name: "a URL with the other scheme's port", target: "https://shop.example:80/page", refreshes: "https shop.example:80 /page"},
		{name: "an address with the default port", target: "http://[::1]:80/page", refreshes: "http [::1] /page"},
		{name: "a URL with a query", target: "http://shop.example/page?a=1&b=%20", refreshes: "http shop.example /page?a=1&b=%20"},
		{name: "an escaped path", target: "http://shop.example/a%20b", refreshes: "http shop.example /a%20b"},
		{name: "a path in a request", target: "/page", in: func(*http.Request) {}, refreshes: "http blog.example /page"},
		{name: "a path in a request over TLS", target: "/page?a=1", in: overTLS, refreshes: "https blog.example /page?a=1"},
		{name: "a path in one from a proxy", target: "/page", proxy: true, refreshes: "https blog.example /page",
			in: func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }},
		{name: "a path in one from a proxy of which the cache is not told", target: "/page", refreshes: "http blog.example /page",
			in: func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }},
		{name: "a URL in a request", target: "https://shop.example/page", in: func(*http.Request) {}, refreshes: "https shop.example /page"},
		{name: "a URL without a scheme in a request", target: "//shop.example/page", in: overTLS, refreshes: "https shop.example /page"},
		{name: "a URL, where a proxy's word counts", target: "https://shop.example/page", proxy: true, refreshes: "https shop.example /page"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t, func(cfg *cachette.Config) { cfg.ProxyScheme = row.proxy })
			page, _ := numbered()
			s.NoRoute(cachette.Cached(time.Hour), page)
			parts := strings.Fields(row.refreshes)
			get := func() answer {
				return ask(t, s, parts[2], parts[1], func(r *http.Request) {
					if parts[0] == "https" {
						overTLS(r)
					}
				})
			}
			get()
			ctx := t.Context()
			if row.in != nil {
				r := httptest.NewRequest(http.MethodPut, "/", nil)
				r.Host = "blog.example"
				row.in(r)
				c := gin.CreateTestContextOnly(httptest.NewRecorder(), s.Engine)
				c.Request = r
				ctx = c
			}
			if err := s.cache.Refresh(ctx, row.target); err != nil {
				t.Fatal(err)
			}
			if a := get(); a.body != "version 2" || !a.hit() {
				t.Errorf("behind it: %q (%s)", a.body, a.cacheStatus())
			}
		})
	}
}

// In a request a path alone is one of its host: one that begins with a slash, so that it is none that a client cannot mean.
func TestRefreshInARequest(t *testing.T) {
	s := newSite(t)
	s.NoRoute(cachette.Cached(time.Hour), text("page"))
	c := gin.CreateTestContextOnly(httptest.NewRecorder(), s.Engine)
	c.Request = httptest.NewRequest(http.MethodPut, "/products/7", nil)
	for target, says := range map[string]string{
		"": "https://example.com/products", " ": "https://example.com/products", "products": "https://example.com/products", "?page=2": "https://example.com/products", "../products": "https://example.com/products",
		" /products": `give "/products"`, "/products\n": `give "/products"`, "/products#7": `give "/products"`, "#7": "https://example.com/products",
	} {
		if err := s.cache.Refresh(c, target); !errors.Is(err, cachette.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("Refresh(%q): %v; want %q in it", target, err, says)
		}
	}
}

// What is no target is an error that says what is one, and what has not been stored one that says why.
func TestRefreshTellsWhy(t *testing.T) {
	s := newSite(t)
	s.Use(gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, _ any) { c.AbortWithStatus(http.StatusInternalServerError) }))
	cached := cachette.Cached(time.Hour)
	s.GET("/plain", text("page"))
	s.GET("/private", cached, text("page", "Cache-Control: private"))
	s.GET("/cookie", cached, text("page", "Set-Cookie: a=b"))
	s.GET("/noStore", cached, func(c *gin.Context) { c.String(200, "page"); cachette.NoStore(c) })
	s.GET("/gone", cached, status(http.StatusGone))
	s.GET("/fails", cached, status(http.StatusServiceUnavailable))
	s.GET("/panics", cached, func(*gin.Context) { panic("no") })
	s.GET("/identity", cachette.Cached(time.Hour, cachette.WithIdentity(userOf)), text("page"))
	s.GET("/skip", cachette.Cached(time.Hour, cachette.WithSkip(func(*gin.Context) bool { return true })), text("page"))
	s.POST("/post", cached, text("page"))
	s.GET("/guarded", func(c *gin.Context) { c.AbortWithStatus(http.StatusUnauthorized) }, cached, text("page"))
	for target, says := range map[string]string{
		"":                                "https://example.com/products",
		"/plain":                          "*gin.Context",
		"plain":                           "https://example.com/products",
		"ftp://example.com/plain":         "https://example.com/products",
		"http:///plain":                   "https://example.com/products",
		"http://example.com/plain ":       "give \"http://example.com/plain\"",
		" http://example.com/plain":       "give \"http://example.com/plain\"",
		" http://user:pw@example.com/":    "example.com",
		"http://example.com/plain#top":    "give \"http://example.com/plain\"",
		"http://user:pw@example.com/#top": "example.com",
		"http://user:pw@example.com/page": "https://example.com/products",
		"http://user:p/pw@example.com/":   "https://example.com/products",
		"http://user:%pw@example.com/":    "https://example.com/products",
		"http://example.com/products/:id": "pattern",
		"http://example.com/%zz":          "https://example.com/products",
		"http://example.com/plain":        "no route with Cached has answered, but something else with the status 200",
		"http://example.com/unknown":      "no route with Cached has answered, but something else with the status 404",
		"http://example.com/post":         "no route with Cached has answered, but something else with the status 404",
		"http://example.com/guarded":      "no route with Cached has answered, but something else with the status 401",
		"http://example.com/private":      "detail=private",
		"http://example.com/cookie":       "detail=set-cookie",
		"http://example.com/noStore":      "not stored",
		"http://example.com/gone":         "fwd-status=410; detail=status",
		"http://example.com/fails":        "fwd-status=503; detail=status",
		"http://example.com/panics":       "fwd=uri-miss",
		"http://example.com/identity":     "fwd=bypass; detail=identity",
		"http://example.com/skip":         "fwd=bypass; detail=skip",
	} {
		err := s.cache.Refresh(t.Context(), target)
		var op *cachette.OpError
		if !errors.As(err, &op) || op.Op != "refresh" || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "pw@") {
			t.Errorf("Refresh(%q): %v; want %q in it", target, err, says)
		}
		if invalid := strings.Contains(says, "example.com") || says == "pattern" || says == "*gin.Context"; errors.Is(err, cachette.ErrInvalid) != invalid {
			t.Errorf("Refresh(%q): %v is ErrInvalid: %t", target, err, !invalid)
		}
	}
	if err := s.cache.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.cache.Refresh(t.Context(), "http://example.com/gone"); !errors.Is(err, cachette.ErrClosed) {
		t.Errorf("behind Close: %v", err)
	}
}

// A page with a validator is validated (RFC 9111 §4.3): a 304 makes it fresh again. One that fails, stays.
func TestRefreshValidates(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, store)
			fails := false
			page, runs := counted(func(c *gin.Context) {
				c.Header("ETag", `"v1"`)
				switch {
				case fails:
					c.String(http.StatusServiceUnavailable, "broken")
				case c.GetHeader("If-None-Match") == `"v1"`:
					c.Status(http.StatusNotModified)
				default:
					c.String(http.StatusOK, "page")
				}
			})
			s.GET("/page", cachette.Cached(time.Minute, cachette.WithStaleIfError(time.Hour)), page)
			s.get("/page")
			time.Sleep(50 * time.Second)
			if err := s.cache.Refresh(t.Context(), "http://example.com/page"); err != nil {
				t.Error(err)
			}
			time.Sleep(50 * time.Second)
			if a := s.get("/page"); !a.hit() || a.body != "page" || runs.Load() != 2 {
				t.Errorf("behind a 304: %q (%s), %d runs", a.body, a.cacheStatus(), runs.Load())
			}
			fails = true
			err := s.cache.Refresh(t.Context(), "http://example.com/page")
			if err == nil || !strings.Contains(err.Error(), "503") {
				t.Errorf("of one that fails: %v", err)
			}
			if a := s.get("/page"); !a.hit() || a.body != "page" {
				t.Errorf("behind a failure: %d %q (%s)", a.status, a.body, a.cacheStatus())
			}
		})
	})
}

// What is stored is served until the new page is there, refreshes do not disturb one another, and one that runs when the cache is
// closed, or for a caller that leaves, ends with an error.
func TestRefreshTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		page, gate, arrived, runs := gated(func(c *gin.Context) { c.String(http.StatusOK, "page for %s", c.Query("n")) })
		s.GET("/page", cachette.Cached(time.Hour), page)
		first := later(func() answer { return s.get("/page") })
		await(t, "the fill", arrived)
		gate <- struct{}{}
		await(t, "the answer", first)
		const refreshes = 5
		errs := together(refreshes, func(int) error { return s.cache.Refresh(context.Background(), "http://example.com/page") })
		synctest.Wait()
		for range 3 {
			if a := s.get("/page"); !a.hit() {
				t.Errorf("meanwhile: %s", a.cacheStatus())
			}
		}
		for range refreshes {
			gate <- struct{}{}
		}
		for range refreshes {
			if err := await(t, "a refresh", errs); err != nil {
				t.Error(err)
			}
		}
		if n := runs.Load(); n != 1+refreshes {
			t.Errorf("%d runs", n)
		}
		ctx, leave := context.WithCancel(t.Context())
		left := later(func() error { return s.cache.Refresh(ctx, "http://example.com/page") })
		synctest.Wait()
		leave()
		if err := await(t, "a refresh whose caller left", left); !errors.Is(err, context.Canceled) {
			t.Errorf("for a caller that left: %v", err)
		}
		closed := later(func() error { return s.cache.Refresh(context.Background(), "http://example.com/page") })
		synctest.Wait()
		if err := s.cache.Close(); err != nil {
			t.Error(err)
		}
		if err := await(t, "a refresh behind Close", closed); err == nil {
			t.Error("a refresh that Close has ended returns no error")
		}
	})
}
