package serve

import (
	"net/http"

	"github.com/gin-cachette/cachette/internal/keys"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// A handler's 206 is kept as the part of the whole that it is (RFC 9111 §3.3), the latest one of each key. It answers
// requests for the same range, and for ranges that lie in it, as long as nothing is stored of the whole.

// ranged tells whether a request is one for a range that a stored part may answer.
func (x *exchange) ranged() bool {
	h := x.request.Header
	return x.request.Method == http.MethodGet && len(h["Range"]) == 1 && !rfc9111.Conditional(h) && !x.asked.NoStore
}

// partially answers from a stored part, and tells whether it did.
func (x *exchange) partially() bool {
	if x.found.Entry != nil || x.found.Err != nil || !x.ranged() {
		return false
	}
	part := x.target
	part.Key = keys.Part(part.Key)
	found := x.s.store.Get(x.request.Context(), &part, x.request.Header, x.now)
	e := found.Entry
	if e == nil {
		return false
	}
	if x.passed == nil {
		x.passed = e
	}
	if !x.around.admits(e) || e.Meta.Judge(&x.asked, x.now) != rfc9111.Serve {
		return false
	}
	if !e.ReplayPart(x.c.Writer, x.request, x.now, x.hit(e)) {
		x.found.Why = rfc9111.ForwardPartial
		return false
	}
	x.c.Abort()
	return true
}

// isPart tells whether the handler's response is a part that can be kept, and notes which one.
func (x *exchange) isPart(h http.Header) (ok bool) {
	if x.made.Status != http.StatusPartialContent || !x.ranged() || len(h["Vary"]) > 0 {
		return false
	}
	x.span, x.whole, ok = rfc9111.ReadPart(h)
	return ok
}

// keepPart stores the part that was captured. It counts for the bytes that it has: a body that is shorter than its
// Content-Range is an incomplete part, one that is longer is none at all.
func (x *exchange) keepPart() {
	body := x.recorder.Body()
	if len(body) == 0 || int64(len(body)) > x.span.Length {
		return
	}
	x.draft.Body = body
	e := response.New(&x.draft)
	e.Asked, e.Start, e.Whole = x.request.Header.Get("Range"), x.span.Start, x.whole
	x.putUnder(keys.Part(x.target.Key), e)
}
