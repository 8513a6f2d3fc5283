package serve

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// tally counts what became of the requests of one route.
type tally struct {
	route    string      // its pattern
	hits     [slots]slot // of the short way: they are counted by all processors at once
	counts   [event.Outcomes]atomic.Uint64
	saved    atomic.Int64    // nanoseconds, but for the hits of the short way
	fills    event.Durations // that handlers ran, of what might be stored
	renewals atomic.Uint64   // how many of these were refreshes in the background
	refused  reasons         // why responses were not stored
	bypassed reasons         // why nothing was looked up
}

// reasons counts reasons, of which there are few.
type reasons struct{ counts sync.Map } // *reason, by rfc9111.Refusal

// reason is how often something was the reason, and of which requests it was last.
type reason struct {
	count atomic.Uint64
	last  lastRefused
}

func (r *reasons) add(why rfc9111.Refusal, of Refused) {
	counted, ok := r.counts.Load(why)
	if !ok {
		counted, _ = r.counts.LoadOrStore(why, new(reason))
	}
	counted.(*reason).count.Add(1)
	counted.(*reason).last.add(of)
}

func (r *reasons) read() map[string]uint64 {
	counts := make(map[string]uint64)
	r.counts.Range(func(why, of any) bool {
		counts[string(why.(rfc9111.Refusal))] = of.(*reason).count.Load()
		return true
	})
	return counts
}

// Refusal is a reason why responses of a route were not stored, or nothing was looked up for its requests.
type Refusal struct {
	Route, Reason string
	Bypass        bool // nothing was looked up
	Count         uint64
	Last          time.Time
	Recent        []Refused // the last of them, the latest first
}

// Refusals returns the reasons why responses were not stored, or nothing was looked up, the latest first.
func (s *Server) Refusals() (all []Refusal) {
	tallies := s.tallies.Load()
	if tallies == nil {
		return nil
	}
	for route, t := range *tallies {
		for _, of := range []struct {
			*reasons
			bypass bool
		}{{&t.refused, false}, {&t.bypassed, true}} {
			of.counts.Range(func(why, r any) bool {
				if recent := r.(*reason).last.read(); len(recent) > 0 { // else it is being counted for the first time
					all = append(all, Refusal{
						Route: route, Reason: string(why.(rfc9111.Refusal)), Bypass: of.bypass,
						Count: r.(*reason).count.Load(), Last: recent[0].Time, Recent: recent,
					})
				}
				return true
			})
		}
	}
	slices.SortFunc(all, func(a, b Refusal) int {
		return cmp.Or(b.Last.Compare(a.Last), strings.Compare(a.Route, b.Route), strings.Compare(a.Reason, b.Reason))
	})
	return all
}

// slots is by how many numbers hits are counted, so that processors do not wait for one another's.
const slots = 8

// slot is one of these numbers, alone in what processors share of memory at a time.
type slot struct {
	n     atomic.Uint64
	saved atomic.Int64 // nanoseconds
	_     [48]byte
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
		more := map[string]*tally{pattern: {route: pattern}}
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

// count counts what became of an exchange that is over, and tells the observer.
func (x *exchange) count() {
	if x.happened.Outcome == event.Unknown || x.verdict.fate == aside || x.probe != nil || x.uncounted.Load() {
		return
	}
	pattern := x.pattern
	if pattern == "" { // HandleContext may have changed it since the handlers began
		pattern = x.c.FullPath()
	}
	o := &x.happened
	o.Route, o.Method, o.Background, o.Took = pattern, x.request.Method, x.mark != nil, x.took
	if o.Outcome == event.Miss || o.Outcome == event.Validated { // of others, what Cache-Status says is all that there is
		o.Refusal = x.verdict.refusal
	}
	x.s.tally(pattern).add(o, Refused{x.s.clock.now(), o.Method, x.c.Writer.Status()})
	if observe := x.s.observe; observe != nil {
		observe(x.request.Context(), *o)
	}
}

// add counts what became of a request. A refresh in the background is no client's.
func (t *tally) add(o *event.Request, of Refused) {
	switch o.Outcome {
	case event.Miss, event.Validated, event.StoodIn:
		t.fills.Add(o.Took)
		if o.Refusal != rfc9111.Stored {
			t.refused.add(o.Refusal, of)
		}
	case event.Bypassed:
		if o.Bypass != "" {
			t.bypassed.add(o.Bypass, of)
		}
	}
	if o.Background {
		t.renewals.Add(1)
		return
	}
	t.counts[o.Outcome].Add(1)
	t.saved.Add(int64(o.Saved))
}

// countHit counts a hit of the short way, and tells the observer.
func (s *Server) countHit(c *gin.Context, q *query, t *tally, slot uint32) {
	e := q.found.Entry
	t.hits[slot].n.Add(1)
	t.hits[slot].saved.Add(int64(e.Meta.Took))
	if s.observe != nil {
		s.observe(c.Request.Context(), event.Request{
			Outcome: event.Hit, Route: t.route, Method: c.Request.Method, Near: q.near, Saved: e.Meta.Took, TTL: e.Meta.Fresh(q.now),
		})
	}
}

// Outcomes is how many requests of a route had an outcome of each kind.
type Outcomes struct {
	Hits, StaleHits, Collapsed, Validated, StaleOnError, Misses, Bypassed, Unsatisfiable uint64
}

// RouteCounts is what was counted of a route.
type RouteCounts struct {
	Outcomes
	Refused, Bypasses map[string]uint64 // by reason
	Fills             *event.Durations
	Renewals          uint64
	Saved             time.Duration
}

// Routes returns what was counted so far, by the pattern of the route; it is empty for requests without one.
func (s *Server) Routes() map[string]RouteCounts {
	routes := make(map[string]RouteCounts)
	if all := s.tallies.Load(); all != nil {
		for pattern, t := range *all {
			routes[pattern] = t.read()
		}
	}
	return routes
}

func (t *tally) read() RouteCounts {
	of := func(outcome event.Outcome) uint64 { return t.counts[outcome].Load() }
	r := RouteCounts{
		Outcomes: Outcomes{
			Hits: of(event.Hit), StaleHits: of(event.StaleHit), Collapsed: of(event.Collapsed), Validated: of(event.Validated),
			StaleOnError: of(event.StoodIn), Misses: of(event.Miss), Bypassed: of(event.Bypassed), Unsatisfiable: of(event.Unsatisfiable),
		},
		Refused: t.refused.read(), Bypasses: t.bypassed.read(), Fills: &t.fills, Renewals: t.renewals.Load(),
		Saved: time.Duration(t.saved.Load()),
	}
	for i := range t.hits {
		r.Hits += t.hits[i].n.Load()
		r.Saved += time.Duration(t.hits[i].saved.Load())
	}
	return r
}
