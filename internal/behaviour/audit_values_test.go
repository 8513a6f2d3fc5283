package behaviour_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// ofPlan are the ways in which handlers keep a value that they make of what a middleware has set.
var ofPlan = map[string]func(c *gin.Context, cache *cachette.Cache, ttl time.Duration, plan string) (string, error){
	"Remember": func(c *gin.Context, cache *cachette.Cache, ttl time.Duration, plan string) (string, error) {
		return cachette.Remember(c, cache, "plan", ttl, func(context.Context) (string, error) { return plan, nil })
	},
	"Remember that is stale": func(c *gin.Context, cache *cachette.Cache, ttl time.Duration, plan string) (string, error) {
		return cachette.Remember(c, cache, "plan", ttl, func(context.Context) (string, error) { return plan, nil }, cachette.WithStaleWhileRevalidate(time.Hour))
	},
	"Remember that is waited for": func(c *gin.Context, cache *cachette.Cache, ttl time.Duration, plan string) (string, error) {
		return cachette.Remember(c, cache, "plan", ttl, func(context.Context) (string, error) { return plan, nil }, cachette.WithPatience(time.Second))
	},
	"Remember in a load": func(c *gin.Context, cache *cachette.Cache, ttl time.Duration, plan string) (string, error) {
		return cachette.Remember(c, cache, "outer", ttl, func(ctx context.Context) (string, error) {
			return cachette.Remember(ctx, cache, "plan", ttl, func(context.Context) (string, error) { return plan, nil })
		})
	},
	"RememberMany": func(c *gin.Context, cache *cachette.Cache, ttl time.Duration, plan string) (string, error) {
		values, err := cachette.RememberMany(c, cache, []string{"plan"}, func(key string) string { return key }, ttl,
			func(context.Context, []string) (map[string]string, error) {
				return map[string]string{"plan": plan}, nil
			}, cachette.WithStaleWhileRevalidate(time.Hour))
		return values["plan"], err
	},
	"Add": func(c *gin.Context, cache *cachette.Cache, ttl time.Duration, plan string) (string, error) {
		if _, err := cache.Add(c, "plan", plan, ttl); err != nil {
			return plan, nil // no store of bytes alone can
		}
		value, err := cachette.Fetch[string](c, cache, "plan")
		if errors.Is(err, cachette.ErrMiss) {
			return plan, nil
		}
		return value, err
	},
	"Put": func(c *gin.Context, cache *cachette.Cache, ttl time.Duration, plan string) (string, error) {
		value, err := cachette.Fetch[string](c, cache, "plan")
		if errors.Is(err, cachette.ErrMiss) {
			value, err = plan, cache.Put(c, "plan", plan, ttl)
		}
		return value, err
	},
	"PutMany": func(c *gin.Context, cache *cachette.Cache, ttl time.Duration, plan string) (string, error) {
		values, err := cachette.FetchMany[string](c, cache, []string{"plan"})
		if value, ok := values["plan"]; ok || err != nil {
			return value, err
		}
		return plan, cachette.PutMany(c, cache, map[string]string{"plan": plan}, ttl)
	},
}

// What the handlers make of a request that an audit has taken something off goes into no value that others get: its runs read values, and keep none.
func TestAuditKeepsNoValues(t *testing.T) {
	for name, store := range storesOfEvents {
		for way, value := range ofPlan {
			t.Run(name+" "+way, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					e := cachettetest.New(t, store)
					var mu sync.Mutex
					var seen []string // by all runs
					plan := func(c *gin.Context) { c.Set("plan", "gold") }
					e.GET("/page", plan, cachette.Cached(time.Hour, cachette.WithAudit(1)), func(c *gin.Context) {
						mu.Lock()
						seen = append(seen, c.GetString("plan"))
						mu.Unlock()
						if _, err := value(c, e.Cache, time.Second, c.GetString("plan")); err != nil {
							t.Error(err)
						}
						time.Sleep(2 * time.Second) // the next run finds no fresh value
						c.String(http.StatusOK, "page")
					})
					e.GET("/other", plan, func(c *gin.Context) {
						got, err := value(c, e.Cache, time.Second, c.GetString("plan"))
						c.String(http.StatusOK, "%s %v", got, err)
					})
					e.Get("/page")
					for range 4 {
						if a := e.Get("/page"); !a.Hit() {
							t.Fatalf("answered %s", a.CacheStatus())
						}
						for range 40 { // while the audit runs
							time.Sleep(700 * time.Millisecond)
							if a := e.Get("/other"); a.Body != "gold <nil>" {
								t.Fatalf("another one got %q", a.Body)
							}
						}
					}
					mu.Lock()
					defer mu.Unlock()
					if !slices.Contains(seen, "") {
						t.Errorf("the runs of audits have seen %q, and some are to lack the plan", seen)
					}
				})
			})
		}
	}
}

// Nor into pages of another engine's cache, of which the handlers make theirs.
func TestAuditKeepsNoPagesOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other, e := cachettetest.New(t), cachettetest.New(t)
		page := func(c *gin.Context) { c.String(http.StatusOK, "%s", c.GetHeader("X-Plan")) }
		other.GET("/part", cachette.Cached(time.Second), page)
		ask := func(c *gin.Context) string {
			r := httptest.NewRequestWithContext(c.Request.Context(), http.MethodGet, "/part", nil)
			r.Header.Set("X-Plan", c.GetString("plan"))
			w := httptest.NewRecorder()
			other.ServeHTTP(w, r)
			return w.Body.String()
		}
		plan := func(c *gin.Context) { c.Set("plan", "gold") }
		e.GET("/uses", plan, cachette.Cached(time.Millisecond), func(c *gin.Context) { c.String(http.StatusOK, "%s", ask(c)) })
		var lacking atomic.Bool
		e.GET("/page", plan, cachette.Cached(time.Hour, cachette.WithAudit(1)), func(c *gin.Context) {
			ask(c)
			if got := e.Get("/uses").Body; got != "gold" {
				t.Errorf("another one got %q", got)
			}
			time.Sleep(2 * time.Second)
			if c.GetString("plan") == "" {
				lacking.Store(true)
			}
			c.String(http.StatusOK, "page")
		})
		for range 5 {
			e.Get("/page")
			time.Sleep(time.Minute)
		}
		if !lacking.Load() {
			t.Error("no run lacked the plan")
		}
	})
}
