package serve

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// withdraw notes that an answer which is not stored, for a reason, ends what is stored, if it does.
func (x *exchange) withdraw(why rfc9111.Refusal) {
	e := x.found.Entry
	if e == nil {
		e = x.passed
	}
	if e != nil && !x.around.admits(e) { // these credentials may be wrong, but where it is gone, it is gone
		why = rfc9111.RefusedCredentials
	}
	if x.withdrawn = nil; e != nil && !x.left && rfc9111.Withdraws(x.made.Status, why) {
		x.withdrawn = e
	}
}

// removeWithdrawn removes what the handler has taken back, if anything.
func (x *exchange) removeWithdrawn() {
	if e := x.withdrawn; e != nil {
		x.s.store.Remove(context.WithoutCancel(x.request.Context()), e.Key)
	}
}

// noStoreKey is the key, in a gin.Context, of the wish that no response be stored.
type noStoreKey struct{}

// NoStore keeps the response that a request is about to get, or has got, from being stored. It is noted for what stands inside of
// the handler that asks for it, and for what it is inside of itself.
func NoStore(c *gin.Context) {
	c.Set(noStoreKey{}, true)
	value, _ := c.Get(FrameKey{})
	if f, _ := value.(*Frame); f != nil && f.exchange != nil { // HandleContext takes away what the context holds
		f.exchange.around.unwanted = true
	}
}

// unwanted tells whether a handler asked for the response not to be stored.
func (x *exchange) unwanted() bool {
	_, asked := x.c.Get(noStoreKey{})
	return asked || x.around.unwanted
}
