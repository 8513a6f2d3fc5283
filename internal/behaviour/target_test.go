package behaviour_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// A page is kept for the target URI as the client sent it (RFC 9111 §2, §4; RFC 9110 §7.1): the scheme, the user information and the
// host of an absolute form (RFC 9112 §3.2.2), the prefix of a mount and what a rewrite took away count, since handlers can see
// them.

// ask sends a request with a target as it stands on the request line, as net/http reads it.
func ask(t testing.TB, h http.Handler, target, host string, change ...func(*http.Request)) answer {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	u, err := url.ParseRequestURI(target)
	if err != nil {
		t.Fatal(err)
	}
	r.RequestURI, r.URL, r.Host = target, u, host
	if u.Host != "" {
		r.Host = u.Host
	}
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{status: w.Code, header: w.Result().Header, body: w.Body.String()}
}

func overTLS(r *http.Request) { r.TLS = &tls.ConnectionState{HandshakeComplete: true} }

// What a client asks for in absolute form makes no page for requests for a path, and is itself cached only where it is for
// this very server.
func TestAbsoluteForms(t *testing.T) {
	for _, row := range []struct {
		target string
		tls    bool
		kept   bool
	}{
		{target: "http://good.example/products", kept: true},
		{target: "https://good.example/products"},
		{target: "http://good.example/products", tls: true},
		{target: "https://good.example/products", tls: true, kept: true},
		{target: "HTTP://GOOD.example/products", kept: true},
		{target: "http://good.example:80/products", kept: true},
		{target: "http://user@good.example/products"},
		{target: "http://user:secret@good.example/products"},
		{target: "http://@good.example/products"},
		{target: "ftp://good.example/products"},
		{target: "javascript://%0aalert(1)@good.example/products"},
		{target: "ws://good.example/products"},
		{target: "http://evil.example/products", kept: true},
		{target: "http://good.example//products?", kept: true},
		{target: "//products", kept: true},
	} {
		t.Run(fmt.Sprintf("%s over TLS: %t", row.target, row.tls), func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.RemoveExtraSlash = true
				s.GET("/products", cachette.Cached(time.Minute), func(c *gin.Context) {
					next := *c.Request.URL // as pagination is made
					next.RawQuery = "page=2"
					c.String(http.StatusOK, "next: %s, at %s", next.String(), c.Request.Host)
				})
				connection := func(r *http.Request) {
					if row.tls {
						overTLS(r)
					}
				}
				first := ask(t, s, row.target, "good.example", connection)
				if second := ask(t, s, row.target, "good.example", connection); second.hit() != row.kept || second.body != first.body {
					t.Errorf("%q, then %q (%s)", first.body, second.body, second.cacheStatus())
				}
				want := "next: /products?page=2, at good.example"
				if a := ask(t, s, "/products", "good.example", connection); a.body != want {
					t.Errorf("then a request for the path is given %q (%s)", a.body, a.cacheStatus())
				}
				if a := ask(t, s, "/products", "good.example", connection); a.body != want || !a.hit() {
					t.Errorf("and again: %q (%s)", a.body, a.cacheStatus())
				}
			})
		})
	}
}

// Mounts of one engine, nested ones as well, have pages of their own.
func TestMounts(t *testing.T) {
	for _, row := range []struct {
		name   string
		cached []cachette.Option
	}{
		{"whole query", nil},
		{"path alone", []cachette.Option{cachette.WithPathKey()}},
		{"a parameter", []cachette.Option{cachette.WithQueryParams("page")}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.GET("/doc", cachette.Cached(time.Minute, row.cached...), func(c *gin.Context) {
					path, _, _ := strings.Cut(c.Request.RequestURI, "?")
					c.String(http.StatusOK, "made for %s", path)
				})
				s.GET("/a/doc", cachette.Cached(time.Minute, row.cached...), text("the route's own"))
				inner := http.NewServeMux()
				inner.Handle("/x/", http.StripPrefix("/x", s))
				mux := http.NewServeMux()
				mux.Handle("/a/", http.StripPrefix("/a", s))
				mux.Handle("/b/", http.StripPrefix("/b", inner))
				mux.Handle("/", s)
				for round := range 2 {
					for path, want := range map[string]string{"/a/doc": "made for /a/doc", "/b/x/doc": "made for /b/x/doc", "/doc": "made for /doc",
						"/a/a/doc": "the route's own"} {
						if a := send(t, mux, http.MethodGet, path+"?page=1"); a.body != want || a.hit() != (round > 0) {
							t.Errorf("%s is given %q (%s)", path, a.body, a.cacheStatus())
						}
					}
				}
				if row.cached != nil { // parameters that do not count do not at a mount either
					if a := send(t, mux, http.MethodGet, "/a/doc?page=1&utm=2"); !a.hit() {
						t.Errorf("with a parameter that does not count: %s", a.cacheStatus())
					}
				}
			})
		})
	}
}

