package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// Loads that wait for one another are told so, whichever callers they run for, and none hangs until its time is over.
func TestRememberInCircles(t *testing.T) {
	for _, keys := range [][]string{{"a", "b"}, {"a", "b", "c"}, {"a"}} {
		eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
			s, _ := share(t, store)
			var ask func(ctx context.Context, i int) error
			ask = func(ctx context.Context, i int) error {
				_, err := cachette.Remember(ctx, s.cache, keys[i%len(keys)], time.Hour, func(ctx context.Context) (string, error) {
					time.Sleep(time.Second)
					return "", ask(ctx, i+1)
				})
				return err
			}
			began := time.Now()
			var callers sync.WaitGroup
			for i := range 4 * len(keys) {
				callers.Go(func() {
					if err := ask(t.Context(), i); !errors.Is(err, cachette.ErrInvalid) {
						t.Errorf("%v of %v: %v", i, keys, err)
					}
				})
			}
			callers.Wait()
			if took := time.Since(began); took > 9*time.Second { // in the time of the test
				t.Errorf("the circle of %v took %v", keys, took)
			}
		})
	}
}

// What is no circle is none: two loads that need one value, a value that is there, and the same key of another cache.
func TestRememberWithinRemember(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		other := newSite(t)
		var ask func(ctx context.Context, keys ...string) (string, error)
		ask = func(ctx context.Context, keys ...string) (string, error) {
			key, elsewhere := strings.CutPrefix(keys[0], "other ")
			cache := s.cache
			if elsewhere {
				cache = other.cache
			}
			return cachette.Remember(ctx, cache, key, time.Minute, func(ctx context.Context) (string, error) {
				time.Sleep(time.Second)
				if len(keys) == 1 {
					return key, nil
				}
				got, err := ask(ctx, keys[1:]...)
				return key + got, err
			}, cachette.WithStaleWhileRevalidate(time.Hour))
		}
		var callers sync.WaitGroup
		for range 3 {
			for _, keys := range [][]string{{"a", "z"}, {"b", "z"}, {"c", "b", "z"}, {"d", "a", "z"}, {"k", "other k"}, {"other l", "l"}} {
				callers.Go(func() {
					if got, err := ask(t.Context(), keys...); err != nil {
						t.Errorf("%v: %q, %v", keys, got, err)
					}
				})
			}
		}
		callers.Wait()
		s.settle()
		time.Sleep(2 * time.Minute)
		// Both are stale by now, so what asks for them gets them at once, also where that is what loads them anew.
		for _, keys := range [][]string{{"z", "a", "z"}, {"a", "z", "a"}} {
			if got, err := ask(t.Context(), keys...); err != nil {
				t.Errorf("behind its time, %v: %q, %v", keys, got, err)
			}
		}
		time.Sleep(time.Minute)
	})
}

// Behind a load that has failed, a value that a purge has made stale is given out without another load for a while, as one that has ended.
func TestRememberRestsBehindASoftPurge(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		loads := 0
		ask := func() {
			t.Helper()
			got, err := cachette.Remember(t.Context(), s.cache, "k", time.Hour, func(context.Context) (string, error) {
				if loads++; loads > 1 {
					return "", errors.New("broken")
				}
				return "value", nil
			}, cachette.WithTags("a"), cachette.WithStaleWhileRevalidate(time.Hour), cachette.WithStaleIfError(time.Hour))
			if err != nil || got != "value" {
				t.Error(got, err)
			}
			s.settle()
			synctest.Wait()
		}
		ask()
		if err := s.cache.Expire(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			ask()
		}
		if loads != 2 {
			t.Errorf("%d loads have run at once, want 2", loads)
		}
		time.Sleep(6 * time.Second)
		if ask(); loads != 3 {
			t.Errorf("%d loads have run in all, want 3", loads)
		}
	})
}

// A stale value is given out no more once its load says that there is none, or makes one that is too large: it is known not to be the value.
func TestRememberDropsWhatIsOver(t *testing.T) {
	for name, load := range map[string]func(context.Context) (string, error){
		"there is none": func(context.Context) (string, error) { return "", cachette.ErrNotFound },
		"too large":     func(context.Context) (string, error) { return "new" + strings.Repeat(" ", 1<<20), nil },
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s, other := share(t, store, func(c *cachette.Config) { c.MemoryLimit = 1 << 20 })
				now := func(context.Context) (string, error) { return "old", nil }
				ask := func(s *site) string {
					got, err := cachette.Remember(t.Context(), s.cache, "k", time.Minute, now, cachette.WithStaleWhileRevalidate(time.Hour))
					s.settle()
					synctest.Wait()
					s.settle()
					return fmt.Sprint(strings.TrimSpace(got), err)
				}
				ask(s)
				now = load
				time.Sleep(2 * time.Minute)
				ask(s) // the old one, for the last time
				for _, s := range []*site{s, other} {
					if got := ask(s); strings.HasPrefix(got, "old") {
						t.Errorf("then %s", got)
					}
				}
			})
		})
	}
}

