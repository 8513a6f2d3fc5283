package memcached_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/testservers"
)

// fill writes n keys of 20 bytes and more, 16 at a time.
func fill(t testing.TB, c confined, n int) {
	t.Helper()
	var running sync.WaitGroup
	for w := range 16 {
		running.Go(func() {
			for i := w; i < n; i += 16 {
				if err := c.Set(t.Context(), fmt.Sprintf("key:%d", i), []byte("value"), time.Hour); err != nil {
					t.Errorf("Set: %v", err)
					return
				}
			}
		})
	}
	running.Wait()
}

// TestClearMissesNothing clears what has just been written, while other keys come, go and are read.
func TestClearMissesNothing(t *testing.T) {
	t.Parallel()
	c := openConfined(t, testservers.Find(t, testservers.Memcached))
	const keys, rounds = 10_000, 3
	var ended atomic.Bool
	var others sync.WaitGroup
	defer others.Wait()
	defer ended.Store(true)
	for w := range 2 {
		others.Go(func() {
			for i := 0; !ended.Load(); i++ {
				key := fmt.Sprintf("other:%d:%d", w, i%500)
				if err := c.Set(t.Context(), key, []byte(strings.Repeat("v", i%2000)), time.Hour); err != nil {
					t.Errorf("Set: %v", err)
					return
				}
				if _, err := c.Get(t.Context(), key); err != nil {
					t.Errorf("Get: %v", err)
					return
				}
			}
		})
	}
	for range rounds {
		fill(t, c, keys)
		if n, err := c.Clear(t.Context(), "key:"); n != keys || err != nil {
			t.Errorf("Clear = %d, %v, want %d", n, err, keys)
		}
	}
}

// TestClearOfAnOldServer crawls lists, which may miss what moves, again and again.
func TestClearOfAnOldServer(t *testing.T) {
	_, c := relayed(t, withoutMeta)
	const keys = 500
	fill(t, c, keys)
	if n, err := c.Clear(t.Context(), "key:"); n != keys || err != nil {
		t.Errorf("Clear = %d, %v, want %d", n, err, keys)
	}
	long := strings.Repeat("k", 400)
	for _, key := range []string{long + "1", long + "2", "other" + long, "a b"} {
		if err := c.Set(t.Context(), key, []byte("value"), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := c.Clear(t.Context(), long); n != 2 || err != nil {
		t.Errorf("Clear of long keys = %d, %v, want 2", n, err)
	}
	if n, err := c.Clear(t.Context(), ""); n != 2 || err != nil {
		t.Errorf("Clear of the rest = %d, %v, want 2", n, err)
	}
}

// TestClearOfAListThatMisses has an old server whose crawler overlooks an entry that moves.
func TestClearOfAListThatMisses(t *testing.T) {
	var lists atomic.Int64
	var c confined
	_, c = relayed(t, func(line string) (string, bool) {
		if line != "lru_crawler metadump all" {
			return withoutMeta(line)
		}
		entry := fmt.Sprintf("key=%skey%%3A%d exp=1 la=1\n", strings.ReplaceAll(c.prefix, ":", "%3A"), lists.Add(1))
		if lists.Load() > 2 {
			entry = ""
		}
		return entry + "END", true
	})
	fill(t, c, 3)
	if n, err := c.Clear(t.Context(), "key:"); n != 2 || err != nil {
		t.Errorf("Clear = %d, %v, want 2: one of each list", n, err)
	}
}

// TestClearOfAListThatHides has an old server whose crawler passes by entries in several walks in a row, and shows them then.
func TestClearOfAListThatHides(t *testing.T) {
	var walks atomic.Int64
	var c confined
	_, c = relayed(t, func(line string) (string, bool) {
		if line != "lru_crawler metadump all" {
			return withoutMeta(line)
		}
		list := ""
		for i, from := range []int64{1, 4, 8} { // after two empty walks, and after three
			if walks.Load()+1 >= from {
				list += fmt.Sprintf("key=%skey%%3A%d exp=1 la=1\n", strings.ReplaceAll(c.prefix, ":", "%3A"), i)
			}
		}
		if n := walks.Add(1); n != 1 && n != 4 && n != 8 { // each is removed by the walk that shows it
			list = ""
		}
		return list + "END", true
	})
	fill(t, c, 3)
	if n, err := c.Clear(t.Context(), "key:"); n != 3 || err != nil {
		t.Errorf("Clear = %d, %v, want all 3", n, err)
	}

	walks.Store(100) // nothing is shown any more
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := c.Clear(ctx, "key:"); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("Clear = %d, %v, want context.Canceled", n, err)
	}
}

// TestClearWaitsForTheCrawler has several crawls at once, and a server that says for a while that it is busy.
func TestClearWaitsForTheCrawler(t *testing.T) {
	var busy atomic.Int64
	_, c := relayed(t, func(line string) (string, bool) {
		if strings.HasPrefix(line, "lru_crawler") && busy.Add(-1) >= 0 {
			return "BUSY currently processing crawler request", true
		}
		return "", false
	})
	fill(t, c, 10)
	busy.Store(4)
	if n, err := c.Clear(t.Context(), "key:"); n != 10 || err != nil {
		t.Errorf("Clear of a busy server = %d, %v, want 10", n, err)
	}

	busy.Store(1 << 30)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if n, err := c.Clear(ctx, "key:"); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Clear of a server that stays busy = %d, %v, want 0 and context.DeadlineExceeded", n, err)
	}

	busy.Store(0)
	fill(t, c, 1000)
	var sum atomic.Int64
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			n, err := c.Clear(t.Context(), "key:")
			if err != nil {
				t.Errorf("Clear: %v", err)
			}
			sum.Add(int64(n))
		})
	}
	running.Wait()
	if n := sum.Load(); n != 1000 {
		t.Errorf("four at once cleared %d, want 1000 together", n)
	}
}

