package serve

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

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
	errors   int          // how many errors the context had when the handler began
	within   Frame        // what routes inside find
	handlers http.Request // what the handlers see

	recording   bool // the recorder is open
	conditioned bool // the handlers' request has other preconditions than the client's
	reported    bool // the header has this exchange's Cache-Status

	outcome  outcome
	made     rfc9111.Exchange // the request and what the handler answered; its Header is not to be used after Decide
	length   []string         // the lines of its Content-Length
	given    bool             // the route has a time to live for its status
	explicit bool             // that, or the response itself says for how long it may be kept
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
	x.ticket = s.store.Begin(x.request.Context(), &x.found, x.path, x.rt.Namespace)
	x.began = x.now
	x.recorder.Open(outer, x.rt.bodyLimit(s), x)
	x.recording = true

	restore := func() {
		c.Writer = outer
		if c.Request == &x.handlers {
			c.Request = x.request
		} else { // the handlers have made one of their own, as with WithContext, for those outside to see
			x.uncondition()
		}
		c.Set(FrameKey{}, x.frame)
	}
	defer func() { // also when the handler panics: Recovery outside then finds its own writer
		restore()
		if x.flight != nil {
			x.flight.Fail()
		}
	}()
	x.enter()
	x.condition()
	c.Request = &x.handlers
	c.Writer = &x.recorder
	c.Next()

	bare := x.recorder.Finish()
	intact := x.inside() && (!bare || !outer.Written())
	restore()
	switch x.outcome {
	case confirmed:
		x.freshen()
	case failed:
		x.standIn()
	case storable:
		if x.recorder.TooLarge() {
			s.counts.TooLarge.Add(1)
		} else if intact && x.endedWell() {
			x.keep(bare)
		}
	}
}

// Release lets those go who wait for this fill: they may not have what it makes, or would have to wait for too long.
func (x *exchange) Release() {
	if x.flight != nil {
		x.flight.Abandon()
	}
}

// enter tells the routes inside of this one what they are inside of.
func (x *exchange) enter() {
	x.within = Frame{Owner: x.frame.Owner, Server: x.s, exchange: x}
	x.c.Set(FrameKey{}, &x.within)
}

// inside tells whether the handlers have left the context as it was when they entered: gin's HandleContext takes away
// its keys and its writer, and what it then writes passes the recorder by.
func (x *exchange) inside() bool {
	frame, _ := x.c.Get(FrameKey{})
	return frame == &x.within
}

// goOn reports that the handlers answer, and lets them.
func (x *exchange) goOn() {
	x.reported = true
	status := x.forwarded()
	response.AddStatus(x.c.Writer.Header(), &status)
	x.enter()
}

// stepAside leaves the caching of this exchange to a route inside, which sees the request as it came.
func (x *exchange) stepAside() {
	x.outcome = aside
	x.Release()
	x.uncondition()
	if x.reported {
		response.DropStatus(x.c.Writer.Header())
	}
}

// validating tells whether the handler can be asked whether what is stored is still good (RFC 9111 §4.3).
func (x *exchange) validating() bool {
	return x.found.Entry != nil && x.found.Entry.Validatable()
}

// preconditions are the fields of a request that condition changes.
var preconditions = [...]string{"If-None-Match", "If-Modified-Since", "Range", "If-Range"}

// condition makes the request that the handlers see: a copy, since they may change its header, by which the cache has
// to decide. To validate, it has the preconditions of what is stored. Else a request for the whole has none: its handler
// is to make a response that can be kept, and the client's own preconditions are evaluated against that. A range
// request has its own.
func (x *exchange) condition() {
	x.handlers = *x.request
	h := ownHeader(x.request)
	x.handlers.Header = h
	switch {
	case x.validating():
		x.conditioned = true
		x.found.Entry.Condition(h)
	case len(h["Range"]) == 0 && !x.asked.NoStore && !x.s.alone.Has(x.found.Key, x.now):
		x.conditioned = true
		delete(h, "If-None-Match")
		delete(h, "If-Modified-Since")
	}
}

