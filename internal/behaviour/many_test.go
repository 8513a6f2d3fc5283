package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/drivers"
)

// wantMany fetches several values, and wants these and no error.
func wantMany(t *testing.T, s *site, keys []string, want map[string]string) {
	t.Helper()
	got, err := cachette.FetchMany[string](t.Context(), s.cache, keys)
	if err != nil || got == nil || !maps.Equal(got, want) {
		t.Errorf("FetchMany(%.100q) = %d values, %.100q, %v, want %d", keys, len(got), fmt.Sprint(got), err, len(want))
	}
}

// What FetchMany gives is what Fetch does, of all keys that have a value; what PutMany puts is what Put does.
func TestFetchAndPutMany(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		all := map[string]string{"a": "1", "b": "", "": "empty key", "odd\x00\r\n\xff": "odd", "n:~r:x": "colons", strings.Repeat("k", 1000): "long"}
		if err := cachette.PutMany(t.Context(), s.cache, all, time.Minute); err != nil {
			t.Fatal(err)
		}
		keys := []string{"absent", "a", "a", "b"}
		for key, want := range all {
			keys = append(keys, key)
			var value string
			ttl, err := s.cache.FetchWithTTL(t.Context(), key, &value)
			if err != nil || value != want || ttl != time.Minute {
				t.Errorf("Fetch(%.20q) = %q for %v, %v", key, value, ttl, err)
			}
		}
		wantMany(t, s, keys, all)
		wantMany(t, s, nil, map[string]string{})
		wantMany(t, s, []string{"absent", "absent"}, map[string]string{})
		if err := cachette.PutMany(t.Context(), s.cache, map[string]string(nil), 0); err != nil {
			t.Errorf("PutMany of nothing: %v", err)
		}
		if err := s.cache.Put(t.Context(), "single", "by Put", time.Hour); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		wantMany(t, s, append(keys, "single"), map[string]string{"single": "by Put"})
	})
}

// Of other values than those that Put makes FetchMany sees none, as Fetch does not.
func TestFetchManyAndRemember(t *testing.T) {
	s := newSite(t)
	if _, err := cachette.Remember(t.Context(), s.cache, "a", time.Minute, func(context.Context) (string, error) { return "loaded", nil }); err != nil {
		t.Fatal(err)
	}
	wantMany(t, s, []string{"a"}, map[string]string{})
}

// What goes wrong with some of the values is told by their keys, and the others are there.
func TestManyWithMistakes(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store, withCodec("json"))
		err := cachette.PutMany(t.Context(), s.cache, map[string]any{"number": 7, "text": "seven", "channel": make(chan int), "nothing": nil, "function": func() {}}, 0)
		wantKeyErrors(t, err, cachette.ErrUnsupportedType, "put", "channel", "function")
		got, err := cachette.FetchMany[int](t.Context(), s.cache, []string{"text", "number", "channel", "absent", "nothing"})
		wantKeyErrors(t, err, cachette.ErrUnsupportedType, "fetch", "nothing", "text") // which Fetch says of each, too
		if want := (map[string]int{"number": 7}); !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		pointers, err := cachette.FetchMany[*int](t.Context(), s.cache, []string{"number", "nothing"})
		if err != nil || len(pointers) != 2 || *pointers["number"] != 7 || pointers["nothing"] != nil {
			t.Errorf("pointers: %v, %v", pointers, err)
		}
		for _, ttl := range []time.Duration{-1, time.Nanosecond} {
			if err := cachette.PutMany(t.Context(), s.cache, map[string]string{"refused": "x"}, ttl); !errors.Is(err, cachette.ErrInvalid) {
				t.Errorf("PutMany for %v: %v, want ErrInvalid", ttl, err)
			}
			if added, err := s.cache.Add(t.Context(), "refused", "x", ttl); added || !errors.Is(err, cachette.ErrInvalid) {
				t.Errorf("Add for %v: %t, %v, want ErrInvalid", ttl, added, err)
			}
		}
		wantMany(t, s, []string{"refused"}, map[string]string{})
	})
}

// wantKeyErrors wants an error of some keys that matches is, and says what was tried of each.
func wantKeyErrors(t *testing.T, err, is error, op string, keys ...string) {
	t.Helper()
	var failed cachette.KeyErrors
	if !errors.As(err, &failed) || len(failed) != len(keys) || !errors.Is(err, is) {
		t.Fatalf("the error is %v, of %d keys, want one that matches %v, of %q", err, len(failed), is, keys)
	}
	for _, key := range keys {
		var one *cachette.OpError
		if !errors.As(failed[key], &one) || one.Op != op || one.Key != key || !errors.Is(one, is) {
			t.Errorf("the error of %q is %v", key, failed[key])
		}
		if len(keys) < 6 && !strings.Contains(err.Error(), fmt.Sprintf("%q", key)) {
			t.Errorf("the error %q does not name %q", err, key)
		}
	}
	if text := err.Error(); len(text) > 1000 {
		t.Errorf("the error has %d bytes", len(text))
	}
}

