package behaviour_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A stale response with a validator is validated with the handler, whose 304 freshens it and never reaches a client that
// did not ask for it (RFC 9111 §4.3).
func TestValidation(t *testing.T) {
	modified := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC).Format(http.TimeFormat)
	for _, row := range []struct {
		name, validator string
		precondition    string // what the handler is to be asked
		client          string // a field of the client's own
		status          int    // what the client gets
	}{
		{"entity tag (§4.3.1)", `Etag: "v1"`, `If-None-Match: "v1"`, "", http.StatusOK},
		{"weak entity tag", `Etag: W/"v1"`, `If-None-Match: W/"v1"`, "", http.StatusOK},
		{"last modified", "Last-Modified: " + modified, "If-Modified-Since: " + modified, "", http.StatusOK},
		{"the client has it (§4.3.2)", `Etag: "v1"`, `If-None-Match: "v1"`, `If-None-Match: "v1"`, http.StatusNotModified},
		{"the client has it, weakly", `Etag: "v1"`, `If-None-Match: "v1"`, `If-None-Match: W/"v1"`, http.StatusNotModified},
		{"the client has anything", `Etag: "v1"`, `If-None-Match: "v1"`, `If-None-Match: *`, http.StatusNotModified},
		{"the client has one of several", `Etag: "v1"`, `If-None-Match: "v1"`, `If-None-Match: "v0", "v1"`, http.StatusNotModified},
		{"the client has another", `Etag: "v1"`, `If-None-Match: "v1"`, `If-None-Match: "v0"`, http.StatusOK},
		{"the client has an older one", "Last-Modified: " + modified, "If-Modified-Since: " + modified,
			"If-Modified-Since: Thu, 01 Jan 2015 00:00:00 GMT", http.StatusOK},
		{"the client has one as new", "Last-Modified: " + modified, "If-Modified-Since: " + modified,
			"If-Modified-Since: " + modified, http.StatusNotModified},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					name, value, _ := strings.Cut(row.validator, ": ")
					asked, askedFor, _ := strings.Cut(row.precondition, ": ")
					handler, runs := counted(func(c *gin.Context) {
						c.Header(name, value)
						c.Header("Cache-Control", "max-age=60")
						c.Header("X-Run", time.Now().Format(time.Kitchen))
						if c.GetHeader(asked) == askedFor {
							c.Header("X-Fresh", "1")
							c.Status(http.StatusNotModified)
							return
						}
						c.Header("Content-Type", "text/x-page")
						c.String(http.StatusOK, "page")
					})
					s.GET("/", cachette.Cached(time.Hour), handler)
					first := s.get("/")
					time.Sleep(2 * time.Minute)
					var a answer
					if row.client != "" {
						a = s.get("/", row.client)
					} else {
						a = s.get("/")
					}
					if want := "cachette; fwd=stale; fwd-status=304; stored"; a.cacheStatus() != want {
						t.Errorf("Cache-Status %q, want %q", a.cacheStatus(), want)
					}
					body, age := "page", "0"
					if row.status == http.StatusNotModified {
						body = ""
					}
					if a.status != row.status || a.body != body || a.header.Get("Age") != age || a.header.Get("X-Fresh") != "1" {
						t.Errorf("%d %q %v", a.status, a.body, a.header)
					}
					hit := s.get("/")
					if !hit.hit() || hit.status != http.StatusOK || hit.body != "page" || hit.header.Get("X-Fresh") != "1" ||
						hit.header.Get("Content-Type") != first.header.Get("Content-Type") ||
						!strings.Contains(hit.cacheStatus(), "ttl=60") {
						t.Errorf("afterwards: %d %q %v", hit.status, hit.body, hit.header)
					}
					if runs.Load() != 2 {
						t.Errorf("the handler ran %d times", runs.Load())
					}
				})
			})
		})
	}
}

