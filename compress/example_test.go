package compress_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	_ "github.com/gin-cachette/cachette/compress" // links br, zstd and gzip
)

// A page is coded once, behind its first hit, and the hits that follow are served from that.
func Example() {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	cache, err := cachette.Install(r, func() (cachette.Config, error) { return cachette.Config{}, nil })
	if err != nil {
		panic(err)
	}
	defer cache.Close()
	r.GET("/products", cachette.Cached(time.Minute, cachette.WithCompression()), func(c *gin.Context) {
		c.String(http.StatusOK, strings.Repeat("anvil 17.00\n", 1000))
	})

	ask := func(accept string) {
		request := httptest.NewRequest(http.MethodGet, "/products", nil)
		request.Header.Set("Accept-Encoding", accept)
		response := httptest.NewRecorder()
		r.ServeHTTP(response, request)
		_ = cache.Settle(context.Background()) // a client would not wait until the page is coded
		fmt.Printf("%q %t\n", response.Header().Get("Content-Encoding"), response.Body.Len() < 1000)
	}
	ask("gzip, br") // runs the handler
	ask("gzip, br") // is a hit, and has the page coded
	ask("gzip, br")
	ask("identity")
	fmt.Println(cache.Stats().Codings["br"].Made, cache.Stats().Codings["br"].Served)
	// Output:
	// "" false
	// "" false
	// "br" true
	// "" false
	// 1 1
}
