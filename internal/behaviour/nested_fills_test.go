package behaviour_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A refresh in the background is for the visitor whose request set it off, whatever its page's route is inside of: each goes on to
// get its own page, and a new one (RFC 5861 §3).
func TestNestedRefreshes(t *testing.T) {
	eachNested(t, func(t *testing.T, n nested) {
		s := newSite(t, n.store)
		var version atomic.Int64
		version.Store(1)
		n.mount(s, levels(n.at, n.options, cachette.WithStaleWhileRevalidate(time.Hour)), func(c *gin.Context) {
			c.Header("X-Version", fmt.Sprint(version.Load()))
			pageOf(c)
		})
		inSome(t, n.inTurn(), s, "/page", n.visitors)
		time.Sleep(2 * time.Minute)
		version.Store(2)
		for _, want := range []string{"1", "2"} {
			for _, v := range n.visitors {
				if v.never {
					continue
				}
				a := s.get("/page?order=0", v.fields...)
				if a.body != v.page || a.header.Get("X-Version") != want {
					t.Errorf("%q is given version %s of %q (%s)", v.fields, a.header.Get("X-Version"), a.body, a.header["Cache-Status"])
				}
				synctest.Wait()
			}
		}
	})
}

// What a POST leaves for later GETs (RFC 9110 §9.3.3) is told apart by all routes as well.
func TestNestedPosts(t *testing.T) {
	eachTelling(t, func(t *testing.T, n nested) {
		s := newSite(t, n.store)
		l := levels(n.at, n.options)
		page := []gin.HandlerFunc{l[0], loggerOf, l[1], l[2], func(c *gin.Context) {
			c.Header("Content-Location", c.Request.RequestURI)
			c.Header("Cache-Control", "max-age=60")
			pageOf(c)
		}}
		s.GET("/page", page...)
		s.POST("/page", page...)
		for i, order := range n.inTurn() {
			target := fmt.Sprintf("/page?order=%d", i)
			for _, who := range order {
				s.do(http.MethodPost, target, n.visitors[who].fields...)
				for _, other := range order {
					if a := s.get(target, n.visitors[other].fields...); a.body != n.visitors[other].page {
						t.Errorf("order %v: %q is given %q (%s)", order, n.visitors[other].fields, a.body, a.cacheStatus())
					}
				}
			}
		}
	})
}
