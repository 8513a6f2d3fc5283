package serve

import (
	"github.com/gin-cachette/cachette/internal/flight"
	"github.com/gin-cachette/cachette/internal/target"
)

// turn returns the wait for the lease of the fill of a key, by what a route says; nil where there is none.
func (s *Server) turn(rt *Route, key string) *flight.Turn {
	life := s.lease
	if rt.Lease.Said {
		life = rt.Lease.For
	}
	return s.leases.Turn(target.Lease(key), life)
}

// awaitsLease takes the lease of the fill that the exchange leads, or waits for what that of another process leaves, and tells whether the request was
// answered so. A store that did not answer is not asked for it, nor where the client wants the handler asked.
func (x *exchange) awaitsLease(seat *flight.Seat) (answered bool) {
	if x.found.Err != nil || x.reloads() {
		return false
	}
	for turn := x.s.turn(x.around.rt, x.found.Key); turn != nil; {
		lease, run := turn.Next(x.request.Context())
		switch {
		case x.request.Context().Err() != nil: // another one leads
			lease.End()
			x.leave()
			return true
		case run && lease == nil:
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
