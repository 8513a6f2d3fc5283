package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// tagged returns a handler that reads its data, tags the response and answers with what it has read.
func tagged(tags ...string) gin.HandlerFunc {
	return func(c *gin.Context) {
		cachette.Tag(c, tags...)
		c.String(http.StatusOK, "page")
	}
}

// taggedPages are routes that tag their pages in each way: each page by its path.
func taggedPages(s *site) (tags map[string][]string) {
	s.GET("/route", cachette.Cached(time.Hour, cachette.WithTags("a", "b")), text("page"))
	s.GET("/from/:id", cachette.Cached(time.Hour, cachette.WithTagsFrom(func(c *gin.Context) []string { return []string{"product:" + c.Param("id")} })), text("page"))
	s.GET("/handler", cachette.Cached(time.Hour), tagged("a", "c"))
	s.GET("/late", cachette.Cached(time.Hour), func(c *gin.Context) {
		c.String(http.StatusOK, "page")
		c.Writer.Flush()
		cachette.Tag(c, "late")
	})
	s.GET("/both", cachette.Cached(time.Hour, cachette.WithTags("a")), tagged("both"))
	group := s.Group("/group", cachette.Cached(time.Hour, cachette.WithTags("group")), func(c *gin.Context) { cachette.Tag(c, "between") })
	group.GET("/page", cachette.Cached(time.Hour, cachette.WithTags("nested")), tagged("inmost"))
	s.GET("/adjacent", cachette.Cached(time.Hour, cachette.WithTags("outer")), cachette.Cached(time.Minute, cachette.WithTags("inner-route")), text("page"))
	s.GET("/outside", func(c *gin.Context) { cachette.Tag(c, "outside") }, cachette.Cached(time.Hour), text("page"))
	s.GET("/vary", cachette.Cached(time.Hour), func(c *gin.Context) {
		c.Header("Vary", "Accept-Language")
		tagged("lang:" + c.GetHeader("Accept-Language"))(c)
	})
	s.GET("/composed", cachette.Cached(time.Hour), func(c *gin.Context) {
		part := httptest.NewRecorder()
		s.ServeHTTP(part, httptest.NewRequestWithContext(c.Request.Context(), http.MethodGet, "/piece", nil))
		c.String(http.StatusOK, "with "+part.Body.String())
	})
	s.GET("/piece", cachette.Cached(time.Hour, cachette.WithTags("piece")), tagged("crumb"))
	s.GET("/untagged", cachette.Cached(time.Hour), text("page"))
	return map[string][]string{
		"/route": {"a", "b"}, "/from/7": {"product:7"}, "/from/8": {"product:8"}, "/handler": {"a", "c"}, "/late": {"late"}, "/both": {"a", "both"},
		"/group/page": {"group", "between", "nested", "inmost"}, "/adjacent": {"outer", "inner-route"}, "/outside": {"outside"},
		"/composed": {"piece", "crumb"}, "/piece": {"piece", "crumb"}, "/untagged": nil,
		"/vary de": {"lang:de"}, "/vary en": {"lang:en"},
	}
}

func (s *site) askTagged(page string) answer {
	path, language, _ := strings.Cut(page, " ")
	return s.get(path, "Accept-Language: "+language)
}

// Invalidate removes the pages that were tagged so, in whatever way, and no other; this process and another on the store.
func TestInvalidate(t *testing.T) {
	names := []string{"a", "b", "c", "product:7", "late", "both", "group", "between", "nested", "inmost", "outer", "inner-route", "outside",
		"piece", "crumb", "lang:de", "unknown"}
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		var cfg cachette.Config
		store(&cfg)
		share := func(c *cachette.Config) { c.Driver = cfg.Driver }
		s := newSite(t, share)
		tags := taggedPages(s)
		other := s
		if cfg.Driver != nil {
			other = newSite(t, share)
			taggedPages(other)
		}
		for _, name := range names {
			for range 5 { // a store without a log wants several, until the tags of each variant are known
				for page := range tags {
					s.askTagged(page)
				}
			}
			synctest.Wait() // until all is stored
			for page := range tags {
				if a := other.askTagged(page); !a.hit() {
					t.Fatalf("before %s: %s: %s", name, page, a.cacheStatus())
				}
			}
			if err := s.cache.Invalidate(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			for page, its := range tags {
				if a := other.askTagged(page); a.hit() == slices.Contains(its, name) {
					t.Errorf("%s: %s, which is tagged %q: %s", name, page, its, a.cacheStatus())
				}
			}
		}
	})
}

