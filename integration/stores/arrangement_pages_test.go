package stores_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// pages are how many the tests of changing lists of servers purge.
const pages = 40

// changing is a site whose pages tell what the world was like when they were made.
type changing struct {
	*site
	world *atomic.Int64
}

func newChanging(t *testing.T, world *atomic.Int64, cfg cachette.Config) changing {
	t.Helper()
	cfg.OperationTimeout = patient
	s := changing{newSite(t, cfg), world}
	s.GET("/:page", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(200, "%d", world.Load()) })
	return s
}

// stale returns how many pages the site serves that were made before the world changed last, and how many hits there were.
func (s changing) stale(t *testing.T) (stale, hits int) {
	t.Helper()
	for i := range pages {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", fmt.Sprintf("/%d", i), nil))
		if w.Body.String() != fmt.Sprint(s.world.Load()) {
			stale++
		}
		if strings.HasPrefix(w.Header().Get("Cache-Status"), "cachette; hit") {
			hits++
		}
	}
	return stale, hits
}

// warm asks until all pages are hits: they are written behind their responses.
func (s changing) warm(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(patient); ; time.Sleep(10 * time.Millisecond) {
		if _, hits := s.stale(t); hits == pages {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the pages do not become hits")
		}
	}
}

// purge changes the world, and purges all pages.
func (s changing) purge(t *testing.T) {
	t.Helper()
	s.world.Add(1)
	for i := range pages {
		if err := s.cache.PurgePath(t.Context(), fmt.Sprintf("/%d", i)); err != nil {
			t.Fatalf("PurgePath: %v", err)
		}
	}
}

// Pages that were purged while the list of servers was another one are not served when it is again what it was.
func TestPurgedPagesWhenMemcachedServersChange(t *testing.T) {
	t.Parallel()
	a, b := memcachedPair(t)
	both := cachette.Config{Backend: "memcached", MemcachedHost: a.host() + "," + b.host()}
	for name, host := range map[string]string{"First": a.host(), "Second": b.host()} {
		t.Run(name, func(t *testing.T) {
			var world atomic.Int64
			before := newChanging(t, &world, both)
			before.warm(t)
			_ = before.cache.Close()

			between := newChanging(t, &world, cachette.Config{Backend: "memcached", MemcachedHost: host})
			between.purge(t)
			_ = between.cache.Close()

			after := newChanging(t, &world, both)
			if stale, _ := after.stale(t); stale > 0 {
				t.Errorf("%d of %d purged pages are served", stale, pages)
			}
			after.warm(t)
		})
	}
}

// Of two processes that spread keys in other ways, and run at a time, one serves no page that the other has purged.
func TestPurgedPagesWhenMemcachedServersAreSpreadOtherwise(t *testing.T) {
	t.Parallel()
	a, b := memcachedPair(t)
	var world atomic.Int64
	one := newChanging(t, &world, cachette.Config{Backend: "memcached", MemcachedHost: a.host() + "," + b.host()})
	other := newChanging(t, &world, cachette.Config{Driver: openSpread(t, b.host(), a.host())})
	for round := range 3 {
		one.warm(t)
		other.purge(t)
		if stale, _ := one.stale(t); stale > 0 {
			t.Errorf("round %d: %d of %d purged pages are served", round, stale, pages)
		}
	}
}

// Two processes that name the servers in different orders share their pages and purges.
func TestPurgedPagesByTheOrderOfMemcachedServers(t *testing.T) {
	t.Parallel()
	a, b := memcachedPair(t)
	var world atomic.Int64
	one := newChanging(t, &world, cachette.Config{Backend: "memcached", MemcachedHost: a.host() + "," + b.host()})
	other := newChanging(t, &world, cachette.Config{Backend: "memcached", MemcachedHost: b.host() + "," + a.host()})
	one.warm(t)
	if _, hits := other.stale(t); hits != pages {
		t.Errorf("%d of %d pages are hits in the other order", hits, pages)
	}
	other.purge(t)
	if stale, _ := one.stale(t); stale > 0 {
		t.Errorf("%d of %d purged pages are served", stale, pages)
	}
}
