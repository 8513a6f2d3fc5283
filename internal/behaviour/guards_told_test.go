package behaviour_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// The handlers that hits skip are named at the first request of a route, whatever becomes of it: a hit that another process has
// made, a request that goes past the cache, HEAD, and what no route is registered for.
func TestSkippedHandlersAreNamedAtTheFirstRequest(t *testing.T) {
	cached := cachette.Cached(time.Minute)
	get := []string{http.MethodGet}
	for _, row := range []struct {
		name    string
		mount   func(s *site)
		methods []string
		route   string
	}{
		{"an identity that is empty", func(s *site) {
			s.GET("/page", cachette.Cached(time.Minute, cachette.WithIdentity(func(*gin.Context) string { return "" })), guardOf, handlerOf)
		}, get, "/page"},
		{"a skip", func(s *site) {
			s.GET("/page", cachette.Cached(time.Minute, cachette.WithSkip(func(*gin.Context) bool { return true })), guardOf, handlerOf)
		}, get, "/page"},
		{"HEAD alone", func(s *site) { s.HEAD("/page", cached, guardOf, handlerOf) }, []string{http.MethodHead}, "/page"},
		{"GET and HEAD", func(s *site) {
			s.GET("/page", cached, guardOf, handlerOf)
			s.HEAD("/page", cached, guardOf, handlerOf)
		}, []string{http.MethodGet, http.MethodHead}, "/page"},
		{"HEAD of another chain", func(s *site) {
			s.GET("/page", cached, handlerOf)
			s.HEAD("/page", cached, guardOf, handlerOf)
		}, []string{http.MethodGet, http.MethodHead}, "/page"},
		{"no route", func(s *site) { s.NoRoute(cached, guardOf, handlerOf) }, get, "NoRoute"},
		{"no method", func(s *site) {
			s.HandleMethodNotAllowed = true
			s.NoRoute(cached, handlerOf)
			s.NoMethod(cached, guardOf, handlerOf)
			s.POST("/page", handlerOf)
			s.get("/other")
		}, get, "NoMethod"},
		{"a route that HandleContext leads to", func(s *site) {
			s.GET("/page", cached, func(c *gin.Context) {
				c.Request.URL.Path = "/inner"
				s.HandleContext(c)
			})
			s.GET("/inner", cached, guardOf, handlerOf)
		}, get, "/inner"},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := new(journal)
			s := newSite(t, log.in)
			row.mount(s)
			for range 3 {
				for _, method := range row.methods {
					s.do(method, "/page")
				}
			}
			wantSkippedLine(t, log, row.route)
		})
	}
	t.Run("a hit of what another process has stored", func(t *testing.T) {
		log, store := new(journal), newShelf()
		shared := func(c *cachette.Config) { c.Driver, c.Service = store, "service" }
		for _, s := range []*site{newSite(t, shared), newSite(t, shared, log.in)} {
			s.GET("/page", cached, guardOf, handlerOf)
			first := s.get("/page")
			s.get("/page")
			if first.body != "page" {
				t.Errorf("%d %q", first.status, first.body)
			}
		}
		wantSkippedLine(t, log, "/page")
	})
}

// wantSkippedLine fails a test unless the log names guardOf, once, for a route.
func wantSkippedLine(t *testing.T, log *journal, route string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "hits skip them") {
			lines = append(lines, line)
		}
	}
	if len(lines) != 1 || !strings.Contains(lines[0], "route="+route) || !strings.Contains(lines[0], "guardOf") {
		t.Errorf("want one line, of %s and guardOf; the log is:\n%s", route, log)
	}
}

// A route that ends with Cached has no handler to make a page, and says so once.
func TestCachedWithoutAHandler(t *testing.T) {
	for name, mount := range map[string]func(s *site){
		"on the route": func(s *site) { s.GET("/page", cachette.Cached(time.Minute)) },
		"twice": func(s *site) {
			s.Use(cachette.Cached(time.Minute))
			s.GET("/page", guardOf, cachette.Cached(time.Minute))
		},
		"HEAD":          func(s *site) { s.HEAD("/page", cachette.Cached(time.Minute)) },
		"":              func(s *site) { s.GET("/page", cachette.Cached(time.Minute), handlerOf) },
		" (no route)":   func(s *site) { s.Use(cachette.Cached(time.Minute)) },
		" (an OPTIONS)": func(s *site) { s.OPTIONS("/page", guardOf); s.GET("/page", cachette.Cached(time.Minute), handlerOf) },
	} {
		t.Run(fmt.Sprintf("%q", name), func(t *testing.T) {
			log := new(journal)
			s := newSite(t, log.in)
			mount(s)
			for range 2 {
				s.get("/page")
				s.do(http.MethodHead, "/page")
			}
			want := 1
			if name == "" || name[0] == ' ' {
				want = 0
			}
			if n := strings.Count(log.String(), "no handler"); n != want {
				t.Errorf("%d lines, want %d:\n%s", n, want, log)
			}
		})
	}
}
