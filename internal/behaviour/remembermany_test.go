package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// catalog is where values of numbers come from: each number has a version, and those below zero are not there. It notes its loads, and that it is
// never asked for a number that it is being asked for.
type catalog struct {
	t       *testing.T
	takes   time.Duration
	fail    func(ctx context.Context, missing []int) error // nil for never
	mu      sync.Mutex
	calls   [][]int
	active  map[int]bool
	version int
	beside  bool // a few may run beside each other, as they do once two have had nothing to share
}

func newCatalog(t *testing.T, takes time.Duration) *catalog {
	return &catalog{t: t, takes: takes, active: make(map[int]bool), version: 1}
}

func (c *catalog) begin(missing []int) (version int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, slices.Sorted(slices.Values(missing)))
	for _, n := range missing {
		if c.active[n] && !c.beside {
			c.t.Errorf("%d is loaded twice at once", n)
		}
		c.active[n] = true
	}
	return c.version
}

func (c *catalog) load(ctx context.Context, missing []int) (map[int]string, error) {
	version := c.begin(missing)
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, n := range missing {
			delete(c.active, n)
		}
	}()
	time.Sleep(c.takes)
	if c.fail != nil {
		if err := c.fail(ctx, missing); err != nil {
			return nil, err
		}
	}
	found := make(map[int]string)
	for _, n := range missing {
		if n >= 0 {
			found[n] = fmt.Sprintf("%d v%d", n, version)
		}
	}
	return found, nil
}

// loads returns the loads since the last time, and begins a new version.
func (c *catalog) loads() [][]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls = nil
	c.version++
	return calls
}

func keyOf(n int) string { return fmt.Sprint("item:", n) }

// ask remembers numbers, and returns the versions of those that are there.
func (c *catalog) ask(ctx context.Context, s *site, numbers []int, opts ...cachette.ValueOption) (map[int]string, error) {
	got, err := cachette.RememberMany(ctx, s.cache, numbers, keyOf, time.Hour, c.load, opts...)
	s.settle()
	return got, err
}

// want wants the numbers at their versions, by one load of some of them; none for no load.
func (c *catalog) want(s *site, versions map[int]int, loads [][]int, opts ...cachette.ValueOption) {
	c.t.Helper()
	want := make(map[int]string)
	numbers := []int{-1}
	for n, version := range versions {
		numbers, want[n] = append(numbers, n, n), fmt.Sprintf("%d v%d", n, version)
	}
	if got, err := c.ask(c.t.Context(), s, numbers, opts...); err != nil || !maps.Equal(got, want) {
		c.t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if got := c.loads(); !slices.EqualFunc(got, loads, slices.Equal) {
		c.t.Errorf("the loads were of %v, want %v", got, loads)
	}
}

// What is missing of several is loaded at once; what is not loaded is not there, and known not to be for its time.
func TestRememberMany(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, other := share(t, store)
		c := newCatalog(t, time.Second)
		absent := cachette.WithNotFoundTTL(time.Minute)
		c.want(s, map[int]int{1: 1, 2: 1, 3: 1}, [][]int{{-1, 1, 2, 3}}, absent)
		c.want(other, map[int]int{1: 1, 2: 1, 3: 1}, nil, absent)
		c.want(other, map[int]int{2: 1, 3: 1, 4: 3, 5: 3}, [][]int{{4, 5}}, absent)
		time.Sleep(time.Minute)
		c.want(s, map[int]int{1: 1, 5: 3}, [][]int{{-1}}, absent)
		if n, err := s.cache.Delete(t.Context(), keyOf(2), keyOf(4)); n != 0 || err != nil {
			t.Error(n, err)
		}
		c.want(other, map[int]int{1: 1, 2: 5, 4: 5}, [][]int{{2, 4}}, absent)
		if got, err := cachette.Remember(t.Context(), other.cache, keyOf(4), time.Hour, func(context.Context) (string, error) {
			return "", errors.New("it is there")
		}); got != "4 v5" || err != nil {
			t.Errorf("Remember has %q, %v", got, err)
		}
		if got, err := cachette.RememberMany(t.Context(), s.cache, nil, keyOf, time.Hour, c.load); got == nil || len(got) > 0 || err != nil {
			t.Errorf("of none: %v, %v", got, err)
		}
		if err := s.cache.ClearNamespace(t.Context(), "item"); err != nil {
			t.Fatal(err)
		}
		c.want(other, map[int]int{1: 6, 2: 6}, [][]int{{-1, 1, 2}})
	})
}

