package stores_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	_ "github.com/gin-cachette/cachette/compress"
)

// The coded form of a page that one process has made is there for another, with and without a tier near it, until the page is purged.
func TestCodedPagesOfTwoCaches(t *testing.T) {
	t.Parallel()
	for backend, start := range valueStores() {
		for _, near := range []int64{0, 8 << 20} {
			t.Run(fmt.Sprint(backend, " near ", near), func(t *testing.T) {
				t.Parallel()
				cfg := start(t)
				cfg.OperationTimeout, cfg.KeyPrefix, cfg.Service, cfg.Near = patient, fmt.Sprintf("coded-%d", time.Now().UnixNano()), t.Name(), near
				var version atomic.Int64
				page := func() string { return strings.Repeat(fmt.Sprintf("a page of version %d. ", version.Load()), 1000) }
				var both [2]*site
				for i := range both {
					both[i] = newSite(t, cfg)
					both[i].GET("/page", cachette.Cached(time.Hour, cachette.WithCompression()), func(c *gin.Context) { c.String(http.StatusOK, page()) })
				}
				for range 2 {
					version.Add(1)
					for _, s := range both {
						becomesCoded(t, s, page())
					}
					if err := both[1].cache.PurgePath(t.Context(), "/page"); err != nil {
						t.Fatal(err)
					}
					if near > 0 {
						time.Sleep(2 * time.Second) // it hears of purges once a second where it is not told of them
					}
				}
			})
		}
	}
}

// becomesCoded asks for a page until it comes in gzip, which it does when that has been made in the background.
func becomesCoded(t *testing.T, s *site, want string) {
	t.Helper()
	for began := time.Now(); time.Since(began) < patient; {
		r, w := httptest.NewRequest(http.MethodGet, "/page", nil), httptest.NewRecorder()
		r.Header.Set("Accept-Encoding", "gzip")
		s.ServeHTTP(w, r)
		body, coding := io.Reader(w.Body), w.Header().Get("Content-Encoding")
		if coding == "gzip" {
			var err error
			if body, err = gzip.NewReader(w.Body); err != nil {
				t.Fatal(err)
			}
		}
		got, err := io.ReadAll(body)
		if err != nil || string(got) != want {
			t.Fatalf("%s: %.60q, %v, want %.60q", w.Header(), got, err, want)
		}
		if coding == "gzip" {
			return
		}
		if err := s.cache.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the page is never coded")
}

// The result of a QUERY is there for another process that is asked the same, and no other, until its path is purged.
func TestQueriesOfTwoCaches(t *testing.T) {
	t.Parallel()
	for backend, start := range valueStores() {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			cfg := start(t)
			cfg.OperationTimeout, cfg.KeyPrefix, cfg.Service = patient, fmt.Sprintf("query-%d", time.Now().UnixNano()), t.Name()
			var both [2]*site
			for i := range both {
				both[i] = newSite(t, cfg)
				both[i].Handle("QUERY", "/search", cachette.Cached(time.Hour), func(c *gin.Context) {
					content, err := io.ReadAll(c.Request.Body)
					c.String(http.StatusOK, "%s %v", content, err)
				})
			}
			query := func(s *site, content string) (hit bool) {
				w := httptest.NewRecorder()
				s.ServeHTTP(w, httptest.NewRequest("QUERY", "/search", strings.NewReader(content)))
				if want := content + " <nil>"; w.Body.String() != want {
					t.Errorf("%q: %q", content, w.Body)
				}
				if err := s.cache.Settle(t.Context()); err != nil {
					t.Fatal(err)
				}
				return strings.Contains(w.Header().Get("Cache-Status"), "; hit")
			}
			for round := range 2 {
				for _, content := range []string{"", "a", "b", "ab"} {
					if first, second := query(both[0], content), query(both[1], content); first || !second {
						t.Errorf("round %d, %q: hits %t, %t", round, content, first, second)
					}
				}
				if err := both[1].cache.PurgePath(t.Context(), "/search"); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// What a response declares of the query is known to another process, with and without a tier near it, and a purge by one is one for both.
func TestDeclaredQueriesOfTwoCaches(t *testing.T) {
	t.Parallel()
	for backend, start := range valueStores() {
		for _, near := range []int64{0, 8 << 20} {
			t.Run(fmt.Sprint(backend, " near ", near), func(t *testing.T) {
				t.Parallel()
				cfg := start(t)
				cfg.OperationTimeout, cfg.KeyPrefix, cfg.Service, cfg.Near = patient, fmt.Sprintf("declared-%d", time.Now().UnixNano()), t.Name(), near
				var both [2]*site
				for i := range both {
					both[i] = newSite(t, cfg)
					both[i].GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) {
						c.Header("No-Vary-Search", `except=("a"), key-order`)
						c.String(http.StatusOK, "%s", c.Request.URL.RawQuery)
					})
				}
				for round := range 2 {
					first := fmt.Sprintf("x=%d&a=1", round)
					for i, query := range []string{first, "a=1", "y=2&a=1&a=", "&%61=1&z"} {
						s := both[i%2]
						want := first
						if strings.Contains(query, "a=1&a=") { // another value
							want = query
						}
						if _, err := s.ask(http.MethodGet, "/page?"+query, want); err != nil {
							t.Errorf("round %d: %v", round, err)
						}
						if err := s.cache.Settle(t.Context()); err != nil {
							t.Fatal(err)
						}
					}
					if err := both[1].cache.PurgePath(t.Context(), "/page"); err != nil {
						t.Fatal(err)
					}
					if near > 0 {
						time.Sleep(2 * time.Second) // it hears of purges once a second where it is not told of them
					}
				}
			})
		}
	}
}
