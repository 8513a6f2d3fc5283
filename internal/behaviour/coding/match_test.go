package coding_test

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// coded is the suffix that an entity tag has in a coding, as docs/compression.md has it.
var coded = regexp.MustCompile(`-(br|zstd|gzip)-[0-9a-f]{8}"$`)

// TestIfMatch: If-Match comes to handlers as the client has sent it, in a write and in a GET. A tag with the suffix of a coding is none of theirs (RFC 9110
// §8.8.3, §13.1.1) until they take that off.
func TestIfMatch(t *testing.T) {
	onEach(t, func(s *site) {
		const own = `"v1"`
		write := func(read func(sent string) string) gin.HandlerFunc {
			return func(c *gin.Context) {
				c.Header("X-Sent", c.GetHeader("If-Match"))
				if c.Status(http.StatusNoContent); read(c.GetHeader("If-Match")) != own {
					c.Status(http.StatusPreconditionFailed)
				}
			}
		}
		asSent := write(func(sent string) string { return sent })
		s.answers("/page", "text/plain", page, "ETag: "+own)
		s.PUT("/page", asSent)
		s.PATCH("/page", write(func(sent string) string { return coded.ReplaceAllString(sent, `"`) }))
		s.GET("/guarded", cachette.Cached(time.Hour, cachette.WithCompression()), asSent)
		for _, coding := range []string{"br", "zstd", "gzip"} {
			s.warm("/page", coding)
			tag := s.get("/page", "Accept-Encoding: "+coding).Header.Get("Etag")
			if tag == own {
				s.t.Fatalf("%s is in no coding", tag)
			}
			for _, test := range []struct {
				method, path, tag string
				want              int
			}{
				{http.MethodPut, "/page", own, http.StatusNoContent},
				{http.MethodPut, "/page", tag, http.StatusPreconditionFailed},
				{http.MethodPatch, "/page", own, http.StatusNoContent},
				{http.MethodPatch, "/page", tag, http.StatusNoContent},
				{http.MethodPatch, "/page", `"v2` + tag[len(`"v1`):], http.StatusPreconditionFailed},
				{http.MethodGet, "/guarded", tag, http.StatusPreconditionFailed},
				{http.MethodGet, "/guarded", own, http.StatusNoContent},
			} {
				a := s.ask(test.method, test.path, "If-Match: "+test.tag, "Accept-Encoding: "+coding)
				if a.Status != test.want || a.Header.Get("X-Sent") != test.tag {
					s.t.Errorf("%s %s with If-Match: %s: %d, and the handler was sent %s", test.method, test.path, test.tag, a.Status, a.Header.Get("X-Sent"))
				}
			}
		}
	})
}
