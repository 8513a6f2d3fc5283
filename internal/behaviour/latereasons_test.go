package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Why a response is not to be stored may turn out behind its header. It counts as if it had been known before: for what is stored, which
// the response shows to be out of date (RFC 9111 §4.3.3), for those that wait, and for a page that the response goes into.

// inner has the site answer a request for another path as a part of the page that a handler makes, and returns its body.
func inner(s *site, c *gin.Context, path string) string {
	r := c.Request.Clone(c.Request.Context())
	r.URL.Path, r.RequestURI = path, path
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Body.String()
}

// lateReasons have a page that was written turn out to be none to store. They are told by the page's own context.
var lateReasons = []struct {
	name   string
	commit func(h http.Header)           // what middleware outside does as the header goes out
	behind func(s *site, c *gin.Context) // what the handler does behind the page
}{
	{name: "a cookie at the commit", commit: func(h http.Header) { h.Add("Set-Cookie", "sid=1") }},
	{name: "Vary: * at the commit", commit: func(h http.Header) { h.Set("Vary", "*") }},
	{name: "NoStore behind the page", behind: func(_ *site, c *gin.Context) { cachette.NoStore(c) }},
	{name: "a private part", behind: func(s *site, c *gin.Context) { _, _ = c.Writer.WriteString(inner(s, c, "/private")) }},
	{name: "a part that is not to be stored, as turned out behind it", behind: func(s *site, c *gin.Context) {
		_, _ = c.Writer.WriteString(inner(s, c, "/unwanted"))
	}},
}

// lateSite has a page for which a reason turns out as long as late says so.
func lateSite(t *testing.T, late func() bool, commit func(http.Header), behind func(*site, *gin.Context), page gin.HandlerFunc,
	store func(*cachette.Config)) *site {
	s := newSite(t, store)
	s.GET("/private", cachette.Cached(time.Minute), text("private", "Cache-Control: private"))
	s.GET("/unwanted", cachette.Cached(time.Minute), func(c *gin.Context) { c.String(http.StatusOK, "unwanted"); cachette.NoStore(c) })
	s.Use(func(c *gin.Context) {
		if commit != nil && late() {
			c.Writer = &committing{c.Writer, commit}
		}
	})
	s.GET("/page", cachette.Cached(time.Minute), func(c *gin.Context) {
		if page(c); behind != nil && late() {
			behind(s, c)
		}
	})
	return s
}

func TestLateReasonsTakeBack(t *testing.T) {
	for _, row := range lateReasons {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				late := false
				page, runs := counted(text("page "))
				s := lateSite(t, func() bool { return late }, row.commit, row.behind, page, store)
				s.get("/page")
				if a := s.get("/page"); !a.hit() {
					t.Fatalf("it is not stored: %s", a.cacheStatus())
				}
				late = true
				s.get("/page", "Cache-Control: no-cache")
				late = false
				if a := s.get("/page"); a.hit() || runs.Load() != 3 {
					t.Errorf("what was stored is still served: %q (%s)", a.body, a.cacheStatus())
				}
			})
		})
	}
}

func TestLateReasonsAreNotWaitedFor(t *testing.T) {
	for _, row := range lateReasons {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				page, gate, arrived, _ := gated(text("page "))
				s := lateSite(t, func() bool { return true }, row.commit, row.behind, page, func(*cachette.Config) {})
				comeTogether(t, s, gate, arrived, beginsPage)
			})
		})
	}
}

// beginsPage tells whether a body is that of a page, whatever has gone into it.
func beginsPage(body string) bool { return strings.HasPrefix(body, "page ") }

// comeTogether sends many requests for a page, of which the first one comes to the handler, and behind that all others. Each is answered
// with what isPage takes for one, by the handler.
func comeTogether(t *testing.T, s *site, gate chan struct{}, arrived <-chan int, isPage func(body string) bool) {
	t.Helper()
	const requests = 10
	answers := together(requests, func(int) answer { return s.get("/page") })
	await(t, "the first", arrived)
	synctest.Wait()
	gate <- struct{}{}
	synctest.Wait()
	if n := len(arrived); n != requests-1 {
		t.Errorf("%d of the %d requests that waited have come to the handler", n, requests-1)
	}
	close(gate)
	for range requests {
		if a := await(t, "an answer", answers); a.hit() || !isPage(a.body) {
			t.Errorf("%.20q (%s)", a.body, a.cacheStatus())
		}
	}
}