// TestClearIsRefused says what the server needs.
func TestClearIsRefused(t *testing.T) {
	for _, row := range []struct{ answer, want string }{
		{"ERROR metadump not allowed", "-X (--disable-dumping)"},
		{"CLIENT_ERROR metadump not allowed", "-X (--disable-dumping)"},
		{"CLIENT_ERROR lru crawler disabled", "-o no_lru_crawler"},
		{"ERROR", "a proxy"},
		{"CLIENT_ERROR unauthenticated", "requires a user and a password"},
	} {
		_, c := relayed(t, func(line string) (string, bool) { return row.answer, strings.HasPrefix(line, "lru_crawler") })
		fill(t, c, 1)
		if n, err := c.Clear(t.Context(), "key:"); n != 0 || err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: Clear = %d, %v, want an error that says %q", row.answer, n, err, row.want)
		} else if never := !strings.Contains(row.want, "password"); errors.Is(err, errors.ErrUnsupported) != never {
			t.Errorf("%s: %v says that it can never be done: %t", row.answer, err, !never)
		}
	}
	t.Run("NothingToCrawl", func(t *testing.T) {
		_, c := relayed(t, func(line string) (string, bool) {
			return "NOTSTARTED no items to crawl", strings.HasPrefix(line, "lru_crawler")
		})
		if n, err := c.Clear(t.Context(), ""); n != 0 || err != nil {
			t.Errorf("Clear = %d, %v, want 0", n, err)
		}
	})
}

