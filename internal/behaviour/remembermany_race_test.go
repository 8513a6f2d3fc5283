package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette"
)

// unshared loads a number in a second, and has nothing for others: what it makes cannot be kept.
func (s *site) unshared(ctx context.Context, n int) {
	_, _ = cachette.Remember(ctx, s.cache, keyOf(n), time.Hour, func(ctx context.Context) (string, error) {
		cachette.TagValue(ctx, "with\nbreak")
		time.Sleep(time.Second)
		return "unshared", nil
	})
}

// A lead that comes to a caller in the moment in which it leaves goes on to the next that waits.
func TestRememberManyPassesTheLead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newDepot()
		s := newSite(t, func(cfg *cachette.Config) { cfg.Driver, cfg.Codec = store, "json" })
		for round := range 20 { // what the caller sees first is a matter of chance
			first, second := 2*round, 2*round+1
			c := newCatalog(t, 0)
			ctx, leave := context.WithCancel(t.Context())
			go s.unshared(t.Context(), first)
			time.Sleep(100 * time.Millisecond)
			go s.unshared(t.Context(), second)
			synctest.Wait()
			left := later(func() error { _, err := c.ask(ctx, s, []int{first, second}); return err })
			synctest.Wait()
			next := later(func() string {
				got, err := cachette.Remember(t.Context(), s.cache, keyOf(second), time.Hour, func(context.Context) (string, error) { return "next", nil })
				return fmt.Sprint(got, err)
			})
			time.Sleep(800 * time.Millisecond)
			store.delaySeveral(func([]string) { // the look of the caller to which the first lead has come, until the second has come, too
				store.delaySeveral(nil)
				time.Sleep(150 * time.Millisecond)
				leave()
			})
			began := time.Now()
			if err := <-left; err == nil {
				t.Error("the caller that left has got all")
			}
			if got := <-next; got != "next<nil>" {
				t.Errorf("round %d: %s", round, got)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("round %d: the next one has waited for %v", round, took)
			}
			time.Sleep(time.Minute)
		}
	})
}

// One to which the lead comes looks for what another process has left, before it loads.
func TestRememberManyLooksBeforeItLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newDepot()
		var sites []*site
		for range 2 {
			sites = append(sites, newSite(t, func(cfg *cachette.Config) { cfg.Driver, cfg.Codec = store, "json" }))
		}
		c := newCatalog(t, 0)
		go sites[0].unshared(t.Context(), 1)
		synctest.Wait()
		follows := later(func() error { _, err := c.ask(t.Context(), sites[0], []int{1}); return err })
		time.Sleep(500 * time.Millisecond)
		if _, err := c.ask(t.Context(), sites[1], []int{1}); err != nil {
			t.Error(err)
		}
		if err := <-follows; err != nil {
			t.Error(err)
		}
		if loads := c.loads(); len(loads) != 1 {
			t.Errorf("the loads were of %v, want that of the other process alone", loads)
		}
	})
}

// Refreshes that do not begin, since one is under way, take the room of no other; and those under way end with the cache, not with their
// callers.
func TestRememberManyRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, func(cfg *cachette.Config) { cfg.Driver, cfg.Codec = newDepot(), "json" })
		c := newCatalog(t, 0)
		stale := cachette.WithStaleWhileRevalidate(24 * time.Hour)
		ask := func(n int) {
			t.Helper()
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			if got, err := c.ask(ctx, s, []int{n}, stale, cachette.WithLoadTimeout(time.Minute)); err != nil || len(got) != 1 {
				t.Errorf("got %v, %v", got, err)
			}
		}
		ask(1)
		ask(2)
		time.Sleep(2 * time.Hour)
		c.loads()
		c.fail = func(ctx context.Context, _ []int) error { <-ctx.Done(); return ctx.Err() }
		for range 100 {
			ask(1)
		}
		ask(2)
		synctest.Wait()
		if loads := c.loads(); len(loads) != 2 {
			t.Errorf("%d loads in the background, want one of each", len(loads))
		}
		c.mu.Lock()
		if len(c.active) != 2 {
			t.Errorf("%v are loaded, want both, though their callers have gone", c.active)
		}
		c.mu.Unlock()
		if err := s.cache.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.active) > 0 {
			t.Errorf("behind Close %v are loaded", c.active)
		}
	})
}

// A refresh that has failed is not repeated at once, whoever asks in the moment in which it ends.
func TestRememberManyRests(t *testing.T) {
	for range 20 { // which comes first is a matter of chance
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t)
			c := newCatalog(t, 0)
			ask := func() {
				if got, err := c.ask(t.Context(), s, []int{1, 2}, cachette.WithStaleWhileRevalidate(time.Hour)); err != nil || len(got) != 2 {
					t.Errorf("got %v, %v", got, err)
				}
			}
			ask()
			time.Sleep(90 * time.Minute)
			c.loads()
			c.fail = func(context.Context, []int) error {
				for range 20 {
					go ask()
				}
				return errors.New("broken")
			}
			ask()
			synctest.Wait()
			if loads := c.loads(); len(loads) != 1 {
				t.Errorf("%d loads, want one", len(loads))
			}
		})
	}
}
