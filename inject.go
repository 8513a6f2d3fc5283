package cachette

import (
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
