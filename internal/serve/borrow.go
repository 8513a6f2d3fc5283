package serve

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/values"
)

// BorrowerOf returns the response, or the value, that a context is there to make; nil for none that is to be kept.
func BorrowerOf(ctx context.Context) values.Borrower {
	c, ok := ctx.(*gin.Context)
	if !ok || c == nil || c.Request == nil {
		return values.BorrowerOf(argument.Context(ctx))
	}
	if x := exchangeOf(c); x != nil {
		return x
	}
	return values.BorrowerOf(c.Request.Context())
}

// exchangeOf returns the exchange that is about the response to a request, or nil.
func exchangeOf(c *gin.Context) *exchange {
	value, _ := c.Get(FrameKey{})
	f, _ := value.(*Frame)
	if f == nil {
		return nil
	}
	x := f.exchange.Load()
	if in := f.Server.carriedIn(c); x == nil && in != nil { // of an engine that serves a request of a handler's
		x = in.x
	}
	return x
}

// Borrow implements [values.Borrower]. What has gone into the response has gone into those, too, whose handlers have an engine serve it.
func (x *exchange) Borrow(loan values.Loan) {
	for ; x != nil; x = x.around.over {
		loan.To(&x.tags, &x.ends)
	}
}
