package behaviour_test

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
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

// Where a handler goes on failing, four requests run it at a time at first. The others do not queue up without end: after each ten
// seconds twice as many run.
func TestQueueOfAFailingHandlerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		const requests = 1000
		var running, most atomic.Int64
		began := time.Now()
		s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
			if n := running.Add(1); time.Since(began) < 10*time.Second {
				most.Store(max(n, most.Load()))
			}
			time.Sleep(time.Second)
			running.Add(-1)
			c.String(http.StatusServiceUnavailable, "broken")
		})
		answers := together(requests, func(int) time.Duration {
			s.get("/")
			return time.Since(began)
		})
		var longest time.Duration
		for range requests {
			longest = max(longest, <-answers)
		}
		if most.Load() != 4 || longest > time.Minute {
			t.Errorf("%d ran it at a time in the first ten seconds, and the last one waited for %v", most.Load(), longest)
		}
	})
}
