package behaviour_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// The response cache and Remember are two users of one machinery: of flights, leases, purges and stores. The rules that hold for both are tested on both,
// by one body each:
//
//	collapsing  one run for those that come together, whose first may leave or fail; one more when they have waited for long   users_collapse_test.go
//	purges      by name, tag, namespace and everything, hard and soft, of what is kept and of what is being made, of all       users_purge_test.go
//	            processes; prefixes and writes are of pages alone
//	failure     a store that fails, hangs and comes back; what is owed; stale-if-error                                         users_failing_test.go
//	leases      of several processes one makes it                                                                             lease_test.go
//
// They differ in what fails: the error of a load is that of all its callers, and a response that is an error is one client's.

// processes share a store, and make a page, or a value, of what one function returns: /page, or n:k, in the namespace n.
type processes struct {
	store depot // if it is one
	sites []*site
	runs  atomic.Int64
	value bool
	logs  bool // the store has some
}

// setUp is what a test has its processes be.
type setUp struct {
	number    int // of them
	store     func(*cachette.Config)
	configure func(*cachette.Config)                                    // nil for nothing
	made      func(ctx context.Context, n int64) (body string, _ error) // what the run with a number is to make; an error is a page of 500
	options   []cachette.SharedOption
}

// each runs a test for pages and for values, in bubble time. What is made is fresh for a minute.
func (u setUp) each(t *testing.T, test func(t *testing.T, p *processes)) {
	t.Helper()
	for name, value := range map[string]bool{"page": false, "value": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, u.processes(t, value)) })
		})
	}
}

// eachStore does what each does, on each kind of store. In memory it is one process.
func (u setUp) eachStore(t *testing.T, test func(t *testing.T, p *processes)) {
	t.Helper()
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		u.store = store
		u.each(t, test)
	})
}

func (u setUp) processes(t *testing.T, value bool) *processes {
	p := &processes{value: value, logs: logs(u.store)}
	var shared cachette.Config
	u.store(&shared)
	switch d := shared.Driver.(type) {
	case depot:
		p.store = d
	case teller:
		p.store = d.depot
	}
	if shared.Driver == nil {
		u.number = 1
	}
	for range u.number {
		s := newSite(t, asJSON, func(c *cachette.Config) {
			if c.Driver = shared.Driver; u.configure != nil {
				u.configure(c)
			}
		})
		s.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) { c.AbortWithStatus(http.StatusInternalServerError) }))
		p.sites = append(p.sites, s)
		options, values := []cachette.Option{cachette.WithNamespace("n")}, []cachette.ValueOption(nil)
		for _, opt := range u.options {
			options, values = append(options, opt), append(values, opt)
		}
		answer := func(c *gin.Context, body string, err error) {
			if err != nil {
				c.String(http.StatusInternalServerError, err.Error())
				return
			}
			c.String(http.StatusOK, body)
		}
		s.GET("/page", cachette.Cached(time.Minute, options...), func(c *gin.Context) {
			body, err := u.made(c.Request.Context(), p.runs.Add(1))
			answer(c, body, err)
		})
		s.PUT("/page", func(c *gin.Context) { c.Status(http.StatusNoContent) })
		s.GET("/value", func(c *gin.Context) {
			body, err := cachette.Remember(c.Request.Context(), s.cache, "n:k", time.Minute, func(ctx context.Context) (string, error) {
				return u.made(ctx, p.runs.Add(1))
			}, values...)
			answer(c, body, err)
		})
	}
	return p
}

// ask asks a process, as a client that leaves when ctx ends.
func (p *processes) ask(ctx context.Context, process int) (body string) {
	path := "/page"
	if p.value {
		path = "/value"
	}
	w := httptest.NewRecorder()
	p.sites[process%len(p.sites)].ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil))
	return w.Body.String()
}

// want asks a process, and wants to get something, within a time.
func (p *processes) want(t *testing.T, process int, body string, within time.Duration) {
	t.Helper()
	began := time.Now()
	if got, took := p.ask(t.Context(), process), time.Since(began); got != body || took > within {
		t.Errorf("got %q after %v, want %q within %v", got, took, body, within)
	}
	p.settle()
}

// settle waits until the store has what waits for it.
func (p *processes) settle() {
	for _, s := range p.sites {
		s.settle()
	}
}

// secondOf makes something in a second, which has the number of the run, unless it is told to end before.
func secondOf(ctx context.Context, n int64) (string, error) {
	select {
	case <-time.After(time.Second):
		return fmt.Sprint("run ", n), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
