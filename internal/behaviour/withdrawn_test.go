package behaviour_test

import (
	"context"
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
	{name: "200, max-age=0", answer: text("new", "Cache-Control: max-age=0"), ends: true},
	{name: "200, Expires in the past", answer: text("new", "Expires: Thu, 01 Jan 1970 00:00:00 GMT"), ends: true},
	{name: "200, Vary: *", answer: text("new", "Vary: *"), ends: true},
	{name: "200 with a cookie", answer: text("new", "Set-Cookie: a=b"), ends: true},
	{name: "200, NoStore", answer: func(c *gin.Context) { cachette.NoStore(c); c.String(200, "new") }, ends: true},
	{name: "200, too large by its length", answer: func(c *gin.Context) {
		c.Data(200, "text/plain", make([]byte, 2000))
	}, ends: true},
	{name: "200, too large in the end", answer: func(c *gin.Context) {
		for range 20 {
			_, _ = c.Writer.Write(make([]byte, 100))
		}
	}, ends: true, head: -1},
	{name: "200, too large by its Content-Length", answer: func(c *gin.Context) {
		c.Header("Content-Length", "2000")
		c.Status(200)
	}, ends: true},
	{name: "200, no-cache", answer: text("new", "Cache-Control: no-cache"), ends: true},
	{name: "200, CDN-Cache-Control: max-age=0 (RFC 9213)", answer: text("new", "CDN-Cache-Control: max-age=0"), ends: true},
	{name: "200, a stream of events", answer: text("new", "Content-Type: text/event-stream"), ends: true},
	{name: "200, aborted", answer: func(c *gin.Context) { c.Abort(); c.String(200, "new") }, ends: true},
	{name: "200, aborted behind it", answer: func(c *gin.Context) { c.String(200, "new"); c.Abort() }, ends: true},
	{name: "200, and an error behind it", answer: func(c *gin.Context) { c.String(200, "new"); _ = c.Error(errors.New("half")) }},
	{name: "200, shorter than it says", answer: func(c *gin.Context) { c.Header("Content-Length", "10"); c.String(200, "new") }, head: 1},
	{name: "200, for other credentials alone", field: "Authorization: x", answer: text("new")},
	{name: "200, another page for other credentials", field: "Authorization: x", answer: text("new", `ETag: "v2"`)},
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
	{"head, asked anew by no-cache", "public, max-age=600, stale-if-error=3600", true, time.Minute, http.MethodHead, []string{"Cache-Control: no-cache"}},
	{"head, asked anew by max-age=0", "public, max-age=600, stale-if-error=3600", true, time.Minute, http.MethodHead, []string{"Cache-Control: max-age=0"}},
	{"head, no validator, asked anew", "public, max-age=600, stale-if-error=3600", false, time.Minute, http.MethodHead, []string{"Pragma: no-cache"}},
}

func TestTakenBack(t *testing.T) {
	sensible := func(where []int) bool {
		asking, row := askings[where[0]], takenBack[where[1]]
		kind, _, _ := strings.Cut(asking.name, ",")
		return !strings.Contains(row.not, kind) && (asking.etag || !strings.HasPrefix(row.name, "304"))
	}
	eachPairOf(t, sensible, func(t *testing.T, where []int) {
		asking, row, store := askings[where[0]], takenBack[where[1]], stores[where[2]].use
		if asking.method == http.MethodHead && row.head != 0 {
			row.ends = row.head > 0
		}
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
	}, namesOf(len(askings), func(i int) string { return askings[i].name }), namesOf(len(takenBack), func(i int) string { return takenBack[i].name }),
		named(stores))
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

// A page that is not for requests with credentials is not for validating by them either; what their answer says of it holds all
// the same: that it is gone, to whomever it is said (RFC 9110 §15.5.5, §15.5.11, RFC 7725 §3), and nothing else (§11.6.2).
func TestTakenBackByOtherCredentials(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer gin.HandlerFunc
		ends   bool
	}{
		{"200", text("mine"), false},
		{"200, private", text("mine", "Cache-Control: private"), false},
		{"200, no-store", text("mine", "Cache-Control: no-store"), false},
		{"200, too large", func(c *gin.Context) { c.Data(200, "text/plain", make([]byte, 2000)) }, false},
		{"302", func(c *gin.Context) { c.Redirect(302, "/login") }, false},
		{"400", status(400), false},
		{"401", status(401), false},
		{"403", status(403), false},
		{"404", status(404), true},
		{"404, private", func(c *gin.Context) { c.Header("Cache-Control", "private"); c.String(404, "gone") }, true},
		{"410", status(410), true},
		{"451", status(451), true},
		{"503", status(503), false},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			for _, after := range []time.Duration{time.Second, 2 * time.Minute} { // it is fresh, or stale
				t.Run(fmt.Sprint(row.name, "/", method, " after ", after), func(t *testing.T) {
					eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
						synctest.Test(t, func(t *testing.T) {
							s := newSite(t, store, func(cfg *cachette.Config) { cfg.BodyLimit = 1000 })
							answer := text("page")
							handler := func(c *gin.Context) { answer(c) }
							s.GET("/page", cachette.Cached(time.Minute, cachette.WithStaleIfError(time.Hour)), handler)
							s.HEAD("/page", cachette.Cached(time.Minute, cachette.WithStaleIfError(time.Hour)), handler)
							s.get("/page")
							time.Sleep(after)
							answer = row.answer
							if a := s.do(method, "/page", "Authorization: x"); a.hit() {
								t.Fatalf("it is served: %s", a.cacheStatus())
							}
							answer = status(http.StatusServiceUnavailable)
							if a := s.get("/page"); (a.body == "page") == row.ends {
								t.Errorf("others get %d %q (%s)", a.status, a.body, a.cacheStatus())
							}
						})
					})
				})
			}
		}
	}
}

