package behaviour_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// gzipped compresses what the handlers behind it write, as gin's gzip middleware does: Content-Encoding and Vary are set
// before the chain goes on, and the writer stays in the context unless restore. Vary is there for clients that take no gzip, too,
// if always.
func gzipped(always, restore bool) gin.HandlerFunc {
	return func(c *gin.Context) {
		if always {
			c.Header("Vary", "Accept-Encoding")
		}
		if !strings.Contains(c.GetHeader("Accept-Encoding"), "gzip") {
			return
		}
		outer := c.Writer
		w := &gzipWriter{ResponseWriter: outer, gz: gzip.NewWriter(outer)}
		c.Header("Content-Encoding", "gzip")
		c.Header("Vary", "Accept-Encoding")
		c.Writer = w
		defer func() {
			if outer.Status() == http.StatusNotModified || outer.Size() < 0 {
				w.gz.Reset(io.Discard)
			}
			_ = w.gz.Close()
			c.Header("Content-Length", strconv.Itoa(outer.Size()))
			if restore {
				c.Writer = outer
			}
		}()
		c.Next()
	}
}

type gzipWriter struct {
	gin.ResponseWriter
	gz *gzip.Writer
}

func (w *gzipWriter) WriteString(s string) (int, error) { return w.Write([]byte(s)) }
func (w *gzipWriter) Write(b []byte) (int, error) {
	w.Header().Del("Content-Length")
	return w.gz.Write(b)
}
func (w *gzipWriter) WriteHeader(code int) {
	w.Header().Del("Content-Length")
	w.ResponseWriter.WriteHeader(code)
}

// plain returns an answer's content, decoded as its Content-Encoding says.
func plain(t testing.TB, a answer) string {
	t.Helper()
	if a.header.Get("Content-Encoding") == "" {
		return a.body
	}
	r, err := gzip.NewReader(strings.NewReader(a.body))
	if err != nil {
		t.Errorf("what is called gzip is none: %v", err)
		return a.body
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Errorf("what is called gzip is none: %v", err)
	}
	return string(content)
}

// Compression outside of the cache works on hits as it does on misses, for clients that take it and for those that do not.
// Inside of it, what is stored is compressed, and is one variant of others.
func TestGzip(t *testing.T) {
	large := strings.Repeat("content ", 2000)
	for _, row := range []struct {
		name    string
		mount   func(s *site, cached, handler gin.HandlerFunc)
		runs    int64
		outside bool
	}{
		{"outside", func(s *site, cached, handler gin.HandlerFunc) {
			s.GET("/", gzipped(false, true), cached, handler)
		}, 2, true},
		{"outside, left in the context", func(s *site, cached, handler gin.HandlerFunc) {
			s.GET("/", gzipped(false, false), cached, handler)
		}, 2, true},
		{"inside", func(s *site, cached, handler gin.HandlerFunc) {
			s.GET("/", cached, gzipped(true, true), handler)
		}, 2, false},
		{"inside, left in the context", func(s *site, cached, handler gin.HandlerFunc) {
			s.GET("/", cached, gzipped(true, false), handler)
		}, 2, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				handler, runs := counted(text(large, "X-One: 1"))
				row.mount(s, cachette.Cached(time.Minute), handler)
				var tags [2]string
				for i := range 8 {
					coding := []string{"gzip", "identity"}[i%2]
					a := s.get("/", "Accept-Encoding: "+coding)
					if content := plain(t, a); content != large {
						t.Errorf("answer %d, %s: %d bytes %.40q", i, coding, len(content), content)
					}
					compressed := a.header.Get("Content-Encoding") == "gzip"
					if compressed != (coding == "gzip") || compressed == (len(a.body) >= len(large)) {
						t.Errorf("answer %d, %s: Content-Encoding %q, %d bytes", i, coding, a.header["Content-Encoding"], len(a.body))
					}
					if n := len(a.header["Content-Encoding"]); n > 1 {
						t.Errorf("answer %d: %d codings", i, n)
					}
					if length := a.header.Get("Content-Length"); compressed && row.outside && length == strconv.Itoa(len(large)) {
						t.Errorf("answer %d: Content-Length %s is that of the plain content", i, length)
					}
					if vary := a.header["Vary"]; compressed && !reflect.DeepEqual(vary, []string{"Accept-Encoding"}) {
						t.Errorf("answer %d: Vary %q", i, vary)
					}
					if a.header.Get("X-One") != "1" {
						t.Errorf("answer %d: X-One %q", i, a.header["X-One"])
					}
					if i >= 2 {
						if !a.hit() {
							t.Errorf("answer %d: %s", i, a.cacheStatus())
						}
						tags[i%2] = a.header.Get("Etag")
					}
				}
				if runs.Load() != row.runs {
					t.Errorf("the handler ran %d times, want %d", runs.Load(), row.runs)
				}
				if tags[0] == tags[1] && !strings.HasPrefix(tags[0], "W/") {
					t.Errorf("both representations have the entity tag %q (RFC 9110 §8.8.3.3)", tags[0])
				}
				for _, coding := range []string{"gzip", "identity"} { // a range of one coding is never cut from another
					a := s.get("/", "Accept-Encoding: "+coding, "Range: bytes=0-9")
					if a.status == http.StatusPartialContent && coding == "identity" && a.body != large[:10] {
						t.Errorf("range, %s: %q", coding, a.body)
					}
					if a.status == http.StatusPartialContent && coding == "gzip" && row.outside {
						t.Error("a range of the plain content was compressed")
					}
				}
			})
		})
	}
}

