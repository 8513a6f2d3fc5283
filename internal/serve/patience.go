package serve

import (
	"context"

	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/flight"
	"github.com/gin-cachette/cachette/internal/response"
)

// await has a stale response refreshed, waits for that as long as the route does, and answers with the fresh one, or else with the stale
// one. It tells whether it did: what was purged, or taken back, while the request waited is not there any more.
//
// The handlers run in a request of their own, as for stale-while-revalidate: what runs for one client could not go on without it.
func (x *exchange) await() bool {
	outside, enclosed := response.Governing(x.c.Writer.Header()), response.Enclosed(x.c)
	if !enclosed {
		if _, ok := x.refreshable(); !ok { // what they make for this client is for it alone
			return false
		}
		x.refresh(outside, true)
	}
	late, answered := x.waitFor(x.s.flights.Follow(x.found.Key))
	if answered || x.lookAgain(nil) {
		return true
	}
	e := x.found.Entry
	if e == nil || !e.Meta.ServableLate(&x.asked, x.now) {
		return false
	}
	status := x.words(event.Request{Outcome: event.StaleHit, TTL: e.Meta.Fresh(x.now), Late: late, Saved: e.Meta.Took})
	x.replay(e, &status)
	if enclosed { // only now it is known whether what the handlers make for this client may be stored
		x.refresh(outside, false)
	}
	return true
}

// waitFor waits for a flight as long as the route does, and answers with what it shares. It tells whether it did, and whether the time was
// over before. A nil seat is of a flight that has ended, or that could not begin.
func (x *exchange) waitFor(seat *flight.Seat) (late, answered bool) {
	if seat == nil {
		return false, false
	}
	ctx, cancel := context.WithTimeout(x.request.Context(), x.found.Entry.Meta.Patience)
	defer cancel()
	shared, ending := seat.Wait(ctx)
	x.now = x.s.clock.now()
	switch ending {
	case flight.Left:
		if x.request.Context().Err() != nil {
			x.leave()
			return false, true
		}
		return true, false
	case flight.Leads: // the refresh has failed, or takes very long
		seat.Pass()
	case flight.Shared:
		if entry := x.shared(shared); entry != nil {
			status := x.words(event.Request{Outcome: event.Collapsed, Saved: entry.Meta.Took})
			x.replay(entry, &status)
			return false, true
		}
	}
	return false, false
}
