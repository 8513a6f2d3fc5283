package prometheus_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/inmemory"
	metrics "github.com/gin-cachette/cachette/metrics/prometheus"
)

// servers is a store that keeps each value on the server that its key names, and all else on the first one.
type servers struct{ drivers.Driver }

func (servers) Sharded() bool { return true }

func (servers) ServerOf(key string) string {
	if i := strings.Index(key, "server-"); i >= 0 {
		return key[i:]
	}
	return "server-000"
}

// The states of a hundred servers are told apart; of the others, the worst is told.
func TestServers(t *testing.T) {
	const failing, failingBeyond, all = "server-007", "server-117", 120
	store := cachettetest.NewStore()
	e := cachettetest.New(t, func(cfg *cachette.Config) { cfg.Driver = servers{store.Driver()} })
	store.Fail(func(_ context.Context, o cachettetest.Operation) error {
		if strings.HasSuffix(o.Key, failing) || strings.HasSuffix(o.Key, failingBeyond) {
			return errors.New("away")
		}
		return nil
	})
	for n := range all {
		for range 4 {
			_, _ = cachette.Fetch[string](t.Context(), e.Cache, fmt.Sprintf("server-%03d", n))
		}
	}
	got, text := scrape(t, endpoint(t, metrics.NewCollector(e.Cache)))
	stats := e.Cache.Stats().Store.Servers
	if len(stats) != all || stats[failing].Reads != "open" {
		t.Fatalf("%d servers, of which %s is %q", len(stats), failing, stats[failing].Reads)
	}
	for i, server := range slices.Sorted(maps.Keys(stats)) {
		want := 0.0
		switch {
		case i == 100:
			server, want = "other", 2
		case i > 100:
			continue
		case server == failing:
			want = 2
		}
		for operation, want := range map[string]float64{"read": want, "write": 0, "removal": 0} {
			if value, ok := got.value("cachette_store_server_state", "operation", operation, "server", server); !ok || value != want {
				t.Errorf("%s of %s: %v (%t), want %v", operation, server, value, ok, want)
			}
		}
	}
	if n := strings.Count(text, "\ncachette_store_server_state{"); n != 3*101 {
		t.Errorf("%d series", n)
	}
	for operation, want := range map[string]float64{"read": 2, "write": 0} {
		if value, ok := got.value("cachette_store_state", "operation", operation); !ok || value != want {
			t.Errorf("%s of the store as a whole: %v (%t), want that of the worst server, %v", operation, value, ok, want)
		}
	}
}

// outside is a store outside of the process, as cachette knows it: it keeps bytes.
type outside struct {
	drivers.Driver
	drivers.Adder
	drivers.Log
}

func newOutside(t *testing.T) outside {
	t.Helper()
	driver, err := inmemory.New(inmemory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return outside{driver, driver, driver}
}

// What near copies take is told beside what they have answered.
func TestNearMemory(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		e := site(t, func(cfg *cachette.Config) { cfg.Driver, cfg.Near = newOutside(t), 1<<20 })
		cachettetest.Pass(5 * time.Second) // until each process knows of near copies
		for range 5 {
			e.Get("/pages/1")
			cachettetest.Pass(time.Second)
		}
		got := gathered(t, metrics.NewCollector(e.Cache))
		stats := e.Cache.Stats()
		if stats.NearHits == 0 || stats.Near.Entries == 0 || stats.Near.Bytes == 0 || stats.Near.Limit != 1<<20 {
			t.Fatalf("nothing is near: %+v", stats.Near)
		}
		for name, want := range map[string]float64{
			"memory_entries": float64(stats.Near.Entries), "memory_used_bytes": float64(stats.Near.Bytes), "memory_limit_bytes": 1 << 20,
			"memory_evictions_total": float64(stats.Near.Evictions),
		} {
			if value, ok := got.value("cachette_"+name, "tier", "near"); !ok || value != want {
				t.Errorf("%s: %v (%t), want %v", name, value, ok, want)
			}
			if _, ok := got.value("cachette_"+name, "tier", "store"); ok {
				t.Errorf("%s: the store has no memory of this process", name)
			}
		}
		if value, _ := got.value("cachette_near_hits_total"); value != float64(stats.NearHits) {
			t.Errorf("near hits: %v, want %d", value, stats.NearHits)
		}
	})
}

// gathered is what a registry has, without a scrape: a bubble has no sockets.
func gathered(t *testing.T, collector prometheus.Collector) scraped {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := scraped{}
	for _, family := range families {
		all[family.GetName()] = family
	}
	return all
}