// rewrites are what programs do to the URL of a request in place, so that its handler sees another. Each tells tenants apart by
// something that its handler does not see any more but by a field that the rewrite has set.
var rewrites = []struct {
	name    string
	target  func(tenant string) string
	rewrite func(c *gin.Context)
}{
	{"a tenant in the path", func(tenant string) string { return "/t/" + tenant + "/dash" }, func(c *gin.Context) {
		c.Request.Header.Set("X-Tenant", c.Param("tenant"))
		c.Request.URL.Path = "/dash"
	}},
	{"a tenant in the path, which becomes a parameter", func(tenant string) string { return "/t/" + tenant + "/dash?page=1" }, func(c *gin.Context) {
		c.Request.Header.Set("X-Tenant", c.Param("tenant"))
		c.Request.URL.Path, c.Request.URL.RawQuery = "/dash", "tenant="+c.Param("tenant")
	}},
	{"a tenant in the query", func(tenant string) string { return "/t/x/dash?page=1&tenant=" + tenant }, func(c *gin.Context) {
		c.Request.Header.Set("X-Tenant", c.Request.URL.Query().Get("tenant"))
		c.Request.URL.Path, c.Request.URL.RawQuery = "/dash", "page=1"
	}},
	{"a tenant that is the query", func(tenant string) string { return "/t/x/dash?" + tenant }, func(c *gin.Context) {
		c.Request.Header.Set("X-Tenant", c.Request.URL.RawQuery)
		c.Request.URL.Path, c.Request.URL.RawQuery = "/dash", ""
	}},
	{"a tenant in an escaped path", func(tenant string) string { return "/t/x%2F" + tenant + "/dash" }, func(c *gin.Context) {
		c.Request.Header.Set("X-Tenant", strings.TrimPrefix(c.Param("tenant"), "x/"))
		c.Request.URL.Path, c.Request.URL.RawPath = "/dash", ""
	}},
}

// Tenants that a rewrite leads to one route share nothing, whatever of the query that route is keyed by.
func TestTenantsBehindARewrite(t *testing.T) {
	for _, rewrite := range rewrites {
		for name, options := range map[string][]cachette.Option{
			"whole query": nil, "path alone": {cachette.WithPathKey()}, "a parameter": {cachette.WithQueryParams("page")},
		} {
			t.Run(rewrite.name+"/"+name, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					s.UseRawPath = strings.Contains(rewrite.name, "escaped")
					s.GET("/t/:tenant/*rest", func(c *gin.Context) {
						rewrite.rewrite(c)
						s.HandleContext(c)
					})
					s.GET("/dash", cachette.Cached(time.Minute, options...),
						func(c *gin.Context) { c.String(http.StatusOK, "dashboard of %s", tenantOf(c)) })
					for round := range 2 {
						for _, tenant := range []string{"acme", "umbrella"} {
							a := s.get(rewrite.target(tenant))
							if a.body != "dashboard of "+tenant || a.hit() != (round > 0) {
								t.Errorf("%s is given %q (%s)", tenant, a.body, a.cacheStatus())
							}
						}
					}
					if a := s.get("/dash?page=1"); a.body != "dashboard of " {
						t.Errorf("a request for the route itself is given %q (%s)", a.body, a.cacheStatus())
					}
				})
			})
		}
	}
}

