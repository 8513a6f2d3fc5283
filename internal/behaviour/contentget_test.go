package behaviour_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gin-gonic/gin/binding"

	"github.com/gin-cachette/cachette"
)

// Content of a GET has no meaning (RFC 9110 §9.3.1). With WithoutRequestDirectives no handler sees any of it, nor the fields that
// are about it; where a middleware outside has read it already, the request goes past the cache.
func TestContentOfAGetIsKeptFromHandlers(t *testing.T) {
	const form = "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nEVIL\r\n--b--\r\n"
	for _, row := range []struct {
		name, kind, body string
		outside          gin.HandlerFunc
		kept             bool
	}{
		{"not read", "multipart/form-data; boundary=b", form, func(*gin.Context) {}, true},
		{"gin's form", "multipart/form-data; boundary=b", form, func(c *gin.Context) { _ = c.PostForm("_method") }, false},
		{"net/http's form", "multipart/form-data; boundary=b", form, func(c *gin.Context) { _ = c.Request.FormValue("_method") }, false},
		{"kept by gin", "application/json", `{"title":"EVIL"}`, func(c *gin.Context) {
			_ = c.ShouldBindBodyWith(&struct{}{}, binding.JSON)
		}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t)
			s.Use(row.outside)
			s.GET("/page", cachette.Cached(time.Minute, cachette.WithoutRequestDirectives()), func(c *gin.Context) {
				var bound struct{ Title string }
				_ = c.ShouldBindBodyWith(&bound, binding.JSON)
				rest, _ := io.ReadAll(c.Request.Body)
				said := ""
				for _, name := range []string{
					"Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Location", "Content-Range",
					"Transfer-Encoding", "Trailer", "Expect",
				} {
					said += c.GetHeader(name)
				}
				c.String(http.StatusOK, "%s%s%s%s%s%v%v", bound.Title, c.Request.FormValue("title"), c.PostForm("title"), rest, said,
					c.Request.TransferEncoding, c.Request.Trailer)
			})
			plain := fmt.Sprint([]string(nil), http.Header(nil))
			plain = strings.ReplaceAll(plain, " ", "")
			r := httptest.NewRequest(http.MethodGet, "/page", strings.NewReader(row.body))
			r.ContentLength, r.TransferEncoding, r.Trailer = -1, []string{"chunked"}, http.Header{"X-Evil": nil}
			for _, name := range []string{
				"Content-Length", "Content-Encoding", "Content-Language", "Content-Location", "Content-Range", "Transfer-Encoding", "Trailer", "Expect",
			} {
				r.Header.Set(name, "evil")
			}
			r.Header.Set("Content-Type", row.kind)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if row.kept && w.Body.String() != plain {
				t.Errorf("the handler saw of it: %q", w.Body)
			}
			if a := s.get("/page"); a.body != plain || a.hit() != row.kept {
				t.Errorf("the next one is given %q (%s)", a.body, a.cacheStatus())
			}
		})
	}
}

// A GET that declares content, and does not send it, keeps no other request waiting: net/http waits for the content before the header
// goes out, and there is nothing to share before that.
func TestContentThatDoesNotCome(t *testing.T) {
	for name, declares := range map[string]string{"a length": "Content-Length: 10", "chunks": "Transfer-Encoding: chunked"} {
		for _, size := range []int{10, 5000, fifth} {
			t.Run(fmt.Sprint(name, "/", size), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t)
					var runs atomic.Int64
					s.GET("/", wraps, cachette.Cached(time.Minute, cachette.WithoutRequestDirectives()), func(c *gin.Context) {
						runs.Add(1)
						time.Sleep(time.Second)
						c.String(http.StatusOK, large[:size])
					})
					p, stop := pipe(s)
					defer stop()
					began := time.Now()
					p.dial(t, "/", declares)
					answers := together(10, func(int) answer { return s.get("/") })
					for range 10 {
						if a := await(t, "an answer", answers); len(a.body) != size {
							t.Errorf("%d bytes (%s)", len(a.body), a.cacheStatus())
						}
					}
					if waited, n := time.Since(began), runs.Load(); waited != time.Second || n != 2 {
						t.Errorf("the others waited for %v, and the handler ran %d times", waited, n)
					}
				})
			})
		}
	}
}
