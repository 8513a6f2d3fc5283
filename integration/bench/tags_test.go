package bench

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// BenchmarkTags measures hits of a page with 8 and with 32 tags ("cachette") beside those of the same page with none ("raw"): in memory and on
// Redis, one after the other, and on Redis as 64 clients on sockets ask.
func BenchmarkTags(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	where := testservers.Find(b, testservers.Redis)
	inMemory, onRedis := newCachette(b), gin.New()
	install(b, onRedis, stores[0], where)
	tagging(inMemory)
	tagging(onRedis)
	for _, n := range []int{8, 32} {
		b.Run(fmt.Sprintf("memory/%d", n), func(b *testing.B) { duel(b, hittingTagged(b, inMemory, n), hittingTagged(b, inMemory, 0)) })
		b.Run(fmt.Sprintf("redis/%d", n), func(b *testing.B) { duel(b, hittingTagged(b, onRedis, n), hittingTagged(b, onRedis, 0)) })
		b.Run(fmt.Sprintf("redis-sockets/%d", n), func(b *testing.B) {
			inTurns(b, []way{{"cachette", askingFor(b, onRedis, taggedPath(n))}, {"raw", askingFor(b, onRedis, taggedPath(0))}})
		})
	}
}

func taggedPath(n int) string { return fmt.Sprintf("/tags/%d", n) }

// tagging gives an engine pages with 0, 8 and 32 tags.
func tagging(engine *gin.Engine) {
	for _, n := range []int{0, 8, 32} {
		engine.GET(taggedPath(n), cachette.Cached(time.Hour), func(c *gin.Context) {
			for i := range n {
				cachette.Tag(c, fmt.Sprintf("product:%d", i))
			}
			document(c)
		})
	}
}

// hittingTagged asks for the page with n tags again and again, which is to be a hit each time.
func hittingTagged(b *testing.B, engine *gin.Engine, n int) func() error {
	b.Helper()
	for tries := 0; !hits(engine, taggedPath(n)); tries++ {
		if tries == 100 {
			b.Fatalf("the page with %d tags is no hit", n)
		}
		time.Sleep(10 * time.Millisecond) // it is stored behind its answer
	}
	r, w := httptest.NewRequest(http.MethodGet, taggedPath(n), nil), null()
	return func() error {
		clear(w.Header())
		engine.ServeHTTP(w, r)
		return nil
	}
}

// hits asks for a page, and tells whether it was a hit.
func hits(engine *gin.Engine, path string) bool {
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return isHit(w.Header())
}
