package behaviour_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// writes has a cache tell tags in fields.
func writes(fields string) func(*cachette.Config) {
	return func(c *cachette.Config) { c.TagHeader = fields }
}

// Every answer of a tagged page tells a CDN the tags: misses, hits, those for parts and for who has the page, however it was tagged.
func TestTagHeader(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store, writes("Surrogate-Key, Cache-Tag"))
		pages := taggedPages(s)
		for page, tags := range pages {
			path, language, _ := strings.Cut(page, " ")
			for _, form := range []string{"", "", "part", "known", "anew"} {
				ask := []string{"Accept-Language: " + language}
				switch form {
				case "part":
					ask = append(ask, "Range: bytes=0-1")
				case "known":
					ask = append(ask, "If-None-Match: *")
				case "anew":
					ask = append(ask, "Cache-Control: no-cache")
				}
				a := s.get(path, ask...)
				if page == "/late" && !a.hit() {
					continue // its tag comes behind the header
				}
				want := slices.Sorted(slices.Values(tags))
				if got := a.header.Get("Surrogate-Key"); got != strings.Join(want, " ") {
					t.Errorf("%s %s: Surrogate-Key %q, want %q (%s)", page, form, got, want, a.cacheStatus())
				}
				if got := a.header.Get("Cache-Tag"); got != strings.Join(want, ",") {
					t.Errorf("%s %s: Cache-Tag %q, want %q (%s)", page, form, got, want, a.cacheStatus())
				}
				synctest.Wait()
			}
		}
	})
}

// So does an answer that is not stored, or is made of what is stored: a CDN may keep it.
func TestTagHeaderOfOtherAnswers(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store, writes("Cache-Tag"))
		fails := false
		s.GET("/stale", cachette.Cached(time.Minute, cachette.WithStaleIfError(time.Hour), cachette.WithTags("route")), func(c *gin.Context) {
			if fails {
				c.Status(http.StatusInternalServerError)
				return
			}
			tagged("page")(c)
		})
		s.GET("/validated", cachette.Cached(time.Minute, cachette.WithTags("route")), func(c *gin.Context) {
			c.Header("Etag", `"1"`)
			if c.GetHeader("If-None-Match") == `"1"` {
				c.Status(http.StatusNotModified)
				return
			}
			tagged("page")(c)
		})
		s.HEAD("/validated", cachette.Cached(time.Minute, cachette.WithTags("route")), tagged("page"))
		s.GET("/skipped", cachette.Cached(time.Minute, cachette.WithTags("route"), cachette.WithSkip(func(*gin.Context) bool { return true })), tagged("page"))
		s.GET("/unstored", cachette.Cached(time.Minute, cachette.WithTags("route")), func(c *gin.Context) {
			c.Header("Cache-Control", "no-store")
			tagged("page")(c)
		})
		s.GET("/own", cachette.Cached(time.Minute, cachette.WithTags("route")), func(c *gin.Context) {
			c.Header("Cache-Tag", "page")
			tagged("page")(c)
		})
		s.HEAD("/own", cachette.Cached(time.Minute, cachette.WithTags("route")), tagged("page"))
		s.GET("/part", cachette.Cached(time.Minute, cachette.WithTags("route")), func(c *gin.Context) {
			cachette.Tag(c, "page")
			c.Header("Cache-Control", "max-age=60")
			http.ServeContent(c.Writer, c.Request, "page.txt", time.Time{}, strings.NewReader("page"))
		})
		for range 3 {
			for _, ask := range []string{
				"HEAD /own", "HEAD /validated", "GET /stale", "GET /stale", "GET /validated", "GET /validated", "GET /skipped", "GET /unstored", "GET /own", "HEAD /own", "GET /part", "GET /part",
			} {
				method, path, _ := strings.Cut(ask, " ")
				var fields []string
				if path == "/part" {
					fields = []string{"Range: bytes=0-1"}
				}
				a := s.do(method, path, fields...)
				want := "page,route"
				if got := a.header.Values("Cache-Tag"); len(got) != 1 || got[0] != want {
					t.Errorf("%s: %q, want %q (%s)", ask, got, want, a.cacheStatus())
				}
				synctest.Wait()
			}
			time.Sleep(2 * time.Minute)
			fails = true
		}
	})
}

// A tag that cannot stand in the field as it is, is percent-encoded; one that a CDN would not read has CDNs told not to keep the response.
func TestTagHeaderWithUnusualTags(t *testing.T) {
	many := make([]string, 100)
	for i := range many {
		many[i] = strings.Repeat(string(rune('a'+i%26)), 200) + string(rune('0'+i/26))
	}
	for name, row := range map[string]struct {
		field string
		tags  []string
		want  string // unless no CDN is to keep the response
	}{
		"blank and comma": {"Cache-Tag", []string{"a b,c%é"}, "a%20b%2Cc%25%C3%A9"},
		"colon":           {"Surrogate-Key", []string{"product:1"}, "product:1"},
		"Akamai":          {"Edge-Cache-Tag", []string{"product:1"}, "product%3A1"},
		"xkey":            {"xkey", []string{"a", "b"}, "a b"},
		"too long":        {"Edge-Cache-Tag", []string{strings.Repeat("a", 129)}, ""},
		"too many":        {"Surrogate-Key", many, ""},
		"none to keep":    {"Cache-Tag", []string{"\x01"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, writes(row.field))
			s.GET("/", cachette.Cached(time.Minute), tagged(row.tags...))
			for range 2 {
				a := s.get("/")
				refused := a.header.Get("Cdn-Cache-Control") == "no-store" && a.header.Get("Surrogate-Control") == "no-store"
				if got := a.header.Get(row.field); a.status != http.StatusOK || a.body != "page" || refused != (row.want == "") || !refused && got != row.want {
					t.Errorf("%d, %q, kept from CDNs: %t; want %q (%s)", a.status, got, refused, row.want, a.cacheStatus())
				}
			}
		})
	}
}

// Who waits for a page gets its tags with it, and a cache with another setting tells those of what is stored already.
func TestTagHeaderForFollowersAndAfterAChange(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		var cfg cachette.Config
		store(&cfg)
		share := func(c *cachette.Config) { c.Driver = cfg.Driver }
		slow := func(c *gin.Context) {
			time.Sleep(time.Second)
			tagged("a")(c)
		}
		s := newSite(t, share, writes("Surrogate-Key"))
		s.GET("/", cachette.Cached(time.Hour), slow)
		answers := make(chan http.Header, 5)
		for range cap(answers) {
			go func() {
				w := httptest.NewRecorder()
				s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
				answers <- w.Header()
			}()
		}
		for range cap(answers) {
			if h := <-answers; h.Get("Surrogate-Key") != "a" {
				t.Errorf("Surrogate-Key %q (%s)", h.Get("Surrogate-Key"), h.Get("Cache-Status"))
			}
		}
		for range 2 { // a store without a log wants the tags to be known
			s.get("/")
		}
		if cfg.Driver == nil {
			return
		}
		for field, want := range map[string]string{"": "", "Cache-Tag": "a"} {
			other := newSite(t, share, writes(field))
			other.GET("/", cachette.Cached(time.Hour), slow)
			a := other.get("/")
			if !a.hit() || a.header.Get("Cache-Tag") != want || a.header.Get("Surrogate-Key") != "" {
				t.Errorf("with %q: Cache-Tag %q, Surrogate-Key %q (%s)", field, a.header.Get("Cache-Tag"), a.header.Get("Surrogate-Key"), a.cacheStatus())
			}
		}
	})
}
