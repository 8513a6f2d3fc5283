package behaviour_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A stale page that was purged stands in for no error (RFC 5861 §4), also where the request found it before the purge, and its
// handler ran only behind: it had waited for another's fill, which failed.
func TestPurgedPageStandsInForNothing(t *testing.T) {
	for _, purge := range purges {
		t.Run(purge.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					fails := false
					arrived, gate := make(chan struct{}), make(chan struct{})
					s.GET("/page", cachette.Cached(time.Second, cachette.WithStaleIfError(time.Hour), cachette.WithNamespace("n")),
						func(c *gin.Context) {
							if !fails {
								c.String(http.StatusOK, "page")
								return
							}
							arrived <- struct{}{}
							<-gate
							c.String(http.StatusServiceUnavailable, "broken")
						})
					s.POST("/page", text("changed"))
					s.POST("/elsewhere", text("changed", "Location: /page"))
					s.get("/page")
					time.Sleep(time.Minute)
					fails = true
					answers := together(2, func(int) answer { return s.get("/page") })
					await(t, "the first fill", arrived)
					synctest.Wait() // the other one waits for it
					purge.do(t, s)
					gate <- struct{}{}
					await(t, "the second fill", arrived)
					gate <- struct{}{}
					for range 2 {
						if a := await(t, "an answer", answers); a.status != http.StatusServiceUnavailable {
							t.Errorf("behind the purge: %d %q (%s)", a.status, a.body, a.cacheStatus())
						}
					}
				})
			})
		})
	}
}
