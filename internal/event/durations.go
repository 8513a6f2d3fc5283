package event

import (
	"sync/atomic"
	"time"
)

// Bounds are the upper bounds, each included, of all but the last bucket of [Durations]: from a store beside the program to a handler
// that takes ten seconds.
var Bounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 10 * time.Second,
}

// Buckets are how many durations were in each bucket; the last one has those above all bounds.
type Buckets [len(Bounds) + 1]uint64

// Durations counts durations by the buckets of [Bounds]. It is safe for concurrent use.
type Durations struct {
	buckets [len(Bounds) + 1]atomic.Uint64
	sum     atomic.Uint64 // nanoseconds
}

// Add counts a duration.
func (d *Durations) Add(took time.Duration) {
	i := 0
	for i < len(Bounds) && took > Bounds[i] {
		i++
	}
	d.buckets[i].Add(1)
	d.sum.Add(uint64(max(0, took)))
}

// Read returns how many were counted in each bucket, and what they come to together.
func (d *Durations) Read() (buckets Buckets, sum time.Duration) {
	for i := range d.buckets {
		buckets[i] = d.buckets[i].Load()
	}
	return buckets, time.Duration(d.sum.Load())
}