// Callers that want overlapping values at once, in whatever order, have each loaded once, and wait for no longer than two loads take.
func TestRememberManyOverlapping(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		if !logs(store) {
			return // the marks of a namespace that several callers take at once take each other's place
		}
		s, _ := share(t, store)
		c := newCatalog(t, time.Second)
		random := rand.New(rand.NewPCG(1, 2))
		began := time.Now()
		var callers sync.WaitGroup
		for range 40 {
			numbers := random.Perm(60)[:1+random.IntN(40)]
			pause := time.Duration(random.IntN(3)) * 300 * time.Millisecond
			callers.Go(func() {
				time.Sleep(pause)
				got, err := cachette.RememberMany(t.Context(), s.cache, numbers, keyOf, time.Hour, c.load)
				if err != nil || len(got) != len(numbers) {
					t.Errorf("got %d of %d, %v", len(got), len(numbers), err)
				}
			})
		}
		callers.Wait()
		if took := time.Since(began); took > 2600*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		loaded := slices.Sorted(slices.Values(slices.Concat(c.loads()...)))
		if distinct := slices.Compact(slices.Clone(loaded)); len(loaded) != len(distinct) {
			t.Errorf("loaded %v", loaded)
		}
	})
}

// The same while loads fail, callers leave, values are removed, and some ask for one alone: all end, and each key has come to something.
func TestRememberManyInDisorder(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		for seed := range uint64(5) {
			s, _ := share(t, store)
			c := newCatalog(t, 0)
			c.beside = true
			random := rand.New(rand.NewPCG(seed, 0))
			var mu sync.Mutex
			roll := func(n int) int {
				mu.Lock()
				defer mu.Unlock()
				return random.IntN(n)
			}
			broken := errors.New("broken")
			c.fail = func(context.Context, []int) error {
				time.Sleep(time.Duration(roll(1000)) * time.Millisecond)
				if roll(4) == 0 {
					return broken
				}
				return nil
			}
			var callers sync.WaitGroup
			for i := range 60 {
				callers.Go(func() {
					time.Sleep(time.Duration(roll(2000)) * time.Millisecond)
					ctx, leave := context.WithTimeout(t.Context(), time.Duration(1+roll(3000))*time.Millisecond)
					defer leave()
					switch {
					case i%6 == 0:
						_, _ = s.cache.Delete(ctx, keyOf(roll(12)))
					case i%6 == 1:
						n := roll(12)
						got, err := cachette.Remember(ctx, s.cache, keyOf(n), time.Hour, func(ctx context.Context) (string, error) {
							all, err := c.load(ctx, []int{n})
							return all[n], err
						})
						if err == nil && got == "" {
							t.Errorf("Remember of %d has nothing", n)
						}
					default:
						mu.Lock()
						numbers := random.Perm(12)[:1+random.IntN(10)]
						mu.Unlock()
						got, err := c.ask(ctx, s, numbers)
						var failed cachette.KeyErrors
						errors.As(err, &failed)
						if len(got)+len(failed) != len(numbers) {
							t.Errorf("got %d, and %d have failed, of %d", len(got), len(failed), len(numbers))
						}
						for _, err := range failed {
							if !errors.Is(err, broken) && !errors.Is(err, context.DeadlineExceeded) {
								t.Error(err)
							}
						}
					}
				})
			}
			began := time.Now()
			callers.Wait()
			if took := time.Since(began); took > 6*time.Second {
				t.Errorf("it took %v", took)
			}
			time.Sleep(5 * time.Second) // for loads whose callers have left
		}
	})
}

