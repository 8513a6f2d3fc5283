package behaviour_test

import (
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A refresh in the background (RFC 5861 §3) comes to the handler as the request did that set it off: by the same route, with the
// same parameters, URL and query, however the engine reads paths and whatever changes the URL in place on the way.
func TestRefreshComesTheSameWay(t *testing.T) {
	plain := func(*gin.Engine) {}
	useRaw := func(e *gin.Engine) { e.UseRawPath, e.UnescapePathValues = true, false }
	unescape := func(e *gin.Engine) { e.UseRawPath, e.UnescapePathValues = true, true }
	rewrites := []struct {
		name    string
		rewrite func(u *url.URL)
	}{
		{"nothing", func(*url.URL) {}},
		{"a longer query", func(u *url.URL) { u.RawQuery += "&more=1" }},
		{"another query", func(u *url.URL) { u.RawQuery = "was=" + url.QueryEscape(u.RawQuery) }},
		{"the path of a route", func(u *url.URL) { u.Path, u.RawPath = "/p/1", "" }},
		{"another path", func(u *url.URL) { u.Path, u.RawPath = "/rewritten"+u.Path, "" }},
	}
	for _, engine := range []struct {
		name    string
		prepare func(*gin.Engine)
		targets []string
	}{
		{"as it is", plain, []string{"/p/1", "/p/a%20b", "/p/a%2Bb?q=1", "/all/a%2Fb/c", "/all//a", "/none/a%2Fb?q=%20", "/p/100%25"}},
		{"raw paths", useRaw, []string{"/p/1", "/p/a%2Fb", "/p/a%2Bb?q=1", "/p/a%20b", "/all/a%2Fb/c", "/all/a%2Fb%25/", "/none/a%2Fb"}},
		{"raw paths, unescaped", unescape, []string{"/p/1", "/p/a%2Fb", "/p/a%2Bb+c", "/p/a%20b%2F", "/all/a%2Fb/c", "/none/a%2Fb"}},
		{"extra slashes removed", removing, []string{"/p/1", "//p//1", "/p/x/../a", "/all//a//b/", "/all/a%2F%2Fb"}},
	} {
		for _, rewrite := range rewrites {
			for _, where := range []string{"before Install", "behind Install", "around the engine"} {
				t.Run(engine.name+"/"+rewrite.name+"/"+where, func(t *testing.T) {
					for _, target := range engine.targets {
						synctest.Test(t, func(t *testing.T) { refreshTheSameWay(t, engine.prepare, rewrite.rewrite, where, target) })
					}
				})
			}
		}
	}
}

func refreshTheSameWay(t *testing.T, prepare func(*gin.Engine), rewrite func(*url.URL), where, target string) {
	inPlace := func(c *gin.Context) { rewrite(c.Request.URL) }
	s := newSiteOn(t, func(e *gin.Engine) {
		prepare(e)
		if where == "before Install" {
			e.Use(inPlace)
		}
	})
	if where == "behind Install" {
		s.Use(inPlace)
	}
	var handler http.Handler = s
	if where == "around the engine" {
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rewrite(r.URL)
			s.ServeHTTP(w, r)
		})
	}
	var version atomic.Int64
	version.Store(1)
	saw := func(c *gin.Context) string {
		return fmt.Sprintf("%q %v %q %q %q", c.FullPath(), c.Params, c.Request.URL.Path, c.Request.URL.RawPath, c.Request.URL.RawQuery)
	}
	cached := cachette.Cached(time.Minute, cachette.WithStaleWhileRevalidate(time.Hour))
	page := func(c *gin.Context) { c.String(http.StatusOK, "version %d: %s", version.Load(), saw(c)) }
	s.GET("/p/:id", cached, page)
	s.GET("/all/*rest", cached, page)
	s.NoRoute(cached, page)

	first := send(t, handler, http.MethodGet, target)
	version.Store(2)
	time.Sleep(2 * time.Minute)
	if a := send(t, handler, http.MethodGet, target); a.body != first.body || !a.hit() {
		t.Fatalf("%s, stale: %q (%s)", target, a.body, a.cacheStatus())
	}
	synctest.Wait()
	want := "version 2" + first.body[len("version 1"):]
	if a := send(t, handler, http.MethodGet, target); a.body != want || !a.hit() {
		t.Errorf("%s behind a refresh: %q (%s), want %q", target, a.body, a.cacheStatus(), want)
	}
}

// A refresh that cannot be led to where the request came from stores nothing of what answers in its place.
func TestRefreshThatStrays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiteOn(t, func(e *gin.Engine) {
			e.Use(func(c *gin.Context) { c.Request.URL.Path = "/p/1" })
		})
		s.Use(cachette.Cached(time.Minute, cachette.WithStaleWhileRevalidate(time.Hour)))
		s.GET("/p/:id", text("the page of a route"))
		s.GET("/all/*rest", text("the page of another route"))
		s.NoRoute(text("a page without a route"))
		mounted := http.StripPrefix("/all", s)
		for range 3 {
			if a := send(t, mounted, http.MethodGet, "/all/none"); a.body != "a page without a route" {
				t.Errorf("%q (%s)", a.body, a.cacheStatus())
			}
			time.Sleep(2 * time.Minute)
			synctest.Wait()
		}
	})
}

// A colon that is part of a path, and escaped in the pattern of its route, is no parameter.
func TestRefreshOfAPathWithAColon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiteOn(t, func(e *gin.Engine) {
			e.Use(func(c *gin.Context) { c.Request.URL.Path = "/rewritten" })
		})
		page, runs := numbered()
		s.GET(`/products\:latest/:page`, cachette.Cached(time.Minute, cachette.WithStaleWhileRevalidate(time.Hour)), page)
		if err := s.Run("no address"); err == nil { // which has gin read its patterns
			t.Fatal("the engine runs")
		}
		mounted := http.StripPrefix("/shop", s)
		for _, want := range []string{"version 1", "version 1", "version 2"} {
			if a := send(t, mounted, http.MethodGet, "/shop/products:latest/7"); a.body != want {
				t.Errorf("%q (%s), want %q", a.body, a.cacheStatus(), want)
			}
			synctest.Wait()
			if runs.Load() == 1 {
				time.Sleep(2 * time.Minute)
			}
		}
	})
}
