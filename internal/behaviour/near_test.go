package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// nears are two processes on one store, each with a near tier, and one without.
type nears struct {
	t       *testing.T
	store   depot
	sites   [3]*site
	version atomic.Int64 // of what is shown
	runs    atomic.Int64
	path    string // that is asked for
}

const without = 2 // the process that has no near tier

// nearAs runs a test for pages and for values, in bubble time. The near tiers look each second.
func nearAs(t *testing.T, test func(n *nears)) {
	for _, path := range []string{"/page", "/value"} {
		t.Run(path[1:], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &nears{t: t, store: newDepot(), path: path}
				for i := range n.sites {
					n.sites[i] = newSite(t, asJSON, func(c *cachette.Config) {
						c.Driver = n.store
						if i != without {
							c.Near = 1 << 20
						}
					})
					n.serve(n.sites[i])
				}
				time.Sleep(5 * time.Second) // until all processes know of the near tiers
				test(n)
			})
		})
	}
}

func (n *nears) serve(s *site) {
	s.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) {
		n.runs.Add(1)
		cachette.Tag(c, "t")
		c.String(http.StatusOK, "version %d", n.version.Load())
	})
	s.GET("/value", func(c *gin.Context) {
		value, err := cachette.Remember(c, s.cache, "k", time.Hour, func(context.Context) (string, error) {
			n.runs.Add(1)
			return fmt.Sprintf("version %d", n.version.Load()), nil
		}, cachette.WithTags("t"))
		if err != nil {
			c.String(http.StatusInternalServerError, "%s", err)
			return
		}
		c.String(http.StatusOK, value)
	})
	s.POST("/page", func(c *gin.Context) { c.Status(http.StatusNoContent) })
}

// get asks a process, and returns what it gets, and whether the store was asked for what it keeps.
func (n *nears) get(process int) (body string, far bool) {
	n.t.Helper()
	n.store.asked()
	body = n.sites[process].get(n.path).body
	for _, o := range n.store.store.Operations() {
		far = far || isKept(o.Key)
	}
	return body, far
}

// isKept tells whether a key is that of a page or of a value of Remember.
func isKept(key string) bool {
	return strings.Contains(key, "~r:") && !isMark(key)
}

// wants asks a process, and tells what is not so.
func (n *nears) wants(what string, process int, version int, far bool) {
	n.t.Helper()
	if body, asked := n.get(process); body != fmt.Sprintf("version %d", version) || asked != far {
		n.t.Errorf("%s: process %d answers %q, having asked the store: %v; want version %d, %v", what, process, body, asked, version, far)
	}
}

