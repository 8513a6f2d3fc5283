package memcached_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/memcached"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// TestMaxValueIsExact asks a plain client: what MaxValue says is taken, and one byte more is not. (That the driver takes
// it, and then no more, is drivertest's.)
func TestMaxValueIsExact(t *testing.T) {
	c := openConfined(t, testservers.Find(t, testservers.Memcached))
	client := raw(t)
	for _, length := range []int{40, 41, 42, 47, 100, 200, 250} {
		key := c.prefix + strings.Repeat("k", length-len(c.prefix))
		most := c.Driver.MaxValue(key)
		item := &memcache.Item{Key: key, Value: make([]byte, most), Flags: 1 << 31}
		if err := client.Set(item); err != nil {
			t.Errorf("a key of %d bytes: the server does not take a value of %d, which MaxValue says: %v", length, most, err)
		}
		item.Value = append(item.Value, 0)
		if err := client.Set(item); err == nil || !strings.Contains(err.Error(), "too large") {
			t.Errorf("a key of %d bytes: the server takes more than MaxValue says, %d: %v", length, most, err)
		}
	}
	if n := c.Driver.MaxValue(strings.Repeat("k", 2<<20)); n >= 0 {
		t.Errorf("MaxValue of a key that is larger than an item is %d, want less than zero", n)
	}
	if err := c.Driver.Set(t.Context(), strings.Repeat("k", 2<<20), nil, time.Hour); !errors.Is(err, drivers.ErrTooLarge) {
		t.Errorf("Set of such a key: %v, want ErrTooLarge", err)
	}
}

// smaller answers as a server that takes items of 512 KiB, which it tells a client only from the first question on that
// it is allowed to answer.
func smaller(silent *atomic.Bool) func(string) (string, bool) {
	return func(line string) (string, bool) {
		if line != "stats settings" || silent.Load() {
			return "SERVER_ERROR not now", line == "stats settings"
		}
		return "STAT maxbytes 67108864\r\nSTAT item_size_max 524288\r\nSTAT maxconns 1024\r\nEND", true
	}
}

func TestServerOfSmallItems(t *testing.T) {
	const most = 524288 - 63
	var silent atomic.Bool
	r, c := relayed(t, smaller(&silent))
	key := c.prefix + "key"
	if n := c.MaxValue("key"); n != most-len(key) {
		t.Errorf("MaxValue = %d, want %d", n, most-len(key))
	}
	if err := c.Set(t.Context(), "key", make([]byte, most-len(key)), time.Hour); err != nil {
		t.Error(err)
	}
	err := c.Set(t.Context(), "key", make([]byte, most-len(key)+1), time.Hour)
	if !errors.Is(err, drivers.ErrTooLarge) || !strings.Contains(err.Error(), fmt.Sprint(most-len(key))) {
		t.Errorf("one byte more: %v, want ErrTooLarge, and the limit", err)
	}
	if _, err := c.Get(t.Context(), "key"); err != drivers.ErrMiss {
		t.Errorf("what it was to replace is still there: %v", err)
	}

	// A driver that has not asked yet asks in the background, or when it has a value to set.
	client := memcache.New(r.host)
	client.Timeout = 20 * time.Second
	defer client.Close()
	typed := func() confined {
		d, err := memcached.New(client, memcached.Options{Selector: serversOf(t, r.host)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		return confined{d, c.prefix}
	}
	first := typed()
	if n := first.MaxValue("key"); n != most-len(key) && n != 1<<20-63-len(key) {
		t.Errorf("MaxValue of a driver that has not asked is %d", n)
	}
	for range 1000 {
		if first.MaxValue("key") == most-len(key) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if n := first.MaxValue("key"); n != most-len(key) {
		t.Errorf("MaxValue stays %d, want %d", n, most-len(key))
	}
	if err := typed().Set(t.Context(), "key", make([]byte, most-len(key)+1), time.Hour); !errors.Is(err, drivers.ErrTooLarge) {
		t.Errorf("Set of a driver that has not asked: %v, want ErrTooLarge", err)
	}

	silent.Store(true)
	unknown := typed()
	if err := unknown.Set(t.Context(), "key", make([]byte, 1<<20-63-len(key)), time.Hour); err != nil {
		t.Errorf("a server that does not tell its limit is taken for one of 1 MiB: %v", err)
	}
}

// TestTheServerKnowsBetter has a server that says that it takes more than it does.
func TestTheServerKnowsBetter(t *testing.T) {
	_, c := relayed(t, func(line string) (string, bool) {
		return "STAT item_size_max 8388608\r\nEND", line == "stats settings"
	})
	if err := c.Set(t.Context(), "key", []byte("value"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := c.Set(t.Context(), "key", make([]byte, 2<<20), time.Hour); !errors.Is(err, drivers.ErrTooLarge) {
		t.Errorf("Set: %v, want ErrTooLarge", err)
	}
	if _, err := c.Get(t.Context(), "key"); err != drivers.ErrMiss {
		t.Errorf("what it was to replace is still there: %v", err)
	}
}

// TestTooLargeIsNotSent counts what reaches the server.
func TestTooLargeIsNotSent(t *testing.T) {
	var sets atomic.Int64
	_, c := relayed(t, func(line string) (string, bool) {
		if strings.HasPrefix(line, "set ") {
			sets.Add(1)
		}
		return "", false
	})
	if err := c.Set(t.Context(), "key", []byte("value"), time.Hour); err != nil || sets.Load() != 1 {
		t.Fatalf("%v, %d were sent, want 1", err, sets.Load())
	}
	if err := c.Set(t.Context(), "key", make([]byte, 1<<20), time.Hour); !errors.Is(err, drivers.ErrTooLarge) || sets.Load() != 1 {
		t.Errorf("%v, %d were sent; want ErrTooLarge, and 1", err, sets.Load())
	}
	if n, err := c.Delete(t.Context(), "key"); n != 0 || err != nil {
		t.Errorf("Delete = %d, %v, want 0: what it was to replace is gone", n, err)
	}
}

// TestLimitIsAskedForOnce counts the questions.
func TestLimitIsAskedForOnce(t *testing.T) {
	var asked atomic.Int64
	_, c := relayed(t, func(line string) (string, bool) {
		if line == "stats settings" {
			asked.Add(1)
		}
		return "", false
	})
	for range 10 {
		if err := c.Set(t.Context(), "key", make([]byte, 2000), time.Hour); err != nil {
			t.Fatal(err)
		}
		c.MaxValue("key")
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the server was asked %d times, want 1", n)
	}
}

// TestASilentServerIsNotPestered leaves one that does not tell its limit alone for a while.
func TestASilentServerIsNotPestered(t *testing.T) {
	r := newRelay(t, testservers.Find(t, testservers.Memcached), nil)
	r.stalled.Store(true)
	settings := settingsFor(r.host)
	settings.OperationTimeout = 5 * time.Millisecond
	d := open(t, settings)
	for range 50 {
		d.MaxValue("key")
		time.Sleep(2 * time.Millisecond)
	}
	if n := r.dials.Load(); n > 1 {
		t.Errorf("it was dialled %d times", n)
	}
}
