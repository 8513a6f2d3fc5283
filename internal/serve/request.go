package serve

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// asks tells whether a request has fields that tell a cache what to do.
func asks(h http.Header) bool {
	if _, ok := h["Cache-Control"]; ok {
		return true
	}
	_, ok := h["Pragma"]
	return ok
}

// validating tells whether the handler can be asked whether what is stored is still good (RFC 9111 §4.3).
func (x *exchange) validating() bool {
	return x.found.Entry != nil && x.found.Entry.Validatable()
}

// preconditions are the fields of a request that condition changes.
var preconditions = [...]string{"If-None-Match", "If-Modified-Since", "Range", "If-Range", "If-Match", "If-Unmodified-Since"}

// condition makes the request that the handlers see: a copy, since they may change its header, by which the cache has
// to decide. To validate, it has the preconditions of what is stored. Else a request for the whole has none: its handler
// is to make a response that can be kept, and the client's own preconditions are evaluated against that. A range
// request has its own.
func (x *exchange) condition() *http.Request {
	r := x.within()
	h := ownHeader(x.request)
	r.Header = h
	x.conditioned = true
	r.Method = x.method()
	if x.around.rt.IgnoreAsk { // see unlookable
		withoutContent(r)
		delete(h, "If-Match")
		delete(h, "If-Unmodified-Since")
	}
	switch {
	case x.validating():
		x.found.Entry.Condition(h)
	case x.entire:
		delete(h, "Range")
		delete(h, "If-Range")
	case rfc9111.Conditional(h) && len(h["Range"]) == 0 && !x.asked.NoStore && !x.s.alone.Has(x.found.Key, x.now):
		delete(h, "If-None-Match")
		delete(h, "If-Modified-Since")
	}
	return r
}

// unget gives the request that the handlers have left, where they were called as for GET, the client's own method back. What they have
// handed it on to keeps GET: that is where it leads then.
func (x *exchange) unget(c *gin.Context) {
	if x.method() != x.request.Method && c.Request != x.request && c.Request.Method == http.MethodGet {
		c.Request = c.Request.WithContext(c.Request.Context())
		c.Request.Method = x.request.Method
	}
}

// contentFields are the fields of a request that are about its content, or about how it is sent.
var contentFields = [...]string{
	"Content-Type", "Content-Encoding", "Content-Language", "Content-Location", "Content-Length", "Content-Range",
	"Transfer-Encoding", "Trailer", "Expect",
}

// withoutContent takes the content off a request that has a header of its own.
func withoutContent(r *http.Request) {
	r.Body, r.ContentLength, r.TransferEncoding, r.Trailer = http.NoBody, 0, nil, nil
	for _, name := range contentFields {
		delete(r.Header, name)
	}
}

// uncondition gives the request that the handlers have left, theirs or one that they have made of it, the client's own
// preconditions back. Whatever else they have changed in it stays, as it would without a cache. It is a copy: they may
// have given theirs to a goroutine that is still reading it.
func (x *exchange) uncondition(c *gin.Context) {
	if !x.conditioned || c.Request == x.request {
		return
	}
	given, own := c.Request.Header, x.request.Header
	if !slices.ContainsFunc(preconditions[:], func(name string) bool { return !slices.Equal(given[name], own[name]) }) {
		return
	}
	r := private(c.Request)
	for _, name := range preconditions {
		if values, ok := own[name]; ok {
			r.Header[name] = values
		} else {
			delete(r.Header, name)
		}
	}
	c.Request = r
}

// ownHeader returns a copy of a request's header.
func ownHeader(r *http.Request) http.Header {
	if len(r.Header) == 0 {
		return make(http.Header)
	}
	return r.Header.Clone()
}

// private returns a copy of a request whose header changes for no other holder of it.
func private(r *http.Request) *http.Request {
	header := ownHeader(r)
	r = r.WithContext(r.Context())
	r.Header = header
	return r
}
