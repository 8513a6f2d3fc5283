package behaviour_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// What cannot be seen to be a mistake before a request comes is told in the log, once a route: handlers that hits skip (the
// documentation of Cached), and a time to live that cannot be meant (that of WithTTLFunc).

func guardOf(*gin.Context)    {}
func loggerOf(c *gin.Context) { c.Next() }
func handlerOf(c *gin.Context) {
	c.String(http.StatusOK, "page")
}

func TestSkippedHandlersAreNamed(t *testing.T) {
	cached := cachette.Cached(time.Minute)
	for _, row := range []struct {
		name  string
		mount func(s *site)
		want  []string // the names that the line has; none for no line
	}{
		{"nothing between", func(s *site) { s.GET("/page/:id", cached, handlerOf) }, nil},
		{"a guard before", func(s *site) { s.GET("/page/:id", guardOf, cached, handlerOf) }, nil},
		{"a guard behind", func(s *site) { s.GET("/page/:id", cached, guardOf, handlerOf) }, []string{"guardOf"}},
		{"two behind", func(s *site) { s.GET("/page/:id", cached, guardOf, loggerOf, handlerOf) }, []string{"guardOf", "loggerOf"}},
		{"on a group", func(s *site) { s.Group("/page", cached, guardOf).GET("/:id", handlerOf) }, []string{"guardOf"}},
		{"on the engine", func(s *site) { s.Use(cached, guardOf); s.GET("/page/:id", loggerOf, handlerOf) }, []string{"guardOf", "loggerOf"}},
		{"between two routes, which hits of the inner one do not skip", func(s *site) {
			s.Group("/page", cached, guardOf).GET("/:id", cached, handlerOf)
		}, nil},
		{"behind two routes", func(s *site) { s.Group("/page", cached).GET("/:id", cached, guardOf, handlerOf) }, []string{"guardOf"}},
		{"behind a part", func(s *site) {
			s.GET("/page/:id", cachette.Cached(time.Minute, cachette.WithKeyPart(userOf)), guardOf, handlerOf)
		}, []string{"guardOf"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := new(journal)
			s := newSite(t, log.in)
			row.mount(s)
			for i := range 3 {
				s.get(fmt.Sprintf("/page/%d", i))
				s.get(fmt.Sprintf("/page/%d", i))
			}
			lines := 0
			for line := range strings.Lines(log.String()) {
				if !strings.Contains(line, "hits skip them") {
					continue
				}
				lines++
				if !strings.Contains(line, "route=/page/:id") || !strings.Contains(line, "level=WARN") {
					t.Errorf("the line: %s", line)
				}
				for _, name := range []string{"guardOf", "loggerOf", "handlerOf"} {
					if named := strings.Contains(line, name); named != strings.Contains(strings.Join(row.want, " "), name) {
						t.Errorf("%s is named: %t", name, named)
					}
				}
			}
			if want := min(1, len(row.want)); lines != want {
				t.Errorf("%d lines, want %d:\n%s", lines, want, log)
			}
		})
	}
}

// Get works in every handler of an engine with a cache, on hits as on misses, also behind Next in middleware of one's own that
// stands before Install.
func TestGetBehindNext(t *testing.T) {
	for _, options := range [][]cachette.Option{nil, {cachette.WithVary("X-User")}, {cachette.WithKeyPart(userOf)}} {
		var message error
		var got *cachette.Cache
		s := newSiteOn(t, func(e *gin.Engine) {
			e.Use(gin.Recovery(), func(c *gin.Context) {
				c.Next()
				message = panicked(func() { got = cachette.Get(c) })
			})
		})
		s.GET("/page", cachette.Cached(time.Minute, options...), handlerOf)
		for i := range 3 {
			got = nil
			if a := s.get("/page"); message != nil || got != s.cache || a.hit() != (i > 0) {
				t.Errorf("request %d (%s): %v", i+1, a.cacheStatus(), message)
			}
		}
		if a := s.do(http.MethodHead, "/page"); message != nil {
			t.Errorf("HEAD (%s): %v", a.cacheStatus(), message)
		}
	}
}

