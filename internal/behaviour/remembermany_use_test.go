package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette"
)

// Those that have several in common with a Remember that is under way wait for it, and the other way round; also where the types differ.
func TestRememberManyBesideRemember(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		c := newCatalog(t, 2*time.Second)
		one := func(n int) <-chan string {
			return later(func() string {
				got, err := cachette.Remember(t.Context(), s.cache, keyOf(n), time.Hour, func(ctx context.Context) (string, error) {
					all, err := c.load(ctx, []int{n})
					return all[n], err
				})
				return fmt.Sprint(got, " ", err)
			})
		}
		first := one(1)
		time.Sleep(time.Second)
		many := later(func() string {
			got, err := c.ask(t.Context(), s, []int{2, 1, 3})
			return fmt.Sprint(got, " ", err)
		})
		time.Sleep(time.Second / 2)
		last := one(3)
		for ch, want := range map[<-chan string]string{first: "1 v1 <nil>", many: "map[1:1 v1 2:2 v1 3:3 v1] <nil>", last: "3 v1 <nil>"} {
			if got := <-ch; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		if got := fmt.Sprint(c.loads()); got != "[[1] [2 3]]" {
			t.Errorf("the loads were of %s", got)
		}
		type record struct{ Number int }
		records := later(func() string {
			got, err := cachette.RememberMany(t.Context(), s.cache, []int{7, 1}, keyOf, time.Hour, func(_ context.Context, missing []int) (map[int]record, error) {
				found := make(map[int]record)
				for _, n := range missing {
					found[n] = record{n}
				}
				return found, nil
			})
			return fmt.Sprint(len(got), got[1].Number, got[7].Number, " ", err)
		})
		texts := one(7)
		if got, want := <-records, "2 1 7 <nil>"; got != want {
			t.Errorf("of another type: %q, want %q", got, want)
		}
		if got := <-texts; !strings.HasPrefix(got, "7 v") {
			t.Errorf("of the type before: %q", got)
		}
	})
}

// A value that the codec does not take, or that asks for itself, fails alone.
func TestRememberManyWithMistakes(t *testing.T) {
	s := newSite(t, asJSON)
	load := func(_ context.Context, missing []int) (map[int]any, error) {
		found := map[int]any{100: "not asked for"}
		for _, n := range missing {
			if found[n] = any(n); n == 2 {
				found[n] = make(chan int)
			}
		}
		return found, nil
	}
	got, err := cachette.RememberMany(t.Context(), s.cache, []int{1, 2, 3}, keyOf, time.Hour, load)
	wantKeyErrors(t, err, cachette.ErrUnsupportedType, "remember", keyOf(2))
	if len(got) != 2 {
		t.Errorf("got %v", got)
	}
	var inner error
	_, err = cachette.RememberMany(t.Context(), s.cache, []int{4, 5}, keyOf, time.Hour, func(ctx context.Context, missing []int) (map[int]any, error) {
		var own map[int]any
		own, inner = cachette.RememberMany(ctx, s.cache, []int{5, 6}, keyOf, time.Hour, load)
		if len(own) != 1 {
			t.Errorf("the inner one got %v", own)
		}
		return load(ctx, missing)
	})
	var failed cachette.KeyErrors
	if !errors.As(inner, &failed) || len(failed) != 1 || !errors.Is(failed[keyOf(5)], cachette.ErrInvalid) || err != nil {
		t.Errorf("a load that asks for what it is there for: %v, and outside %v", inner, err)
	}
}

