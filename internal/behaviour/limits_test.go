package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/inmemory"
)

// narrow is a store that takes values of up to 4 KiB.
type narrow struct {
	*shelf
}

const narrowLimit = 4 << 10

func (n narrow) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if len(value) > narrowLimit {
		_, err := n.Delete(ctx, key)
		return errors.Join(fmt.Errorf("a value of %d bytes: %w", len(value), drivers.ErrTooLarge), err)
	}
	return n.shelf.Set(ctx, key, value, ttl)
}

// narrowKnown is a narrow store that tells its limit.
type narrowKnown struct{ narrow }

func (n narrowKnown) MaxValue(string) int { return narrowLimit }

// tiny returns a store in memory for entries of up to 4 KiB and a little.
func tiny(t *testing.T) *inmemory.Driver {
	d, err := inmemory.New(inmemory.Options{MemoryLimit: 13 << 10})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// untold is a store of objects that does not tell its limit.
type untold struct {
	drivers.Driver
	drivers.Objects
}

func newUntold(t *testing.T) untold {
	d := tiny(t)
	return untold{d, d}
}

// A response that is larger than the cache, or its store, takes is served as it is, not stored, and counted. Cache-Status
// says so where the size is known before anything goes out: by Content-Length, or by the first write.
func TestTooLarge(t *testing.T) {
	const (
		small = 1 << 10
		large = 8 << 10
	)
	for _, store := range []struct {
		name  string
		use   func(*cachette.Config)
		asked bool // whether the store's limit is known before the store refuses
	}{
		{"body limit", func(cfg *cachette.Config) { cfg.BodyLimit = 4 << 10 }, true},
		{"body limit, store of bytes", func(cfg *cachette.Config) { cfg.BodyLimit, cfg.Driver = 4<<10, newShelf() }, true},
		{"store of objects", func(cfg *cachette.Config) { cfg.Driver = tiny(t) }, true},
		{"store of objects that does not tell its limit", func(cfg *cachette.Config) { cfg.Driver = newUntold(t) }, false},
		{"store with a limit that it tells", func(cfg *cachette.Config) { cfg.Driver = narrowKnown{narrow{shelf: newShelf()}} }, true},
		{"store with a limit that it does not tell", func(cfg *cachette.Config) { cfg.Driver = narrow{shelf: newShelf()} }, false},
	} {
		for _, row := range []struct {
			name    string
			size    int
			pieces  int
			declare bool
			vary    bool
			fits    bool
			early   bool // its size is known early
		}{
			{name: "small", size: small, pieces: 1, fits: true, early: true},
			{name: "small, in pieces", size: small, pieces: 4, fits: true},
			{name: "large, in one write", size: large, pieces: 1, early: true},
			{name: "large, in one write, with variants", size: large, pieces: 1, vary: true, early: true},
			{name: "large, in pieces", size: large, pieces: 16},
			{name: "large, in pieces, declared", size: large, pieces: 16, declare: true, early: true},
		} {
			t.Run(store.name+"/"+row.name, func(t *testing.T) {
				s := newSite(t, store.use)
				body := strings.Repeat("x", row.size)
				handler, runs := counted(func(c *gin.Context) {
					if row.declare {
						c.Header("Content-Length", fmt.Sprint(row.size))
					}
					if row.vary {
						c.Header("Vary", "X-A")
					}
					c.Status(http.StatusOK)
					step := row.size / row.pieces
					for i := 0; i < row.size; i += step {
						_, _ = c.Writer.WriteString(body[i : i+step])
					}
				})
				s.GET("/", cachette.Cached(time.Minute), handler)

				want := "cachette; fwd=uri-miss; stored"
				if !row.fits && row.early && store.asked {
					want = "cachette; fwd=uri-miss; detail=too-large"
				}
				for i := range 2 {
					a := s.get("/")
					if a.status != http.StatusOK || a.body != body {
						t.Errorf("request %d: %d with %d bytes, want 200 with %d", i, a.status, len(a.body), len(body))
					}
					if i == 0 && a.cacheStatus() != want {
						t.Errorf("Cache-Status %q, want %q", a.cacheStatus(), want)
					}
				}
				stats := s.cache.Stats()
				if row.fits && (runs.Load() != 1 || stats.Stored != 1 || stats.TooLarge != 0) {
					t.Errorf("the handler ran %d times, and the stats are %+v, want 1 and one stored", runs.Load(), stats)
				}
				if !row.fits && (runs.Load() != 2 || stats.Stored != 0 || stats.TooLarge != 2) {
					t.Errorf("the handler ran %d times, and the stats are %+v, want 2 and two too large", runs.Load(), stats)
				}
				if stats.StoreFailures != 0 {
					t.Errorf("%d failures of the store are counted", stats.StoreFailures)
				}
			})
		}
	}
}

// Near a limit that the store tells, what Cache-Status says of a response is what becomes of it: far from it at some sizes, and at each
// where the one turns into the other.
func TestTooLargeByAFewBytes(t *testing.T) {
	for _, row := range []struct {
		name string
		open func() drivers.Driver
		most int // the size of the largest body that is tried
	}{
		{"bytes", func() drivers.Driver { return narrowKnown{narrow{shelf: newShelf()}} }, narrowLimit},
		{"objects", func() drivers.Driver { return tiny(t) }, tiny(t).MaxValue("")},
	} {
		for _, vary := range []string{"", "X-A", "X-A, X-B"} {
			testTooLargeByAFewBytes(t, row.name, row.open, row.most, vary)
		}
	}
}

func testTooLargeByAFewBytes(t *testing.T, name string, open func() drivers.Driver, most int, vary string) {
	t.Run(name+"/Vary: "+vary, func(t *testing.T) {
		s := newSite(t, func(cfg *cachette.Config) { cfg.Driver = open() })
		s.GET("/:size", cachette.Cached(time.Minute), func(c *gin.Context) {
			var size int
			_, _ = fmt.Sscan(c.Param("size"), &size)
			c.Header("Vary", vary)
			c.String(http.StatusOK, strings.Repeat("x", size))
		})
		said, largest := make(map[string]int), 0
		try := func(size int) {
			before := s.cache.Stats()
			status := s.get(fmt.Sprintf("/%d", size)).cacheStatus()
			said[status]++
			stored := s.cache.Stats().Stored == before.Stored+1
			tooLarge := s.cache.Stats().TooLarge == before.TooLarge+1
			if stored == tooLarge || stored != strings.Contains(status, "stored") {
				t.Errorf("%d bytes: stored %t, too large %t, and Cache-Status says %q", size, stored, tooLarge, status)
			}
			if stored {
				largest = max(largest, size)
			}
		}
		const step = 25
		for size := most - 2000; size <= most; size += step {
			try(size)
		}
		limit := largest // or a step less
		for size := limit - 2*step; size < limit+2*step; size++ {
			if (size-most)%step != 0 {
				try(size)
			}
		}
		if said["cachette; fwd=uri-miss; stored"] < 10 || said["cachette; fwd=uri-miss; detail=too-large"] < 10 {
			t.Errorf("not both sides of the limit were tried: %v", said)
		}
	})
}

// The store's failures are counted, and what is not tried because the store does not answer is not.
func TestStatsOfFailures(t *testing.T) {
	store := newShelf()
	s := newSite(t, store.on)
	s.GET("/", cachette.Cached(time.Minute), text("page"))
	store.breakdown(func(context.Context, call) error { return errors.New("no") })
	for range 20 {
		s.get("/")
	}
	if got, asked := s.cache.Stats(), store.asked(); got.StoreFailures != uint64(asked) || asked == 0 || got.Stored != 0 {
		t.Errorf("%+v, and the store was asked %d times", got, asked)
	}
}

// tabled is a store that is there for caches alone, or says that it is not.
type tabled struct {
	*shelf
	alone bool
}

func (d tabled) Dedicated() bool { return d.alone }

// With plain keys nothing tells the cache's keys from others': a store that other programs use is not flushed.
func TestFlushWithPlainKeys(t *testing.T) {
	for _, row := range []struct {
		name string
		use  func(*cachette.Config)
		ok   bool
	}{
		{"in memory", func(*cachette.Config) {}, true},
		{"shared", func(cfg *cachette.Config) { cfg.Driver = newShelf() }, false},
		{"shared, and says so", func(cfg *cachette.Config) { cfg.Driver = tabled{newShelf(), false} }, false},
		{"dedicated", func(cfg *cachette.Config) { cfg.Driver = tabled{newShelf(), true} }, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t, row.use, func(cfg *cachette.Config) { cfg.PlainKeys = true })
			if err := s.cache.Put(t.Context(), "key", "value", 0); err != nil {
				t.Fatal(err)
			}
			err := s.cache.Flush(t.Context())
			var value string
			left := s.cache.Fetch(t.Context(), "key", &value) == nil
			if row.ok && (err != nil || left) {
				t.Errorf("Flush: %v, and the value is there: %t", err, left)
			}
			if !row.ok && (!errors.Is(err, cachette.ErrInvalid) || !left || !strings.Contains(err.Error(), "CACHETTE_KEY_PREFIX")) {
				t.Errorf("Flush: %v, and the value is there: %t; want an error that names the setting", err, left)
			}
		})
	}
}