// A cache that is switched off takes all that a program asks of it and caches nothing: for development, and so it is no error.
func TestDisabled(t *testing.T) {
	for name, configure := range map[string]func(*testing.T) (cachette.Config, error){
		"in code": func(*testing.T) (cachette.Config, error) {
			return cachette.Config{Disabled: true, Backend: "redis"}, nil
		},
		"by the environment": func(t *testing.T) (cachette.Config, error) {
			t.Setenv("CACHETTE_DISABLED", "true")
			t.Setenv("CACHETTE_PLAIN_KEYS", "true")
			return cachette.FromEnv()
		},
	} {
		t.Run(name, func(t *testing.T) {
			engine, log := gin.New(), new(journal)
			cache, err := cachette.Install(engine, func() (cachette.Config, error) {
				cfg, err := configure(t)
				log.in(&cfg)
				return cfg, err
			})
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(log.String(), "level=INFO"); n != 1 || !strings.Contains(log.String(), "the cache is disabled") {
				t.Errorf("the log says at the start: %s", log)
			}
			disabledValues(t, cache)
			disabledRoutes(t, &site{Engine: engine, t: t, cache: cache})
			if err := cache.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// disabledValues uses all of a cache that is switched off.
func disabledValues(t *testing.T, cache *cachette.Cache) {
	t.Helper()
	var value string
	for name, use := range map[string]func() error{
		"Put":            func() error { return cache.Put(t.Context(), "n:key", "value", time.Minute) },
		"Delete":         func() error { _, err := cache.Delete(t.Context(), "n:key"); return err },
		"ClearNamespace": func() error { return cache.ClearNamespace(t.Context(), "n") },
		"Flush":          func() error { return cache.Flush(t.Context()) },
		"FlushExpired":   func() error { _, err := cache.FlushExpired(t.Context()); return err },
		"PurgePath":      func() error { return cache.PurgePath(t.Context(), "/page") },
		"Ping":           func() error { return cache.Ping(t.Context()) },
	} {
		if err := use(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := cache.Fetch(t.Context(), "n:key", &value); !errors.Is(err, cachette.ErrMiss) {
			t.Errorf("Fetch behind %s: %q, %v", name, value, err)
		}
	}
	if err := cache.Put(t.Context(), "key", "value", 60); !errors.Is(err, cachette.ErrInvalid) {
		t.Errorf("a mistake: %v", err)
	}
}

// disabledRoutes uses the routes of an engine whose cache is switched off.
func disabledRoutes(t *testing.T, s *site) {
	t.Helper()
	page, runs := counted(func(c *gin.Context) {
		cachette.NoStore(c)
		c.Header("ETag", `"v1"`)
		c.String(http.StatusOK, "page")
	})
	s.Group("/", cachette.Cached(time.Minute, cachette.WithNamespace("n"))).
		Any("/page", cachette.Cached(time.Minute, cachette.WithIdentity(userOf), cachette.WithStaleWhileRevalidate(time.Hour)), page)
	methods := []string{http.MethodGet, http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut}
	for _, method := range methods {
		a := s.do(method, "/page", "X-User: alice", `If-None-Match: "v0"`)
		if a.status != http.StatusOK || a.body != "page" || a.hit() || !strings.HasPrefix(a.cacheStatus(), "cachette; fwd=") {
			t.Errorf("%s: %d %q (%s)", method, a.status, a.body, a.cacheStatus())
		}
	}
	if err := s.cache.Refresh(t.Context(), "https://example.com/page"); err != nil {
		t.Errorf("Refresh: %v", err)
	}
	if n := runs.Load(); n != int64(len(methods)+1) {
		t.Errorf("the handler ran %d times for %d requests and a refresh", n, len(methods))
	}
	if err := s.cache.Refresh(t.Context(), "https://example.com/:id"); !errors.Is(err, cachette.ErrInvalid) {
		t.Errorf("Refresh of a pattern: %v", err)
	}
}
