package configtest

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// TestOneURL: one URL is all that a backend needs, and what one cache has put there another fetches.
func TestOneURL(t *testing.T) {
	for name, url := range map[string]func(t *testing.T) string{
		"inmemory":  func(*testing.T) string { return "memory:" },
		"redis":     func(t *testing.T) string { return testservers.Find(t, testservers.Redis) },
		"memcached": func(t *testing.T) string { return "memcached://" + testservers.Find(t, testservers.Memcached) },
		"mongodb":   func(t *testing.T) string { return testservers.Find(t, testservers.MongoDB) },
		"dynamodb": func(t *testing.T) string {
			return "dynamodb://eu-central-1/" + strings.ToLower(rand.Text()) + "?endpoint=" + testservers.Find(t, testservers.DynamoDB)
		},
	} {
		t.Run(name, func(t *testing.T) {
			settings := Config{URL: url(t), KeyPrefix: rand.Text() + ":", OperationTimeout: 20 * time.Second}
			open := func() *cachette.Cache {
				cache, err := cachette.Install(gin.New(), func() (Config, error) { return settings, nil })
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = cache.Close() })
				return cache
			}
			first := open()
			if err := first.Put(t.Context(), "key", "value", time.Minute); err != nil {
				t.Fatal(err)
			}
			second := first
			if name != "inmemory" {
				second = open()
			}
			var got string
			if err := second.Fetch(t.Context(), "key", &got); err != nil || got != "value" {
				t.Errorf("got %q, %v", got, err)
			}
			if n, err := second.Delete(t.Context(), "key"); n != 1 || err != nil {
				t.Errorf("%d were removed, %v", n, err)
			}
		})
	}
}
