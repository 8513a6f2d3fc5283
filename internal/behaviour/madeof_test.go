package behaviour_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// within has a site answer a request that is made inside of a handler or of a load.
func (s *site) within(ctx context.Context, path string, fields ...string) string {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Body.String()
}

// composed gives a site a piece with the tag "piece", of which a page, a part and a value are made, each by two pages with a tag of their own.
func composed(s *site) (paths []string) {
	s.GET("/piece", cachette.Cached(time.Hour, cachette.WithTags("piece")), func(c *gin.Context) {
		c.Header("Cache-Control", "max-age=3600")
		http.ServeContent(c.Writer, c.Request, "piece.txt", time.Time{}, strings.NewReader("piece"))
	})
	for name, ask := range map[string]func(*gin.Context) string{
		"whole": func(c *gin.Context) string { return s.within(c.Request.Context(), "/piece") },
		"part":  func(c *gin.Context) string { return s.within(c.Request.Context(), "/piece", "Range: bytes=0-2") },
		"value": func(c *gin.Context) string {
			got, err := cachette.Remember(c, s.cache, "k", time.Hour, func(ctx context.Context) (string, error) { return s.within(ctx, "/piece"), nil })
			if err != nil {
				s.t.Error(err)
			}
			return got
		},
	} {
		for _, number := range []string{"1", "2"} {
			path := "/" + name + number
			paths = append(paths, path)
			s.GET(path, cachette.Cached(time.Hour), func(c *gin.Context) {
				cachette.Tag(c, path)
				c.String(http.StatusOK, "of a "+ask(c))
			})
		}
	}
	return paths
}

// What a page or a value is made of gives it its tags, found or made, and has none of its: a purge hits what shows a thing, and nothing else.
func TestWhatIsMadeOfPagesHasTheirTags(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		paths := composed(s)
		fill := func() {
			for range 4 { // a store without a log wants the tags to be known
				for _, path := range paths {
					s.get(path)
				}
			}
		}
		expect := func(behind string, gone func(path string) bool) {
			t.Helper()
			for _, path := range paths {
				if a := s.get(path); a.hit() == gone(path) {
					t.Errorf("behind a purge of %s, %s: %s", behind, path, a.cacheStatus())
				}
			}
		}
		for _, tag := range paths {
			fill()
			if err := s.cache.Invalidate(t.Context(), tag); err != nil {
				t.Fatal(err)
			}
			expect(tag, func(path string) bool { return path == tag })
		}
		fill()
		if err := s.cache.Invalidate(t.Context(), "piece"); err != nil {
			t.Fatal(err)
		}
		expect("the piece", func(string) bool { return true })
	})
}

// A page that is made of another one is fresh no longer than what that was made of, and stale where that is: also where it was found.
func TestWhatIsMadeOfPagesEndsWithThem(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		s.GET("/lent", cachette.Cached(time.Hour), func(c *gin.Context) {
			got, err := cachette.Remember(c, s.cache, "k", 10*time.Minute, func(context.Context) (string, error) { return "value", nil },
				cachette.WithLentLifetime(), cachette.WithTags("value"))
			c.String(http.StatusOK, got)
			if err != nil {
				t.Error(err)
			}
		})
		s.GET("/stale", cachette.Cached(5*time.Minute, cachette.WithStaleWhileRevalidate(time.Hour), cachette.WithTags("stale")), text("piece"))
		for _, path := range []string{"/lent", "/stale"} {
			page := func(c *gin.Context) { c.String(http.StatusOK, "of a "+s.within(c.Request.Context(), path)) }
			s.GET("/first"+path, cachette.Cached(time.Hour), page)
			s.GET("/second"+path, cachette.Cached(time.Hour), page)
		}
		for range 3 {
			s.get("/first/lent")
			s.get("/first/stale")
		}
		time.Sleep(9 * time.Minute)
		for range 3 {
			s.get("/second/lent") // what it asks for is found, and so has a minute left
		}
		if a := s.get("/second/stale"); a.hit() {
			t.Errorf("made of what is stale: %s", a.cacheStatus())
		}
		if a := s.get("/second/stale"); a.hit() && logs(store) {
			t.Errorf("made of what was stale: %s", a.cacheStatus())
		}
		if a := s.get("/second/lent"); !a.hit() {
			t.Errorf("made of what has a minute left: %s", a.cacheStatus())
		}
		time.Sleep(time.Minute)
		if a := s.get("/second/lent"); a.hit() {
			t.Errorf("made of what has ended: %s", a.cacheStatus())
		}
	})
}

// A load that asks for a page that is made of its own value is told so, and does not hang.
func TestLoadsThatAskForWhatTheyAreIn(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		var told []error
		s.GET("/", cachette.Cached(time.Hour), func(c *gin.Context) {
			_, err := cachette.Remember(c, s.cache, "k", time.Hour, func(ctx context.Context) (string, error) {
				if len(told) == 0 {
					s.within(ctx, "/")
				}
				return "", nil
			})
			if err != nil {
				told = append(told, err)
			}
			c.String(http.StatusOK, "page")
		})
		if s.get("/"); len(told) != 1 || !errors.Is(told[0], cachette.ErrInvalid) {
			t.Errorf("it was told %v", told)
		}
	})
}
