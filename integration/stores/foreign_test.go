package stores_test

import (
	"errors"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette"
)

// A key of another type is that key's trouble: pages go on to be hits, other values to be found.
func TestForeignKeyLeavesTheOthers(t *testing.T) {
	server := newRedis(t)
	server.start(t)
	s := newSite(t, cachette.Config{URL: server.url(), OperationTimeout: patient})
	s.GET("/page", cachette.Cached(time.Hour), text("page"))
	options, err := goredis.ParseURL(server.url())
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(options)
	defer client.Close()
	if err := client.RPush(t.Context(), "cachette:bad", 1).Err(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.cache.Put(t.Context(), "good", "value", time.Hour), func() error { _, err := s.ask("GET", "/page", "page"); return err }()); err != nil {
		t.Fatal(err)
	}
	s.cache.Settle(t.Context())
	var value string
	for range 5 {
		if err := s.cache.Fetch(t.Context(), "bad", &value); err == nil || errors.Is(err, cachette.ErrUnavailable) {
			t.Errorf("Fetch of it: %v, want the error of the key", err)
		}
	}
	if hit, err := s.ask("GET", "/page", "page"); !hit || err != nil {
		t.Errorf("a page: hit %t, %v, want a hit", hit, err)
	}
	if err := s.cache.Fetch(t.Context(), "good", &value); err != nil || value != "value" {
		t.Errorf("Fetch of another key: %q, %v", value, err)
	}
}
