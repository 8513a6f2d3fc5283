package stores_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette"
)

// A user of Redis that may not use SCAN clears nothing for ever: purges of pages are carried out, values stay, and nothing is owed, so that the
// cache goes on.
func TestClearWithoutSCAN(t *testing.T) {
	t.Parallel()
	s := newRedis(t)
	s.start(t)
	admin := goredis.NewClient(&goredis.Options{Addr: strings.TrimPrefix(s.url(), "redis://")})
	defer admin.Close()
	if err := admin.Do(t.Context(), "acl", "setuser", "shop", "on", ">secret", "~*", "+@all", "-scan").Err(); err != nil {
		t.Fatal(err)
	}
	where := strings.Replace(s.url(), "://", "://"+url.UserPassword("shop", "secret").String()+"@", 1)
	for name, clear := range map[string]func(c *cachette.Cache) error{
		"Flush":          func(c *cachette.Cache) error { return c.Flush(t.Context()) },
		"ClearNamespace": func(c *cachette.Cache) error { return c.ClearNamespace(t.Context(), "n") },
	} {
		t.Run(name, func(t *testing.T) {
			body := "before"
			site := newSite(t, cachette.Config{URL: where, KeyPrefix: name + ":", OperationTimeout: patient})
			site.GET("/page", cachette.Cached(time.Hour, cachette.WithNamespace("n")), func(c *gin.Context) { c.String(http.StatusOK, body) })
			if err := site.cache.Put(t.Context(), "n:value", "kept", time.Hour); err != nil {
				t.Fatal(err)
			}
			ask := func(want string, wantHit bool) {
				t.Helper()
				hit, err := site.ask(http.MethodGet, "/page", want)
				if err != nil || hit != wantHit {
					t.Errorf("the page: %v, a hit: %t, want %t", err, hit, wantHit)
				}
				if err := site.cache.Settle(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			ask("before", false)
			ask("before", true)
			body = "after"
			if err := clear(site.cache); !errors.Is(err, errors.ErrUnsupported) || strings.Contains(err.Error(), "owed") {
				t.Errorf("the error: %v, want one that matches errors.ErrUnsupported, and owes nothing", err)
			}
			ask("after", false)
			ask("after", true)
			var value string
			if err := site.cache.Fetch(t.Context(), "n:value", &value); err != nil || value != "kept" {
				t.Errorf("the value: %q, %v", value, err)
			}
		})
	}
}
