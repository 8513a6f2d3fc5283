package entries

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/target"
)

// put has a response for path wait, and returns where it is said what became of it.
func put(t *testing.T, s *Store, path, body string, vary ...string) (became chan error, err error) {
	t.Helper()
	known := s.Get(t.Context(), at(path, ""), time.Now())
	ticket := s.Begin(t.Context(), &known, at(path, ""))
	became = make(chan error, 1)
	_, err = s.Put(at(path, ""), entry(body, vary...), &ticket, time.Now(), func(err error) { became <- err })
	return became, err
}

// mustPut does what put does, and fails where nothing waits then.
func mustPut(t *testing.T, s *Store, path, body string) (became chan error) {
	t.Helper()
	became, err := put(t, s, path, body)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return became
}

// A response is found at once by its own process, in no time, and by others when the store has taken it.
func TestPutWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := open(t, false)
		other := another(t, s)
		mustPut(t, s, "/a", "first") // has the marks
		settle(t, s)
		f.breakdown(func(_ context.Context, op, key string) error {
			if op == "set" && strings.HasPrefix(key, "key ") {
				time.Sleep(300 * time.Millisecond)
			}
			return nil
		})
		for _, vary := range [][]string{nil, {"X-A"}} {
			began := time.Now()
			became, err := put(t, s, "/a", "second", vary...)
			if err != nil {
				t.Fatal(err)
			}
			if got := found(t, s, "/a", nil); got != "second" || time.Since(began) > 0 {
				t.Errorf("vary %v: here: %q after %v", vary, got, time.Since(began))
			}
			if got := found(t, other, "/a", nil); got == "second" {
				t.Errorf("vary %v: another process finds what is not stored yet", vary)
			}
			settle(t, s)
			if err := <-became; err != nil || time.Since(began) < 300*time.Millisecond {
				t.Errorf("vary %v: stored after %v: %v", vary, time.Since(began), err)
			}
			if got := found(t, other, "/a", nil); got != "second" {
				t.Errorf("vary %v: another process: %q", vary, got)
			}
			if err := s.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			time.Sleep(2 * time.Second) // until the other process has looked at the log anew
		}
	})
}

// sets notes what a store is asked to write and to remove, in its order; each takes a second.
func sets(f *flaky) (noted func() []string) {
	var mu sync.Mutex
	var all []string
	f.breakdown(func(_ context.Context, op, key string) error {
		if strings.HasPrefix(key, "key ") && op != "get" {
			time.Sleep(timeout / 4)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, op+" "+key)
		}
		return nil
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// The writes of a key, and its removals, are carried out in their order. One that waits is replaced by the next, and look-ups go by the last.
func TestOrderOfAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := open(t, false)
		noted := sets(f)
		first := mustPut(t, s, "/a", "1")
		synctest.Wait() // it is under way
		second := mustPut(t, s, "/a", "2")
		third := mustPut(t, s, "/a", "3")
		if got := found(t, s, "/a", nil); got != "3" {
			t.Errorf("found %q, want the last", got)
		}
		if err := <-second; !errors.Is(err, ErrMoot) {
			t.Errorf("of what was replaced: %v", err)
		}
		if err := <-first; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		s.Remove(t.Context(), "key /a")
		if got := found(t, s, "/a", nil); got != "" {
			t.Errorf("found %q, which is to be removed", got)
		}
		if err := <-third; err != nil {
			t.Error(err)
		}
		settle(t, s)
		if got, want := noted(), []string{"set key /a", "set key /a", "delete key /a"}; !slices.Equal(got, want) {
			t.Errorf("the store was asked to %q, want %q", got, want)
		}
		if got := found(t, another(t, s), "/a", nil); got != "" {
			t.Errorf("%q is left", got)
		}
		before := mustPut(t, s, "/a", "4 before")
		synctest.Wait() // it is under way, so that what follows waits
		removed := mustPut(t, s, "/a", "4")
		s.Remove(t.Context(), "key /a") // before its turn has come
		if err := <-removed; !errors.Is(err, ErrMoot) {
			t.Errorf("of what was removed: %v", err)
		}
		if err := <-before; err != nil {
			t.Error(err)
		}
		mustPut(t, s, "/a", "5")
		settle(t, s)
		if got := found(t, another(t, s), "/a", nil); got != "5" {
			t.Errorf("stored behind a removal: %q", got)
		}
	})
}

// A slow write of one key holds up the keys of its line alone.
func TestLinesAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := open(t, false)
		f.breakdown(func(ctx context.Context, op, key string) error {
			if op == "set" && key == "key /slow" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		mustPut(t, s, "/slow", "body")
		began, path := time.Now(), "/a"
		for s.queue.lineOf("key "+path) == s.queue.lineOf("key /slow") {
			path += "a"
		}
		if err := <-mustPut(t, s, path, "body"); err != nil || time.Since(began) > 0 {
			t.Errorf("stored after %v: %v", time.Since(began), err)
		}
	})
}

