package behaviour_test

import (
	"strings"
	"testing"

	"github.com/gin-cachette/cachette"
)

// The address of a store whose backend is not in use is told at the start: each process would have a cache of its own.
func TestUnusedStoreIsTold(t *testing.T) {
	for name, row := range map[string]struct {
		set  func(*cachette.Config)
		told string
	}{
		"none":           {func(*cachette.Config) {}, ""},
		"Redis":          {func(c *cachette.Config) { c.RedisURL = "redis://user:secret@localhost" }, "CACHETTE_REDIS_URL"},
		"Memcached":      {func(c *cachette.Config) { c.MemcachedHost = "localhost" }, "CACHETTE_MEMCACHED_HOST"},
		"MongoDB":        {func(c *cachette.Config) { c.MongoDBURL = "mongodb://user:secret@localhost" }, "CACHETTE_MONGODB_URL"},
		"DynamoDB":       {func(c *cachette.Config) { c.DynamoDBURL = "http://localhost:8000" }, "CACHETTE_DYNAMODB_URL"},
		"switched off":   {func(c *cachette.Config) { c.RedisURL, c.Disabled = "redis://localhost", true }, ""},
		"a driver given": {func(c *cachette.Config) { c.RedisURL = "redis://localhost"; newShelf().on(c) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			log := new(journal)
			newSite(t, log.in, row.set)
			told := strings.Contains(log.String(), "belong to another backend")
			if told != (row.told != "") || !strings.Contains(log.String(), row.told) || strings.Contains(log.String(), "secret") {
				t.Errorf("the log says: %s", log)
			}
		})
	}
}
