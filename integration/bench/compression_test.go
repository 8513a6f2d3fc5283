package bench

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	ginzip "github.com/gin-contrib/gzip"
	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	_ "github.com/gin-cachette/cachette/compress"
)

// catalogue is a JSON document of 100 KB, as that of an API is.
var catalogue = func() []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < 100<<10; i++ {
		fmt.Fprintf(&b, `{"id":%d,"sku":"AN-%05x","name":"anvil no. %d","price":"%d.%02d","stock":%d},`, i, i*7919, i%97, i%211, i%100, i*i%1009)
	}
	return b.Bytes()
}()

// taking is a client that takes all that it is sent, as a socket does.
type taking struct {
	header http.Header
	body   bytes.Buffer
}

func (c *taking) Header() http.Header         { return c.header }
func (c *taking) WriteHeader(int)             {}
func (c *taking) Write(b []byte) (int, error) { return c.body.Write(b) }

// BenchmarkCompression measures a hit of 100 KB whose coded form is kept ("cachette"), for each coding, beside the same hit as it is, and beside one
// that the middleware of gin-contrib compresses outside ("raw").
func BenchmarkCompression(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	plain := newCompressing(b)
	outside := newCompressing(b, ginzip.Gzip(gzip.DefaultCompression))
	asItIs := hittingCoded(b, plain, "")
	compressed := hittingCoded(b, outside, "gzip")
	for _, coding := range []string{"gzip", "zstd", "br"} {
		coded := hittingCoded(b, newCompressing(b), coding)
		b.Run("as it is/"+coding, func(b *testing.B) { duel(b, coded, asItIs) })
		b.Run("gzip outside/"+coding, func(b *testing.B) { duel(b, coded, compressed) })
	}
}

func newCompressing(b *testing.B, outside ...gin.HandlerFunc) *gin.Engine {
	engine := gin.New()
	cache := installed(b, engine, cachette.Config{})
	engine.Use(outside...)
	engine.GET("/catalogue", cachette.Cached(time.Hour, cachette.WithCompression()), func(c *gin.Context) { respond(c, catalogue) })
	engine.GET("/settle", func(c *gin.Context) { _ = cache.Settle(context.Background()) })
	return engine
}

// hittingCoded returns what hits a page in a coding.
func hittingCoded(b *testing.B, engine *gin.Engine, coding string) func() error {
	b.Helper()
	r := httptest.NewRequest(http.MethodGet, "/catalogue", nil)
	r.Header.Set("Accept-Encoding", coding)
	client := &taking{header: http.Header{}}
	hit := func() error {
		clear(client.header)
		client.body.Reset()
		engine.ServeHTTP(client, r)
		return nil
	}
	for range 2 {
		_ = hit()
		engine.ServeHTTP(null(), httptest.NewRequest(http.MethodGet, "/settle", nil))
	}
	if _ = hit(); client.header.Get("Content-Encoding") != coding {
		b.Fatalf("it is coded by %q, want %q", client.header.Get("Content-Encoding"), coding)
	}
	b.Logf("%q: %d bytes", coding, client.body.Len())
	return hit
}
