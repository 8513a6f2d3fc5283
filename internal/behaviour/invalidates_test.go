package behaviour_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// What a request with an unsafe method outdates by Invalidates and InvalidatesFrom is gone when its answer says that it has succeeded, and before its
// client can see that.
func TestInvalidates(t *testing.T) {
	for name, row := range map[string]struct {
		handlers []gin.HandlerFunc
		method   string
		gone     []string
	}{
		"tags":                   {[]gin.HandlerFunc{cachette.Invalidates("a", "b"), text("done")}, http.MethodPost, []string{"/a", "/b"}},
		"of several":             {[]gin.HandlerFunc{cachette.Invalidates("a"), cachette.Invalidates("b"), text("done")}, http.MethodDelete, []string{"/a", "/b"}},
		"by what it has changed": {[]gin.HandlerFunc{fromChanged(), func(c *gin.Context) { c.Set("changed", "b"); c.Status(http.StatusNoContent) }}, http.MethodPut, []string{"/b"}},
		"a bad one":              {[]gin.HandlerFunc{fromChanged(), func(c *gin.Context) { c.Set("changed", "\x00"); c.Status(http.StatusNoContent) }}, http.MethodPut, nil},
		"a redirect":             {[]gin.HandlerFunc{cachette.Invalidates("a"), answers(http.StatusSeeOther)}, http.MethodPost, []string{"/a"}},
		"an error":               {[]gin.HandlerFunc{cachette.Invalidates("a"), answers(http.StatusConflict)}, http.MethodPost, nil},
		"an error that counts":   {[]gin.HandlerFunc{cachette.Invalidates("a"), cachette.InvalidateOn("any"), answers(http.StatusBadGateway)}, http.MethodPost, []string{"/a"}},
		"what writes nothing":    {[]gin.HandlerFunc{cachette.Invalidates("a"), cachette.InvalidateOn("none"), text("done")}, http.MethodPost, nil},
		"a safe method":          {[]gin.HandlerFunc{cachette.Invalidates("a"), text("done")}, http.MethodGet, nil},
		"groups":                 {[]gin.HandlerFunc{text("done", `Cache-Group-Invalidation: "g", "G";x=1`)}, http.MethodPost, []string{"/g"}},
		"groups of no list":      {[]gin.HandlerFunc{text("done", `Cache-Group-Invalidation: "g", token`)}, http.MethodPost, nil},
		"groups by an error":     {[]gin.HandlerFunc{answers(http.StatusConflict, `Cache-Group-Invalidation: "g"`)}, http.MethodPost, nil},
		"groups by GET":          {[]gin.HandlerFunc{text("done", `Cache-Group-Invalidation: "g"`)}, http.MethodGet, nil},
		"groups and tags":        {[]gin.HandlerFunc{cachette.Invalidates("a"), text("done", `Cache-Group-Invalidation: "g"`)}, http.MethodPost, []string{"/a", "/g"}},
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.GET("/a", cachette.Cached(time.Hour, cachette.WithTags("a")), text("page"))
				s.GET("/b", cachette.Cached(time.Hour), tagged("b"))
				s.GET("/g", cachette.Cached(time.Hour), text("page", `Cache-Groups: "other", "g"`))
				s.Handle(row.method, "/write", row.handlers...)
				pages := []string{"/a", "/b", "/g", "http://other.example/g"}
				for range 2 {
					for _, page := range pages {
						s.get(page)
					}
				}
				s.do(row.method, "/write")
				for _, page := range pages {
					if a := s.get(page); a.hit() == slices.Contains(row.gone, page) {
						t.Errorf("%s: %s", page, a.cacheStatus())
					}
				}
			})
		})
	}
}

