package stores_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-cachette/cachette"
)

// twoCaches returns two caches on each store, which leave loads to one another.
func twoCaches(t *testing.T, start func(t *testing.T) cachette.Config) (both [2]*cachette.Cache) {
	t.Helper()
	cfg := start(t)
	cfg.OperationTimeout, cfg.Codec, cfg.KeyPrefix, cfg.Lease = patient, "json", fmt.Sprintf("values-%d:", time.Now().UnixNano()), time.Minute
	for i := range both {
		both[i] = newSite(t, cfg).cache
	}
	return both
}

// all has n callers ask at once, of both caches in turns, and returns what they got.
func all[V any](t *testing.T, n int, both [2]*cachette.Cache, ask func(c *cachette.Cache) (V, error)) []V {
	t.Helper()
	got := make([]V, n)
	var callers sync.WaitGroup
	for i := range n {
		callers.Go(func() {
			var err error
			if got[i], err = ask(both[i%2]); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	return got
}

// While a load hangs, all callers of both caches are given the stale value, and it runs once an expiry.
func TestPatienceOfTwoCaches(t *testing.T) {
	t.Parallel()
	for backend, start := range valueStores() {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			both := twoCaches(t, start)
			const fresh = 2 * time.Second
			var loads atomic.Int64
			gate := make(chan struct{}, 1)
			ask := func(c *cachette.Cache) (int64, error) {
				return cachette.Remember(t.Context(), c, "k", fresh, func(ctx context.Context) (int64, error) {
					n := loads.Add(1)
					select {
					case <-gate:
						return n, nil
					case <-ctx.Done():
						return 0, ctx.Err()
					}
				}, cachette.WithStaleWhileRevalidate(time.Hour), cachette.WithPatience(100*time.Millisecond))
			}
			gate <- struct{}{}
			if got := all(t, 2, both, ask); got[0] != 1 || got[1] != 1 {
				t.Fatalf("at first: %v", got)
			}
			for round := range int64(max(*rounds, 2)) {
				for _, c := range both {
					if err := c.Settle(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(fresh)
				for _, got := range all(t, 500, both, ask) { // none returns otherwise, for the gate is shut
					if got != round+1 {
						t.Fatalf("round %d: got version %d", round, got)
					}
				}
				eventually(t, func(context.Context) error { // on a busy machine it may begin behind the patience
					if n := loads.Load(); n != round+2 {
						return fmt.Errorf("round %d: %d loads have run", round, n)
					}
					return nil
				})
				gate <- struct{}{}
				eventually(t, func(context.Context) error {
					var got int64
					for _, c := range both {
						if got, _ = ask(c); got != round+2 {
							return fmt.Errorf("round %d: then version %d", round, got)
						}
					}
					return nil
				})
			}
		})
	}
}

// A value that is asked for all the time, and loaded early, keeps next to no caller waiting for a load.
func TestEarlyRefreshOfTwoCaches(t *testing.T) {
	t.Parallel()
	for backend, start := range valueStores() {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			both := twoCaches(t, start)
			const takes = 300 * time.Millisecond
			load := func(context.Context) (time.Time, error) { time.Sleep(takes); return time.Now(), nil }
			ask := func(c *cachette.Cache) (time.Time, error) {
				return cachette.Remember(t.Context(), c, "k", 3*time.Second, load, cachette.WithEarlyRefresh(1))
			}
			all(t, 2, both, ask)
			end := time.Now().Add(time.Duration(3*max(*rounds, 2)) * time.Second)
			var asked, waited atomic.Int64
			var callers sync.WaitGroup
			for i := range 40 {
				callers.Go(func() {
					for began := time.Now(); began.Before(end); began = time.Now() {
						made, err := ask(both[i%2])
						if asked.Add(1); err != nil {
							t.Error(err)
						} else if made.After(began.Add(takes / 2)) {
							waited.Add(1)
						}
						time.Sleep(rand.N(40 * time.Millisecond))
					}
				})
			}
			callers.Wait()
			if waited.Load() > 10 { // without it, all 40 do so behind each end
				t.Errorf("%d of %d have waited for a load", waited.Load(), asked.Load())
			}
		})
	}
}

// Callers of both caches that want several values, which are removed meanwhile, never get what was loaded before a removal that had returned.
func TestRememberManyOfTwoCaches(t *testing.T) {
	t.Parallel()
	for backend, start := range valueStores() {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			both := twoCaches(t, start)
			const values = 12
			var data, removed [values]atomic.Int64 // the version that there is, and the last one whose removal has returned
			key := func(n int) string { return fmt.Sprint("of:", n) }
			load := func(_ context.Context, missing []int) (map[int]int64, error) {
				found := make(map[int]int64)
				for _, n := range missing {
					found[n] = data[n].Load()
				}
				time.Sleep(time.Millisecond)
				return found, nil
			}
			var callers sync.WaitGroup
			for i := range 6 {
				callers.Go(func() {
					for range 20 * max(*rounds, 1) {
						if i == 0 {
							n := rand.N(values)
							now := data[n].Add(1)
							if _, err := both[rand.N(2)].Delete(t.Context(), key(n)); err != nil {
								t.Error(err)
							}
							removed[n].Store(now)
							continue
						}
						wanted := rand.Perm(values)[:1+rand.N(values)]
						var least [values]int64
						for n := range least {
							least[n] = removed[n].Load()
						}
						got, err := cachette.RememberMany(t.Context(), both[i%2], wanted, key, time.Hour, load)
						if err != nil || len(got) != len(wanted) {
							t.Errorf("got %d of %d, %v", len(got), len(wanted), err)
						}
						for n, version := range got {
							if version < least[n] {
								t.Errorf("%d has version %d behind the removal of those before %d", n, version, least[n])
							}
						}
					}
				})
			}
			callers.Wait()
		})
	}
}