// What middleware outside sets is there once, and is this request's; what the handler adds to it is kept. Its Vary counts
// as any other does: the handler, which sees it, need not say it again.
func TestFieldsFromOutside(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		var ids atomic.Int64
		s.Use(func(c *gin.Context) {
			h := c.Writer.Header()
			h.Set("X-Request-Id", fmt.Sprint(ids.Add(1)))
			if origin := c.GetHeader("Origin"); origin != "" {
				h.Set("Access-Control-Allow-Origin", origin)
				h.Add("Vary", "Origin")
			}
			h.Set("Server", "outside")
			h.Set("X-Frame-Options", "DENY")
			http.SetCookie(c.Writer, &http.Cookie{Name: "visit", Value: fmt.Sprint(ids.Load())})
		})
		s.GET("/", cachette.Cached(time.Minute, cachette.WithForeignCookies("visit")), func(c *gin.Context) {
			h := c.Writer.Header()
			h.Add("Vary", "X-Kind")
			h.Set("Server", "inside")
			h.Del("X-Frame-Options")
			h.Set("X-Seen", h.Get("X-Request-Id"))
			c.String(http.StatusOK, "body")
		})
		for i, origin := range []string{"https://a.example", "https://b.example", "", "https://a.example"} {
			var fields []string
			if origin != "" {
				fields = []string{"Origin: " + origin}
			}
			a := s.get("/", fields...)
			if a.hit() != (i == 3) {
				t.Errorf("answer %d: %s", i, a.cacheStatus())
			}
			want := http.Header{
				"X-Request-Id": {strconv.Itoa(i + 1)},
				"Server":       {"inside"},
				"Vary":         {"X-Kind"},
				"X-Seen":       {[]string{"1", "2", "3", "1"}[i]},
				"Set-Cookie":   {fmt.Sprintf("visit=%d", i+1)},
			}
			if origin != "" {
				want["Access-Control-Allow-Origin"] = []string{origin}
				want["Vary"] = []string{"Origin", "X-Kind"}
			}
			for name := range want {
				if !reflect.DeepEqual(a.header[name], want[name]) {
					t.Errorf("answer %d: %s is %q, want %q", i, name, a.header[name], want[name])
				}
			}
			for _, name := range []string{"X-Frame-Options", "Access-Control-Allow-Origin"} {
				if _, wanted := want[name]; !wanted && len(a.header[name]) > 0 {
					t.Errorf("answer %d: %s is %q", i, name, a.header[name])
				}
			}
		}
	})
}

