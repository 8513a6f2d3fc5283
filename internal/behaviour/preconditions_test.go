package behaviour_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A client that has a response gets 304 (RFC 9110 §13.2) also where the cache keeps nothing of it: it is the cache that
// has taken the preconditions from the handler.
func TestPreconditionsOnWhatIsNotStored(t *testing.T) {
	large := strings.Repeat("x", 5000)
	modified := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, handler := range map[string]gin.HandlerFunc{
		"too large":    text(large, `ETag: "v1"`),
		"private":      text("page", `ETag: "v1"`, "Cache-Control: private, no-cache"),
		"with cookies": text("page", `ETag: "v1"`, "Set-Cookie: a=b"),
		"too large, by ServeContent": func(c *gin.Context) {
			c.Header("ETag", `"v1"`)
			http.ServeContent(c.Writer, c.Request, "page.txt", modified, strings.NewReader(large))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.GET("/", cachette.Cached(time.Minute, cachette.WithBodyLimit(1000)), handler)
			for range 3 {
				a := s.get("/", `If-None-Match: "v0", "v1"`)
				if a.status != http.StatusNotModified || a.body != "" || a.header.Get("Etag") != `"v1"` || a.hit() {
					t.Errorf("to a client that has it: %d, %d bytes, ETag %s (%s)", a.status, len(a.body), a.header["Etag"], a.cacheStatus())
				}
				if a := s.get("/", `If-None-Match: "v2"`); a.status != http.StatusOK || a.body == "" || a.hit() {
					t.Errorf("to a client that has another: %d, %d bytes (%s)", a.status, len(a.body), a.cacheStatus())
				}
			}
		})
	}
}

// What the handlers make of their request, middleware outside sees, as it would without a cache; but for the
// preconditions, which are the client's own again.
func TestRequestThatHandlersMake(t *testing.T) {
	type key struct{}
	s := newSite(t)
	var value any
	var precondition string
	outside := func(c *gin.Context) {
		c.Next()
		value = c.Request.Context().Value(key{})
		precondition = c.GetHeader("If-None-Match")
	}
	s.GET("/", outside, cachette.Cached(time.Minute), func(c *gin.Context) {
		if c.GetHeader("If-None-Match") != "" {
			t.Error("the handler sees the client's precondition")
		}
		c.Request = c.Request.WithContext(contextWith(c, key{}, "seen"))
		c.String(http.StatusOK, "page")
	})
	s.get("/", `If-None-Match: "x"`)
	if value != "seen" || precondition != `"x"` {
		t.Errorf("outside: the value %v and the precondition %s", value, precondition)
	}
}

// An Upgrade that every server may decline, and this one does, is no reason to pass the cache by.
func TestUpgrade(t *testing.T) {
	s := newSite(t)
	s.GET("/", cachette.Cached(time.Minute), text("page"))
	s.get("/")
	if a := s.get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"); !a.hit() {
		t.Errorf("h2c: %s", a.cacheStatus())
	}
	if a := s.get("/", "Connection: Upgrade", "Upgrade: websocket"); a.cacheStatus() != "cachette; fwd=bypass; detail=upgrade" {
		t.Errorf("websocket: %s", a.cacheStatus())
	}
}

// The default port of a scheme is no part of an origin (RFC 9110 §4.2.3): Location names the same page with and without.
func TestLocationWithDefaultPort(t *testing.T) {
	for location, same := range map[string]bool{
		"http://example.com:80/page":   true,
		"https://example.com:443/page": true,
		"//EXAMPLE.com/page":           true,
		"http://example.com:8080/page": false,
		"http://example.org/page":      false,
	} {
		s := newSite(t)
		s.GET("/page", cachette.Cached(time.Minute), text("page"))
		s.PUT("/other", func(c *gin.Context) {
			c.Header("Location", location)
			c.Status(http.StatusCreated)
		})
		s.get("/page")
		s.do(http.MethodPut, "/other")
		if a := s.get("/page"); a.hit() == same {
			t.Errorf("after Location: %s the page is %s", location, a.cacheStatus())
		}
	}
}

// A request that a handler sends around once more has one member in Cache-Status: that of the route which answered it.
func TestHandleContextHasOneStatus(t *testing.T) {
	s := newSite(t)
	s.GET("/new", cachette.Cached(time.Minute), text("page"))
	s.GET("/old", cachette.Cached(time.Minute), func(c *gin.Context) {
		c.Request.URL.Path = "/new"
		s.HandleContext(c)
		c.Abort()
	})
	for i := range 3 {
		a := s.get("/old")
		if members := a.header.Values("Cache-Status"); a.body != "page" || len(members) != 1 || a.hit() != (i > 0) {
			t.Errorf("answer %d: %q, Cache-Status %q", i, a.body, members)
		}
	}
}

func contextWith(c *gin.Context, key, value any) context.Context {
	return context.WithValue(c.Request.Context(), key, value)
}
