// Package drivertest proves that a driver keeps the contract of [drivers.Driver], and of the optional interfaces that
// it implements. A backend's own tests run it against the backend's real server:
//
//	func TestDriver(t *testing.T) {
//		drivertest.Run(t, drivertest.Harness{
//			New: func(t testing.TB) drivers.Driver { return open(t, freshTable(t)) },
//			Resolution: time.Millisecond,
//		})
//	}
//
// What it cannot see from outside, such as what a driver leaves in its store, is left to the backend's own tests.
package drivertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// Harness is what the suite needs to know of a driver.
type Harness struct {
	// New returns a driver on an empty key space that nothing else uses. It is called about a dozen times. The suite
	// closes the driver; New registers with t.Cleanup what else there is to undo.
	New func(t testing.TB) drivers.Driver

	// Resolution is how long after the end of its time to live an entry may still be seen, as the store counts time
	// no more finely. 0 means a millisecond. The suite sleeps for it about three times.
	Resolution time.Duration

	// MaxValue is the size in bytes of the largest value that the store takes. 0 means 1 MiB.
	MaxValue int

	// Keys is how many keys the test of a large Clear writes; other repetitions follow it. 0 means 10,000. A store
	// that takes milliseconds for an operation does with some hundreds.
	Keys int

	// Foreign puts what is no value of a driver's, each form by its name, under a key of one that New has returned, by a client of the
	// store's own.
	Foreign map[string]func(t testing.TB, d drivers.Driver, key string)

	// Apart says that the drivers which New returns have key spaces of their own, so that the groups of subtests run beside each other
	// (see [testing.T.Parallel]). Run then returns before they have begun: what they use is undone with t.Cleanup, not deferred.
	Apart bool
}

// Run runs the suite, as subtests of t.
func Run(t *testing.T, h Harness) {
	if h.Resolution == 0 {
		h.Resolution = time.Millisecond
	}
	if h.MaxValue == 0 {
		h.MaxValue = 1 << 20
	}
	if h.Keys == 0 {
		h.Keys = 10_000
	}
	for _, group := range []struct {
		name string
		test func(t *testing.T, h Harness, d drivers.Driver)
	}{
		{"Get", testGet},
		{"Values", testValues},
		{"Keys", testKeys},
		{"Ownership", testOwnership},
		{"Delete", testDelete},
		{"Clear", testClear},
		{"ClearMany", testClearMany},
		{"Expiry", testExpiry},
		{"ExpiresAt", testExpiresAt},
		{"Context", testContext},
		{"Concurrency", testConcurrency},
		{"Close", testClose},
		{"Sweeper", testSweeper},
		{"Pinger", testPinger},
		{"Batch", testBatch},
		{"Limited", testLimited},
		{"Lister", testLister},
		{"Counted", testCounted},
		{"BatchSetter", testBatchSetter},
		{"Adder", testAdder},
		{"Inserter", testInserter},
		{"Log", testLog},
		{"Purger", testPurger},
		{"Waiter", testWaiter},
		{"Foreign", testForeign},
		{"Objects", testObjects},
	} {
		t.Run(group.name, func(t *testing.T) {
			if h.Apart {
				t.Parallel()
			}
			group.test(t, h, h.open(t))
		})
	}
}

func (h Harness) open(t *testing.T) drivers.Driver {
	t.Helper()
	d := h.New(t)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return d
}

// rounds is how often a test repeats what may go wrong by chance.
func (h Harness) rounds() int {
	return max(2, h.Keys/500)
}

// long is a time to live that no test outlives.
const long = time.Hour

func set(t *testing.T, d drivers.Driver, key, value string, ttl time.Duration) {
	t.Helper()
	if err := d.Set(t.Context(), key, []byte(value), ttl); err != nil {
		t.Fatalf("Set(%s, %s, %v): %v", show(key), show(value), ttl, err)
	}
}

func wantValue(t *testing.T, d drivers.Driver, key, value string) {
	t.Helper()
	item, err := d.Get(t.Context(), key)
	if err != nil {
		t.Errorf("Get(%s): %v, want %s", show(key), err, show(value))
	} else if !bytes.Equal(item.Value, []byte(value)) {
		t.Errorf("Get(%s) = %s, want %s", show(key), show(string(item.Value)), show(value))
	}
}

func wantMiss(t *testing.T, d drivers.Driver, key string) {
	t.Helper()
	item, err := d.Get(t.Context(), key)
	switch {
	case err == nil:
		t.Errorf("Get(%s) = %s, want ErrMiss", show(key), show(string(item.Value)))
	case !errors.Is(err, drivers.ErrMiss):
		t.Errorf("Get(%s): %v, want ErrMiss", show(key), err)
	}
}

