package cachette_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A response to a POST that may answer later requests (RFC 9110 §9.3.3) is outdated by a purge of another while its handler
// ran, as that of any other fill is, in whatever process. Only its own invalidation (RFC 9111 §4.4) leaves it.
func TestPurgeDuringPost(t *testing.T) {
	for _, purge := range purges {
		t.Run(purge.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				purgeDuringPost(t, s, func() { purge.do(t, s) })
			})
			t.Run("in another process", func(t *testing.T) {
				store := newShelf()
				here, there := newSite(t, store.on), newSite(t, store.on)
				posting(there, nil, nil, new(atomic.Int64))
				purgeDuringPost(t, here, func() { purge.do(t, there) })
			})
		})
	}
}

// posting mounts a page that answers GET and POST with the version that was there when its handler began. One that is to wait
// does so behind that.
func posting(s *site, arrived chan<- struct{}, gate <-chan struct{}, version *atomic.Int64) {
	s.Match([]string{http.MethodGet, http.MethodPost}, "/page", cachette.Cached(time.Hour, cachette.WithNamespace("n")),
		func(c *gin.Context) {
			read := version.Load()
			if c.GetHeader("X-Wait") != "" {
				arrived <- struct{}{}
				<-gate
			}
			c.Header("Content-Location", c.Request.RequestURI)
			c.Header("Cache-Control", "max-age=60")
			c.String(http.StatusOK, "version %d", read)
		})
	s.POST("/elsewhere", text("changed", "Location: /page"))
}

func purgeDuringPost(t *testing.T, s *site, purge func()) {
	t.Helper()
	var version atomic.Int64
	arrived, gate := make(chan struct{}), make(chan struct{})
	posting(s, arrived, gate, &version)
	post := later(func() answer { return s.do(http.MethodPost, "/page", "X-Wait: 1") })
	await(t, "the POST", arrived)
	version.Add(1)
	purge()
	close(gate)
	await(t, "its answer", post)
	for range 2 {
		if a := s.get("/page"); a.body != "version 1" {
			t.Errorf("behind the purge: %q (%s)", a.body, a.cacheStatus())
		}
	}
}

// A POST that came by way of HandleContext invalidates once more behind the rewriting handler, and its response is kept once more
// then. Those that are given what was kept first see none of that.
func TestPostKeptTwice(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		posting(s, nil, nil, new(atomic.Int64))
		s.POST("/rewritten/*rest", func(c *gin.Context) {
			c.Request.URL.Path = c.Param("rest")
			s.HandleContext(c)
		})
		s.GET("/rewritten/*rest", func(c *gin.Context) {
			c.Request.URL.Path = c.Param("rest")
			s.HandleContext(c)
		})
		done := make(chan struct{})
		readers := together(4, func(int) string {
			for {
				select {
				case <-done:
					return ""
				default:
				}
				if a := s.get("/rewritten/page"); a.body != "version 0" || len(a.header["Date"]) > 1 {
					return a.body
				}
			}
		})
		for range 300 {
			s.do(http.MethodPost, "/rewritten/page")
		}
		close(done)
		for range 4 {
			if wrong := await(t, "a reader", readers); wrong != "" {
				t.Errorf("a client got %q", wrong)
			}
		}
	})
}
