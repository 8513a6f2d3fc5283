package drivertest

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// early is how long before the end of its time to live an entry may vanish, as most stores count whole milliseconds.
const early = 2 * time.Millisecond

// An entry is what was written under a key, and when: not before one moment, not after the other.
type entry struct {
	key, value    string
	ttl           time.Duration
	before, after time.Time
}

func write(t *testing.T, d drivers.Driver, key, value string, ttl time.Duration) entry {
	t.Helper()
	before := time.Now()
	set(t, d, key, value, ttl)
	return entry{key, value, ttl, before, time.Now()}
}

// gone is the moment from which the entry must be invisible.
func (e entry) gone(h Harness) time.Time {
	return e.after.Add(e.ttl + h.Resolution)
}

// watch reads the entry until it must be gone, and reports when it goes too soon or not at all.
func (e entry) watch(t *testing.T, h Harness, d drivers.Driver) {
	t.Helper()
	for {
		asked := time.Now()
		item, err := d.Get(t.Context(), e.key)
		answered := time.Now()
		over := !asked.Before(e.gone(h))
		switch {
		case err != nil && !errors.Is(err, drivers.ErrMiss):
			t.Fatalf("Get(%q): %v", e.key, err)
		case err == nil && string(item.Value) != e.value:
			t.Fatalf("Get(%q) = %s, want %q", e.key, show(string(item.Value)), e.value)
		case err == nil && over:
			t.Fatalf("an entry was visible %v after the end of its time to live of %v (the resolution is %v)",
				asked.Sub(e.after.Add(e.ttl)), e.ttl, h.Resolution)
		case err != nil && answered.Before(e.before.Add(e.ttl-early)):
			t.Fatalf("an entry vanished %v before the end of its time to live of %v",
				e.before.Add(e.ttl).Sub(answered), e.ttl)
		case over:
			return
		}
		time.Sleep(min(20*time.Millisecond, time.Until(e.gone(h))))
	}
}

// testExpiry writes everything at the start, so that it waits for all at once.
func testExpiry(t *testing.T, h Harness, d drivers.Driver) {
	const short = 200 * time.Millisecond
	instant := write(t, d, "1ms", "value", time.Millisecond)
	second := write(t, d, "1s", "value", time.Second)
	days := write(t, d, "45 days", "value", 45*24*time.Hour)
	longest := write(t, d, "longest", "value", math.MaxInt64)

	set(t, d, "prolonged", "first", short)
	set(t, d, "prolonged", "second", long)
	set(t, d, "shortened", "first", long)
	shortened := write(t, d, "shortened", "second", short)
	set(t, d, "set again", "first", short)
	set(t, d, "deleted:1", "value", short)
	set(t, d, "deleted:2", "value", long)
	set(t, d, "cleared:1", "value", short)
	set(t, d, "cleared:2", "value", long)
	last := write(t, d, "200ms", "value", short)
	awaitShort := func() { time.Sleep(time.Until(last.gone(h))) }

	// From here on in the order in which the entries end.
	t.Run("1ms", func(t *testing.T) { instant.watch(t, h, d) })
	t.Run("Shortened", func(t *testing.T) { shortened.watch(t, h, d) })
	t.Run("200ms", func(t *testing.T) { last.watch(t, h, d) })
	t.Run("Prolonged", func(t *testing.T) {
		awaitShort()
		wantValue(t, d, "prolonged", "second")
	})
	t.Run("SetAgain", func(t *testing.T) {
		awaitShort()
		wantMiss(t, d, "set again")
		set(t, d, "set again", "second", long)
		wantValue(t, d, "set again", "second")
	})
	t.Run("DeleteDoesNotCount", func(t *testing.T) {
		awaitShort()
		wantDeleted(t, d, 1, "deleted:1", "deleted:2")
	})
	t.Run("ClearDoesNotCount", func(t *testing.T) {
		awaitShort()
		wantCleared(t, d, 1, "cleared:")
	})
	t.Run("1s", func(t *testing.T) { second.watch(t, h, d) })
	t.Run("45days", func(t *testing.T) { wantValue(t, d, days.key, days.value) })
	t.Run("Longest", func(t *testing.T) { wantValue(t, d, longest.key, longest.value) })
}

// testExpiresAt checks that the remaining time to live can be read.
func testExpiresAt(t *testing.T, h Harness, d drivers.Driver) {
	tolerance := max(time.Second, h.Resolution)
	for _, ttl := range []time.Duration{10 * time.Second, 90 * time.Second, time.Hour, 45 * 24 * time.Hour} {
		t.Run(ttl.String(), func(t *testing.T) {
			e := write(t, d, "expires", "value", ttl)
			item, err := d.Get(t.Context(), e.key)
			if err != nil {
				t.Fatal(err)
			}
			earliest, latest := e.before.Add(ttl-tolerance), e.after.Add(ttl+tolerance)
			if item.ExpiresAt.Before(earliest) || item.ExpiresAt.After(latest) {
				t.Errorf("ExpiresAt is %v, want it between %v and %v: a value set at %v for %v",
					item.ExpiresAt, earliest, latest, e.before, ttl)
			}
		})
	}
}
