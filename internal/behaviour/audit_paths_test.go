package behaviour_test

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// What stands before the cache's own middleware may change the URL, and does so again for what an audit sends. That comes to the route all the same, with
// the key that the client's request has, and so the cause is found.
func TestAuditBehindWhatChangesURLs(t *testing.T) {
	for name, row := range map[string]struct {
		before gin.HandlerFunc
		around func(http.Handler) http.Handler
		target string
	}{
		"what adds to the query": {before: func(c *gin.Context) { c.Request.URL.RawQuery += "&tenant=7" }, target: "/p/7?page=1"},
		"what adds to the path":  {before: func(c *gin.Context) { c.Request.URL.Path = "/tenant" + c.Request.URL.Path }, target: "/p/7"},
		"what adds to a path of which a prefix was taken off": {
			before: func(c *gin.Context) { c.Request.URL.Path = "/tenant" + c.Request.URL.Path },
			around: func(h http.Handler) http.Handler { return http.StripPrefix("/app", h) },
			target: "/app/p/7",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cachettetest.Bubble(t, func(t *testing.T) {
				engine := gin.New()
				engine.Use(row.before)
				e := cachettetest.On(t, engine, auditsAll)
				e.GET("/p/:id", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(200, cookieOf(c, "session")+c.Param("id")) })
				var handler http.Handler = e
				if row.around != nil {
					handler = row.around(e)
				}
				for i := range 40 {
					cachettetest.Do(t, handler, http.MethodGet, row.target, "Cookie: session="+one(i, "ann", "bob"))
					cachettetest.Pass(2 * time.Second)
				}
				report := e.Cache.AuditReport()
				if got := causesOf(report, "/p/:id"); !slices.Equal(got, []string{"cookie session"}) || report.Routes[0].Skipped > 0 {
					t.Errorf("causes %q\n%s", got, report)
				}
			})
		})
	}
}

// On a route with a dry run each request comes to its handler as without a cache: no request waits for another one's answer, and none is asked whether what
// is stored is still good.
func TestDryRunChangesNoRequest(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		var under, most atomic.Int64
		var conditions []string
		e := cachettetest.New(t)
		e.GET("/p", cachette.Cached(time.Second, cachette.WithDryRun(), cachette.WithStaleWhileRevalidate(time.Second)), func(c *gin.Context) {
			if condition := c.GetHeader("If-None-Match"); condition != "" {
				conditions = append(conditions, condition)
			}
			c.Header("ETag", `"v"`)
			c.String(200, "page")
		})
		e.GET("/slow", cachette.Cached(time.Minute, cachette.WithDryRun()), func(c *gin.Context) {
			most.Store(max(most.Load(), under.Add(1)))
			time.Sleep(time.Second)
			under.Add(-1)
			c.String(200, "page")
		})
		for range 5 { // nothing is stored, then it is fresh, and stale, and too stale
			for range 3 {
				e.Get("/p")
			}
			cachettetest.Pass(1500 * time.Millisecond)
			e.Get("/p")
			cachettetest.Pass(time.Minute)
		}
		if len(conditions) > 0 {
			t.Errorf("the handler was asked by %q", conditions)
		}
		done := make(chan cachettetest.Answer)
		for range 10 {
			go func() { done <- cachettetest.Do(t, e, http.MethodGet, "/slow") }()
		}
		for range 10 {
			if a := <-done; a.Body != "page" {
				t.Errorf("%d %q", a.Status, a.Body)
			}
		}
		if most.Load() != 10 {
			t.Errorf("of ten requests at once %d came to the handler at once", most.Load())
		}
	})
}