// What cannot be meant is told before anything is loaded.
func TestRememberManyMisuse(t *testing.T) {
	s := newSite(t)
	load := func(context.Context, []int) (map[int]string, error) {
		t.Error("it has loaded")
		return nil, nil
	}
	ask := func(ttl time.Duration, key func(int) string, load func(context.Context, []int) (map[int]string, error), opts ...cachette.ValueOption) error {
		got, err := cachette.RememberMany(t.Context(), s.cache, []int{1, 2, 1}, key, ttl, load, opts...)
		if got == nil {
			t.Error("the map is nil")
		}
		return err
	}
	for name, err := range map[string]error{
		"no load":        ask(0, keyOf, nil),
		"no key":         ask(0, nil, load),
		"a negative ttl": ask(-1, keyOf, load),
		"a nil option":   ask(0, keyOf, load, nil),
		"a lease":        ask(0, keyOf, load, cachette.WithLease(time.Second)),
		"patience":       ask(0, keyOf, load, cachette.WithPatience(time.Second)),
		"early refresh":  ask(0, keyOf, load, cachette.WithEarlyRefresh(1)),
		"one name":       ask(0, func(int) string { return "same" }, load),
	} {
		var op *cachette.OpError
		if !errors.Is(err, cachette.ErrInvalid) || !errors.As(err, &op) || op.Op != "remember" {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
}

// Where the store does not answer, or the cache is closed, or a name has too many colons, all is loaded and nothing kept.
func TestRememberManyUnkept(t *testing.T) {
	store := newDepot()
	s := newSite(t, func(cfg *cachette.Config) { cfg.Driver, cfg.Codec = store, "json" })
	c := newCatalog(t, 0)
	store.breakdown(func(context.Context, call) error { return errors.New("dead") })
	c.want(s, map[int]int{1: 1, 2: 1}, [][]int{{-1, 1, 2}})
	c.want(s, map[int]int{1: 2, 2: 2}, [][]int{{-1, 1, 2}})
	store.breakdown(nil)
	colons := func(n int) string { return strings.Repeat(":", 200*(n%2)) + fmt.Sprint(n) }
	for range 2 {
		got, err := cachette.RememberMany(t.Context(), s.cache, []int{1, 2, 3}, colons, time.Hour, c.load)
		if err != nil || len(got) != 3 {
			t.Errorf("of too many colons: %v, %v", got, err)
		}
	}
	if err := s.cache.Close(); err != nil {
		t.Fatal(err)
	}
	c.loads()
	c.want(s, map[int]int{1: 4, 2: 4}, [][]int{{-1, 1, 2}})
}

// A hit of many asks the store once, and once more for tags that this process does not know of yet. What is missing is asked for once, too, and its marks
// are taken at once.
func TestRememberManyRoundTrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // what a fill knows of the log of purges ages
		store := newDepot()
		s, other := share(t, func(cfg *cachette.Config) { cfg.Driver = store })
		c := newCatalog(t, 0)
		c.fail = func(ctx context.Context, missing []int) error {
			for _, n := range missing {
				cachette.TagValueOf(ctx, keyOf(n), fmt.Sprint("of ", n))
			}
			return nil
		}
		var numbers []int
		for n := range 100 {
			numbers = append(numbers, n)
		}
		asked := func(s *site, want int) {
			t.Helper()
			store.asked()
			if got, err := c.ask(t.Context(), s, numbers); len(got) != 100 || err != nil {
				t.Errorf("got %d, %v", len(got), err)
			}
			if n := store.asked(); n != want {
				t.Errorf("the store was asked %d times, want %d", n, want)
			}
		}
		for _, numbers := range [][]int{{1001}, numbers} { // the first tag has fills look at the log of purges
			if _, err := c.ask(t.Context(), s, numbers); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.ask(t.Context(), other, []int{1000}); err != nil { // which looks at the log of purges for the first time
			t.Fatal(err)
		}
		asked(s, 1)
		asked(other, 2)
		asked(other, 1)
		atLoad := 0
		c.fail = func(context.Context, []int) error { atLoad = store.asked(); return nil }
		for i := range numbers {
			numbers[i] += 2000
		}
		if got, err := c.ask(t.Context(), s, numbers); len(got) != 100 || err != nil {
			t.Errorf("got %d, %v", len(got), err)
		}
		if atLoad != 2 {
			t.Errorf("before the load of 100 the store was asked %d times, want 2: what is there, and once for all marks", atLoad)
		}
	})
}

