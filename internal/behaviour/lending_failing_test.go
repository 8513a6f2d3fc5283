package behaviour_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// failings are ways for a load to end without a value.
var failings = map[string]func(context.Context) (string, error){
	"an error":  func(context.Context) (string, error) { return "", errors.New("the database is away") },
	"a panic":   func(context.Context) (string, error) { panic("the database is away") },
	"its end":   func(context.Context) (string, error) { runtime.Goexit(); return "", nil },
	"its time":  func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() },
	"not found": func(context.Context) (string, error) { return "", cachette.ErrNotFound },
}

// A page that shows that a value could not be loaded is made of that: to invalidate a tag of the load drops it, whether its request ran the load,
// waited for it, or came to it by the load of another value.
func TestFailedLoadsLendTheirTags(t *testing.T) {
	for name, fail := range failings {
		for _, tag := range []string{"known", "late"} {
			t.Run(name+", "+tag, func(t *testing.T) {
				eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
					s, _ := share(t, store)
					brand := func(ctx context.Context) string {
						got, err := cachette.Remember(ctx, s.cache, "brand", time.Hour, func(ctx context.Context) (string, error) {
							cachette.TagValue(ctx, "late")
							time.Sleep(time.Second)
							return fail(ctx)
						}, cachette.WithTags("known"), cachette.WithLoadTimeout(10*time.Second))
						if err == nil {
							t.Errorf("got %q, and no error", got)
						}
						return "no brand"
					}
					hour := cachette.Cached(time.Hour)
					for _, path := range []string{"/page", "/other"} {
						s.GET(path, hour, func(c *gin.Context) { c.String(http.StatusOK, brand(c)) })
					}
					s.GET("/within", hour, func(c *gin.Context) {
						product, err := cachette.Remember(c, s.cache, "product", time.Hour, func(ctx context.Context) (string, error) { return brand(ctx), nil })
						if err != nil {
							t.Error(err)
						}
						c.String(http.StatusOK, product)
					})
					paths := []string{"/page", "/other", "/within"}
					for range 3 { // a store without a log wants the tags to be known
						var clients sync.WaitGroup
						for _, path := range paths {
							clients.Go(func() { s.get(path) })
						}
						clients.Wait()
						s.settle()
					}
					for _, path := range paths {
						if a := s.get(path); !a.hit() {
							t.Errorf("%s: %s", path, a.cacheStatus())
						}
					}
					if err := s.cache.Invalidate(t.Context(), tag); err != nil {
						t.Fatal(err)
					}
					for _, path := range paths {
						if a := s.get(path); a.hit() {
							t.Errorf("%s: %s; it shows what was invalidated", path, a.cacheStatus())
						}
					}
				})
			})
		}
	}
}

// What is made of a value some of whose tags cannot be kept would outlive their invalidation, and is not kept either: pages, and other values.
func TestBadTagsOfValuesReachPages(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		brand := func(ctx context.Context) string {
			got, err := cachette.Remember(ctx, s.cache, "brand", time.Hour, func(ctx context.Context) (string, error) {
				cachette.TagValue(ctx, "brand", "with\nbreak")
				return "Acme", nil
			})
			if err != nil {
				t.Error(err)
			}
			return got
		}
		loads := 0
		hour := cachette.Cached(time.Hour)
		s.GET("/page", hour, func(c *gin.Context) { c.String(http.StatusOK, brand(c)) })
		s.GET("/within", hour, func(c *gin.Context) {
			product, _ := cachette.Remember(c, s.cache, "product", time.Hour, func(ctx context.Context) (string, error) {
				loads++
				return "Anvil by " + brand(ctx), nil
			})
			c.String(http.StatusOK, product)
		})
		s.GET("/handed", hour, func(c *gin.Context) {
			brand(c)
			c.Request.URL.Path = "/plain"
			s.HandleContext(c)
		})
		s.GET("/plain", hour, text("page"))
		for range 3 {
			for _, path := range []string{"/page", "/within", "/handed"} {
				if a := s.get(path); a.hit() || a.status != http.StatusOK {
					t.Errorf("%s: %d, %s", path, a.status, a.cacheStatus())
				}
			}
		}
		if loads != 3 {
			t.Errorf("the value that is made of it was loaded %d times, want 3", loads)
		}
	})
}

// Where nothing is kept, loads are what they are elsewhere: a caller that leaves goes, a load that ends its goroutine ends none of a caller's, and
// one that asks for its own value is told.
func TestRememberAlone(t *testing.T) {
	for name, use := range withoutStore {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := use(t)
				ask := func(ctx context.Context, load func(context.Context) (string, error)) (err error) {
					_, err = cachette.Remember(ctx, s.cache, "k", time.Hour, load)
					return err
				}
				ctx, leave := context.WithTimeout(t.Context(), time.Second)
				defer leave()
				began := time.Now()
				if err := ask(ctx, func(context.Context) (string, error) { time.Sleep(time.Minute); return "late", nil }); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the caller that has left got %v", err)
				}
				if took := time.Since(began); took != time.Second {
					t.Errorf("it left in %v, want 1s", took)
				}
				if err := ask(t.Context(), failings["its end"]); !errors.Is(err, cachette.ErrPanicked) {
					t.Errorf("a load that ends its goroutine: %v", err)
				}
				if err := ask(t.Context(), failings["not found"]); !errors.Is(err, cachette.ErrNotFound) {
					t.Errorf("a load that finds nothing: %v", err)
				}
				err := ask(t.Context(), func(ctx context.Context) (string, error) { return "", ask(ctx, failings["an error"]) })
				if !errors.Is(err, cachette.ErrInvalid) {
					t.Errorf("a load that asks for itself: %v", err)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// A page that is made of a value that stands in for one that could not be loaded is stale, also where its request has waited for the load.
func TestPagesOfValuesThatStandIn(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, _ := share(t, store)
		loads := 0
		for _, path := range []string{"/page", "/other"} {
			s.GET(path, cachette.Cached(time.Hour), func(c *gin.Context) {
				got, err := cachette.Remember(c, s.cache, "k", time.Minute, func(ctx context.Context) (string, error) {
					if loads++; loads == 2 {
						time.Sleep(time.Second)
						return failings["an error"](ctx)
					}
					return "value", nil
				}, cachette.WithStaleIfError(time.Hour))
				if err != nil {
					t.Error(err)
				}
				c.String(http.StatusOK, got)
			})
		}
		s.get("/page")
		time.Sleep(time.Minute)
		if a := s.get("/page"); !a.hit() {
			t.Errorf("%s, want a page that was made of a fresh value", a.cacheStatus())
		}
		_ = s.cache.PurgePath(t.Context(), "/page")
		var clients sync.WaitGroup
		for _, path := range []string{"/page", "/other"} {
			clients.Go(func() { s.get(path) })
		}
		clients.Wait()
		for _, path := range []string{"/page", "/other"} {
			if a := s.get(path); a.hit() || a.body != "value" {
				t.Errorf("%s: %q, %s", path, a.body, a.cacheStatus())
			}
		}
	})
}
