package behaviour_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/drivers"
)

// olderItems are what programs with older versions of the format have stored: pages, one that varies and one in a namespace, and their
// marks. Each page's body is "older".
func olderItems(t *testing.T) map[string][]byte {
	t.Helper()
	data, err := os.ReadFile("testdata/older.json")
	if err != nil {
		t.Fatal(err)
	}
	var formats []struct {
		Format string
		Items  map[string][]byte
	}
	if err := json.Unmarshal(data, &formats); err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]byte)
	for _, f := range formats {
		for key, value := range f.Items {
			all[fmt.Sprintf("%s: %s", f.Format, key)] = value
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d items", len(all))
	}
	return all
}

// What a program with an older version of the format has stored is a miss, never an error, under whatever key it stands: of a response, of
// variants, of a mark, or of a log. What is stored in its place is a hit.
func TestOlderFormats(t *testing.T) {
	items := olderItems(t)
	for name, newStore := range map[string]func() (*shelf, drivers.Driver){
		"bytes": func() (*shelf, drivers.Driver) { s := newShelf(); return s, s },
		"batch": func() (*shelf, drivers.Driver) { s := newShelf(); return s, crate{s} },
		"logs":  func() (*shelf, drivers.Driver) { d := newDepot(); return d.shelf, d },
	} {
		for from, value := range items {
			t.Run(name+"/"+from, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, driver := newStore()
					program := func() (*site, *journal) {
						log := new(journal)
						s := newSite(t, log.in, func(cfg *cachette.Config) { cfg.Driver = driver })
						page := func(c *gin.Context) { c.String(http.StatusOK, "page") }
						s.GET("/page", cachette.Cached(time.Hour), page)
						s.GET("/namespace", cachette.Cached(time.Hour, cachette.WithNamespace("n")), page)
						s.GET("/varies", cachette.Cached(time.Hour), func(c *gin.Context) { c.Header("Vary", "X-Kind"); page(c) })
						return s, log
					}
					s, _ := program()
					wantOlderGone(t, s, "at first")
					stored := store.keys(func(string) bool { return true })
					if len(stored) < 10 {
						t.Fatalf("only %q are stored", stored)
					}
					for _, key := range stored {
						store.change(func(k string) bool { return k == key }, func([]byte) []byte { return value })
						time.Sleep(2 * time.Second) // each looks at its log anew
						later, log := program()
						for of, s := range map[string]*site{"the same program": s, "a later one": later} {
							wantOlderGone(t, s, key+", "+of)
						}
						if text := log.String(); strings.Contains(text, "level=WARN") || strings.Contains(text, "level=ERROR") {
							t.Errorf("%s: the log says %s", key, text)
						}
						if n := later.cache.Stats().StoreFailures; n != 0 {
							t.Errorf("%s: %d operations failed", key, n)
						}
					}
				})
			})
		}
	}
}

// wantOlderGone asks for each page twice.
func wantOlderGone(t *testing.T, s *site, what string) {
	t.Helper()
	for _, path := range []string{"/page", "/namespace", "/varies"} {
		if a := s.get(path); a.status != http.StatusOK || a.body != "page" {
			t.Errorf("%s: %s: %d %q (%s)", what, path, a.status, a.body, a.cacheStatus())
		}
		if a := s.get(path); !a.hit() || a.body != "page" {
			t.Errorf("%s: %s, asked again: %d %q (%s)", what, path, a.status, a.body, a.cacheStatus())
		}
	}
}
