package inmemory_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest"
	"github.com/gin-cachette/cachette/drivers/inmemory"
)

// The interfaces that the core looks for.
var (
	_ drivers.Driver  = (*inmemory.Driver)(nil)
	_ drivers.Objects = (*inmemory.Driver)(nil)
	_ drivers.Sweeper = (*inmemory.Driver)(nil)
	_ drivers.Pinger  = (*inmemory.Driver)(nil)
)

func TestConformance(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{
		New: func(t testing.TB) drivers.Driver { return open(t, inmemory.Options{MemoryLimit: 16 << 20}) }, // a limit that can be tried
	})
}

func open(t testing.TB, options inmemory.Options) *inmemory.Driver {
	t.Helper()
	d, err := inmemory.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestOpenByName(t *testing.T) {
	backend, ok := drivers.Lookup("inmemory")
	if !ok {
		t.Fatalf("not registered: %q are", drivers.Linked())
	}
	for _, limit := range []int64{0, 1, 16 << 20} {
		d, err := backend.Open(t.Context(), drivers.Settings{MemoryLimit: limit})
		if err != nil {
			t.Fatalf("a limit of %d: %v", limit, err)
		}
		d.Close()
	}
	d, err := backend.Open(t.Context(), drivers.Settings{MemoryLimit: -5})
	if d != nil || err == nil || !strings.Contains(err.Error(), "-5") {
		t.Errorf("a limit of -5 opens %v, %v, want nil and an error that names it", d, err)
	}
}

func TestTooLarge(t *testing.T) {
	const limit = 1 << 20
	d := open(t, inmemory.Options{MemoryLimit: limit})
	ctx := t.Context()
	set := func(size int) error { return d.Set(ctx, "key", make([]byte, size), time.Hour) }

	t.Run("Fits", func(t *testing.T) {
		if err := set(limit / 2); err != nil {
			t.Fatal(err)
		}
		if item, err := d.Get(ctx, "key"); err != nil || len(item.Value) != limit/2 {
			t.Errorf("Get = %d bytes, %v", len(item.Value), err)
		}
	})
	for _, size := range []int{limit - 1000, limit, 10 * limit} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			if err := set(10); err != nil {
				t.Fatal(err)
			}
			err := set(size)
			if err == nil {
				t.Fatal("Set: no error")
			}
			for _, want := range []int{size, len("key"), limit} {
				if !strings.Contains(err.Error(), fmt.Sprint(want)) {
					t.Errorf("the error does not name %d: %v", want, err)
				}
			}
			if _, err := d.Get(ctx, "key"); err != drivers.ErrMiss {
				t.Errorf("the value that could not be replaced is still there (%v)", err)
			}
		})
	}
	t.Run("Key", func(t *testing.T) {
		if err := d.Set(ctx, strings.Repeat("k", limit), nil, time.Hour); err == nil {
			t.Error("Set: no error")
		}
	})
}

func TestObjectTooLarge(t *testing.T) {
	const limit = 1 << 20
	d := open(t, inmemory.Options{MemoryLimit: limit})
	for _, size := range []int{limit, 10 * limit, math.MaxUint32, math.MaxInt - 1, math.MaxInt} {
		if !d.PutObject("key", "small", 5, time.Hour) {
			t.Fatal("PutObject of a small object = false")
		}
		if d.PutObject("key", "large", size, time.Hour) {
			t.Errorf("PutObject of %d bytes reported that it kept them", size)
		}
		if got, ok := d.GetObject([]byte("key"), time.Now()); ok {
			t.Errorf("after one of %d bytes: GetObject = %v", size, got)
		}
	}
}

func TestObjectOfNegativeSize(t *testing.T) {
	d := open(t, inmemory.Options{MemoryLimit: 1 << 20})
	if !d.PutObject("key", "object", math.MinInt, time.Hour) {
		t.Error("PutObject = false")
	}
}

func TestObjectOfFourGiB(t *testing.T) {
	// otter counts an entry's weight in 32 bits, whatever the limit.
	d := open(t, inmemory.Options{MemoryLimit: 1 << 40})
	for size, want := range map[int]bool{1<<32 - 1000: true, 1 << 32: false, 1<<32 + 1: false} {
		if kept := d.PutObject("key", "object", size, time.Hour); kept != want {
			t.Errorf("PutObject of %d bytes = %t", size, kept)
		}
	}
}

func TestGetObjectDoesNotAllocate(t *testing.T) {
	d := open(t, inmemory.Options{})
	d.PutObject("key", &page{}, 100, time.Hour)
	if err := d.Set(t.Context(), "bytes", []byte("value"), time.Hour); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, key := range []string{"key", "bytes", "absent"} {
		if n := testing.AllocsPerRun(1000, func() { d.GetObject([]byte(key), now) }); n != 0 {
			t.Errorf("GetObject(%q) allocates %v times", key, n)
		}
	}
}