// A function that panics as it names tags keeps nothing else from being invalidated, since the answer may be on its way: neither the page of the URL, nor
// what other functions name.
func TestInvalidatesFromPanics(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		for name, answer := range map[string]string{"short": "done", "long": strings.Repeat("done", 1000)} {
			s := newSite(t, store)
			s.GET("/page", cachette.Cached(time.Hour), text("page"))
			s.GET("/list", cachette.Cached(time.Hour, cachette.WithTags("list")), text("page"))
			panics := cachette.InvalidatesFrom(func(c *gin.Context) []string { return c.MustGet("changed").([]string) })
			s.POST("/page", panics, cachette.Invalidates("list"), text(answer))
			for _, path := range []string{"/page", "/list"} {
				s.get(path)
			}
			if a := s.do(http.MethodPost, "/page"); a.status != http.StatusOK || a.body != answer {
				t.Errorf("%s: %d %.20q", name, a.status, a.body)
			}
			for _, path := range []string{"/page", "/list"} {
				if a := s.get(path); a.hit() {
					t.Errorf("%s: %s: %s", name, path, a.cacheStatus())
				}
			}
		}
	})
}

// fromChanged invalidates what a handler notes that it has changed.
func fromChanged() gin.HandlerFunc {
	return cachette.InvalidatesFrom(func(c *gin.Context) []string { return []string{c.GetString("changed")} })
}

func answers(status int, fields ...string) gin.HandlerFunc {
	return func(c *gin.Context) {
		for _, field := range fields {
			name, value, _ := strings.Cut(field, ": ")
			c.Header(name, value)
		}
		c.Status(status)
	}
}

// Groups are those of one origin, and at least 32 of at least 32 bytes are kept (RFC 9875 §2). A response with more than can be kept is served, and not
// stored.
func TestCacheGroups(t *testing.T) {
	groups := func(n, size int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf("%q", fmt.Sprintf("%0*d", size, i)))
		}
		return "Cache-Groups: " + strings.Join(all, ", ")
	}
	for _, row := range []struct {
		n, size int
		kept    bool
	}{{32, 32, true}, {128, 256, true}, {129, 8, false}, {1, 257, false}} {
		t.Run(fmt.Sprint(row.n, " of ", row.size), func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				if row.n > 40 && row.kept && !logs(store) {
					return // it remembers fewer
				}
				s := newSite(t, store)
				s.GET("/page", cachette.Cached(time.Hour), text("page", groups(row.n, row.size)))
				for range 2 {
					s.get("/page")
				}
				a := s.get("/page")
				if a.hit() != row.kept || a.body != "page" {
					t.Fatalf("%q: %s", a.body, a.cacheStatus())
				}
				last := fmt.Sprintf("%0*d", row.size, row.n-1)
				for group, gone := range map[string]bool{"http://other.example#" + last: false, "https://EXAMPLE.com#" + last: true} {
					if err := s.cache.Purge(t.Context(), cachette.Purge{Groups: []string{group}}); err != nil {
						t.Fatal(err)
					}
					if a := s.get("/page"); row.kept && gone == a.hit() {
						t.Errorf("%.40s: %s", group, a.cacheStatus())
					}
				}
			})
		})
	}
	for _, bad := range []string{"", "products", "https://shop.example", "https://shop.example/#", "https://shop.example/a#b", "ftp://shop.example#b", "https://#b", "https://a.example?q#b"} {
		err := newSite(t).cache.Purge(t.Context(), cachette.Purge{Groups: []string{bad}})
		if !errors.Is(err, cachette.ErrInvalid) || !strings.Contains(err.Error(), "https://shop.example#products") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A write is one call for all that it invalidates, and OnPurge hears of it.
func TestInvalidatesTellsOnPurge(t *testing.T) {
	s := newSite(t)
	var heard []cachette.Purge
	s.cache.OnPurge(func(p cachette.Purge) { heard = append(heard, p) })
	s.POST("/write", cachette.Invalidates("a"), text("done", `Cache-Group-Invalidation: "a b"`))
	s.do(http.MethodPost, "/write")
	want := cachette.Purge{URLs: []string{"http://example.com/write"}, Tags: []string{"a"}, Groups: []string{"http://example.com#a%20b"}}
	if len(heard) == 0 || fmt.Sprint(heard[0]) != fmt.Sprint(want) {
		t.Errorf("heard %+v, want %+v", heard, want)
	}
	if err := s.cache.Purge(t.Context(), heard[0]); err != nil {
		t.Errorf("what was heard is no purge: %v", err)
	}
}
