package behaviour_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// faraway returns a shelf of which each operation takes 20 milliseconds, as that of a store in another place does. It is for bubbles.
func faraway() *shelf {
	s := newShelf()
	s.breakdown(func(ctx context.Context, _ call) error {
		select {
		case <-time.After(20 * time.Millisecond):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return s
}

// farDepot is a depot that is as far away.
func farDepot() depot { return depot{crate{faraway()}, make(map[string]*list), new(int)} }

// eachDistance runs a test in a bubble on a store that keeps live objects, on one of bytes, and on two that are far away, of which one
// does all that stores do.
func eachDistance(t *testing.T, test func(t *testing.T, store func(*cachette.Config))) {
	t.Helper()
	for name, store := range map[string]func(*cachette.Config){
		"objects":        func(*cachette.Config) {},
		"bytes":          func(cfg *cachette.Config) { cfg.Driver = newShelf() },
		"far away":       func(cfg *cachette.Config) { cfg.Driver = faraway() },
		"far away, logs": func(cfg *cachette.Config) { cfg.Driver = farDepot() },
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { test(t, store) }) })
	}
}

// served sends a request through the engine as http.Server would, which leaves the content out of the answer to a HEAD.
func (s *site) served(ctx context.Context, method, target string, fields ...string) answer {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	s.ServeHTTP(w, r.WithContext(context.WithValue(ctx, http.ServerContextKey, new(http.Server))))
	return answer{status: w.Code, header: w.Result().Header, body: w.Body.String()}
}

// A crowd that asks for a page that is not stored has its handler run once, whatever the requests of it ask for, and whichever comes
// first (RFC 9111 §4, RFC 9110 §9.3.2, §14.2).
func TestCrowd(t *testing.T) {
	crowd, rounds := length(200, 400), length(2, 4) // one of the kind comes first in the first round, and none in the second
	for name, row := range map[string]struct {
		each   int // one of so many requests is of the kind
		method string
		fields []string
		leaves bool // the client, 50 milliseconds after it came
		most   int64
	}{
		"a quarter leaves":     {each: 4, leaves: true, most: 1},
		"half are HEAD":        {each: 2, method: http.MethodHead, most: 1},
		"half are for a range": {each: 2, fields: []string{"Range", "bytes=1-2"}, most: 1},
		"a tenth reloads":      {each: 10, fields: []string{"Cache-Control", "no-cache"}, most: 3},
	} {
		t.Run(name, func(t *testing.T) {
			eachDistance(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				handler, runs := counted(func(c *gin.Context) {
					time.Sleep(300 * time.Millisecond)
					c.String(http.StatusOK, "page")
				})
				s.Match([]string{http.MethodGet, http.MethodHead}, "/:n", cachette.Cached(time.Hour), handler)
				s.get("/first")
				for round := range rounds {
					runs.Store(0)
					answers := together(crowd, func(i int) answer {
						time.Sleep(time.Duration(i) * 10 * time.Microsecond)
						ctx, leave := context.WithCancel(t.Context())
						defer leave()
						method, fields := http.MethodGet, []string(nil)
						if (i+round)%row.each == 0 {
							fields = row.fields
							if row.method != "" {
								method = row.method
							}
							if row.leaves {
								defer time.AfterFunc(50*time.Millisecond, leave).Stop()
							}
						}
						return s.served(ctx, method, "/"+strconv.Itoa(round), fields...)
					})
					for range crowd {
						a := await(t, "an answer", answers)
						switch {
						case a.status == http.StatusOK && a.body == "page":
						case a.status == http.StatusPartialContent && a.body == "ag" && a.header.Get("Content-Range") == "bytes 1-2/4":
						case row.leaves && a.body == "":
						default:
							t.Errorf("%d %q (%s)", a.status, a.body, a.cacheStatus())
						}
					}
					if n := runs.Load(); n < 1 || n > row.most {
						t.Errorf("round %d: the handler ran %d times", round, n)
					}
				}
			})
		})
	}
}

// To those that came before the handler ran, what it makes is as what their own would make: the store is asked nothing of it.
func TestCrowdFromBeforeTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := farDepot()
		s := newSite(t, func(cfg *cachette.Config) { cfg.Driver = store })
		handler, runs := counted(func(c *gin.Context) {
			time.Sleep(time.Second)
			store.asked()
			c.String(http.StatusOK, "page")
		})
		s.GET("/page", cachette.Cached(time.Hour), handler)
		answers := together(100, func(int) answer { return s.served(t.Context(), http.MethodGet, "/page") })
		for range 100 {
			if a := await(t, "an answer", answers); a.body != "page" {
				t.Errorf("%d %q", a.status, a.body)
			}
		}
		reads := slices.DeleteFunc(store.store.Operations(), func(o cachettetest.Operation) bool { return o.Name == "set" })
		if runs.Load() != 1 || len(reads) > 0 {
			t.Errorf("%d runs, then %v", runs.Load(), reads)
		}
	})
}

