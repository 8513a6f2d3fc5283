package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// wantsEverywhere tells which processes do not answer with a version when a poll is over.
func (n *nears) wantsEverywhere(version int) {
	n.t.Helper()
	time.Sleep(time.Second + 10*time.Millisecond)
	for process := range n.sites {
		if body, _ := n.get(process); body != fmt.Sprintf("version %d", version) {
			n.t.Errorf("process %d answers %q, want version %d", process, body, version)
		}
	}
}

// pagesAs runs a test on pages that a handler makes of the version.
func pagesAs(t *testing.T, handler func(n *nears, c *gin.Context), test func(n *nears)) {
	t.Helper()
	nearAs(t, func(n *nears) {
		if n.path != "/page" {
			return
		}
		n.path = "/own"
		for _, s := range n.sites {
			s.GET(n.path, cachette.Cached(time.Hour), func(c *gin.Context) { handler(n, c) })
		}
		test(n)
	})
}

// A page that begins to depend on a field of the request, or no longer does, when it is loaded anew, takes the place of the near copies.
func TestNearVaryChanges(t *testing.T) {
	for _, varies := range []int64{0, 1} {
		for by := range 3 {
			t.Run(fmt.Sprintf("version %d varies, by %d", varies, by), func(t *testing.T) {
				pagesAs(t, func(n *nears, c *gin.Context) {
					version := n.version.Load()
					if version == varies {
						c.Header("Vary", "Accept-Language")
					}
					c.String(http.StatusOK, "version %d", version)
				}, func(n *nears) {
					n.warm()
					n.version.Store(1)
					n.sites[by].get(n.path, "Cache-Control: no-cache")
					if body, _ := n.get(by); body != "version 1" {
						t.Errorf("its own process answers %q at once", body)
					}
					n.wantsEverywhere(1)
				})
			})
		}
	}
}

// A page that a reload takes back is gone near other processes, too, also where the store does not remove it at once, or
// has another one by then.
func TestNearTakenBack(t *testing.T) {
	for _, how := range []string{"at once", "late", "replaced late"} {
		for by := range 3 {
			t.Run(fmt.Sprintf("%s by %d", how, by), func(t *testing.T) {
				pagesAs(t, func(n *nears, c *gin.Context) {
					version := n.version.Load()
					if version == 1 {
						c.Header("Cache-Control", "no-store")
					}
					c.String(http.StatusOK, "version %d", version)
				}, func(n *nears) {
					n.warm()
					n.version.Store(1)
					if how != "at once" {
						n.store.breakdown(func(_ context.Context, c call) error {
							if c.op == "delete" && isKept(c.key) {
								return errors.New("not now")
							}
							return nil
						})
					}
					n.sites[by].get(n.path, "Cache-Control: no-cache")
					if body, _ := n.get(by); body != "version 1" {
						t.Errorf("its own process answers %q at once", body)
					}
					for range 4 { // what the store still has may come near anew
						time.Sleep(500 * time.Millisecond)
						for process := range n.sites {
							if process != by {
								n.get(process)
							}
						}
					}
					if how == "replaced late" {
						n.version.Store(2)
						n.get(by)
					}
					n.store.breakdown(nil)
					time.Sleep(time.Second) // until what is owed is carried out
					n.wantsEverywhere(int(n.version.Load()))
				})
			})
		}
	}
}

// scanned is a store that goes through its keys to clear them, which takes it some seconds. What it gets meanwhile stays.
type scanned struct{ depot }

func (s scanned) Clear(ctx context.Context, prefix string) (int, error) {
	under := func(key string) bool { return strings.HasPrefix(key, prefix) }
	keys := s.keys(under)
	ofNears := func(key string) bool { return strings.HasSuffix(key, "~r:la") || strings.HasSuffix(key, "~r:ln") }
	s.remove(ofNears)
	s.drop(ofNears)
	time.Sleep(4 * time.Second)
	n := s.remove(func(key string) bool { return slices.Contains(keys, key) && !ofNears(key) })
	return n + s.drop(func(key string) bool { return under(key) && !ofNears(key) }), ctx.Err()
}

// A flush that takes long ends what came near other processes while it went on, behind what tells of these.
func TestNearLongFlush(t *testing.T) {
	nearAs(t, func(n *nears) {
		for i := range n.sites {
			n.sites[i] = newSite(n.t, asJSON, func(c *cachette.Config) {
				c.Driver = scanned{n.store}
				if i != without {
					c.Near = 1 << 20
				}
			})
			n.serve(n.sites[i])
		}
		time.Sleep(5 * time.Second)
		n.warm()
		flushed := make(chan error, 1)
		go func() { flushed <- n.sites[without].cache.Flush(context.Background()) }()
		for range 35 {
			time.Sleep(100 * time.Millisecond)
			n.get(0)
			n.get(1)
		}
		n.version.Store(1)
		must(n.t, <-flushed)
		n.wantsEverywhere(1)
	})
}

// Near copies take no more than is said, whatever their pages stand on.
func TestNearBytes(t *testing.T) {
	for _, c := range []struct {
		name  string
		path  string
		tags  int
		least int // how many bytes the names of what a page stands on take alone
	}{
		{"many long tags", "", 100, 100 * 240},
		{"long paths", strings.Repeat("x", 6000), 0, 3 * 6000}, // the key, the path, and the path on its host
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const room, pages = 1 << 20, 120
				store := newDepot()
				s := newSite(t, func(c *cachette.Config) { c.Driver, c.Near = store, room })
				s.GET("/page/*n", cachette.Cached(time.Hour), func(g *gin.Context) {
					for i := range c.tags {
						cachette.Tag(g, fmt.Sprintf("%0240d", i))
					}
					g.String(http.StatusOK, "page")
				})
				time.Sleep(5 * time.Second)
				for i := range pages {
					for range 3 {
						s.get(fmt.Sprint("/page/", i, c.path))
					}
				}
				near := s.cache.Stats().NearHits
				for i := range pages {
					s.get(fmt.Sprint("/page/", i, c.path))
				}
				near = s.cache.Stats().NearHits - near
				if most := uint64(room / c.least); near == 0 || near > most {
					t.Errorf("%d of %d pages are near, which take %d bytes each; want at most %d", near, pages, c.least, most)
				}
			})
		})
	}
}
