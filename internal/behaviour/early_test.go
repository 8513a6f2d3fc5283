package behaviour_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A crowd of which each member asks ten times a second, at moments of its own, for as long as a test says. It returns how many have
// waited, and how many times they asked.
func throng(members int, lasts time.Duration, ask func() error) (waited, asked int64, err error) {
	var waits, asks atomic.Int64
	var failed atomic.Value
	var all sync.WaitGroup
	end := time.Now().Add(lasts)
	for range members {
		all.Go(func() {
			for time.Sleep(rand.N(100 * time.Millisecond)); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
				began := time.Now()
				if err := ask(); err != nil {
					failed.Store(err)
				}
				if asks.Add(1); time.Since(began) > 0 {
					waits.Add(1)
				}
			}
		})
	}
	all.Wait()
	err, _ = failed.Load().(error)
	return waits.Load(), asks.Load(), err
}

// eachThrong runs a test on each kind of store, with the members of a crowd.
func eachThrong(t *testing.T, test func(t *testing.T, store func(*cachette.Config), members int)) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		members := 100
		if strings.HasSuffix(t.Name(), "/objects") {
			members = 500
		}
		test(t, store, members)
	})
}

// With early refresh no client of a page that is asked for often waits for its handler, which runs about once an expiry; without it, some do.
func TestEarlyRefresh(t *testing.T) {
	for name, row := range map[string]struct {
		outer, options []cachette.Option
		fields         []string
		waits          bool
	}{
		"with it":                  {options: []cachette.Option{cachette.WithEarlyRefresh(1)}},
		"with it, outside":         {outer: []cachette.Option{cachette.WithEarlyRefresh(1)}},
		"with it, by max-age":      {options: []cachette.Option{cachette.WithEarlyRefresh(1)}, fields: []string{"Cache-Control: max-age=1, must-revalidate"}},
		"with it, that validates":  {options: []cachette.Option{cachette.WithEarlyRefresh(1)}, fields: []string{`ETag: "v"`}},
		"with it, and a shown key": {options: []cachette.Option{cachette.WithEarlyRefresh(1), cachette.WithCacheStatusKey()}},
		"without":                  {waits: true},
	} {
		t.Run(name, func(t *testing.T) {
			eachThrong(t, func(t *testing.T, store func(*cachette.Config), members int) {
				s := newSite(t, store)
				handler, runs := counted(func(c *gin.Context) {
					time.Sleep(50 * time.Millisecond)
					if addFields(c, row.fields); c.GetHeader("If-None-Match") != "" {
						c.Status(http.StatusNotModified)
						return
					}
					c.String(http.StatusOK, "page")
				})
				s.Group("/", cachette.Cached(time.Second, row.outer...)).GET("/", cachette.Cached(time.Second, row.options...), handler)
				s.get("/")
				const lasts = 5
				waited, asked, err := throng(members, lasts*time.Second, func() error {
					a := s.served(t.Context(), http.MethodGet, "/")
					if a.status != http.StatusOK || a.body != "page" || strings.Contains(a.cacheStatus(), "ttl=-") {
						return fmt.Errorf("%d %q (%s)", a.status, a.body, a.cacheStatus())
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				if (waited > 0) != row.waits {
					t.Errorf("%d of %d requests waited", waited, asked)
				}
				// Each run is some 0.7 s behind the one before, as the crowd is large.
				if n := runs.Load(); n < lasts || n > 3*lasts {
					t.Errorf("the handler ran %d times in %d expiries", n, lasts)
				}
				time.Sleep(time.Second)
			})
		})
	}
}

// With early refresh no caller of a value that is asked for often waits for its load, which runs about once an expiry.
func TestRememberEarly(t *testing.T) {
	eachThrong(t, func(t *testing.T, store func(*cachette.Config), members int) {
		for name, opts := range map[string][]cachette.ValueOption{
			"early": {cachette.WithEarlyRefresh(1)}, "early and patient": {cachette.WithEarlyRefresh(1), cachette.WithPatience(time.Millisecond)}, "late": nil,
		} {
			s := newSite(t, store)
			var loads atomic.Int64
			ask := func() error {
				_, err := cachette.Remember(t.Context(), s.cache, name, time.Second, func(context.Context) (string, error) {
					loads.Add(1)
					time.Sleep(50 * time.Millisecond)
					return "value", nil
				}, opts...)
				return err
			}
			if err := ask(); err != nil {
				t.Fatal(err)
			}
			s.settle()
			const lasts = 5
			waited, asked, err := throng(members, lasts*time.Second, ask)
			if err != nil || (waited > 0) != (opts == nil) {
				t.Errorf("%s: %d of %d callers waited; %v", name, waited, asked, err)
			}
			if n := loads.Load(); n < lasts || n > 3*lasts {
				t.Errorf("%s: %d loads have run in %d expiries", name, n, lasts)
			}
			time.Sleep(time.Second)
		}
	})
}

// An early refresh that fails leaves the page as it is, and is not repeated at once; the page is refreshed when it has ended.
func TestEarlyRefreshFails(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		var fails atomic.Bool
		handler, runs := counted(func(c *gin.Context) {
			time.Sleep(time.Second)
			if fails.Load() {
				panic("broken")
			}
			c.String(http.StatusOK, "page")
		})
		s.GET("/", cachette.Cached(time.Minute, cachette.WithEarlyRefresh(1)), handler)
		s.get("/")
		fails.Store(true)
		time.Sleep(55 * time.Second)
		waited, _, err := throng(100, 4900*time.Millisecond, func() error {
			if a := s.served(t.Context(), http.MethodGet, "/"); !a.hit() || a.body != "page" {
				return fmt.Errorf("%q (%s)", a.body, a.cacheStatus())
			}
			return nil
		})
		if n := runs.Load(); waited > 0 || err != nil || n != 2 {
			t.Errorf("%d waited; %v; the handler ran %d times", waited, err, n)
		}
		fails.Store(false)
		time.Sleep(5 * time.Second)
		if a := s.get("/"); a.hit() || a.body != "page" {
			t.Errorf("behind its end: %q (%s)", a.body, a.cacheStatus())
		}
	})
}

// Of several processes one refreshes at a time where fills have a lease, and no client of any waits.
func TestEarlyRefreshOfSeveralProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		depot := newDepot()
		var runs, next atomic.Int64
		var sites []*site
		for range 4 {
			s := newSite(t, func(c *cachette.Config) { c.Driver, c.Lease = depot, 10*time.Second })
			s.GET("/", cachette.Cached(time.Second, cachette.WithEarlyRefresh(1)), func(c *gin.Context) {
				runs.Add(1)
				time.Sleep(50 * time.Millisecond)
				c.String(http.StatusOK, "page")
			})
			sites = append(sites, s)
		}
		sites[0].get("/")
		waited, asked, err := throng(200, 5*time.Second, func() error {
			s := sites[int(next.Add(1))%len(sites)]
			if a := s.served(t.Context(), http.MethodGet, "/"); !a.hit() {
				return fmt.Errorf("%q (%s)", a.body, a.cacheStatus())
			}
			return nil
		})
		if n := runs.Load(); waited > 0 || err != nil || n > 15 {
			t.Errorf("%d of %d waited; %v; the handler ran %d times", waited, asked, err, n)
		}
		time.Sleep(time.Second)
	})
}

