package serve

import (
	"net/http"
	"strings"

	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// A handler's 206 is kept as the part of the whole that it is (RFC 9111 §3.3), the latest one of each key. It answers
// requests for the same range, and for ranges that lie in it, as long as nothing is stored of the whole.

// ranged tells whether a request is one for a range that a stored part may answer.
func (x *exchange) ranged() bool {
	h := x.request.Header
	return rfc9111.HasRanges(x.request.Method) && len(h["Range"]) == 1 && !rfc9111.Conditional(h) && !x.asked.NoStore
}

// partially answers from a stored part, and tells whether it did.
func (x *exchange) partially() bool {
	if x.found.Entry != nil || x.found.Err != nil || !x.ranged() {
		return false
	}
	part := x.target.Part()
	found := x.s.entries.Get(x.request.Context(), &part, x.now)
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
	if !e.ReplayPart(x.c.Writer, x.request, x.now, x.hit(e), x.labels(e)) {
		x.found.Why = rfc9111.ForwardPartial
		return false
	}
	x.around.lend(x.request, e, x.now)
	x.c.Abort()
	return true
}

// isPart tells whether the handler's response is a part that can be kept, and notes which one.
func (x *exchange) isPart(h http.Header) (ok bool) {
	if x.made.Status != http.StatusPartialContent || !x.ranged() || x.entire || len(h["Vary"]) > 0 {
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
	part := x.target.Part()
	x.putFor(&part, e)
}

// A request for a part of a page of which nothing is stored may have the handlers make the whole, which is stored and shared, and of
// which its own client gets the part (RFC 9110 §14.2). That is done on routes whose handlers take no notice of Range, so that it costs
// nothing: they have answered such a request with the whole, and none with a part or with Accept-Ranges. As long as nothing is known of a
// route, such a request leads with its Range, which tells.

// sizeUnknown stands for the size of a page that is not known.
const sizeUnknown = 1 << 40

// standsForWhole tells whether a request for a part may lead those for the whole.
func (x *exchange) standsForWhole() bool {
	if !x.ranged() {
		return false
	}
	ranges, _ := rfc9111.Ranges(x.request.Header, sizeUnknown)
	plain, known := x.s.lane.seen.Load().plain[place{x.method(), x.c.FullPath()}]
	return len(ranges) > 0 && (plain || !known)
}

// mounts tells whether the handlers of a route may stand for many, which do as they like each, as those of a file server do.
func mounts(pattern string) bool { return pattern == "" || strings.Contains(pattern, "/*") }

// makesWhole tells whether the handlers are to make the whole of it: also what goes out must not be changed by a writer of middleware,
// which would have to see the part, and say what it adds to the header before it is known whether the whole ends well.
func (x *exchange) makesWhole() bool {
	pattern := x.c.FullPath()
	return x.s.lane.seen.Load().plain[place{x.method(), pattern}] && !mounts(pattern) && !response.Wrapped(x.c.Writer)
}
