package stores_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// What a process takes a second for, at 1,000 purges a second, is kept, though its tags are new, and what is stored stays a hit: here 1,000 tags are
// purged before its handler runs, behind the position in the log that its process has noted, and 1,000 while it does. None of them is its own.
// One that is its own, among as many, has it not kept.
func TestKeptAmongPurges(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]func(t *testing.T) cachette.Config{
		"InMemory": func(*testing.T) cachette.Config { return cachette.Config{} },
		"Redis":    taggedStores["redis"],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t)
			cfg.OperationTimeout = patient
			s := newSite(t, cfg)
			purger := s // in memory nobody else can
			if name == "Redis" {
				purger = newSite(t, cfg)
			}
			var others atomic.Int64
			purge := func(also ...string) {
				var all sync.WaitGroup
				var next atomic.Int64
				for range 8 {
					all.Go(func() {
						for i := next.Add(1); i <= 1000; i = next.Add(1) {
							tags := []string{fmt.Sprint("other", others.Add(1))}
							if i == 500 {
								tags = append(tags, also...)
							}
							if err := purger.cache.Invalidate(t.Context(), tags...); err != nil {
								t.Error(err)
							}
						}
					})
				}
				all.Wait()
			}
			during := func() {}
			s.GET("/:page", cachette.Cached(time.Hour), func(c *gin.Context) {
				during()
				cachette.Tag(c, "of"+c.Request.URL.Path, "all")
				c.String(http.StatusOK, "page")
			})
			ask := func(path string) bool { return s.isHit(t, path) }
			ask("/before")
			purge()
			during = func() { purge() }
			ask("/kept")
			during = func() { purge("of/purged") }
			ask("/purged")
			during = func() {}
			for path, want := range map[string]bool{"/before": true, "/kept": true, "/purged": false} {
				if got := ask(path); got != want {
					t.Errorf("%s is a hit: %t, want %t", path, got, want)
				}
			}
			if n := s.cache.Stats().Untagged; n != 1 {
				t.Errorf("%d pages could not be kept with their tags, want 1", n)
			}
		})
	}
}