// A page whose tag is invalidated while its handler runs is served to its own client alone, whenever it becomes known: the handler may have read its
// data before.
func TestInvalidateDuringAFill(t *testing.T) {
	for name, handlers := range map[string]func(invalidate gin.HandlerFunc) []gin.HandlerFunc{
		"tagged beforehand": func(invalidate gin.HandlerFunc) []gin.HandlerFunc {
			return []gin.HandlerFunc{cachette.Cached(time.Hour, cachette.WithTags("x")), invalidate, text("page")}
		},
		"tagged by the request": func(invalidate gin.HandlerFunc) []gin.HandlerFunc {
			from := func(*gin.Context) []string { return []string{"x"} }
			return []gin.HandlerFunc{cachette.Cached(time.Hour, cachette.WithTagsFrom(from)), invalidate, text("page")}
		},
		"tagged before": func(invalidate gin.HandlerFunc) []gin.HandlerFunc {
			return []gin.HandlerFunc{cachette.Cached(time.Hour), func(c *gin.Context) { cachette.Tag(c, "x") }, invalidate, text("page")}
		},
		"tagged behind": func(invalidate gin.HandlerFunc) []gin.HandlerFunc {
			return []gin.HandlerFunc{cachette.Cached(time.Hour), invalidate, tagged("x")}
		},
		"tagged behind its bytes": func(invalidate gin.HandlerFunc) []gin.HandlerFunc {
			return []gin.HandlerFunc{cachette.Cached(time.Hour), func(c *gin.Context) { c.String(http.StatusOK, "page") }, invalidate, func(c *gin.Context) { cachette.Tag(c, "x") }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s, runs, at := newSite(t, store), 0, 1
				s.GET("/page", handlers(func(*gin.Context) {
					if runs++; runs == at {
						if err := s.cache.Invalidate(context.Background(), "x"); err != nil {
							t.Error(err)
						}
					}
				})...)
				for range 2 { // with a tag that is new, and with one that is known of the page
					for range 2 {
						if a := s.get("/page"); a.hit() {
							t.Fatalf("run %d: %s", runs, a.cacheStatus())
						}
					}
					s.get("/page")
					if a := s.get("/page"); !a.hit() {
						t.Fatalf("behind run %d: %s", runs, a.cacheStatus())
					}
					if err := s.cache.PurgePath(t.Context(), "/page"); err != nil {
						t.Fatal(err)
					}
					at = runs + 1
				}
			})
		})
	}
}

// What other tags are invalidated meanwhile costs a page nothing.
func TestInvalidateOfOtherTagsDuringAFill(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		if !logs(store) {
			return
		}
		s := newSite(t, store)
		s.GET("/page/:id", cachette.Cached(time.Hour), func(c *gin.Context) {
			for i := range 100 {
				if err := s.cache.Invalidate(context.Background(), fmt.Sprint("other", i)); err != nil {
					t.Error(err)
				}
			}
			tagged("x", c.Param("id"))(c)
		})
		for i := range 5 {
			page := fmt.Sprint("/page/", i)
			s.get(page)
			if a := s.get(page); !a.hit() {
				t.Errorf("%s: %s", page, a.cacheStatus())
			}
		}
	})
}