// Middleware inside that wraps the writer, and leaves its own in the context as much of gin's does, changes nothing.
func TestWrappedInside(t *testing.T) {
	s := newSite(t)
	var copied bytes.Buffer
	handler, runs := counted(text("body"))
	s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
		c.Writer = &copying{ResponseWriter: c.Writer, to: &copied}
		c.Next()
	}, handler)
	for i := range 3 {
		if a := s.get("/"); a.body != "body" || a.hit() != (i > 0) {
			t.Errorf("answer %d: %q (%s)", i, a.body, a.cacheStatus())
		}
	}
	if runs.Load() != 1 || copied.String() != "body" {
		t.Errorf("the handler ran %d times, the middleware saw %q", runs.Load(), copied.String())
	}
}

type copying struct {
	gin.ResponseWriter
	to io.Writer
}

func (w *copying) Write(b []byte) (int, error) {
	_, _ = w.to.Write(b)
	return w.ResponseWriter.Write(b)
}

func (w *copying) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// Middleware outside sees what the client got: after hits, after misses, after 304s.
func TestSeenOutside(t *testing.T) {
	s := newSite(t)
	var status, size int
	s.Use(func(c *gin.Context) {
		c.Next()
		status, size = c.Writer.Status(), c.Writer.Size()
	})
	s.GET("/", cachette.Cached(time.Minute, cachette.WithStatusTTL(http.StatusNotFound, time.Minute)), func(c *gin.Context) {
		if c.Query("found") == "no" {
			c.String(http.StatusNotFound, "nothing")
			return
		}
		c.Header("ETag", `"v1"`)
		c.String(http.StatusOK, "body")
	})
	for _, row := range []struct {
		target, field string
		status, size  int
	}{
		{"/", "", http.StatusOK, 4},
		{"/", "", http.StatusOK, 4},
		{"/", `If-None-Match: "v1"`, http.StatusNotModified, 0},
		{"/?new", `If-None-Match: "v1"`, http.StatusNotModified, 0},
		{"/", "Range: bytes=1-2", http.StatusPartialContent, 2},
		{"/", "Range: bytes=9-", http.StatusRequestedRangeNotSatisfiable, 0},
		{"/?found=no", "", http.StatusNotFound, 7},
		{"/?found=no", "", http.StatusNotFound, 7},
		{"/?x", "Cache-Control: only-if-cached", http.StatusGatewayTimeout, 0},
	} {
		if row.field != "" {
			s.get(row.target, row.field)
		} else {
			s.get(row.target)
		}
		if status != row.status || size != row.size {
			t.Errorf("%s %s: outside sees %d and %d bytes, want %d and %d", row.target, row.field, status, size,
				row.status, row.size)
		}
	}
}

// A handler may give its request to a goroutine that reads it for longer than the handler runs: nothing changes it behind that.
func TestRequestOutlivesHandlers(t *testing.T) {
	for _, row := range []struct {
		name   string
		inside func(c *gin.Context)
	}{
		{"as it is", func(*gin.Context) {}},
		{"with a context of its own", func(c *gin.Context) {
			c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), patience, 1))
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t)
			stop := make(chan struct{})
			var readers sync.WaitGroup
			handler := func(c *gin.Context) {
				h, reading := c.Copy().Request.Header, make(chan struct{})
				readers.Go(func() {
					close(reading)
					for {
						select {
						case <-stop:
							return
						default:
							_ = h.Get("If-None-Match") + h.Get("X-A")
						}
					}
				})
				<-reading
				text("page", `ETag: "v1"`)(c)
			}
			s.GET("/", cachette.Cached(time.Minute), row.inside, handler)
			s.GET("/nested", cachette.Cached(time.Minute), row.inside, cachette.Cached(time.Minute, cachette.WithPathKey()), handler)
			for range 3 {
				s.get("/", `If-None-Match: "v0"`, "X-A: 1", "Cache-Control: no-cache")
				s.get("/nested", `If-None-Match: "v0"`, "X-A: 1", "Cache-Control: no-cache")
			}
			close(stop)
			readers.Wait()
		})
	}
}

