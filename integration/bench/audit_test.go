package bench

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// seldom is a part of the hits of which none is in the time that a benchmark takes.
const seldom = 1e-15

// BenchmarkAudit measures hits that are not audited, of a cache that audits some, beside those of one that audits none: one on the short way, and
// one behind a handler.
func BenchmarkAudit(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	hits := func(rate float64, before ...gin.HandlerFunc) func() error {
		engine := gin.New()
		installed(b, engine, cachette.Config{Audit: rate})
		engine.GET("/document", append(before, cachette.Cached(time.Hour), document)...)
		r, w := httptest.NewRequest(http.MethodGet, "/document", nil), null()
		engine.ServeHTTP(w, r)
		return func() error {
			clear(w.Header())
			engine.ServeHTTP(w, r)
			return nil
		}
	}
	b.Run("short", func(b *testing.B) { duel(b, hits(seldom), hits(0)) })
	b.Run("behind a handler", func(b *testing.B) {
		before := func(*gin.Context) {}
		duel(b, hits(seldom, before), hits(0, before))
	})
	b.Run("itself", func(b *testing.B) { duel(b, hits(0), hits(0)) }) // how far two that are the same are apart
}
