package figures

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gin-cachette/cachette"
)

// MostRoutes is of how many routes figures are told apart, unless it is set.
const MostRoutes = 200

// mostServers is of how many servers states are told apart.
const mostServers = 100

const (
	none  = "none"  // what stands for no route: patterns begin with a slash
	other = "other" // what stands for the routes, or servers, beyond the bound
)

// Routes keeps the labels of routes few: the first to come have their own, for as long as it lives, and the others one together. So a
// route has one label for ever, and no counter goes down. It is safe for concurrent use.
type Routes struct {
	most int

	mu     sync.Mutex
	labels map[string]string
}

// NewRoutes returns one that tells so many routes apart.
func NewRoutes(most int) *Routes { return &Routes{most: most, labels: make(map[string]string)} }

// Label returns the label of a route.
func (r *Routes) Label(route string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.label(route)
}

func (r *Routes) label(route string) string {
	if label, ok := r.labels[route]; ok {
		return label
	}
	if len(r.labels) >= r.most {
		return other
	}
	label := valid(route)
	if label == "" {
		label = none
	}
	r.labels[route] = label
	return label
}

// Few returns stats whose routes are by their labels, those of one label summed.
func (r *Routes) Few(stats cachette.Stats) cachette.Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	few := make(map[string]cachette.RouteStats)
	for _, route := range slices.Sorted(maps.Keys(stats.Routes)) {
		label := r.label(route)
		sum, ok := few[label]
		if !ok {
			few[label] = stats.Routes[route]
			continue
		}
		add(&sum, stats.Routes[route])
		few[label] = sum
	}
	stats.Routes = few
	return stats
}

// add adds what one route has to a sum, whose maps are its own.
func add(sum *cachette.RouteStats, r cachette.RouteStats) {
	sum.Hits += r.Hits
	sum.StaleHits += r.StaleHits
	sum.Collapsed += r.Collapsed
	sum.Validated += r.Validated
	sum.StaleOnError += r.StaleOnError
	sum.Misses += r.Misses
	sum.Bypassed += r.Bypassed
	sum.Unsatisfiable += r.Unsatisfiable
	sum.Refreshes += r.Refreshes
	sum.Saved += r.Saved
	sum.Fills.Count += r.Fills.Count
	sum.Fills.Sum += r.Fills.Sum
	for i, n := range r.Fills.Buckets {
		sum.Fills.Buckets[i] += n
	}
	for reason, n := range r.Refused {
		sum.Refused[reason] += n
	}
	for reason, n := range r.Bypasses {
		sum.Bypasses[reason] += n
	}
}

// fewServers returns the servers by their labels; those beyond the bound have one together, with the worst of their states.
func fewServers(servers map[string]cachette.ServerStats) map[string]cachette.ServerStats {
	few := make(map[string]cachette.ServerStats)
	for _, server := range slices.Sorted(maps.Keys(servers)) {
		label, states := valid(server), servers[server]
		if len(few) >= mostServers {
			label = other
		}
		if all, ok := few[label]; ok {
			states.Reads, states.Writes, states.Removals = worse(states.Reads, all.Reads), worse(states.Writes, all.Writes), worse(states.Removals, all.Removals)
		}
		few[label] = states
	}
	return few
}

func worse(a, b string) string {
	if state(a) > state(b) {
		return a
	}
	return b
}

// valid returns text as labels have it: UTF-8.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// Cumulative returns how many durations took at most as long as each bound, in seconds, as Prometheus counts them.
func Cumulative(d cachette.Durations) map[float64]uint64 {
	buckets, n := make(map[float64]uint64), uint64(0)
	for i, bound := range Bounds() {
		n += d.Buckets[i]
		buckets[bound] = n
	}
	return buckets
}