// What waits is bounded by its number and by its bytes. What is beyond is not kept; a removal is carried out all the same.
func TestBounds(t *testing.T) {
	for name, row := range map[string]struct {
		body  string
		limit int64
		want  int
	}{
		"number": {"", 64 << 20, maxWaiting},
		"bytes":  {strings.Repeat("x", leastMemory/10), leastMemory, 9},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := open(t, false)
			s.queue.limit = row.limit
			keep(t, s, "/stored", "", "body", nil)
			settle(t, s)
			release := hold(t, s)
			ticket := s.Begin(t.Context(), &Found{}, at("/a", ""))
			taken := 0
			for i := range 2 * row.want {
				kept, err := s.Put(&target.Target{Key: fmt.Sprint("key ", i)}, entry(row.body), &ticket, time.Now(), nil)
				if kept != (err == nil) || err != nil && !errors.Is(err, ErrFull) {
					t.Fatalf("kept %t, %v", kept, err)
				}
				if kept {
					taken++
				}
			}
			if taken != row.want {
				t.Errorf("%d wait, want %d", taken, row.want)
			}
			s.Remove(t.Context(), "key /stored")
			s.Remove(t.Context(), "key 0")
			for _, key := range []string{"key /stored", "key 0"} {
				if e, v, ok := s.waiting(key); e != nil || v != nil || !ok {
					t.Errorf("%s is found though it is to be removed", key)
				}
			}
			release()
			settle(t, s)
			if n, bytes := s.queue.number.Load(), s.queue.bytes.Load(); n != 0 || bytes != 0 {
				t.Errorf("%d wait, which take %d bytes, once all was carried out", n, bytes)
			}
			deadline := time.Now().Add(time.Minute)
			for s.owes() && time.Now().Before(deadline) {
				time.Sleep(time.Millisecond)
			}
			for _, key := range []string{"key /stored", "key 0"} {
				if _, err := s.far.Get(t.Context(), key); !errors.Is(err, drivers.ErrMiss) {
					t.Errorf("%s is not removed: %v", key, err)
				}
			}
		})
	}
}

// A removal that the store does not take is owed: what it is of is not found until it is carried out, or something newer is stored.
func TestRemovalOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := open(t, false)
		other := another(t, s)
		for _, path := range []string{"/a", "/b"} {
			keep(t, s, path, "", "old", nil)
		}
		settle(t, s)
		f.breakdown(fails("delete"))
		s.Remove(t.Context(), "key /a")
		s.Remove(t.Context(), "key /b")
		settle(t, s)
		if a, b := found(t, s, "/a", nil), found(t, s, "/b", nil); a != "" || b != "" {
			t.Errorf("found: %q, %q", a, b)
		}
		keep(t, s, "/b", "", "new", nil)
		settle(t, s)
		f.breakdown(nil)
		time.Sleep(2 * longestPause)
		if a, b := found(t, other, "/a", nil), found(t, other, "/b", nil); a != "" || b != "new" {
			t.Errorf("once the store is back: %q, %q", a, b)
		}
	})
}

// A purge is not undone by what waits, whichever process it is of, and when its turn comes.
func TestPurgeOfWhatWaits(t *testing.T) {
	for _, vary := range [][]string{nil, {"X-A"}} {
		for _, here := range []bool{true, false} {
			t.Run(fmt.Sprintf("vary %v, here: %t", vary, here), func(t *testing.T) {
				s, _ := open(t, false)
				other := another(t, s)
				release := hold(t, s)
				keep(t, s, "/a", "", "old", nil, vary...)
				purger := other
				if here {
					purger = s
				}
				if err := purger.PurgePath(t.Context(), "/a"); err != nil {
					t.Fatal(err)
				}
				if got := found(t, s, "/a", nil); got != "" {
					t.Errorf("while it waits: %q", got)
				}
				release()
				settle(t, s)
				for _, s := range []*Store{s, other} {
					if got := found(t, s, "/a", nil); got != "" {
						t.Errorf("once it was written: %q", got)
					}
				}
			})
		}
	}
}

// Close carries out what waits, for the operation timeout at most, and says what it could not; nothing runs behind it.
func TestCloseCarriesOut(t *testing.T) {
	for name, row := range map[string]struct {
		fault func(ctx context.Context, op, key string) error
		logs  bool
	}{
		"a store that answers": {nil, false},
		"one that hangs": {func(ctx context.Context, op, _ string) error {
			if op == "set" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, f := newFlaky(t)
				var text strings.Builder
				s := New(Options{Store: guard.New(f, timeout, slog.New(slog.DiscardHandler)), Prefix: "p:", Log: slog.New(slog.NewTextHandler(&text, nil))})
				ticket := s.Begin(t.Context(), &Found{}, at("/a", ""))
				f.breakdown(row.fault)
				for _, key := range []string{"key /a", "key /b", "key /c"} {
					if _, err := s.Put(&target.Target{Key: key}, entry("body"), &ticket, time.Now(), nil); err != nil {
						t.Fatal(err)
					}
				}
				began := time.Now()
				s.Close()
				if took := time.Since(began); took > timeout {
					t.Errorf("it took %v", took)
				}
				if logs := strings.Contains(text.String(), "has not taken all that waited"); logs != row.logs {
					t.Errorf("the log: %q", &text)
				}
				if _, err := f.Driver.Get(t.Context(), "key /a"); (err == nil) == row.logs {
					t.Errorf("stored: %v", err)
				}
				if kept, err := s.Put(at("/a", ""), entry("late"), &ticket, time.Now(), nil); kept || !errors.Is(err, drivers.ErrClosed) {
					t.Errorf("behind Close: %t, %v", kept, err)
				}
			})
		})
	}
}

