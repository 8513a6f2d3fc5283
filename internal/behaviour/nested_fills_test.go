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
	for _, tells := range tellings {
		for _, nesting := range nestings {
			t.Run(tells.name+"/"+nesting.name, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					synctest.Test(t, func(t *testing.T) {
						for at := range 3 {
							s := newSite(t, store)
							var version atomic.Int64
							version.Store(1)
							nesting.mount(s, levels(at, tells.options, cachette.WithStaleWhileRevalidate(time.Hour)), func(c *gin.Context) {
								c.Header("X-Version", fmt.Sprint(version.Load()))
								pageOf(c)
							})
							inOrders(t, s, "/page", tells.visitors)
							time.Sleep(2 * time.Minute)
							version.Store(2)
							for _, want := range []string{"1", "2"} {
								for _, v := range tells.visitors {
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
						}
					})
				})
			})
		}
	}
}

// What a POST leaves for later GETs (RFC 9110 §9.3.3) is told apart by all routes as well.
func TestNestedPosts(t *testing.T) {
	for _, tells := range tellings {
		t.Run(tells.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				for at := range 3 {
					s := newSite(t, store)
					l := levels(at, tells.options)
					page := []gin.HandlerFunc{l[0], loggerOf, l[1], l[2], func(c *gin.Context) {
						c.Header("Content-Location", c.Request.RequestURI)
						c.Header("Cache-Control", "max-age=60")
						pageOf(c)
					}}
					s.GET("/page", page...)
					s.POST("/page", page...)
					for i, order := range orders(len(tells.visitors)) {
						target := fmt.Sprintf("/page?order=%d", i)
						for _, who := range order {
							s.do(http.MethodPost, target, tells.visitors[who].fields...)
							for _, other := range order {
								if a := s.get(target, tells.visitors[other].fields...); a.body != tells.visitors[other].page {
									t.Errorf("order %v: %q is given %q (%s)", order, tells.visitors[other].fields, a.body, a.cacheStatus())
								}
							}
						}
					}
				}
			})
		})
	}
}
