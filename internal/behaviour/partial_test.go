package behaviour_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A response whose length is not the one that it declares is not whole, and is not stored (RFC 9110 §8.6, RFC 9111 §3.3).
func TestWrongLength(t *testing.T) {
	for _, row := range []struct {
		name, length string
		stored       bool
	}{
		{"right", "4", true},
		{"too short", "3", false},
		{"too long", "5", false},
		{"no number", "four", false},
		{"negative", "-4", false},
		{"with a sign", "+4", false},
		{"huge", "99999999999999999999", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				handler, runs := counted(func(c *gin.Context) {
					c.Header("Content-Length", row.length)
					c.String(http.StatusOK, "body")
				})
				s.GET("/", cachette.Cached(time.Minute), handler)
				s.get("/")
				if a := s.get("/"); a.hit() != row.stored {
					t.Errorf("%q after %d runs", a.cacheStatus(), runs.Load())
				}
			})
		})
	}
	t.Run("on the wire", func(t *testing.T) {
		s := newSite(t)
		handler, runs := counted(func(c *gin.Context) {
			c.Header("Content-Length", "3") // net/http takes three bytes and refuses the rest
			c.String(http.StatusOK, "bo")
			c.String(http.StatusOK, "dy")
		})
		s.GET("/", cachette.Cached(time.Minute), handler)
		server := s.listen()
		for range 2 {
			_, _ = tryFetch(t.Context(), server, http.MethodGet, "/")
		}
		if n := runs.Load(); n != 2 {
			t.Errorf("the handler ran %d times", n)
		}
	})
}

// A client that leaves as soon as it has all that was declared leaves a whole response behind. Without a declared length
// it is not known whether there would have been more.
func TestClientLeavesAtTheEnd(t *testing.T) {
	for _, row := range []struct {
		name, length string
		stored       bool
	}{
		{"all that was declared", "4", true},
		{"less than was declared", "5", false},
		{"nothing was declared", "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				ctx, leave := context.WithCancel(t.Context())
				s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
					if row.length != "" {
						c.Header("Content-Length", row.length)
					}
					c.String(http.StatusOK, "body")
					leave()
				})
				await(t, "the first answer", s.asking(ctx, "/"))
				if a := s.get("/"); a.hit() != row.stored || a.body != "body" {
					t.Errorf("%q (%s)", a.body, a.cacheStatus())
				}
			})
		})
	}
}

// A body over the limit goes to everybody, whole, and is not stored; one that just fits is.
func TestBodyLimit(t *testing.T) {
	const limit = 1000
	for _, row := range []struct {
		name   string
		size   int
		header func(c *gin.Context, size int)
		chunk  int
		stored bool
	}{
		{name: "fits", size: limit, chunk: 1, stored: true},
		{name: "fits, in one", size: limit, chunk: limit, stored: true},
		{name: "one byte more", size: limit + 1, chunk: 1},
		{name: "one byte more, in one", size: limit + 1, chunk: limit + 1},
		{name: "much more", size: 100 * limit, chunk: 7},
		{name: "declared", size: limit + 1, chunk: 7, header: func(c *gin.Context, size int) {
			c.Header("Content-Length", strconv.Itoa(size))
		}},
		{name: "fits, as declared", size: limit, chunk: 7, stored: true, header: func(c *gin.Context, size int) {
			c.Header("Content-Length", strconv.Itoa(size))
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, configured := range []bool{false, true} {
				var options []cachette.Option
				s := newSite(t, func(cfg *cachette.Config) {
					if configured {
						cfg.BodyLimit = limit
					}
				})
				if !configured {
					options = []cachette.Option{cachette.WithBodyLimit(limit)}
				}
				want := strings.Repeat("x", row.size)
				handler, runs := counted(func(c *gin.Context) {
					if row.header != nil {
						row.header(c, row.size)
					}
					for rest := want; rest != ""; {
						n := min(row.chunk, len(rest))
						_, _ = c.Writer.WriteString(rest[:n])
						rest = rest[n:]
					}
				})
				s.GET("/", cachette.Cached(time.Minute, options...), handler)
				first, second := s.get("/"), s.get("/")
				if first.body != want || second.body != want {
					t.Errorf("%d and %d bytes of %d", len(first.body), len(second.body), row.size)
				}
				if second.hit() != row.stored {
					t.Errorf("%q, then %q, after %d runs", first.cacheStatus(), second.cacheStatus(), runs.Load())
				}
			}
		})
	}
}

// What is no representation of its own, or carries no body, never stands in for one: 206, 304, 1xx, HEAD.
func TestStatusesNotStored(t *testing.T) {
	for _, row := range []struct {
		name   string
		status int
	}{
		{"302", http.StatusFound},
		{"206 to a request for the whole", http.StatusPartialContent},
		{"304 to a request without a precondition", http.StatusNotModified},
		{"400", http.StatusBadRequest},
		{"401", http.StatusUnauthorized},
		{"404", http.StatusNotFound},
		{"416", http.StatusRequestedRangeNotSatisfiable},
		{"429", http.StatusTooManyRequests},
		{"500", http.StatusInternalServerError},
		{"503", http.StatusServiceUnavailable},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				handler, runs := counted(func(c *gin.Context) {
					c.Header("Content-Range", "bytes 0-3/10")
					c.String(row.status, "part")
				})
				s.GET("/", cachette.Cached(time.Minute), handler)
				for range 2 {
					if a := s.get("/"); a.status != row.status || a.hit() {
						t.Errorf("%d %q", a.status, a.cacheStatus())
					}
				}
				if runs.Load() != 2 {
					t.Errorf("the handler ran %d times", runs.Load())
				}
			})
		})
	}
}

// HEAD and GET share what is stored, and the empty answer to a HEAD is never given to a GET (RFC 9110 §9.3.2).
func TestHead(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		handler, runs := counted(func(c *gin.Context) {
			c.Header("X-One", "1")
			if c.Request.Method == http.MethodHead {
				c.Header("Content-Length", "4")
				c.Status(http.StatusOK)
				return
			}
			c.String(http.StatusOK, "body")
		})
		cached := cachette.Cached(time.Minute)
		s.GET("/", cached, handler)
		s.HEAD("/", cached, handler)
		if a := s.do(http.MethodHead, "/"); a.hit() || a.body != "" {
			t.Errorf("the first HEAD: %q %q", a.cacheStatus(), a.body)
		}
		miss := s.get("/")
		if miss.hit() || miss.body != "body" {
			t.Errorf("GET behind HEAD: %q %q", miss.cacheStatus(), miss.body)
		}
		head := s.do(http.MethodHead, "/")
		if !head.hit() || head.body != "" || len(head.header["Content-Length"]) > 0 || head.header.Get("X-One") != "1" {
			t.Errorf("HEAD behind GET: %q %q %v", head.cacheStatus(), head.body, head.header)
		}
		if a := s.get("/"); !a.hit() || a.body != "body" {
			t.Errorf("GET at the end: %q %q", a.cacheStatus(), a.body)
		}
		if runs.Load() != 2 {
			t.Errorf("the handler ran %d times", runs.Load())
		}
	})
}
