package behaviour_test

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A HEAD of a page that is not stored has the handlers run as for GET where they are known to be the same: others wait for the page, which
// is stored, and no content goes to the HEAD's own client (RFC 9110 §9.3.2).
func TestHeadLeads(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		outside := make(chan string, 100) // the methods that middleware sees behind the handlers
		s.Use(func(c *gin.Context) { c.Next(); outside <- c.Request.Method })
		handler, runs := counted(func(c *gin.Context) {
			c.Header("X-Method", c.Request.Method)
			c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), contextKey{}, 1))
			c.String(http.StatusOK, "page")
		})
		methods := []string{http.MethodGet, http.MethodHead}
		s.Match(methods, "/:n", cachette.Cached(time.Hour), handler)
		server := s.listen()
		fetch(t, server, http.MethodHead, "/0", "Host: h") // no GET has shown yet what its handlers are
		if a := fetch(t, server, http.MethodGet, "/0", "Host: h"); a.hit() || runs.Load() != 2 {
			t.Errorf("the first: %s, after %d runs", a.cacheStatus(), runs.Load())
		}
		await(t, "the end of the first HEAD", outside)
		await(t, "the end of the first GET", outside)
		for i := range 3 {
			path := "/" + strconv.Itoa(i+1)
			a := fetch(t, server, http.MethodHead, path, "Host: h")
			if a.status != http.StatusOK || a.body != "" || a.header.Get("X-Method") != http.MethodGet || a.header.Get("Content-Length") != "4" {
				t.Errorf("the HEAD: %d %q %v", a.status, a.body, a.header)
			}
			if method := await(t, "the end of the HEAD", outside); method != http.MethodHead {
				t.Errorf("middleware outside sees %s", method)
			}
			if a := fetch(t, server, http.MethodGet, path, "Host: h"); !a.hit() || a.body != "page" {
				t.Errorf("the GET: %q (%s)", a.body, a.cacheStatus())
			}
			await(t, "the end of the GET", outside)
		}
		if runs.Load() != 5 {
			t.Errorf("the handler ran %d times", runs.Load())
		}
	})
}

type contextKey struct{}

// setting returns middleware that tells the handlers behind it something.
func setting(what string) gin.HandlerFunc {
	return func(c *gin.Context) { c.Set("told", what) }
}

// Where GET has, or may have, other handlers, a HEAD runs its own, and nothing of it is stored.
func TestHeadOfOtherHandlers(t *testing.T) {
	page := func(body string) gin.HandlerFunc { return text(body) }
	nothing := func(*gin.Context) {}
	for name, register := range map[string]func(s *site, cached gin.HandlerFunc){
		"another handler": func(s *site, cached gin.HandlerFunc) {
			s.GET("/:n", cached, text("GET"))
			s.HEAD("/:n", cached, func(c *gin.Context) { c.String(http.StatusOK, "HEAD") })
		},
		"another closure of the same": func(s *site, cached gin.HandlerFunc) {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				s.Handle(method, "/:n", cached, page(method))
			}
		},
		"another Cached": func(s *site, cached gin.HandlerFunc) {
			handler := page("GET")
			s.GET("/:n", cached, handler)
			s.HEAD("/:n", cachette.Cached(time.Minute), handler)
		},
		"a handler more": func(s *site, cached gin.HandlerFunc) {
			handler := page("GET")
			s.GET("/:n", cached, handler)
			s.HEAD("/:n", nothing, cached, handler)
		},
		"another closure of the same before": func(s *site, cached gin.HandlerFunc) {
			tells := func(c *gin.Context) { c.String(http.StatusOK, c.GetString("told")) }
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				s.Handle(method, "/:n", setting(method), cached, tells)
			}
		},
		"another closure of the same in a group": func(s *site, cached gin.HandlerFunc) {
			tells := func(c *gin.Context) { c.String(http.StatusOK, c.GetString("told")) }
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				s.Group("/", setting(method)).Handle(method, "/:n", cached, tells)
			}
		},
		"another route that hands on": func(s *site, cached gin.HandlerFunc) {
			s.Match([]string{http.MethodGet, http.MethodHead}, "/real/:n", cached, func(c *gin.Context) {
				c.String(http.StatusOK, "%v", c.Request.Context().Value(contextKey{}))
			})
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				s.Handle(method, "/:n", func(c *gin.Context) {
					c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), contextKey{}, method))
					c.Request.URL.Path = "/real/" + c.Param("n")
					s.HandleContext(c)
				})
			}
		},
		"another Cached around": func(s *site, cached gin.HandlerFunc) {
			inner := newSite(s.t).Engine
			inner.Match([]string{http.MethodGet, http.MethodHead}, "/:n", cachette.Cached(time.Hour), func(c *gin.Context) {
				c.String(http.StatusOK, "%v", c.Request.Context().Value(contextKey{}))
			})
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				s.Handle(method, "/:n", cached, func(c *gin.Context) {
					inner.ServeHTTP(c.Writer, c.Request.WithContext(context.WithValue(c.Request.Context(), contextKey{}, method)))
				})
			}
		},
		"no route at all": func(s *site, cached gin.HandlerFunc) {
			s.NoRoute(cached, func(c *gin.Context) { c.String(http.StatusOK, c.Request.Method) })
		},
		"a handler between": func(s *site, cached gin.HandlerFunc) {
			s.Match([]string{http.MethodGet, http.MethodHead}, "/:n", cached, nothing, page("GET"))
		},
		"another route of GET": func(s *site, cached gin.HandlerFunc) {
			s.Match([]string{http.MethodGet, http.MethodHead}, "/:n", cached, page("HEAD"))
			s.GET("/2", cached, page("GET"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			register(s, cachette.Cached(time.Hour))
			server := s.listen()
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				fetch(t, server, method, "/1", "Host: h")
			}
			fetch(t, server, http.MethodHead, "/2", "Host: h")
			if a := fetch(t, server, http.MethodGet, "/2", "Host: h"); a.hit() || a.body != "GET" {
				t.Errorf("a GET behind it: %q (%s)", a.body, a.cacheStatus())
			}
		})
	}
}