// A value that is too large for the store is the error of its key alone.
func TestPutManyTooLarge(t *testing.T) {
	for name, use := range map[string]func(*cachette.Config){
		"in memory":       func(cfg *cachette.Config) { cfg.MemoryLimit = 1 << 20 },
		"several at once": func(cfg *cachette.Config) { cfg.Driver = newDepot() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, use)
			err := cachette.PutMany(t.Context(), s.cache, map[string]string{"a": "1", "large": strings.Repeat("v", 2<<20), "z": "2"}, 0)
			wantKeyErrors(t, err, cachette.ErrTooLarge, "put", "large")
			wantMany(t, s, []string{"a", "large", "z"}, map[string]string{"a": "1", "z": "2"})
		})
	}
}

// Many values are asked for and stored in few round trips, and neither in one that is too large.
func TestManyInBatches(t *testing.T) {
	depot := newDepot()
	s := newSite(t, func(cfg *cachette.Config) { cfg.Driver = depot })
	all, large := make(map[string]string), make(map[string]string)
	var keys []string
	for i := range 2500 {
		keys = append(keys, fmt.Sprint("key", i))
		all[keys[i]] = fmt.Sprint(i)
	}
	for i := range 20 {
		large[fmt.Sprint("large", i)] = strings.Repeat("v", 1<<20)
	}
	depot.asked()
	asked := func(what string, want int) {
		t.Helper()
		if n := depot.asked(); n != want {
			t.Errorf("%s: the store was asked %d times, want %d", what, n, want)
		}
	}
	if err := cachette.PutMany(t.Context(), s.cache, all, 0); err != nil {
		t.Fatal(err)
	}
	asked("PutMany of 2500", 3)
	wantMany(t, s, append(keys, keys...), all)
	asked("FetchMany of 2500, each twice", 3)
	if err := cachette.PutMany(t.Context(), s.cache, large, 0); err != nil {
		t.Fatal(err)
	}
	asked("PutMany of 20 MiB", 3)
}

// Of all that add under a key at once one is told that it has.
func TestAdd(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		var cfg cachette.Config
		store(&cfg)
		if driver := cfg.Driver; driver != nil { // two processes
			store = func(c *cachette.Config) { c.Driver = driver }
		}
		s := newSite(t, store)
		others := []*site{s}
		if cfg.Driver != nil {
			others = append(others, newSite(t, store))
		}
		if _, able := cfg.Driver.(drivers.Inserter); cfg.Driver != nil && !able {
			if added, err := s.cache.Add(t.Context(), "probe", "x", 0); added || !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("Add = %t, %v, want ErrUnsupported", added, err)
			}
			wantMany(t, s, []string{"probe"}, map[string]string{})
			return
		}
		for round := range 3 {
			var added atomic.Int64
			var running sync.WaitGroup
			for i := range 20 {
				running.Go(func() {
					ok, err := others[i%len(others)].cache.Add(t.Context(), "lock", fmt.Sprint(i), time.Minute)
					if err != nil {
						t.Error(err)
					}
					if ok {
						added.Add(1)
					}
				})
			}
			running.Wait()
			if n := added.Load(); n != 1 {
				t.Errorf("%d of 20 were told that they have added", n)
			}
			switch round {
			case 0:
				time.Sleep(time.Minute - 1)
				if ok, err := s.cache.Add(t.Context(), "lock", "x", time.Hour); ok || err != nil {
					t.Errorf("a nanosecond before its end: %t, %v", ok, err)
				}
				time.Sleep(time.Nanosecond)
			case 1:
				if n, err := s.cache.Delete(t.Context(), "lock"); n != 1 || err != nil {
					t.Error(n, err)
				}
			}
		}
		if err := s.cache.Put(t.Context(), "put", "kept", time.Minute); err != nil {
			t.Fatal(err)
		}
		if ok, err := s.cache.Add(t.Context(), "put", "other", time.Hour); ok || err != nil {
			t.Errorf("Add where a value was put: %t, %v", ok, err)
		}
		wantMany(t, s, []string{"put"}, map[string]string{"put": "kept"})
	})
}

// Whose removal is owed is not there for FetchMany, stays once PutMany has put it anew, and Add does not say that it is there or not.
func TestManyOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newDepot()
		s := newSite(t, func(cfg *cachette.Config) { cfg.Driver, cfg.OperationTimeout = store, 300*time.Millisecond })
		all := map[string]string{"a": "1", "b": "2", "c": "3"}
		if err := cachette.PutMany(t.Context(), s.cache, all, time.Hour); err != nil {
			t.Fatal(err)
		}
		store.breakdown(func(_ context.Context, c call) error {
			if c.op == "delete" {
				return errors.New("READONLY")
			}
			return nil
		})
		if _, err := s.cache.Delete(t.Context(), "a", "b"); !errors.Is(err, cachette.ErrOwed) {
			t.Fatal(err)
		}
		wantMany(t, s, []string{"a", "b", "c"}, map[string]string{"c": "3"})
		if added, err := s.cache.Add(t.Context(), "b", "added", time.Hour); added || !errors.Is(err, cachette.ErrOwed) {
			t.Errorf("Add of what is owed: %t, %v, want ErrOwed", added, err)
		}
		if err := cachette.PutMany(t.Context(), s.cache, map[string]string{"a": "new", "d": "4"}, time.Hour); err != nil {
			t.Fatal(err)
		}
		wantMany(t, s, []string{"a", "b", "c", "d"}, map[string]string{"a": "new", "c": "3", "d": "4"})
		store.breakdown(nil)
		time.Sleep(10 * time.Second)
		wantMany(t, s, []string{"a", "b", "c", "d"}, map[string]string{"a": "new", "c": "3", "d": "4"})
		if added, err := s.cache.Add(t.Context(), "b", "added", time.Hour); !added || err != nil {
			t.Errorf("Add once it is removed: %t, %v", added, err)
		}
	})
}

