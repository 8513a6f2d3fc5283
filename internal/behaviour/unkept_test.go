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

// A field that is not stored is on the answer that made the page, and on no other: no hit, no part, no 304 and no HEAD, and none of those that
// waited for it.
func TestWithoutHeaders(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		runs := 0
		s.GET("/page", cachette.Cached(time.Minute, cachette.WithoutHeaders("x-request-id", "X-Trace")), func(c *gin.Context) {
			runs++
			c.Writer.Header()["x-request-id"] = []string{fmt.Sprint(runs)} // in whatever spelling
			c.Header("X-Trace", "abc")
			c.Header("X-Kept", "yes")
			c.Header("ETag", `"1"`)
			if c.GetHeader("If-None-Match") != "" {
				c.Status(http.StatusNotModified)
				return
			}
			time.Sleep(time.Second)
			c.String(http.StatusOK, "page")
		})
		check := func(what string, a answer, status int, made string) {
			t.Helper()
			if got := strings.Join(append(a.header["X-Request-Id"], a.header[strings.ToLower("X-Request-Id")]...), " "); got != made || (made != "") != (a.header.Get("X-Trace") != "") ||
				a.status != status || a.header.Get("X-Kept") != "yes" {
				t.Errorf("%s: %d, %q: %v", what, a.status, got, a.header)
			}
		}
		answers := together(3, func(int) answer { return s.get("/page") })
		own := 0
		for range 3 {
			if a := await(t, "an answer", answers); strings.Contains(a.cacheStatus(), "collapsed") {
				check("a request that waited", a, http.StatusOK, "")
			} else {
				own++
				check("the one that made the page", a, http.StatusOK, "1")
			}
		}
		if own != 1 {
			t.Errorf("%d requests made the page", own)
		}
		check("a hit", s.get("/page"), http.StatusOK, "")
		check("a part", s.get("/page", "Range: bytes=0-1"), http.StatusPartialContent, "")
		check("a 304", s.get("/page", `If-None-Match: "1"`), http.StatusNotModified, "")
		time.Sleep(2 * time.Minute)
		if a := s.get("/page"); !strings.Contains(a.cacheStatus(), "fwd-status=304") {
			t.Errorf("it is not validated: %s", a.cacheStatus())
		} else {
			check("the one that validated it", a, http.StatusOK, "2")
		}
		check("a hit behind the validation", s.get("/page"), http.StatusOK, "")
		synctest.Wait()
	})
}

// Those of a Cached around count as well.
func TestWithoutHeadersAround(t *testing.T) {
	s := newSite(t)
	s.Group("/", cachette.Cached(0, cachette.WithoutHeaders("X-One"))).GET("/page", cachette.Cached(time.Minute, cachette.WithoutHeaders("X-Two")),
		text("page", "X-One: 1", "X-Two: 2", "X-Three: 3"))
	if a := s.get("/page"); a.header.Get("X-One")+a.header.Get("X-Two")+a.header.Get("X-Three") != "123" {
		t.Errorf("the miss has %v", a.header)
	}
	if a := s.get("/page"); !a.hit() || a.header.Get("X-One")+a.header.Get("X-Two")+a.header.Get("X-Three") != "3" {
		t.Errorf("the hit has %v", a.header)
	}
}