// uncondition gives the request that the handlers have left, theirs or one that they have made of it, the client's own
// preconditions back. Whatever else they have changed in it stays, as it would without a cache. It is a copy: they may
// have given theirs to somebody who is still reading it.
func (x *exchange) uncondition() {
	if !x.conditioned {
		return
	}
	x.conditioned = false
	given, own := x.c.Request.Header, x.request.Header
	if !slices.ContainsFunc(preconditions[:], func(name string) bool { return !slices.Equal(given[name], own[name]) }) {
		return
	}
	r := private(x.c.Request)
	for _, name := range preconditions {
		if values, ok := own[name]; ok {
			r.Header[name] = values
		} else {
			delete(r.Header, name)
		}
	}
	x.c.Request = r
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
	changes, header := rec.Changes()
	x.examine(rec.Status(), header)
	stale := x.found.Entry
	switch {
	case x.made.Status == http.StatusNotModified && x.validating():
		x.outcome, x.draft.Fields = confirmed, changes
		return response.Swallow
	case rfc9111.IsServerError(x.made.Status) && stale != nil &&
		stale.Meta.ServableOnError(&x.asked, x.made.ResponseTime) && x.unpurged():
		x.outcome = failed
		return response.Swallow
	}

	x.made.Partial = x.isPart(header)
	policy := x.policy()
	meta, omit, why := rfc9111.Storable(&x.made, &policy)
	if why == rfc9111.Stored {
		why = x.refuse()
	}
	if why == rfc9111.Stored {
		x.draft = response.Draft{Status: x.made.Status, Fields: response.Keep(changes, header, omit), Meta: meta}
		if !x.fits(rec) {
			why = refusedTooLarge
		}
	}
	report := x.forwarded()
	report.Stored = why == rfc9111.Stored
	if !report.Stored && report.Detail == "" {
		report.Detail = string(why)
	}
	mode := response.Pass
	if report.Stored {
		x.outcome = storable
		mode = response.Capture
	}
	if x.clientHas(header) {
		response.StripContent(rec.Header())
		mode = response.NotModified
	}
	response.AddStatus(rec.Header(), &report)
	x.share(report.Stored, why)
	return mode
}

// unpurged tells whether nothing that concerns this fill was purged since it began: what is stored may stand in for it.
func (x *exchange) unpurged() bool {
	return x.s.store.Holds(x.request.Context(), x.ticket, x.path, x.rt.Namespace)
}

