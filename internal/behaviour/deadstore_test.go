package behaviour_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// deadStores are stores that answer nothing: in bubbles, where their time passes at once.
var deadStores = map[string]func(ctx context.Context, c call) error{
	"hangs": func(ctx context.Context, _ call) error {
		<-ctx.Done()
		return ctx.Err()
	},
	"refuses": func(context.Context, call) error {
		time.Sleep(time.Millisecond)
		return errors.New("refused")
	},
	"takes no writes": func(_ context.Context, c call) error {
		if time.Sleep(time.Millisecond); c.op == "set" && isResponse(c.key) {
			return errors.New("refused")
		}
		return nil
	},
}

// Requests of one page that come together have its handler run once though nothing can be stored: what it makes is for all that came
// before it ran (RFC 9111 §4). Where it fails, a few run it at a time.
func TestCrowdWithoutStore(t *testing.T) {
	for name, fault := range deadStores {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newShelf()
				s := newSite(t, store.on)
				var running, most atomic.Int64
				handler, runs := counted(func(c *gin.Context) {
					n := running.Add(1)
					defer running.Add(-1)
					most.Store(max(n, most.Load()))
					time.Sleep(300 * time.Millisecond)
					status, err := strconv.Atoi(strings.TrimPrefix(c.Request.URL.Path, "/"))
					if err != nil {
						t.Error(err)
					}
					c.String(status, "page")
				})
				s.GET("/:status", cachette.Cached(time.Hour), handler)
				store.breakdown(fault)
				for _, status := range []int{http.StatusOK, http.StatusServiceUnavailable} {
					answers := together(100, func(int) answer { return s.get("/" + strconv.Itoa(status)) })
					for range 100 {
						if a := await(t, "an answer", answers); a.status != status || a.body != "page" || a.hit() {
							t.Errorf("%d %q (%s)", a.status, a.body, a.cacheStatus())
						}
					}
					if status == http.StatusOK && runs.Load() != 1 {
						t.Errorf("the handler ran %d times", runs.Load())
					}
				}
				if most.Load() > 5 {
					t.Errorf("%d ran the handler at a time", most.Load())
				}
			})
		})
	}
}

// A response that the store has not taken is for no request that came when its handler ran already: what was purged in between cannot be
// asked of the store, and what this process itself has purged is owed.
func TestLateWithoutStore(t *testing.T) {
	for name, fault := range deadStores {
		for by, purge := range map[string]func(t *testing.T, s *site, store *shelf){
			"another process": func(t *testing.T, _ *site, store *shelf) { // which reaches the store
				store.breakdown(nil)
				if err := newSite(t, store.on).cache.PurgePath(t.Context(), "/"); err != nil {
					t.Fatal(err)
				}
				store.breakdown(fault)
			},
			"this process": func(t *testing.T, s *site, _ *shelf) { _ = s.cache.PurgePath(t.Context(), "/") },
			"a write":      func(_ *testing.T, s *site, _ *shelf) { s.do(http.MethodPost, "/") },
			"a flush": func(t *testing.T, s *site, _ *shelf) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_ = s.cache.Flush(ctx)
			},
		} {
			t.Run(name+", by "+by, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := newShelf()
					s := newSite(t, store.on)
					var run atomic.Int64
					handler, gate, arrived, _ := gated(func(c *gin.Context) {
						version := run.Add(1)
						time.Sleep(3 * time.Second) // until all of them wait
						c.String(http.StatusOK, "version %d", version)
					})
					s.GET("/", cachette.Cached(time.Hour), handler)
					s.POST("/", text("written"))
					store.breakdown(fault)
					leader := later(func() answer { return s.get("/") })
					await(t, "the leader", arrived)
					purge(t, s, store)
					late := together(10, func(int) answer { return s.get("/") })
					synctest.Wait()
					close(gate)
					await(t, "the leader's answer", leader)
					for range 10 {
						if a := await(t, "a late answer", late); a.body == "version 1" {
							t.Errorf("a late one gets %q (%s)", a.body, a.cacheStatus())
						}
					}
					if run.Load() != 2 {
						t.Errorf("the handler ran %d times", run.Load())
					}
				})
			})
		}
	}
}

// Nor is one that is for one client shared since the store does not answer.
func TestNotSharedWithoutStore(t *testing.T) {
	for _, field := range []string{"Cache-Control: private", "Cache-Control: no-store", "Set-Cookie: a=b", "Vary: *"} {
		t.Run(field, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newShelf()
				s := newSite(t, store.on)
				handler, runs := counted(func(c *gin.Context) {
					time.Sleep(300 * time.Millisecond)
					text("page", field)(c)
				})
				s.GET("/", cachette.Cached(time.Hour), handler)
				store.breakdown(deadStores["refuses"])
				answers := together(10, func(int) answer { return s.get("/") })
				for range 10 {
					await(t, "an answer", answers)
				}
				if runs.Load() != 10 {
					t.Errorf("the handler ran %d times for 10 clients", runs.Load())
				}
			})
		})
	}
}
