package behaviour_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// failing is an observer that panics.
type failing struct{ requests, operations bool }

func (f failing) OnRequest(context.Context, cachette.RequestEvent) {
	if f.requests {
		panic("observed")
	}
}

func (f failing) OnOperation(context.Context, cachette.OperationEvent) {
	if f.operations {
		panic("observed")
	}
}

// An observer that panics costs no client its response, no caller its value, and no process its life, since it is also called behind the response; the
// log tells of it, and what is stored is as without one.
func TestObserverThatPanicsBreaksNothing(t *testing.T) {
	for name, store := range storesOfEvents {
		for _, observer := range []failing{{requests: true}, {operations: true}} {
			t.Run(fmt.Sprintf("%s %+v", name, observer), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var log bytes.Buffer
					e := cachettetest.New(t, store, func(cfg *cachette.Config) {
						cfg.Observer, cfg.Logger = observer, slog.New(slog.NewTextHandler(&log, nil))
					})
					e.GET("/page", cachette.Cached(time.Minute, cachette.WithStaleWhileRevalidate(time.Hour), cachette.WithTags("t")), func(c *gin.Context) {
						c.String(http.StatusOK, "page")
					})
					for _, want := range []string{"fwd=uri-miss", "hit", "hit", "hit"} {
						if a := e.Get("/page"); a.Status != http.StatusOK || a.Body != "page" || !strings.Contains(a.CacheStatus(), want) {
							t.Errorf("answered %d %q (%s), and it is to be %s", a.Status, a.Body, a.CacheStatus(), want)
						}
					}
					time.Sleep(2 * time.Minute) // then it is refreshed in the background
					for range 2 {
						if a := e.Get("/page"); a.Status != http.StatusOK || !a.Hit() {
							t.Errorf("answered %d (%s)", a.Status, a.CacheStatus())
						}
						synctest.Wait()
					}
					value, err := cachette.Remember(t.Context(), e.Cache, "key", time.Minute, func(context.Context) (int, error) { return 7, nil })
					if err != nil || value != 7 {
						t.Errorf("Remember gave %d, %v", value, err)
					}
					if err := e.Cache.Invalidate(t.Context(), "t"); err != nil {
						t.Error(err)
					}
					if a := e.Get("/page"); a.Hit() {
						t.Error("what was purged is there")
					}
					synctest.Wait()
					operates := name != "memory" || observer.requests // live objects in memory need no operation
					if told := strings.Contains(log.String(), "the observer panicked"); told != operates {
						t.Errorf("logged %q", log.String())
					}
				})
			})
		}
	}
}

// Methods that clients make up, which any route is that stands for no pattern, are one to an observer, who counts by them: a route's own is told of.
func TestObserverIsToldOfFewMethods(t *testing.T) {
	w := new(watcher)
	e := cachettetest.New(t, func(cfg *cachette.Config) { cfg.Observer = w })
	page := func(c *gin.Context) { c.String(http.StatusOK, "page") }
	e.NoRoute(cachette.Cached(time.Minute), page)
	e.Handle("PROPFIND", "/files", cachette.Cached(time.Minute), page)
	for _, request := range []struct{ method, path, want string }{
		{"GET", "/a", "GET"}, {"HEAD", "/a", "HEAD"}, {"PATCH", "/a", "PATCH"}, {"PROPFIND", "/files", "PROPFIND"}, {"PROPFIND", "/a", "_OTHER"}, {"X-2C7F", "/a", "_OTHER"},
	} {
		e.Do(request.method, request.path)
		if events := w.take(); len(events) != 1 || events[0].Method != request.want {
			t.Errorf("%s %s: told of %+v, and the method is to be %s", request.method, request.path, events, request.want)
		}
	}
}
