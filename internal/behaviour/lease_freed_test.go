package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// Where those that wait for a fill go on without it, as its response is sent bit by bit or its client takes nothing, so do those of other processes,
// however long the lease is.
func TestLeaseIsFreedWithTheFlight(t *testing.T) {
	for name, flushes := range map[string]int{"bit by bit": 30, "its client takes nothing": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newDepot()
				var runs atomic.Int64
				var sites [2]*site
				for i := range sites {
					sites[i] = newSite(t, func(c *cachette.Config) { c.Driver = store })
					sites[i].Use(wraps)
					sites[i].GET("/", cachette.Cached(time.Minute, cachette.WithLease(time.Minute)), func(c *gin.Context) {
						first := runs.Add(1) == 1
						for i := 0; first && i < flushes; i++ {
							c.String(http.StatusOK, "first, ")
							c.Writer.Flush()
							if flushes > 1 {
								time.Sleep(time.Second)
							}
						}
						c.String(http.StatusOK, "page")
					})
				}
				p, stop := pipe(sites[0])
				defer stop()
				if flushes == 1 {
					p.dial(t, "/")
				} else {
					go sites[0].get("/")
				}
				time.Sleep(10 * time.Millisecond)
				began := time.Now()
				answers := together(20, func(int) answer { return sites[1].get("/") })
				for range 20 {
					if a := <-answers; a.body != "page" {
						t.Errorf("%q (%s)", a.body, a.cacheStatus())
					}
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("the clients of the other process waited for %v", took)
				}
				time.Sleep(time.Minute) // until the first answer has ended
			})
		})
	}
}

// A driver that panics in what is asked of it for the sake of a lease costs no request its answer, and the program not its life.
func TestLeaseOfADriverThatPanics(t *testing.T) {
	for _, operation := range []string{"insert", "set", "delete", "append"} {
		for _, opt := range []cachette.SharedOption{cachette.WithStaleIfError(time.Second), cachette.WithStaleWhileRevalidate(time.Hour), cachette.WithPatience(2 * time.Second)} {
			set := setUp{number: 2, made: secondOf, store: func(c *cachette.Config) { c.Driver = newTeller() },
				options: []cachette.SharedOption{cachette.WithLease(5 * time.Second), opt}}
			set.each(t, func(t *testing.T, p *processes) {
				p.want(t, 0, "run 1", time.Second)
				time.Sleep(2 * time.Minute)
				p.store.store.Fail(func(_ context.Context, o cachettetest.Operation) error {
					if o.Name == operation {
						panic(operation)
					}
					return nil
				})
				for i := range 4 {
					if got := p.ask(t.Context(), i); got == "" {
						t.Errorf("%s panics: client %d gets %q", operation, i, got)
					}
					time.Sleep(10 * time.Second)
				}
				p.store.store.Fail(nil)
				time.Sleep(2 * time.Minute)
				for range 2 {
					p.ask(t.Context(), 0)
					time.Sleep(3 * time.Second) // behind a refresh
				}
				if got, want := p.ask(t.Context(), 1), fmt.Sprint("run ", p.runs.Load()); got != want {
					t.Errorf("behind panics of %s: %q, want %q", operation, got, want)
				}
			})
		}
	}
}

// A driver that panics in what is owed leaves it owed.
func TestOwedToADriverThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newDepot()
		s := newSite(t, asJSON, func(c *cachette.Config) { c.Driver = store })
		must(t, s.cache.Put(t.Context(), "k", "value", time.Hour))
		store.store.Fail(func(context.Context, cachettetest.Operation) error { return errors.New("down") })
		if _, err := s.cache.Delete(t.Context(), "k"); !errors.Is(err, cachette.ErrOwed) {
			t.Fatal(err)
		}
		store.store.Fail(func(context.Context, cachettetest.Operation) error { panic("driver") })
		time.Sleep(5 * time.Second)
		if n := s.cache.Stats().Owed; n == 0 {
			t.Error("nothing is owed any more")
		}
		store.store.Fail(nil)
		time.Sleep(5 * time.Second)
		if n := s.cache.Stats().Owed; n != 0 {
			t.Errorf("%d removals are owed, and the store is back", n)
		}
	})
}
