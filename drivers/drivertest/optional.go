package drivertest

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

func testSweeper(t *testing.T, h Harness, d drivers.Driver) {
	sweeper, ok := d.(drivers.Sweeper)
	if !ok {
		t.Skip("not a drivers.Sweeper")
	}
	wantSwept := func(t *testing.T, want int) {
		t.Helper()
		if n, err := sweeper.Sweep(t.Context()); n != want || err != nil {
			t.Errorf("Sweep = %d, %v, want %d", n, err, want)
		}
	}
	t.Run("Nothing", func(t *testing.T) { wantSwept(t, 0) })

	const expired = 5
	set(t, d, "live", "value", long)
	set(t, d, "revived", "first", time.Millisecond)
	var last entry
	for i := range expired {
		last = write(t, d, fmt.Sprintf("expired:%d", i), "value", time.Millisecond)
	}
	time.Sleep(time.Until(last.gone(h)))
	set(t, d, "revived", "second", long)

	t.Run("Expired", func(t *testing.T) {
		wantSwept(t, expired)
		wantSwept(t, 0)
	})
	t.Run("LeavesTheLive", func(t *testing.T) {
		if _, err := sweeper.Sweep(t.Context()); err != nil {
			t.Errorf("Sweep: %v", err)
		}
		wantValue(t, d, "live", "value")
		wantValue(t, d, "revived", "second")
	})
}

func testPinger(t *testing.T, _ Harness, d drivers.Driver) {
	pinger, ok := d.(drivers.Pinger)
	if !ok {
		t.Skip("not a drivers.Pinger")
	}
	if err := pinger.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}

func testObjects(t *testing.T, h Harness, d drivers.Driver) {
	objects, ok := d.(drivers.Objects)
	if !ok {
		t.Skip("not a drivers.Objects")
	}
	type object struct{ name string }
	put := func(t *testing.T, key string, ttl time.Duration) *object {
		t.Helper()
		o := &object{key}
		if !objects.PutObject(key, o, 100, ttl) {
			t.Fatalf("PutObject(%q, ttl %v) = false", key, ttl)
		}
		return o
	}
	want := func(t *testing.T, key string, now time.Time, want *object) {
		t.Helper()
		if got, ok := objects.GetObject(key, now); !ok || got != any(want) {
			t.Errorf("GetObject(%q) = %v, %t, want %v itself", key, got, ok, want)
		}
	}
	wantNone := func(t *testing.T, key string, now time.Time) {
		t.Helper()
		if got, ok := objects.GetObject(key, now); ok || got != nil {
			t.Errorf("GetObject(%q) = %v, %t, want nil, false", key, got, ok)
		}
	}

	t.Run("Absent", func(t *testing.T) { wantNone(t, "absent", time.Now()) })
	t.Run("RoundTrip", func(t *testing.T) {
		first := put(t, "object", long)
		want(t, "object", time.Now(), first)
		second := put(t, "object", long)
		want(t, "object", time.Now(), second)
	})
	t.Run("Expiry", func(t *testing.T) {
		// Judged by the caller's clock, so exactly, and with no wait.
		for _, ttl := range []time.Duration{time.Second, time.Hour, 45 * 24 * time.Hour} {
			before := time.Now()
			o := put(t, "expiring", ttl)
			after := time.Now()
			want(t, "expiring", before.Add(ttl-1), o)
			wantNone(t, "expiring", after.Add(ttl))
		}
	})
	t.Run("NotPositiveTTL", func(t *testing.T) {
		for _, ttl := range []time.Duration{0, -time.Second} {
			if objects.PutObject("refused", &object{}, 100, ttl) {
				t.Errorf("PutObject with a ttl of %v reported that it kept the object", ttl)
			}
			wantNone(t, "refused", time.Now())
		}
	})
	t.Run("TooLarge", func(t *testing.T) {
		if objects.PutObject("large", &object{}, math.MaxInt, long) {
			t.Error("PutObject reported that it kept an object larger than any memory")
		}
		wantNone(t, "large", time.Now())
	})
	t.Run("OverByteString", func(t *testing.T) {
		set(t, d, "either", "bytes", long)
		wantNone(t, "either", time.Now())
		o := put(t, "either", long)
		want(t, "either", time.Now(), o)
		wantMiss(t, d, "either")
	})
	t.Run("ByteStringOver", func(t *testing.T) {
		put(t, "either", long)
		set(t, d, "either", "bytes", long)
		wantNone(t, "either", time.Now())
		wantValue(t, d, "either", "bytes")
	})
	t.Run("SliceIsAnObject", func(t *testing.T) {
		if !objects.PutObject("slice", []byte("bytes"), 100, long) {
			t.Fatal("PutObject = false")
		}
		if got, ok := objects.GetObject("slice", time.Now()); !ok || string(got.([]byte)) != "bytes" {
			t.Errorf("GetObject = %v, %t, want the slice", got, ok)
		}
		wantMiss(t, d, "slice")
	})
	t.Run("Delete", func(t *testing.T) {
		put(t, "deleted:1", long)
		set(t, d, "deleted:2", "bytes", long)
		put(t, "deleted:3", time.Millisecond)
		time.Sleep(time.Millisecond + h.Resolution)
		wantDeleted(t, d, 2, "deleted:1", "deleted:2", "deleted:3")
		wantNone(t, "deleted:1", time.Now())
	})
	t.Run("Clear", func(t *testing.T) {
		put(t, "cleared:1", long)
		set(t, d, "cleared:2", "bytes", long)
		put(t, "cleared:3", time.Millisecond)
		kept := put(t, "kept", long)
		time.Sleep(time.Millisecond + h.Resolution)
		wantCleared(t, d, 2, "cleared:")
		wantNone(t, "cleared:1", time.Now())
		want(t, "kept", time.Now(), kept)
	})
}
