package behaviour_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A response that gin's Negotiate chose says so, whatever becomes of the request (RFC 9110 §12.5.5): other caches go by it.
func TestNegotiatedIsSaid(t *testing.T) {
	skip := cachette.WithSkip(func(c *gin.Context) bool { return c.GetHeader("X-Skip") != "" })
	nobody := cachette.WithIdentity(func(c *gin.Context) string { return c.GetHeader("X-User") })
	for _, options := range [][]cachette.Option{{skip}, {skip, cachette.WithVary("X-User")}, {skip, nobody}} {
		s, n := newSite(t), 0
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
			for _, field := range []string{"X-Other: 1", "X-Skip: 1", "X-User: alice", "If-Match: *", "Cache-Control: no-store", "Cache-Control: no-cache", "Range: bytes=0-0"} {
				for name, handler := range map[string]gin.HandlerFunc{
					"Negotiate": func(c *gin.Context) {
						c.Negotiate(http.StatusOK, gin.Negotiate{Offered: []string{gin.MIMEJSON, gin.MIMEXML}, Data: "page"})
					},
					"NegotiateFormat": func(c *gin.Context) { c.String(http.StatusOK, "%s", c.NegotiateFormat("text/plain", "text/csv")) },
					"without a body":  func(c *gin.Context) { c.Status(len(c.NegotiateFormat("text/plain")) + 190) },
					"not acceptable": func(c *gin.Context) {
						c.Negotiate(http.StatusOK, gin.Negotiate{Offered: []string{"image/none"}})
					},
				} {
					n++
					path := fmt.Sprint("/page", n)
					s.Any(path, cachette.Cached(time.Minute, options...), handler)
					for range 2 {
						a := s.do(method, path, "Accept: text/plain, application/json", field)
						if n := strings.Count(strings.Join(a.header["Vary"], ","), "Accept"); n != 1 {
							t.Errorf("%s %s, %s, %d options: Vary: %q (%d, %s)", method, field, name, len(options), a.header["Vary"], a.status, a.cacheStatus())
						}
					}
				}
			}
		}
	}
}
