package serve

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/response"
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

// validating tells whether the handler can be asked whether what is stored is still good (RFC 9111 §4.3). A precondition of a POST asks for
// something else (RFC 9110 §13.1.2).
func (x *exchange) validating() bool {
	return x.request.Method != http.MethodPost && x.found.Entry != nil && x.found.Entry.Validatable()
}

// difference is how a request that handlers see differs from the one that came.
type difference struct {
	own       bool            // its header is a copy, since they may change theirs, and the cache has to decide by the client's
	get       bool            // it is a GET
	bare      bool            // it has no preconditions that only they can evaluate, nor content that means nothing: see unlookable
	lacks     []string        // fields that it has not
	validates *response.Entry // it has preconditions that ask whether this is still good
	refresh   *refresh        // no client waits for it, so it shares nothing with one that came
}

// preconditions are the fields in which the request that is to make a response to keep may differ, and beside them which codings the client accepts.
var preconditions = [...]string{"If-None-Match", "If-Modified-Since", "Range", "If-Range", "If-Match", "If-Unmodified-Since", acceptEncoding}

// difference is that of the request that is to make a response to keep. To validate, it has the preconditions of what is stored. Else a
// request for the whole has none: the client's own are evaluated against what comes of it. A range request has its own.
func (x *exchange) difference() difference {
	d := difference{own: true, get: x.asGet, bare: x.around.rt.IgnoreAsk}
	switch h := x.request.Header; {
	case x.validating():
		d.validates = x.found.Entry
	case x.entire:
		d.lacks = preconditions[2:4]
	case rfc9111.Conditional(h) && len(h["Range"]) == 0 && !x.asked.NoStore && !x.s.alone.Has(x.found.Key, x.now):
		d.lacks = preconditions[:2]
	}
	return d
}

// requestFor makes the request that handlers see. Its context tells what they are inside of, wherever they take it.
func (x *exchange) requestFor(d *difference) *http.Request {
	ctx := x.request.Context()
	var r *http.Request
	if d.refresh != nil {
		r = x.request.Clone(&fillContext{context.WithoutCancel(ctx), carried{server: x.s, refresh: d.refresh, around: x.frame.entered}})
		x.refill(r)
	} else {
		if x.flight != nil && x.mark == nil { // a refresh has no client, and a time that it may take
			ctx = x.flight.Context(ctx)
		}
		x.context = fillContext{ctx, carried{server: x.s, x: x, refresh: x.mark, probe: x.probe}}
		r = x.request.WithContext(&x.context)
		x.simplify(r)
	}
	if d.own {
		r.Header = ownHeader(x.request)
		x.leaveCoding(r)
	}
	if d.get {
		r.Method = http.MethodGet
	}
	if d.bare {
		x.strip(r)
	}
	for _, name := range d.lacks {
		delete(r.Header, name)
	}
	if d.validates != nil {
		d.validates.Condition(r.Header)
	}
	return r
}

// run lets the handlers run on a request of their own.
func (x *exchange) run(d difference) {
	r := x.requestFor(&d)
	x.conditioned = d.bare || d.validates != nil || len(d.lacks) > 0 || x.coded
	if r.URL != x.request.URL {
		defer x.askAnew()()
	}
	x.c.Request = r
	if x.around.binds() {
		defer x.bind()()
	}
	defer x.takeBack(r)
	began := time.Now()
	defer func() { x.took += time.Since(began) }()
	x.c.Next()
}

// takeBack gives the context the client's request back, in place of the one that the handlers were given. One that they have made of it,
// as with WithContext, is for those outside to see, and gets back what the client's had; what they have handed it on to keeps GET: that is
// where it leads then. What they have read of a form is the client's, since net/http removes its files.
func (x *exchange) takeBack(r *http.Request) {
	c := x.c
	if c.Request == r {
		c.Request = x.request
	}
	x.uncondition(c)
	if x.asGet && c.Request.Method == http.MethodGet {
		c.Request = c.Request.WithContext(c.Request.Context())
		c.Request.Method = x.request.Method
	}
	x.conditioned = false
	if r.MultipartForm != nil {
		x.request.Form, x.request.PostForm, x.request.MultipartForm = r.Form, r.PostForm, r.MultipartForm
		if r.URL != x.request.URL { // it has other parameters than the client's
			x.request.Form = nil
		}
	}
}

// contentFields are the fields of a request that are about its content, or about how it is sent.
var contentFields = [...]string{
	"Content-Type", "Content-Encoding", "Content-Language", "Content-Location", "Content-Length", "Content-Range",
	"Transfer-Encoding", "Trailer", "Expect",
}

// strip takes off a request that has a header of its own the preconditions that only handlers can evaluate (RFC 9110 §13.1.1, §13.1.4), and content
// that means nothing.
func (x *exchange) strip(r *http.Request) {
	delete(r.Header, "If-Match")
	delete(r.Header, "If-Unmodified-Since")
	if x.byContent() {
		return
	}
	r.Body, r.ContentLength, r.TransferEncoding, r.Trailer = http.NoBody, 0, nil, nil
	for _, name := range contentFields {
		delete(r.Header, name)
	}
}

// refill gives a request that is made of the client's the content anew where it is answered by that, and none else.
func (x *exchange) refill(r *http.Request) {
	if of := x.content(); of != nil {
		r.Body = of.again()
		return
	}
	r.Body, r.ContentLength = http.NoBody, 0
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
