package behaviour_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Cache-Status goes out before a response is complete, so it may say "stored" (RFC 9211 §2.5) of one that then is not kept. Of the next
// one it says why, until one is kept.
func TestStoredIsNotSaidForEver(t *testing.T) {
	pieces := func(c *gin.Context) {
		for range 10 {
			c.String(http.StatusOK, "a part, ")
		}
	}
	var handsOn func(*gin.Context)
	for _, row := range []struct {
		name   string
		fails  func(c *gin.Context)
		detail string
	}{
		{"over the limit, in several writes", func(c *gin.Context) {
			for range 500 {
				c.String(http.StatusOK, "a part, ")
			}
		}, "too-large"},
		{"shorter than its Content-Length (RFC 9110 §8.6)", func(c *gin.Context) { c.Header("Content-Length", "100"); pieces(c) }, "incomplete"},
		{"longer", func(c *gin.Context) { c.Header("Content-Length", "10"); pieces(c) }, "incomplete"},
		{"NoStore after the body began", func(c *gin.Context) { pieces(c); cachette.NoStore(c) }, "no-store"},
		{"another status after the body", func(c *gin.Context) { pieces(c); c.Status(http.StatusInternalServerError) }, "incomplete"},
		{"a panic after the body", func(c *gin.Context) { pieces(c); panic("no") }, "incomplete"},
		{"aborted after the body", func(c *gin.Context) { pieces(c); c.Abort() }, "aborted"},
		{"an error after the body", func(c *gin.Context) { pieces(c); _ = c.Error(io.ErrUnexpectedEOF) }, "aborted"},
		{"handed on after the body began", func(c *gin.Context) { pieces(c); c.Request.URL.Path = "/in"; handsOn(c) }, "incomplete"},
		{"the same, to a cached route", func(c *gin.Context) { pieces(c); c.Request.URL.Path = "/in/cached"; handsOn(c) }, "incomplete"},
		{"a cookie at the commit", func(c *gin.Context) { c.Set("at the commit", [2]string{"Set-Cookie", "a=b"}); pieces(c) }, "set-cookie"},
		{"a Vary at the commit (RFC 9111 §4.1)", func(c *gin.Context) { c.Set("at the commit", [2]string{"Vary", "*"}); pieces(c) }, "vary"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store, func(cfg *cachette.Config) { cfg.BodyLimit = 2000 })
				var well atomic.Bool
				s.Use(gin.CustomRecoveryWithWriter(io.Discard, func(*gin.Context, any) {}), func(c *gin.Context) {
					c.Writer = &askedCommit{c.Writer, c}
				})
				s.GET("/in", pieces)
				s.GET("/in/cached", cachette.Cached(time.Minute), pieces)
				handsOn = s.HandleContext
				s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
					if well.Load() {
						pieces(c)
						return
					}
					row.fails(c)
				})
				for i := range 3 {
					a := s.get("/")
					if said := strings.HasSuffix(a.cacheStatus(), "; stored"); said != (i == 0) || !said && !strings.HasSuffix(a.cacheStatus(), "; detail="+row.detail) {
						t.Errorf("answer %d: %s", i, a.cacheStatus())
					}
				}
				well.Store(true)
				for s.get("/"); !s.get("/").hit(); {
					t.Fatal("what ends well is not kept")
				}
				if err := s.cache.PurgePath(t.Context(), "/"); err != nil {
					t.Fatal(err)
				}
				if a := s.get("/"); !strings.HasSuffix(a.cacheStatus(), "; stored") {
					t.Errorf("once it was kept: %s", a.cacheStatus())
				}
			})
		})
	}
}

// askedCommit is a writer of middleware that adds a field as the header goes out, where a handler asks for it.
type askedCommit struct {
	gin.ResponseWriter
	c *gin.Context
}

func (w *askedCommit) Write(data []byte) (int, error) {
	if field, ok := w.c.Get("at the commit"); ok && !w.Written() {
		field := field.([2]string)
		w.Header().Set(field[0], field[1])
	}
	return w.ResponseWriter.Write(data)
}

func (w *askedCommit) WriteString(data string) (int, error) { return w.Write([]byte(data)) }

// What passes is not remembered, such as a purge while the handler runs, or a client that leaves.
func TestWhatPassesIsNotRemembered(t *testing.T) {
	for name, passes := range map[string]func(s *site, leave func()) error{
		"a purge":  func(s *site, _ func()) error { return s.cache.PurgePath(s.t.Context(), "/") },
		"a client": func(_ *site, leave func()) error { leave(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			ctx, leave := context.WithCancel(t.Context())
			first := true
			s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
				c.String(http.StatusOK, "page")
				if first {
					first = false
					if err := passes(s, leave); err != nil {
						t.Error(err)
					}
				}
			})
			await(t, "the first", s.asking(ctx, "/"))
			if a := s.get("/"); !strings.HasSuffix(a.cacheStatus(), "; stored") {
				t.Errorf("the next one: %s", a.cacheStatus())
			}
		})
	}
}

// The same goes for what a POST is answered with, and a GET of its URL is another matter.
func TestStoredIsNotSaidForEverOfAPost(t *testing.T) {
	s := newSite(t, func(cfg *cachette.Config) { cfg.BodyLimit = 2000 })
	group := s.Group("/", cachette.Cached(time.Minute))
	group.GET("/page", text("page"))
	group.POST("/page", func(c *gin.Context) {
		c.Header("Cache-Control", "max-age=60")
		c.Header("Content-Location", "/page")
		for range 500 {
			c.String(http.StatusOK, "a part, ")
		}
	})
	for i, want := range []string{"stored", "detail=too-large", "detail=too-large"} {
		if a := s.get("/page"); !strings.HasSuffix(a.cacheStatus(), "; stored") {
			t.Errorf("GET %d: %s", i, a.cacheStatus())
		}
		if a := s.do(http.MethodPost, "/page"); !strings.HasSuffix(a.cacheStatus(), "; "+want) {
			t.Errorf("POST %d: %s", i, a.cacheStatus())
		}
	}
}

// What is said of one variant is not said of another (RFC 9111 §4.1).
func TestStoredIsNotSaidForEverOfAVariant(t *testing.T) {
	s := newSite(t, func(cfg *cachette.Config) { cfg.BodyLimit = 2000 })
	s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
		c.Header("Vary", "Accept-Language")
		c.String(http.StatusOK, "a part, ")
		if c.GetHeader("Accept-Language") == "de" {
			c.String(http.StatusOK, strings.Repeat("a part, ", 500))
		}
	})
	for i, want := range []string{"stored", "detail=too-large", "detail=too-large"} {
		if a := s.get("/", "Accept-Language: de"); !strings.HasSuffix(a.cacheStatus(), "; "+want) {
			t.Errorf("answer %d in German: %s", i, a.cacheStatus())
		}
		if a := s.get("/", fmt.Sprint("Accept-Language: en-", i)); !strings.HasSuffix(a.cacheStatus(), "; stored") {
			t.Errorf("answer %d in English: %s", i, a.cacheStatus())
		}
	}
}
