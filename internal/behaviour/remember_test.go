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

// item is a value that is loaded.
type item struct{ Name string }

// source is where values come from: it counts its loads.
type source struct{ loads atomic.Int64 }

// load returns a load that takes a while, and gives each value another name.
func (s *source) load(takes time.Duration) func(context.Context) (item, error) {
	return func(ctx context.Context) (item, error) {
		n := s.loads.Add(1)
		select {
		case <-time.After(takes):
			return item{fmt.Sprint("product ", n)}, nil
		case <-ctx.Done():
			return item{}, ctx.Err()
		}
	}
}

// remember gets the value of a key from a source.
func (s *site) remember(key string, from *source, opts ...cachette.ValueOption) string {
	s.t.Helper()
	got, err := cachette.Remember(s.t.Context(), s.cache, key, time.Hour, from.load(0), opts...)
	if err != nil {
		s.t.Error(err)
	}
	s.settle()
	return got.Name
}

// share returns two sites that share a store: in memory it is one, twice.
func share(t *testing.T, store func(*cachette.Config), configure ...func(*cachette.Config)) (s, other *site) {
	var cfg cachette.Config
	store(&cfg)
	configure = append(configure, func(c *cachette.Config) { c.Driver, c.Codec = cfg.Driver, "json" })
	if s = newSite(t, configure...); cfg.Driver == nil {
		return s, s
	}
	return s, newSite(t, configure...)
}

func asJSON(c *cachette.Config) { c.Codec = "json" }

// A thousand callers that miss a value together have it loaded once, and it is there for them, for another process and until its time is over.
func TestRememberLoadsOnce(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, other := share(t, store)
		var from source
		var callers sync.WaitGroup
		for range 1000 {
			callers.Go(func() {
				got, err := cachette.Remember(t.Context(), s.cache, "product:7", time.Minute, from.load(time.Second))
				if err != nil || got.Name != "product 1" {
					t.Errorf("%q, %v", got.Name, err)
				}
			})
		}
		callers.Wait()
		s.settle()
		if got := other.remember("product:7", &from); got != "product 1" || from.loads.Load() != 1 {
			t.Errorf("another process got %q, and %d loads have run, want 1", got, from.loads.Load())
		}
		time.Sleep(time.Minute - time.Millisecond - time.Second)
		if got := other.remember("product:7", &from); got != "product 1" {
			t.Errorf("just before its end: %q", got)
		}
		time.Sleep(time.Second + time.Millisecond)
		if got := other.remember("product:7", &from); got != "product 2" {
			t.Errorf("behind its end: %q", got)
		}
	})
}