// When what is stored has changed, the handler's new response takes its place (RFC 9111 §4.3.3).
func TestChanged(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, store)
			version := 1
			s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
				tag := fmt.Sprintf(`"v%d"`, version)
				c.Header("ETag", tag)
				if c.GetHeader("If-None-Match") == tag {
					c.Status(http.StatusNotModified)
					return
				}
				c.String(http.StatusOK, "version %d", version)
			})
			s.get("/")
			time.Sleep(2 * time.Minute)
			version = 2
			if a := s.get("/", `If-None-Match: "v1"`); a.status != http.StatusOK || a.body != "version 2" {
				t.Errorf("the client that has the old one got %d %q (%s)", a.status, a.body, a.cacheStatus())
			}
			time.Sleep(2 * time.Minute)
			version = 3
			if a := s.get("/", `If-None-Match: "v3"`); a.status != http.StatusNotModified || a.body != "" {
				t.Errorf("the client that has the new one got %d %q (%s)", a.status, a.body, a.cacheStatus())
			}
			if a := s.get("/"); !a.hit() || a.status != http.StatusOK || a.body != "version 3" {
				t.Errorf("afterwards: %d %q (%s)", a.status, a.body, a.cacheStatus())
			}
		})
	})
}

// no-cache in a response has each use of it validated (RFC 9111 §5.2.2.4), must-revalidate each stale one (§5.2.2.2).
func TestValidatedUse(t *testing.T) {
	for _, row := range []struct {
		name, control, field string
		after                time.Duration
		hit                  bool
	}{
		{"fresh", "max-age=60", "", 0, true},
		{"no-cache", "no-cache, max-age=60", "", 0, false},
		{"no-cache, and a client that takes stale ones", "no-cache, max-age=60", "Cache-Control: max-stale", 0, false},
		{"stale", "max-age=60", "", 2 * time.Minute, false},
		{"stale, and a client that takes stale ones", "max-age=60", "Cache-Control: max-stale", 2 * time.Minute, true},
		{"must-revalidate", "max-age=60, must-revalidate", "Cache-Control: max-stale", 2 * time.Minute, false},
		{"proxy-revalidate", "max-age=60, proxy-revalidate", "Cache-Control: max-stale", 2 * time.Minute, false},
		{"s-maxage", "s-maxage=60", "Cache-Control: max-stale", 2 * time.Minute, false},
		{"must-revalidate, stale-while-revalidate", "max-age=60, must-revalidate, stale-while-revalidate=3600", "",
			2 * time.Minute, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					handler, runs := counted(text("page", `ETag: "v1"`, "Cache-Control: "+row.control))
					s.GET("/", cachette.Cached(time.Hour), handler)
					s.get("/")
					time.Sleep(row.after)
					var a answer
					if row.field != "" {
						a = s.get("/", row.field)
					} else {
						a = s.get("/")
					}
					if a.hit() != row.hit || a.body != "page" {
						t.Errorf("%q (%s) after %d runs", a.body, a.cacheStatus(), runs.Load())
					}
				})
			})
		})
	}
}

// A 304 that takes back that its response may be stored answers this client, with what it has for it alone, and is
// the end of what is stored: no stale-if-error, nor anything else, brings it back.
func TestConfirmationThatForbids(t *testing.T) {
	for _, forbids := range []string{"Cache-Control: no-store", "Cache-Control: private", "Set-Cookie: a=b"} {
		t.Run(forbids, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					name, value, _ := strings.Cut(forbids, ": ")
					s := newSite(t, store)
					handler, runs := counted(func(c *gin.Context) {
						c.Header("ETag", `"v1"`)
						if c.GetHeader("If-None-Match") != "" {
							c.Header(name, value)
							c.Status(http.StatusNotModified)
							return
						}
						if c.GetHeader("Broken") != "" {
							c.String(http.StatusServiceUnavailable, "broken")
							return
						}
						c.String(http.StatusOK, "page")
					})
					s.GET("/", cachette.Cached(time.Minute, cachette.WithStaleIfError(time.Hour)), handler)
					s.get("/")
					time.Sleep(2 * time.Minute)
					a := s.get("/")
					if a.hit() || a.status != http.StatusOK || a.body != "page" || strings.Contains(a.cacheStatus(), "stored") {
						t.Errorf("%d %q (%s)", a.status, a.body, a.cacheStatus())
					}
					if a.header.Get(name) != value {
						t.Errorf("the client it is for got %s %q", name, a.header[name])
					}
					if a := s.get("/", "Broken: 1"); a.status != http.StatusServiceUnavailable {
						t.Errorf("afterwards, in place of an error: %d %q (%s)", a.status, a.body, a.cacheStatus())
					}
					if a := s.get("/"); a.hit() || a.body != "page" || a.header.Get("Set-Cookie") != "" {
						t.Errorf("afterwards: %q (%s) %q", a.body, a.cacheStatus(), a.header["Set-Cookie"])
					}
					if runs.Load() != 4 {
						t.Errorf("the handler ran %d times, want 4", runs.Load())
					}
				})
			})
		})
	}
}

