package serve

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// examine notes what there is to know of the handler's answer, now that its header is final, and drafts an entry of it. One to HEAD counts
// as one to GET, whose header it has (RFC 9111 §4.3.5), and so does one to a request that is answered by its content (RFC 10008 §2.7).
func (x *exchange) examine() *answered {
	rec, h := &x.recorder, x.request.Header
	x.negotiated(rec.Header())
	changes, header := rec.Changes()
	method := x.request.Method
	if x.around.rt.lookable(method) {
		method = http.MethodGet
	}
	x.made = rfc9111.Exchange{
		Method: method, Request: x.around.request(h), NoStore: x.asked.NoStore,
		Status: rec.Status(), Header: header, RequestTime: x.began, ResponseTime: x.s.clock.now(),
	}
	x.length = header["Content-Length"]
	x.declares(header)
	x.made.Partial = x.isPart(header)
	x.draft.Fields = changes
	meta, why := x.storable()
	if why == rfc9111.Stored {
		x.cookies = response.ValuesOf(changes, "Set-Cookie")
		x.draft = response.Draft{Status: x.made.Status, Fields: response.Keep(changes, header, x.omit), Coded: x.coded && x.around.rt.compresses(x.s), Meta: meta}
	}
	x.answer = answered{
		status: x.made.Status, refused: why, facts: x,
		posted: method == http.MethodPost, credentials: x.around.credentials, identified: x.around.identified(),
		ranged: len(h["Range"]) > 0, entire: x.entire, small: x.entire || x.asGet, followed: x.flight != nil,
		neutral: x.asWhole && !x.entire && !x.validating() && len(h["If-Range"]) == 0,
		usable:  x.ticket.Usable(), left: x.context.Err() != nil, aborted: x.aborted() || x.leavesError(), partial: x.made.Partial,
		parts: x.made.Status == http.StatusPartialContent || len(header["Accept-Ranges"]) > 0,
	}
	a := &x.answer
	if e := x.found.Entry; e != nil {
		a.validates, a.foundAs = x.validating(), e.Status
		a.standsIn = e.Meta.ServableOnError(&x.asked, x.made.ResponseTime)
	}
	if e := x.concerned(); e != nil {
		a.found, a.foreign = true, !x.around.admits(e)
	}
	return a
}

// concerned returns what is stored and may be taken back by the answer, or nil.
func (x *exchange) concerned() *response.Entry {
	if x.found.Entry != nil {
		return x.found.Entry
	}
	return x.passed
}

// declares notes whether the answer has anything that shows that it is one to keep.
func (x *exchange) declares(header http.Header) {
	_, x.given = x.around.rt.Policy.StatusTTL[x.made.Status]
	x.explicit = x.given
	for _, name := range [...]string{"Cache-Control", "Cdn-Cache-Control", "Expires", "Etag", "Last-Modified"} {
		if !x.explicit {
			_, x.explicit = header[name]
		}
	}
}

// conclude has the verdict on the answer be what becomes of it now that the handlers are done. ended tells how they ended.
func (x *exchange) conclude(ended ending) {
	a, rec := &x.answer, &x.recorder
	a.bare, a.gone = ended.bare, ended.gone && len(x.length) == 0
	a.tooLarge, a.starved = rec.TooLarge(), rec.Starved()
	a.unwanted, a.parted, a.mistagged = x.unwanted(), x.parted.Load(), x.mistagged()
	a.aborted, a.erred = x.aborted(), len(x.c.Errors) > x.errors
	a.whole = ended.intact && rec.Complete(x.length)
	x.verdict = conclude(x.verdict, a)
	if x.carryOut(); a.starved {
		x.s.counts.Uncaptured.Add(1)
	}
}

// ending is how the handlers of an exchange ended.
type ending struct {
	bare   bool // they have written nothing
	intact bool // they have left the context as it was
	gone   bool // no client was left for which they ran
}

// storable tells why HTTP, or the route, does not let the response be stored, and what there is to know of it where they do.
func (x *exchange) storable() (rfc9111.Metadata, rfc9111.Refusal) {
	policy := x.policy()
	meta, omit, why := rfc9111.Storable(&x.made, &policy)
	if meta.Vary = x.mark.also(meta.Vary, x.found.Entry); why == rfc9111.Stored && len(meta.Vary) == 0 &&
		x.mark != nil && x.mark.alone && x.found.Why == rfc9111.ForwardVaryMiss {
		why = rfc9111.RefusedVary // what the pages vary by is set around the engine
	}
	if keyed := x.around.rt.Vary; len(keyed) > 0 && len(meta.Vary) > 0 { // they tell requests apart already
		meta.Vary = slices.DeleteFunc(meta.Vary, func(name string) bool { return slices.Contains(keyed, name) })
	}
	if x.coded { // the handlers have not seen what the client accepts
		meta.Vary = slices.DeleteFunc(meta.Vary, func(name string) bool { return name == acceptEncoding })
	}
	if why == rfc9111.Stored && x.unwanted() {
		why = rfc9111.RefusedNoStore
	}
	x.groupBy(x.made.Header)
	if why == rfc9111.Stored && x.mistagged() {
		why = refusedTags
	}
	if why == rfc9111.Stored && x.parted.Load() {
		why = rfc9111.RefusedPrivate
	}
	meta.Shorten(policy.Jitter * rand.Float64())
	x.omit = union(omit, x.around.rt.Unkept)
	return meta, why
}

