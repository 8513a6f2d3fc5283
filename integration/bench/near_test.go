package bench

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// BenchmarkNear measures hits on what is near the process, in front of Redis ("cachette"), beside hits on the same in memory ("raw"): a page
// of 1 KB, without tags and with 8, and a value that Remember finds.
func BenchmarkNear(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	where := testservers.Find(b, testservers.Redis)
	near, inMemory := gin.New(), gin.New()
	nearCache := installed(b, near, cachette.Config{Backend: "redis", RedisURL: where, Near: 16 << 20, Codec: "json"})
	memoryCache := installed(b, inMemory, cachette.Config{Codec: "json"})
	tagging(near)
	tagging(inMemory)
	for n, name := range map[int]string{0: "page", 8: "8 tags"} {
		b.Run(name, func(b *testing.B) {
			raw := hittingTagged(b, inMemory, n)
			ask := httptest.NewRequest(http.MethodGet, taggedPath(n), nil)
			comesNear(b, nearCache, func() { near.ServeHTTP(null(), ask) })
			duel(b, hittingTagged(b, near, n), raw)
		})
	}
	b.Run("Remember", func(b *testing.B) {
		remember := func(cache *cachette.Cache) func() error {
			return func() error {
				_, err := cachette.Remember(context.Background(), cache, "anvil", time.Hour, func(context.Context) (string, error) { return "anvil", nil })
				return err
			}
		}
		raw := remember(memoryCache)
		if err := raw(); err != nil {
			b.Fatal(err)
		}
		comesNear(b, nearCache, func() {
			if err := remember(nearCache)(); err != nil {
				b.Fatal(err)
			}
		})
		duel(b, remember(nearCache), raw)
	})
}

// comesNear does something until near copies answer it, so that it asks the store nothing: they keep nothing until all processes know of them.
func comesNear(b *testing.B, cache *cachette.Cache, do func()) {
	b.Helper()
	const often = 100 // what looks at the purges reads now and then, too
	for range 500 {
		before := reads(cache)
		for range often {
			do()
		}
		if reads(cache) < before+often/10 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.Fatal("it does not come near")
}

func reads(cache *cachette.Cache) uint64 { return cache.Stats().Store.Reads.Done }
