package serve

import (
	"maps"
	"sync/atomic"

	"github.com/gin-cachette/cachette/internal/event"
)

// tally counts the outcomes of the requests of one route.
type tally struct {
	hits   [slots]slot // of the short way: they are counted by all processors at once
	counts [event.Outcomes]atomic.Uint64
}

// slots is by how many numbers hits are counted, so that processors do not wait for one another's.
const slots = 8

// slot is one of these numbers, alone in what processors share of memory at a time.
type slot struct {
	n atomic.Uint64
	_ [56]byte
}

// nextSlot is what the next room is given.
var nextSlot atomic.Uint32

// tally returns the tally of a route, by its pattern. An engine has few, so the list of them is copied to add one.
func (s *Server) tally(pattern string) *tally {
	for {
		all := s.tallies.Load()
		if all != nil && (*all)[pattern] != nil {
			return (*all)[pattern]
		}
		more := map[string]*tally{pattern: new(tally)}
		if all != nil {
			maps.Copy(more, *all)
		}
		s.tallies.CompareAndSwap(all, &more)
	}
}

// NearHits returns how many requests were answered by near copies.
func (s *Server) NearHits() (n uint64) {
	for i := range s.nearHits {
		n += s.nearHits[i].n.Load()
	}
	return n
}

// count counts the outcome of an exchange that is over, of a client's request.
func (x *exchange) count() {
	if x.outcome == event.Unknown || x.verdict.fate == aside || x.mark != nil {
		return
	}
	pattern := x.pattern
	if pattern == "" { // HandleContext may have changed it since the handlers began
		pattern = x.c.FullPath()
	}
	x.s.tally(pattern).counts[x.outcome].Add(1)
}

// Outcomes is how many requests of a route had an outcome of each kind.
type Outcomes struct {
	Hits, StaleHits, Collapsed, Validated, StaleOnError, Misses, Bypassed, Unsatisfiable uint64
}

// Outcomes returns what was counted so far, by the pattern of the route; it is empty for requests without one.
func (s *Server) Outcomes() map[string]Outcomes {
	routes := make(map[string]Outcomes)
	if all := s.tallies.Load(); all != nil {
		for pattern, t := range *all {
			routes[pattern] = t.outcomes()
		}
	}
	return routes
}

func (t *tally) outcomes() Outcomes {
	of := func(outcome event.Outcome) uint64 { return t.counts[outcome].Load() }
	o := Outcomes{
		Hits: of(event.Hit), StaleHits: of(event.StaleHit), Collapsed: of(event.Collapsed), Validated: of(event.Validated),
		StaleOnError: of(event.StoodIn), Misses: of(event.Miss), Bypassed: of(event.Bypassed), Unsatisfiable: of(event.Unsatisfiable),
	}
	for i := range t.hits {
		o.Hits += t.hits[i].n.Load()
	}
	return o
}
