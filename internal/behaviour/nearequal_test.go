package behaviour_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Whatever a client asks, what is near answers as what is far does: the same status, header and body, as old.
func TestNearEqualsFar(t *testing.T) {
	requests := []struct {
		name   string
		method string
		header []string
	}{
		{"plain", http.MethodGet, nil},
		{"HEAD", http.MethodHead, nil},
		{"range", http.MethodGet, []string{"Range: bytes=2-4"}},
		{"range that is none", http.MethodGet, []string{"Range: bytes=900-"}},
		{"if-range of another", http.MethodGet, []string{"Range: bytes=2-4", `If-Range: "other"`}},
		{"validates", http.MethodGet, []string{`If-None-Match: "tag"`}},
		{"validates another", http.MethodGet, []string{`If-None-Match: "other"`}},
		{"if-match of another", http.MethodGet, []string{`If-Match: "other"`}},
		{"only-if-cached", http.MethodGet, []string{"Cache-Control: only-if-cached"}},
		{"young enough", http.MethodGet, []string{"Cache-Control: max-age=3000"}},
		{"fresh for long enough", http.MethodGet, []string{"Cache-Control: min-fresh=60"}},
		{"stale would do", http.MethodGet, []string{"Cache-Control: max-stale=60"}},
		{"too old, only if cached", http.MethodGet, []string{"Cache-Control: max-age=1, only-if-cached"}},
		{"not fresh for long enough, only if cached", http.MethodGet, []string{"Cache-Control: min-fresh=7200, only-if-cached"}},
		{"with credentials, only if cached", http.MethodGet, []string{"Authorization: Basic abc", "Cache-Control: only-if-cached"}},
		{"of another language, only if cached", http.MethodGet, []string{"Accept-Language: fr", "Cache-Control: only-if-cached"}},
	}
	synctest.Test(t, func(t *testing.T) {
		store := newDepot()
		site := func(near int64) *site {
			s := newSite(t, func(c *cachette.Config) { c.Driver, c.Near, c.TagHeader = store, near, "Cache-Tag" })
			s.GET("/", cachette.Cached(time.Hour), func(c *gin.Context) {
				cachette.Tag(c, "one", "two")
				c.Header("Etag", `"tag"`)
				c.Header("Vary", "Accept-Language")
				c.Header("Link", "</a>; rel=preload")
				c.Writer.Header().Add("Link", "</b>; rel=preload")
				c.Header("Content-Type", "text/plain")
				c.String(http.StatusOK, "0123456789")
			})
			return s
		}
		near, far := site(1<<20), site(0)
		time.Sleep(5 * time.Second)
		for range 3 {
			near.get("/")
		}
		time.Sleep(90 * time.Second)
		for _, r := range requests {
			store.asked()
			n, f := near.do(r.method, "/", r.header...), far.do(r.method, "/", r.header...)
			if n.status != f.status || n.body != f.body || !maps.EqualFunc(n.header, f.header, func(a, b []string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
				t.Errorf("%s: near\n%d %v %q, far\n%d %v %q", r.name, n.status, n.header, n.body, f.status, f.header, f.body)
			}
		}
		stats := near.cache.Stats()
		if hits := stats.Routes["/"].Hits; stats.NearHits < 9 || hits < stats.NearHits {
			t.Errorf("%d near hits of %d", stats.NearHits, hits)
		}
		time.Sleep(time.Hour)
		if got := near.get("/"); got.hit() {
			t.Errorf("when its time is over: %s", got.cacheStatus())
		}
	})
}
