package redis_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest"
	"github.com/gin-cachette/cachette/drivers/redis"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// The databases of the single server that this package's tests use.
const (
	conformanceDatabase = 15 // is emptied
	sharedDatabase      = 14 // each test keeps to a prefix of its own
)

// inDatabase returns a URL with another database.
func inDatabase(t testing.TB, raw string, database int) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal("CACHETTE_TEST_REDIS_URL is no URL")
	}
	u.Path = fmt.Sprint("/", database)
	return u.String()
}

func opener(t testing.TB) drivers.Opener {
	t.Helper()
	backend, ok := drivers.Lookup("redis")
	if !ok {
		t.Fatalf("not registered: %q are", drivers.Linked())
	}
	return backend.Open
}

// openURL opens a driver by its name.
func openURL(t testing.TB, where string) *redis.Driver {
	t.Helper()
	d, err := opener(t)(t.Context(), drivers.Settings{
		RedisURL: where, OperationTimeout: 500 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d.(*redis.Driver)
}

// client is a client of the shared database, as a user would have one.
func client(t testing.TB, change ...func(*goredis.Options)) *goredis.Client {
	t.Helper()
	options, err := goredis.ParseURL(inDatabase(t, testservers.Find(t, testservers.Redis), sharedDatabase))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(options)
	}
	c := goredis.NewClient(options)
	t.Cleanup(func() { c.Close() })
	return c
}

func driver(t testing.TB, client goredis.UniversalClient, options redis.Options) *redis.Driver {
	t.Helper()
	d, err := redis.New(client, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// prefix begins the keys of one test.
func prefix() string { return "test:" + rand.Text() + ":" }

func TestConformance(t *testing.T) {
	t.Run("Single", func(t *testing.T) {
		where := inDatabase(t, testservers.Find(t, testservers.Redis), conformanceDatabase)
		options, err := goredis.ParseURL(empty(t, where))
		if err != nil {
			t.Fatal(err)
		}
		c := goredis.NewClient(options)
		defer c.Close()
		drivertest.Run(t, drivertest.Harness{
			New:     func(t testing.TB) drivers.Driver { return openURL(t, empty(t, where)) },
			Foreign: foreign(c),
		})
	})
	t.Run("SingleWithoutAutoPipeline", func(t *testing.T) {
		where := inDatabase(t, testservers.Find(t, testservers.Redis), conformanceDatabase)
		options, err := goredis.ParseURL(where)
		if err != nil {
			t.Fatal(err)
		}
		c := goredis.NewClient(options)
		defer c.Close()
		drivertest.Run(t, drivertest.Harness{Keys: 2000, Foreign: foreign(c), New: func(t testing.TB) drivers.Driver {
			empty(t, where)
			return driver(t, c, redis.Options{NoAutoPipeline: true})
		}})
	})
	for _, server := range []string{testservers.RedisTLS, testservers.RedisSentinel, testservers.RedisCluster, testservers.RedisSocket} {
		t.Run(server, func(t *testing.T) {
			where := testservers.Find(t, server)
			drivertest.Run(t, drivertest.Harness{Keys: 2000, New: func(t testing.TB) drivers.Driver { return openURL(t, empty(t, where)) }})
		})
	}
	t.Run("ClusterWithoutAutoPipeline", func(t *testing.T) {
		where := testservers.Find(t, testservers.RedisCluster)
		c := clusterClient(t, where)
		drivertest.Run(t, drivertest.Harness{Keys: 1000, Foreign: foreign(c), New: func(t testing.TB) drivers.Driver {
			empty(t, where)
			return driver(t, c, redis.Options{NoAutoPipeline: true})
		}})
	})
}

// empty empties the database of a URL, and returns the URL.
func empty(t testing.TB, where string) string {
	t.Helper()
	d := openURL(t, where)
	defer d.Close()
	if _, err := d.Clear(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	return where
}

func clusterClient(t testing.TB, where string) *goredis.ClusterClient {
	t.Helper()
	hosts := strings.TrimPrefix(where, "redis+cluster://")
	c := goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: strings.Split(hosts, ",")})
	t.Cleanup(func() { c.Close() })
	return c
}

func TestNewRefuses(t *testing.T) {
	c := goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:1"})
	defer c.Close()
	pipeliner, err := c.AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	ring := goredis.NewRing(&goredis.RingOptions{Addrs: map[string]string{"a": "127.0.0.1:1"}})
	defer ring.Close()
	for name, client := range map[string]goredis.UniversalClient{
		"nil": nil, "nil Client": (*goredis.Client)(nil), "nil ClusterClient": (*goredis.ClusterClient)(nil),
		"nil Ring": (*goredis.Ring)(nil), "Ring": ring, "AutoPipeliner": pipeliner,
	} {
		if d, err := redis.New(client, redis.Options{}); d != nil || err == nil {
			t.Errorf("%s: New = %v, %v, want an error", name, d, err)
		}
	}
}

// What lies in the store can be shared with other programs.
func TestLayout(t *testing.T) {
	c := client(t)
	d := driver(t, c, redis.Options{})
	ctx, key := t.Context(), prefix()+"key"
	t.Cleanup(func() { c.Del(context.Background(), key) })

	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	for name, value := range map[string][]byte{
		"empty": {}, "every byte": everyByte, "shared": bytes.Repeat([]byte("v"), 8<<10), "alone": bytes.Repeat([]byte("v"), 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			if err := d.Set(ctx, key, value, time.Minute); err != nil {
				t.Fatal(err)
			}
			if kind := c.Type(ctx, key).Val(); kind != "string" {
				t.Errorf("the type is %q", kind)
			}
			if got, err := c.Get(ctx, key).Bytes(); err != nil || !bytes.Equal(got, value) {
				t.Errorf("the store has %d bytes (%v), want the %d that were set", len(got), err, len(value))
			}
		})
	}
	for ttl, want := range map[time.Duration][2]time.Duration{ // at least, at most
		time.Minute:                 {59 * time.Second, time.Minute},
		45 * 24 * time.Hour:         {45*24*time.Hour - time.Second, 45 * 24 * time.Hour},
		90*time.Second + 1:          {89 * time.Second, 90 * time.Second},
		10*time.Second + 999*1000:   {9 * time.Second, 10 * time.Second},
		math.MaxInt64:               {math.MaxInt64 - 2*time.Second, math.MaxInt64},
		time.Hour + time.Nanosecond: {time.Hour - time.Second, time.Hour},
	} {
		if err := d.Set(ctx, key, nil, ttl); err != nil {
			t.Fatal(err)
		}
		if got := c.PTTL(ctx, key).Val(); got < want[0] || got > want[1] {
			t.Errorf("a ttl of %v: the store has %v", ttl, got)
		}
	}
	t.Run("LessThanAMillisecond", func(t *testing.T) {
		if err := d.Set(ctx, key, nil, time.Nanosecond); err != nil {
			t.Error(err)
		}
		if left := c.PTTL(ctx, key).Val(); left > time.Millisecond {
			t.Errorf("the store has %v", left)
		}
	})
}

// TestLayoutOfOthers reads what another program has written.
func TestLayoutOfOthers(t *testing.T) {
	c := client(t)
	d := driver(t, c, redis.Options{})
	ctx, key := t.Context(), prefix()+"key"
	t.Cleanup(func() { c.Del(context.Background(), key) })
	c.Set(ctx, key, "without expiry", 0)
	item, err := d.Get(ctx, key)
	if err != nil || string(item.Value) != "without expiry" || time.Until(item.ExpiresAt) < 200*365*24*time.Hour {
		t.Errorf("Get = %q, %v, %v, want an expiry far in the future", item.Value, item.ExpiresAt, err)
	}
	c.Set(ctx, key, "with expiry", time.Minute)
	item, err = d.Get(ctx, key)
	if left := time.Until(item.ExpiresAt); err != nil || left > time.Minute || left < 59*time.Second {
		t.Errorf("Get = %v to live, %v, want a minute", left, err)
	}
	c.Del(ctx, key)
	c.HSet(ctx, key, "field", "value")
	if _, err = d.Get(ctx, key); err == nil || errors.Is(err, drivers.ErrMiss) || !strings.Contains(err.Error(), "redis: get: WRONGTYPE") {
		t.Errorf("Get of a hash: %v, want an error that says so", err)
	}
	if values, err := d.GetValues(ctx, key); err != nil || len(values) != 1 || values[0] != nil {
		t.Errorf("GetValues of a hash = %q, %v, want nil", values, err)
	}
	if err := d.Set(ctx, key, []byte("replaced"), time.Minute); err != nil {
		t.Error(err)
	}
}

func TestTooLarge(t *testing.T) {
	c := client(t)
	d := driver(t, c, redis.Options{})
	ctx, key := t.Context(), prefix()+"key"
	if most := d.MaxValue(key); most != 512<<20 {
		t.Fatalf("MaxValue = %d", most)
	}
	if err := d.Set(ctx, key, []byte("before"), time.Minute); err != nil {
		t.Fatal(err)
	}
	tooLarge := make([]byte, 512<<20+1) // is never touched, and so takes no memory
	if err := d.Set(ctx, key, tooLarge, time.Minute); !errors.Is(err, drivers.ErrTooLarge) {
		t.Errorf("Set: %v, want ErrTooLarge", err)
	}
	if n := c.Exists(ctx, key).Val(); n != 0 {
		t.Error("what was there before is still there")
	}
}

// TestDeleteThousands deletes more keys than go into one request.
func TestDeleteThousands(t *testing.T) {
	for name, d := range map[string]func(t *testing.T) *redis.Driver{
		"Single":  func(t *testing.T) *redis.Driver { return driver(t, client(t), redis.Options{}) },
		"Cluster": func(t *testing.T) *redis.Driver { return openURL(t, testservers.Find(t, testservers.RedisCluster)) },
	} {
		t.Run(name, func(t *testing.T) {
			d, prefix := d(t), prefix()
			keys := setMany(t, d, prefix, 2000)
			keys = append(keys, keys[0], keys[1999], prefix+"absent")
			if n, err := d.Delete(t.Context(), keys...); n != 2000 || err != nil {
				t.Errorf("Delete = %d, %v, want 2000", n, err)
			}
			if n, err := d.Clear(t.Context(), prefix); n != 0 || err != nil {
				t.Errorf("Clear = %d, %v, want 0", n, err)
			}
		})
	}
}

func TestClearThousandsOnCluster(t *testing.T) {
	d, prefix := openURL(t, testservers.Find(t, testservers.RedisCluster)), prefix()
	setMany(t, d, prefix, 2000)
	setMany(t, d, "other"+prefix, 10)
	if n, err := d.Clear(t.Context(), prefix); n != 2000 || err != nil {
		t.Errorf("Clear = %d, %v, want 2000", n, err)
	}
	if n, err := d.Clear(t.Context(), "other"+prefix); n != 10 || err != nil {
		t.Errorf("Clear of the others = %d, %v, want 10", n, err)
	}
}

// TestClearFewAmongMany clears single keys, so that most steps of a scan find nothing.
func TestClearFewAmongMany(t *testing.T) {
	d, prefix := driver(t, client(t), redis.Options{}), prefix()
	t.Cleanup(func() { d.Clear(context.Background(), prefix) })
	keys := setMany(t, d, prefix, 5000)
	for _, key := range keys[4990:] { // none of which begins another
		if n, err := d.Clear(t.Context(), key); n != 1 || err != nil {
			t.Errorf("Clear of one key among 5,000 = %d, %v", n, err)
		}
	}
}

// setMany sets n keys and returns them.
func setMany(t *testing.T, d *redis.Driver, prefix string, n int) []string {
	t.Helper()
	keys := make([]string, n)
	together(t, 32, func(g int) error {
		for i := g; i < n; i += 32 {
			keys[i] = fmt.Sprint(prefix, i)
			if err := d.Set(t.Context(), keys[i], []byte(keys[i]), time.Minute); err != nil {
				return err
			}
		}
		return nil
	})
	return keys
}

// together runs goroutines and fails the test with the first error of one.
func together(t testing.TB, goroutines int, do func(g int) error) {
	t.Helper()
	errs := make(chan error, goroutines)
	for g := range goroutines {
		go func() { errs <- do(g) }()
	}
	for range goroutines {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// TestGetValuesOfManyServers reads keys that are on all servers of a cluster, by many callers at once.
func TestGetValuesOfManyServers(t *testing.T) {
	d, prefix := openURL(t, testservers.Find(t, testservers.RedisCluster)), prefix()
	keys := setMany(t, d, prefix, 300)
	t.Cleanup(func() { d.Clear(context.Background(), prefix) })
	hash := prefix + "hash"
	if err := clusterClient(t, testservers.Find(t, testservers.RedisCluster)).HSet(t.Context(), hash, "field", "value").Err(); err != nil {
		t.Fatal(err)
	}
	got, err := d.GetValues(t.Context(), keys[0], hash, keys[1])
	if err != nil || string(got[0]) != keys[0] || got[1] != nil || string(got[2]) != keys[1] {
		t.Errorf("GetValues with a hash among the keys = %q, %v, want nil for it alone", got, err)
	}
	together(t, 32, func(g int) error {
		for _, n := range []int{1, 3, 30, 300} {
			for at := 0; at < 300; at += 97 {
				part := keys[at:min(at+n, 300)]
				got, err := d.GetValues(t.Context(), part...)
				if err != nil {
					return err
				}
				for i, key := range part {
					if string(got[i]) != key {
						return fmt.Errorf("value %d of %d is %q, want %q", i, len(part), got[i], key)
					}
				}
			}
		}
		return nil
	})
}

func TestCloseLeavesTheClientOfAnother(t *testing.T) {
	c := client(t)
	d := driver(t, c, redis.Options{})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Errorf("the client after the driver's Close: %v", err)
	}
}
