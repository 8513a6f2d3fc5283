package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette"
)

// What a load does to one caller, it does to all that wait for it, and nobody hangs.
func TestRememberFailingLoads(t *testing.T) {
	broken := errors.New("the database is away")
	for name, row := range map[string]struct {
		load func(context.Context) (item, error)
		want error
	}{
		"an error":  {func(context.Context) (item, error) { return item{}, broken }, broken},
		"a panic":   {func(context.Context) (item, error) { panic("the database is away") }, cachette.ErrPanicked},
		"its end":   {func(context.Context) (item, error) { runtime.Goexit(); return item{}, nil }, cachette.ErrPanicked},
		"no value":  {func(context.Context) (item, error) { return item{}, cachette.ErrNotFound }, cachette.ErrNotFound},
		"its time":  {func(ctx context.Context) (item, error) { <-ctx.Done(); return item{}, ctx.Err() }, context.DeadlineExceeded},
		"no value…": {func(context.Context) (item, error) { return item{}, fmt.Errorf("%w: 7", cachette.ErrNotFound) }, cachette.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s, _ := share(t, store)
				var loads atomic.Int64
				load := func(ctx context.Context) (item, error) {
					loads.Add(1)
					time.Sleep(time.Second)
					return row.load(ctx)
				}
				var callers sync.WaitGroup
				for range 50 {
					callers.Go(func() {
						if got, err := cachette.Remember(t.Context(), s.cache, "k", time.Hour, load); !errors.Is(err, row.want) || got != (item{}) {
							t.Errorf("got %q, %v, want %v", got.Name, err, row.want)
						}
					})
				}
				callers.Wait()
				if n := loads.Load(); n > 4 { // those that take longer than callers are patient get company
					t.Errorf("%d loads have run", n)
				}
				var from source
				if got := s.remember("k", &from); got != "product 1" {
					t.Errorf("then %q: a failure was kept", got)
				}
			})
		})
	}
}

// That there is no value is known for its own time.
func TestRememberNotFound(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, other := share(t, store)
		var loads int
		ask := func(s *site) error {
			_, err := cachette.Remember(t.Context(), s.cache, "k", time.Hour, func(context.Context) (item, error) {
				loads++
				return item{}, cachette.ErrNotFound
			}, cachette.WithNotFoundTTL(time.Minute), cachette.WithStaleWhileRevalidate(time.Hour))
			s.settle()
			return err
		}
		for _, s := range []*site{s, other} {
			if err := ask(s); !errors.Is(err, cachette.ErrNotFound) || loads != 1 {
				t.Errorf("%v behind %d loads, want 1", err, loads)
			}
		}
		time.Sleep(time.Minute)
		if err := ask(other); !errors.Is(err, cachette.ErrNotFound) || loads != 2 {
			t.Errorf("behind its time: %v behind %d loads, want 2", err, loads)
		}
		if _, err := s.cache.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if _ = ask(other); loads != 3 {
			t.Errorf("behind Delete there were %d loads, want 3", loads)
		}
	})
}

// A stale value is given out while it is loaded anew, or in place of an error, and not beyond its windows.
func TestRememberStale(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		var loads atomic.Int64
		var broken atomic.Bool
		ask := func(key string, opts ...cachette.ValueOption) string {
			got, err := cachette.Remember(t.Context(), s.cache, key, time.Minute, func(context.Context) (string, error) {
				if broken.Load() {
					return "", errors.New("broken")
				}
				return fmt.Sprint(loads.Add(1)), nil
			}, opts...)
			if err != nil {
				return "an error"
			}
			s.settle()
			return got
		}
		check := func(got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		revalidate, onError := cachette.WithStaleWhileRevalidate(time.Minute), cachette.WithStaleIfError(time.Minute)
		check(ask("a", revalidate), "1")
		time.Sleep(90 * time.Second)
		check(ask("a", revalidate), "1")
		synctest.Wait()
		check(ask("a", revalidate), "2")
		if err := s.cache.Purge(t.Context(), cachette.Purge{Everything: true, Soft: true}); err != nil {
			t.Fatal(err)
		}
		if !logs(store) {
			return // all soft purges of everything are hard
		}
		check(ask("a", revalidate), "2")
		synctest.Wait()
		check(ask("a", revalidate), "3")
		time.Sleep(3 * time.Minute)
		check(ask("a", revalidate), "4")

		check(ask("b", onError), "5")
		broken.Store(true)
		time.Sleep(90 * time.Second)
		check(ask("b", onError), "5")
		time.Sleep(time.Minute)
		check(ask("b", onError), "an error")
	})
}

// Behind a load in the background that failed there is a pause: the database that is away is not asked by each caller.
func TestRememberRests(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		loads := 0
		ask := func() {
			got, err := cachette.Remember(t.Context(), s.cache, "k", time.Minute, func(context.Context) (string, error) {
				if loads++; loads > 1 {
					return "", errors.New("broken")
				}
				return "old", nil
			}, cachette.WithStaleWhileRevalidate(time.Hour))
			if got != "old" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
			synctest.Wait()
		}
		ask()
		s.settle()
		time.Sleep(2 * time.Minute)
		for range 60 { // in half a minute
			ask()
			time.Sleep(500 * time.Millisecond)
		}
		if loads < 3 || loads > 8 {
			t.Errorf("%d loads have run in 30 s, want one each 5 s", loads)
		}
	})
}

