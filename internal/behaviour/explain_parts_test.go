package behaviour_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// What is told of a key is what it is made of, and of what a digest hides only that it is there.
func TestExplanationsHavePartsOfKeys(t *testing.T) {
	user := func(c *gin.Context) string { return c.GetHeader("X-User") }
	for name, store := range storesOfEvents {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, store, func(cfg *cachette.Config) { cfg.KeyPrefix = "p//q:" })
			group := s.Group("", cachette.Cached(time.Minute, cachette.WithNamespace("shop")))
			group.GET("/listed/:n", cachette.Cached(time.Minute, cachette.WithQueryParams("a"), cachette.WithIdentity(user)), text("page"))
			s.GET("/whole/:n", cachette.Cached(time.Minute, cachette.WithKeyPart(user)), text("page", "Vary: X-Field"))
			s.GET("/plain/:n", cachette.Cached(time.Minute, cachette.WithPathKey()), text("page"))
			s.GET("/search/:n", cachette.Cached(time.Minute), text("page", `No-Vary-Search: params=("b")`))
			for target, want := range map[string]cachette.KeyParts{
				"/search/1?b=2&a=1": {Service: true, Scheme: "http", Host: "example.com", Path: "/search/1", Query: "b=2&a=1", Declared: `params=("b")`},
				"/listed/1?b=2&a=1": {Service: true, Scheme: "http", Host: "example.com", Path: "/listed/1", Query: "a=1", Namespaces: []string{"shop"}, Identity: true},
				"/whole/1?b=2&a=1":  {Service: true, Scheme: "http", Host: "example.com", Path: "/whole/1", Query: "b=2&a=1", Part: true, Varies: true},
				"/plain/1?b=2&a=1":  {Service: true, Scheme: "http", Host: "example.com", Path: "/plain/1"},
			} {
				s.get(target, "X-User: hunter2", "X-Field: hunter2")
				x := explained(t, s, http.MethodGet, target, "X-User: hunter2", "X-Field: hunter2")
				if x.Outcome != "hit" || x.Parts == nil || !reflect.DeepEqual(*x.Parts, want) {
					t.Errorf("%s: %+v in\n%s", target, x.Parts, x)
				}
				said := x.Parts.String()
				for what, is := range map[string]bool{"http, host \"example.com\", path \"/": true, "whom it is for": want.Identity, "varies by": want.Varies, "says of the request": want.Part, "namespace \"shop\"": want.Namespaces != nil, "query": want.Query != "", "No-Vary-Search \"params=(\\\"b": want.Declared != ""} {
					if strings.Contains(said, what) != is || !strings.Contains(x.String(), said) {
						t.Errorf("%s: %q: %s", target, what, said)
					}
				}
			}
		})
	}
}

// An explanation has what a stored response stands on, and which of that a purge has taken away, on each kind of store.
func TestExplanationsHaveMarks(t *testing.T) {
	const hostPath, path, tag, namespace, all = `path "/1" of "example.com"`, `path "/1" of every host`, `tag "tag"`, `namespace "shop"`, "a prefix of its path, or everything"
	for name, store := range storesOfEvents {
		for purge, row := range map[string]struct {
			purge cachette.Purge
			gone  string
			state string
		}{
			"nothing": {cachette.Purge{Tags: []string{"other"}}, "", "good"},
			"path":    {cachette.Purge{Paths: []string{"/1"}}, path, "purged, or lost"},
			"url":     {cachette.Purge{URLs: []string{"http://example.com/1"}}, hostPath, "purged, or lost"},
			"tag":     {cachette.Purge{Tags: []string{"tag"}}, tag, "purged, or lost"},
			"softly":  {cachette.Purge{Tags: []string{"tag"}, Soft: true}, tag, "purged softly"},
			"prefix":  {cachette.Purge{Prefixes: []string{"/"}}, all, "purged, or lost"},
		} {
			t.Run(name+"/"+purge, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					s.GET("/:n", cachette.Cached(time.Minute, cachette.WithNamespace("shop"), cachette.WithTags("tag"), cachette.WithStaleWhileRevalidate(time.Minute)), text("page"))
					s.get("/1")
					s.settle()
					if err := s.cache.Purge(t.Context(), row.purge); err != nil {
						t.Fatal(err)
					}
					x := explained(t, s, http.MethodGet, "/1")
					got, want := map[string]string{}, map[string]string{hostPath: "good", path: "good", tag: "good", namespace: "good"}
					for _, m := range x.Marks {
						if !strings.HasPrefix(m.Scope, "what others do") { // marks that some stores have beside those of a path
							got[m.Scope] = m.State
						}
					}
					if row.gone != "" {
						want[row.gone] = row.state
					}
					if !reflect.DeepEqual(got, want) {
						t.Errorf("%v\nwant %v, in\n%s", got, want, x)
					}
				})
			})
		}
	}
}

// Where a route has patience, what is told is that a fresh page is waited for, which is what then happens.
func TestExplainTellsOfPatience(t *testing.T) {
	for name, store := range storesOfEvents {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, handler := newSite(t, store), func(c *gin.Context) {
					time.Sleep(10 * time.Millisecond)
					c.String(http.StatusOK, "page")
				}
				s.GET("/", cachette.Cached(time.Minute, cachette.WithPatience(100*time.Millisecond)), handler)
				s.get("/")
				time.Sleep(90 * time.Second)
				x := explained(t, s, http.MethodGet, "/")
				if x.Outcome != "collapsed" || x.Forward != "stale" || !strings.Contains(x.Rule, "100ms as WithPatience says") || len(x.Advice) == 0 {
					t.Errorf("told\n%s", x)
				}
				if a := s.served(t.Context(), http.MethodGet, "/"); told(a.cacheStatus()) != "cachette; fwd=stale; collapsed" {
					t.Errorf("then came %s", a.cacheStatus())
				}
			})
		})
	}
}
