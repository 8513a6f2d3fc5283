package bench

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// unlimited is a memory limit that no benchmark reaches.
const unlimited = 16 << 30

// BenchmarkMiss measures what a miss adds to its handler: every request is for another query, so each one is looked up,
// handled, captured and stored. "cachette-full" is a cache that has reached its memory limit, and makes room for each
// response by evicting others; the peer's store has no limit.
func BenchmarkMiss(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	for _, peer := range []struct {
		name string
		make func(*testing.B) *gin.Engine
	}{
		{"cachette", func(b *testing.B) *gin.Engine { return newLimited(b, unlimited) }},
		{"cachette-full", func(b *testing.B) *gin.Engine { return newLimited(b, 1<<20) }},
		{"no-cache", func(*testing.B) *gin.Engine {
			engine := gin.New()
			engine.GET("/document", document)
			return engine
		}},
		{"chenyahui-gin-cache", newGinCache},
	} {
		b.Run(peer.name, func(b *testing.B) {
			engine := peer.make(b)
			r := httptest.NewRequest(http.MethodGet, "/document", nil)
			w := null()
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				r.URL.RawQuery = strconv.Itoa(n)
				r.RequestURI = "/document?" + r.URL.RawQuery
				clear(w.Header())
				engine.ServeHTTP(w, r)
			}
		})
	}
}

// BenchmarkMemory fills a cache with ten times its limit of distinct responses and reports what the heap grew by, as
// a percentage of the limit, and how many responses are there in the end.
func BenchmarkMemory(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	const limit = 64 << 20
	for b.Loop() {
		before := heap()
		engine := gin.New()
		cache, err := cachette.Install(engine, func() (cachette.Config, error) {
			return cachette.Config{MemoryLimit: limit}, nil
		})
		if err != nil {
			b.Fatal(err)
		}
		engine.GET("/document", cachette.Cached(time.Hour), document)
		r := httptest.NewRequest(http.MethodGet, "/document", nil)
		w := null()
		const requests = 10 * limit / 1024
		for n := range requests {
			r.URL.RawQuery = strconv.Itoa(n)
			clear(w.Header())
			engine.ServeHTTP(w, r)
		}
		b.ReportMetric(float64(heap()-before)/limit*100, "heap-%-of-limit")
		b.ReportMetric(requests, "responses")
		runtime.KeepAlive(engine)
		_ = cache.Close()
	}
}

// heap returns how many bytes are in use once everything that can be is collected.
func heap() int64 {
	var stats runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
