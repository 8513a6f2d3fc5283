package behaviour_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// NoStore keeps a response from being cached whenever it is called before the handler returns, wherever that is in the chain,
// and ends what is stored for the page (its documentation). It takes nothing from a page that a failing handler leaves in place.

// noStores are the ways in which a response comes to be not wanted in the cache.
var noStores = []struct {
	name  string
	mount func(s *site, cached gin.HandlerFunc, noStore, page gin.HandlerFunc)
}{
	{"before the answer", func(s *site, cached, noStore, page gin.HandlerFunc) {
		s.GET("/page", cached, func(c *gin.Context) { noStore(c); page(c) })
	}},
	{"behind the answer", func(s *site, cached, noStore, page gin.HandlerFunc) {
		s.GET("/page", cached, func(c *gin.Context) { page(c); noStore(c) })
	}},
	{"behind what was sent of the answer", func(s *site, cached, noStore, page gin.HandlerFunc) {
		s.GET("/page", cached, func(c *gin.Context) { page(c); c.Writer.Flush(); noStore(c) })
	}},
	{"in middleware inside, before the handler", func(s *site, cached, noStore, page gin.HandlerFunc) {
		s.GET("/page", cached, noStore, page)
	}},
	{"in middleware inside, behind the handler", func(s *site, cached, noStore, page gin.HandlerFunc) {
		s.GET("/page", cached, func(c *gin.Context) { c.Next(); noStore(c) }, page)
	}},
	{"in middleware outside", func(s *site, cached, noStore, page gin.HandlerFunc) {
		s.GET("/page", noStore, cached, page)
	}},
	{"between two routes", func(s *site, cached, noStore, page gin.HandlerFunc) {
		s.Group("/", cachette.Cached(time.Minute), noStore).GET("/page", cached, page)
	}},
	{"between two routes, of which the inner one has keys of its own", func(s *site, cached, noStore, page gin.HandlerFunc) {
		s.Group("/", cachette.Cached(time.Minute), noStore).GET("/page", cached,
			cachette.Cached(time.Minute, cachette.WithKeyPart(userOf)), page)
	}},
	{"inside of two routes", func(s *site, cached, noStore, page gin.HandlerFunc) {
		s.GET("/page", cachette.Cached(time.Minute), cached, noStore, page)
	}},
	{"before HandleContext", func(s *site, cached, noStore, page gin.HandlerFunc) {
		s.GET("/page", cachette.Cached(time.Minute), noStore, lead(s, "/inner"))
		s.GET("/inner", cached, page)
	}},
	{"behind HandleContext", func(s *site, cached, noStore, page gin.HandlerFunc) {
		s.GET("/page", cachette.Cached(time.Minute), lead(s, "/inner"))
		s.GET("/inner", cached, noStore, page)
	}},
}

func TestNoStore(t *testing.T) {
	for _, way := range noStores {
		for name, answer := range map[string]func(c *gin.Context, n int64){
			"a page": func(c *gin.Context, n int64) { c.String(http.StatusOK, "version %d", n) },
			"a page that says for how long": func(c *gin.Context, n int64) {
				c.Header("Cache-Control", "public, max-age=600")
				c.String(http.StatusOK, "version %d", n)
			},
			"a page with its length": func(c *gin.Context, n int64) {
				body := fmt.Sprintf("version %d", n)
				c.Header("Content-Length", fmt.Sprint(len(body)))
				c.String(http.StatusOK, body)
			},
		} {
			t.Run(way.name+"/"+name, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					var runs atomic.Int64
					var unwanted atomic.Bool
					way.mount(s, cachette.Cached(time.Minute), func(c *gin.Context) {
						if unwanted.Load() {
							cachette.NoStore(c)
						}
					}, func(c *gin.Context) { answer(c, runs.Add(1)) })
					unwanted.Store(true)
					for i := range 2 {
						if a := s.get("/page"); a.hit() || a.body != fmt.Sprintf("version %d", i+1) {
							t.Errorf("request %d: %q (%s)", i+1, a.body, a.cacheStatus())
						}
					}
					unwanted.Store(false)
					s.get("/page")
					if a := s.get("/page"); !a.hit() || a.body != "version 3" {
						t.Errorf("once it may be stored: %q (%s)", a.body, a.cacheStatus())
					}
					unwanted.Store(true)
					if a := s.get("/page", "Cache-Control: no-cache"); a.body != "version 4" {
						t.Errorf("asked anew: %q (%s)", a.body, a.cacheStatus())
					}
					unwanted.Store(false)
					if a := s.get("/page"); a.hit() || a.body != "version 5" {
						t.Errorf("what was stored is still served: %q (%s)", a.body, a.cacheStatus())
					}
				})
			})
		}
	}
}

