package behaviour_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// What a request is trusted with is in no key, no Cache-Status and no log, whether the store works or not.
func TestSecrets(t *testing.T) {
	const secret = "hunter2hunter2"
	for _, row := range []struct {
		name  string
		fault func(context.Context, call) error
	}{
		{"a store that works", nil},
		{"a store that fails", func(context.Context, call) error { return errors.New("no") }},
		{"a store that fails to write", func(_ context.Context, c call) error {
			if c.op == "set" && !isMark(c.key) {
				return errors.New("no")
			}
			return nil
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			store, log := newShelf(), new(journal)
			s := newSite(t, store.on, log.in)
			part := cachette.WithKeyPart(func(c *gin.Context) string { return c.GetHeader("Authorization") })
			varied := text("body", "Vary: Authorization, Cookie, X-Api-Key", "Cache-Control: public, max-age=60")
			s.GET("/varied", cachette.Cached(time.Minute, cachette.WithCacheStatusKey()), varied)
			s.GET("/part", cachette.Cached(time.Minute, part, cachette.WithCacheStatusKey()), text("body"))
			s.GET("/plain", cachette.Cached(time.Minute, cachette.WithCacheStatusKey()), text("body"))
			s.POST("/plain", text("posted"))
			s.GET("/panic", gin.RecoveryWithWriter(log), cachette.Cached(time.Minute), func(*gin.Context) { panic("no") })
			store.breakdown(row.fault)
			var told strings.Builder
			for _, path := range []string{"/varied", "/varied", "/part", "/part", "/plain", "/plain"} {
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					a := s.do(method, path, "Authorization: Bearer "+secret, "Cookie: session="+secret, "X-Api-Key: "+secret)
					told.WriteString(strings.Join(a.header.Values("Cache-Status"), "\n"))
				}
			}
			_ = s.cache.PurgePath(t.Context(), "/varied")
			_ = s.cache.Flush(t.Context())
			calls := store.store.Operations()
			for _, c := range calls {
				told.WriteString(c.Key + "\n")
			}
			told.WriteString(strings.Join(store.keys(func(string) bool { return true }), "\n"))
			told.WriteString(log.String())
			if i := strings.Index(told.String(), secret); i >= 0 {
				t.Errorf("…%s…", told.String()[max(0, i-100):i+len(secret)])
			}
			if len(calls) == 0 || !strings.Contains(told.String(), "key=") {
				t.Error("the test looks at nothing")
			}
		})
	}
}

// The key is shown only where a route asks for it.
func TestKeyIsShownOnDemand(t *testing.T) {
	s := newSite(t)
	s.GET("/plain", cachette.Cached(time.Minute), text("body"))
	s.GET("/shown", cachette.Cached(time.Minute, cachette.WithCacheStatusKey()), text("body"))
	for _, target := range []string{"/plain?token=x", "/shown?token=x"} {
		for range 2 {
			a := s.get(target)
			shown := strings.Contains(a.cacheStatus(), `; key="`) && strings.Contains(a.cacheStatus(), "token=x")
			if shown != strings.HasPrefix(target, "/shown") {
				t.Errorf("%s: %s", target, a.cacheStatus())
			}
		}
	}
}