// strict is a shelf that learns of no size before it is to take it.
type strict struct{ *shelf }

func (s strict) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if len(value) > 2000 {
		return fmt.Errorf("%w: %d bytes", cachette.ErrTooLarge, len(value))
	}
	return s.shelf.Set(ctx, key, value, ttl)
}

// A 200 that may be stored, and that the store does not take, shows what is stored to be out of date all the same (RFC 9111 §4.3.3), of
// whatever size, however that is found out, and also where the two are stored under different keys.
func TestTooLargeTakesBack(t *testing.T) {
	for _, row := range []struct {
		name  string
		store func(cfg *cachette.Config)
		large gin.HandlerFunc
	}{
		{"beyond the body limit", func(cfg *cachette.Config) { cfg.BodyLimit = 1000 },
			func(c *gin.Context) { c.Data(200, "text/plain", make([]byte, 5000)) }},
		{"the store refuses it", func(cfg *cachette.Config) { cfg.Driver = strict{newShelf()} },
			func(c *gin.Context) { c.Data(200, "text/plain", make([]byte, 5000)) }},
		{"the store refuses it, which varies", func(cfg *cachette.Config) { cfg.Driver = strict{newShelf()} },
			func(c *gin.Context) { c.Header("Vary", "X-Kind"); c.Data(200, "text/plain", make([]byte, 5000)) }},
		{"its header is too large", func(cfg *cachette.Config) { cfg.Driver = strict{newShelf()} },
			func(c *gin.Context) { c.Header("X-Long", strings.Repeat("x", 5000)); c.String(200, "new") }},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, row.store)
				answer := text("page")
				s.GET("/page", cachette.Cached(time.Minute, cachette.WithStaleIfError(time.Hour)), func(c *gin.Context) { answer(c) })
				s.get("/page")
				time.Sleep(2 * time.Minute)
				answer = row.large
				s.get("/page")
				answer = status(http.StatusServiceUnavailable)
				if a := s.get("/page"); a.body == "page" {
					t.Errorf("when the handler fails next, clients get %d %q (%s)", a.status, a.body, a.cacheStatus())
				}
			})
		})
	}
}

// What a HEAD says of the stored page counts however it comes to be asked of the handler: of a stale page, or of a fresh one since
// the client wants it so (RFC 9111 §4.3.5, §5.2.1.1, §5.2.1.4).
func TestHeadOfAPageThatIsFresh(t *testing.T) {
	const modified = "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT"
	stored := text("page", `ETag: "v1"`, modified, "Content-Length: 4")
	for _, row := range []struct {
		name   string
		answer gin.HandlerFunc
		ends   bool
	}{
		{"§4.3.5: the same", stored, false},
		{"§4.3.5: another tag", text("page", `ETag: "v2"`, modified, "Content-Length: 4"), true},
		{"§4.3.5: another time", text("page", `ETag: "v1"`, "Last-Modified: Tue, 02 Jan 2024 00:00:00 GMT", "Content-Length: 4"), true},
		{"§4.3.5: another length", text("pages", `ETag: "v1"`, modified, "Content-Length: 5"), true},
		{"§4.3.5: nothing to compare", text(""), false},
		{"§3: it is not to be stored any more", text("page", `ETag: "v1"`, "Cache-Control: no-store"), true},
		{"§3: nor for others", text("page", `ETag: "v1"`, "Cache-Control: private"), true},
		{"9110 §15.5.5", status(404), true},
		{"9110 §15.5.11", status(410), true},
		{"7725 §3", status(451), true},
		{"9110 §15.5.6", status(405), false},
		{"9110 §15.6.4", status(503), false},
	} {
		for _, control := range []string{"no-cache", "max-age=0", "max-age=1", "min-fresh=3600", "no-cache, max-age=0"} {
			t.Run(row.name+"/"+control, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					synctest.Test(t, func(t *testing.T) {
						s := newSite(t, store)
						answer := stored
						handler := func(c *gin.Context) { answer(c) }
						s.GET("/page", cachette.Cached(10*time.Minute), handler)
						s.HEAD("/page", cachette.Cached(10*time.Minute), handler)
						s.get("/page")
						time.Sleep(time.Minute)
						answer = row.answer
						s.do(http.MethodHead, "/page", "Cache-Control: "+control)
						if a := s.get("/page"); a.hit() == row.ends {
							t.Errorf("then clients get %d %q (%s)", a.status, a.body, a.cacheStatus())
						}
					})
				})
			})
		}
	}
}