// Each removal that names a value drops it, in all processes, also while it is being loaded, and no other value; and a value that was put is
// another one.
func TestRememberedRemovals(t *testing.T) {
	keys := []string{"plain", "shop:cart", "shop:cart:7", "tagged", "tagged late"}
	remember := func(s *site, key string, load func(context.Context) (item, error)) (item, error) {
		var opts []cachette.ValueOption
		if key == "tagged" {
			opts = append(opts, cachette.WithTags("a", "b"))
		}
		return cachette.Remember(s.t.Context(), s.cache, key, time.Hour, func(ctx context.Context) (item, error) {
			got, err := load(ctx)
			if key == "tagged late" {
				cachette.TagValue(ctx, "a", "late")
			}
			return got, err
		}, opts...)
	}
	for name, removal := range map[string]struct {
		remove  func(ctx context.Context, c *cachette.Cache) error
		removes []string
	}{
		"Delete": {func(ctx context.Context, c *cachette.Cache) error {
			_, err := c.Delete(ctx, "plain", "shop:cart")
			return err
		}, []string{"plain", "shop:cart"}},
		"Invalidate":       {func(ctx context.Context, c *cachette.Cache) error { return c.Invalidate(ctx, "a") }, []string{"tagged", "tagged late"}},
		"Invalidate late":  {func(ctx context.Context, c *cachette.Cache) error { return c.Invalidate(ctx, "late") }, []string{"tagged late"}},
		"Invalidate other": {func(ctx context.Context, c *cachette.Cache) error { return c.Invalidate(ctx, "plain") }, nil},
		"Expire":           {func(ctx context.Context, c *cachette.Cache) error { return c.Expire(ctx, "b") }, []string{"tagged"}},
		"ClearNamespace":   {func(ctx context.Context, c *cachette.Cache) error { return c.ClearNamespace(ctx, "shop") }, []string{"shop:cart", "shop:cart:7"}},
		"ClearNamespace within": {func(ctx context.Context, c *cachette.Cache) error { return c.ClearNamespace(ctx, "shop:cart") },
			[]string{"shop:cart:7"}},
		"ClearNamespaceCount": {func(ctx context.Context, c *cachette.Cache) error {
			_, err := c.ClearNamespaceCount(ctx, "shop")
			return err
		}, []string{"shop:cart", "shop:cart:7"}},
		"Flush": {func(ctx context.Context, c *cachette.Cache) error { return c.Flush(ctx) }, keys},
		"everything": {func(ctx context.Context, c *cachette.Cache) error {
			return c.Purge(ctx, cachette.Purge{Everything: true})
		}, keys},
		"a page": {func(ctx context.Context, c *cachette.Cache) error { return c.PurgePath(ctx, "/plain") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s, other := share(t, store)
				loads := make(map[string]*source)
				ask := func(s *site, key string) int64 {
					if _, err := remember(s, key, loads[key].load(0)); err != nil {
						t.Error(err)
					}
					s.settle()
					return loads[key].loads.Load()
				}
				for _, key := range keys {
					loads[key] = new(source)
					for range 3 { // a store without a log wants its tags to be known
						ask(s, key)
					}
					loads[key].loads.Store(1)
				}
				if err := removal.remove(t.Context(), s.cache); err != nil {
					t.Fatal(err)
				}
				for _, key := range keys {
					if got, gone := ask(other, key), contains(removal.removes, key); gone != (got == 2) {
						t.Errorf("%s: %d loads have run; it is to be gone: %t", key, got, gone)
					}
				}
				var loading sync.WaitGroup
				for _, key := range removal.removes { // while it is being loaded, it is not kept
					if err := removal.remove(t.Context(), s.cache); err != nil {
						t.Fatal(err)
					}
					loads[key].loads.Store(0)
					loading.Go(func() { _, _ = remember(other, key, loads[key].load(10*time.Second)) })
				}
				time.Sleep(5 * time.Second)
				if err := removal.remove(t.Context(), s.cache); err != nil {
					t.Fatal(err)
				}
				loading.Wait()
				other.settle()
				for _, key := range removal.removes {
					if got := ask(s, key); got != 2 {
						t.Errorf("%s was removed while it was loaded: then %d loads have run, want 2", key, got)
					}
				}
			})
		})
	}
}

func contains(list []string, text string) bool {
	for _, one := range list {
		if one == text {
			return true
		}
	}
	return false
}

// Who asks behind a removal does not get what was being loaded before it.
func TestRememberBehindARemoval(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, other := share(t, store)
		var from source
		var callers sync.WaitGroup
		ask := func(s *site, want string) {
			callers.Go(func() {
				got, err := cachette.Remember(t.Context(), s.cache, "k", time.Hour, from.load(3*time.Second), cachette.WithTags("a"))
				if err != nil || got.Name != want {
					t.Errorf("got %q, %v, want %q", got.Name, err, want)
				}
			})
		}
		ask(s, "product 1")
		time.Sleep(time.Second)
		if err := other.cache.Invalidate(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		ask(s, "product 2")
		ask(s, "product 2")
		callers.Wait()
		if got := s.remember("k", &from); got != "product 2" {
			t.Errorf("then %q", got)
		}
	})
}

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

// A caller that leaves gets the error of its context, and the load goes on, for the others and for those that come.
func TestRememberGoesOnWithoutItsCaller(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		var from source
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		if _, err := cachette.Remember(ctx, s.cache, "k", time.Hour, from.load(5*time.Second)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller that has left got %v", err)
		}
		if got := s.remember("k", &from); got != "product 1" {
			t.Errorf("the next one got %q, want what was being loaded", got)
		}
	})
}

