package behaviour_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A stream that ends by chance, of events or of parts that replace one another, is kept only where it says itself for how
// long it is fresh: a client that comes again wants what came since (HTML §9.2, Last-Event-ID). It makes no difference whether
// the handler or middleware outside says what it is, nor what the route says of freshness.
func TestStreams(t *testing.T) {
	typed := func(kind string) gin.HandlerFunc { return func(c *gin.Context) { c.Header("Content-Type", kind) } }
	for _, kind := range []string{"text/event-stream", "Text/Event-Stream; charset=utf-8", "multipart/x-mixed-replace; boundary=x"} {
		for _, row := range []struct {
			name            string
			outside, inside gin.HandlerFunc
			control         string
			stored          bool
		}{
			{name: "by the handler", inside: typed(kind)},
			{name: "by middleware outside", outside: typed(kind)},
			{name: "with freshness of its own", inside: typed(kind), control: "max-age=60", stored: true},
			{name: "by middleware outside, with freshness of its own", outside: typed(kind), control: "max-age=60", stored: true},
		} {
			t.Run(kind+" "+row.name, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					if row.outside != nil {
						s.Use(row.outside)
					}
					handler, runs := counted(func(c *gin.Context) {
						if row.inside != nil {
							row.inside(c)
						}
						if row.control != "" {
							c.Header("Cache-Control", row.control)
						}
						c.Writer.WriteString("data: tick\n\n")
						c.Writer.Flush()
					})
					s.GET("/", cachette.Cached(time.Minute, cachette.WithStatusTTL(http.StatusOK, time.Hour)), handler)
					s.get("/")
					again := s.get("/")
					if again.hit() != row.stored || (runs.Load() == 1) != row.stored {
						t.Errorf("the second request: %s, after %d runs", again.cacheStatus(), runs.Load())
					}
				})
			})
		}
	}
}
