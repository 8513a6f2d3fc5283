package behaviour_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// What was purged while the handler ran does not stand in for its error.
func TestPurgedDoesNotStandIn(t *testing.T) {
	for _, purged := range []bool{false, true} {
		eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, store)
				fail := false
				s.GET("/", cachette.Cached(time.Minute, cachette.WithStaleIfError(time.Hour)), func(c *gin.Context) {
					if !fail {
						c.String(http.StatusOK, "page")
						return
					}
					if purged {
						if err := s.cache.PurgePath(c, "/"); err != nil {
							t.Error(err)
						}
					}
					c.String(http.StatusInternalServerError, "error")
				})
				s.get("/")
				time.Sleep(2 * time.Minute)
				fail = true
				a := s.get("/")
				if purged && (a.status != http.StatusInternalServerError || a.body != "error") {
					t.Errorf("purged meanwhile: %d %q (%s)", a.status, a.body, a.cacheStatus())
				}
				if !purged && (a.status != http.StatusOK || a.body != "page") {
					t.Errorf("not purged: %d %q (%s)", a.status, a.body, a.cacheStatus())
				}
			})
		})
	}
}