// So it is with the values of several caches of a program.
func TestRememberInCirclesOfCaches(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		sites := [2]*site{newSite(t), newSite(t)}
		var ask func(ctx context.Context, i int) error
		ask = func(ctx context.Context, i int) error {
			_, err := cachette.Remember(ctx, sites[i%2].cache, "k", time.Hour, func(ctx context.Context) (string, error) {
				time.Sleep(time.Second)
				return "", ask(ctx, i+1)
			})
			return err
		}
		began := time.Now()
		answers := together(len(sites), func(i int) error { return ask(t.Context(), i) })
		for range sites {
			err := <-answers
			if took := time.Since(began); !errors.Is(err, cachette.ErrInvalid) || took > 2*time.Second {
				t.Errorf("%v after %v", err, took)
			}
		}
	})
}

// mine panics when it is decoded.
type mine struct{ Name string }

func (m *mine) UnmarshalJSON([]byte) error { panic("no such form") }

// A panic of a driver or of a codec is one caller's affair: the program goes on, and so do those that ask next.
func TestRememberWherePanicsAreNotTheLoads(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		store := cachettetest.NewStore()
		s := newSite(t, store.Use, asJSON)
		for _, operation := range []string{"get", "insert", "set", "delete"} {
			store.Fail(func(_ context.Context, o cachettetest.Operation) error {
				if o.Name == operation {
					panic("a driver")
				}
				return nil
			})
			var callers sync.WaitGroup
			for range 10 {
				callers.Go(func() {
					defer func() { _ = recover() }()
					_, _ = cachette.Remember(t.Context(), s.cache, "k "+operation, time.Hour, func(context.Context) (string, error) {
						time.Sleep(time.Second)
						return "value", nil
					}, cachette.WithTags("a"))
				})
			}
			callers.Wait()
			store.Fail(nil)
			var from source
			if got := s.remember("k "+operation+" then", &from); got != "product 1" {
				t.Errorf("behind a panic of %s: %q", operation, got)
			}
		}
		var callers sync.WaitGroup
		for i := range 20 {
			callers.Go(func() {
				defer func() { _ = recover() }()
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				_, _ = cachette.Remember(t.Context(), s.cache, "mine", time.Hour, func(context.Context) (mine, error) {
					time.Sleep(time.Second)
					return mine{"n"}, nil
				})
			})
		}
		callers.Wait()
		began := time.Now()
		var from source
		if got := s.remember("mine", &from); got == "" || time.Since(began) > time.Second {
			t.Errorf("behind panics of a type: %q after %v", got, time.Since(began))
		}
	})
}

// A load that panicked while it waited for values waits for them no more: their loads may ask for its own.
func TestWaitsEndWithAPanic(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		store := newDepot()
		s := newSite(t, asJSON, func(c *cachette.Config) { c.Driver = store })
		go func() {
			_, _ = cachette.Remember(t.Context(), s.cache, "x", time.Hour, func(context.Context) (int, error) {
				time.Sleep(time.Second)
				return 1, nil
			})
		}()
		time.Sleep(500 * time.Millisecond)
		outer := later(func() error {
			_, err := cachette.Remember(t.Context(), s.cache, "outer", time.Hour, func(ctx context.Context) (string, error) {
				many, err := cachette.RememberMany(ctx, s.cache, []string{"x"}, func(k string) string { return k }, time.Hour,
					func(context.Context, []string) (map[string]string, error) { return map[string]string{"x": "new"}, nil })
				return many["x"], err
			})
			return err
		})
		synctest.Wait() // what it then waits for is of another type, and it looks again
		store.store.Fail(func(_ context.Context, o cachettetest.Operation) error {
			if o.Name == "get" {
				panic("driver")
			}
			return nil
		})
		if err := <-outer; !errors.Is(err, cachette.ErrPanicked) {
			t.Errorf("the load got %v", err)
		}
		store.store.Fail(nil)
		got, err := cachette.Remember(t.Context(), s.cache, "x", time.Hour, func(ctx context.Context) (string, error) {
			return cachette.Remember(ctx, s.cache, "outer", time.Hour, func(context.Context) (string, error) { return "value", nil })
		})
		if got != "value" || err != nil {
			t.Errorf("behind the panic: %q, %v", got, err)
		}
	})
}