// What fails is the error of what was to be loaded, and what is there is there.
func TestRememberManyFailing(t *testing.T) {
	broken := errors.New("the database is away")
	for name, row := range map[string]struct {
		fail func(ctx context.Context, missing []int) error
		want error
	}{
		"an error": {func(context.Context, []int) error { return broken }, broken},
		"a panic":  {func(context.Context, []int) error { panic("the database is away") }, cachette.ErrPanicked},
		"its end":  {func(context.Context, []int) error { runtime.Goexit(); return nil }, cachette.ErrPanicked},
		"its time": {func(ctx context.Context, _ []int) error { <-ctx.Done(); return ctx.Err() }, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s, _ := share(t, store)
				c := newCatalog(t, 0)
				c.want(s, map[int]int{1: 1}, [][]int{{-1, 1}})
				c.fail = func(ctx context.Context, missing []int) error { time.Sleep(time.Second); return row.fail(ctx, missing) }
				began := time.Now()
				waits := later(func() error { // which comes later, and waits for the same load
					time.Sleep(time.Millisecond)
					_, err := cachette.Remember(t.Context(), s.cache, keyOf(3), time.Hour, func(context.Context) (string, error) { return "another", nil })
					return err
				})
				got, err := c.ask(t.Context(), s, []int{1, 2, 3}, cachette.WithLoadTimeout(5*time.Second))
				took := time.Since(began)
				if err := <-waits; !errors.Is(err, row.want) || time.Since(began) > took {
					t.Errorf("who waits got %v, %v behind the load", err, time.Since(began)-took)
				}
				var failed cachette.KeyErrors
				if !errors.As(err, &failed) || !errors.Is(err, row.want) || len(failed) != 2 || !errors.Is(failed[keyOf(2)], row.want) || !errors.Is(failed[keyOf(3)], row.want) {
					t.Errorf("%v, want %v of two", err, row.want)
				}
				if !maps.Equal(got, map[int]string{1: "1 v1"}) {
					t.Errorf("got %v", got)
				}
				c.fail = nil
				c.loads()
				c.want(s, map[int]int{1: 1, 2: 3, 3: 3}, [][]int{{-1, 2, 3}})
			})
		})
	}
}

// Stale values are given out while all of them are loaded anew at once, or in place of an error.
func TestRememberManyStale(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		c := newCatalog(t, time.Second)
		revalidate, onError := cachette.WithStaleWhileRevalidate(time.Hour), cachette.WithStaleIfError(time.Hour)
		absent := cachette.WithNotFoundTTL(24 * time.Hour)
		c.want(s, map[int]int{1: 1, 2: 1}, [][]int{{-1, 1, 2}}, revalidate, onError, absent)
		time.Sleep(90 * time.Minute)
		if got, err := c.ask(t.Context(), s, []int{1, 2}, revalidate, onError, absent); err != nil || !maps.Equal(got, map[int]string{1: "1 v1", 2: "2 v1"}) {
			t.Errorf("got %v, %v", got, err)
		}
		time.Sleep(2 * time.Second)
		s.settle()
		if got := c.loads(); len(got) != 1 || !slices.Equal(got[0], []int{1, 2}) {
			t.Errorf("in the background %v were loaded", got)
		}
		c.want(s, map[int]int{1: 2, 2: 2}, nil, revalidate, onError, absent)
		c.want(s, map[int]int{11: 4, 12: 4}, [][]int{{11, 12}}, onError, absent)
		time.Sleep(90 * time.Minute)
		c.fail = func(context.Context, []int) error { return errors.New("broken") }
		c.want(s, map[int]int{11: 4, 12: 4}, [][]int{{11, 12}}, onError, absent)
		time.Sleep(time.Hour)
		if got, err := c.ask(t.Context(), s, []int{11, 12}, onError); err == nil || len(got) > 0 {
			t.Errorf("behind its windows: %v, %v", got, err)
		}
	})
}