// policy is the route's policy for this request and its response.
func (x *exchange) policy() rfc9111.Policy {
	rt := x.around.rt
	p := rt.Policy
	p.Partitioned = x.around.identified()
	if rt.TTLFunc != nil && x.made.Status != http.StatusNotModified {
		if !x.timed {
			x.timed = true // also when the function panics: that is not to be asked about the answer of a recovery
			x.ttl = x.s.checkedTTL(x.c, rt.TTLFunc(x.c))
		}
		p.TTL = x.ttl
	}
	if x.redirectsToItself() {
		p.TTL, p.StatusTTL, p.Heuristic = 0, nil, false
	}
	return p
}

// checkedTTL returns what a route's own function gives a response to live, if that can be meant.
func (s *Server) checkedTTL(c *gin.Context, ttl time.Duration) time.Duration {
	if ttl > 0 && ttl < time.Millisecond {
		s.tellOnce("ttl", c.FullPath(), "cachette: the function of WithTTLFunc returns less than a millisecond, which is no time to live; "+
			"it is taken for 0: give a time.Duration with its unit, as 60*time.Second", "returned", ttl)
		return 0
	}
	return max(0, ttl)
}

// redirectsToItself tells whether the response sends the client to the URL that it has asked for, with another scheme as a
// rule: behind a proxy that ends TLS, and of which the cache knows nothing, the client that follows asks for the same
// response, and must not be given the redirect again.
func (x *exchange) redirectsToItself() bool {
	location := x.made.Header["Location"]
	if x.made.Status < 300 || x.made.Status > 399 || len(location) != 1 {
		return false
	}
	to, ok := sameOrigin(x.request, location[0])
	if !ok {
		return false
	}
	own := requestedURL(x.request)
	keys := x.around.rt.scheme(x.s)
	return to.EscapedPath() == own.EscapedPath() && keys.Simpler(to.RawQuery) == keys.Simpler(own.RawQuery)
}

// unpurged tells whether nothing that concerns what is stored was purged, also not since this fill began: it may stand in for it.
func (x *exchange) unpurged() bool {
	e := x.s.entries.Left(x.request.Context(), x.found.Entry, x.made.ResponseTime)
	if e == nil || !e.Meta.ServableOnError(&x.asked, x.made.ResponseTime) { // it may have become stale while the handlers ran
		return false
	}
	x.found.Entry = e
	return true
}

// cookieOutside tells whether a cookie was set outside of the route that keeps the response from being stored.
func (x *exchange) cookieOutside() bool { return x.setOutside(x.recorder.Header()) || x.unlike() }

// clientHas tells whether the client has this very response, by its preconditions, which the handler may not have seen, and may yet be told
// so.
func (x *exchange) clientHas() bool {
	h := x.request.Header
	if x.made.Status != http.StatusOK || !rfc9111.Conditional(h) || len(h["Range"]) > 0 || x.recorder.Outer().Written() {
		return false
	}
	validators := rfc9111.ReadValidators(x.made.Header, x.made.ResponseTime)
	return rfc9111.NotModified(h, &validators, x.made.ResponseTime)
}

// fits tells whether the response, as far as its length is known by now, is one that the cache and its store take, and has
// the recorder give it up once it turns out that it is not.
func (x *exchange) fits() bool {
	limit := min(x.around.rt.bodyLimit(x.s), x.s.entries.Room(&x.target, &x.draft, &x.ticket))
	x.recorder.SetLimit(limit)
	length := int64(x.recorder.Upcoming())
	if len(x.length) == 1 {
		if declared, err := strconv.ParseInt(x.length[0], 10, 64); err == nil {
			length = max(length, declared)
		}
	}
	return length <= limit
}

// aborted tells whether the handlers ended in a way that makes their response one not to keep: with an error, as gin does
// when it fails to render, and as handlers do that leave the answer to a middleware outside; or by aborting with a response
// of which nothing shows that it is one to keep: a time to live for its status, freshness of its own, or a validator, as a
// file has that a middleware serves. AbortWithError with a status for which the route gives a time to live is neither.
func (x *exchange) aborted() bool {
	if len(x.c.Errors) > x.errors {
		return !(x.c.IsAborted() && x.recorder.Written() && x.made.Status >= 400 && x.given)
	}
	return x.c.IsAborted() && !x.explicit
}

// leavesError tells whether the handlers leave an error without content to middleware outside, which may turn it into a page of its own.
func (x *exchange) leavesError() bool {
	return x.made.Status >= 400 && !x.recorder.Written() && x.recorder.Wrapped()
}
