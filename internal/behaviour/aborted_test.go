package behaviour_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A chain that is aborted behind a complete answer, as middleware does that serves files, is kept where the answer shows that it is
// one to keep: by a validator (RFC 9110 §8.8), a freshness of its own (RFC 9111 §4.2.1), or a ttl for its status. Where nothing
// shows it, it may be a guard's, and is not kept; Cache-Status does not say "stored" of one a second time (RFC 9211 §2.5).

func TestAbortBehindTheAnswer(t *testing.T) {
	for _, row := range []struct {
		name    string
		fields  []string
		options []cachette.Option
		kept    bool
	}{
		{name: "nothing"},
		{name: "a content type", fields: []string{"Content-Type: text/html"}},
		{name: "a length", fields: []string{"Content-Length: 4"}},
		{name: "Vary", fields: []string{"Vary: Accept"}},
		{name: "Last-Modified", fields: []string{"Last-Modified: Mon, 02 Jan 2006 15:04:05 GMT"}, kept: true},
		{name: "ETag", fields: []string{`ETag: "v1"`}, kept: true},
		{name: "a weak ETag", fields: []string{`ETag: W/"v1"`}, kept: true},
		{name: "max-age", fields: []string{"Cache-Control: max-age=60"}, kept: true},
		{name: "max-age for this kind of cache (RFC 9213)", fields: []string{"CDN-Cache-Control: max-age=60"}, kept: true},
		{name: "Expires", fields: []string{"Expires: Fri, 01 Jan 2100 00:00:00 GMT"}, kept: true},
		{name: "a ttl for the status", options: []cachette.Option{cachette.WithStatusTTL(http.StatusOK, time.Minute)}, kept: true},
		{name: "no-store", fields: []string{"Cache-Control: no-store"}},
		{name: "private", fields: []string{"Cache-Control: private, max-age=60", `ETag: "v1"`}},
	} {
		for name, end := range map[string]func(c *gin.Context){
			"Abort":          func(c *gin.Context) { c.Abort() },
			"behind a flush": func(c *gin.Context) { c.Writer.Flush(); c.Abort() },
			"with its status": func(c *gin.Context) {
				c.AbortWithStatus(http.StatusOK)
			},
		} {
			t.Run(row.name+"/"+name, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					files := func(c *gin.Context) { text("page", row.fields...)(c); end(c) }
					s.GET("/page", cachette.Cached(time.Minute, row.options...), files, text("another page"))
					for i := range 4 {
						a := s.get("/page")
						if a.body != "page" || a.hit() != (row.kept && i > 0) {
							t.Errorf("request %d: %q (%s)", i+1, a.body, a.cacheStatus())
						}
						if said := strings.Contains(a.cacheStatus(), "stored"); i > 0 && said || i == 0 && row.kept && !said {
							t.Errorf("request %d: %s", i+1, a.cacheStatus())
						}
					}
				})
			})
		}
	}
}

// Once a handler does not abort any more, its answer is kept.
func TestAbortNoMore(t *testing.T) {
	s := newSite(t)
	var aborts atomic.Bool
	aborts.Store(true)
	s.GET("/page", cachette.Cached(time.Minute), func(c *gin.Context) {
		c.String(http.StatusOK, "page")
		if aborts.Load() {
			c.Abort()
		}
	})
	for range 3 {
		s.get("/page")
	}
	aborts.Store(false)
	s.get("/page")
	if a := s.get("/page"); !a.hit() {
		t.Errorf("%s", a.cacheStatus())
	}
}

// Requests that come together for what is never kept do not go to the handler one after the other.
func TestAbortIsNotWaitedFor(t *testing.T) {
	for name, end := range map[string]func(c *gin.Context){
		"aborted": func(c *gin.Context) { c.Abort() },
		"failed":  func(c *gin.Context) { c.Abort(); _ = c.Error(errors.New("half of it is missing")) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				page, gate, arrived, _ := gated(func(c *gin.Context) { c.String(http.StatusOK, "page"); end(c) })
				s.GET("/page", cachette.Cached(time.Minute), page)
				const requests = 10
				answers := together(requests, func(int) answer { return s.get("/page") })
				await(t, "the first", arrived)
				synctest.Wait()
				gate <- struct{}{}
				synctest.Wait()
				// The next one may do better, so the others wait for it; once that has failed, a few go on at a time.
				for _, few := range []int{1, 4} {
					if n := len(arrived); n != few {
						t.Errorf("%d of those that waited have come to the handler, want %d", n, few)
					}
					for len(arrived) > 0 {
						<-arrived
					}
					gate <- struct{}{}
					synctest.Wait()
				}
				close(gate)
				for range requests {
					if a := await(t, "an answer", answers); a.body != "page" || a.hit() {
						t.Errorf("%q (%s)", a.body, a.cacheStatus())
					}
				}
			})
		})
	}
}
