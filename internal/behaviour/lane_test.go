package behaviour_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Whatever stands before Cached runs on a hit, too; where nothing does, a hit takes a shorter way, which no handler notices.
func TestHandlersBeforeCachedRunOnHits(t *testing.T) {
	var runs int
	before := func(c *gin.Context) {
		runs++
		if c.GetHeader("Key") == "" {
			c.AbortWithStatus(http.StatusUnauthorized)
		}
	}
	cached := cachette.Cached(time.Minute)
	for name, register := range map[string]func(*site){
		"on the engine":  func(s *site) { s.Use(before); s.GET("/", cached, text("secret")) },
		"on a group":     func(s *site) { s.Group("/", before).GET("", cached, text("secret")) },
		"on the route":   func(s *site) { s.GET("/", before, cached, text("secret")) },
		"around Cached":  func(s *site) { s.GET("/", around(before, cached), text("secret")) },
		"cached twice":   func(s *site) { s.Use(cached); s.GET("/", before, cached, text("secret")) },
		"cached outside": func(s *site) { s.Use(before, cached); s.GET("/", text("secret")) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			register(s)
			runs = 0
			for range 3 {
				if a := s.get("/", "Key: 1"); a.body != "secret" {
					t.Fatalf("got %v", a)
				}
			}
			if name == "cached twice" { // the outer one stands before the guard, as the program says
				return
			}
			if runs != 3 {
				t.Errorf("what stands before Cached ran %d times for 3 requests", runs)
			}
			if a := s.get("/"); a.status != http.StatusUnauthorized || a.body != "" {
				t.Errorf("without a key: %v", a)
			}
		})
	}
}

// around returns a handler that calls two others, the second unless the first one aborts.
func around(first, second gin.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		if first(c); !c.IsAborted() {
			second(c)
		}
	}
}

// The same route gives the same answers on either way: first while its chain is unknown, then when it is.
func TestShortWay(t *testing.T) {
	s := newSite(t)
	handler, runs := counted(func(c *gin.Context) {
		if cachette.Get(c) != s.cache {
			t.Error("the handler has another cache")
		}
		c.Header("Cache-Control", "max-age=60")
		c.String(http.StatusOK, "%s", c.Query("q"))
	})
	s.GET("/x/:id", cachette.Cached(0), handler)
	s.HEAD("/x/:id", cachette.Cached(0), handler)
	s.POST("/x/:id", text("changed"))
	for _, step := range []struct {
		method, target string
		fields         []string
		status         string
	}{
		{"GET", "/x/1?q=a", nil, "cachette; fwd=uri-miss; stored"},
		{"GET", "/x/1?q=a", nil, "cachette; hit; ttl=60"},
		{"HEAD", "/x/1?q=a", nil, "cachette; hit; ttl=60"},
		{"GET", "/x/2?q=a", nil, "cachette; fwd=uri-miss; stored"},
		{"GET", "/x/1?q=b", nil, "cachette; fwd=uri-miss; stored"},
		{"GET", "/x/1?q=a", []string{"Cache-Control: no-cache"}, "cachette; fwd=request; stored"},
		{"GET", "/x/1?q=a", []string{"If-Match: \"x\""}, "cachette; fwd=bypass; detail=precondition"},
		{"GET", "/x/1?q=a", []string{"Range: bytes=0-0"}, "cachette; hit; ttl=60"},
		{"POST", "/x/1", nil, ""},
		{"GET", "/x/1?q=a", nil, "cachette; fwd=uri-miss; stored"},
		{"GET", "/x/3?q=a", []string{"Cache-Control: only-if-cached"}, "cachette; detail=only-if-cached"},
	} {
		if a := s.do(step.method, step.target, step.fields...); a.cacheStatus() != step.status {
			t.Errorf("%s %s %v: %q, want %q", step.method, step.target, step.fields, a.cacheStatus(), step.status)
		}
	}
	if runs.Load() != 6 {
		t.Errorf("the handler ran %d times, want 6", runs.Load())
	}
}
