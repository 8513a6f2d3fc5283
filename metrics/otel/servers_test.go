package otel_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/inmemory"
)

// servers is a store of two servers: one has what begins with "far", the other all else.
type servers struct{ drivers.Driver }

func (servers) Sharded() bool { return true }

func (servers) ServerOf(key string) string {
	if strings.Contains(key, "far") {
		return "b:1"
	}
	return "a:1"
}

// Of several servers the state of each is measured.
func TestServers(t *testing.T) {
	store := cachettetest.NewStore()
	s := newSite(t, nil, false, nil, func(cfg *cachette.Config) { cfg.Driver = servers{store.Driver()} })
	store.Fail(func(_ context.Context, o cachettetest.Operation) error {
		if strings.Contains(o.Key, "far") {
			return errors.New("away")
		}
		return nil
	})
	for range 4 {
		for _, key := range []string{"far", "close"} {
			_, _ = cachette.Fetch[string](t.Context(), s.Cache, key)
		}
	}
	got := s.measured(t)
	for attributes, want := range map[string]float64{
		"operation=read,server=a:1": 0, "operation=read,server=b:1": 2, "operation=write,server=b:1": 0, "operation=removal,server=a:1": 0,
	} {
		if value, ok := got["cachette.store.server.state{"+attributes+"}"]; !ok || value != want {
			t.Errorf("%s: %v (%t), want %v", attributes, value, ok, want)
		}
	}
	if got["cachette.store.state{operation=read}"] != 2 {
		t.Errorf("the store as a whole: %v", got)
	}
}

// outside is a store outside of the process, as cachette knows it: it keeps bytes.
type outside struct {
	drivers.Driver
	drivers.Adder
	drivers.Log
}

// What near copies take is measured beside what they have answered.
func TestNearMemory(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		driver, err := inmemory.New(inmemory.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := newSite(t, nil, false, nil, func(cfg *cachette.Config) { cfg.Driver, cfg.Near = outside{driver, driver, driver}, 1<<20 })
		cachettetest.Pass(5 * time.Second) // until each process knows of near copies
		for range 5 {
			s.Get("/pages/1")
			cachettetest.Pass(time.Second)
		}
		got, stats := s.measured(t), s.Cache.Stats()
		if stats.NearHits == 0 || stats.Near.Entries == 0 || stats.Near.Bytes == 0 {
			t.Fatalf("nothing is near: %+v", stats.Near)
		}
		for name, want := range map[string]float64{
			"memory.entries{tier=near}": float64(stats.Near.Entries), "memory.used{tier=near}": float64(stats.Near.Bytes), "memory.limit{tier=near}": 1 << 20,
			"memory.evictions{tier=near}": float64(stats.Near.Evictions), "near.hits{}": float64(stats.NearHits),
		} {
			if value, ok := got["cachette."+name]; !ok || value != want {
				t.Errorf("%s: %v (%t), want %v", name, value, ok, want)
			}
		}
		s.spans.Reset()
		s.Get("/pages/1")
		if spans := s.spans.GetSpans(); len(spans) != 1 || attributes(spans[0])["cachette.near"] != "true" || attributes(spans[0])["cachette.outcome"] != "hit" {
			t.Errorf("the span of a near hit: %v", spans)
		}
	})
}