// TestClearOfAGarbledList has lines that a server repeats from the middle of another.
func TestClearOfAGarbledList(t *testing.T) {
	var list string
	_, c := relayed(t, func(line string) (string, bool) { return list, strings.HasPrefix(line, "lru_crawler") })
	fill(t, c, 20)
	odd := "key:1key=" + c.prefix + "key:2" // what a line that is cut seems to name
	if err := c.Set(t.Context(), odd, nil, time.Hour); err != nil {
		t.Fatal(err)
	}
	key := func(i int) string {
		return "key=" + strings.ReplaceAll(c.prefix, ":", "%3A") + fmt.Sprintf("key%%3A%d", i)
	}
	const rest = " exp=1 la=1 cas=1 fetch=no cls=1 size=66\n"
	list = key(1) + rest + // as it should be
		key(1) + key(2) + rest + // cut within a key, which seems to be key:1key=…
		key(3) + "\n" + // the end of a line is missing
		"y%3A4" + rest + "\n" +
		"key=%zz" + rest +
		key(5) + rest + "END"
	if n, err := c.Clear(t.Context(), "key:"); n != 2 || err != nil {
		t.Errorf("Clear = %d, %v, want 2", n, err)
	}
	for i, want := range map[int]bool{1: false, 2: true, 3: true, 4: true, 5: false} {
		if _, err := c.Get(t.Context(), fmt.Sprintf("key:%d", i)); (err == nil) != want {
			t.Errorf("key:%d is there: %t (%v), want %t", i, err == nil, err, want)
		}
	}
	if _, err := c.Get(t.Context(), odd); err != nil {
		t.Errorf("%s: %v", odd, err)
	}
	list = "END"
}

// TestClearEndsWithItsContext has a context end between two batches.
func TestClearEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var once sync.Once
	_, c := relayed(t, func(line string) (string, bool) {
		if strings.HasPrefix(line, "md ") {
			once.Do(cancel)
		}
		return "", false
	})
	fill(t, c, 5000)
	n, err := c.Clear(ctx, "key:")
	if !errors.Is(err, context.Canceled) || n > 2500 {
		t.Errorf("Clear = %d, %v, want context.Canceled after a batch", n, err)
	}
	if n, err := c.Clear(t.Context(), "key:"); n < 2500 || err != nil {
		t.Errorf("then another cleared %d, %v: the first went on", n, err)
	}
}

// TestOneServerOfTwoIsDead goes on with the keys of the other.
func TestOneServerOfTwoIsDead(t *testing.T) {
	t.Parallel()
	host := testservers.Find(t, testservers.MemcachedPair)
	first, second, ok := strings.Cut(host, ",")
	if !ok || strings.Contains(host, "://") {
		t.Fatalf("%s is not two hosts", host)
	}
	r := newRelay(t, second, nil)
	pair := openConfined(t, first+","+r.host)
	fill(t, pair, 100)
	r.stop()

	lives := 0
	for i := range 100 {
		key := fmt.Sprintf("key:%d", i)
		item, err := pair.Get(t.Context(), key)
		var refused *net.OpError
		switch {
		case err == nil && string(item.Value) == "value":
			lives++
			if err := pair.Set(t.Context(), key, []byte("again"), time.Hour); err != nil {
				t.Errorf("Set of a key of the living server: %v", err)
			}
			if n, err := pair.Delete(t.Context(), key); n != 1 || err != nil {
				t.Errorf("Delete of a key of the living server = %d, %v", n, err)
			}
			if err := pair.Set(t.Context(), key, []byte("again"), time.Hour); err != nil {
				t.Errorf("Set of a key of the living server: %v", err)
			}
		case !errors.As(err, &refused):
			t.Errorf("Get of a key of the dead server: %q, %v", item.Value, err)
		}
	}
	if lives < 20 || lives > 80 {
		t.Fatalf("%d of 100 keys are on the living server", lives)
	}
	err := pair.Ping(t.Context())
	if err == nil || !strings.Contains(err.Error(), r.host) || strings.Contains(err.Error(), first+":") {
		t.Errorf("Ping: %v, want an error that names the dead server alone", err)
	}
	if n, err := pair.Clear(t.Context(), "key:"); n != lives || err == nil || !strings.Contains(err.Error(), r.host) {
		t.Errorf("Clear = %d, %v, want %d and an error that names the dead server", n, err, lives)
	}
	r.restart(t)
	if n, err := pair.Clear(t.Context(), "key:"); n != 100-lives || err != nil {
		t.Errorf("Clear when it is back = %d, %v, want %d", n, err, 100-lives)
	}
}