// TestCloseStopsGoroutines fails if one is left: a bubble waits for all that were started in it.
func TestCloseStopsGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, inmemory.Options{MemoryLimit: 1 << 20})
		for i := range 10_000 {
			d.PutObject(fmt.Sprint(i), i, 1000, time.Minute)
			d.GetObject([]byte(fmt.Sprint(i)), time.Now())
		}
		time.Sleep(5 * time.Minute)
		if err := d.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

// TestConcurrentUse does everything at once in little memory, for the race detector, and checks what can be known then:
// a key's object is one that was put there.
func TestConcurrentUse(t *testing.T) {
	d := open(t, inmemory.Options{MemoryLimit: 1 << 20})
	ctx := t.Context()
	check := func(err error) {
		if err != nil && err != drivers.ErrMiss && err != drivers.ErrClosed {
			t.Error(err)
		}
	}
	var running sync.WaitGroup
	for g := range 8 {
		running.Go(func() {
			for i := range 3000 {
				key := fmt.Sprintf("%d:%d", g%4, i*i%977)
				switch i % 7 {
				case 0, 1:
					d.PutObject(key, key, i, time.Duration(1+i%5)*time.Millisecond)
				case 2:
					check(d.Set(ctx, key, []byte(key), time.Duration(1+i%5)*time.Millisecond))
				case 3:
					_, err := d.Delete(ctx, key)
					check(err)
				}
				if got, ok := d.GetObject([]byte(key), time.Now()); ok && got != any(key) {
					t.Errorf("GetObject(%q) = %v", key, got)
				}
				if got, err := d.Get(ctx, key); err == nil && string(got.Value) != key {
					t.Errorf("Get(%q) = %q", key, got.Value)
				}
				if i%500 == 499 {
					_, err := d.Clear(ctx, fmt.Sprintf("%d:", g%4))
					check(err)
					_, err = d.Sweep(ctx)
					check(err)
				}
			}
		})
	}
	running.Wait()
	if _, err := d.Clear(ctx, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if n := d.Entries(); n != 0 {
		t.Errorf("%d entries are left", n)
	}
}

// TestClearEndsWithItsContext has a context end in the middle.
func TestClearEndsWithItsContext(t *testing.T) {
	for name, remove := range map[string]func(*inmemory.Driver, context.Context) (int, error){
		"Clear": func(d *inmemory.Driver, ctx context.Context) (int, error) { return d.Clear(ctx, "") },
		"Sweep": (*inmemory.Driver).Sweep,
		"Delete": func(d *inmemory.Driver, ctx context.Context) (int, error) {
			return d.Delete(ctx, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
		},
	} {
		t.Run(name, func(t *testing.T) {
			clock := &clock{now: time.Now()}
			d := open(t, inmemory.Options{Clock: clock.Now})
			for i := range 10 {
				d.PutObject(fmt.Sprint(i), i, 0, time.Minute)
			}
			if name == "Sweep" {
				clock.Advance(time.Minute)
			}
			ctx := &endingContext{Context: t.Context(), after: 4}
			if n, err := remove(d, ctx); n != 3 || err != context.Canceled {
				t.Errorf("= %d, %v, want 3, context canceled", n, err)
			}
			if n := d.Entries(); n != 7 {
				t.Errorf("%d entries are left, want 7", n)
			}
		})
	}
}

// endingContext is cancelled after it has been asked some times.
type endingContext struct {
	context.Context
	after int
}

func (c *endingContext) Err() error {
	if c.after == 0 {
		return context.Canceled
	}
	c.after--
	return nil
}

// Hottest tells at most so many of the entries that are there, without those that have expired, and what they take.
func TestHottest(t *testing.T) {
	now := time.Now()
	d, err := inmemory.New(inmemory.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := d.Set(t.Context(), fmt.Sprint("key ", i), make([]byte, 1000), time.Duration(i+1)*time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(150 * time.Second) // two of them are over
	for n, want := range map[int]int{-1: 0, 0: 0, 3: 3, 8: 8, 100: 8} {
		held := d.Hottest(n)
		seen := make(map[string]bool)
		for _, of := range held {
			seen[of.Key] = true
			if of.Bytes < 1000 || of.Key == "key 0" || of.Key == "key 1" {
				t.Errorf("%+v", of)
			}
		}
		if len(held) != want || len(seen) != want {
			t.Errorf("Hottest(%d): %+v, want %d", n, held, want)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if held := d.Hottest(5); held != nil {
		t.Errorf("closed: %+v", held)
	}
}
