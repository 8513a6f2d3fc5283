package stores_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// taggedStores returns the configuration of a cache for each backend that several processes share.
var taggedStores = map[string]func(t *testing.T) cachette.Config{
	"redis": func(t *testing.T) cachette.Config {
		s := newRedis(t)
		s.start(t)
		return cachette.Config{Backend: "redis", RedisURL: s.url()}
	},
	"memcached": func(t *testing.T) cachette.Config {
		s := newMemcached(t)
		s.start(t)
		return cachette.Config{Backend: "memcached", MemcachedHost: fmt.Sprintf("127.0.0.1:%d", s.port)}
	},
	"mongodb": func(t *testing.T) cachette.Config {
		s := newMongoDB(t)
		s.start(t, t.TempDir())
		return cachette.Config{Backend: "mongodb", MongoDBURL: s.url()}
	},
	"dynamodb": func(t *testing.T) cachette.Config {
		s := newDynamoDB(t)
		s.start(t)
		return cachette.Config{Backend: "dynamodb", DynamoDBURL: fmt.Sprintf("http://127.0.0.1:%d", s.port)}
	},
}

// Tags hold between two caches of one store: what one of them has invalidated neither serves, also where the tag becomes known behind that to a
// handler that the other one was running; and nothing else is lost.
func TestTagsOfTwoCaches(t *testing.T) {
	t.Parallel()
	for backend, start := range taggedStores {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			cfg := start(t)
			cfg.OperationTimeout = patient
			var both [2]*site
			during := make(map[string]func()) // by path: what is done while the handler runs
			for i := range both {
				both[i] = newSite(t, cfg)
				both[i].GET("/:page", cachette.Cached(time.Hour), func(c *gin.Context) {
					if do := during[c.Request.URL.Path]; do != nil {
						do()
					}
					cachette.Tag(c, "all", "of"+c.Request.URL.Path)
					c.String(http.StatusOK, "page")
				})
			}
			ask := func(s *site, path string) bool { return s.isHit(t, path) }
			invalidate := func(s *site, tag string) {
				if err := s.cache.Invalidate(t.Context(), tag); err != nil {
					t.Error(err)
				}
			}
			for i, own := range both {
				other := both[1-i]
				ask(own, "/stays")
				for _, path := range []string{"/goes", "/goes"} { // the second time the tags are known before
					if ask(own, path); !ask(own, path) || !ask(other, path) {
						t.Errorf("%s is not stored", path)
					}
					invalidate(other, "of"+path)
					if ask(own, path) {
						t.Errorf("%s is served behind its purge", path)
					}
				}
				invalidate(other, "of/goes")
				for _, s := range both {
					if !ask(s, "/stays") {
						t.Error("a page is lost to a purge that does not name it")
					}
				}
				path := []string{"/late0", "/late1"}[i]
				during[path] = func() { during[path] = nil; invalidate(other, "of"+path) }
				ask(own, path)
				for _, s := range []*site{other, own} {
					if during[path] == nil && s == other && ask(s, path) {
						t.Errorf("%s, whose tag was invalidated while its handler ran, is served", path)
					}
				}
				path = []string{"/meanwhile0", "/meanwhile1"}[i]
				time.Sleep(1100 * time.Millisecond) // a position in the log is good for a second, and what was purged since counts
				during[path] = func() { invalidate(other, "of/nothing") }
				ask(own, path)
				if during[path] = nil; !ask(other, path) {
					t.Errorf("%s is lost to a purge of another tag while its handler ran", path)
				}
			}
			invalidate(both[0], "all")
			for _, path := range []string{"/stays", "/late0", "/late1", "/meanwhile0"} {
				if ask(both[1], path) {
					t.Errorf("%s is served behind a purge of all", path)
				}
			}
		})
	}
}
