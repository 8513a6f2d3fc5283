package stores_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// valueStores are the stores in which values are remembered: also those of several servers, where a value and its mark are on one.
func valueStores() map[string]func(t *testing.T) cachette.Config {
	all := map[string]func(t *testing.T) cachette.Config{
		"redis cluster": func(t *testing.T) cachette.Config {
			return cachette.Config{Backend: "redis", RedisURL: testservers.Find(t, "REDIS_CLUSTER_URL")}
		},
		"memcached pair": func(t *testing.T) cachette.Config {
			return cachette.Config{Backend: "memcached", MemcachedHost: testservers.Find(t, "MEMCACHED_PAIR_HOST")}
		},
	}
	for name, start := range taggedStores {
		all[name] = start
	}
	return all
}

// A value that one cache has loaded is there for another on the store, by whatever key, until one of them removes it in some way; and so is a page
// that is made of it.
func TestRememberOfTwoCaches(t *testing.T) {
	t.Parallel()
	for backend, start := range valueStores() {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			cfg := start(t)
			cfg.OperationTimeout, cfg.Codec, cfg.KeyPrefix, cfg.Service = patient, "json", fmt.Sprintf("remember-%d", time.Now().UnixNano()), t.Name()
			var both [2]*site
			var loads, number atomic.Int64
			load := func(context.Context) (int64, error) { loads.Add(1); return number.Load(), nil }
			tags := cachette.WithTags("all", "of 7")
			for i := range both {
				s := newSite(t, cfg)
				both[i] = s
				s.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) {
					got, err := cachette.Remember(c, s.cache, "shop:product:7", time.Hour, load, tags)
					if err != nil {
						t.Error(err)
					}
					c.String(http.StatusOK, fmt.Sprint(got))
				})
			}
			settle := func(s *site) {
				if err := s.cache.Settle(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			get := func(s *site, key string) int64 {
				got, err := cachette.Remember(t.Context(), s.cache, key, time.Hour, load, tags)
				if err != nil {
					t.Error(err)
				}
				settle(s)
				return got
			}
			for name, remove := range map[string]func(*cachette.Cache) error{
				"Delete": func(c *cachette.Cache) error {
					_, err := c.Delete(t.Context(), "shop:product:7", "plain", "~r:v", "shop:")
					return err
				},
				"Invalidate":     func(c *cachette.Cache) error { return c.Invalidate(t.Context(), "of 7") },
				"ClearNamespace": func(c *cachette.Cache) error { return c.ClearNamespace(t.Context(), "shop") },
				"Flush":          func(c *cachette.Cache) error { return c.Flush(t.Context()) },
			} {
				for i, own := range both {
					other := both[1-i]
					keys := []string{"shop:product:7", "shop:"}
					if name != "ClearNamespace" {
						keys = append(keys, "plain", "~r:v")
					}
					before := number.Add(1)
					if err := own.cache.Flush(t.Context()); err != nil {
						t.Fatal(err)
					}
					for _, key := range keys {
						get(own, key)
					}
					if _, err := own.ask(http.MethodGet, "/page", fmt.Sprint(before)); err != nil {
						t.Error(err)
					}
					settle(own)
					loads.Store(0)
					now := number.Add(1)
					for _, key := range keys {
						if got := get(other, key); got != before || loads.Load() != 0 {
							t.Errorf("%s: %q is %d behind %d loads, want %d of the other cache", name, key, got, loads.Load(), before)
						}
					}
					if hit, err := other.ask(http.MethodGet, "/page", fmt.Sprint(before)); err != nil || !hit {
						t.Errorf("%s: the page: %t, %v", name, hit, err)
					}
					if err := remove(other.cache); err != nil {
						t.Fatal(err)
					}
					for _, key := range keys {
						if got := get(own, key); got != now {
							t.Errorf("%s: %q is %d, which was removed; want %d", name, key, got, now)
						}
					}
					if name == "Invalidate" || name == "Flush" {
						if hit, err := own.ask(http.MethodGet, "/page", fmt.Sprint(now)); err != nil || hit {
							t.Errorf("%s: the page of what was removed: %t, %v", name, hit, err)
						}
					}
				}
			}
		})
	}
}
