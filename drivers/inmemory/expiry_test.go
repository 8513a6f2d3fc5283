package inmemory_test

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/inmemory"
)

// clock is a time that moves when told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestExpiryIsExact(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, start := range []time.Time{time.Now(), time.Date(2001, 2, 3, 4, 5, 6, 7, time.UTC)} {
		for _, ttl := range []time.Duration{1, time.Millisecond, 200 * time.Millisecond, time.Second, 45 * 24 * time.Hour, 290 * year} {
			t.Run(fmt.Sprintf("%d/%v", start.Year(), ttl), func(t *testing.T) {
				clock := &clock{now: start}
				d := open(t, inmemory.Options{Clock: clock.Now})
				clock.Advance(time.Hour)
				want := clock.Now().Add(ttl)
				if err := d.Set(t.Context(), "bytes", []byte("value"), ttl); err != nil {
					t.Fatal(err)
				}
				if !d.PutObject("object", "value", 5, ttl) {
					t.Fatal("PutObject = false")
				}

				clock.Advance(ttl - 1)
				if item, err := d.Get(t.Context(), "bytes"); err != nil || !item.ExpiresAt.Equal(want) {
					t.Errorf("a nanosecond before its end: Get = %v, %v, want it to expire at %v", item, err, want)
				}
				if _, ok := d.GetObject([]byte("object"), clock.Now()); !ok {
					t.Error("a nanosecond before its end: GetObject = false")
				}
				if n, err := d.Sweep(t.Context()); n != 0 || err != nil {
					t.Errorf("a nanosecond before their end: Sweep = %d, %v", n, err)
				}

				clock.Advance(1)
				if item, err := d.Get(t.Context(), "bytes"); err != drivers.ErrMiss {
					t.Errorf("at its end: Get = %v, %v", item, err)
				}
				if _, ok := d.GetObject([]byte("object"), clock.Now()); ok {
					t.Error("at its end: GetObject = true")
				}
				if n, err := d.Sweep(t.Context()); n != 2 || err != nil {
					t.Errorf("at their end: Sweep = %d, %v, want 2", n, err)
				}
			})
		}
	}
}

func TestLongestTTL(t *testing.T) {
	clock := &clock{now: time.Now()}
	d := open(t, inmemory.Options{Clock: clock.Now})
	for range 3 {
		clock.Advance(time.Hour)
		if err := d.Set(t.Context(), "key", nil, math.MaxInt64); err != nil {
			t.Fatal(err)
		}
		item, err := d.Get(t.Context(), "key")
		if err != nil || item.ExpiresAt.Before(clock.Now().AddDate(290, 0, 0)) {
			t.Errorf("Get = %v, %v", item, err)
		}
	}
	clock.Advance(math.MaxInt64 / 2)
	if _, err := d.Get(t.Context(), "key"); err != nil {
		t.Errorf("146 years later: %v", err)
	}
}

func TestTTLErrorNamesIt(t *testing.T) {
	d := open(t, inmemory.Options{})
	for _, ttl := range []time.Duration{0, -3 * time.Second} {
		if err := d.Set(t.Context(), "key", nil, ttl); err == nil || !strings.Contains(err.Error(), ttl.String()) {
			t.Errorf("Set with a ttl of %v: %v", ttl, err)
		}
	}
}

// TestSweepSparesWhatIsReplaced writes keys anew while they are swept.
func TestSweepSparesWhatIsReplaced(t *testing.T) {
	clock := &clock{now: time.Now()}
	d := open(t, inmemory.Options{Clock: clock.Now})
	const keys = 2000
	for round := range 10 {
		for i := range keys {
			d.PutObject(fmt.Sprint(i), -1, 0, time.Second)
		}
		clock.Advance(time.Minute)
		var running sync.WaitGroup
		running.Go(func() {
			for i := range keys {
				d.PutObject(fmt.Sprint(i), round, 0, time.Hour)
			}
		})
		if _, err := d.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		running.Wait()
		for i := range keys {
			if got, ok := d.GetObject([]byte(fmt.Sprint(i)), clock.Now()); !ok || got != any(round) {
				t.Fatalf("GetObject(%d) = %v, %t, want %d", i, got, ok, round)
			}
		}
	}
}

func TestReapedInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, inmemory.Options{})
		defer d.Close()
		for _, ttl := range []time.Duration{time.Millisecond, time.Second, time.Minute, time.Hour, 48 * time.Hour} {
			d.PutObject("key", 1, 0, ttl)
			time.Sleep(ttl + inmemory.ReapDelay - time.Second)
			if n := d.Entries(); n != 1 {
				t.Errorf("a second before the end of the delay after a ttl of %v: %d entries, want 1", ttl, n)
			}
			time.Sleep(time.Second + inmemory.ReapTime)
			if n := d.Entries(); n != 0 {
				t.Errorf("after a ttl of %v and the delay: %d entries, want 0", ttl, n)
			}
		}
	})
}

// TestReapedWhenMemoryIsShort shows that the dead do not keep out the living for a minute.
func TestReapedWhenMemoryIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, inmemory.Options{MemoryLimit: 1 << 20})
		defer d.Close()
		for i := range 20 {
			d.PutObject(fmt.Sprint("live:", i), i, 1000, time.Hour)
		}
		for i := range 2000 {
			d.PutObject(fmt.Sprint("brief:", i), i, 1000, time.Second)
		}
		if n := d.Entries(); n < 500 {
			t.Fatalf("%d entries fill a mebibyte, want 500 at least", n)
		}
		time.Sleep(time.Second + inmemory.ReapTime)
		if n := d.Entries(); n > 20 {
			t.Errorf("%d entries are left, want 20 at most", n)
		}
	})
}

// TestReaderBehindTheReaper reads by a clock that is behind what the driver has removed.
func TestReaderBehindTheReaper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, inmemory.Options{})
		defer d.Close()
		before := time.Now()
		d.PutObject("key", 1, 0, time.Second)
		time.Sleep(2 * inmemory.ReapDelay)
		if got, ok := d.GetObject([]byte("key"), before); ok {
			t.Errorf("GetObject = %v of an entry that was removed", got)
		}
		d.PutObject("key", 2, 0, time.Second)
		if got, ok := d.GetObject([]byte("key"), before); !ok || got != any(2) {
			t.Errorf("GetObject = %v, %t, want 2", got, ok)
		}
	})
}
