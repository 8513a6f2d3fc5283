package coding_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// TestAudited: an audit compares pages as their handlers make them, in whatever form a client is given them.
func TestAudited(t *testing.T) {
	for _, method := range []string{http.MethodGet, "QUERY", http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			onEach(t, func(s *site) {
				s.Handle(method, "/", cachette.Cached(time.Hour, cachette.WithCompression(), cachette.WithBodyKey(), cachette.WithAudit(1)), func(c *gin.Context) {
					s.runs.Add(1)
					asked, _ := io.ReadAll(c.Request.Body)
					c.Header("ETag", `"v1"`)
					c.String(http.StatusOK, "%s%s%s", asked, c.GetHeader("Accept-Encoding"), page)
				})
				content := "a"
				if method == http.MethodGet {
					content = ""
				}
				for i := range 6 {
					a := s.send(method, "/", content, gzipped)
					cachettetest.Pass(time.Minute)
					if i == 5 && a.Header.Get("Content-Encoding") != "gzip" {
						s.t.Errorf("%v", a.Header)
					}
				}
				if r := s.Cache.AuditReport(); len(r.Routes) != 1 || r.Routes[0].Samples != 5 || r.Routes[0].Differences > 0 {
					s.t.Errorf("%s", r)
				}
			})
		})
	}
}
