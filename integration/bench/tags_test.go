package bench

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// BenchmarkTags measures hits in memory of a page with 8 and with 32 tags ("cachette") beside those of the same page with none ("raw").
func BenchmarkTags(b *testing.B) {
	engine := newCachette(b)
	for _, n := range []int{0, 8, 32} {
		engine.GET(fmt.Sprintf("/tags/%d", n), cachette.Cached(time.Hour), func(c *gin.Context) {
			for i := range n {
				cachette.Tag(c, fmt.Sprintf("product:%d", i))
			}
			document(c)
		})
	}
	hit := func(n int) func() error {
		path := fmt.Sprintf("/tags/%d", n)
		engine.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
		r, w := httptest.NewRequest(http.MethodGet, path, nil), null()
		return func() error {
			clear(w.Header())
			engine.ServeHTTP(w, r)
			return nil
		}
	}
	for _, n := range []int{8, 32} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { duel(b, hit(n), hit(0)) })
	}
}