// A caller whose look-up was slow finds what was loaded meanwhile, and one that comes while the store is slow to take it finds what waits for it.
func TestRememberManyLooksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newDepot()
		s := newSite(t, func(cfg *cachette.Config) { cfg.Driver, cfg.Codec = store, "json" })
		c := newCatalog(t, 0)
		var slowed atomic.Bool
		store.delay(func(call call) {
			if strings.Contains(call.key, "~r:v") && slowed.CompareAndSwap(false, true) {
				time.Sleep(200 * time.Millisecond)
			}
		})
		store.breakdown(func(_ context.Context, call call) error {
			if call.op == "set" {
				time.Sleep(400 * time.Millisecond)
			}
			return nil
		})
		ask := func() <-chan error {
			return later(func() error {
				got, err := cachette.RememberMany(t.Context(), s.cache, []int{1, 2}, keyOf, time.Hour, c.load)
				if len(got) != 2 {
					err = errors.Join(err, fmt.Errorf("got %v", got))
				}
				return err
			})
		}
		slow := ask()
		time.Sleep(100 * time.Millisecond)
		for _, caller := range []<-chan error{ask(), slow, ask()} {
			if err := <-caller; err != nil {
				t.Error(err)
			}
		}
		if loads := c.loads(); len(loads) != 1 {
			t.Errorf("the loads were of %v, want one", loads)
		}
		s.settle()
	})
}

// Two loads of several that ask for values of each other do not wait until their time is over: one is told.
func TestRememberManyInACircle(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		ask := func(ctx context.Context, own, other []int) error {
			_, err := cachette.RememberMany(ctx, s.cache, own, keyOf, time.Hour, func(ctx context.Context, missing []int) (map[int]int, error) {
				time.Sleep(time.Second)
				var failed cachette.KeyErrors
				_, err := cachette.RememberMany(ctx, s.cache, other, keyOf, time.Hour, func(_ context.Context, missing []int) (map[int]int, error) {
					return map[int]int{missing[0]: 0}, nil
				})
				if errors.As(err, &failed) && !errors.Is(err, cachette.ErrInvalid) {
					return nil, err
				}
				found := map[int]int{own[0]: 1, own[1]: 1}
				return found, err
			})
			return err
		}
		began := time.Now()
		first := later(func() error { return ask(t.Context(), []int{1, 2}, []int{3}) })
		second := later(func() error { return ask(t.Context(), []int{3, 4}, []int{2}) })
		told := 0
		for _, err := range []error{<-first, <-second} {
			if errors.Is(err, cachette.ErrInvalid) {
				told++
			} else if err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); told == 0 || took > 5*time.Second {
			t.Errorf("%d were told, behind %v", told, took)
		}
		time.Sleep(10 * time.Second)
	})
}

// A driver that panics beside the load costs what is kept, and no caller its values, nor the program its life.
func TestRememberManyBesideAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newDepot()
		s := newSite(t, func(cfg *cachette.Config) { cfg.Driver, cfg.Codec = store, "json" })
		c := newCatalog(t, 0)
		store.breakdown(func(_ context.Context, call call) error {
			if call.op == "add" {
				panic("driver")
			}
			return nil
		})
		c.want(s, map[int]int{1: 1, 2: 1}, [][]int{{-1, 1, 2}})
		store.breakdown(nil)
		time.Sleep(10 * time.Second) // until the store is asked again, by one operation at first
		if _, err := cachette.Remember(t.Context(), s.cache, "first", time.Hour, func(context.Context) (int, error) { return 0, nil }); err != nil {
			t.Error(err)
		}
		c.want(s, map[int]int{1: 2, 2: 2}, [][]int{{-1, 1, 2}})
		c.want(s, map[int]int{1: 2, 2: 2}, [][]int{{-1}})
	})
}
