package cachette_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// What the handler answers when it is asked anew decides what becomes of the stored page. A full response says that the stored one
// is out of date (RFC 9111 §4.3.3), so where it may not be stored itself, the old page ends: it is neither served stale nor
// stands in for an error later. An error of the server's own leaves it (RFC 5861 §4), and so does what concerns the one request
// only. A HEAD whose header shows another representation, or takes back that it may be stored, ends it (RFC 9111 §4.3.5).

// takenBack are the answers to a request for a page that is stored and has gone stale, and whether they end it.
var takenBack = []struct {
	name   string
	answer func(c *gin.Context)
	ends   bool
	field  string // of the request
	head   int    // for HEAD: 1 ends it, -1 leaves it, 0 is as for GET
	not    string // the ways of asking for which the row does not hold
}{
	{name: "200, no-store", answer: text("new", "Cache-Control: no-store"), ends: true},
	{name: "200, private", answer: text("new", "Cache-Control: private"), ends: true},
	{name: "200, private, max-age", answer: text("new", "Cache-Control: private, max-age=60"), ends: true},
	{name: "200, no-store for this kind of cache (RFC 9213)", answer: text("new", "CDN-Cache-Control: no-store", "Cache-Control: max-age=60"), ends: true},
	{name: "200, max-age=0", answer: text("new", "Cache-Control: max-age=0"), ends: true, head: -1},
	{name: "200, Expires in the past", answer: text("new", "Expires: Thu, 01 Jan 1970 00:00:00 GMT"), ends: true, head: -1},
	{name: "200, Vary: *", answer: text("new", "Vary: *"), ends: true},
	{name: "200 with a cookie", answer: text("new", "Set-Cookie: a=b"), ends: true},
	{name: "200, NoStore", answer: func(c *gin.Context) { cachette.NoStore(c); c.String(200, "new") }, ends: true},
	{name: "200, too large by its length", answer: func(c *gin.Context) {
		c.Data(200, "text/plain", make([]byte, 2000))
	}, ends: true, head: -1},
	{name: "200, too large in the end", answer: func(c *gin.Context) {
		for range 20 {
			_, _ = c.Writer.Write(make([]byte, 100))
		}
	}, ends: true, head: -1},
	{name: "200, aborted", answer: func(c *gin.Context) { c.Abort(); c.String(200, "new") }, ends: true, head: -1},
	{name: "200, aborted behind it", answer: func(c *gin.Context) { c.String(200, "new"); c.Abort() }, ends: true, head: -1},
	{name: "200, and an error behind it", answer: func(c *gin.Context) { c.String(200, "new"); _ = c.Error(errors.New("half")) }},
	{name: "200, shorter than it says", answer: func(c *gin.Context) { c.Header("Content-Length", "10"); c.String(200, "new") }, head: 1},
	{name: "200, for other credentials alone", field: "Authorization: x", answer: text("new")},
	{name: "200 to a client that asks for no-store", field: "Cache-Control: no-store", answer: text("new"), not: "refresh"},
	{name: "302", answer: func(c *gin.Context) { c.Redirect(302, "/elsewhere") }, ends: true},
	{name: "303 at once", answer: func(c *gin.Context) { c.Redirect(303, "/login"); c.Abort() }, ends: true},
	{name: "204, no-store", answer: func(c *gin.Context) { c.Header("Cache-Control", "no-store"); c.Status(204) }, ends: true},
	{name: "206", answer: func(c *gin.Context) { c.Header("Content-Range", "bytes 0-0/3"); c.String(206, "n") }},
	{name: "304 that says no-store", answer: func(c *gin.Context) { c.Header("Cache-Control", "no-store"); c.Status(304) }, ends: true, not: "head"},
	{name: "304 that says private", answer: func(c *gin.Context) { c.Header("Cache-Control", "private"); c.AbortWithStatus(304) }, ends: true, not: "head"},
	{name: "304 with a cookie", answer: func(c *gin.Context) { c.SetCookie("a", "b", 1, "", "", false, false); c.Status(304) }, ends: true, not: "head"},
	{name: "400", answer: status(400)},
	{name: "401", answer: status(401), ends: true},
	{name: "401 to other credentials", field: "Authorization: x", answer: status(401)},
	{name: "402", answer: status(402)},
	{name: "403", answer: status(403), ends: true},
	{name: "403 with JSON, at once", answer: func(c *gin.Context) { c.AbortWithStatusJSON(403, gin.H{}) }, ends: true},
	{name: "404", answer: status(404), ends: true},
	{name: "404 to other credentials", field: "Authorization: x", answer: status(404), ends: true},
	{name: "404 at once", answer: func(c *gin.Context) { c.AbortWithStatus(404) }, ends: true},
	{name: "405", answer: status(405)},
	{name: "406", answer: status(406)},
	{name: "408", answer: status(408)},
	{name: "409", answer: status(409)},
	{name: "410", answer: status(410), ends: true},
	{name: "410 by an error", answer: func(c *gin.Context) { _ = c.AbortWithError(410, errors.New("gone")) }, ends: true},
	{name: "412", answer: status(412)},
	{name: "416", answer: status(416)},
	{name: "421", answer: status(421)},
	{name: "425", answer: status(425)},
	{name: "429", answer: status(429)},
	{name: "451", answer: status(451), ends: true},
	{name: "500", answer: status(500)},
	{name: "500, no-store", answer: func(c *gin.Context) { c.Header("Cache-Control", "no-store"); c.String(500, "no") }},
	{name: "501", answer: status(501)},
	{name: "502", answer: status(502)},
	{name: "503", answer: status(503)},
	{name: "504", answer: status(504)},
	{name: "a panic", answer: func(*gin.Context) { panic("no") }},
	{name: "a panic behind the header", answer: func(c *gin.Context) { c.String(200, "n"); panic("no") }},
}