// A HEAD whose answer is not to be kept by what the route says of it takes the page back as a GET does (RFC 9111 §4.3.5). One that
// says nothing of it, of a route that says nothing either, leaves the page's own freshness (§3.2).
func TestHeadOfARouteThatSaysForHowLong(t *testing.T) {
	const lasting = "Cache-Control: max-age=3600"
	ttlFunc := cachette.WithTTLFunc(func(c *gin.Context) time.Duration {
		if c.Writer.Header().Get("X-Draft") != "" {
			return 0
		}
		return time.Hour
	})
	for _, row := range []struct {
		name        string
		option      cachette.Option
		page, after gin.HandlerFunc
		ends        bool
	}{
		{"the function says 0", ttlFunc, text("page"), text("page", "X-Draft: 1"), true},
		{"the function says 0 of a page that said it itself", ttlFunc, text("page", lasting), text("page", "X-Draft: 1"), true},
		{"the function says an hour", ttlFunc, text("page"), text("page"), false},
		{"the function says 0, the page an hour", ttlFunc, text("page"), text("page", "X-Draft: 1", lasting), false},
		{"nothing is said", cachette.WithPathKey(), text("page", lasting), text("page"), false},
		{"an hour is said", cachette.WithPathKey(), text("page", lasting), text("page", lasting), false},
		{"max-age=0", cachette.WithPathKey(), text("page", lasting), text("page", "Cache-Control: max-age=0"), true},
		{"no-cache", cachette.WithPathKey(), text("page", lasting), text("page", "Cache-Control: no-cache"), true},
		{"Expires: 0", cachette.WithPathKey(), text("page", lasting), text("page", "Expires: 0"), true},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				answer := row.page
				handler := func(c *gin.Context) { answer(c) }
				s.GET("/page", cachette.Cached(0, row.option), handler)
				s.HEAD("/page", cachette.Cached(0, row.option), handler)
				s.get("/page")
				answer = row.after
				s.do(http.MethodHead, "/page", "Cache-Control: no-cache")
				if a := s.get("/page"); a.hit() == row.ends {
					t.Errorf("then clients get %d %q (%s)", a.status, a.body, a.cacheStatus())
				}
			})
		})
	}
}

// A part of a page that is stored (RFC 9111 §3.3) is taken back as a whole is, when a request has the handler asked for it anew.
func TestPartTakenBack(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer gin.HandlerFunc
		ends   bool
		fields []string
	}{
		{"9111 §4.3.3: 200, no-store", text("new", "Cache-Control: no-store"), true, nil},
		{"9110 §15.5.5: 404", status(404), true, nil},
		{"9110 §15.5.11: 410", status(410), true, nil},
		{"9110 §15.5.11: 410 to other credentials", status(410), true, []string{"Authorization: x"}},
		{"9110 §11.6.2: 403 to other credentials", status(403), false, []string{"Authorization: x"}},
		{"9110 §15.5.17: 416", status(416), false, nil},
		{"9110 §15.6.4: 503", status(503), false, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				answer := func(c *gin.Context) {
					c.Header("Content-Range", "bytes 0-3/10")
					c.Header("Cache-Control", "max-age=3600")
					c.String(http.StatusPartialContent, "part")
				}
				s.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) { answer(c) })
				const part = "Range: bytes=0-3"
				s.get("/page", part)
				if a := s.get("/page", part); !a.hit() {
					t.Fatalf("it is not stored: %s", a.cacheStatus())
				}
				answer = row.answer
				s.get("/page", append([]string{part, "Cache-Control: no-cache"}, row.fields...)...)
				answer = status(http.StatusServiceUnavailable)
				if a := s.get("/page", part); a.hit() == row.ends {
					t.Errorf("then clients get %d %q (%s)", a.status, a.body, a.cacheStatus())
				}
			})
		})
	}
}
