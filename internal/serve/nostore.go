package serve

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// withdraw has an answer which is not stored, for a reason, end what is stored, if it does. That comes before a request that waits
// leads: it would find what has been taken back.
func (x *exchange) withdraw(why rfc9111.Refusal) {
	e := x.found.Entry
	if e == nil {
		e = x.passed
	}
	if e != nil && !x.around.admits(e) { // these credentials may be wrong, but where it is gone, it is gone
		why = rfc9111.RefusedCredentials
	}
	if e != nil && !x.left && rfc9111.Withdraws(x.made.Status, why) {
		x.remove(e)
	}
}

// remove ends what is stored, whatever becomes of the client, unless what is stored by now is newer than the answer that ends it.
func (x *exchange) remove(e *response.Entry) {
	x.unlessLate(x.stampOf(e, e.Variant), func() {
		x.s.entries.Remove(context.WithoutCancel(x.request.Context()), e.Key)
	})
}

// noStoreKey is the key, in a gin.Context, of the wish that no response be stored.
type noStoreKey struct{}

// NoStore keeps the response that a request is about to get, or has got, from being stored. It is noted for what stands inside of
// the handler that asks for it, and for what it is inside of itself.
func NoStore(c *gin.Context) {
	c.Set(noStoreKey{}, true)
	value, _ := c.Get(FrameKey{})
	f, _ := value.(*Frame)
	if f == nil {
		return
	}
	if x := f.exchange.Load(); x != nil { // HandleContext takes away what the context holds, and a copy of it holds its own
		x.unwished.Store(true)
	}
}

// unwanted tells whether a handler asked for the response not to be stored.
func (x *exchange) unwanted() bool {
	_, asked := x.c.Get(noStoreKey{})
	return asked || x.around.unwanted || x.unwished.Load()
}
