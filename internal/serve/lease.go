package serve

import (
	"github.com/gin-cachette/cachette/internal/flight"
	"github.com/gin-cachette/cachette/internal/target"
)

// turn returns the wait for the lease of the fill of a key, by what a route says; nil where there is none.
func (s *Server) turn(rt *Route, key string) *flight.Turn {
	return s.leases.Turn(target.Lease(key), key, rt.Lease)
}

// awaitsLease takes the lease of the fill that the exchange leads, or waits for what that of another process leaves, and tells whether the request was
// answered so. A store that did not answer is not asked for it, nor where the client wants the handler asked.
func (x *exchange) awaitsLease(seat *flight.Seat) (answered bool) {
	if x.found.Err != nil || x.reloads() {
		return false
	}
	for turn := x.s.turn(x.around.rt, x.found.Key); turn != nil; {
		if x.found.Entry == nil && x.passed == nil {
			seat.Board()
		}
		lease, run := turn.Next(x.request.Context())
		switch {
		case x.request.Context().Err() != nil: // another one leads
			lease.End()
			x.leave()
			return true
		case run && lease == nil:
			if turn.Apart() { // so it is for those that wait for this request
				seat.Part()
			}
			return false
		case x.lookAgain(seat): // another process may have filled it between the look-up and the lease
			lease.End()
			return true
		case run:
			x.lease = lease
			return false
		}
	}
	return false
}

// takeLease takes the lease of a refresh, and tells whether it is to run. Where another process has the lease it is not, unless that leaves
// nothing: clients that wait get what it leaves.
func (s *Server) takeLease(mark *refresh, turn *flight.Turn, of target.Target) (run bool) {
	if !mark.awaited {
		lease, held := turn.Take(s.closing)
		mark.lease.Store(lease)
		return !held
	}
	for {
		lease, run := turn.Next(s.closing)
		if run {
			mark.lease.Store(lease)
			return true
		}
		at := s.runs.Add(1)
		if e := s.entries.Get(s.closing, &of, s.clock.now()).Entry; e != nil && e.Meta.Fresh(s.clock.now()) > 0 {
			mark.stored.Store(true)
			mark.flight.Share(&shared{entry: e, run: at})
			return false
		}
	}
}