func status(code int) gin.HandlerFunc { return func(c *gin.Context) { c.String(code, "answer") } }

// askings are the ways in which the handler comes to be asked for a page that is stored.
var askings = []struct {
	name    string
	control string        // of the page that is stored
	etag    bool          // it has a validator
	after   time.Duration // when it is asked for again
	method  string
	fields  []string
}{
	{"validation", "public, max-age=60, stale-if-error=3600", true, 2 * time.Minute, http.MethodGet, nil},
	{"no validator", "public, max-age=60, stale-if-error=3600", false, 2 * time.Minute, http.MethodGet, nil},
	{"asked anew", "public, max-age=600, stale-if-error=3600", true, time.Minute, http.MethodGet, []string{"Cache-Control: no-cache"}},
	{"refresh", "public, max-age=60, stale-while-revalidate=3600, stale-if-error=3600", true, 2 * time.Minute, http.MethodGet, nil},
	{"head", "public, max-age=60, stale-if-error=3600", true, 2 * time.Minute, http.MethodHead, nil},
}

func TestTakenBack(t *testing.T) {
	for _, asking := range askings {
		for _, row := range takenBack {
			if strings.Contains(row.not, asking.name) || strings.HasPrefix(row.name, "304") && !asking.etag {
				continue
			}
			if asking.method == http.MethodHead && row.head != 0 {
				row.ends = row.head > 0
			}
			t.Run(asking.name+"/"+row.name, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					synctest.Test(t, func(t *testing.T) {
						s := newSite(t, store, func(cfg *cachette.Config) { cfg.BodyLimit = 1000 })
						s.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) { c.AbortWithStatus(500) }))
						answer := func(c *gin.Context) {
							c.Header("Cache-Control", asking.control)
							if asking.etag {
								c.Header("ETag", `"v1"`)
							}
							c.String(http.StatusOK, "page")
						}
						handler := func(c *gin.Context) { answer(c) }
						s.GET("/page", cachette.Cached(time.Minute), handler)
						s.HEAD("/page", cachette.Cached(time.Minute), handler)
						s.get("/page")
						time.Sleep(asking.after)
						answer = row.answer
						fields := asking.fields
						if row.field != "" {
							fields = append([]string{row.field}, fields...)
						}
						s.do(asking.method, "/page", fields...)
						synctest.Wait()
						answer = status(http.StatusServiceUnavailable)
						a := s.get("/page", "Cache-Control: max-stale=0")
						if stands := a.body == "page"; stands == row.ends {
							t.Errorf("when the handler fails next, clients get %d %.40q (%s)", a.status, a.body, a.cacheStatus())
						}
					})
				})
			})
		}
	}
}

// What ended is not served on within its stale-while-revalidate window either, and is made anew by the next client.
func TestTakenBackInRefresh(t *testing.T) {
	for _, code := range []int{http.StatusNotFound, http.StatusGone} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					gone := false
					s.GET("/page", cachette.Cached(time.Minute, cachette.WithStaleWhileRevalidate(time.Hour)), func(c *gin.Context) {
						if gone {
							c.String(code, "gone")
							return
						}
						c.String(http.StatusOK, "page")
					})
					s.get("/page")
					time.Sleep(2 * time.Minute)
					gone = true
					if a := s.get("/page"); a.body != "page" {
						t.Errorf("while it is refreshed: %q", a.body)
					}
					synctest.Wait()
					if a := s.get("/page"); a.status != code || a.hit() {
						t.Errorf("behind the refresh: %d %q (%s)", a.status, a.body, a.cacheStatus())
					}
					gone = false
					s.get("/page")
					if a := s.get("/page"); !a.hit() || a.body != "page" {
						t.Errorf("once it is back: %d %q (%s)", a.status, a.body, a.cacheStatus())
					}
				})
			})
		})
	}
}

// Behind a refresh that stored nothing there is a pause of some seconds, in which the stale page is served and the handler left
// alone; then one request has it refreshed again (RFC 5861 §3: the stale response is there to relieve the handler).
func TestPauseBehindARefreshInVain(t *testing.T) {
	for _, row := range []struct {
		name string
		fail func(c *gin.Context)
	}{
		{"500", status(http.StatusInternalServerError)},
		{"429", status(http.StatusTooManyRequests)},
		{"a panic", func(*gin.Context) { panic("no") }},
		{"half a page", func(c *gin.Context) { c.String(http.StatusOK, "half"); _ = c.Error(errors.New("half")) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					var failing atomic.Bool
					handler, runs := counted(func(c *gin.Context) {
						if failing.Load() {
							row.fail(c)
							return
						}
						c.String(http.StatusOK, "page")
					})
					s.GET("/page", cachette.Cached(time.Minute, cachette.WithStaleWhileRevalidate(time.Hour)), handler)
					s.get("/page")
					time.Sleep(2 * time.Minute)
					failing.Store(true)
					const seconds = 30
					for range seconds * 10 {
						if a := s.get("/page"); a.body != "page" || !a.hit() {
							t.Fatalf("%q (%s)", a.body, a.cacheStatus())
						}
						synctest.Wait()
						time.Sleep(100 * time.Millisecond)
					}
					if n := runs.Load() - 1; n < 2 || n > seconds/3 {
						t.Errorf("in %d s with ten requests each the failing handler ran %d times", seconds, n)
					}
					failing.Store(false)
					time.Sleep(10 * time.Second)
					s.get("/page")
					synctest.Wait()
					if a := s.get("/page"); !a.hit() || !strings.Contains(a.cacheStatus(), "ttl=60") {
						t.Errorf("once it works: %s", a.cacheStatus())
					}
				})
			})
		})
	}
}