// While a stored page is validated, NoStore ends it whatever the handler answers, but for an error: that the page may stand in for
// (RFC 5861 §4).
func TestNoStoreInValidation(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer func(c *gin.Context)
		ends   bool
	}{
		{"304", func(c *gin.Context) { c.Status(http.StatusNotModified) }, true},
		{"304 at once", func(c *gin.Context) { c.AbortWithStatus(http.StatusNotModified) }, true},
		{"200", func(c *gin.Context) { c.String(http.StatusOK, "new") }, true},
		{"404", func(c *gin.Context) { c.String(http.StatusNotFound, "gone") }, true},
		{"503", func(c *gin.Context) { c.String(http.StatusServiceUnavailable, "broken") }, false},
	} {
		for _, behind := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/behind: %v", row.name, behind), func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					synctest.Test(t, func(t *testing.T) {
						s := newSite(t, store)
						stage := 0
						s.GET("/page", cachette.Cached(time.Minute, cachette.WithStaleIfError(time.Hour)), func(c *gin.Context) {
							switch stage {
							case 0:
								c.Header("ETag", `"v1"`)
								c.String(http.StatusOK, "page")
							case 1:
								if !behind {
									cachette.NoStore(c)
								}
								row.answer(c)
								if behind {
									cachette.NoStore(c)
								}
							default:
								c.String(http.StatusServiceUnavailable, "broken")
							}
						})
						s.get("/page")
						time.Sleep(2 * time.Minute)
						stage = 1
						s.get("/page")
						stage = 2
						if a := s.get("/page"); (a.body == "page") == row.ends {
							t.Errorf("when the handler fails next, clients get %d %q (%s)", a.status, a.body, a.cacheStatus())
						}
					})
				})
			})
		}
	}
}

// Where nothing would be cached, NoStore does nothing: on routes without Cached, on engines without a cache, for requests that the
// cache passes on.
func TestNoStoreWhereNothingIsCached(t *testing.T) {
	s := newSite(t)
	page := func(c *gin.Context) {
		cachette.NoStore(c)
		c.String(http.StatusOK, "page")
		cachette.NoStore(c)
	}
	s.Any("/plain", page)
	s.Any("/cached", cachette.Cached(time.Minute), page)
	s.Any("/skipped", cachette.Cached(time.Minute, cachette.WithSkip(func(*gin.Context) bool { return true })), page)
	bare := gin.New()
	bare.Any("/plain", page)
	for _, target := range []string{"/plain", "/cached", "/skipped"} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodOptions} {
			if a := s.do(method, target); a.status != http.StatusOK || a.body != "page" {
				t.Errorf("%s %s: %d %q", method, target, a.status, a.body)
			}
		}
	}
	if a := (&site{Engine: bare, t: t}).get("/plain"); a.body != "page" {
		t.Errorf("without a cache: %d %q", a.status, a.body)
	}
}

// Requests that wait for a fill whose response is not wanted do not wait for one another then.
func TestNoStoreIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		page, gate, arrived, _ := gated(func(c *gin.Context) {
			c.String(http.StatusOK, "page")
			cachette.NoStore(c)
		})
		s.GET("/page", cachette.Cached(time.Minute), page)
		comeTogether(t, s, gate, arrived, func(body string) bool { return body == "page" })
	})
}

// A handler may ask for it by a copy of its context, in a goroutine, as gin has it, and whether or not it waits for that.
func TestNoStoreByACopy(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		var asked sync.WaitGroup
		page := func(wait bool) gin.HandlerFunc {
			return func(c *gin.Context) {
				own := c.Copy()
				asked.Go(func() { cachette.NoStore(own) })
				if wait {
					asked.Wait()
				}
				c.String(http.StatusOK, "page")
			}
		}
		s.GET("/waits/:n", cachette.Cached(time.Hour), page(true))
		s.GET("/goes/:n", cachette.Cached(time.Hour), page(false))
		for i := range 20 {
			s.get("/goes/" + strconv.Itoa(i)) // for the race detector
			path := "/waits/" + strconv.Itoa(i)
			s.get(path)
			if a := s.get(path); a.hit() {
				t.Errorf("%s: %s", path, a.cacheStatus())
			}
		}
		asked.Wait()
	})
}
