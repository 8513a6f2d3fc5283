// Package figures has what a cache counts as a list, each with its name, so that all that exports it exports the same. Names are those of
// OpenTelemetry; Prometheus has them as OpenTelemetry translates them: a dashboard suits both.
package figures

import (
	"slices"
	"strings"

	"github.com/gin-cachette/cachette"
)

// Kind is what a figure is.
type Kind uint8

// The kinds of figures.
const (
	Counter   Kind = iota // it only grows
	Level                 // it goes up and down, and those of several processes can be added
	State                 // it goes up and down, and a sum of several says nothing
	Histogram             // of durations
)

// Figure is one thing that a cache counts.
type Figure struct {
	Name   string // behind "cachette."; words apart by dots and underscores
	Kind   Kind
	Unit   string // "s", "By", or nothing for what is counted by the piece
	Labels []string
	Help   string
	read   func(*cachette.Stats, func(Sample))
}

// Sample is the value of a figure for one set of its labels.
type Sample struct {
	Labels    []string           // in the order of those of the figure
	Value     float64            // of all but a Histogram
	Durations cachette.Durations // of a Histogram
}

// Read goes through the values of a figure in stats, whose routes are already few: see [Routes].
func (f *Figure) Read(stats *cachette.Stats, each func(Sample)) { f.read(stats, each) }

// OTel returns the name that OpenTelemetry has for it.
func (f *Figure) OTel() string { return "cachette." + f.Name }

// Prometheus returns the name that Prometheus has for it.
func (f *Figure) Prometheus() string {
	name := "cachette_" + strings.ReplaceAll(f.Name, ".", "_")
	switch f.Unit {
	case "s":
		name += "_seconds"
	case "By":
		name += "_bytes"
	}
	if f.Kind == Counter {
		name += "_total"
	}
	return name
}

// Bounds returns the upper bounds of the buckets of histograms, in seconds.
func Bounds() (seconds []float64) {
	for _, bound := range cachette.DurationBounds() {
		seconds = append(seconds, bound.Seconds())
	}
	return seconds
}

// All returns all figures.
func All() []Figure { return slices.Concat(ofRequests, ofResponses, ofCodings, ofStore, ofMemory) }

// plain reads one number that has no labels.
func plain[N int | int64 | uint64](of func(*cachette.Stats) N) func(*cachette.Stats, func(Sample)) {
	return func(s *cachette.Stats, each func(Sample)) { each(Sample{Value: float64(of(s))}) }
}

// byRoute reads what each route has.
func byRoute(of func(route string, r *cachette.RouteStats, each func(Sample))) func(*cachette.Stats, func(Sample)) {
	return func(s *cachette.Stats, each func(Sample)) {
		for route, r := range s.Routes {
			of(route, &r, each)
		}
	}
}

// byReason reads what each route has by reason.
func byReason(of func(*cachette.RouteStats) map[string]uint64) func(*cachette.Stats, func(Sample)) {
	return byRoute(func(route string, r *cachette.RouteStats, each func(Sample)) {
		for reason, n := range of(r) {
			each(Sample{Labels: []string{route, reason}, Value: float64(n)})
		}
	})
}

// byOperation reads what each kind of operation on the store has.
func byOperation(of func(kind string, o *cachette.OperationStats, each func(Sample))) func(*cachette.Stats, func(Sample)) {
	return func(s *cachette.Stats, each func(Sample)) {
		for kind, o := range s.Store.All() {
			of(kind, o, each)
		}
	}
}

// byCoding reads what each content coding has that the program links.
func byCoding(of func(cachette.CodingStats) uint64) func(*cachette.Stats, func(Sample)) {
	return func(s *cachette.Stats, each func(Sample)) {
		for coding, c := range s.Codings {
			each(Sample{Labels: []string{coding}, Value: float64(of(c))})
		}
	}
}

// byTier reads what each place in memory has; one that there is not has no limit, and no figures.
func byTier(of func(cachette.MemoryStats) float64) func(*cachette.Stats, func(Sample)) {
	return func(s *cachette.Stats, each func(Sample)) {
		for _, tier := range []struct {
			name string
			held cachette.MemoryStats
		}{{"store", s.Memory}, {"near", s.Near}, {"forms", s.Forms}} {
			if tier.held.Limit != 0 {
				each(Sample{Labels: []string{tier.name}, Value: of(tier.held)})
			}
		}
	}
}