// warm has what is asked for come near in both processes.
func (n *nears) warm() {
	n.t.Helper()
	for range 3 {
		for process := range n.sites {
			n.get(process)
		}
	}
	version := int(n.version.Load())
	n.wants("warm", 0, version, false)
	n.wants("warm", 1, version, false)
	n.wants("warm", without, version, true)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What is used twice comes near the process that uses it, and asks the store for nothing then.
func TestNearOnSecondUse(t *testing.T) {
	nearAs(t, func(n *nears) {
		n.wants("the fill", 0, 0, true)
		n.wants("used twice", 0, 0, true)
		n.wants("near", 0, 0, false)
		n.wants("used once elsewhere", 1, 0, true)
		n.wants("used twice elsewhere", 1, 0, true)
		n.wants("near elsewhere", 1, 0, false)
		if runs := n.runs.Load(); runs != 1 {
			t.Errorf("%d runs, want 1", runs)
		}
	})
}

// A client that goes through all pages once takes no room from what is asked for often, though they are more than there is room for.
func TestNearBesideAScan(t *testing.T) {
	nearAs(t, func(n *nears) {
		for _, s := range n.sites {
			s.GET("/many/:n", cachette.Cached(time.Hour), text(strings.Repeat("x", 10_000)))
		}
		n.warm()
		for i := range 300 {
			n.sites[without].get(fmt.Sprint("/many/", i))
		}
		n.sites[without].settle()
		for i := range 300 {
			n.sites[0].get(fmt.Sprint("/many/", i))
		}
		n.wants("behind the scan", 0, 0, false)
		if held := n.sites[0].cache.Stats().Near.Bytes; held > 100_000 {
			t.Errorf("%d bytes are near, want those of what was asked for again", held)
		}
	})
}

// Each kind of purge ends what is near: in its own process at once, in another one by when that has looked.
func TestNearPurges(t *testing.T) {
	ctx := context.Background()
	for _, purge := range []struct {
		name string
		of   string // what it concerns: /page, /value, or both
		by   func(s *site) error
	}{
		{"tag", "", func(s *site) error { return s.cache.Invalidate(ctx, "t") }},
		{"path", "/page", func(s *site) error { return s.cache.PurgePath(ctx, "/page") }},
		{"write", "/page", func(s *site) error { s.do(http.MethodPost, "/page"); return nil }},
		{"prefix", "/page", func(s *site) error { return s.cache.PurgePrefix(ctx, "/pa") }},
		{"name", "/value", func(s *site) error { _, err := s.cache.Delete(ctx, "k"); return err }},
		{"flush", "", func(s *site) error { return s.cache.Flush(ctx) }},
		{"softly", "", func(s *site) error { return s.cache.Purge(ctx, cachette.Purge{Tags: []string{"t"}, Soft: true}) }},
	} {
		for by := range 3 {
			t.Run(fmt.Sprintf("%s by %d", purge.name, by), func(t *testing.T) {
				nearAs(t, func(n *nears) {
					if purge.of != "" && purge.of != n.path {
						return
					}
					n.warm()
					n.version.Store(1)
					must(n.t, purge.by(n.sites[by]))
					n.wants("its own process, at once", by, 1, true)
					time.Sleep(time.Second + 10*time.Millisecond)
					for process := range n.sites {
						if body, _ := n.get(process); body != "version 1" {
							n.t.Errorf("process %d answers %q when a poll is over", process, body)
						}
					}
					time.Sleep(3 * time.Second) // a flush takes what tells of near tiers
					n.warm()
				})
			})
		}
	}
}

// What is loaded anew on demand takes the place of near copies elsewhere, too.
func TestNearReplaced(t *testing.T) {
	nearAs(t, func(n *nears) {
		if n.path != "/page" {
			return
		}
		n.warm()
		n.version.Store(1)
		n.sites[without].get("/page", "Cache-Control: no-cache")
		time.Sleep(time.Second + 10*time.Millisecond)
		for process := range n.sites {
			if body, _ := n.get(process); body != "version 1" {
				n.t.Errorf("process %d answers %q", process, body)
			}
		}
	})
}

// While the store is away what is near is served, for as long as is documented; when it is back, what was purged meanwhile is
// heard within a second.
func TestNearStoreAway(t *testing.T) {
	nearAs(t, func(n *nears) {
		n.warm()
		n.store.breakdown(func(context.Context, call) error { return errors.New("away") })
		for range 8 {
			time.Sleep(time.Second)
			if body, runs := n.sites[0].get(n.path).body, n.runs.Load(); body != "version 0" || runs != 1 {
				n.t.Fatalf("%q after %d runs", body, runs)
			}
		}
		n.version.Store(1)
		if err := n.sites[1].cache.Invalidate(n.t.Context(), "t"); !errors.Is(err, cachette.ErrOwed) {
			n.t.Errorf("the purge: %v", err)
		}
		if body := n.sites[1].get(n.path).body; body != "version 1" {
			n.t.Errorf("behind its own purge, process 1 answers %q", body)
		}
		time.Sleep(2 * time.Second)
		if body := n.sites[0].get(n.path).body; body != "version 1" {
			n.t.Errorf("behind the bound, process 0 answers %q", body)
		}
		n.store.breakdown(nil)
		time.Sleep(time.Second)
		for process := range n.sites {
			if body, _ := n.get(process); body != "version 1" {
				n.t.Errorf("a second after the store's return, process %d answers %q", process, body)
			}
		}
		n.warm()
	})
}

// A process that was away from the store, and missed a purge that others made meanwhile, has heard of it within a second of its return.
func TestNearCatchesUp(t *testing.T) {
	nearAs(t, func(n *nears) {
		n.warm()
		n.store.breakdown(func(_ context.Context, c call) error {
			if c.op == "since" && strings.HasSuffix(c.key, "~r:ln") {
				return errors.New("cut off")
			}
			return nil
		})
		time.Sleep(3 * time.Second)
		n.version.Store(1)
		must(n.t, n.sites[without].cache.Invalidate(n.t.Context(), "t"))
		n.wants("it has not heard", 0, 0, false)
		n.store.breakdown(nil)
		time.Sleep(time.Second)
		for process := range n.sites {
			if body, _ := n.get(process); body != "version 1" {
				n.t.Errorf("process %d answers %q", process, body)
			}
		}
	})
}

// A store that has lost the log of purges, or what tells of near tiers, costs readings, and no purge.
func TestNearLosses(t *testing.T) {
	for _, lost := range []string{"ln", "la"} {
		t.Run(lost, func(t *testing.T) {
			nearAs(t, func(n *nears) {
				n.warm()
				n.store.remove(func(key string) bool { return strings.HasSuffix(key, "~r:"+lost) })
				n.store.drop(func(key string) bool { return strings.HasSuffix(key, "~r:"+lost) })
				n.version.Store(1)
				must(n.t, n.sites[without].cache.Invalidate(n.t.Context(), "t"))
				time.Sleep(time.Second + 10*time.Millisecond)
				for process := range n.sites {
					if body, _ := n.get(process); body != "version 1" {
						n.t.Errorf("process %d answers %q", process, body)
					}
				}
				time.Sleep(5500 * time.Millisecond) // between two looks
				n.warm()
			})
		})
	}
}

// A page that varies comes near with what its variants depend on.
func TestNearVariants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newDepot()
		s := newSite(t, func(c *cachette.Config) { c.Driver, c.Near = store, 1<<20 })
		s.GET("/", cachette.Cached(time.Hour), func(c *gin.Context) {
			c.Header("Vary", "Accept-Language")
			c.String(http.StatusOK, c.GetHeader("Accept-Language"))
		})
		time.Sleep(5500 * time.Millisecond) // between two looks
		for range 4 {
			for _, language := range []string{"de", "en"} {
				if got := s.get("/", "Accept-Language: "+language); got.body != language {
					t.Errorf("%q to who reads %s", got.body, language)
				}
			}
		}
		store.asked()
		for _, language := range []string{"de", "en"} {
			if got := s.get("/", "Accept-Language: "+language); got.body != language || !got.hit() || store.asked() > 0 {
				t.Errorf("%q to who reads %s: %s", got.body, language, got.cacheStatus())
			}
		}
	})
}

