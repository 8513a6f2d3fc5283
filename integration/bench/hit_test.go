// Package bench compares cachette with what it stands in for, and with its peers, in one run on one machine: the ratios
// count, not the times.
package bench

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	gincache "github.com/chenyahui/gin-cache"
	"github.com/chenyahui/gin-cache/persist"
	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// body is a JSON document of 1 KB.
var body = []byte(`{"items":["` + strings.Repeat("x", 1<<10-14) + `"]}`)

// null returns a writer that costs as little as one can: what is measured is what stands in front of it. It is one of net/http's, as that
// of a server is, since a cache is more careful with writers of middleware. Its header has gone out already, so it keeps nothing.
func null() *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	w.Body = nil
	w.WriteHeader(http.StatusOK)
	return w
}

// document is the handler that the caches stand in front of: it sets what a handler of an API would.
func document(c *gin.Context) { respond(c, body) }

func respond(c *gin.Context, document []byte) {
	h := c.Writer.Header()
	h.Set("Cache-Control", "max-age=3600")
	h.Set("ETag", `"a-strong-validator"`)
	c.Data(http.StatusOK, "application/json", document)
}

// bare answers what a hit answers, header by header, with nothing in between: the handler that a cache cannot beat
// unless it does less.
func bare(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("ETag", `"a-strong-validator"`)
	h.Set("Cache-Control", "max-age=3600")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	h.Set("Age", "3")
	h.Set("Cache-Status", "cachette; hit; ttl=3597")
	c.Writer.WriteHeader(http.StatusOK)
	_, _ = c.Writer.Write(body)
}

func newCachette(b *testing.B) *gin.Engine { return newLimited(b, 0) }

// newLimited returns an engine whose cache has a memory limit; 0 stands for the default.
func newLimited(b *testing.B, limit int64) *gin.Engine {
	b.Helper()
	engine := gin.New()
	installed(b, engine, cachette.Config{MemoryLimit: limit})
	engine.GET("/document", cachette.Cached(time.Hour), document)
	return engine
}

func newBare(*testing.B) *gin.Engine {
	engine := gin.New()
	engine.GET("/document", bare)
	return engine
}

func newGinCache(*testing.B) *gin.Engine {
	engine := gin.New()
	engine.GET("/document", gincache.CacheByRequestURI(persist.NewMemoryStore(time.Hour), time.Hour), document)
	return engine
}

// peers are what a hit is compared with.
var peers = []struct {
	name string
	make func(*testing.B) *gin.Engine
}{
	{"cachette", newCachette},
	{"bare-handler", newBare},
	{"chenyahui-gin-cache", newGinCache},
}

// BenchmarkHit measures a hit of a 1 KB JSON response.
func BenchmarkHit(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	for _, peer := range peers {
		b.Run("serial/"+peer.name, func(b *testing.B) {
			engine := peer.make(b)
			r := httptest.NewRequest(http.MethodGet, "/document", nil)
			w := null()
			engine.ServeHTTP(w, r) // a cache is filled by now
			b.ReportAllocs()
			for b.Loop() {
				clear(w.Header())
				engine.ServeHTTP(w, r)
			}
		})
	}
	for _, peer := range peers {
		b.Run("parallel/"+peer.name, func(b *testing.B) {
			engine := peer.make(b)
			engine.ServeHTTP(null(), httptest.NewRequest(http.MethodGet, "/document", nil))
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				r := httptest.NewRequest(http.MethodGet, "/document", nil)
				w := null()
				for pb.Next() {
					clear(w.Header())
					engine.ServeHTTP(w, r)
				}
			})
		})
	}
}