// While a flush is owed nothing is there, and nothing is added that would go with it.
func TestManyOwedFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newDepot()
		s := newSite(t, func(cfg *cachette.Config) { cfg.Driver, cfg.OperationTimeout = store, 300*time.Millisecond })
		if err := cachette.PutMany(t.Context(), s.cache, map[string]string{"a": "1"}, time.Hour); err != nil {
			t.Fatal(err)
		}
		store.breakdown(func(_ context.Context, c call) error {
			if c.op == "clear" {
				return errors.New("READONLY")
			}
			return nil
		})
		if err := s.cache.Flush(t.Context()); !errors.Is(err, cachette.ErrOwed) {
			t.Fatal(err)
		}
		wantMany(t, s, []string{"a"}, map[string]string{})
		if added, err := s.cache.Add(t.Context(), "new", "added", time.Hour); added || !errors.Is(err, cachette.ErrOwed) {
			t.Errorf("Add while a flush is owed: %t, %v, want ErrOwed", added, err)
		}
		store.breakdown(nil)
		time.Sleep(10 * time.Second)
		if added, err := s.cache.Add(t.Context(), "new", "added", time.Hour); !added || err != nil {
			t.Errorf("Add behind the flush: %t, %v", added, err)
		}
	})
}

// Of several servers one that hangs has its keys fail, at the same time as the others answer, and no other key.
func TestManyOfSeveralServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := spread{crate{newShelf()}}
		s := newSite(t, func(cfg *cachette.Config) { cfg.Driver, cfg.OperationTimeout = store, 500*time.Millisecond })
		all, left := make(map[string]string), make(map[string]string)
		var keys, dead []string
		for i := range 40 {
			key := fmt.Sprint("key", i)
			keys, all[key] = append(keys, key), fmt.Sprint(i)
			if store.owner(key) == "server1" {
				dead = append(dead, key)
			} else {
				left[key] = all[key]
			}
		}
		if err := cachette.PutMany(t.Context(), s.cache, all, time.Hour); err != nil {
			t.Fatal(err)
		}
		wantMany(t, s, keys, all)
		store.hang("server1")
		began := time.Now()
		got, err := cachette.FetchMany[string](t.Context(), s.cache, keys)
		wantKeyErrors(t, err, context.DeadlineExceeded, "fetch", dead...)
		if !maps.Equal(got, left) {
			t.Errorf("got %v, want %v", got, left)
		}
		err = cachette.PutMany(t.Context(), s.cache, all, time.Hour)
		wantKeyErrors(t, err, context.DeadlineExceeded, "put", dead...)
		if took := time.Since(began); took > time.Second {
			t.Errorf("both took %v, which is more than two operation timeouts", took)
		}
	})
}

// Closed caches, contexts that have ended and stores that are dead fail, with all keys told.
func TestManyThatFail(t *testing.T) {
	store := newDepot()
	s := newSite(t, func(cfg *cachette.Config) { cfg.Driver = store })
	keys, values := []string{"a", "b"}, map[string]string{"a": "1", "b": "2"}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := cachette.FetchMany[string](ended, s.cache, keys)
	wantKeyErrors(t, err, context.Canceled, "fetch", keys...)
	wantKeyErrors(t, cachette.PutMany(ended, s.cache, values, 0), context.Canceled, "put", keys...)
	dead := errors.New("dead")
	store.breakdown(func(context.Context, call) error { return dead })
	got, err := cachette.FetchMany[string](t.Context(), s.cache, keys)
	wantKeyErrors(t, err, dead, "fetch", keys...)
	if got == nil || len(got) > 0 {
		t.Errorf("of a dead store: %v", got)
	}
	wantKeyErrors(t, cachette.PutMany(t.Context(), s.cache, values, 0), dead, "put", keys...)
	store.breakdown(nil)
	if err := s.cache.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := cachette.FetchMany[string](t.Context(), s.cache, nil); got == nil || !errors.Is(err, cachette.ErrClosed) {
		t.Errorf("FetchMany of a closed cache: %v, %v", got, err)
	}
	if err := cachette.PutMany(t.Context(), s.cache, values, 0); !errors.Is(err, cachette.ErrClosed) {
		t.Errorf("PutMany of a closed cache: %v", err)
	}
	if added, err := s.cache.Add(t.Context(), "a", "1", 0); added || !errors.Is(err, cachette.ErrClosed) {
		t.Errorf("Add of a closed cache: %t, %v", added, err)
	}
}