func wantDeleted(t *testing.T, d drivers.Driver, want int, keys ...string) {
	t.Helper()
	if n, err := d.Delete(t.Context(), keys...); n != want || err != nil {
		t.Errorf("Delete(%s) = %d, %v, want %d", show(keys...), n, err, want)
	}
}

func wantCleared(t *testing.T, d drivers.Driver, want int, prefix string) {
	t.Helper()
	if n, err := d.Clear(t.Context(), prefix); n != want || err != nil {
		t.Errorf("Clear(%s) = %d, %v, want %d", show(prefix), n, err, want)
	}
}

// show quotes what may be long or binary.
func show(texts ...string) string {
	var out bytes.Buffer
	for i, text := range texts {
		if i == 3 {
			fmt.Fprintf(&out, ", … %d in all", len(texts))
			break
		}
		if i > 0 {
			out.WriteString(", ")
		}
		if len(text) > 60 {
			fmt.Fprintf(&out, "%q… (%d bytes)", text[:40], len(text))
		} else {
			fmt.Fprintf(&out, "%q", text)
		}
	}
	return out.String()
}

// An operation is a method that takes a context.
type operation struct {
	name string
	call func(ctx context.Context) error
}

// operations are those that d has, on keys that begin with a prefix.
func operations(d drivers.Driver, prefix string) []operation {
	key, other, log := prefix+"key", prefix+"other", prefix+"log"
	all := []operation{
		{"Get", func(ctx context.Context) error { _, err := d.Get(ctx, key); return err }},
		{"Set", func(ctx context.Context) error { return d.Set(ctx, key, []byte("value"), long) }},
		{"Delete", func(ctx context.Context) error { _, err := d.Delete(ctx, key, other); return err }},
		{"Clear", func(ctx context.Context) error { _, err := d.Clear(ctx, prefix+"k"); return err }},
	}
	if d, ok := d.(drivers.Sweeper); ok {
		all = append(all, operation{"Sweep", func(ctx context.Context) error { _, err := d.Sweep(ctx); return err }})
	}
	if d, ok := d.(drivers.Pinger); ok {
		all = append(all, operation{"Ping", d.Ping})
	}
	if d, ok := d.(drivers.Lister); ok {
		all = append(all, operation{"Keys", func(ctx context.Context) error { _, _, err := d.Keys(ctx, prefix, 1000); return err }})
	}
	if d, ok := d.(drivers.Counted); ok {
		all = append(all, operation{"Entries", func(ctx context.Context) error { _, err := d.Entries(ctx); return err }})
	}
	if d, ok := d.(drivers.Batch); ok {
		all = append(all, operation{"GetValues", func(ctx context.Context) error { _, err := d.GetValues(ctx, key, other); return err }})
	}
	if d, ok := d.(drivers.BatchSetter); ok {
		all = append(all, operation{"SetValues", func(ctx context.Context) error {
			return errors.Join(d.SetValues(ctx, long, []string{key, other}, [][]byte{[]byte("value"), []byte("value")})...)
		}})
	}
	if d, ok := d.(drivers.Inserter); ok {
		all = append(all, operation{"Insert", func(ctx context.Context) error { _, err := d.Insert(ctx, key, []byte("value"), long); return err }})
	}
	if d, ok := d.(drivers.Adder); ok {
		word := func() []byte { return []byte("word") }
		all = append(all, operation{"Add", func(ctx context.Context) error { _, err := d.Add(ctx, long, word, key, other); return err }})
	}
	if d, ok := d.(drivers.Log); ok {
		all = append(all,
			operation{"Append", func(ctx context.Context) error { return d.Append(ctx, log, 10, long, []byte("record")) }},
			operation{"End", func(ctx context.Context) error { _, err := d.End(ctx, log, long); return err }},
			operation{"Since", func(ctx context.Context) error { _, _, _, err := d.Since(ctx, log, "position"); return err }})
	}
	if d, ok := d.(drivers.Waiter); ok {
		all = append(all, operation{"Wait", func(ctx context.Context) error { return d.Wait(ctx, log, "position") }})
	}
	if d, ok := d.(drivers.Purger); ok {
		all = append(all, operation{"Purge", func(ctx context.Context) error {
			return d.Purge(ctx, log, 10, long, [][]byte{[]byte("record")}, log+" mark")
		}})
	}
	return all
}
