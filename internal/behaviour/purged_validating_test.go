package behaviour_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A purge by another process is not undone by a request that validates what it found before (RFC 9111 §4.3.4), at whatever operation of
// that request on the store the purge comes: what is confirmed of the old page is served to no request that begins later.
func TestPurgedWhileItIsValidated(t *testing.T) {
	bytes, batch, logs := newShelf(), crate{newShelf()}, newDepot()
	for name, store := range map[string]struct {
		shelf *shelf
		use   func(*cachette.Config)
	}{
		"bytes": {bytes, bytes.on},
		"batch": {batch.shelf, func(cfg *cachette.Config) { cfg.Driver = batch }},
		"logs":  {logs.shelf, func(cfg *cachette.Config) { cfg.Driver = logs }},
	} {
		// A process that does not know that marks live longer than when they were made reads them anew as a fill begins, and may find
		// others than its look-up did.
		for _, after := range []time.Duration{2 * time.Minute, 36 * time.Hour} {
			t.Run(name+"/"+after.String(), func(t *testing.T) {
				for at, purged := 1, true; purged; at++ {
					synctest.Test(t, func(t *testing.T) {
						store.shelf.remove(func(string) bool { return true })
						keep := func(cfg *cachette.Config) { cfg.KeepStale = 7 * 24 * time.Hour }
						filling, validating, purging := newSite(t, store.use, keep), newSite(t, store.use, keep), newSite(t, store.use, keep)
						body := "old"
						page := func(c *gin.Context) {
							c.Header("ETag", `"v1"`) // of both pages: a handler that cannot tell them apart
							if c.GetHeader("If-None-Match") != "" {
								c.Status(http.StatusNotModified)
								return
							}
							c.String(http.StatusOK, "%s", body)
						}
						filling.GET("/", cachette.Cached(time.Minute), page)
						validating.GET("/", cachette.Cached(time.Minute), page)
						filling.get("/")
						time.Sleep(after)
						body, purged = "new", false
						var operations atomic.Int64 // those of the purge come side by side
						store.shelf.breakdown(func(context.Context, call) error {
							if operations.Add(1) == int64(at) {
								purged = true
								if err := purging.cache.PurgePath(t.Context(), "/"); err != nil {
									t.Error(err)
								}
							}
							return nil
						})
						validating.get("/")
						store.shelf.breakdown(nil)
						if a := validating.get("/"); purged && a.body == "old" {
							t.Errorf("purged at operation %d: the next request is given %q (%s)", at, a.body, a.cacheStatus())
						}
					})
				}
			})
		}
	}
}
