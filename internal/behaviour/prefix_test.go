package behaviour_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette"
)

// PurgePrefix purges every path that begins so, of each host, query and mount, and no other.
func TestPurgePrefix(t *testing.T) {
	paths := []string{"/blog", "/blog/", "/blog/1", "/blog/1?page=2", "/blog/2/comments", "/blogger", "/bl", "/", "/en/blog/1", "/Blog/1", "/blog%2F3",
		"http://other.example/blog/1"}
	for prefix, gone := range map[string][]string{
		"/blog/":       {"/blog/", "/blog/1", "/blog/1?page=2", "/blog/2/comments", "/blog%2F3", "http://other.example/blog/1"},
		"/blog":        {"/blog", "/blog/", "/blog/1", "/blog/1?page=2", "/blog/2/comments", "/blogger", "/blog%2F3", "http://other.example/blog/1"},
		"/blog/1":      {"/blog/1", "/blog/1?page=2", "http://other.example/blog/1"},
		"/blog%2F":     {"/blog/", "/blog/1", "/blog/1?page=2", "/blog/2/comments", "/blog%2F3", "http://other.example/blog/1"},
		"/nothing":     nil,
		"/":            paths,
		"/mount/blog/": nil, // but the page at the mount
	} {
		t.Run(strings.ReplaceAll(prefix, "/", "_"), func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				if !logs(store) {
					return
				}
				s := newSite(t, store)
				s.GET("/*path", cachette.Cached(time.Hour), text("page"))
				mount := http.NewServeMux()
				mount.Handle("/mount/", http.StripPrefix("/mount", s))
				const mounted = "/mount/blog/9"
				for _, path := range paths {
					s.get(path)
				}
				send(t, mount, http.MethodGet, mounted)
				if err := s.cache.PurgePrefix(t.Context(), prefix); err != nil {
					t.Fatal(err)
				}
				left := make(map[string]bool)
				for _, path := range paths {
					left[path] = true
				}
				for _, path := range gone {
					delete(left, path)
				}
				for _, path := range paths {
					if a := s.get(path); a.hit() != left[path] {
						t.Errorf("%s: %s", path, a.cacheStatus())
					}
				}
				// Its route sees /blog/9, and its client asked for /mount/blog/9: both name it.
				both := strings.HasPrefix("/blog/9", prefix) || strings.HasPrefix(mounted, prefix) || prefix == "/blog%2F"
				if a := send(t, mount, http.MethodGet, mounted); a.hit() == both {
					t.Errorf("%s: %s", mounted, a.cacheStatus())
				}
			})
		})
	}
}

// What is no beginning of a path is an error, and nothing is purged.
func TestPurgeOfWhatIsNoPrefix(t *testing.T) {
	s := newSite(t)
	s.GET("/page", cachette.Cached(time.Hour), text("page"))
	s.get("/page")
	for prefix, says := range map[string]string{
		"": `"/"`, "page": `"/"`, "https://example.com/": `"/"`, "/pa?": `"/pa": all its queries`, "/*": `give the prefix "/",`, "/products/:id": "pattern", "/pa#": "/pa",
		" /": `give "/"`, "/%p": "escaped", "/blog/*": `give the prefix "/blog/"`, "/blog/:year/": `give the prefix "/blog/"`,
		"/" + strings.Repeat("x", 1024): "1025 bytes; give its first 1024",
	} {
		err := s.cache.PurgePrefix(t.Context(), prefix)
		if !errors.Is(err, cachette.ErrInvalid) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "/products/7") {
			t.Errorf("PurgePrefix(%.40q): %v", prefix, err)
		}
	}
	if err := s.cache.PurgePrefix(t.Context(), "/"+strings.Repeat("%20", 1023)); err != nil {
		t.Errorf("1,024 bytes, escaped: %v", err)
	}
	if a := s.get("/page"); !a.hit() {
		t.Errorf("behind errors: %s", a.cacheStatus())
	}
}
