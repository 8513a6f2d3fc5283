package drivertest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
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
	k := keeping{objects}
	t.Run("Absent", func(t *testing.T) { k.wantNone(t, "absent", time.Now()) })
	t.Run("RoundTrip", func(t *testing.T) {
		first := k.put(t, "object", long)
		k.want(t, "object", time.Now(), first)
		second := k.put(t, "object", long)
		k.want(t, "object", time.Now(), second)
	})
	t.Run("Expiry", func(t *testing.T) {
		// Judged by the caller's clock, so exactly, and with no wait.
		for _, ttl := range []time.Duration{time.Second, time.Hour, 45 * 24 * time.Hour} {
			before := time.Now()
			o := k.put(t, "expiring", ttl)
			after := time.Now()
			k.want(t, "expiring", before.Add(ttl-1), o)
			k.wantNone(t, "expiring", after.Add(ttl))
		}
	})
	t.Run("NotPositiveTTL", func(t *testing.T) {
		for _, ttl := range []time.Duration{0, -time.Second} {
			if k.PutObject("refused", &object{}, 100, ttl) {
				t.Errorf("PutObject with a ttl of %v reported that it kept the object", ttl)
			}
			k.wantNone(t, "refused", time.Now())
		}
	})
	t.Run("TooLarge", func(t *testing.T) {
		if k.PutObject("large", &object{}, math.MaxInt, long) {
			t.Error("PutObject reported that it kept an object larger than any memory")
		}
		k.wantNone(t, "large", time.Now())
	})
	t.Run("SliceIsAnObject", func(t *testing.T) {
		if !k.PutObject("slice", []byte("bytes"), 100, long) {
			t.Fatal("PutObject = false")
		}
		if got, ok := k.GetObject([]byte("slice"), time.Now()); !ok || string(got.([]byte)) != "bytes" {
			t.Errorf("GetObject = %v, %t, want the slice", got, ok)
		}
		wantMiss(t, d, "slice")
	})
	k.besideBytes(t, h, d)
}

// object is what is kept.
type object struct{ name string }

// keeping is a driver that keeps objects.
type keeping struct{ drivers.Objects }

func (k keeping) put(t *testing.T, key string, ttl time.Duration) *object {
	t.Helper()
	o := &object{key}
	if !k.PutObject(key, o, 100, ttl) {
		t.Fatalf("PutObject(%q, ttl %v) = false", key, ttl)
	}
	return o
}

func (k keeping) want(t *testing.T, key string, now time.Time, want *object) {
	t.Helper()
	if got, ok := k.GetObject([]byte(key), now); !ok || got != any(want) {
		t.Errorf("GetObject(%q) = %v, %t, want %v itself", key, got, ok, want)
	}
}

func (k keeping) wantNone(t *testing.T, key string, now time.Time) {
	t.Helper()
	if got, ok := k.GetObject([]byte(key), now); ok || got != nil {
		t.Errorf("GetObject(%q) = %v, %t, want nil, false", key, got, ok)
	}
}

// besideBytes has objects and byte strings take each other's places, and be removed together.
func (k keeping) besideBytes(t *testing.T, h Harness, d drivers.Driver) {
	t.Run("OverByteString", func(t *testing.T) {
		set(t, d, "either", "bytes", long)
		k.wantNone(t, "either", time.Now())
		o := k.put(t, "either", long)
		k.want(t, "either", time.Now(), o)
		wantMiss(t, d, "either")
	})
	t.Run("ByteStringOver", func(t *testing.T) {
		k.put(t, "either", long)
		set(t, d, "either", "bytes", long)
		k.wantNone(t, "either", time.Now())
		wantValue(t, d, "either", "bytes")
	})
	t.Run("Delete", func(t *testing.T) {
		k.put(t, "deleted:1", long)
		set(t, d, "deleted:2", "bytes", long)
		k.put(t, "deleted:3", time.Millisecond)
		time.Sleep(time.Millisecond + h.Resolution)
		wantDeleted(t, d, 2, "deleted:1", "deleted:2", "deleted:3")
		k.wantNone(t, "deleted:1", time.Now())
	})
	t.Run("Clear", func(t *testing.T) {
		k.put(t, "cleared:1", long)
		set(t, d, "cleared:2", "bytes", long)
		k.put(t, "cleared:3", time.Millisecond)
		kept := k.put(t, "kept", long)
		time.Sleep(time.Millisecond + h.Resolution)
		wantCleared(t, d, 2, "cleared:")
		k.wantNone(t, "cleared:1", time.Now())
		k.want(t, "kept", time.Now(), kept)
	})
}

