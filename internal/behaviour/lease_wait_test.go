package behaviour_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// couple is two processes that share a store, and a page that each run makes in a second.
type couple struct {
	store depot
	sites [2]*site
	runs  atomic.Int64
}

func newCouple(t *testing.T) *couple {
	t.Helper()
	p := &couple{store: newDepot()}
	for i := range p.sites {
		p.sites[i] = newSite(t, func(c *cachette.Config) { c.Driver, c.Lease = p.store, 10*time.Second })
		p.sites[i].Match([]string{http.MethodGet, http.MethodHead}, "/page", cachette.Cached(time.Minute), func(c *gin.Context) {
			n := p.runs.Add(1)
			time.Sleep(time.Second)
			c.String(http.StatusOK, fmt.Sprint("run ", n))
		})
	}
	return p
}

// send sends a request to a process, and has its answer told when there is one. It waits until nothing more can be done at this time.
func (p *couple) send(ctx context.Context, process int, method string, fields ...string) <-chan string {
	told := make(chan string, 1)
	r := httptest.NewRequestWithContext(ctx, method, "/page", nil)
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	go func() {
		w := httptest.NewRecorder()
		p.sites[process].ServeHTTP(w, r)
		told <- fmt.Sprint(w.Code, " ", w.Body)
	}()
	synctest.Wait()
	return told
}

// Where a request waits for what another process makes, those that come behind it wait for the same, and ask the store nothing.
func TestLeaseOfThoseThatComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newCouple(t)
		told := []<-chan string{p.send(t.Context(), 0, http.MethodGet), p.send(t.Context(), 1, http.MethodGet)}
		p.store.asked()
		for range 50 {
			told = append(told, p.send(t.Context(), 1, http.MethodGet))
		}
		if n := p.store.asked(); n != 0 {
			t.Errorf("the store was asked %d times for 50 clients that came while one waited, want 0", n)
		}
		p.send(t.Context(), 0, http.MethodGet)
		if p.store.asked() == 0 {
			t.Error("behind the beginning of a run, a client is to look whether something was purged before it came")
		}
		for i, answer := range told {
			if got := <-answer; got != "200 run 1" {
				t.Errorf("client %d got %q", i, got)
			}
		}
		if n := p.runs.Load(); n != 1 {
			t.Errorf("%d runs, want 1", n)
		}
	})
}

// That is for those alone that want no more than what is there, and what comes of it is for them.
func TestLeaseOfThoseThatWantElse(t *testing.T) {
	for name, row := range map[string]struct {
		method string
		fields []string
		want   string
		runs   int64
	}{
		"no-cache":       {http.MethodGet, []string{"Cache-Control", "no-cache"}, "200 run 2", 2},
		"no-store":       {http.MethodGet, []string{"Cache-Control", "no-store"}, "200 run 2", 2},
		"only-if-cached": {http.MethodGet, []string{"Cache-Control", "only-if-cached"}, "504 ", 1},
		"a part":         {http.MethodGet, []string{"Range", "bytes=0-2"}, "206 run", 1},
		"HEAD":           {http.MethodHead, nil, "200 ", 1},
		"credentials":    {http.MethodGet, []string{"Authorization", "Basic YTpi"}, "200 run 2", 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newCouple(t)
				p.send(t.Context(), 0, http.MethodGet)
				p.send(t.Context(), 1, http.MethodGet)
				if got := <-p.send(t.Context(), 1, row.method, row.fields...); got != row.want {
					t.Errorf("got %q, want %q", got, row.want)
				}
				time.Sleep(5 * time.Second)
				if n := p.runs.Load(); n != row.runs {
					t.Errorf("%d runs, want %d", n, row.runs)
				}
			})
		})
	}
}

// A client that comes behind a purge gets nothing from before it, whatever it waits for.
func TestLeaseOfThoseThatComeBehindAPurge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newCouple(t)
		p.send(t.Context(), 0, http.MethodGet)
		p.send(t.Context(), 1, http.MethodGet)
		if err := p.sites[0].cache.PurgePath(t.Context(), "/page"); err != nil {
			t.Fatal(err)
		}
		if got := <-p.send(t.Context(), 1, http.MethodGet); got != "200 run 2" {
			t.Errorf("got %q, want what was made behind the purge", got)
		}
	})
}

// One that comes later has the page made, when the client for which it was waited leaves, and that of the other process, too.
func TestLeaseOfThoseThatAreLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newCouple(t)
		ends, end := context.WithCancel(t.Context())
		leaves, leave := context.WithCancel(t.Context())
		p.send(ends, 0, http.MethodGet)
		first := p.send(leaves, 1, http.MethodGet)
		second := p.send(t.Context(), 1, http.MethodGet)
		leave()
		if got := <-first; got != "499 " {
			t.Errorf("the first got %q", got)
		}
		end()
		if got := <-second; got != "200 run 1" && got != "200 run 2" {
			t.Errorf("the second got %q", got)
		}
	})
}