// examine notes what there is to know of the handler's response.
func (x *exchange) examine(status int, header http.Header) {
	x.made = rfc9111.Exchange{
		Method: x.request.Method, Request: x.request.Header, Asked: x.asked,
		Status: status, Header: header, RequestTime: x.began, ResponseTime: x.s.clock(),
	}
	x.length = header["Content-Length"]
	_, x.given = x.rt.Policy.StatusTTL[status]
	x.explicit = x.given
	for _, name := range [...]string{"Cache-Control", "Cdn-Cache-Control", "Expires"} {
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

// policy is the route's policy for this request.
func (x *exchange) policy() rfc9111.Policy {
	p := x.rt.Policy
	p.Partitioned = x.part != ""
	return p
}

// Why a response that RFC 9111 lets a cache store is not stored all the same.
const (
	refusedTooLarge rfc9111.Refusal = "too-large"
	refusedAborted  rfc9111.Refusal = "aborted"
	refusedStore    rfc9111.Refusal = "store-unavailable"
)

// refuse applies, once the header is final, what rules out storing besides RFC 9111 and the size.
func (x *exchange) refuse() rfc9111.Refusal {
	switch {
	case x.aborted():
		return refusedAborted
	case !x.ticket.Usable():
		return refusedStore
	}
	return rfc9111.Stored
}

// fits tells whether the response, as far as its length is known by now, is one that the cache and its store take, and has
// the recorder give it up once it turns out that it is not.
func (x *exchange) fits(rec *response.Recorder) bool {
	limit := min(x.rt.bodyLimit(x.s), x.s.store.Room(x.key, &x.draft, x.ticket))
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
// when it fails to render, and as handlers do that leave the answer to a middleware outside; or by aborting with a status
// for which nobody said that it may be kept. AbortWithError with a status for which the route gives a time to live is
// neither.
func (x *exchange) aborted() bool {
	if len(x.c.Errors) > x.errors {
		return !(x.c.IsAborted() && x.recorder.Written() && x.made.Status >= 400 && x.given)
	}
	return x.c.IsAborted() && !x.explicit
}

// share notes whether the responses for this key are ones that requests should wait for.
func (x *exchange) share(stored bool, why rfc9111.Refusal) {
	if stored {
		x.s.alone.Remove(x.found.Key)
		return
	}
	h := x.request.Header
	switch {
	// These are about this request, not about the key.
	case why == rfc9111.RefusedRequest, len(h["Authorization"]) > 0, len(h["Range"]) > 0,
		x.made.Status == http.StatusNotModified:
	case rfc9111.IsServerError(x.made.Status): // it will pass: the next one may do better
		if x.flight != nil {
			x.flight.Fail()
		}
	default:
		x.s.alone.Add(x.found.Key, x.s.clock().Add(aloneFor))
	}
	x.Release()
}

// endedWell tells whether the response is whole: nothing failed, and nobody left early. A client may leave as soon as it
// has as many bytes as it was told to expect, which can be before the handlers return.
func (x *exchange) endedWell() bool {
	if !x.recorder.Complete(x.length) || x.aborted() {
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
	kept := x.putUnder(x.key, e)
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
	x.recorder.Baseline().Restore(x.c.Writer.Header())
	x.now = x.made.ResponseTime
	status := x.forwarded()
	status.Status = http.StatusNotModified

	confirmation := x.recorder.Baseline().Header(x.draft.Fields)
	x.made.Status, x.made.Header = stale.Status, stale.UpdatedHeader(confirmation)
	policy := x.policy()
	meta, omit, why := rfc9111.Storable(&x.made, &policy)
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
	x.replay(x.found.Entry, &status)
}

// head runs the handler of a HEAD request, whose response is not stored: it can freshen what is stored for GET, or show
// that it is out of date (RFC 9111 §4.3.5).
func (x *exchange) head() {
	x.request = private(x.request) // the handlers may change the header of theirs
	x.goOn()
	stale := x.found.Entry
	if stale == nil {
		return // the chain goes on
	}
	baseline := response.TakeBaseline(x.c.Writer.Header())
	x.ticket = x.s.store.Begin(x.request.Context(), &x.found, x.path, x.rt.Namespace)
	x.began = x.s.clock()
	x.c.Next()
	if x.outcome == aside || x.c.Writer.Status() != http.StatusOK || x.request.Context().Err() != nil {
		return
	}
	changes := baseline.Changes(x.c.Writer.Header())
	header := baseline.Header(changes)
	now := x.s.clock()
	if !rfc9111.SameRepresentation(header, stale.Validators(), strconv.Itoa(len(stale.Body)), now) {
		x.s.store.Remove(context.WithoutCancel(x.request.Context()), stale.Key)
		return
	}
	if len(header["Etag"]) == 0 && len(header["Last-Modified"]) == 0 {
		return // nothing that shows it to be the same
	}
	x.made = rfc9111.Exchange{
		Method: http.MethodGet, Request: x.request.Header, Asked: x.asked, Status: stale.Status,
		Header: stale.UpdatedHeader(header), RequestTime: x.began, ResponseTime: now,
	}
	policy := x.policy()
	if meta, omit, why := rfc9111.Storable(&x.made, &policy); why == rfc9111.Stored {
		x.put(stale.Freshen(changes, header, omit, meta))
	}
}