// A HEAD of what may be large, as what is made in parts may, is not made as for GET: that would read it for nothing.
func TestHeadOfFiles(t *testing.T) {
	for name, row := range map[string]struct {
		pattern string
		fields  []string // of each page
		paths   []string // the first of which is asked for by GET, and the last by HEAD, as those between are
	}{
		"behind a catch-all":                  {pattern: "/*n", paths: []string{"/1", "/2"}},
		"that is made in parts":               {fields: []string{"Accept-Ranges: bytes"}, paths: []string{"/1", "/2"}},
		"behind one that was too large":       {paths: []string{"/1", "/large", "/2"}},
		"behind one that was large from afar": {paths: []string{"/1", "/declared", "/2"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			saw := make(chan string, 100)
			handler := func(c *gin.Context) {
				switch method := c.Request.Method; {
				case strings.HasSuffix(c.Param("n"), "large"):
					for range 99 {
						_, _ = io.WriteString(c.Writer, "page")
					}
				case strings.HasSuffix(c.Param("n"), "declared"):
					text(strings.Repeat("page", 99), "Content-Length: 396")(c)
				default:
					text("page", row.fields...)(c)
					saw <- method
				}
			}
			if row.pattern == "" {
				row.pattern = "/:n"
			}
			s.Match([]string{http.MethodGet, http.MethodHead}, row.pattern, cachette.Cached(time.Hour, cachette.WithBodyLimit(20)), handler)
			server := s.listen()
			last := len(row.paths) - 1
			fetch(t, server, http.MethodGet, row.paths[0], "Host: h")
			await(t, "the first", saw)
			for _, path := range row.paths[1:last] {
				fetch(t, server, http.MethodHead, path, "Host: h")
			}
			fetch(t, server, http.MethodHead, row.paths[last], "Host: h")
			if method := await(t, "the last", saw); method != http.MethodHead {
				t.Errorf("the handler sees %s", method)
			}
		})
	}
}

// A handler that hands a request on, after it was called for a HEAD as for GET, hands on a GET: what it leads to is what a GET leads to.
func TestHeadHandedOn(t *testing.T) {
	inner := gin.New()
	for name, hand := range map[string]func(s *site, c *gin.Context){
		"by HandleContext": func(s *site, c *gin.Context) {
			c.Request.URL.Path = "/real/" + c.Param("n")
			s.HandleContext(c)
		},
		"to another engine": func(_ *site, c *gin.Context) { inner.ServeHTTP(c.Writer, c.Request) },
		"to another engine, with its prefix stripped": func(_ *site, c *gin.Context) {
			http.StripPrefix("/pages", inner).ServeHTTP(c.Writer, c.Request)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			inner = newSite(t).Engine
			cached := cachette.Cached(time.Hour)
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				handler := func(c *gin.Context) {
					if c.Request.Method != method {
						t.Errorf("the handler of %s sees %s", method, c.Request.Method)
					}
					c.Header("X-Method", method)
					c.String(http.StatusOK, "real")
				}
				s.Handle(method, "/real/:n", cached, handler)
				inner.Handle(method, "/pages/:n", cached, handler)
				inner.Handle(method, "/:n", cached, handler)
			}
			seen := make(chan string, 100)
			s.Use(func(c *gin.Context) { c.Next(); seen <- c.Request.Method })
			s.Match([]string{http.MethodGet, http.MethodHead}, "/pages/:n", cached, func(c *gin.Context) {
				if c.Param("n") == "1" {
					text("page")(c)
					return
				}
				hand(s, c)
			})
			server := s.listen()
			fetch(t, server, http.MethodGet, "/pages/1", "Host: h")
			await(t, "the end of the GET", seen)
			for _, n := range []string{"2", "2", "3"} {
				a := fetch(t, server, http.MethodHead, "/pages/"+n, "Host: h")
				if a.status != http.StatusOK || a.body != "" || a.header.Get("Content-Length") != "4" {
					t.Errorf("the HEAD: %d %q %v", a.status, a.body, a.header)
				}
				if method := await(t, "the end of the HEAD", seen); method != http.MethodHead {
					t.Errorf("middleware outside sees %s", method)
				}
			}
			if a := fetch(t, server, http.MethodGet, "/pages/2", "Host: h"); a.body != "real" || a.header.Get("X-Method") != http.MethodGet {
				t.Errorf("the GET: %q %v", a.body, a.header)
			}
		})
	}
}
