package behaviour_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// asksQuery sends the query with a number, of a few contents and users, as an audit is to see them.
func (s *site) asksQuery(method string, i int) answer {
	return s.send(method, "/search", one(i, "chair", "table"), "Content-Type: text/plain", "Cookie: theme=dark; session="+one(i/3, "ann", "bob", "cid"))
}

// bySession answers with the content and what else it depends on.
func bySession(c *gin.Context) {
	session := cookieOf(c, "session")
	echo(c)
	c.String(http.StatusOK, " for %s", session)
}

// An audit of queries sends the content along, and finds what else than it their results depend on; a dry run does the same, and answers by the handler.
func TestAuditOfQueries(t *testing.T) {
	for _, row := range []struct {
		name    string
		handler gin.HandlerFunc
		option  cachette.Option
		want    []string
	}{
		{"a result of the content", echo, cachette.WithAudit(1), nil},
		{"a result of the content and a cookie", bySession, cachette.WithAudit(1), []string{"cookie session"}},
		{"a dry run of a result of the content", echo, cachette.WithDryRun(), nil},
		{"a dry run of a result of the content and a cookie", bySession, cachette.WithDryRun(), []string{"cookie session"}},
	} {
		for _, method := range []string{"QUERY", http.MethodPost} {
			t.Run(row.name+"/"+method, func(t *testing.T) {
				eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					var contents sync.Map // that the handler has seen
					dry := strings.HasPrefix(row.name, "a dry run")
					s.query("/search", time.Hour, func(c *gin.Context) {
						content, _ := io.ReadAll(c.Request.Body)
						contents.Store(string(content), true)
						c.Request.Body = io.NopCloser(bytes.NewReader(content))
						row.handler(c)
					}, row.option)
					for i := range 80 {
						a := s.asksQuery(method, i)
						if content := fmt.Sprintf("%q", one(i, "chair", "table")); !strings.Contains(a.body, content) || dry && a.hit() {
							t.Fatalf("%d: %q, %s", i, a.body, a.cacheStatus())
						}
						cachettetest.Pass(1300 * time.Millisecond)
					}
					report := s.cache.AuditReport()
					if got := causesOf(report, "/search"); !slices.Equal(got, row.want) {
						t.Errorf("causes %q, want %q\n%s", got, row.want, report)
					}
					if r := report.Routes[0]; r.Samples < 70 || r.Skipped > 0 || (r.Differences > 0) != (row.want != nil) || r.DryRun != dry {
						t.Errorf("%+v", r)
					}
					contents.Range(func(content, _ any) bool {
						if content != "chair" && content != "table" {
							t.Errorf("the handler was given the content %q", content)
						}
						return true
					})
				})
			})
		}
	}
}

// Clients of two processes that miss the same query together have it made once, and each content for itself.
func TestLeaseOfQueries(t *testing.T) {
	for _, method := range []string{"QUERY", http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			cachettetest.Bubble(t, func(t *testing.T) {
				store := newDepot()
				var runs atomic.Int64
				var sites []*site
				for range 2 {
					s := newSite(t, func(cfg *cachette.Config) { cfg.Driver, cfg.Lease = store, time.Minute })
					s.query("/search", time.Hour, func(c *gin.Context) {
						runs.Add(1)
						time.Sleep(time.Second)
						echo(c)
					})
					s.send(method, "/search", "warm") // a route's first POST may pass by
					sites = append(sites, s)
				}
				runs.Store(0)
				wrong := together(40, func(i int) string {
					content := []string{"chair", "table"}[i/2%2]
					if a := sites[i%2].send(method, "/search", content); !strings.Contains(a.body, fmt.Sprintf("%q", content)) {
						return a.body
					}
					return ""
				})
				for range 40 {
					if text := <-wrong; text != "" {
						t.Errorf("one is answered with %q", text)
					}
				}
				if runs.Load() != 2 {
					t.Errorf("the handlers ran %d times for two contents", runs.Load())
				}
			})
		})
	}
}
