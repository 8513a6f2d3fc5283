package behaviour_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette"
)

// uses are what a handler does with a value, as a function of how often it has done so.
var uses = map[string]func(ctx context.Context, c *cachette.Cache, n int) error{
	"Fetch": func(ctx context.Context, c *cachette.Cache, n int) error {
		var value string
		return c.Fetch(ctx, strconv.Itoa(n), &value)
	},
	"FetchWithTTL": func(ctx context.Context, c *cachette.Cache, n int) error {
		var value string
		_, err := c.FetchWithTTL(ctx, strconv.Itoa(n), &value)
		return err
	},
	"Put": func(ctx context.Context, c *cachette.Cache, n int) error {
		return c.Put(ctx, strconv.Itoa(n), "value", time.Hour)
	},
	"Delete": func(ctx context.Context, c *cachette.Cache, n int) error {
		_, err := c.Delete(ctx, strconv.Itoa(n))
		return err
	},
}

// Values fail as fast as routes do: a store that hangs costs those who use it three operation timeouts in all, one after the other.
func TestValuesOnAHangingStore(t *testing.T) {
	const limit = 300 * time.Millisecond
	for name, use := range uses {
		for kind, wrap := range map[string]func(*shelf) func(*cachette.Config){
			"bytes": func(s *shelf) func(*cachette.Config) { return s.on },
			"batch": func(s *shelf) func(*cachette.Config) {
				return func(cfg *cachette.Config) { cfg.Driver = crate{s} }
			},
		} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := newShelf()
					s := newSite(t, wrap(store), func(cfg *cachette.Config) { cfg.OperationTimeout = limit })
					store.breakdown(hangs)
					began := time.Now()
					for n := range 20 {
						if err := use(t.Context(), s.cache, n); err == nil {
							t.Errorf("%d: no error", n)
						}
					}
					if took := time.Since(began); took > 3*limit {
						t.Errorf("20 in a row took %v, want %v at most", took, 3*limit)
					}
				})
			})
		}
	}
}

// A request that has waited for a store that hangs does not wait for it again, where another's handler has run meanwhile.
func TestRequestsOnAHangingStoreWaitOnce(t *testing.T) {
	const limit, apart = 300 * time.Millisecond, 100 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		store := newShelf()
		s := newSite(t, store.on, func(cfg *cachette.Config) { cfg.OperationTimeout = limit })
		s.GET("/:page", cachette.Cached(time.Hour), text("page"))
		store.breakdown(hangs)
		var waited [3]time.Duration
		var all sync.WaitGroup
		for i := range waited {
			all.Go(func() {
				time.Sleep(time.Duration(i) * apart)
				began := time.Now()
				s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/"+strconv.Itoa(i), nil))
				waited[i] = time.Since(began)
			})
		}
		all.Wait()
		for i, took := range waited {
			if took > limit {
				t.Errorf("request %d was held for %v, want %v at most", i, took, limit)
			}
		}
	})
}