// What a fill asks the store for before its handler runs it asks at once, also where its place in the log of tags is not known from a moment ago.
func TestFillAsksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, func(cfg *cachette.Config) { cfg.Driver = farDepot() })
		var began time.Time
		var took time.Duration
		s.GET("/:n", cachette.Cached(time.Hour), func(c *gin.Context) {
			took = time.Since(began)
			cachette.Tag(c, "tag")
			c.String(http.StatusOK, "page")
		})
		for n := range 3 {
			began = time.Now()
			s.get("/" + strconv.Itoa(n))
			time.Sleep(time.Minute)
		}
		if took != 40*time.Millisecond {
			t.Errorf("the handler ran after %v, want the look-up, and then what is left at once: 40ms", took)
		}
	})
}

// A request that leads and whose client leaves, while the store is asked or the handler runs, sends none of those that wait to the handler.
func TestLeaderLeavesAtAnyMoment(t *testing.T) {
	for name, leads := range map[string]struct {
		method string
		fields []string
	}{
		"a GET":           {method: http.MethodGet},
		"a HEAD":          {method: http.MethodHead},
		"one for a range": {method: http.MethodGet, fields: []string{"Range", "bytes=1-2"}},
	} {
		for after := 5 * time.Millisecond; after < 450*time.Millisecond; after += 25 * time.Millisecond {
			t.Run(name+" after "+after.String(), func(t *testing.T) {
				eachDistance(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					handler, runs := counted(func(c *gin.Context) {
						time.Sleep(300 * time.Millisecond)
						c.String(http.StatusOK, "page")
					})
					s.Match([]string{http.MethodGet, http.MethodHead}, "/:n", cachette.Cached(time.Hour), handler)
					s.get("/first", "Range: bytes=1-2")
					runs.Store(0)
					ctx, leave := context.WithCancel(t.Context())
					defer time.AfterFunc(after, leave).Stop()
					leader := later(func() answer { return s.served(ctx, leads.method, "/page", leads.fields...) })
					time.Sleep(time.Millisecond)
					answers := together(30, func(int) answer { return s.get("/page") })
					for range 30 {
						if a := await(t, "an answer", answers); a.body != "page" {
							t.Errorf("%d %q (%s)", a.status, a.body, a.cacheStatus())
						}
					}
					await(t, "the leader's end", leader)
					if runs.Load() != 1 {
						t.Errorf("the handler ran %d times", runs.Load())
					}
				})
			})
		}
	}
}

// Pages of one namespace that are asked for at once, and of which none is stored, are all stored on a store that is far away: none waits for
// the marks of another until the store is given up.
func TestColdNamespaceFarAway(t *testing.T) {
	const pages = 1000
	for name, store := range map[string]func(*cachette.Config){
		"bytes": func(cfg *cachette.Config) { cfg.Driver = faraway() },
		"batch": func(cfg *cachette.Config) { cfg.Driver = crate{faraway()} },
		"logs":  func(cfg *cachette.Config) { cfg.Driver = farDepot() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, store)
				handler, runs := counted(text("page"))
				s.GET("/:n", cachette.Cached(time.Hour, cachette.WithNamespace("pages")), handler)
				began := time.Now()
				for _, hit := range []bool{false, true} {
					answers := together(pages, func(i int) answer { return s.served(t.Context(), http.MethodGet, "/"+strconv.Itoa(i)) })
					for range pages {
						a := await(t, "an answer", answers)
						if a.body != "page" || a.hit() != hit || strings.Contains(a.cacheStatus(), "unavailable") {
							t.Errorf("%d %q (%s)", a.status, a.body, a.cacheStatus())
						}
					}
					if took := time.Since(began); !hit && took > 1500*time.Millisecond {
						t.Errorf("it took %v", took)
					}
				}
				if failures := s.cache.Stats().StoreFailures; runs.Load() != pages || failures != 0 {
					t.Errorf("the handler ran %d times, and %d operations failed", runs.Load(), failures)
				}
			})
		})
	}
}
