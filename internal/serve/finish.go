package serve

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Decide is called when the status and header of the handler's response are final, and says what becomes of it.
func (x *exchange) Decide(rec *response.Recorder) response.Mode {
	if x.verdict == aside {
		return response.Pass
	}
	why := x.judge(rec)
	stale := x.found.Entry
	switch {
	case x.made.Status == http.StatusNotModified && x.validating():
		x.verdict = confirmed
		return response.Swallow
	case rfc9111.IsServerError(x.made.Status) && stale != nil &&
		stale.Meta.ServableOnError(&x.asked, x.made.ResponseTime) && x.unpurged():
		x.verdict = failed
		return response.Swallow
	}
	mode := response.Pass
	o := event.Request{Outcome: event.Miss}
	switch {
	case why == rfc9111.Stored:
		x.verdict = storable
		mode = response.Capture
		x.promise(&o)
	default:
		if x.lends(rec, why) {
			x.verdict = lent
			mode = response.Capture
		}
		x.withdraw(why)
		o.Refusal = why
	}
	x.learn(why)
	if x.entire && mode == response.Capture && x.made.Status == http.StatusOK {
		x.altered, _ = rec.Changes()
		mode = response.Withhold
	}
	if x.clientHas(x.made.Header) && !rec.Outer().Written() {
		response.StripContent(rec.Header())
		mode = response.NotModified
	}
	x.vary(rec)
	status := x.words(o)
	response.AddStatus(rec.Header(), &status)
	x.mark.tell(status, x.made.Status)
	x.share(why)
	x.varied = slices.Clone(rec.Header()["Vary"])
	return mode
}

// judge notes what there is to know of the handler's response, drafts an entry of it, and tells why it is not to be stored.
func (x *exchange) judge(rec *response.Recorder) rfc9111.Refusal {
	x.negotiated(rec.Header())
	changes, header := rec.Changes()
	x.examine(rec.Status(), header)
	x.draft.Fields = changes
	x.made.Partial = x.isPart(header)
	meta, omit, why := x.storable()
	if why == rfc9111.Stored {
		x.cookies, x.omit = response.ValuesOf(changes, "Set-Cookie"), omit
		why = x.refuse(rec.Header())
	}
	if why == rfc9111.Stored {
		x.draft = response.Draft{Status: x.made.Status, Fields: response.Keep(changes, header, omit), Meta: meta}
		switch {
		case !x.ticket.Usable():
			why = refusedStore
		case !x.fits(rec):
			why = refusedTooLarge
		}
	}
	return why
}

// lends tells whether a response that is not stored is one for the requests that wait for it all the same: nothing but the store is in the
// way.
func (x *exchange) lends(rec *response.Recorder, why rfc9111.Refusal) bool {
	return why == refusedStore && x.flight != nil && !x.made.Partial && x.fits(rec)
}

// captured tells whether the response is one to keep, or to lend, if it ends well.
func (x *exchange) captured() bool { return x.verdict == storable || x.verdict == lent }

// storable decides whether HTTP, and the route, let the response be stored.
func (x *exchange) storable() (rfc9111.Metadata, []string, rfc9111.Refusal) {
	policy := x.policy()
	meta, omit, why := rfc9111.Storable(&x.made, &policy)
	if meta.Vary = x.mark.also(meta.Vary, x.found.Entry); why == rfc9111.Stored && len(meta.Vary) == 0 &&
		x.mark != nil && x.mark.alone && x.found.Why == rfc9111.ForwardVaryMiss {
		why = rfc9111.RefusedVary // what the pages vary by is set around the engine
	}
	if keyed := x.around.rt.Vary; len(keyed) > 0 && len(meta.Vary) > 0 { // they tell requests apart already
		meta.Vary = slices.DeleteFunc(meta.Vary, func(name string) bool { return slices.Contains(keyed, name) })
	}
	if why == rfc9111.Stored && x.unwanted() {
		why = rfc9111.RefusedNoStore
	}
	if why == rfc9111.Stored && x.parted.Load() {
		why = rfc9111.RefusedPrivate
	}
	return meta, omit, why
}

// Sent is called when the header of a response that is being captured has gone out. Middleware outside may add to it at
// that very moment: a cookie that it sets then forbids storing as any other does, and what it says that the response varies by
// counts.
func (x *exchange) Sent(rec *response.Recorder, header http.Header) {
	if !x.captured() {
		return
	}
	cookies, varied := leaving(header)
	if len(cookies) == 0 && slices.Equal(varied, x.varied) {
		return
	}
	vary, any := rfc9111.VaryFields(http.Header{"Vary": varied})
	switch {
	case any:
		x.unkept = rfc9111.RefusedVary
	case x.forbid(cookies):
		x.unkept = rfc9111.RefusedSetCookie
	default:
		for _, name := range vary {
			if !slices.Contains(x.draft.Meta.Vary, name) && !slices.Contains(x.around.rt.Vary, name) {
				x.draft.Meta.Vary = append(x.draft.Meta.Vary, name)
			}
		}
		slices.Sort(x.draft.Meta.Vary)
		return
	}
	rec.Drop()
	x.verdict = unstored
	x.apart()
}