// Field names count in whatever case a handler has put them into the header map.
func TestNamesThatAreNotCanonical(t *testing.T) {
	for _, row := range [][2]string{
		{"cache-control", "no-store"}, {"CACHE-CONTROL", "private"}, {"set-cookie", "a=b"}, {"vary", "*"},
		{"cdn-cache-control", "no-store"},
	} {
		t.Run(row[0], func(t *testing.T) {
			s := newSite(t)
			handler, runs := counted(func(c *gin.Context) {
				c.Writer.Header()[row[0]] = []string{row[1]}
				c.String(http.StatusOK, "page")
			})
			s.GET("/", cachette.Cached(time.Minute), handler)
			for range 2 {
				if a := s.get("/"); a.hit() {
					t.Error(a.cacheStatus())
				}
			}
			if runs.Load() != 2 {
				t.Errorf("the handler ran %d times", runs.Load())
			}
		})
	}
}

// A response to HEAD freshens what is stored for GET when it shows that it is the same, and removes it when it shows that
// it is not (RFC 9111 §4.3.5).
func TestHeadFreshens(t *testing.T) {
	for _, row := range []struct {
		name   string
		header http.Header // of the response to HEAD
		status int
		hit    bool // of a GET behind it, where what is stored was stale
		fresh  bool // where it was fresh, and the client insisted on asking
	}{
		{"the same entity tag", http.Header{"Etag": {`"v1"`}}, http.StatusOK, true, true},
		{"another entity tag", http.Header{"Etag": {`"v2"`}}, http.StatusOK, false, false},
		{"another length", http.Header{"Etag": {`"v1"`}, "Content-Length": {"5"}}, http.StatusOK, false, false},
		{"another date", http.Header{"Last-Modified": {"Thu, 01 Jan 2015 00:00:00 GMT"}}, http.StatusOK, false, false},
		{"nothing to go by", http.Header{}, http.StatusOK, false, true},
		{"an error", http.Header{"Etag": {`"v1"`}}, http.StatusInternalServerError, false, true},
	} {
		for _, age := range []time.Duration{2 * time.Minute, 10 * time.Second} {
			t.Run(fmt.Sprintf("%s, after %v", row.name, age), func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					synctest.Test(t, func(t *testing.T) {
						s := newSite(t, store)
						cached := cachette.Cached(time.Minute)
						s.GET("/", cached, text("page", `ETag: "v1"`))
						s.HEAD("/", cached, func(c *gin.Context) {
							for name, values := range row.header {
								c.Writer.Header()[name] = values
							}
							c.Status(row.status)
						})
						s.get("/")
						time.Sleep(age)
						if a := s.do(http.MethodHead, "/", "Cache-Control: no-cache"); a.hit() || a.status != row.status {
							t.Errorf("HEAD: %d (%s)", a.status, a.cacheStatus())
						}
						want := row.fresh
						if age > time.Minute {
							want = row.hit
						}
						if a := s.get("/"); a.hit() != want || a.body != "page" {
							t.Errorf("GET behind it: %q (%s)", a.body, a.cacheStatus())
						}
					})
				})
			})
		}
	}
}
