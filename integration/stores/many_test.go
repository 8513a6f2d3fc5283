package stores_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-cachette/cachette"
)

// What one cache puts another on the store fetches, many at once or one by one; and of both one adds.
func TestManyOfTwoCaches(t *testing.T) {
	t.Parallel()
	for backend, start := range valueStores() {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			cfg := start(t)
			cfg.OperationTimeout, cfg.Codec, cfg.KeyPrefix = patient, "json", fmt.Sprintf("many-%d:", time.Now().UnixNano())
			one, other := newSite(t, cfg).cache, newSite(t, cfg).cache
			all := make(map[string]int)
			for i := range 300 {
				all[fmt.Sprint("key", i)] = i
			}
			keys := append(slices.Collect(maps.Keys(all)), "absent", "key7")
			if err := cachette.PutMany(t.Context(), one, all, time.Hour); err != nil {
				t.Fatal(err)
			}
			if got, err := cachette.FetchMany[int](t.Context(), other, keys); err != nil || !maps.Equal(got, all) {
				t.Errorf("FetchMany = %d values, %v, want %d", len(got), err, len(all))
			}
			var value int
			if err := other.Fetch(t.Context(), "key299", &value); err != nil || value != 299 {
				t.Errorf("Fetch = %d, %v", value, err)
			}
			if n, err := other.Delete(t.Context(), "key1", "key2"); n != 2 || err != nil {
				t.Errorf("Delete = %d, %v", n, err)
			}
			delete(all, "key1")
			delete(all, "key2")
			if got, err := cachette.FetchMany[int](t.Context(), one, keys); err != nil || !maps.Equal(got, all) {
				t.Errorf("behind Delete: FetchMany = %d values, %v, want %d", len(got), err, len(all))
			}
			for round := range 5 {
				var added atomic.Int64
				var running sync.WaitGroup
				for i := range 16 {
					running.Go(func() {
						ok, err := []*cachette.Cache{one, other}[i%2].Add(t.Context(), fmt.Sprint("added", round), i, time.Hour)
						if err != nil {
							t.Error(err)
						}
						if ok {
							added.Add(1)
						}
					})
				}
				running.Wait()
				if n := added.Load(); n != 1 {
					t.Errorf("%d of 16 were told that they have added", n)
				}
			}
		})
	}
}
