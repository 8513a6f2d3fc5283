package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette"
)

// given is what a caller of Remember was given, and how long it has waited for it.
type given struct {
	value string
	err   error
	took  time.Duration
}

// callers has callers ask for a value at once. Its first load is over at once, and each later one takes a while.
func (s *site) callers(n int, loads *atomic.Int64, takes time.Duration, opts ...cachette.ValueOption) []given {
	began := time.Now()
	answers := together(n, func(int) given {
		got, err := cachette.Remember(s.t.Context(), s.cache, "shop:k", time.Minute, func(ctx context.Context) (string, error) {
			n := loads.Add(1)
			if n > 1 {
				time.Sleep(takes)
			}
			return fmt.Sprint("version ", n), nil
		}, append(opts, cachette.WithPatience(100*time.Millisecond), cachette.WithTags("tag"))...)
		return given{got, err, time.Since(began)}
	})
	all := make([]given, n)
	for i := range all {
		all[i] = await(s.t, "a value", answers)
	}
	return all
}

// With a load that hangs all callers have the stale value when their patience is over, whatever window lets them, and one load runs an expiry;
// what it makes is there for the next. They wait for one that is quicker.
func TestRememberWithPatience(t *testing.T) {
	for name, opts := range map[string][]cachette.ValueOption{
		"nothing says for how long": nil,
		"stale-while-revalidate":    {cachette.WithStaleWhileRevalidate(time.Minute)},
		"stale-if-error":            {cachette.WithStaleIfError(time.Minute)},
	} {
		for _, takes := range []time.Duration{5 * time.Second, 99 * time.Millisecond} {
			t.Run(fmt.Sprint(name, " ", takes), func(t *testing.T) {
				eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					var loads atomic.Int64
					s.callers(1, &loads, takes, opts...)
					s.settle()
					for version := int64(1); version < 4; version++ {
						time.Sleep(time.Minute)
						want, waits := version, 100*time.Millisecond
						if takes < waits {
							want, waits = version+1, takes
						}
						for range 2 {
							for _, got := range s.callers(250, &loads, takes, opts...) {
								if got.value != fmt.Sprint("version ", want) || got.err != nil || got.took != waits {
									t.Fatalf("%q, %v after %v; want version %d after %v", got.value, got.err, got.took, want, waits)
								}
							}
							if takes < waits || want > version {
								break
							}
						}
						time.Sleep(takes)
						s.settle()
						if got := s.callers(1, &loads, takes, opts...)[0]; got.value != fmt.Sprint("version ", version+1) || loads.Load() != version+1 {
							t.Fatalf("when the load is done: %q, after %d loads", got.value, loads.Load())
						}
					}
					time.Sleep(2*time.Minute + time.Second)
					if got := s.callers(1, &loads, takes, opts...)[0]; got.value != "version 5" || got.took != takes {
						t.Errorf("behind the window: %q after %v", got.value, got.took)
					}
				})
			})
		}
	}
}

// A load that fails while callers wait lets them go with the stale value, and for a moment those that come then do not wait. That there is
// no value is an answer.
func TestPatienceWithALoadThatFails(t *testing.T) {
	for name, row := range map[string]struct {
		fails func(ctx context.Context) error
		want  error
		again bool // it is tried again at once
	}{
		"an error":         {fails: func(context.Context) error { return errors.New("broken") }},
		"a panic":          {fails: func(context.Context) error { panic("broken") }},
		"there is no more": {fails: func(context.Context) error { return cachette.ErrNotFound }, want: cachette.ErrNotFound, again: true},
		"what cannot be kept": {fails: func(ctx context.Context) error {
			cachette.TagValue(ctx, "")
			return nil
		}, again: true},
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				var loads atomic.Int64
				ask := func() given {
					began := time.Now()
					got, err := cachette.Remember(t.Context(), s.cache, "k", time.Minute, func(ctx context.Context) (string, error) {
						if loads.Add(1) == 1 {
							return "old", nil
						}
						time.Sleep(50 * time.Millisecond)
						return "new", row.fails(ctx)
					}, cachette.WithStaleWhileRevalidate(time.Hour), cachette.WithPatience(100*time.Millisecond))
					return given{got, err, time.Since(began)}
				}
				ask()
				s.settle()
				time.Sleep(2 * time.Minute)
				for range 3 {
					answers := together(20, func(int) (got [3]given) {
						for i := range got { // each asks again at once
							got[i] = ask()
						}
						return got
					})
					for range 20 {
						for _, got := range await(t, "an answer", answers) {
							if row.want != nil && !errors.Is(got.err, row.want) || row.want == nil && (got.err != nil || got.value != "old" || got.took > 50*time.Millisecond) {
								t.Fatalf("%q, %v after %v", got.value, got.err, got.took)
							}
						}
					}
					synctest.Wait()
				}
				if n := loads.Load(); !row.again && n != 2 {
					t.Errorf("%d loads have run, want 2", n)
				}
			})
		})
	}
}

// A caller that leaves while it waits holds up nothing, and what is loaded is there for the next.
func TestPatientCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		var loads atomic.Int64
		s.callers(1, &loads, 5*time.Second)
		time.Sleep(time.Minute)
		waiting := later(func() []given { return s.callers(3, &loads, 5*time.Second) })
		synctest.Wait()
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, leave)
		_, err := cachette.Remember(ctx, s.cache, "shop:k", time.Minute, func(context.Context) (string, error) { return "another", nil },
			cachette.WithPatience(time.Second))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("who has left got %v", err)
		}
		for _, got := range await(t, "the others", waiting) {
			if got.value != "version 1" || got.took != 100*time.Millisecond {
				t.Errorf("%q after %v", got.value, got.took)
			}
		}
		time.Sleep(5 * time.Second)
		if got := s.callers(1, &loads, 0)[0]; got.value != "version 2" {
			t.Errorf("at last: %q", got.value)
		}
	})
}

// Of several processes one loads, and the callers of all wait for what it makes.
func TestRememberPatienceOfSeveralProcesses(t *testing.T) {
	for takes, want := range map[time.Duration]string{5 * time.Second: "version 1", 20 * time.Millisecond: "version 2"} {
		t.Run(takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				depot := newDepot()
				var sites []*site
				for range 4 {
					sites = append(sites, newSite(t, func(c *cachette.Config) { c.Driver, c.Lease = depot, 10*time.Second }))
				}
				var loads atomic.Int64
				sites[0].callers(1, &loads, takes)
				sites[0].settle()
				time.Sleep(time.Minute)
				all := together(len(sites), func(i int) []given { return sites[i].callers(20, &loads, takes) })
				for range sites {
					for _, got := range await(t, "the callers", all) {
						if got.value != want || got.took > 100*time.Millisecond {
							t.Errorf("%q, %v after %v, want %q", got.value, got.err, got.took, want)
						}
					}
				}
				time.Sleep(10 * time.Second)
				if loads.Load() != 2 {
					t.Errorf("%d loads have run", loads.Load())
				}
			})
		})
	}
}
