package behaviour_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/audit"
	"github.com/gin-cachette/cachette/cachettetest"
)

// reportOf returns what audits have seen of a route.
func reportOf(report audit.Report, route string) (of audit.Route) {
	for _, r := range report.Routes {
		if r.Pattern == route {
			of = r
		}
	}
	return of
}

// What a page asks for while it is made is no client's request: its hits are not audited, or one request would set off many.
func TestAuditsAreOfClients(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		e := cachettetest.New(t, auditsAll)
		e.GET("/page", cachette.Cached(time.Minute), func(c *gin.Context) {
			w := httptest.NewRecorder()
			e.ServeHTTP(w, httptest.NewRequestWithContext(c.Request.Context(), http.MethodGet, "/part", nil))
			c.Header("Cache-Control", "no-store")
			c.String(http.StatusOK, "made of %s", w.Body)
		})
		e.GET("/part", cachette.Cached(time.Minute), func(c *gin.Context) { c.String(http.StatusOK, "part") })
		for range 10 {
			if a := e.Get("/page"); a.Body != "made of part" {
				t.Fatal(a.Body)
			}
			cachettetest.Pass(time.Second)
		}
		if r := reportOf(e.Cache.AuditReport(), "/part"); r.Hits != 9 || r.Samples+r.Skipped != 0 {
			t.Errorf("%+v", r)
		}
		e.Get("/part") // of its own, since what stands inside of another page has another key
		e.Hit("/part")
		cachettetest.Pass(time.Second)
		if r := reportOf(e.Cache.AuditReport(), "/part"); r.Samples != 1 {
			t.Errorf("a client's: %+v", r)
		}
	})
}

// What a client asks of caches, and of a part, is not asked of handlers: the whole is compared.
func TestAuditsCompareTheWhole(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		e := cachettetest.New(t, auditsAll)
		e.GET("/file", cachette.Cached(time.Hour), func(c *gin.Context) {
			c.Header("ETag", `"v"`)
			if c.GetHeader("Cache-Control") != "" {
				c.Header("X-Asked", c.GetHeader("Cache-Control"))
			}
			http.ServeContent(c.Writer, c.Request, "file.txt", time.Time{}, strings.NewReader("0123456789"))
		})
		e.Get("/file")
		for _, field := range []string{"Range: bytes=2-4", `If-None-Match: "v"`, "Cache-Control: max-age=600", "Pragma: x"} {
			for range 3 {
				if a := e.Get("/file", field); !a.Hit() {
					t.Fatalf("%s: %s", field, a.CacheStatus())
				}
				cachettetest.Pass(2 * time.Second)
			}
		}
		if r := reportOf(e.Cache.AuditReport(), "/file"); r.Samples != 12 || r.Differences > 0 || len(r.Causes) > 0 {
			t.Errorf("%+v", r)
		}
	})
}

// Where a dry run is audited, a page that is right for its only client is tested for what it depends on, also for what middleware has set.
func TestDryRunsAreAudited(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		e := cachettetest.New(t, auditsAll)
		e.GET("/page", setsKey(func(*gin.Context) any { return "ann" }), cachette.Cached(time.Hour, cachette.WithDryRun()),
			func(c *gin.Context) { c.String(http.StatusOK, "the page of %s", c.GetString("user")) })
		for range 20 {
			e.Get("/page")
			cachettetest.Pass(2 * time.Second)
		}
		if r := reportOf(e.Cache.AuditReport(), "/page"); r.Differences > 0 || !slices.Equal(causesOf(e.Cache.AuditReport(), "/page"), []string{"c.Keys user"}) {
			t.Errorf("%+v", r)
		}
	})
}
