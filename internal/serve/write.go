package serve

import (
	"context"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// write is a request with an unsafe method, on its way through the handlers of one engine or of several, which find it by the
// context of the request.
type write struct {
	context.Context
	method, host, path string       // of the request as its client sent it
	said               atomic.Value // the rfc9111.Invalidation that a handler has asked for last; nil for none
}

// writeKey is the key of a write, in a gin.Context and in the context of its request. HandleContext takes it from the former, and
// handlers that replace the request may take it from the latter.
type writeKey struct{}

// Value returns the value for a key.
func (w *write) Value(key any) any {
	if _, ok := key.(writeKey); ok {
		return w
	}
	return w.Context.Value(key)
}

// InvalidateOn has these answers to the request invalidate, and no others. It does nothing for a safe method, or without a cache.
func InvalidateOn(c *gin.Context, on rfc9111.Invalidation) {
	if w := writeOf(c); w != nil {
		w.said.Store(on)
	}
}

// writeOf returns the write that a request is, or nil.
func writeOf(c *gin.Context) *write {
	if value, ok := c.Get(writeKey{}); ok {
		return value.(*write)
	}
	if c.Request == nil {
		return nil
	}
	w, _ := c.Request.Context().Value(writeKey{}).(*write)
	if w == nil || !w.is(c.Request) {
		return nil
	}
	return w
}

// is tells whether a request is the one that its client sent, and not another that a handler makes with its context.
func (w *write) is(r *http.Request) bool {
	return r.Method == w.method && r.Host == w.host && requestedURL(r).Path == w.path
}

// enterWrite has the handlers of a request find the write that it is. asked is the URL that its client asked for.
func enterWrite(c *gin.Context, asked *url.URL) *write {
	w := writeOf(c)
	if w == nil {
		r := c.Request
		w = &write{Context: r.Context(), method: r.Method, host: r.Host, path: asked.Path}
		c.Request = r.WithContext(w)
	}
	c.Set(writeKey{}, w)
	return w
}

// invalidatedBy tells whether an answer with a status invalidates, where unless holds that no handler has said otherwise.
func (w *write) invalidatedBy(status int, unless rfc9111.Invalidation) bool {
	on, said := w.said.Load().(rfc9111.Invalidation)
	if !said {
		on = unless
	}
	return on.Has(status)
}
