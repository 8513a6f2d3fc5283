package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// watcher is an observer that remembers all.
type watcher struct {
	mu         sync.Mutex
	requests   []cachette.RequestEvent
	operations []cachette.OperationEvent
	marked     []any // what the contexts of requests have
}

type watched struct{}

func (w *watcher) OnRequest(ctx context.Context, e cachette.RequestEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests = append(w.requests, e)
	w.marked = append(w.marked, ctx.Value(watched{}))
}

func (w *watcher) OnOperation(_ context.Context, e cachette.OperationEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.operations = append(w.operations, e)
}

// take returns what was told of since.
func (w *watcher) take() []cachette.RequestEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.requests
	w.requests = nil
	return taken
}

// wordsOf returns what Cache-Status says of an event.
func wordsOf(e cachette.RequestEvent) string {
	words := []string{"cachette"}
	add := func(when bool, word string) {
		if when {
			words = append(words, word)
		}
	}
	add(e.Outcome == "hit" || e.Outcome == "stale", "hit")
	add(e.Forward != "", "fwd="+e.Forward)
	add(e.Outcome == "collapsed", "collapsed")
	add(e.Reason != "", "detail="+e.Reason)
	return strings.Join(words, "; ")
}

// told returns of a Cache-Status what an event says, too.
func told(status string) string {
	parameters := strings.Split(status, "; ")
	return strings.Join(slices.DeleteFunc(parameters, func(p string) bool {
		return strings.HasPrefix(p, "ttl=") || strings.HasPrefix(p, "fwd-status=") || p == "stored"
	}), "; ")
}

// storesOfEvents are the kinds of stores that tell of requests in their own ways: on the short way, from bytes, and from near copies.
var storesOfEvents = map[string]func(*cachette.Config){
	"memory": func(*cachette.Config) {},
	"bytes":  func(cfg *cachette.Config) { cfg.Driver = newShelf() },
	"near":   func(cfg *cachette.Config) { cfg.Driver, cfg.Near = newDepot(), 1<<20 },
}

// An observer is told of each request once, of the route, the method, and what Cache-Status says (RFC 9211 §2), with the request's own context.
func TestObserverAgreesWithCacheStatus(t *testing.T) {
	routes := map[string]func(c *gin.Context){
		"/page":     func(c *gin.Context) { c.String(http.StatusOK, "page") },
		"/no-store": func(c *gin.Context) { c.Header("Cache-Control", "no-store"); c.String(http.StatusOK, "page") },
		"/cookie":   func(c *gin.Context) { c.SetCookie("a", "b", 0, "", "", false, false); c.String(http.StatusOK, "page") },
		"/error":    func(c *gin.Context) { c.String(http.StatusInternalServerError, "error") },
		"/validated": func(c *gin.Context) {
			c.Header("Cache-Control", "max-age=1")
			c.Header("ETag", `"v"`)
			c.String(http.StatusOK, "page")
		},
	}
	requests := [][]string{{}, {"Cache-Control: no-cache"}, {"Cache-Control: only-if-cached"}, {"Range: bytes=0-1"}, {"Cache-Control: max-stale"},
		{"Upgrade: websocket", "Connection: Upgrade"}, {"Authorization: Basic c2VjcmV0"}}
	for name, store := range storesOfEvents {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := new(watcher)
				engine := gin.New()
				engine.Use(func(c *gin.Context) {
					c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), watched{}, c.Request.URL.Path))
				})
				e := cachettetest.On(t, engine, store, func(cfg *cachette.Config) { cfg.Observer = w })
				for path, handler := range routes {
					e.GET(path, cachette.Cached(time.Minute), handler)
					e.HEAD(path, cachette.Cached(time.Minute), handler)
					e.POST(path, cachette.Cached(time.Minute), handler)
				}
				for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodGet, http.MethodPost} {
					for _, path := range slices.Sorted(maps.Keys(routes)) {
						for _, fields := range requests {
							a := e.Do(method, path, fields...)
							events := w.take()
							if len(events) != 1 {
								t.Fatalf("%s %s %q: told of %+v", method, path, fields, events)
							}
							got := events[0]
							if status := told(a.CacheStatus()); wordsOf(got) != status || got.Route != path || got.Method != method || got.Background {
								t.Errorf("%s %s %q: %s, and told of %+v", method, path, fields, a.CacheStatus(), got)
							}
							time.Sleep(1500 * time.Millisecond)
						}
					}
				}
				if i := slices.Index(w.marked, nil); i >= 0 {
					t.Errorf("the context of request %d is not its own", i)
				}
			})
		})
	}
}

