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

// Cache-Status tells on each path what the cache did, and why (RFC 9211 §2).
func TestCacheStatus(t *testing.T) {
	for _, row := range []struct {
		name     string
		options  []cachette.Option
		response []string // fields
		status   int      // 200 unless given
		warm     []string // fields of a request before; nil for none
		method   string   // GET unless given
		fields   []string
		want     string
	}{
		{name: "miss", want: "cachette; fwd=uri-miss; stored"},
		{name: "hit", warm: []string{"X-A: 1"}, want: "cachette; hit; ttl=60"},
		{name: "hit for HEAD", warm: []string{"X-A: 1"}, method: http.MethodHead, want: "cachette; hit; ttl=60"},
		{name: "another variant", response: []string{"Vary: X-A"}, warm: []string{"X-A: 1"}, fields: []string{"X-A: 2"},
			want: "cachette; fwd=vary-miss; stored"},
		{name: "HEAD on nothing", method: http.MethodHead, want: "cachette; fwd=uri-miss"},
		{name: "PUT", method: http.MethodPut, want: "cachette; fwd=method"},
		{name: "OPTIONS", method: http.MethodOptions, want: "cachette; fwd=method"},
		{name: "If-Match", fields: []string{`If-Match: "a"`}, want: "cachette; fwd=bypass; detail=precondition"},
		{name: "upgrade", fields: []string{"Upgrade: websocket", "Connection: keep-alive, Upgrade"}, want: "cachette; fwd=bypass; detail=upgrade"},
		{name: "private", response: []string{"Cache-Control: private"}, want: "cachette; fwd=uri-miss; detail=private"},
		{name: "no-store", response: []string{"Cache-Control: no-store"}, want: "cachette; fwd=uri-miss; detail=no-store"},
		{name: "cookie", response: []string{"Set-Cookie: a=1"}, want: "cachette; fwd=uri-miss; detail=set-cookie"},
		{name: "Vary: *", response: []string{"Vary: *"}, want: "cachette; fwd=uri-miss; detail=vary"},
		{name: "credentials", fields: []string{"Authorization: a"}, want: "cachette; fwd=uri-miss; detail=authorization"},
		{name: "credentials, with something stored", warm: []string{"X-A: 1"}, fields: []string{"Authorization: a"},
			want: "cachette; fwd=request; detail=authorization"},
		{name: "stale from the beginning", response: []string{"Cache-Control: max-age=0"}, want: "cachette; fwd=uri-miss; detail=stale"},
		{name: "status", status: http.StatusTeapot, want: "cachette; fwd=uri-miss; detail=status"},
		{name: "too large, as declared", options: []cachette.Option{cachette.WithBodyLimit(3)}, response: []string{"Content-Length: 4"},
			want: "cachette; fwd=uri-miss; detail=too-large"},
		{name: "key", options: []cachette.Option{cachette.WithCacheStatusKey()},
			want: `cachette; fwd=uri-miss; stored; key="cachette:~r:hq@C8tI_huF//example.com/p?a=%221%22%5C"`},
		{name: "key of a hit", options: []cachette.Option{cachette.WithCacheStatusKey()}, warm: []string{"X-A: 1"},
			want: `cachette; hit; ttl=60; key="cachette:~r:hq@C8tI_huF//example.com/p?a=%221%22%5C"`},
		{name: "another cache closer to the origin", response: []string{"Cache-Status: origin; hit"},
			want: "origin; hit, cachette; fwd=uri-miss; stored"},
		{name: "another cache closer to the origin, from the store", response: []string{"Cache-Status: origin; hit"},
			warm: []string{"X-A: 1"}, want: "origin; hit, cachette; hit; ttl=60"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store, func(c *cachette.Config) { c.Service = "shop" })
				s.Any("/p", cachette.Cached(time.Minute, row.options...), func(c *gin.Context) {
					for _, field := range row.response {
						name, value, _ := strings.Cut(field, ": ")
						c.Writer.Header().Add(name, value)
					}
					c.String(max(row.status, http.StatusOK), "page")
				})
				const target = "/p?a=%221%22%5C"
				if row.warm != nil {
					s.get(target, row.warm...)
				}
				method := row.method
				if method == "" {
					method = http.MethodGet
				}
				a := s.do(method, target, row.fields...)
				// What a hit's ttl was may be a second less by now.
				got := strings.ReplaceAll(strings.Join(a.header.Values("Cache-Status"), ", "), "ttl=59", "ttl=60")
				if got != row.want {
					t.Errorf("Cache-Status %q, want %q", got, row.want)
				}
			})
		})
	}
}

// Without a store that answers, and with a cache that is closed, Cache-Status says so.
func TestCacheStatusWithoutStore(t *testing.T) {
	store := newShelf()
	s := newSite(t, store.on)
	s.GET("/", cachette.Cached(time.Minute), text("page"))
	store.breakdown(func(context.Context, call) error { return errors.New("no") })
	if a := s.get("/"); a.cacheStatus() != "cachette; fwd=uri-miss; detail=store-unavailable" || a.body != "page" {
		t.Errorf("%q %q", a.cacheStatus(), a.body)
	}
	store.breakdown(nil)
	if err := s.cache.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if a := s.get("/"); a.cacheStatus() != "cachette; fwd=bypass; detail=disabled" || a.body != "page" {
			t.Errorf("closed: %q %q", a.cacheStatus(), a.body)
		}
	}
}