func testBatch(t *testing.T, h Harness, d drivers.Driver) {
	batch, ok := d.(drivers.Batch)
	if !ok {
		t.Skip("not a drivers.Batch")
	}
	want := func(t *testing.T, keys []string, values ...string) {
		t.Helper()
		wantValues(t, batch, keys, values)
	}

	set(t, d, "one", "1", long)
	set(t, d, "two", "2", long)
	set(t, d, "empty", "", long)
	set(t, d, "odd \x00\r\n key", "odd", long)
	last := write(t, d, "expired", "value", time.Millisecond)
	time.Sleep(time.Until(last.gone(h)))

	t.Run("None", func(t *testing.T) { want(t, nil) })
	t.Run("One", func(t *testing.T) { want(t, []string{"one"}, "1") })
	t.Run("Absent", func(t *testing.T) { want(t, []string{"absent"}, none) })
	t.Run("InTheirOrder", func(t *testing.T) {
		want(t, []string{"two", "absent", "one", "empty", "expired", "odd \x00\r\n key"}, "2", none, "1", "", none, "odd")
	})
	t.Run("SameTwice", func(t *testing.T) { want(t, []string{"one", "two", "one"}, "1", "2", "1") })
	t.Run("Many", func(t *testing.T) {
		// More than the 100 or so that stores take in one request.
		var keys, values []string
		for i := range 250 {
			keys, values = append(keys, fmt.Sprintf("many:%d", i)), append(values, none)
			if i%3 > 0 {
				values[i] = fmt.Sprint(i)
				set(t, d, keys[i], values[i], long)
			}
		}
		want(t, keys, values...)
	})
	t.Run("Large", func(t *testing.T) {
		// Together more than a store hands out in one answer, where it has a limit of some values.
		value := strings.Repeat("v", h.MaxValue)
		set(t, d, "large:1", value, long)
		set(t, d, "large:2", value, long)
		want(t, []string{"large:1", "one", "large:2"}, value, "1", value)
	})
	t.Run("Owned", func(t *testing.T) {
		got, err := batch.GetValues(t.Context(), "one", "one")
		if err != nil {
			t.Fatal(err)
		}
		copy(got[0], "X")
		_ = append(got[0], "more"...)
		if string(got[1]) != "1" {
			t.Errorf("two values share their bytes: changing one made the other %q", got[1])
		}
		wantValue(t, d, "one", "1")
	})
}

// none stands for a value that is not there.
const none = "\x00none"

func wantValues(t *testing.T, batch drivers.Batch, keys, values []string) {
	t.Helper()
	got, err := batch.GetValues(t.Context(), keys...)
	if err != nil || len(got) != len(values) {
		t.Fatalf("GetValues(%s) = %d values, %v, want %d", show(keys...), len(got), err, len(values))
	}
	for i, value := range got {
		switch {
		case values[i] == none && value != nil:
			t.Errorf("GetValues: value %d, of %s, is %s, want nil", i, show(keys[i]), show(string(value)))
		case values[i] != none && (value == nil || string(value) != values[i]):
			t.Errorf("GetValues: value %d, of %s, is %s (nil: %t), want %s", i, show(keys[i]), show(string(value)),
				value == nil, show(values[i]))
		}
	}
}

func testLimited(t *testing.T, _ Harness, d drivers.Driver) {
	limited, ok := d.(drivers.Limited)
	if !ok {
		t.Skip("not a drivers.Limited")
	}
	random := rand.NewChaCha8([32]byte{1})
	for _, key := range []string{"k", strings.Repeat("k", 300)} {
		most := limited.MaxValue(key)
		if most < 1<<10 {
			t.Fatalf("MaxValue(%s) = %d, which is no use", show(key), most)
		}
		if most > 32<<20 {
			t.Skipf("MaxValue is %d: too much to try", most)
		}
		largest := make([]byte, most)
		random.Read(largest)
		set(t, d, key, string(largest), long)
		wantValue(t, d, key, string(largest))
		err := d.Set(t.Context(), key, append(largest, 'x'), long)
		if !errors.Is(err, drivers.ErrTooLarge) {
			t.Errorf("Set of one byte more than MaxValue(%s), which is %d: %v, want ErrTooLarge", show(key), most, err)
		}
		wantMiss(t, d, key)
	}
}
