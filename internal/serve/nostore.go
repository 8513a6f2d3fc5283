package serve

import "github.com/gin-gonic/gin"

// noStoreKey is the key, in a gin.Context, of the wish that no response be stored.
type noStoreKey struct{}

// NoStore keeps the response that a request is about to get, or has got, from being stored. It is noted for what stands inside of
// the handler that asks for it, and for what it is inside of itself.
func NoStore(c *gin.Context) {
	c.Set(noStoreKey{}, true)
	if x := enteredBy(c); x != nil { // HandleContext takes away what the context holds, and a copy of it holds its own
		x.unwished.Store(true)
	}
}

// enteredBy returns the exchange that a request has entered, and no other for which an engine serves it; nil for none.
func enteredBy(c *gin.Context) *exchange {
	value, _ := c.Get(FrameKey{})
	f, _ := value.(*Frame)
	if f == nil {
		return nil
	}
	return f.exchange.Load()
}

// unwanted tells whether a handler asked for the response not to be stored.
func (x *exchange) unwanted() bool {
	_, asked := x.c.Get(noStoreKey{})
	return asked || x.around.unwanted || x.unwished.Load()
}

// Uncounted keeps a request out of what is counted by route, and from the observer: it is none of the application's.
func Uncounted(c *gin.Context) {
	if x := enteredBy(c); x != nil {
		x.uncounted.Store(true)
	}
}
