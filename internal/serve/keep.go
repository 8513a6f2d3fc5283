package serve

import (
	"errors"
	"maps"
	"net/http"
	"strconv"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

// keep stores the response that was captured and gives it to the requests that wait for it.
func (x *exchange) keep(bare bool) {
	if x.made.Partial {
		x.keepPart()
		return
	}
	x.draft.Body, x.draft.Bare = x.recorder.Body(), bare
	e := response.New(&x.draft)
	x.page = e
	if x.verdict == lent {
		x.lend(e)
		return
	}
	x.put(e)
}

// loan is a response that the store has not taken. That nothing was purged since its handler ran cannot be asked of the store, so it is
// only for requests that came before that.
type loan struct {
	entry *response.Entry
	run   uint64
}

// lend gives a response that the store does not take to the requests that wait for it.
func (x *exchange) lend(e *response.Entry) {
	e.Key, e.Variant = x.target.Key, rfc9111.VariantKey(e.Meta.Vary, x.request.Header)
	x.flight.Share(&loan{e, x.serial})
}

// put stores an entry, or has it wait for the store, and gives it to the requests that wait for it. It tells whether it did. One that turns out to be
// too large, or to have had its time, ends what it would have replaced. A store that does not answer is not asked once more.
func (x *exchange) put(e *response.Entry) bool {
	kept, err := x.putFor(&x.target, e)
	switch {
	case kept:
	case err == nil, errors.Is(err, drivers.ErrTooLarge):
		x.withdraw(refusedTooLarge)
	case x.verdict == storable:
		x.lend(e)
	}
	x.flight.Share(e)
	x.flight = nil // what is left to do is for its own client alone
	return kept
}

// putFor stores an entry for a target, or has it wait for the store, and tells whether it did: not one that is older than what is stored
// by now, nor one of which the time is over, since its client took long.
func (x *exchange) putFor(t *target.Target, e *response.Entry) (kept bool, err error) {
	x.unlessLate(x.stampOf(e, rfc9111.VariantKey(e.Meta.Vary, x.request.Header)), func() {
		x.keepPromise()
		kept, err = x.s.entries.Put(t, e, &x.ticket, x.s.clock.now(), x.written())
	})
	switch {
	case kept:
		x.kept = true
		if x.s.entries.Local() {
			x.s.counts.Stored.Add(1)
		}
		if x.mark != nil {
			x.mark.stored.Store(true)
		}
	case errors.Is(err, drivers.ErrTooLarge):
		x.unkept = refusedTooLarge
		x.s.counts.TooLarge.Add(1)
	case errors.Is(err, entries.ErrFull):
		x.s.counts.Dropped.Add(1)
	}
	if err != nil {
		x.s.log.Debug("cachette: a response was not stored", "error", err)
	}
	return kept, err
}

// written returns what is told, where an entry waits for the store, what became of it. The exchange is over by then. It is nil for live
// objects, which do not wait.
func (x *exchange) written() func(error) {
	if x.s.entries.Local() {
		return nil
	}
	s, mark, promised, until := x.s, x.mark, "", x.made.ResponseTime.Add(rememberedFor)
	if x.promised {
		promised = x.promisedAs
	}
	return func(err error) {
		switch {
		case err == nil:
			s.counts.Stored.Add(1)
		case errors.Is(err, entries.ErrMoot):
		case errors.Is(err, drivers.ErrTooLarge):
			s.counts.TooLarge.Add(1)
			s.breakPromise(promised, until)
		default:
			s.counts.Dropped.Add(1)
		}
		mark.settle(s, err)
		if err != nil && !errors.Is(err, entries.ErrMoot) {
			s.log.Debug("cachette: a response was not stored", "error", err)
		}
	}
}

// freshen answers with what is stored, which the handler has confirmed, and stores it anew (RFC 9111 §4.3.4).
func (x *exchange) freshen() {
	stale := x.found.Entry
	h := x.c.Writer.Header()
	x.recorder.Baseline().Restore(h)
	x.now = x.made.ResponseTime
	o := event.Request{Outcome: event.Validated, Answered: http.StatusNotModified}

	confirmation := x.recorder.Baseline().Header(x.draft.Fields)
	x.made.Status, x.made.Header = stale.Status, stale.UpdatedHeader(confirmation)
	if x.around.rt.TTLFunc != nil { // it is to see the response, of which a 304 has but a part
		maps.Copy(h, x.made.Header.Clone()) // which the function may change
		x.c.Writer.WriteHeader(stale.Status)
	}
	meta, omit, why := x.storable()
	x.recorder.Baseline().Restore(h)
	changes := x.draft.Fields
	if why != rfc9111.Stored { // the confirmation takes back that it may be stored: this client is the last to get it
		x.remove(stale)
		meta = stale.Meta
	}
	fresh := stale.Freshen(changes, confirmation, omit, meta)
	if why == rfc9111.Stored {
		o.Stored = x.put(fresh)
	} else {
		o.Refusal = why
		x.mark.tell(x.words(o), o.Answered)
		x.share(why) // before this client is written to, which may take it long
	}
	fresh.ReplayOwn(changes, x.c.Writer.Header())
	status := x.words(o)
	x.replay(fresh, &status)
}

// standIn answers with what is stored in place of the handler's error (RFC 5861 §4).
func (x *exchange) standIn() {
	x.recorder.Baseline().Restore(x.c.Writer.Header())
	x.now = x.made.ResponseTime
	x.flight.Fail() // before this client is written to, which may take it long
	status := x.words(event.Request{Outcome: event.StoodIn, Answered: x.made.Status, TTL: x.found.Entry.Meta.Fresh(x.now)})
	x.mark.tell(status, status.Status)
	x.replay(x.found.Entry, &status)
}

// head runs the handler of a HEAD request, whose response is not stored: it can freshen what is stored for GET, or show
// that it is out of date (RFC 9111 §4.3.5).
func (x *exchange) head() {
	x.judged = new(judged)
	x.enterTrack()
	defer x.leaveTrack()
	x.begin()
	x.goOn()
	if x.found.Entry == nil && x.passed == nil {
		x.forward(guise{own: true})
		return
	}
	c, outer := x.c, x.c.Writer
	x.errors = len(c.Errors)
	x.began = x.s.clock.now()
	x.recorder.Open(outer, 0, headed{x}, nil)
	x.recording = true
	defer func() { c.Writer = outer }()
	c.Writer = &x.recorder
	x.run(guise{own: true})
	x.recorder.Finish()
	intact := x.inside()
	c.Writer = outer
	if x.verdict != aside && intact && !x.left && x.request.Context().Err() == nil {
		x.compare()
	}
}

// headed is an exchange whose response to HEAD may say something of what is stored.
type headed struct{ *exchange }

// Decide judges the header of the response to a HEAD as that of one to a GET, before middleware outside adds to it.
func (x headed) Decide(rec *response.Recorder) response.Mode {
	if x.verdict != aside {
		x.refused = x.judge(rec)
		x.draft.Fields, _ = rec.Changes()
		x.cookies = response.ValuesOf(x.draft.Fields, "Set-Cookie")
		x.vary(rec)
	}
	return response.Pass
}

// compare looks what the response to a HEAD says of what is stored: that it is as it was, or out of date.
func (x *exchange) compare() {
	stale := x.found.Entry
	if stale == nil {
		x.withdraw(rfc9111.RefusedCredentials)
		return
	}
	header, status := x.recorder.Baseline().Header(x.draft.Fields), x.made.Status
	why := x.refusedHead(header)
	outdated := rfc9111.Withdraws(status, why)
	if status == http.StatusOK && why != rfc9111.RefusedCredentials { // whose page may be another one, which says nothing of this one
		outdated = outdated || !rfc9111.SameRepresentation(header, stale.Validators(), strconv.Itoa(len(stale.Body)), x.made.ResponseTime)
	}
	if status == http.StatusOK && !outdated {
		x.made.Status, x.made.Header = stale.Status, stale.UpdatedHeader(header)
		meta, omit, why := x.storable()
		outdated = rfc9111.Withdraws(stale.Status, why)
		if why == rfc9111.Stored && !x.aborted() && len(header["Etag"])+len(header["Last-Modified"]) > 0 { // which show it to be the same
			x.put(stale.Freshen(x.draft.Fields, header, omit, meta))
		}
	}
	if outdated {
		x.remove(stale)
	}
}

// refusedHead returns why a GET with the header that a HEAD was answered with would not be stored. A HEAD that just says nothing of
// its freshness leaves that of what is stored as it is.
func (x *exchange) refusedHead(header http.Header) rfc9111.Refusal {
	switch {
	case x.around.credentials && !x.around.identified() && x.made.Status != http.StatusOK:
		return rfc9111.RefusedCredentials
	case x.made.Status != http.StatusOK:
		return rfc9111.RefusedStatus
	case x.refused == rfc9111.RefusedStale && x.around.rt.TTLFunc == nil && !rfc9111.Declares(header):
		return rfc9111.Stored
	case x.refused == rfc9111.Stored && x.aborted() && len(x.c.Errors) == x.errors: // behind its header
		return refusedAborted
	}
	return x.refused
}
