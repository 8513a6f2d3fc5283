package serve

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/collapse"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/store"
)

// outcome is what became of a fill once its header was final.
type outcome uint8

const (
	unstored  outcome = iota // the client gets it, and nobody else
	storable                 // the client gets it, and it is kept if it ends well
	confirmed                // the handler says that what is stored is still good
	failed                   // the handler failed, and what is stored stands in for it
	aside                    // a route inside does the caching
)

// fillState is the part of an exchange that is about running the handler.
type fillState struct {
	flight   *collapse.Flight[*response.Entry] // nil when nobody follows
	ticket   store.Ticket
	recorder response.Recorder
	began    time.Time
	errors   int           // how many errors the context had when the handler began
	inner    Frame         // what routes inside find
	handlers *http.Request // what the handlers see

	recording   bool   // the recorder is open
	conditioned bool   // the handlers' request has other preconditions than the client's
	reported    bool   // the header has this exchange's Cache-Status
	withdrawn   bool   // the handler takes back what is stored
	keepPosted  func() // keeps the response to a POST, once the POST has invalidated

	header http.Header // of the response, to tell it from others
	parted atomic.Bool // what a route inside answers, and does not share with all who share this response, may have gone into it

	outcome  outcome
	made     rfc9111.Exchange // the request and what the handler answered; its Header is not to be used after Decide
	length   []string         // the lines of its Content-Length
	cookies  []string         // those that the handler has set
	omit     []string         // the fields that may not be stored
	varied   []string         // the lines of its Vary, as it leaves the route
	asking   bool             // the route's function is being asked for a time to live
	given    bool             // the route has a time to live for its status
	explicit bool             // that, or the response itself says for how long it may be kept, or by what to validate it
	span     rfc9111.Range    // the part that it is
	whole    int64            // the length of what it is a part of
	draft    response.Draft
}

// fill runs the handler: its response goes to the client while it is captured, and is kept if it may be and ends well. It
// leads flight, which may be nil.
func (x *exchange) fill(flight *collapse.Flight[*response.Entry]) {
	c, s := x.c, x.s
	outer := c.Writer
	x.flight = flight
	x.errors = len(c.Errors)
	x.ticket = s.store.Begin(x.request.Context(), &x.found, &x.target)
	x.began = x.now
	x.recorder.Open(outer, x.around.rt.bodyLimit(s), x)
	x.recording = true

	restore := func() {
		c.Writer = outer
		x.uncondition(c)
		x.conditioned = false
		c.Set(FrameKey{}, x.frame)
	}
	defer func() { // also when the handler panics: Recovery outside then finds its own writer
		restore()
		if x.flight != nil {
			x.flight.Fail()
		}
	}()
	x.mark.tell(x.forwarded(), 0)
	x.enter()
	x.condition()
	c.Writer = &x.recorder
	x.run(x.handlers)

	bare := x.recorder.Finish()
	intact := x.inside() && (!bare || !outer.Written())
	restore()
	switch x.outcome {
	case confirmed:
		x.freshen()
	case failed:
		x.standIn()
	case storable:
		x.finish(bare, intact)
	}
	if x.withdrawn {
		s.store.Remove(context.WithoutCancel(x.request.Context()), x.found.Entry.Key)
	}
}

// finish keeps a response that may be kept, if it ended well.
func (x *exchange) finish(bare, intact bool) {
	s := x.s
	switch {
	case x.recorder.TooLarge():
		s.counts.TooLarge.Add(1)
		x.withdraw(refusedTooLarge)
	case x.unwanted(): // which was said behind the header
		x.withdraw(rfc9111.RefusedNoStore)
		x.apart()
	case x.aborted():
		s.aborted.Add(x.target.Key, x.made.ResponseTime.Add(abortedFor))
		if len(x.c.Errors) == x.errors {
			x.withdraw(refusedAborted)
			x.apart()
		}
	case intact && x.endedWell():
		s.aborted.Remove(x.target.Key)
		x.keep(bare)
	}
}

// run lets the handlers run on a request of their own, and gives the client's back when they are done. What they have read of
// a form is the client's, since net/http removes its files.
func (x *exchange) run(r *http.Request) {
	x.c.Request = r
	defer func() {
		if x.c.Request == r { // else they have made one of their own, as with WithContext, for those outside to see
			x.c.Request = x.request
		}
		if r.MultipartForm != nil {
			x.request.Form, x.request.PostForm, x.request.MultipartForm = r.Form, r.PostForm, r.MultipartForm
		}
	}()
	x.c.Next()
}