// What an observer is told and what is counted is the same, in number and time, of requests, handlers and operations on the store.
func TestObserverAgreesWithStats(t *testing.T) {
	for name, store := range storesOfEvents {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := new(watcher)
				s := newSite(t, store, func(cfg *cachette.Config) { cfg.Observer = w })
				s.GET("/:n", cachette.Cached(time.Minute), func(c *gin.Context) {
					time.Sleep(30 * time.Millisecond)
					if c.Param("n") == "private" {
						c.Header("Cache-Control", "private")
					}
					c.Header("Cache-Control", c.Query("cc"))
					c.String(http.StatusOK, "page")
				})
				for range 5 {
					for _, target := range []string{"/1", "/2", "/private?cc=private", "/swr?cc=max-age=1,stale-while-revalidate=60", "/none?cc=no-store"} {
						s.get(target)
					}
					s.get("/1", "Upgrade: websocket", "Connection: Upgrade")
					time.Sleep(2 * time.Second)
				}
				want := cachette.RouteStats{Refused: map[string]uint64{}, Bypasses: map[string]uint64{}}
				outcomes, fills, took, near := map[string]uint64{}, uint64(0), time.Duration(0), uint64(0)
				for _, e := range w.take() {
					if e.Near {
						near++
					}
					ran := e.Outcome == "miss" || e.Outcome == "validated" || e.Outcome == "stale-on-error"
					switch {
					case ran:
						fills, took = fills+1, took+e.Took
						if e.Reason != "" {
							want.Refused[e.Reason]++
						}
					case e.Outcome == "bypass":
						want.Bypasses[e.Reason]++
					}
					if e.Background {
						want.Refreshes++
						continue
					}
					outcomes[e.Outcome]++
					want.Saved += e.Saved
				}
				got := s.cache.Stats().Routes["/:n"]
				for name, n := range got.All() {
					if n != outcomes[name] {
						t.Errorf("%s: counted %d, told of %d", name, n, outcomes[name])
					}
				}
				if got.Fills.Count != fills || got.Fills.Sum != took || got.Saved != want.Saved || got.Refreshes != want.Refreshes ||
					!maps.Equal(got.Refused, want.Refused) || !maps.Equal(got.Bypasses, want.Bypasses) {
					t.Errorf("counted %+v; told of %+v, and of %d fills of %v", got, want, fills, took)
				}
				// 30 ms each, whatever the store: 10 of /1 and /2 but two, five of what is stale behind its first, which is told anew each time.
				if hits := got.Hits + got.StaleHits; got.Refreshes == 0 || hits < 8 || got.Saved != time.Duration(hits)*30*time.Millisecond {
					t.Errorf("%d refreshes; %d hits have saved %v", got.Refreshes, hits, got.Saved)
				}
				if want := (map[string]uint64{"private": 5, "no-store": 5}); !maps.Equal(got.Refused, want) {
					t.Errorf("refused: %v, want %v", got.Refused, want)
				}
				if hits := s.cache.Stats().NearHits; near != hits || (near > 0) != (name == "near") {
					t.Errorf("%d near hits, and told of %d", hits, near)
				}
				operationsAgree(t, w, s.cache.Stats().Store)
			})
		})
	}
}

func operationsAgree(t *testing.T, w *watcher, counted cachette.StoreStats) {
	t.Helper()
	told := map[string]uint64{}
	for _, o := range w.operations {
		told[o.Kind+" "+o.Result]++
	}
	for kind, of := range counted.All() {
		for result, n := range of.All() {
			if told[kind+" "+result] != n {
				t.Errorf("%s, %s: counted %d, told of %d", kind, result, n, told[kind+" "+result])
			}
		}
	}
}

// Durations are counted by the bucket that they are in, the bounds being part of what is below.
func TestFillsAreCountedByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.GET("/:for", cachette.Cached(time.Minute), func(c *gin.Context) {
			d, _ := time.ParseDuration(c.Param("for"))
			time.Sleep(d)
			c.String(http.StatusOK, "page")
		})
		var sum time.Duration
		bounds := cachette.DurationBounds()
		for _, bound := range bounds {
			s.get(fmt.Sprint("/", bound))
			s.get(fmt.Sprint("/", bound+1))
			sum += 2*bound + 1
		}
		got := s.cache.Stats().Routes["/:for"].Fills
		if got.Sum != sum || got.Count != uint64(2*len(bounds)) {
			t.Errorf("%d fills of %v, want %d of %v", got.Count, got.Sum, 2*len(bounds), sum)
		}
		for i, n := range got.Buckets {
			want := uint64(2)
			if i == 0 || i == len(bounds) {
				want = 1
			}
			if n != want {
				t.Errorf("bucket %d has %d, want %d: %v", i, n, want, got.Buckets)
			}
		}
	})
}

// What is held in memory, and what waits for a store, is told.
func TestWhatIsHeldIsTold(t *testing.T) {
	s := newSite(t, func(cfg *cachette.Config) { cfg.MemoryLimit = 1 << 20 })
	page := strings.Repeat("x", 50_000)
	s.GET("/:n", cachette.Cached(time.Minute), func(c *gin.Context) { c.String(http.StatusOK, page) })
	s.get("/1")
	held := s.cache.Stats().Memory
	if held.Entries == 0 || held.Bytes < int64(len(page)) || held.Limit != 1<<20 || held.Evictions != 0 {
		t.Errorf("with one page: %+v", held)
	}
	for n := range 200 {
		s.get(fmt.Sprint("/", n))
	}
	if held = s.cache.Stats().Memory; held.Evictions == 0 || held.Bytes > held.Limit {
		t.Errorf("with 200 pages in a place for 20: %+v", held)
	}

	synctest.Test(t, func(t *testing.T) {
		store := newDepot()
		s := newSite(t, func(cfg *cachette.Config) { cfg.Driver = store })
		s.GET("/:n", cachette.Cached(time.Minute), func(c *gin.Context) { c.String(http.StatusOK, page) })
		store.breakdown(func(ctx context.Context, call call) error {
			if call.op == "set" {
				<-ctx.Done()
				return errors.New("too slow")
			}
			return nil
		})
		s.served(t.Context(), http.MethodGet, "/1")
		if stats := s.cache.Stats(); stats.Waiting != 1 || stats.WaitingBytes < int64(len(page)) {
			t.Errorf("one waits: %d, %d bytes", stats.Waiting, stats.WaitingBytes)
		}
		_ = s.cache.Settle(t.Context())
		if stats := s.cache.Stats(); stats.Waiting != 0 || stats.WaitingBytes != 0 {
			t.Errorf("none waits: %d, %d bytes", stats.Waiting, stats.WaitingBytes)
		}
	})
}
