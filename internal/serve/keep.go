package serve

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

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
		x.forward(r)
		return
	}
	baseline := response.TakeBaseline(x.c.Writer.Header())
	x.ticket = x.s.store.Begin(x.request.Context(), &x.found, &x.target)
	x.began = x.s.clock()
	x.forward(r)
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