// Release lets those go who wait for this fill: they may not have what it makes, or would have to wait for too long.
func (x *exchange) Release() {
	if x.flight != nil {
		x.flight.Abandon()
	}
}

// enter tells the routes inside of this one what they are inside of.
func (x *exchange) enter() {
	x.inner = Frame{Owner: x.frame.Owner, Server: x.s, exchange: x, entered: x.frame.entered}
	x.c.Set(FrameKey{}, &x.inner)
	x.header = x.c.Writer.Header()
}

// inside tells whether the handlers have left the context as it was when they entered: gin's HandleContext takes away
// its keys and its writer, and what it then writes passes the recorder by.
func (x *exchange) inside() bool {
	frame, _ := x.c.Get(FrameKey{})
	return frame == &x.inner
}

// goOn reports that the handlers answer, and lets them.
func (x *exchange) goOn() {
	x.reported = true
	status := x.forwarded()
	response.AddStatus(x.c.Writer.Header(), &status)
	x.mark.tell(status, 0)
	x.enter()
}

// stepAside leaves the caching of this exchange to a route inside, which sees the request as it came. c is the route's context.
func (x *exchange) stepAside(c *gin.Context) {
	x.outcome = aside
	if x.request.Method == http.MethodGet && x.found.Key != "" { // nor are others to wait for it the next time
		x.s.alone.Add(x.found.Key, x.s.clock().Add(aloneFor))
	}
	x.Release()
	x.uncondition(c)
	if x.reported {
		response.DropStatus(c.Writer.Header())
		x.reported = false
	}
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
func (x *exchange) condition() {
	x.handlers = x.within()
	h := ownHeader(x.request)
	x.handlers.Header = h
	x.conditioned = true
	if x.around.rt.IgnoreAsk { // see lookable
		x.handlers.Body, x.handlers.ContentLength = http.NoBody, 0
		delete(h, "If-Match")
		delete(h, "If-Unmodified-Since")
	}
	switch {
	case x.validating():
		x.found.Entry.Condition(h)
	case len(h["Range"]) == 0 && !x.asked.NoStore && !x.s.alone.Has(x.found.Key, x.now):
		delete(h, "If-None-Match")
		delete(h, "If-Modified-Since")
	}
}

// uncondition gives the request that the handlers have left, theirs or one that they have made of it, the client's own
// preconditions back. Whatever else they have changed in it stays, as it would without a cache. It is a copy: they may
// have given theirs to somebody who is still reading it.
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

// private returns a copy of a request whose header changes for nobody else.
func private(r *http.Request) *http.Request {
	header := ownHeader(r)
	r = r.WithContext(r.Context())
	r.Header = header
	return r
}

// Decide is called when the status and header of the handler's response are final, and says what becomes of it.
func (x *exchange) Decide(rec *response.Recorder) response.Mode {
	if x.outcome == aside {
		return response.Pass
	}
	why := x.judge(rec)
	stale := x.found.Entry
	switch {
	case x.made.Status == http.StatusNotModified && x.validating():
		x.outcome = confirmed
		return response.Swallow
	case rfc9111.IsServerError(x.made.Status) && stale != nil &&
		stale.Meta.ServableOnError(&x.asked, x.made.ResponseTime) && x.unpurged():
		x.outcome = failed
		return response.Swallow
	}
	mode := response.Pass
	report := x.forwarded()
	if why == rfc9111.Stored {
		x.outcome = storable
		mode = response.Capture
		report.Stored = !x.abortsAsARule()
	} else {
		x.withdraw(why)
	}
	if !report.Stored && report.Detail == "" {
		report.Detail = string(why)
		if why == rfc9111.Stored {
			report.Detail = string(refusedAborted)
		}
	}
	if x.clientHas(x.made.Header) {
		response.StripContent(rec.Header())
		mode = response.NotModified
	}
	x.vary(rec)
	response.AddStatus(rec.Header(), &report)
	x.mark.tell(report, x.made.Status)
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
		if !x.fits(rec) {
			why = refusedTooLarge
		}
	}
	return why
}