// Middleware that rewrites the URL in place, on either side of Install, gives each target its own page, and a refresh in the
// background goes to the route by which the request was found (RFC 5861 §3).
func TestRewritesInPlace(t *testing.T) {
	for _, row := range []struct {
		name    string
		rewrite func(u *url.URL)
		a, b    string // two targets that come to the same URL
	}{
		{"the path", func(u *url.URL) { u.Path = "/rewritten" }, "/p/1", "/p/2"},
		{"the path, in part", func(u *url.URL) { u.Path = strings.TrimPrefix(u.Path, "/p") }, "/p/1", "/p/2"},
		{"the query", func(u *url.URL) { u.RawQuery = "" }, "/p/1?user=alice", "/p/1?user=bob"},
		{"both", func(u *url.URL) { u.Path, u.RawQuery = "/rewritten", "x=1" }, "/p/1?user=alice", "/p/1?user=bob"},
		{"to the path of another route", func(u *url.URL) { u.Path = "/other" }, "/p/1", "/p/2"},
	} {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/before Install: %t", row.name, before), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					rewrite := func(c *gin.Context) {
						if strings.HasPrefix(c.FullPath(), "/p/") {
							c.Set("came", c.Request.RequestURI)
							row.rewrite(c.Request.URL)
						}
					}
					s := newSite(t)
					if before {
						s = newSiteOn(t, func(e *gin.Engine) { e.Use(rewrite) })
					} else {
						s.Use(rewrite)
					}
					var version atomic.Int64
					version.Store(1)
					cached := cachette.Cached(time.Minute, cachette.WithStaleWhileRevalidate(time.Hour))
					s.GET("/p/:n", cached, func(c *gin.Context) { c.String(http.StatusOK, "%s, version %d", c.GetString("came"), version.Load()) })
					s.GET("/other", cached, text("the other page"))
					for round := range 2 {
						for _, target := range []string{row.a, row.b, "/other"} {
							want := target + ", version 1"
							if target == "/other" {
								want = "the other page"
							}
							if a := s.get(target); a.body != want || a.hit() != (round > 0) {
								t.Errorf("%s is given %q (%s)", target, a.body, a.cacheStatus())
							}
						}
					}
					time.Sleep(2 * time.Minute)
					version.Store(2)
					s.get(row.a)
					synctest.Wait()
					if a := s.get(row.a); a.body != row.a+", version 2" || !a.hit() {
						t.Errorf("behind a refresh: %q (%s)", a.body, a.cacheStatus())
					}
				})
			})
		}
	}
}

// A parameter that a middleware rewrites, and gin has kept as it came, makes no page for requests with the new one.
func TestRewrittenParameter(t *testing.T) {
	for name, options := range map[string][]cachette.Option{"whole query": nil, "a parameter": {cachette.WithQueryParams("lang")}} {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.Use(func(c *gin.Context) {
					if c.Query("lang") != "de" { // which makes gin keep the query
						c.Request.URL.RawQuery = "lang=en"
					}
				})
				s.GET("/", cachette.Cached(time.Minute, options...), func(c *gin.Context) { c.String(http.StatusOK, "in %s", c.Query("lang")) })
				for round := range 2 {
					for _, lang := range []string{"xx", "en", "de", "yy"} {
						if a := s.get("/?lang=" + lang); a.body != "in "+lang || a.hit() != (round > 0) {
							t.Errorf("a request for %s is given %q (%s)", lang, a.body, a.cacheStatus())
						}
					}
				}
			})
		})
	}
}

// A host that a middleware writes into the URL, as that of a tenant, is one that the handler sees.
func TestHostInURL(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.Use(func(c *gin.Context) { c.Request.URL.Host = c.GetHeader("X-Forwarded-Host") })
		s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) { c.String(http.StatusOK, "shop of %s", c.Request.URL.Host) })
		for round := range 2 {
			for _, host := range []string{"a.example", "b.example", ""} {
				if a := s.get("/", "X-Forwarded-Host: "+host); a.body != "shop of "+host || a.hit() != (round > 0) {
					t.Errorf("%q is given %q (%s)", host, a.body, a.cacheStatus())
				}
			}
		}
	})
}

// newSiteOn is newSite on an engine that has been prepared.
func newSiteOn(t testing.TB, prepare func(*gin.Engine), configure ...func(*cachette.Config)) *site {
	t.Helper()
	engine := gin.New()
	prepare(engine)
	e := cachettetest.On(t, engine, configure...)
	return &site{Engine: e.Engine, t: t, cache: e.Cache}
}
