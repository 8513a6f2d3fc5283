package behaviour_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Services that share a store and a KeyPrefix have pages of their own, and so have two versions of one; their values, their purges
// and their namespaces are common (the documentation of Config.Service and Config.Version).

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