// crate is a store of bytes that reads several keys at once.
type crate struct{ *shelf }

func (s crate) GetValues(ctx context.Context, keys ...string) ([][]byte, error) {
	if err := s.begin(ctx, call{"get", keys[0]}); err != nil {
		return nil, err
	}
	values := make([][]byte, len(keys))
	for i, key := range keys {
		if item, err := s.peek(key); err == nil {
			values[i] = append([]byte{}, item.Value...)
		}
	}
	s.mu.Lock()
	behind := s.behind
	s.mu.Unlock()
	if behind != nil {
		behind(keys)
	}
	return values, nil
}

// How often a store is asked: once for a hit where it reads several keys at once. The first miss looks at the logs of purges; and one
// of a path that has no marks yet adds them, two for a scope, which a store that adds nothing itself is asked three times for.
func TestRoundTrips(t *testing.T) {
	depot := newDepot()
	bytes, batch := newShelf(), crate{newShelf()}
	for _, row := range []struct {
		name                           string
		store                          *shelf
		driver                         drivers.Driver
		start, first, miss, hit, write int
		variantMiss, variant           int
	}{
		{"one key at a time", bytes, bytes, 18, 15, 4, 3, 1, 17, 4},
		{"several keys at once", batch.shelf, batch, 17, 14, 2, 1, 1, 16, 1},
		{"logs", depot.shelf, depot, 6, 3, 2, 1, 1, 5, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := row.store
			s := newSite(t, func(cfg *cachette.Config) { cfg.Driver = row.driver })
			s.GET("/start", cachette.Cached(time.Minute), text("page"))
			s.PUT("/page", text("done"))
			s.POST("/cached", cachette.Cached(time.Minute), text("done"))
			s.GET("/page", cachette.Cached(time.Minute), text("page"))
			s.GET("/variants", cachette.Cached(time.Minute), func(c *gin.Context) {
				c.Header("Vary", "X-A")
				c.String(http.StatusOK, "page")
			})
			for _, step := range []struct {
				what, target string
				want         int
			}{
				{"the first miss of all", "/start", row.start}, {"the first miss of a path", "/page", row.first}, {"another miss of the path", "/page?a", row.miss}, {"a hit", "/page", row.hit},
				{"the first miss with variants", "/variants", row.variantMiss}, {"a hit of a variant", "/variants", row.variant},
			} {
				store.asked()
				s.get(step.target)
				if n := store.asked(); n != step.want {
					t.Errorf("%s: the store was asked %d times, want %d", step.what, n, step.want)
				}
			}
			if err := s.cache.PurgePath(t.Context(), "/other"); err != nil { // has looked whether there are near tiers
				t.Fatal(err)
			}
			store.asked()
			for _, write := range []struct{ method, path string }{{http.MethodPut, "/page"}, {http.MethodPost, "/cached"}} {
				s.do(write.method, write.path)
				if n := store.asked(); n != row.write {
					t.Errorf("%s %s: the store was asked %d times, want %d", write.method, write.path, n, row.write)
				}
			}
		})
	}
}