// What middleware between two handlers does to the request concerns the handlers behind it and not the cache: it decides by
// the request as it came.
func TestRequestChangedInside(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		t.Run("credentials taken away, "+method, func(t *testing.T) {
			s := newSite(t)
			handler := func(c *gin.Context) {
				user := c.GetHeader("Authorization")
				c.Request.Header.Del("Authorization") // it is checked, and not for those behind
				c.Header("Content-Location", "/")
				c.Header("Cache-Control", "max-age=60")
				c.String(http.StatusOK, "for "+user)
			}
			cached := cachette.Cached(time.Minute)
			s.GET("/", cached, handler)
			s.POST("/", cached, handler)
			if method == http.MethodPost { // which is kept only where a GET is known
				s.get("/")
			}
			s.do(method, "/", "Authorization: alice")
			if a := s.get("/"); a.body != "for " || a.hit() {
				t.Errorf("a stranger got %q (%s)", a.body, a.cacheStatus())
			}
		})
	}
	t.Run("a selecting field rewritten", func(t *testing.T) {
		eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
			s := newSite(t, store)
			s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
				language := c.GetHeader("Accept-Language")
				c.Request.Header.Set("Accept-Language", "en") // what the templates behind it go by
				c.Header("Vary", "Accept-Language")
				c.String(http.StatusOK, "in "+language)
			})
			for _, language := range []string{"de", "en", "de", "en"} {
				if a := s.get("/", "Accept-Language: "+language); a.body != "in "+language {
					t.Errorf("the one that asked for %s got %q (%s)", language, a.body, a.cacheStatus())
				}
			}
			if a := s.get("/", "Accept-Language: de"); !a.hit() {
				t.Errorf("nothing was stored: %s", a.cacheStatus())
			}
		})
	})
	t.Run("values in its context, before an inner Cached", func(t *testing.T) {
		type user struct{}
		s := newSite(t)
		s.Group("/", cachette.Cached(time.Minute), func(c *gin.Context) {
			c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), user{}, "alice"))
		}).GET("/", cachette.Cached(time.Minute, cachette.WithPathKey()), func(c *gin.Context) {
			c.String(http.StatusOK, "for %v, who has %q", c.Request.Context().Value(user{}), c.GetHeader("If-None-Match"))
		})
		if a := s.get("/", `If-None-Match: "x"`); a.body != `for alice, who has ""` {
			t.Errorf("%q", a.body)
		}
	})
}

// A handler whose response depends on a request field may find that field in Vary already, set by a middleware outside,
// and say the same once more, or not at all. Either way no client gets what was made for another.
func TestVaryThatIsThereAlready(t *testing.T) {
	for name, vary := range map[string]func(http.Header){
		"said again":     func(h http.Header) { h.Set("Vary", "Origin") },
		"added again":    func(h http.Header) { h.Add("Vary", "Origin") },
		"found, and not": func(http.Header) {},
	} {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.Use(func(c *gin.Context) { c.Header("Vary", "Origin") })
				s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
					vary(c.Writer.Header())
					c.String(http.StatusOK, "for %s", c.GetHeader("Origin"))
				})
				for i := range 6 {
					origin := []string{"a", "b", "c"}[i%3]
					if a := s.get("/", "Origin: "+origin); a.body != "for "+origin || a.hit() != (i >= 3) {
						t.Errorf("to %s: %q (%s)", origin, a.body, a.cacheStatus())
					}
				}
			})
		})
	}
}

// What the handler sets is on every hit, even if a middleware outside had set the same for the request that filled it.
func TestFieldSetToWhatItWas(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.Use(func(c *gin.Context) {
			if c.GetHeader("Internal") != "" {
				c.Header("X-Robots-Tag", "noindex")
			}
		})
		s.GET("/set", cachette.Cached(time.Minute), func(c *gin.Context) {
			c.Header("X-Robots-Tag", "noindex")
			c.String(http.StatusOK, "page")
		})
		s.get("/set", "Internal: 1")
		if a := s.get("/set"); !a.hit() || a.header.Get("X-Robots-Tag") != "noindex" {
			t.Errorf("%s, X-Robots-Tag %q", a.cacheStatus(), a.header["X-Robots-Tag"])
		}
	})
}
