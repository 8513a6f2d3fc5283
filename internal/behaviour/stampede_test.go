package behaviour_test

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// When the one that makes the page fails, one of those that wait tries again and the others go on waiting: a handler in
// trouble does not get all of them at once.
func TestNoStampedeBehindAFailure(t *testing.T) {
	for name, fail := range map[string]func(*gin.Context){
		"a panic":  func(*gin.Context) { panic(errors.New("broken")) },
		"an error": func(c *gin.Context) { c.String(http.StatusServiceUnavailable, "broken") },
		"a page cut short": func(c *gin.Context) {
			c.Header("Content-Length", "100")
			c.String(http.StatusOK, "half")
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					s.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) {
						c.AbortWithStatus(http.StatusInternalServerError)
					}))
					first := true
					handler, runs := counted(func(c *gin.Context) {
						time.Sleep(time.Second)
						if first {
							first = false
							fail(c)
							return
						}
						c.String(http.StatusOK, "page")
					})
					s.GET("/", cachette.Cached(time.Minute), handler)
					leader := later(func() answer { return s.get("/") })
					synctest.Wait()
					answers := together(50, func(int) answer { return s.get("/") })
					for range 50 {
						if a := await(t, "an answer", answers); a.status != http.StatusOK || a.body != "page" {
							t.Errorf("got %d %q (%s)", a.status, a.body, a.cacheStatus())
						}
					}
					await(t, "the leader", leader)
					if runs.Load() != 2 {
						t.Errorf("the handler ran %d times, want 2", runs.Load())
					}
				})
			})
		})
	}
}
