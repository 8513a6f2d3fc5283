package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
	"github.com/gin-cachette/cachette/drivers"
)

// slowly has the store take so long for each response that it is to take.
func slowly(d time.Duration) func(context.Context, call) error {
	return func(ctx context.Context, c call) error {
		if c.op != "set" || !isResponse(c.key) {
			return nil
		}
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// at is an exchange without what a test does behind it.
func (s *site) at(method, target string, fields ...string) cachettetest.Answer {
	return cachettetest.Do(s.t, s.Engine, method, target, fields...)
}

// No client waits for the store to take a page: not the one of the miss, nor those that follow it, nor the next one; nor the client of a
// page that the handler confirms (RFC 9111 §4.3.4), or takes back.
func TestNoClientWaitsForAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot()
		s := newSite(t, d.on)
		const own = 10 * time.Millisecond
		handler, runs := counted(func(c *gin.Context) {
			time.Sleep(own)
			c.Header("Etag", `"v"`)
			c.Header("Vary", "X-A")
			switch {
			case c.GetHeader("X-Gone") != "":
				c.Status(http.StatusGone)
			case c.GetHeader("If-None-Match") != "":
				c.Status(http.StatusNotModified)
			default:
				c.String(http.StatusOK, "page")
			}
		})
		s.GET("/page", cachette.Cached(time.Minute), handler)
		s.get("/page?first")
		d.breakdown(slowly(300 * time.Millisecond))
		began := time.Now()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if a := s.at("GET", "/page"); a.Body != "page" || time.Since(began) != own {
					t.Errorf("%q after %v, want it after %v (%s)", a.Body, time.Since(began), own, a.CacheStatus())
				}
			})
		}
		all.Wait()
		if a := s.at("GET", "/page"); !a.Hit() || time.Since(began) != own || runs.Load() != 2 {
			t.Errorf("the next one: %s after %v, %d runs", a.CacheStatus(), time.Since(began), runs.Load())
		}
		if a := s.at("GET", "/page", "X-A: other"); !strings.Contains(a.CacheStatus(), "fwd=vary-miss; stored") || time.Since(began) != 2*own {
			t.Errorf("another variant: %s after %v", a.CacheStatus(), time.Since(began))
		}
		if a := s.at("GET", "/page", "Cache-Control: no-cache"); !strings.Contains(a.CacheStatus(), "stored") || time.Since(began) != 3*own {
			t.Errorf("a confirmed one: %s after %v", a.CacheStatus(), time.Since(began))
		}
		if a := s.at("GET", "/page", "Cache-Control: no-cache", "X-Gone: 1"); a.Status != http.StatusGone || time.Since(began) != 4*own {
			t.Errorf("taken back: %d after %v", a.Status, time.Since(began))
		}
		if a := s.at("GET", "/page"); a.Hit() {
			t.Errorf("behind that: %s", a.CacheStatus())
		}
	})
}

// What waits for the store is bounded; what is beyond is served, not kept, and counted.
func TestDroppedIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot()
		s := newSite(t, d.on, func(cfg *cachette.Config) { cfg.MemoryLimit, cfg.BodyLimit = 1<<20, 250_000 })
		s.GET("/:page", cachette.Cached(time.Minute), text(strings.Repeat("x", 200_000)))
		s.get("/0")
		d.breakdown(slowly(300 * time.Millisecond))
		const pages = 30
		for i := range pages {
			if a := s.at("GET", fmt.Sprint("/", i)); a.Status != http.StatusOK {
				t.Errorf("%d: %d", i, a.Status)
			}
		}
		s.settle()
		stats := s.cache.Stats()
		if stats.Dropped == 0 || stats.Stored < 4 || stats.Dropped+stats.Stored != pages {
			t.Errorf("%+v", stats)
		}
	})
}

// A store that is full takes no page: it is served, found by none, and counted, and no refresh runs for each request.
func TestWritesThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot()
		s := newSite(t, d.on)
		handler, runs := counted(text("page", "Cache-Control: max-age=1, stale-while-revalidate=60"))
		s.GET("/page", cachette.Cached(time.Minute), handler)
		s.get("/page")
		d.breakdown(func(_ context.Context, c call) error {
			if c.op == "set" && isResponse(c.key) {
				return errors.New("full")
			}
			return nil
		})
		cachettetest.Pass(2 * time.Second)
		for range 5 {
			if a := s.get("/page"); !a.hit() {
				t.Errorf("%s", a.cacheStatus())
			}
			cachettetest.Pass(time.Millisecond)
		}
		if runs.Load() != 2 {
			t.Errorf("%d runs, want one refresh", runs.Load())
		}
		if stats := s.cache.Stats(); stats.Stored != 1 || stats.Dropped != 1 {
			t.Errorf("%+v", stats)
		}
		if err := s.cache.Refresh(t.Context(), "http://example.com/page"); err == nil || !strings.Contains(err.Error(), "full") {
			t.Errorf("a refresh that the program asked for: %v", err)
		}
	})
}

// Close writes what waits, and Settle tells that the cache is closed.
func TestCloseWritesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot()
		s := newSite(t, d.on)
		s.GET("/page", cachette.Cached(time.Minute), text("page"))
		d.breakdown(slowly(300 * time.Millisecond))
		s.at("GET", "/page")
		if keys := d.keys(isResponse); len(keys) > 0 {
			t.Errorf("%q are stored already", keys)
		}
		if err := s.cache.Close(); err != nil {
			t.Error(err)
		}
		if keys := d.keys(isResponse); len(keys) != 1 {
			t.Errorf("stored: %q", keys)
		}
		if err := s.cache.Settle(t.Context()); !errors.Is(err, cachette.ErrClosed) {
			t.Error(err)
		}
	})
}

// A page that is stored damaged is a miss, whatever became of it, and the next one mends it.
func TestDamagedPage(t *testing.T) {
	d := newDepot()
	s := newSite(t, d.on)
	s.GET("/page", cachette.Cached(time.Minute), text("page"))
	s.get("/page")
	d.change(isResponse, func(value []byte) []byte {
		value[len(value)-1] ^= 1 // of the body
		return value
	})
	if a := s.get("/page"); a.hit() || a.body != "page" {
		t.Errorf("damaged: %q, %s", a.body, a.cacheStatus())
	}
	if a := s.get("/page"); !a.hit() || a.body != "page" {
		t.Errorf("mended: %q, %s", a.body, a.cacheStatus())
	}
}

// A store that finds a page too large only when it is written: the next answer says so, and the page that it would have replaced is gone.
func TestTooLargeWhenWritten(t *testing.T) {
	d := newDepot()
	s := newSite(t, d.on)
	s.GET("/page", cachette.Cached(time.Minute), text("page"))
	s.get("/page")
	d.breakdown(func(_ context.Context, c call) error {
		if c.op == "set" && isResponse(c.key) {
			return drivers.ErrTooLarge
		}
		return nil
	})
	s.get("/page", "Cache-Control: no-cache")
	if a := s.get("/page"); !strings.Contains(a.cacheStatus(), "fwd=uri-miss; detail=too-large") {
		t.Errorf("%s", a.cacheStatus())
	}
	if stats := s.cache.Stats(); stats.TooLarge != 2 || stats.Dropped != 0 {
		t.Errorf("%+v", stats)
	}
}
