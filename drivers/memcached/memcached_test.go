package memcached_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest"
	"github.com/gin-cachette/cachette/drivers/memcached"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// confined is a driver that keeps to keys with a prefix of its own, for a server that others use too.
type confined struct {
	*memcached.Driver
	prefix string
}

var (
	_ drivers.Driver  = confined{}
	_ drivers.Batch   = confined{}
	_ drivers.Adder   = confined{}
	_ drivers.Log     = confined{}
	_ drivers.Limited = confined{}
	_ drivers.Lister  = confined{}
	_ drivers.Pinger  = confined{}
)

func (c confined) keys(keys []string) []string {
	all := make([]string, len(keys))
	for i, key := range keys {
		all[i] = c.prefix + key
	}
	return all
}

func (c confined) Get(ctx context.Context, key string) (drivers.Item, error) {
	return c.Driver.Get(ctx, c.prefix+key)
}

func (c confined) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return c.Driver.Set(ctx, c.prefix+key, value, ttl)
}

func (c confined) Delete(ctx context.Context, keys ...string) (int, error) {
	return c.Driver.Delete(ctx, c.keys(keys)...)
}

func (c confined) Clear(ctx context.Context, prefix string) (int, error) {
	return c.Driver.Clear(ctx, c.prefix+prefix)
}

func (c confined) Keys(ctx context.Context, prefix string, most int) ([]string, bool, error) {
	keys, all, err := c.Driver.Keys(ctx, c.prefix+prefix, most)
	for i, key := range keys {
		keys[i] = strings.TrimPrefix(key, c.prefix)
	}
	return keys, all, err
}

func (c confined) GetValues(ctx context.Context, keys ...string) ([][]byte, error) {
	return c.Driver.GetValues(ctx, c.keys(keys)...)
}

func (c confined) SetValues(ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
	return c.Driver.SetValues(ctx, ttl, c.keys(keys), values)
}

func (c confined) Insert(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	return c.Driver.Insert(ctx, c.prefix+key, value, ttl)
}

func (c confined) Add(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
	return c.Driver.Add(ctx, ttl, word, c.keys(keys)...)
}

func (c confined) Purge(ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
	return c.Driver.Purge(ctx, c.prefix+key, keep, ttl, records, c.keys(keys)...)
}

func (c confined) Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
	return c.Driver.Append(ctx, c.prefix+key, keep, ttl, records...)
}

func (c confined) End(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
	return c.Driver.End(ctx, c.prefix+key, ttl)
}

func (c confined) Since(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
	return c.Driver.Since(ctx, c.prefix+key, from)
}

func (c confined) MaxValue(key string) int {
	return c.Driver.MaxValue(c.prefix + key)
}

// settingsFor are what cachette gives an opener, the timeout being one that no loaded machine exceeds.
func settingsFor(host string) drivers.Settings {
	return drivers.Settings{MemcachedHost: host, OperationTimeout: 20 * time.Second, Logger: slog.New(slog.DiscardHandler)}
}

// open opens the driver by its name.
func open(t testing.TB, settings drivers.Settings) *memcached.Driver {
	t.Helper()
	backend, ok := drivers.Lookup("memcached")
	if !ok {
		t.Fatalf("not registered: %q are", drivers.Linked())
	}
	d, err := backend.Open(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d.(*memcached.Driver)
}

// openConfined opens the driver on a key space of its own, which is empty again in the end.
func openConfined(t testing.TB, host string) confined {
	t.Helper()
	c := confined{open(t, settingsFor(host)), "test-" + rand.Text() + ":"}
	t.Cleanup(func() {
		if _, err := c.Clear(context.Background(), ""); err != nil && !errors.Is(err, drivers.ErrClosed) {
			t.Errorf("Clear: %v", err)
		}
	})
	return c
}

func TestConformance(t *testing.T) {
	for _, server := range []string{testservers.Memcached, testservers.MemcachedTLS, testservers.MemcachedPair, testservers.MemcachedSocket} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			host := testservers.Find(t, server)
			most := openConfined(t, host).MaxValue(strings.Repeat("k", 100))
			drivertest.Run(t, drivertest.Harness{
				New:      func(t testing.TB) drivers.Driver { return openConfined(t, host) },
				MaxValue: most,
			})
		})
	}
}