// Requests do not wait one behind the other for a page that is too large to be kept, though the store is down as well.
func TestTooLargeIsNotWaitedForWithoutAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newShelf()
		page, gate, arrived, _ := gated(text("page " + strings.Repeat(".", 2000)))
		s := newSite(t, store.on, func(cfg *cachette.Config) { cfg.BodyLimit = 1000 })
		s.GET("/page", cachette.Cached(time.Minute), page)
		store.breakdown(func(context.Context, call) error { return errors.New("no") })
		comeTogether(t, s, gate, arrived, beginsPage)
	})
}

// An error without content that a handler leaves to middleware outside, which may make a page of it, is not stored, and not said to be.
func TestErrorLeftToMiddlewareIsNotSaidToBeStored(t *testing.T) {
	for _, code := range []int{http.StatusNotFound, http.StatusGone} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.Use(func(c *gin.Context) { c.Writer = &committing{c.Writer, func(http.Header) {}} })
				page, runs := counted(func(c *gin.Context) { c.Status(code) })
				s.GET("/page", cachette.Cached(time.Minute, cachette.WithStatusTTL(code, time.Minute)), page)
				for i := range 2 {
					if a := s.get("/page"); strings.Contains(a.cacheStatus(), "stored") || a.hit() || runs.Load() != int64(i+1) {
						t.Errorf("request %d: %d (%s)", i+1, a.status, a.cacheStatus())
					}
				}
			})
		})
	}
}

// A page for which there is no room while it is captured is counted, whatever was asked for it: a GET, or a POST that would answer later
// GETs (RFC 9110 §9.3.3).
func TestUncapturedIsCounted(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := roomy(t)
				arrived, gate := make(chan struct{}, 10), make(chan struct{})
				s.Match([]string{http.MethodGet, http.MethodPost}, "/large/:id", cachette.Cached(time.Hour), func(c *gin.Context) {
					c.Header("Content-Location", c.Request.RequestURI)
					c.Header("Cache-Control", "max-age=60")
					c.String(http.StatusOK, large[:fifth])
					if c.GetHeader("X-Wait") != "" {
						arrived <- struct{}{}
						<-gate
					}
				})
				s.get("/large/0") // from then on it is known how a GET is looked up
				answers := together(cap(arrived), func(i int) answer { return s.do(method, fmt.Sprint("/large/", i+1), "X-Wait: 1") })
				for range cap(arrived) {
					await(t, "a request", arrived)
				}
				close(gate)
				for range cap(arrived) {
					await(t, "an answer", answers)
				}
				s.settle()
				if stats := s.cache.Stats(); stats.Uncaptured == 0 || stats.Uncaptured+stats.Stored != uint64(1+cap(arrived)) {
					t.Errorf("of %d pages %d are stored, and %d counted as not captured", 1+cap(arrived), stats.Stored, stats.Uncaptured)
				}
			})
		})
	}
}

// bursting is a writer of middleware that panics as it is given the body.
type bursting struct{ gin.ResponseWriter }

func (w bursting) Write([]byte) (int, error)       { panic("no") }
func (w bursting) WriteString(string) (int, error) { panic("no") }

// What middleware outside would have set in the header is not known where its writer panics: the response is not stored, whatever was asked
// for it.
func TestWriterThatPanics(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		for _, size := range []int{10, 30_000} {
			t.Run(fmt.Sprint(method, "/", size), func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					version, bursts := 1, false
					s.Use(gin.CustomRecoveryWithWriter(io.Discard, func(*gin.Context, any) {}), func(c *gin.Context) {
						if bursts {
							c.Writer = bursting{c.Writer}
						}
					})
					s.Match([]string{http.MethodGet, http.MethodPost}, "/page", cachette.Cached(time.Hour), func(c *gin.Context) {
						c.Header("Content-Location", c.Request.RequestURI)
						c.Header("Cache-Control", "max-age=60")
						c.String(http.StatusOK, "version %d %s", version, strings.Repeat(".", size))
					})
					s.get("/page") // from then on it is known how a GET is looked up
					version, bursts = 2, true
					s.do(method, "/page", "Cache-Control: no-cache")
					bursts = false
					if a := s.get("/page"); a.hit() && !strings.HasPrefix(a.body, "version 1") {
						t.Errorf("it is stored: %.20q (%s)", a.body, a.cacheStatus())
					}
				})
			})
		}
	}
}