// An early refresh that comes behind that of another process, which its client did not see yet, runs no handler, and is none in vain.
func TestEarlyRefreshBehindAnother(t *testing.T) {
	spared := 0
	for after := time.Duration(0); after < 300*time.Millisecond; after += 5 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			depot := farDepot()
			handler, runs := counted(func(c *gin.Context) {
				time.Sleep(50 * time.Millisecond)
				c.String(http.StatusOK, "page")
			})
			var sites []*site
			for range 2 {
				s := newSite(t, func(c *cachette.Config) { c.Driver = depot })
				s.GET("/", cachette.Cached(time.Hour, cachette.WithEarlyRefresh(1e9)), handler) // each hit has it refreshed
				sites = append(sites, s)
			}
			sites[0].get("/")
			time.Sleep(time.Second)
			go sites[0].served(t.Context(), http.MethodGet, "/")
			time.Sleep(after)
			sites[1].served(t.Context(), http.MethodGet, "/")
			time.Sleep(time.Second)
			if runs.Load() > 2 {
				return
			}
			spared++
			sites[1].served(t.Context(), http.MethodGet, "/")
			time.Sleep(time.Second)
			if n := runs.Load(); n != 3 {
				t.Errorf("%v later: the next one is not refreshed: %d runs", after, n)
			}
		})
	}
	if spared == 0 {
		t.Error("the handler ran each time")
	}
}