// What was removed while it was loaded is not kept, nor given to those that ask behind the removal; all else of the load is.
func TestRememberManyBehindARemoval(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, other := share(t, store)
		c := newCatalog(t, 3*time.Second)
		first := later(func() error {
			got, err := c.ask(t.Context(), s, []int{1, 2, 3})
			if len(got) != 3 || got[2] != "2 v1" {
				err = errors.Join(err, fmt.Errorf("got %v", got))
			}
			return err
		})
		time.Sleep(time.Second)
		c.loads()
		if _, err := other.cache.Delete(t.Context(), keyOf(2)); err != nil {
			t.Fatal(err)
		}
		c.want(s, map[int]int{1: 1, 2: 2, 3: 1}, [][]int{{-1}, {2}})
		if err := <-first; err != nil {
			t.Error(err)
		}
		c.want(other, map[int]int{1: 1, 2: 2, 3: 1}, [][]int{{-1}})
	})
}

// A caller that leaves gets the error of its context, and the load goes on.
func TestRememberManyGoesOnWithoutItsCaller(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		c := newCatalog(t, 5*time.Second)
		c.fail = func(ctx context.Context, _ []int) error { return ctx.Err() }
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		got, err := c.ask(ctx, s, []int{1, 2})
		wantLeft(t, got, err, 2)
		follower, gone := context.WithTimeout(t.Context(), time.Second)
		defer gone()
		got, err = c.ask(follower, s, []int{1, 2, 3})
		wantLeft(t, got, err, 3)
		c.loads()
		c.want(s, map[int]int{1: 1, 2: 1, 3: 1}, [][]int{{-1}})
	})
}

func wantLeft(t *testing.T, got map[int]string, err error, keys int) {
	t.Helper()
	var failed cachette.KeyErrors
	if !errors.As(err, &failed) || len(failed) != keys || !errors.Is(err, context.DeadlineExceeded) || len(got) > 0 {
		t.Errorf("the caller that has left got %v, %v", got, err)
	}
}

// Tags of all, and of one, drop what has them, and the pages that are made of it.
func TestRememberManyTags(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		if !logs(store) {
			return // what is tagged by its load is kept the second time
		}
		s, _ := share(t, store)
		c := newCatalog(t, 0)
		c.fail = func(ctx context.Context, missing []int) error {
			cachette.TagValue(ctx, "late")
			for _, n := range missing {
				cachette.TagValueOf(ctx, keyOf(n), fmt.Sprint("of ", n))
			}
			cachette.TagValueOf(ctx, "another", "another")
			return nil
		}
		tags := cachette.WithTags("early")
		s.GET("/page", cachette.Cached(time.Hour), func(g *gin.Context) {
			got, err := cachette.RememberMany(g, s.cache, []int{1, 2}, keyOf, time.Hour, c.load, tags)
			g.String(http.StatusOK, "%v %v", got, err)
		})
		all := map[int]int{1: 1, 2: 1, 3: 1}
		c.want(s, all, [][]int{{-1, 1, 2, 3}}, tags)
		page := func(want string) {
			t.Helper()
			s.settle()
			if a := s.get("/page"); a.body != want {
				t.Errorf("the page has %q, want %q (%s)", a.body, want, a.cacheStatus())
			}
			s.settle()
		}
		page("map[1:1 v1 2:2 v1] <nil>")
		invalidate := func(tag string) {
			t.Helper()
			if err := s.cache.Invalidate(t.Context(), tag); err != nil {
				t.Fatal(err)
			}
		}
		for _, tag := range []string{"another", "of 4"} {
			invalidate(tag)
		}
		if a := s.get("/page"); !a.hit() {
			t.Errorf("a tag of no value has dropped the page: %s", a.cacheStatus())
		}
		invalidate("of 2")
		page("map[1:1 v1 2:2 v2] <nil>")
		c.loads()
		invalidate("late")
		c.want(s, map[int]int{1: 3, 3: 3}, [][]int{{-1, 1, 3}}, tags)
		invalidate("early")
		page("map[1:1 v4 2:2 v4] <nil>")
	})
}
