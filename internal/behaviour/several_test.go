package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette"
)

// spread is a store of three servers, each of which can be made to hang.
type spread struct{ crate }

// hang has one server say nothing.
func (s spread) hang(server string) {
	s.breakdown(func(ctx context.Context, c call) error {
		first, _, _ := strings.Cut(c.key, " ") // of several keys, which are of one server
		if s.ServerOf(first) == server {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	})
}

func (spread) Sharded() bool { return true }

func (spread) ServerOf(key string) string {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(key))
	return fmt.Sprint("server", sum.Sum32()%3)
}

// owner returns the server of a value.
func (s spread) owner(key string) string { return s.ServerOf("cachette:" + key) }

// Of several servers one that hangs costs the requests for what it keeps three operation timeouts together, and the others nothing. Which
// one that is is told by Stats. What is deleted from it is owed, as the error says, and the rest is gone.
func TestOneServerOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := spread{crate{newShelf()}}
		s := newSite(t, func(cfg *cachette.Config) { cfg.Driver, cfg.OperationTimeout = store, 500*time.Millisecond })
		var keys []string
		for i := range 40 {
			keys = append(keys, fmt.Sprint("key", i))
			if err := s.cache.Put(t.Context(), keys[i], i, time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		store.hang("server1")
		began := time.Now()
		for i, key := range keys {
			var value int
			err := s.cache.Fetch(t.Context(), key, &value)
			if dead := store.owner(key) == "server1"; (err != nil) != dead || err == nil && value != i {
				t.Errorf("%s of %s: %d, %v", key, store.owner(key), value, err)
			}
		}
		if took := time.Since(began); took != 1500*time.Millisecond {
			t.Errorf("%d values took %v", len(keys), took)
		}
		servers := s.cache.Stats().Store.Servers
		for name, want := range map[string]string{"server0": "closed", "server1": "open", "server2": "closed"} {
			if got := servers[name]; got != (cachette.ServerStats{Reads: want, Writes: "closed", Removals: "closed"}) {
				t.Errorf("%s: %+v", name, got)
			}
		}
		wantDeletedApart(t, s, store, keys)
	})
	if servers := newSite(t).cache.Stats().Store.Servers; len(servers) > 0 {
		t.Errorf("in memory: %+v", servers)
	}
}

// wantDeletedApart deletes keys of which those of one server do not go, which comes back then.
func wantDeletedApart(t *testing.T, s *site, store spread, keys []string) {
	t.Helper()
	var left []string
	for _, key := range keys[:20] {
		if store.owner(key) == "server1" {
			left = append(left, key)
		}
	}
	n, err := s.cache.Delete(t.Context(), keys[:20]...)
	var failed *cachette.OpError
	if n != 20-len(left) || !errors.As(err, &failed) || failed.Key != strings.Join(left, ", ") {
		t.Fatalf("%d are deleted, %v; want all but %q", n, err, left)
	}
	store.breakdown(nil)
	time.Sleep(10 * time.Second)
	for i, key := range keys {
		var value int
		if err := s.cache.Fetch(t.Context(), key, &value); errors.Is(err, cachette.ErrMiss) != (i < 20) {
			t.Errorf("once it is back, %s: %v", key, err)
		}
	}
}