// withoutStore makes sites whose cache keeps nothing.
var withoutStore = map[string]func(t *testing.T) *site{
	"dead": func(t *testing.T) *site {
		shelf := newShelf()
		shelf.breakdown(func(context.Context, call) error { return errors.New("away") })
		return newSite(t, shelf.on, asJSON)
	},
	"closed": func(t *testing.T) *site {
		s := newSite(t, asJSON)
		if err := s.cache.Close(); err != nil {
			t.Fatal(err)
		}
		return s
	},
	"disabled": func(t *testing.T) *site { return newSite(t, asJSON, func(c *cachette.Config) { c.Disabled = true }) },
}

// Without a store that answers, behind Close and where the cache is disabled values are loaded, and nothing is kept.
func TestRememberWithoutAStore(t *testing.T) {
	for name, use := range withoutStore {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := use(t)
				var from source
				for i := range 3 {
					if got, want := s.remember("k", &from, cachette.WithTags("a")), fmt.Sprint("product ", i+1); got != want {
						t.Errorf("got %q, want %q", got, want)
					}
				}
			})
		})
	}
}

// Callers that ask for a value together, each by one of two types, all get theirs.
func TestRememberOfTwoTypes(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		var from source
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if got, err := cachette.Remember(t.Context(), s.cache, "k", time.Hour, from.load(time.Second)); err != nil || got == (item{}) {
					t.Errorf("%q, %v", got.Name, err)
				}
			})
			callers.Go(func() {
				got, err := cachette.Remember(t.Context(), s.cache, "k", time.Hour, func(context.Context) (int, error) {
					time.Sleep(time.Second)
					return 7, nil
				})
				if err != nil || got != 7 {
					t.Errorf("%d, %v", got, err)
				}
			})
		}
		callers.Wait()
	})
}

// A value of another type, as of another release, is loaded anew; one that the codec cannot take is an error that says so; and so is what else is
// wrong. Bad tags keep a value from being kept, and are counted.
func TestRememberMisuse(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		var from source
		s.remember("k", &from)
		number := func(context.Context) (int, error) { return 7, nil }
		if got, err := cachette.Remember(t.Context(), s.cache, "k", time.Hour, number); got != 7 || err != nil {
			t.Errorf("of another type: %d, %v", got, err)
		}
		channel := func(context.Context) (chan int, error) { return make(chan int), nil }
		if _, err := cachette.Remember(t.Context(), s.cache, "channel", time.Hour, channel); !errors.Is(err, cachette.ErrUnsupportedType) {
			t.Errorf("a type that the codec cannot take: %v", err)
		}
		for name, ask := range map[string]func() error{
			"a negative ttl": func() error {
				_, err := cachette.Remember(t.Context(), s.cache, "k", -time.Hour, number)
				return err
			},
			"a nil option": func() error {
				_, err := cachette.Remember(t.Context(), s.cache, "k", time.Hour, number, nil)
				return err
			},
			"no load": func() error {
				_, err := cachette.Remember[int](t.Context(), s.cache, "k", time.Hour, nil)
				return err
			},
			"a load that asks for itself": func() error {
				_, err := cachette.Remember(t.Context(), s.cache, "self", time.Hour, func(ctx context.Context) (int, error) {
					return cachette.Remember(ctx, s.cache, "other", time.Hour, func(ctx context.Context) (int, error) {
						return cachette.Remember(ctx, s.cache, "self", time.Hour, number)
					})
				})
				return err
			},
		} {
			if err := ask(); !errors.Is(err, cachette.ErrInvalid) || !strings.Contains(err.Error(), "; ") {
				t.Errorf("%s: %v", name, err)
			}
		}
		for i, tags := range [][]string{{""}, {"a\n"}, {strings.Repeat("x", 257)}, many(129)} {
			before, key := s.cache.Stats().Untagged, fmt.Sprint("bad ", i)
			from = source{}
			s.remember(key, &from, cachette.WithTags(tags...))
			s.remember(key, &from, cachette.WithTags(tags...))
			if n := from.loads.Load(); n != 2 || s.cache.Stats().Untagged != before+2 {
				t.Errorf("%.10q: %d loads, %d counted, want 2", tags, n, s.cache.Stats().Untagged-before)
			}
		}
	})
}

// A key may come from a client. Each colon in it is a mark that a hit reads: one with too many is loaded each time, and counted, as it could not be
// removed by all namespaces that it is in.
func TestRememberOfManyNamespaces(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		for key, kept := range map[string]bool{
			strings.Repeat("a:", 128) + "last":                              true,
			strings.Repeat("a:", 129) + "last":                              false,
			strings.Repeat(":", 100_000):                                    false,
			strings.Repeat("x", 60_000) + ":last":                           true,
			strings.Repeat("x", 40_000) + ":" + strings.Repeat("y", 40_000): true,
			strings.Repeat("x", 40_000) + ":y:last":                         false,
		} {
			before := s.cache.Stats().Untagged
			var from source
			s.remember(key, &from)
			s.remember(key, &from)
			if n, counted := from.loads.Load(), s.cache.Stats().Untagged-before; kept && (n != 1 || counted != 0) || !kept && (n != 2 || counted != 2) {
				t.Errorf("%.20q, of %d bytes: %d loads, %d counted; it is to be kept: %t", key, len(key), n, counted, kept)
			}
		}
		deepest := strings.TrimSuffix(strings.Repeat("a:", 128), ":")
		if err := s.cache.ClearNamespace(t.Context(), deepest); err != nil {
			t.Fatal(err)
		}
		var from source
		if s.remember(deepest+":last", &from); from.loads.Load() != 1 {
			t.Error("ClearNamespace of the last namespace of 128 left the value")
		}
	})
}

func many(n int) (tags []string) {
	for i := range n {
		tags = append(tags, fmt.Sprint("tag ", i))
	}
	return tags
}
