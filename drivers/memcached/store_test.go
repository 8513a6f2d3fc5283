package memcached_test

import (
	"bufio"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// ask sends a server one command, and returns the first line of its answer.
func ask(t testing.TB, host, command string) string {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s\r\n", command)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(line, "\r\n")
}

// raw is a client with nothing between it and the single server.
func raw(t testing.TB) *memcache.Client {
	t.Helper()
	client := memcache.New(testservers.Find(t, testservers.Memcached))
	client.Timeout = 20 * time.Second
	t.Cleanup(func() { client.Close() })
	return client
}

// expired returns flags of ours that end an entry in the past.
func expired(t testing.TB, c confined) uint32 {
	t.Helper()
	if err := c.Set(t.Context(), "flags", nil, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	item, err := raw(t).Get(c.prefix + "flags")
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Millisecond)
	return item.Flags
}

// TestWhatOthersSee reads with a plain client what the driver has written.
func TestWhatOthersSee(t *testing.T) {
	c := openConfined(t, testservers.Find(t, testservers.Memcached))
	client := raw(t)
	long := c.prefix + strings.Repeat("k", 300)
	for _, row := range []struct{ key, name, value string }{
		{c.prefix + "plain", c.prefix + "plain", "exactly the codec's bytes"},
		{c.prefix + "ж", c.prefix + "ж", "0\r\nEND\r\n"},
		{c.prefix + "a b", "cachette%=" + c.prefix + "a%20b", "exactly these, too"},
	} {
		if err := c.Driver.Set(t.Context(), row.key, []byte(row.value), time.Hour); err != nil {
			t.Fatal(err)
		}
		if item, err := client.Get(row.name); err != nil || string(item.Value) != row.value {
			t.Errorf("under %q there is %+v, %v; want %q", row.name, item, err, row.value)
		}
	}
	if err := c.Driver.Set(t.Context(), long, []byte("value"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Get(long[:250]); err != memcache.ErrCacheMiss {
		t.Errorf("the head of a long key is a key: %v", err)
	}
}

// TestServersOwnExpiry asks the server when it will drop what the driver writes: not before its end, and soon after it.
func TestServersOwnExpiry(t *testing.T) {
	c := openConfined(t, testservers.Find(t, testservers.Memcached))
	for _, ttl := range []time.Duration{1, time.Millisecond, 200 * time.Millisecond, time.Second, 1500 * time.Millisecond, time.Hour,
		30*24*time.Hour - time.Second, 30 * 24 * time.Hour, 45 * 24 * time.Hour} {
		if err := c.Set(t.Context(), "key", []byte("value"), ttl); err != nil {
			t.Fatal(err)
		}
		answer := ask(t, c.host(t), "mg "+c.prefix+"key t")
		left, err := strconv.Atoi(strings.TrimPrefix(answer, "HD t"))
		least := int(math.Ceil(ttl.Seconds()))
		if err != nil || left < least || left > least+5 { // most of it where it is a date, for servers know the date to some seconds
			t.Errorf("a time to live of %v: the server answers %q, want %d s to %d s", ttl, answer, least, least+5)
		}
	}
	if err := c.Set(t.Context(), "key", []byte("value"), math.MaxInt64); err != nil {
		t.Fatal(err)
	}
	if answer := ask(t, c.host(t), "mg "+c.prefix+"key t"); answer != "HD t-1" {
		t.Errorf("a time to live of 292 years: the server answers %q, want HD t-1", answer)
	}
}

// TestExpiresExactly says that the remaining time is exact to a millisecond, not only to the server's second.
func TestExpiresExactly(t *testing.T) {
	c := openConfined(t, testservers.Find(t, testservers.Memcached))
	for ttl, resolution := range map[time.Duration]time.Duration{
		time.Millisecond * 12345: time.Millisecond,
		47 * time.Hour:           time.Millisecond,
		45 * 24 * time.Hour:      time.Second,
		math.MaxInt64:            time.Minute,
	} {
		before := time.Now()
		if err := c.Set(t.Context(), "key", nil, ttl); err != nil {
			t.Fatal(err)
		}
		after := time.Now()
		item, err := c.Get(t.Context(), "key")
		if err != nil || !item.ExpiresAt.After(before.Add(ttl-resolution)) || item.ExpiresAt.After(after.Add(ttl)) {
			t.Errorf("%v: it ends at %v, %v; it was written between %v and %v", ttl, item.ExpiresAt, err, before, after)
		}
	}
}

// TestEntriesOfOthers reads, and removes, what a plain client has written, from a server as it is and from one that has
// no meta commands.
func TestEntriesOfOthers(t *testing.T) {
	for name, answer := range map[string]func(string) (string, bool){"Meta": nil, "WithoutMeta": withoutMeta} {
		t.Run(name, func(t *testing.T) {
			_, c := relayed(t, answer)
			client := raw(t)
			never := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
			for _, row := range []struct {
				flags uint32
				ttl   int32
			}{{0, 100}, {0, 0}, {16, 100}, {0xffffffff, 0}} {
				item := &memcache.Item{Key: c.prefix + "theirs", Value: []byte("value\r\nEND\r\n"), Flags: row.flags, Expiration: row.ttl}
				if err := client.Set(item); err != nil {
					t.Fatal(err)
				}
				earliest, latest := time.Now().Add(97*time.Second), time.Now().Add(103*time.Second)
				if row.ttl == 0 {
					earliest, latest = never, never
				}
				if answer != nil {
					earliest, latest = time.Now(), time.Now().Add(10*time.Second)
				}
				got, err := c.Get(t.Context(), "theirs")
				if err != nil || string(got.Value) != string(item.Value) || got.ExpiresAt.Before(earliest) || got.ExpiresAt.After(latest) {
					t.Errorf("flags %#x, expiry %d: %q until %v, %v; want it to end between %v and %v",
						row.flags, row.ttl, got.Value, got.ExpiresAt, err, earliest, latest)
				}
				if values, err := c.GetValues(t.Context(), "theirs"); err != nil || string(values[0]) != string(item.Value) {
					t.Errorf("flags %#x: GetValues = %q, %v", row.flags, values, err)
				}
			}
			if n, err := c.Delete(t.Context(), "theirs", "absent"); n != 1 || err != nil {
				t.Errorf("Delete = %d, %v, want 1", n, err)
			}
			if err := client.Set(&memcache.Item{Key: c.prefix + "theirs", Value: []byte("value")}); err != nil {
				t.Fatal(err)
			}
			if n, err := c.Clear(t.Context(), "the"); n != 1 || err != nil {
				t.Errorf("Clear = %d, %v, want 1", n, err)
			}
		})
	}
}

// TestExpiredOnTheServer has entries that have ended and that the server still has: no operation sees them, or counts
// them.
func TestExpiredOnTheServer(t *testing.T) {
	for name, answer := range map[string]func(string) (string, bool){"Meta": nil, "WithoutMeta": withoutMeta} {
		t.Run(name, func(t *testing.T) {
			_, c := relayed(t, answer)
			client, flags := raw(t), expired(t, c)
			write := func(key string) {
				t.Helper()
				if err := client.Set(&memcache.Item{Key: c.prefix + key, Value: []byte("value"), Flags: flags, Expiration: 1000}); err != nil {
					t.Fatal(err)
				}
			}
			gone := func(key string) {
				t.Helper()
				if _, err := client.Get(c.prefix + key); err != memcache.ErrCacheMiss {
					t.Errorf("the server still has %s: %v", key, err)
				}
			}
			write("ended")
			if item, err := c.Get(t.Context(), "ended"); err != drivers.ErrMiss {
				t.Errorf("Get = %v, %v, want ErrMiss", item, err)
			}
			if values, err := c.GetValues(t.Context(), "ended"); err != nil || values[0] != nil {
				t.Errorf("GetValues = %q, %v, want nil", values, err)
			}
			if n, err := c.Delete(t.Context(), "ended"); n != 0 || err != nil {
				t.Errorf("Delete = %d, %v, want 0", n, err)
			}
			gone("ended")
			for i := range 3 {
				write(fmt.Sprint("ended:", i))
			}
			if err := c.Set(t.Context(), "ended:not", []byte("value"), time.Hour); err != nil {
				t.Fatal(err)
			}
			if n, err := c.Clear(t.Context(), "ended"); n != 1 || err != nil {
				t.Errorf("Clear = %d, %v, want 1", n, err)
			}
			gone("ended:0")
		})
	}
}

// TestAnotherKeysEntry has, under the name of one key, what was written under another, as if two hashes were the same.
func TestAnotherKeysEntry(t *testing.T) {
	c := openConfined(t, testservers.Find(t, testservers.Memcached))
	one, other := strings.Repeat("k", 300), strings.Repeat("k", 301)
	if err := c.Set(t.Context(), one, []byte("value"), time.Hour); err != nil {
		t.Fatal(err)
	}
	client := raw(t)
	var names []string
	for _, line := range crawled(t, c.host(t), "cachette%25%23") {
		if strings.Contains(line, strings.TrimSuffix(c.prefix, ":")) {
			names = append(names, line)
		}
	}
	if len(names) != 1 {
		t.Fatalf("the entries are %q, want one", names)
	}
	item, err := client.Get(strings.NewReplacer("%25", "%", "%23", "#", "%3A", ":").Replace(names[0]))
	if err != nil {
		t.Fatal(err)
	}
	item.Value = []byte(strings.Replace(string(item.Value), "kkk", "xkk", 1))
	if err := client.Set(item); err != nil {
		t.Fatal(err)
	}
	if item, err := c.Get(t.Context(), one); err != drivers.ErrMiss {
		t.Errorf("Get = %q, %v, want ErrMiss", item.Value, err)
	}
	if values, err := c.GetValues(t.Context(), one, other); err != nil || values[0] != nil || values[1] != nil {
		t.Errorf("GetValues = %q, %v, want nil twice", values, err)
	}
}

// crawled returns the names that a server lists and that begin with head, as it encodes them.
func crawled(t testing.TB, host, head string) []string {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 1000 {
		fmt.Fprint(conn, "lru_crawler metadump hash\r\n")
		var names []string
		lines := bufio.NewScanner(conn)
		busy := false
		for lines.Scan() && lines.Text() != "END" && !busy {
			busy = strings.HasPrefix(lines.Text(), "BUSY")
			if name, ok := strings.CutPrefix(lines.Text(), "key="); ok && strings.HasPrefix(name, head) {
				name, _, _ = strings.Cut(name, " ")
				names = append(names, name)
			}
		}
		if !busy {
			return names
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the crawler is busy all the time")
	return nil
}
