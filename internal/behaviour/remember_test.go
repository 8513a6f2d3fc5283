package behaviour_test

import (
	"context"
	"fmt"
	"slices"
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
		"PurgeNamespace":   {func(ctx context.Context, c *cachette.Cache) error { return c.PurgeNamespace(ctx, "shop") }, []string{"shop:cart", "shop:cart:7"}},
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
					if got, gone := ask(other, key), slices.Contains(removal.removes, key); gone != (got == 2) {
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
