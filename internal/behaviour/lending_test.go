package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// made gives a site pages that are made of a value with the tag "brand", each in another way, and returns their paths.
func made(s *site, opts ...cachette.ValueOption) []string {
	opts = append(opts, cachette.WithTags("brand"))
	brand := func(ctx context.Context) string {
		got, err := cachette.Remember(ctx, s.cache, "brand:acme", 10*time.Minute, func(context.Context) (string, error) { return "Acme", nil }, opts...)
		if err != nil {
			s.t.Error(err)
		}
		return got
	}
	hour := cachette.Cached(time.Hour)
	s.GET("/context", hour, func(c *gin.Context) { c.String(http.StatusOK, brand(c)) })
	s.GET("/request", hour, func(c *gin.Context) { c.String(http.StatusOK, brand(c.Request.Context())) })
	s.GET("/derived", hour, func(c *gin.Context) {
		ctx, cancel := context.WithTimeout(c.Request.Context(), time.Minute)
		defer cancel()
		c.String(http.StatusOK, brand(ctx))
	})
	s.GET("/late", hour, func(c *gin.Context) {
		c.String(http.StatusOK, "by ")
		c.Writer.Flush()
		_, _ = c.Writer.WriteString(brand(c))
	})
	s.GET("/within", hour, func(c *gin.Context) {
		product, err := cachette.Remember(c, s.cache, "product:7", time.Hour, func(ctx context.Context) (string, error) {
			return "Anvil by " + brand(ctx), nil
		}, opts...)
		c.String(http.StatusOK, product)
		if err != nil {
			s.t.Error(err)
		}
	})
	s.GET("/piece", hour, func(c *gin.Context) { c.String(http.StatusOK, brand(c)) })
	s.GET("/composed", hour, func(c *gin.Context) {
		part := httptest.NewRecorder()
		s.ServeHTTP(part, httptest.NewRequestWithContext(c.Request.Context(), http.MethodGet, "/piece", nil))
		c.String(http.StatusOK, "with "+part.Body.String())
	})
	s.GET("/guarded", func(c *gin.Context) { brand(c) }, hour, text("page")) // as one that looks up the session
	group := s.Group("/group", hour, func(c *gin.Context) { c.Set("brand", brand(c)) })
	group.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(http.StatusOK, c.GetString("brand")) })
	return []string{"/context", "/request", "/derived", "/late", "/within", "/piece", "/composed", "/group/page"}
}

// To invalidate the tag of one value drops the pages that were made of it, by whatever way they have come to it, whether it was found or loaded.
func TestValuesLendTheirTags(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		paths := made(s)
		s.GET("/other", cachette.Cached(time.Hour), text("page"))
		for _, path := range append(paths, "/other", "/guarded") {
			for range 3 { // a store without a log wants the tags to be known
				s.get(path)
			}
			if a := s.get(path); !a.hit() {
				t.Errorf("%s: %s", path, a.cacheStatus())
			}
		}
		if err := s.cache.Invalidate(t.Context(), "brand"); err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if a := s.get(path); a.hit() {
				t.Errorf("%s: %s; it was made of a value that is gone", path, a.cacheStatus())
			}
		}
		for _, path := range []string{"/other", "/guarded"} {
			if a := s.get(path); !a.hit() {
				t.Errorf("%s: %s", path, a.cacheStatus())
			}
		}
	})
}

// WithoutDependencies keeps the tags of a value from the pages that are made of it.
func TestWithoutDependencies(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		paths := made(s, cachette.WithoutDependencies())
		for _, path := range paths {
			s.get(path)
		}
		if err := s.cache.Invalidate(t.Context(), "brand"); err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if a := s.get(path); !a.hit() {
				t.Errorf("%s: %s", path, a.cacheStatus())
			}
		}
	})
}

// WithLentLifetime has a page be fresh no longer than what it is made of: here a value of ten minutes, of which three are over.
func TestWithLentLifetime(t *testing.T) {
	for name, opts := range map[string][]cachette.ValueOption{"lent": {cachette.WithLentLifetime()}, "not lent": nil} {
		t.Run(name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s, _ := share(t, store)
				paths := made(s, opts...)
				s.get("/context")
				time.Sleep(3 * time.Minute)
				for _, path := range paths {
					for range 3 {
						s.get(path)
					}
				}
				time.Sleep(7*time.Minute - time.Second)
				for _, path := range paths {
					if a := s.get(path); !a.hit() {
						t.Errorf("%s, a second before the end of the value: %s", path, a.cacheStatus())
					}
				}
				time.Sleep(time.Second)
				for _, path := range paths {
					if a := s.get(path); a.hit() != (opts == nil) {
						t.Errorf("%s, at the end of the value: %s", path, a.cacheStatus())
					}
				}
			})
		})
	}
}

// A page that is made of a stale value is not fresh: the value is being loaded anew, or could not be.
func TestPagesOfStaleValues(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		n := 0
		s.GET("/", cachette.Cached(time.Hour), func(c *gin.Context) {
			got, err := cachette.Remember(c, s.cache, "k", time.Minute, func(context.Context) (int, error) {
				if n++; n == 3 {
					return 0, errors.New("broken")
				}
				return n, nil
			}, cachette.WithTags("a"), cachette.WithStaleWhileRevalidate(time.Hour), cachette.WithStaleIfError(time.Hour))
			if err != nil {
				t.Error(err)
			}
			c.String(http.StatusOK, fmt.Sprint(got))
		})
		expect := func(want string, hit bool) {
			t.Helper()
			if a := s.get("/"); a.body != want || a.hit() != hit {
				t.Errorf("%s, %s; want %s, a hit: %t", a.body, a.cacheStatus(), want, hit)
			}
			synctest.Wait()
		}
		expect("1", false)
		if !logs(store) {
			s.get("/") // once its tags are known, it is stored
		}
		expect("1", true)
		if err := s.cache.Expire(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		expect("1", false) // of the stale value
		if !logs(store) {
			return
		}
		expect("2", false)
		expect("2", true)
	})
}