// A response that the handler confirms goes on standing on its tags, and stands on new ones.
func TestTagsOfWhatIsConfirmed(t *testing.T) {
	for _, tag := range []string{"old", "new"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			t.Run(tag+" "+method, func(t *testing.T) {
				eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
					s, runs := newSite(t, store), 0
					page := func(c *gin.Context) {
						c.Header("ETag", `"v1"`)
						if runs++; runs > 2 {
							cachette.Tag(c, "new")
							c.Header("Content-Length", "4")
							c.Status(http.StatusOK)
							if c.Request.Method == http.MethodGet {
								c.Writer.Header().Del("Content-Length")
								c.Status(http.StatusNotModified)
							}
							return
						}
						tagged("old")(c)
					}
					s.GET("/page", cachette.Cached(time.Minute), page)
					s.HEAD("/page", cachette.Cached(time.Minute), page)
					s.get("/page")
					s.get("/page")
					runs = 2
					time.Sleep(2 * time.Minute)
					s.do(method, "/page")
					if !logs(store) {
						s.do(method, "/page") // by now the new tag is known
					}
					if a := s.get("/page"); !a.hit() {
						t.Fatalf("it is not fresh: %s", a.cacheStatus())
					}
					if err := s.cache.Invalidate(t.Context(), tag); err != nil {
						t.Fatal(err)
					}
					if a := s.get("/page"); a.hit() {
						t.Errorf("it stands behind the purge: %s", a.cacheStatus())
					}
				})
			})
		}
	}
}

// A response that the handler confirms is in the groups that it was in, unless the handler names others then (RFC 9111 §3.2).
func TestGroupsOfWhatIsConfirmed(t *testing.T) {
	for _, row := range []struct{ then, gone string }{{"", "old"}, {`"new"`, "new"}} {
		t.Run("then "+row.then, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.GET("/page", cachette.Cached(time.Minute), func(c *gin.Context) {
					c.Header("ETag", `"v1"`)
					if c.GetHeader("If-None-Match") == "" {
						c.Header("Cache-Groups", `"old"`)
						c.String(http.StatusOK, "page")
						return
					}
					if row.then != "" {
						c.Header("Cache-Groups", row.then)
					}
					c.Status(http.StatusNotModified)
				})
				for range 2 { // a store without a log wants several, until the groups are known
					s.get("/page")
				}
				time.Sleep(2 * time.Minute)
				for range 2 {
					s.get("/page")
				}
				for group, gone := range map[string]bool{"other": false, row.gone: true} {
					if !s.get("/page").hit() {
						s.get("/page")
					}
					if err := s.cache.Purge(t.Context(), cachette.Purge{Groups: []string{"http://example.com#" + group}}); err != nil {
						t.Fatal(err)
					}
					if a := s.get("/page"); a.hit() == gone {
						t.Errorf("behind a purge of the group %s: %s", group, a.cacheStatus())
					}
				}
			})
		})
	}
}

// Requests that wait for a fill get its page only if nothing that it is tagged with was invalidated before they came.
func TestFollowersOfATaggedFill(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		var version atomic.Int32
		version.Store(1)
		s := newSite(t, store)
		s.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) {
			read := version.Load()
			time.Sleep(time.Second)
			cachette.Tag(c, "x")
			c.String(http.StatusOK, "version %d", read)
		})
		done := make(chan answer, 1)
		go func() { done <- s.get("/page") }()
		time.Sleep(500 * time.Millisecond)
		version.Store(2)
		if err := s.cache.Invalidate(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		if a := s.get("/page"); a.body != "version 2" {
			t.Errorf("behind the purge: %s (%s)", a.body, a.cacheStatus())
		}
		if a := <-done; a.body != "version 1" {
			t.Errorf("before it: %s", a.body)
		}
	})
}