// A store that takes nothing holds nothing up: what waits for it is given up as soon as it is known not to answer.
func TestDeadStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := open(t, false)
		ticket := s.Begin(t.Context(), &Found{}, at("/a", ""))
		f.breakdown(func(ctx context.Context, _, _ string) error { <-ctx.Done(); return ctx.Err() })
		s.queue.limit = 64 << 20
		began := time.Now()
		var unavailable atomic.Int64
		for i := range 1000 {
			_, err := s.Put(&target.Target{Key: fmt.Sprint("key ", i)}, entry("body"), &ticket, time.Now(), func(err error) {
				if errors.Is(err, guard.ErrUnavailable) {
					unavailable.Add(1)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		settle(t, s)
		if took := time.Since(began); took > 2*timeout || s.queue.number.Load() != 0 || unavailable.Load() < 900 {
			t.Errorf("after %v, %d wait, and %d were given up without a try", took, s.queue.number.Load(), unavailable.Load())
		}
	})
}

// limited is a store that says what is too large for it, or that only finds out.
type limited struct {
	*flaky
	most int
	says bool
}

func (l limited) MaxValue(string) int {
	if l.says {
		return l.most
	}
	return 1 << 30
}

func (l limited) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if len(value) > l.most {
		return fmt.Errorf("%d bytes: %w", len(value), drivers.ErrTooLarge)
	}
	return l.flaky.Set(ctx, key, value, ttl)
}

// What is too large for the store is known before it waits, where the store says what is. Where it only finds out, what the response
// would have replaced goes.
func TestTooLargeToWait(t *testing.T) {
	for _, says := range []bool{true, false} {
		_, f := newFlaky(t)
		s := on(t, limited{f, 2000, says})
		keep(t, s, "/a", "", "old", nil)
		became, err := put(t, s, "/a", strings.Repeat("x", 2000))
		if !says && err == nil {
			err = <-became
		}
		if !errors.Is(err, drivers.ErrTooLarge) {
			t.Errorf("says: %t: %v", says, err)
		}
		settle(t, s)
		if got := found(t, s, "/a", nil); got != "" && !says {
			t.Errorf("says: %t: found %q", says, got)
		}
	}
}

// A driver that panics fails, and brings down no program.
func TestDriverPanics(t *testing.T) {
	s, f := open(t, false)
	ticket := s.Begin(t.Context(), &Found{}, at("/a", ""))
	f.breakdown(func(_ context.Context, op, _ string) error {
		if op == "set" {
			panic("no")
		}
		return nil
	})
	became := make(chan error, 1)
	if _, err := s.Put(at("/a", ""), entry("body"), &ticket, time.Now(), func(err error) { became <- err }); err != nil {
		t.Fatal(err)
	}
	if err := <-became; err == nil || !strings.Contains(err.Error(), "panicked") {
		t.Error(err)
	}
}

// What is cleared does not come back by what waits, and counts.
func TestClearTakesWhatWaits(t *testing.T) {
	s, _ := open(t, false)
	target := &target.Target{Key: target.Namespace("p:", "n") + "/a", Host: "h", Path: "/a", Namespaces: []string{"n"}}
	release := hold(t, s)
	ticket := s.Begin(t.Context(), &Found{}, target)
	if _, err := s.Put(target, entry("body"), &ticket, time.Now(), nil); err != nil {
		t.Fatal(err)
	}
	if n, err := s.ClearNamespace(t.Context(), "n"); n != 1 || err != nil {
		t.Errorf("%d were cleared: %v", n, err)
	}
	release()
	settle(t, s)
	if _, err := s.far.Get(t.Context(), target.Key); !errors.Is(err, drivers.ErrMiss) {
		t.Errorf("it is written: %v", err)
	}
}

// A record of fields that another process has written meanwhile is not lost.
func TestVariantsOfAnotherProcess(t *testing.T) {
	s, _ := open(t, false)
	other := another(t, s)
	release := hold(t, s)
	keep(t, s, "/a", "", "here", nil, "X-A")
	keep(t, other, "/a", "", "there", nil, "X-B")
	settle(t, other)
	release()
	settle(t, s)
	look := other.Get(t.Context(), at("/a", ""), time.Now())
	if look.variants == nil || !slices.Equal(look.variants.Fields, []string{"X-A", "X-B"}) {
		t.Errorf("the record is %+v", look.variants)
	}
}

// Settle returns with the error of its context where the store does not.
func TestSettleIsBounded(t *testing.T) {
	s, _ := open(t, false)
	hold(t, s)
	mustPut(t, s, "/a", "body")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Settle(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