// storable decides whether HTTP, and the route, let the response be stored.
func (x *exchange) storable() (rfc9111.Metadata, []string, rfc9111.Refusal) {
	policy := x.policy()
	meta, omit, why := rfc9111.Storable(&x.made, &policy)
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
func (x *exchange) Sent(rec *response.Recorder) {
	if x.outcome != storable {
		return
	}
	cookies, varied := leaving(rec.Header())
	if len(cookies) == 0 && slices.Equal(varied, x.varied) {
		return
	}
	vary, any := rfc9111.VaryFields(http.Header{"Vary": varied})
	switch {
	case any:
	case x.forbidden(cookies):
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
	x.outcome = unstored
	x.apart()
}

// unpurged tells whether nothing that concerns this fill was purged since it began: what is stored may stand in for it.
func (x *exchange) unpurged() bool {
	return x.s.store.Holds(x.request.Context(), x.ticket, &x.target)
}

// examine notes what there is to know of the handler's response.
func (x *exchange) examine(status int, header http.Header) {
	x.made = rfc9111.Exchange{
		Method: x.request.Method, Request: x.around.request(x.request.Header), Asked: x.asked,
		Status: status, Header: header, RequestTime: x.began, ResponseTime: x.s.clock(),
	}
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
	if rt.TTLFunc != nil && x.made.Status != http.StatusNotModified && !x.asking {
		x.asking = true // and it stays so when the function panics: that is not to be asked about the answer of a recovery
		p.TTL = x.s.checkedTTL(x.c, rt.TTLFunc(x.c))
		x.asking = false
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
	refusedTooLarge rfc9111.Refusal = "too-large"
	refusedAborted  rfc9111.Refusal = "aborted"
	refusedStore    rfc9111.Refusal = "store-unavailable"
)

// refuse applies, once the header is final, what rules out storing besides RFC 9111 and the size. header is the response's
// as it leaves.
func (x *exchange) refuse(header http.Header) rfc9111.Refusal {
	switch {
	case x.aborted():
		return refusedAborted
	case !x.ticket.Usable():
		return refusedStore
	case x.setOutside(header):
		return rfc9111.RefusedSetCookie
	}
	return rfc9111.Stored
}

// fits tells whether the response, as far as its length is known by now, is one that the cache and its store take, and has
// the recorder give it up once it turns out that it is not.
func (x *exchange) fits(rec *response.Recorder) bool {
	limit := min(x.around.rt.bodyLimit(x.s), x.s.store.Room(x.target.Key, &x.draft, x.ticket))
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

// abortedFor is for how long it is remembered that the chain of a key was aborted behind a complete answer.
const abortedFor = time.Hour

// abortsAsARule tells whether the last response of the key was not kept since its chain was aborted once the header was out. It
// is too late then to say so, and the next one will say it.
func (x *exchange) abortsAsARule() bool { return x.s.aborted.Has(x.target.Key, x.made.ResponseTime) }

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

// share notes whether the responses for this key are ones that requests should wait for.
func (x *exchange) share(why rfc9111.Refusal) {
	if why == rfc9111.Stored {
		x.s.alone.Remove(x.found.Key)
		return
	}
	h := x.request.Header
	switch {
	// These are about this request, not about the key.
	case why == rfc9111.RefusedRequest, x.around.credentials, len(h["Range"]) > 0,
		x.made.Status == http.StatusNotModified:
	case rfc9111.IsServerError(x.made.Status): // it will pass: the next one may do better
		if x.flight != nil {
			x.flight.Fail()
		}
	default:
		x.apart()
		return
	}
	x.Release()
}

// apart lets those go who wait for this fill, and has none wait for the next ones of its key.
func (x *exchange) apart() {
	x.s.alone.Add(x.found.Key, x.s.clock().Add(aloneFor))
	x.Release()
}

// endedWell tells whether the response is whole: nothing failed, and nobody left early. A client may leave as soon as it
// has as many bytes as it was told to expect, which can be before the handlers return.
func (x *exchange) endedWell() bool {
	if !x.recorder.Complete(x.length) || x.unwanted() || x.parted.Load() || x.aborted() {
		return false
	}
	return len(x.length) > 0 || x.request.Context().Err() == nil
}

// keep stores the response that was captured and gives it to those who wait for it.
func (x *exchange) keep(bare bool) {
	if x.made.Partial {
		x.keepPart()
		return
	}
	x.draft.Body, x.draft.Bare = x.recorder.Body(), bare
	x.put(response.New(&x.draft))
}

// put stores an entry and gives it to those who wait for it. It tells whether the entry was stored.
func (x *exchange) put(e *response.Entry) bool {
	kept := x.putUnder(x.target.Key, e)
	if x.flight != nil {
		x.flight.Share(e)
	}
	return kept
}

// putUnder stores an entry under a key, and tells whether it did.
func (x *exchange) putUnder(key string, e *response.Entry) bool {
	kept, err := x.s.store.Put(x.request.Context(), key, e, x.request.Header, x.ticket, x.made.ResponseTime)
	switch {
	case kept:
		x.s.counts.Stored.Add(1)
		if x.mark != nil {
			x.mark.stored.Store(true)
		}
	case errors.Is(err, drivers.ErrTooLarge):
		x.s.counts.TooLarge.Add(1)
	}
	if err != nil {
		x.s.log.Debug("cachette: a response was not stored", "error", err)
	}
	return kept
}

// freshen answers with what is stored, which the handler has confirmed, and stores it anew (RFC 9111 §4.3.4).
func (x *exchange) freshen() {
	stale := x.found.Entry
	h := x.c.Writer.Header()
	x.recorder.Baseline().Restore(h)
	x.now = x.made.ResponseTime
	status := x.forwarded()
	status.Status = http.StatusNotModified

	confirmation := x.recorder.Baseline().Header(x.draft.Fields)
	x.made.Status, x.made.Header = stale.Status, stale.UpdatedHeader(confirmation)
	if x.around.rt.TTLFunc != nil { // it is to see the response, of which a 304 has but a part
		maps.Copy(h, x.made.Header)
		x.c.Writer.WriteHeader(stale.Status)
	}
	meta, omit, why := x.storable()
	x.recorder.Baseline().Restore(h)
	changes := x.draft.Fields
	if why != rfc9111.Stored { // the confirmation takes back that it may be stored: this client is the last to get it
		x.s.store.Remove(context.WithoutCancel(x.request.Context()), stale.Key)
		meta = stale.Meta
	}
	fresh := stale.Freshen(changes, confirmation, omit, meta)
	if why == rfc9111.Stored {
		status.Stored = x.put(fresh)
	} else {
		status.Detail = string(why)
		x.mark.tell(status, status.Status)
	}
	fresh.ReplayOwn(changes, x.c.Writer.Header())
	x.replay(fresh, &status)
}

// standIn answers with what is stored in place of the handler's error (RFC 5861 §4).
func (x *exchange) standIn() {
	x.recorder.Baseline().Restore(x.c.Writer.Header())
	x.now = x.made.ResponseTime
	status := x.forwarded()
	status.Status = x.made.Status
	status.HasTTL, status.TTL = true, x.found.Entry.Meta.Fresh(x.now)
	x.mark.tell(status, status.Status)
	x.replay(x.found.Entry, &status)
}

// head runs the handler of a HEAD request, whose response is not stored: it can freshen what is stored for GET, or show
// that it is out of date (RFC 9111 §4.3.5).
func (x *exchange) head() {
	x.goOn()
	r := x.within()
	r.Header = ownHeader(x.request) // they may change theirs
	stale := x.found.Entry
	if stale == nil {
		x.run(r)
		return
	}
	baseline := response.TakeBaseline(x.c.Writer.Header())
	x.ticket = x.s.store.Begin(x.request.Context(), &x.found, &x.target)
	x.began = x.s.clock()
	x.run(r)
	if x.outcome == aside || x.request.Context().Err() != nil {
		return
	}
	status, why := x.c.Writer.Status(), rfc9111.RefusedStatus
	if x.around.credentials && !x.around.identified() {
		why = rfc9111.RefusedCredentials
	}
	if status != http.StatusOK {
		if rfc9111.Withdraws(status, why) {
			x.s.store.Remove(context.WithoutCancel(x.request.Context()), stale.Key)
		}
		return
	}
	changes := baseline.Changes(x.c.Writer.Header())
	header := baseline.Header(changes)
	now := x.s.clock()
	if !rfc9111.SameRepresentation(header, stale.Validators(), strconv.Itoa(len(stale.Body)), now) {
		x.s.store.Remove(context.WithoutCancel(x.request.Context()), stale.Key)
		return
	}
	x.made = rfc9111.Exchange{
		Method: http.MethodGet, Request: x.around.request(x.request.Header), Asked: x.asked, Status: stale.Status,
		Header: stale.UpdatedHeader(header), RequestTime: x.began, ResponseTime: now,
	}
	meta, omit, why := x.storable()
	switch {
	case rfc9111.Withdraws(stale.Status, why):
		x.s.store.Remove(context.WithoutCancel(x.request.Context()), stale.Key)
	case why == rfc9111.Stored && len(header["Etag"])+len(header["Last-Modified"]) > 0: // which show it to be the same
		x.put(stale.Freshen(changes, header, omit, meta))
	}
}