// Without a store that answers, behind Close and where the cache is disabled values are loaded, and nothing is kept.
func TestRememberWithoutAStore(t *testing.T) {
	for name, use := range map[string]func(t *testing.T) *site{
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
	} {
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

func many(n int) (tags []string) {
	for i := range n {
		tags = append(tags, fmt.Sprint("tag ", i))
	}
	return tags
}

// What another codec has written is no value to this one, though it may look like one.
func TestRememberByAnotherCodec(t *testing.T) {
	shelf := newShelf()
	ask := func(codec string) string {
		s := newSite(t, shelf.on, func(c *cachette.Config) { c.Codec = codec })
		got, err := cachette.Remember(t.Context(), s.cache, "k", time.Hour, func(context.Context) (string, error) { return "by " + codec, nil })
		if err != nil {
			t.Error(err)
		}
		s.settle()
		return got
	}
	for _, codec := range []string{"json", "vanilla", "json"} {
		if got := ask(codec); got != "by "+codec {
			t.Errorf("with %s: %q", codec, got)
		}
	}
}

// A caller whose look-up was slow finds what was loaded meanwhile, and loads nothing itself.
func TestRememberLooksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := newShelf()
		s := newSite(t, shelf.on, asJSON)
		var from source
		var slowed atomic.Bool
		shelf.delay(func(c call) {
			if strings.Contains(c.key, "~r:v") && slowed.CompareAndSwap(false, true) {
				time.Sleep(200 * time.Millisecond)
			}
		})
		var callers sync.WaitGroup
		callers.Go(func() {
			if got := s.remember("k", &from); got != "product 1" {
				t.Errorf("got %q", got)
			}
		})
		time.Sleep(100 * time.Millisecond)
		s.remember("k", &from)
		if callers.Wait(); from.loads.Load() != 1 {
			t.Errorf("%d loads have run, want 1", from.loads.Load())
		}
	})
}

// A value is nobody else's: neither that of the cache, nor that of another caller, changes with what one of them does with its own.
func TestRememberSharesNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		for _, codec := range []string{"vanilla", "json"} {
			s := newSite(t, store, func(c *cachette.Config) { c.Codec = codec })
			own := []byte("value")
			for i := range 3 {
				got, err := cachette.Remember(t.Context(), s.cache, "k", time.Hour, func(context.Context) ([]byte, error) { return own, nil })
				if err != nil || string(got) != "value" {
					t.Errorf("%s: caller %d got %q, %v", codec, i, got, err)
				}
				own[0], got[1] = 'x', 'x'
			}
		}
	})
}

// Keys of any bytes and length are keys, each of another value, and none is that of a value that was put.
func TestRememberKeys(t *testing.T) {
	keys := []string{"", ":", "::", "a", "a:", ":a", "a:b", "a::b", "a:b:", "~r:", "~r:v/a", "~~r:", "a:~r:v/b", "~r:h//example.com/", "a#b", "a/b", "\x00", "a\x00b", "ä\xff",
		strings.Repeat("long", 3000), strings.Repeat("l:", 60)}
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s, other := share(t, store)
		loads := make(map[string]int)
		ask := func(s *site, key string) int {
			got, err := cachette.Remember(t.Context(), s.cache, key, time.Hour, func(context.Context) (string, error) {
				loads[key]++
				return fmt.Sprintf("%q", key), nil
			})
			if err != nil || got != fmt.Sprintf("%q", key) {
				t.Errorf("%.20q: %.30q, %v", key, got, err)
			}
			s.settle()
			return loads[key]
		}
		for _, key := range keys {
			if err := s.cache.Put(t.Context(), key, "put", time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		for _, key := range keys {
			ask(s, key)
		}
		for i, key := range keys {
			var put string
			if err := other.cache.Fetch(t.Context(), key, &put); err != nil || put != "put" {
				t.Errorf("%.20q, which was put: %q, %v", key, put, err)
			}
			if n, err := s.cache.Delete(t.Context(), key); n != 1 || err != nil {
				t.Errorf("Delete of %.20q: %d, %v", key, n, err)
			}
			for k, other := range keys {
				want := 1
				if k <= i {
					want = 2
				}
				if got := ask(s, other); got != want {
					t.Fatalf("behind the Delete of %.20q, %.20q was loaded %d times, want %d", key, other, got, want)
				}
			}
		}
	})
}