// Tags that cannot be kept leave the response unstored, and served; what is wrong with them is counted, told by Cache-Status where it is known in
// time, and logged once for a route.
func TestBadTags(t *testing.T) {
	many := make([]string, 129)
	for i := range many {
		many[i] = fmt.Sprint("tag", i)
	}
	for name, row := range map[string]struct {
		tags []string
		told string
	}{
		"empty":            {[]string{"a", ""}, "a tag is empty"},
		"control":          {[]string{"a\nb"}, "control characters"},
		"too long":         {[]string{strings.Repeat("x", 257)}, "257 bytes; give 256 at most"},
		"not UTF-8":        {[]string{"\xff"}, "no UTF-8"},
		"blanks around it": {[]string{" a"}, `give "a"`},
		"too many":         {many, "more than 128 tags"},
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				log := new(journal)
				s := newSite(t, store, log.in)
				s.GET("/handler", cachette.Cached(time.Hour), tagged(row.tags...))
				s.GET("/from", cachette.Cached(time.Hour, cachette.WithTagsFrom(func(*gin.Context) []string { return row.tags })), text("page"))
				s.GET("/late", cachette.Cached(time.Hour), func(c *gin.Context) {
					c.String(http.StatusOK, "page")
					cachette.Tag(c, row.tags...)
				})
				for _, path := range []string{"/handler", "/from", "/late"} {
					for range 2 {
						a := s.get(path)
						if a.status != http.StatusOK || a.body != "page" || a.hit() {
							t.Errorf("%s: %d %q (%s)", path, a.status, a.body, a.cacheStatus())
						}
						if path != "/late" && !strings.Contains(a.cacheStatus(), "detail=tags") {
							t.Errorf("%s: %s", path, a.cacheStatus())
						}
					}
				}
				if n := s.cache.Stats().Untagged; n != 6 {
					t.Errorf("%d are counted", n)
				}
				if text := strings.ReplaceAll(log.String(), `\`, ""); strings.Count(text, "its tags cannot be kept") != 3 || !strings.Contains(text, row.told) {
					t.Errorf("the log says %q", text)
				}
				if len(row.tags) > 2 {
					return
				}
				if err := s.cache.Invalidate(t.Context(), append(row.tags, "good")...); !errors.Is(err, cachette.ErrInvalid) || !strings.Contains(err.Error(), row.told) {
					t.Errorf("Invalidate: %v", err)
				}
			})
		})
	}
	if err := newSite(t).cache.Invalidate(t.Context()); !errors.Is(err, cachette.ErrInvalid) {
		t.Errorf("of no tags: %v", err)
	}
}

// As many tags as there may be, each as long as it may be, are kept.
func TestMostTags(t *testing.T) {
	var most []string
	for i := range 128 {
		most = append(most, fmt.Sprintf("%03d", i)+strings.Repeat("ü", 126)+"x")
	}
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.GET("/page", cachette.Cached(time.Hour, cachette.WithTags(most[:64]...)), tagged(most[60:]...))
		for _, tag := range []string{most[0], most[63], most[127]} {
			for range 2 {
				s.get("/page")
			}
			if a := s.get("/page"); !a.hit() && logs(store) {
				t.Fatal(a.cacheStatus())
			}
			if err := s.cache.Invalidate(t.Context(), tag); err != nil {
				t.Fatal(err)
			}
			if a := s.get("/page"); a.hit() {
				t.Error(a.cacheStatus())
			}
		}
	})
}

// As many tags as there may be are invalidated at once, also while the handlers run whose pages they turn out to be on; and no other.
func TestInvalidateManyAtOnce(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, other := share(t, store)
		tags := many(128)
		var during func()
		s.GET("/:n", cachette.Cached(time.Hour), func(c *gin.Context) {
			if during != nil {
				during()
			}
			cachette.Tag(c, "tag "+c.Param("n"))
			c.String(http.StatusOK, "page")
		})
		s.get("/first") // names a tag
		for _, n := range []int{0, 31, 32, 100, 127, 128} {
			path := fmt.Sprint("/", n)
			during = func() {
				if err := other.cache.Invalidate(t.Context(), tags...); err != nil {
					t.Error(err)
				}
			}
			s.get(path)
			during = nil
			if a := s.get(path); a.hit() != (n == 128 && logs(store)) {
				t.Errorf("%s, of %d tags that were invalidated while its handler ran: %s", path, len(tags), a.cacheStatus())
			}
			s.get(path)
			if a := s.get(path); !a.hit() {
				t.Errorf("%s, afterwards: %s", path, a.cacheStatus())
			}
		}
	})
}

// A page with a tag that is new is kept at once behind a flush, which has taken the log of tags along.
func TestTagsBehindFlush(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.GET("/product/:id", cachette.Cached(time.Hour), func(c *gin.Context) { tagged("product:" + c.Param("id"))(c) })
		for i := range 3 {
			page := fmt.Sprintf("/product/%d", i)
			if a := s.get(page); a.hit() {
				t.Errorf("%s for the first time: %s", page, a.cacheStatus())
			}
			if a := s.get(page); a.hit() != logs(store) { // without a log, tags that are new are not kept
				t.Errorf("%s again: %s", page, a.cacheStatus())
			}
			if err := s.cache.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
