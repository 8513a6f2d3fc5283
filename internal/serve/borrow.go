package serve

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/response"
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

// Borrow implements [values.Borrower]. What has gone into the response has gone into that, too, whose handler, or whose load, has an engine
// serve it.
func (x *exchange) Borrow(loan values.Loan) {
	loan.To(&x.tags, &x.ends)
	if outer := x.around.borrower(x.request); outer != nil {
		outer.Borrow(loan)
	}
}

// For implements [values.Borrower].
func (x *exchange) For() values.Borrower { return values.BorrowerOf(x.request.Context()) }

// borrower returns what a response goes into that is not its client's: what the handler, or the load, makes that has an engine serve the request; nil
// for nothing. A load whose handler has its own lends to that itself.
func (a *around) borrower(r *http.Request) values.Borrower {
	if load := values.LoadOf(r.Context()); load != nil {
		return load
	}
	if a.over != nil {
		return a.over
	}
	return nil
}

// lend lends what answers a request to what it goes into. What is stale, or fresh no longer than what it was made of, has that be so, too.
func (a *around) lend(r *http.Request, e *response.Entry, now time.Time) {
	outer := a.borrower(r)
	if outer == nil {
		return
	}
	loan := values.Loan{Tags: entries.TagsOf(e)}
	if fresh := e.Meta.Fresh(now); e.Ends || fresh <= 0 {
		loan.Until = now.Add(fresh)
	}
	outer.Borrow(loan)
}
