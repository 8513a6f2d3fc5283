package cachette

import (
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/serve"
)

// Get returns the cache that was installed on the engine which handles the request: in every handler of a route, before and
// after its Next, and from a copy of its context. Without one, also for a route that was registered before [Install], it
// panics with a message that says what to do.
func Get(c *gin.Context) *Cache {
	if value, ok := c.Get(serve.FrameKey{}); ok {
		return value.(*serve.Frame).Server.Owner.(*Cache)
	}
	if cache := installed.Of(c, middlewareName); cache != nil {
		return cache
	}
	panic(errNotInstalled)
}

// frameOf returns what the cache's middleware left in a context.
func frameOf(c *gin.Context) *serve.Frame {
	value, _ := c.Get(serve.FrameKey{})
	frame, ok := value.(*serve.Frame)
	if !ok {
		panic(errNotInstalled)
	}
	return frame
}

// Fetch returns the value that the request's cache holds under key, as [Cache.Fetch] gives it. Where there is no request, as in a
// worker or a test, [Cache.Fetch] of the cache that [Install] returned does the same with any context.
func Fetch[T any](c *gin.Context, key string) (T, error) {
	value, _, err := FetchWithTTL[T](c, key)
	return value, err
}

// FetchWithTTL returns the value that the request's cache holds under key, and for how long it still will, as
// [Cache.FetchWithTTL] gives them: that is also the one to call where there is no request.
func FetchWithTTL[T any](c *gin.Context, key string) (T, time.Duration, error) {
	var value T
	ttl, err := Get(c).FetchWithTTL(c, key, &value)
	return value, ttl, err
}
