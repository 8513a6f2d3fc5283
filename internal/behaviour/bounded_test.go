package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// However many different pages clients ask for, and whatever becomes of them, the process holds no more than the memory
// limit: nothing keeps a key, a path or a response besides the store.
func TestNothingGrows(t *testing.T) {
	const limit = 1 << 20
	s := newSite(t, func(cfg *cachette.Config) { cfg.MemoryLimit = limit })
	cached := cachette.Cached(time.Hour, cachette.WithKeyPart(func(c *gin.Context) string { return c.GetHeader("X-Part") }))
	s.Any("/:kind/*rest", gin.RecoveryWithWriter(nil), cached, func(c *gin.Context) {
		switch c.Param("kind") {
		case "private":
			c.Header("Cache-Control", "private")
		case "varied":
			c.Header("Vary", "X-Kind")
		case "missing":
			c.Status(http.StatusNotFound)
			return
		case "panic":
			panic("no")
		case "stream":
			c.Writer.Flush()
		}
		c.String(http.StatusOK, "page")
	})
	kinds := []string{"stored", "private", "varied", "missing", "panic", "stream"}
	long := strings.Repeat("x", 5000)
	round := func(from, n int) {
		for i := from; i < from+n; i++ {
			target := fmt.Sprintf("/%s/%d-%s", kinds[i%len(kinds)], i, long)
			value := fmt.Sprintf("%d-%s", i, long)
			s.get(target, "X-Kind: "+value, "X-Part: "+value)
			switch i % 7 {
			case 0:
				s.do(http.MethodHead, target)
			case 1:
				s.do(http.MethodPost, target)
			case 2:
				_ = s.cache.PurgePath(t.Context(), target)
			case 3:
				_ = s.cache.ClearNamespace(t.Context(), value)
			case 4:
				s.get(target, "Cache-Control: no-cache")
			}
		}
	}
	round(0, 500)
	before := heap()
	const n = 2000
	round(500, n)
	if grown := heap() - before; grown > 2*limit { // each key alone is five kilobytes and more: ten times as much in all
		t.Errorf("%d requests left %d KiB behind", n, grown>>10)
	}
}

// However many different values are asked for, and whatever becomes of their loads, no name stays but in the store.
func TestNoNameStays(t *testing.T) {
	const limit = 1 << 20
	s := newSite(t, func(cfg *cachette.Config) { cfg.MemoryLimit = limit })
	load := func(_ context.Context, missing []int) (map[int]string, error) {
		switch missing[0] % 5 {
		case 0:
			return nil, errors.New("broken")
		case 1:
			return nil, cachette.ErrNotFound
		case 2:
			panic("no")
		case 3:
			runtime.Goexit()
		}
		return map[int]string{missing[0]: "value"}, nil
	}
	long := strings.Repeat("x", 5000)
	name := func(n int) string { return fmt.Sprint(n, long) }
	round := func(from, n int) {
		for i := from; i < from+n; i++ {
			_, _ = cachette.Remember(t.Context(), s.cache, name(i), time.Hour, func(ctx context.Context) (string, error) {
				all, err := cachette.RememberMany(ctx, s.cache, []int{-i, i}, name, time.Hour, load)
				return all[i], err
			})
		}
	}
	round(0, 500)
	before := heap()
	const n = 2000
	round(500, n)
	if grown := heap() - before; grown > 2*limit { // each name alone is five kilobytes: ten times as much in all
		t.Errorf("%d values left %d KiB behind", n, grown>>10)
	}
}

// heap returns how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A cache may be closed at any time: whoever asks meanwhile, or afterwards, gets a whole page.
func TestCloseWhileBusy(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		handler, runs := counted(text("page", `ETag: "v1"`, "Vary: X-Kind"))
		s.GET("/", cachette.Cached(time.Millisecond, cachette.WithStaleWhileRevalidate(time.Hour)), handler)
		s.GET("/fresh", cachette.Cached(time.Hour), handler)
		s.POST("/", text("posted"))
		closed := make(chan struct{})
		workers := together(8, func(i int) string {
			for n := 0; ; n++ {
				kind := fmt.Sprintf("X-Kind: %d", n%3)
				for _, a := range []answer{s.get("/", kind), s.get("/fresh", kind), s.get("/", kind, "Cache-Control: no-cache")} {
					if a.status != http.StatusOK || a.body != "page" {
						return fmt.Sprintf("%d %q (%s)", a.status, a.body, a.cacheStatus())
					}
				}
				s.do(http.MethodPost, "/")
				select {
				case <-closed:
					if n > 20 {
						return ""
					}
				default:
				}
			}
		})
		for runs.Load() < 50 {
			runtime.Gosched()
		}
		if err := s.cache.Close(); err != nil {
			t.Error(err)
		}
		close(closed)
		for range 8 {
			if problem := await(t, "a client", workers); problem != "" {
				t.Error(problem)
			}
		}
		before := runs.Load()
		if a := s.get("/fresh"); a.hit() || a.body != "page" || runs.Load() != before+1 {
			t.Errorf("closed: %q (%s)", a.body, a.cacheStatus())
		}
	})
}
