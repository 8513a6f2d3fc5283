package audit

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/gin-cachette/cachette/audit"
)

const (
	// enough is how often a cause has to be seen before it is named: two runs may differ by chance, or since data has changed between them.
	enough = 3
	// maxTested bounds the suspects that are remembered of a route, and maxCauses those that were seen to be a cause: clients choose names.
	maxTested = 256
	maxCauses = 32
)

// Ledger keeps what audits have seen of each route. Its zero value is ready, and safe for concurrent use.
type Ledger struct {
	mu     sync.Mutex
	routes map[string]*record
}

// record is what was seen of one route.
type record struct {
	audit.Route
	tested map[Suspect]int
	seen   map[Suspect]*cause // that a response depends on it
	looks  uint64             // at runs for the same request
	moved  uint64             // those that differed
	time   cause              // what they differed in
}

// cause is one that was seen.
type cause struct {
	audit.Cause
	named bool // often enough to be told, which it stays
}

// see notes what a cause makes differ.
func (c *cause) see(d *Difference) {
	c.Times++
	c.Differs, c.FirstByte, c.Advice = d.Names, d.FirstByte, c.Advise()
}

// name names a cause that was not named before, if it was seen often enough, and returns it then.
func (c *cause) name(enough bool) *audit.Cause {
	if c.named || !enough {
		return nil
	}
	c.named = true
	told := c.Cause
	return &told
}

// of returns the record of a route. The ledger is locked.
func (l *Ledger) of(route string) *record {
	r := l.routes[route]
	if r == nil {
		r = &record{Route: audit.Route{Pattern: route}, tested: make(map[Suspect]int), seen: make(map[Suspect]*cause), time: cause{Cause: audit.Cause{Kind: audit.Time}}}
		if l.routes == nil {
			l.routes = make(map[string]*record)
		}
		l.routes[route] = r
	}
	return r
}

// with does something with the record of a route.
func (l *Ledger) with(route string, do func(*record)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do(l.of(route))
}

// Rehearsed notes a request of a dry run, and whether it would have been a hit.
func (l *Ledger) Rehearsed(route string, hit bool) {
	l.with(route, func(r *record) {
		if r.DryRun = true; hit {
			r.Hits++
		}
	})
}

// Sampled notes that a hit was compared.
func (l *Ledger) Sampled(route string, differs bool) {
	l.with(route, func(r *record) {
		if r.Samples++; differs {
			r.Differences++
		}
	})
}

// Skipped notes that one was to be compared and was not.
func (l *Ledger) Skipped(route string) { l.with(route, func(r *record) { r.Skipped++ }) }

// Unexplained notes a difference of which nothing of the request is seen to be the cause, unless the route has one that was seen before. It tells
// whether the difference is left unexplained.
func (l *Ledger) Unexplained(route string) (left bool) {
	l.with(route, func(r *record) {
		if left = len(r.seen) == 0; left {
			r.Unexplained++
		}
	})
	return left
}

// Stopped notes that nothing of a route is cached any more.
func (l *Ledger) Stopped(route string) { l.with(route, func(r *record) { r.Route.Stopped = true }) }

// Pick returns the n suspects that were tested least so far on a route, and counts them as tested. It leaves out those that are known causes.
func (l *Ledger) Pick(route string, suspects []Suspect, n int) []Suspect {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.of(route)
	suspects = slices.DeleteFunc(suspects, func(s Suspect) bool { return r.seen[s] != nil && r.seen[s].named })
	rand.Shuffle(len(suspects), func(i, j int) { suspects[i], suspects[j] = suspects[j], suspects[i] })
	slices.SortStableFunc(suspects, func(a, b Suspect) int { return cmp.Compare(r.tested[a], r.tested[b]) })
	picked := suspects[:min(n, len(suspects))]
	for _, s := range picked {
		if _, known := r.tested[s]; !known && len(r.tested) == maxTested {
			clear(r.tested) // else names that clients make up, and are never remembered, would go before those that are
		}
		r.tested[s]++
	}
	return picked
}

// Found notes that a response depends on a suspect, and returns the cause where it is named from now on; else nil. It has to be seen more often, too,
// than that the route answers the same request in two ways.
func (l *Ledger) Found(route string, s Suspect, d *Difference) (named *audit.Cause) {
	l.with(route, func(r *record) {
		c := r.seen[s]
		if c == nil {
			r.makeRoom()
			c = &cause{Cause: audit.Cause{Kind: s.Kind, Name: s.Name}}
			r.seen[s] = c
		}
		c.see(d)
		named = c.name(c.Times >= enough && c.Times > r.moved)
	})
	return named
}

// makeRoom has one that was seen least often go, where there are as many causes as may be: were a new one refused, names that a client makes up would
// keep the real ones from being named.
func (r *record) makeRoom() {
	if len(r.seen) < maxCauses {
		return
	}
	order := func(c *cause) uint64 {
		if c.named {
			return math.MaxUint64
		}
		return c.Times
	}
	var least Suspect
	for s, c := range r.seen { // in no order, so that it is any of those
		if least.Kind == "" || order(c) < order(r.seen[least]) {
			least = s
		}
	}
	delete(r.seen, least)
}

// Looked notes whether two runs for the same request have differed, and returns the cause where that is named from now on; else nil: data that changes
// now and then changes between two runs rarely.
func (l *Ledger) Looked(route string, d *Difference) (named *audit.Cause) {
	l.with(route, func(r *record) {
		if r.looks++; d.None() {
			return
		}
		r.moved++
		r.time.see(d)
		named = r.time.name(r.moved >= enough && 2*r.moved >= r.looks)
	})
	return named
}

// Routes returns what was seen, by route.
func (l *Ledger) Routes() map[string]audit.Route {
	l.mu.Lock()
	defer l.mu.Unlock()
	routes := make(map[string]audit.Route, len(l.routes))
	for pattern, r := range l.routes {
		route := r.Route
		for _, c := range r.seen {
			if c.named {
				route.Causes = append(route.Causes, c.Cause)
			}
		}
		if r.time.named {
			route.Causes = append(route.Causes, r.time.Cause)
		}
		slices.SortFunc(route.Causes, func(a, b audit.Cause) int {
			return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
		})
		routes[pattern] = route
	}
	return routes
}

// Report adds what was seen to what is known of the requests of each route: the keys of hits are their patterns.
func (l *Ledger) Report(requests, hits map[string]uint64) audit.Report {
	routes := l.Routes()
	for pattern, n := range requests {
		route := routes[pattern]
		route.Pattern, route.Requests = pattern, n
		route.Hits += hits[pattern]
		routes[pattern] = route
	}
	var report audit.Report
	for _, pattern := range slices.Sorted(maps.Keys(routes)) {
		report.Routes = append(report.Routes, routes[pattern])
	}
	return report
}