// unpurged tells whether nothing that concerns what is stored was purged, also not since this fill began: it may stand in for it.
func (x *exchange) unpurged() bool {
	return x.s.entries.Stands(x.request.Context(), x.found.Entry)
}

// examine notes what there is to know of the handler's response. One to HEAD counts as one to GET, whose header it has (RFC 9111
// §4.3.5).
func (x *exchange) examine(status int, header http.Header) {
	method := x.request.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	x.made = rfc9111.Exchange{
		Method: method, Request: x.around.request(x.request.Header), NoStore: x.asked.NoStore,
		Status: status, Header: header, RequestTime: x.began, ResponseTime: x.s.clock.now(),
	}
	x.left = x.context.Err() != nil
	x.length = header["Content-Length"]
	_, x.given = x.around.rt.Policy.StatusTTL[status]
	x.explicit = x.given
	for _, name := range [...]string{"Cache-Control", "Cdn-Cache-Control", "Expires", "Etag", "Last-Modified"} {
		if !x.explicit {
			_, x.explicit = header[name]
		}
	}
}

// clientHas tells whether the client has this very response, by its preconditions, which the handler may not have seen
// (RFC 9110 §13.2).
func (x *exchange) clientHas(header http.Header) bool {
	h := x.request.Header
	if x.made.Status != http.StatusOK || !rfc9111.Conditional(h) || len(h["Range"]) > 0 {
		return false
	}
	validators := rfc9111.ReadValidators(header, x.made.ResponseTime)
	return rfc9111.NotModified(h, &validators, x.made.ResponseTime)
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
	return to.EscapedPath() == own.EscapedPath() && to.RawQuery == own.RawQuery
}

// Why a response that RFC 9111 lets a cache store is not stored all the same.
const (
	refusedTooLarge   rfc9111.Refusal = "too-large"
	refusedAborted    rfc9111.Refusal = "aborted"
	refusedIncomplete rfc9111.Refusal = "incomplete" // it broke off, or something failed after its first bytes
	refusedStore      rfc9111.Refusal = "store-unavailable"
)

// refuse applies, once the header is final, what rules out storing besides RFC 9111 and the size. header is the response's
// as it leaves.
func (x *exchange) refuse(header http.Header) rfc9111.Refusal {
	switch {
	case x.left, x.aborted():
		return refusedAborted
	case x.setOutside(header), x.unlike():
		return rfc9111.RefusedSetCookie
	}
	return rfc9111.Stored
}

// fits tells whether the response, as far as its length is known by now, is one that the cache and its store take, and has
// the recorder give it up once it turns out that it is not.
func (x *exchange) fits(rec *response.Recorder) bool {
	limit := min(x.around.rt.bodyLimit(x.s), x.s.entries.Room(x.target.Key, &x.draft, &x.ticket))
	rec.SetLimit(limit)
	length := int64(rec.Upcoming())
	if len(x.length) == 1 {
		if declared, err := strconv.ParseInt(x.length[0], 10, 64); err == nil {
			length = max(length, declared)
		}
	}
	if length <= limit {
		return true
	}
	x.s.counts.TooLarge.Add(1)
	return false
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

// share notes whether the responses for this key are ones that requests should wait for, and lets those go that wait for one that they
// cannot have.
func (x *exchange) share(why rfc9111.Refusal) {
	h := x.request.Header
	if why.ForOne() { // nor is a page that handlers around this one may make of it for others
		for over := x.around.over; over != nil; over = over.around.over {
			over.parted.Store(true)
		}
	}
	switch {
	case why == rfc9111.Stored && !x.made.Partial, x.verdict == lent:
		x.s.alone.Remove(x.found.Key)
	case x.left, why == refusedStore, rfc9111.IsServerError(x.made.Status): // it will pass: the next one may do better
		x.flight.Fail()
	case why == rfc9111.RefusedRequest, x.around.credentials, len(h["Range"]) > 0 && !x.entire: // these are about this request, not about the key
		x.Forgo()
	case why.ForOne():
		x.apart()
	case why == refusedTooLarge:
		x.Release()
	default:
		x.Forgo()
	}
}

// apart lets the requests go that wait for this fill, and has none wait for the next ones of its key.
func (x *exchange) apart() {
	x.s.alone.Add(x.found.Key, x.s.clock.now().Add(aloneFor))
	x.Release()
}

// endedWell tells whether a response is one to keep now that its handlers are done. If it is not, it notes why: it is not whole, or
// something was said after its header. A client may leave as soon as it has as many bytes as it was told to expect, which can be before
// the handlers return; one that has left earlier is none of the response's doing.
func (x *exchange) endedWell(intact bool) (well bool) {
	switch {
	case x.unwanted():
		x.unkept = rfc9111.RefusedNoStore
	case x.aborted():
		x.unkept = refusedAborted
	case x.parted.Load():
		x.unkept = rfc9111.RefusedPrivate
	case len(x.length) == 0 && x.gone:
	case !intact, !x.recorder.Complete(x.length):
		x.unkept = refusedIncomplete
	default:
		return true
	}
	return false
}
