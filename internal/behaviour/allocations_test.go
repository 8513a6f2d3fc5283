package behaviour_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// mostAllocations are those of a hit.
var mostAllocations = 0.0

// silent is an observer that does nothing.
type silent struct{}

func (*silent) OnRequest(context.Context, cachette.RequestEvent)     {}
func (*silent) OnOperation(context.Context, cachette.OperationEvent) {}

// A hit in memory allocates nothing for being counted or observed, nor for what its response declares of the query, and none for others being audited.
func TestHitsAllocateNothing(t *testing.T) {
	for name, configure := range map[string]func(*cachette.Config){
		"counted":  func(*cachette.Config) {},
		"observed": func(cfg *cachette.Config) { cfg.Observer = new(silent) },
		"audited":  func(cfg *cachette.Config) { cfg.Audit = 1e-15 },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, configure)
			s.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(http.StatusOK, "page") })
			s.GET("/declared", cachette.Cached(time.Hour), text("page", `No-Vary-Search: key-order, params=("x")`))
			for _, target := range []string{"/page", "/declared?b=2&x=1&a=3"} {
				hitsAllocateNothing(t, s, target)
			}
		})
	}
}

func hitsAllocateNothing(t *testing.T, s *site, target string) {
	t.Helper()
	s.get(target)
	r, w := httptest.NewRequest(http.MethodGet, target, nil), httptest.NewRecorder() // a writer of net/http's, as that of a server is
	w.Body = nil
	w.WriteHeader(http.StatusOK) // so that it keeps nothing
	n := testing.AllocsPerRun(1000, func() {
		clear(w.Header())
		s.ServeHTTP(w, r)
	})
	if hits := s.cache.Stats().Routes[r.URL.Path].Hits; n > mostAllocations || hits < 1000 {
		t.Errorf("%s: %v allocations each of %d hits", target, n, hits)
	}
}
