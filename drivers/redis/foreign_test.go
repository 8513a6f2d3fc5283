package redis_test

import (
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
)

// foreign puts what is no string, and what is no log, by a client of a server.
func foreign(c goredis.UniversalClient) map[string]func(t testing.TB, d drivers.Driver, key string) {
	put := func(do func(t testing.TB, key string) error) func(t testing.TB, _ drivers.Driver, key string) {
		return func(t testing.TB, _ drivers.Driver, key string) {
			c.Del(t.Context(), key)
			if err := do(t, key); err != nil {
				t.Fatal(err)
			}
		}
	}
	return map[string]func(t testing.TB, d drivers.Driver, key string){
		"List":    put(func(t testing.TB, key string) error { return c.RPush(t.Context(), key, 1).Err() }),
		"Counter": put(func(t testing.TB, key string) error { return c.Incr(t.Context(), key).Err() }),
		"Stream": put(func(t testing.TB, key string) error {
			return c.XAdd(t.Context(), &goredis.XAddArgs{Stream: key, Values: []string{"field", "value"}}).Err()
		}),
	}
}
