package bench

import (
	"cmp"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"testing"
	"time"
)

// turnTime is how long a turn of a match takes at least: long enough for the clock, short beside what else the machine does.
const turnTime = time.Millisecond

// heapOfService is the percentage for the collector at which it runs as seldom as in a service, whose heap is some tens of
// megabytes: that of a benchmark is so small that it would run all the time, in the turn of whoever is on.
const heapOfService = 1600

// A round is what two turns of each side took.
type round struct{ ours, raw time.Duration }

func (r round) ratio() float64 { return float64(r.ours) / float64(r.raw) }

// duel measures what one function does beside what another does for the same, such as a codec and the bare library, on one
// goroutine.
func duel(b *testing.B, ours, raw func() error) {
	b.Helper()
	match(b, repeating(b, ours), repeating(b, raw))
}

// A side of a match does what is compared n times, and returns how long that took.
type side func(n int) time.Duration

// match measures two sides in short turns, back and forth. It reports how often a second each was done in the round whose
// ratio is the median. An operation of the benchmark is a round.
func match(b *testing.B, ours, raw side) {
	b.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(heapOfService))
	n := perTurn(ours, raw)
	var rounds []round
	for b.Loop() {
		var r round
		turns := [2]func(){
			func() { r.ours += ours(n) },
			func() { r.raw += raw(n) },
		}
		first := rand.IntN(2) // or the collector, which comes after so many operations, might always come to the same side
		for _, turn := range [4]int{first, 1 - first, 1 - first, first} {
			turns[turn]()
		}
		rounds = append(rounds, r)
	}
	slices.SortFunc(rounds, func(a, b round) int { return cmp.Compare(a.ratio(), b.ratio()) })
	middle := rounds[len(rounds)/2]
	b.ReportMetric(float64(2*n)/middle.ours.Seconds(), "cachette/s")
	b.ReportMetric(float64(2*n)/middle.raw.Seconds(), "raw/s")
	b.ReportMetric(0, "ns/op") // it says nothing
}

// perTurn warms both sides up, and returns how often each is to be done in a turn.
func perTurn(sides ...side) int {
	for n := 1; ; n *= 2 {
		quickest := turnTime
		for _, side := range sides {
			quickest = min(quickest, side(n))
		}
		if quickest >= turnTime {
			return n
		}
	}
}

// repeating is the side of one goroutine.
func repeating(b *testing.B, do func() error) side {
	return func(n int) time.Duration {
		b.Helper()
		start := time.Now()
		for range n {
			if err := do(); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(start)
	}
}
