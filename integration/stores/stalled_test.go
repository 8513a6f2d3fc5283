package stores_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gin-cachette/cachette"
)

// Values fail as fast as routes do, on each driver: at most three operations in a row wait for a server that has stopped. What is
// owed to it, as a Delete, is tried beside them, and counts.
func TestValuesOnAStalledServer(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) (*server, cachette.Config){
		"Redis": func(t *testing.T) (*server, cachette.Config) {
			s := newRedis(t)
			s.start(t)
			return s.server, cachette.Config{Backend: "redis", RedisURL: s.url()}
		},
		"Memcached": func(t *testing.T) (*server, cachette.Config) {
			s := newMemcached(t)
			s.start(t)
			return s.server, cachette.Config{Backend: "memcached", MemcachedHost: s.host()}
		},
		"MongoDB": func(t *testing.T) (*server, cachette.Config) {
			s := newMongoDB(t)
			s.start(t, t.TempDir())
			return s.server, cachette.Config{Backend: "mongodb", MongoDBURL: s.url()}
		},
		"DynamoDB": func(t *testing.T) (*server, cachette.Config) {
			s := newDynamoDB(t)
			s.start(t)
			return s.server, cachette.Config{Backend: "dynamodb", DynamoDBURL: fmt.Sprintf("http://127.0.0.1:%d", s.port)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, cfg := start(t)
			cfg.OperationTimeout = 200 * time.Millisecond
			for use, do := range uses {
				t.Run(use, func(t *testing.T) {
					s := newSite(t, cfg)
					server.signal(t, syscall.SIGSTOP)
					defer server.signal(t, syscall.SIGCONT)
					err := do(t.Context(), s.cache)
					for err == nil || errors.Is(err, cachette.ErrMiss) { // it stops a moment later
						err = do(t.Context(), s.cache)
					}
					waited := 0
					for ; waited <= 3 && errors.Is(err, context.DeadlineExceeded); waited++ {
						err = do(t.Context(), s.cache)
					}
					if waited == 0 || waited > 3 || err == nil || !strings.Contains(err.Error(), "does not answer") {
						t.Errorf("%d waited for the server, the next got %v, want at most 3, and then one that does not wait", waited, err)
					}
				})
			}
		})
	}
}

// uses are what a handler does with a value.
var uses = map[string]func(ctx context.Context, c *cachette.Cache) error{
	"Fetch": func(ctx context.Context, c *cachette.Cache) error {
		var value string
		return c.Fetch(ctx, "key", &value)
	},
	"Put": func(ctx context.Context, c *cachette.Cache) error {
		return c.Put(ctx, "key", "value", time.Minute)
	},
	"Delete": func(ctx context.Context, c *cachette.Cache) error {
		_, err := c.Delete(ctx, "key")
		return err
	},
}

// signal sends the server a signal.
func (s *server) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := s.process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}