// Near is for a store outside of the process that keeps logs: elsewhere it does nothing.
func TestNearElsewhere(t *testing.T) {
	for _, store := range stores {
		t.Run(store.name, func(t *testing.T) {
			s := newSite(t, store.use, func(c *cachette.Config) { c.Near = 1 << 20 })
			handler, runs := counted(text("page"))
			s.GET("/", cachette.Cached(time.Hour), handler)
			for range 4 {
				if got := s.get("/"); got.body != "page" {
					t.Errorf("%q", got.body)
				}
			}
			if runs.Load() != 1 {
				t.Errorf("%d runs", runs.Load())
			}
		})
	}
}

// What a page, or a value, is made of does not come from near the process: a purge that it has not heard of yet would else be undone by what is made
// of the old value behind it, and be so in the store, for all.
func TestNearIsNotMadeInto(t *testing.T) {
	for _, through := range []string{"a value", "several values", "a value of a load", "a page of a load"} {
		t.Run(through, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, version := newDepot(), atomic.Int64{}
				load := func(context.Context) (string, error) { return fmt.Sprint("version ", version.Load()), nil }
				var sites [2]*site
				for i := range sites {
					s := newSite(t, asJSON, func(c *cachette.Config) { c.Driver, c.Near = store, int64(1-i)<<20 })
					sites[i] = s
					value := func(ctx context.Context) (string, error) {
						return cachette.Remember(ctx, s.cache, "part", time.Hour, load, cachette.WithTags("t"))
					}
					s.GET("/part", cachette.Cached(time.Hour, cachette.WithTags("t")), func(c *gin.Context) {
						text, _ := load(c)
						c.String(http.StatusOK, text)
					})
					s.GET("/plain/part", func(c *gin.Context) { text, _ := value(c); c.String(http.StatusOK, text) })
					s.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) {
						text := ""
						switch through {
						case "a value":
							text, _ = value(c.Request.Context())
						case "several values":
							all, _ := cachette.RememberMany(c, s.cache, []string{"part"}, func(k string) string { return k }, time.Hour, func(context.Context, []string) (map[string]string, error) {
								one, err := load(c)
								return map[string]string{"part": one}, err
							}, cachette.WithTags("t"))
							text = all["part"]
						case "a value of a load":
							text, _ = cachette.Remember(c, s.cache, "whole", time.Hour, value)
						case "a page of a load":
							text, _ = cachette.Remember(c, s.cache, "whole", time.Hour, func(ctx context.Context) (string, error) {
								w := httptest.NewRecorder()
								s.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/part", nil))
								return w.Body.String(), nil
							})
						}
						c.String(http.StatusOK, text)
					})
				}
				time.Sleep(5500 * time.Millisecond)
				for range 4 {
					sites[0].get("/part")
					sites[0].get("/plain/part")
				}
				sites[1].get("/page")
				time.Sleep(1100 * time.Millisecond) // a fill notes where the log of tags is for a second
				version.Store(1)
				must(t, sites[1].cache.Invalidate(t.Context(), "t"))
				sites[0].get("/page") // before it has heard
				time.Sleep(2 * time.Second)
				for i, s := range sites {
					if got := s.get("/page").body; got != "version 1" {
						t.Errorf("process %d shows %q", i, got)
					}
				}
			})
		})
	}
}

// In front of a store without logs there is no near tier, and nothing of one is left behind a Close, which the bubble sees.
func TestNearWithoutLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, func(cfg *cachette.Config) { cfg.Driver, cfg.Near = newShelf(), 1<<20 })
		s.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(http.StatusOK, "page") })
		s.get("/page")
		if a := s.get("/page"); !a.hit() {
			t.Errorf("%s", a.cacheStatus())
		}
	})
}
