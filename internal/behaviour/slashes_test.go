package behaviour_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A write invalidates the pages of its URI (RFC 9111 §4.4). Where the engine takes several forms of a path for one, they are
// pages of one handler, and a write to any of them, or a purge by hand, takes them all; where it does not, each is its own.
func TestFormsOfAPath(t *testing.T) {
	for _, row := range []struct {
		name        string
		engine      func(*gin.Engine)
		page, write string
		purges      bool
	}{
		{"a slash more", removing, "/a/b", "/a//b", true},
		{"a slash more in front", removing, "/a/b", "//a/b", true},
		{"a slash more in the page's", removing, "/a//b", "/a/b", true},
		{"more of them in both", removing, "/a//b", "//a///b", true},
		{"dots", removing, "/a/b", "/a/./x/../b", true},
		{"a slash more at the end", removing, "/a/b/", "/a/b//", true},
		{"a slash at the end of one", removing, "/a/b", "/a/b/", false},
		{"an escaped one", removing, "/a/b", "/a/%2Fb", true},
		{"an escaped one, which counts", raw, "/a/b", "/a/%2Fb", false},
		{"an escaped one and one more", raw, "/a/%2Fb", "/a//%2Fb", true},
		{"as they are", func(*gin.Engine) {}, "/a/b", "/a//b", false},
		{"escaped in another way", func(*gin.Engine) {}, "/a/b", "/%61/b", true},
	} {
		for _, mount := range []string{"", "/mount"} {
			for how, purge := range map[string]func(*site, http.Handler){
				"a write": func(_ *site, h http.Handler) { send(t, h, http.MethodPut, mount+row.write) },
				"Location": func(_ *site, h http.Handler) {
					send(t, h, http.MethodPut, mount+"/elsewhere", "X-To: http://example.com"+mount+row.write)
				},
				"PurgePath": func(s *site, _ http.Handler) {
					if err := s.cache.PurgePath(t.Context(), mount+row.write); err != nil {
						t.Error(err)
					}
				},
			} {
				t.Run(row.name+mount+"/"+how, func(t *testing.T) {
					eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
						s := newSite(t, store)
						row.engine(s.Engine)
						s.GET("/*path", cachette.Cached(time.Hour), text("page"))
						s.PUT("/*path", func(c *gin.Context) {
							if to := c.GetHeader("X-To"); to != "" {
								c.Header("Location", to)
							}
							c.Status(http.StatusNoContent)
						})
						h := http.StripPrefix(mount, s)
						send(t, h, http.MethodGet, mount+row.page)
						if a := send(t, h, http.MethodGet, mount+row.page); !a.hit() {
							t.Fatal(a.cacheStatus())
						}
						purge(s, h)
						if a := send(t, h, http.MethodGet, mount+row.page); a.hit() == row.purges {
							t.Errorf("%s behind %s of %s: %s", row.page, how, row.write, a.cacheStatus())
						}
					})
				})
			}
		}
	}
}

func removing(e *gin.Engine) { e.RemoveExtraSlash = true }

func raw(e *gin.Engine) { e.RemoveExtraSlash, e.UseRawPath = true, true }

// The answer to a POST that came in such a form is kept behind its own invalidation (RFC 9110 §9.3.3).
func TestPostWithASlashMore(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.RemoveExtraSlash = true
		s.Match([]string{http.MethodGet, http.MethodPost}, "/shop/page", cachette.Cached(time.Hour), func(c *gin.Context) {
			c.Header("Content-Location", c.Request.RequestURI)
			c.Header("Cache-Control", "max-age=60")
			c.String(http.StatusOK, "%s", c.Request.Method)
		})
		s.get("/shop/page")
		s.do(http.MethodPost, "/shop//page")
		if a := s.get("/shop//page"); a.body != http.MethodPost || !a.hit() {
			t.Errorf("what was posted: %q (%s)", a.body, a.cacheStatus())
		}
		if a := s.get("/shop/page"); a.body != http.MethodGet || a.hit() {
			t.Errorf("the page: %q (%s)", a.body, a.cacheStatus())
		}
	})
}
