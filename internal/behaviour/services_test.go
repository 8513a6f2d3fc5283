package behaviour_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// Services that share a store and a KeyPrefix have pages of their own, and so have two versions of one; their values, their purges
// and their namespaces are common, but for tags, which are a service's (the documentation of Config.Service and Config.Version).

// servicePairs are two configurations, and whether programs that have them share pages.
var servicePairs = []struct {
	name   string
	a, b   cachette.Config
	shared bool
}{
	{"the same service", cachette.Config{Service: "shop"}, cachette.Config{Service: "shop"}, true},
	{"no service given, which is the same program", cachette.Config{}, cachette.Config{}, true},
	{"two services", cachette.Config{Service: "shop"}, cachette.Config{Service: "blog"}, false},
	{"two versions", cachette.Config{Service: "shop", Version: "1"}, cachette.Config{Service: "shop", Version: "2"}, false},
	{"the same version", cachette.Config{Service: "shop", Version: "1"}, cachette.Config{Service: "shop", Version: "1"}, true},
	{"a version and none", cachette.Config{Service: "shop", Version: "1"}, cachette.Config{Service: "shop"}, false},
	{"versions of the program itself", cachette.Config{Version: "1"}, cachette.Config{Version: "2"}, false},
	{"the same version of two services", cachette.Config{Service: "shop", Version: "1"}, cachette.Config{Service: "blog", Version: "1"}, false},
	{"what could be taken for the other", cachette.Config{Service: "shop&1"}, cachette.Config{Service: "shop", Version: "1"}, false},
	{"what could be taken for the other, once more", cachette.Config{Service: "a", Version: "b&c"}, cachette.Config{Service: "a&b", Version: "c"}, false},
	{"in another case", cachette.Config{Service: "shop"}, cachette.Config{Service: "Shop"}, false},
}

func TestServices(t *testing.T) {
	for _, pair := range servicePairs {
		for _, batch := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/batch: %t", pair.name, batch), func(t *testing.T) {
				store := newShelf()
				var sites [2]*site
				for i, cfg := range []cachette.Config{pair.a, pair.b} {
					sites[i] = newSite(t, func(c *cachette.Config) {
						c.Service, c.Version, c.Driver = cfg.Service, cfg.Version, store
						if batch {
							c.Driver = crate{store}
						}
					})
					cached := cachette.Cached(time.Hour, cachette.WithNamespace("n"))
					page := func(c *gin.Context) { c.String(http.StatusOK, "made by %d", i) }
					sites[i].GET("/page", cached, page)
					sites[i].GET("/nested", cachette.Cached(time.Minute), cached, page)
					sites[i].GET("/varies", cached, func(c *gin.Context) { c.Header("Vary", "X-Kind"); page(c) })
					sites[i].PUT("/page", func(c *gin.Context) { c.Status(http.StatusNoContent) })
				}
				for _, target := range []string{"/page", "/nested", "/varies"} {
					for round := range 2 {
						for i, s := range sites {
							want := fmt.Sprintf("made by %d", i)
							if pair.shared {
								want = "made by 0"
							}
							if a := s.get(target); a.body != want || a.hit() != (round > 0 || pair.shared && i > 0) {
								t.Errorf("%s: service %d has %q (%s)", target, i, a.body, a.cacheStatus())
							}
						}
					}
				}
				crossing(t, sites)
			})
		}
	}
}

// crossing holds that values, purges and namespaces of two services are common.
func crossing(t *testing.T, sites [2]*site) {
	t.Helper()
	if err := sites[0].cache.Put(t.Context(), "n:value", "of both", time.Hour); err != nil {
		t.Fatal(err)
	}
	var value string
	if err := sites[1].cache.Fetch(t.Context(), "n:value", &value); err != nil || value != "of both" {
		t.Errorf("a value of the other's: %q, %v", value, err)
	}
	for name, purge := range map[string]func() error{
		"PurgePath":      func() error { return sites[1].cache.PurgePath(t.Context(), "/page") },
		"ClearNamespace": func() error { return sites[1].cache.ClearNamespace(t.Context(), "n") },
		"Flush":          func() error { return sites[1].cache.Flush(t.Context()) },
		"PUT":            func() error { sites[1].do(http.MethodPut, "/page"); return nil },
	} {
		sites[0].get("/page")
		if a := sites[0].get("/page"); !a.hit() {
			t.Errorf("before %s: %s", name, a.cacheStatus())
		}
		if err := purge(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if a := sites[0].get("/page"); a.hit() {
			t.Errorf("behind %s by the other service: %s", name, a.cacheStatus())
		}
	}
}

// Tags are those of a service, in all its versions: of two services that share a store, none drops the other's pages.
func TestTagsAreAServices(t *testing.T) {
	type service struct{ name, version string }
	for name, row := range map[string]struct {
		own, other service
		gone       bool
	}{
		"the same":                     {service{"shop", "1"}, service{"shop", "1"}, true},
		"another version":              {service{"shop", "1"}, service{"shop", "2"}, true},
		"another service":              {service{"shop", "1"}, service{"blog", "1"}, false},
		"one that begins like it":      {service{"shop", ""}, service{"shop2", ""}, false},
		"name and version in one name": {service{"shop", "1"}, service{"shop&1", ""}, false},
	} {
		for _, how := range []string{"by a call", "by a write"} {
			t.Run(name+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := cachettetest.NewStore()
					of := func(its service) *site {
						s := newSite(t, func(cfg *cachette.Config) {
							cfg.Driver, cfg.Service, cfg.Version = store.Driver(), its.name, its.version
						})
						s.GET("/route", cachette.Cached(time.Hour, cachette.WithTags("product:7")), text("page"))
						s.GET("/handler", cachette.Cached(time.Hour), tagged("product:7"))
						s.POST("/write", cachette.Invalidates("product:7"), text("written"))
						return s
					}
					own, other := of(row.own), of(row.other)
					for _, path := range []string{"/route", "/handler"} {
						for range 2 {
							own.get(path)
							synctest.Wait()
						}
					}
					if how == "by a write" {
						other.do(http.MethodPost, "/write")
					} else if err := other.cache.Invalidate(t.Context(), "product:7"); err != nil {
						t.Fatal(err)
					}
					for _, path := range []string{"/route", "/handler"} {
						if a := own.get(path); a.hit() == row.gone {
							t.Errorf("%s: %s", path, a.cacheStatus())
						}
					}
				})
			})
		}
	}
}
