package guard

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/event"
)

// Counts are the numbers of the operations of one kind, by how they ended, and what the breaker does with them.
type Counts struct {
	Done, Missed, TooLarge, TimedOut, Failed, Refused, Canceled, Closed, Unsupported uint64

	Bytes   uint64        // of values and records that were read or written
	Took    time.Duration // that all of them took together
	Buckets event.Buckets // how many took how long, of those that took any time

	State   string    // "closed", "open" or "trying"; of several servers that of the one that is worst off
	RetryAt time.Time // when the next one tries whether the store is back; zero if State is closed
}

// counter counts the operations of one kind.
type counter struct {
	results [event.Results]atomic.Uint64
	bytes   atomic.Uint64
	took    event.Durations
}

// tell counts an event, and tells the observer.
func (s *Store) tell(ctx context.Context, o *event.Operation) {
	c := &s.counters[o.Kind]
	c.results[o.Result].Add(1)
	if o.Bytes > 0 {
		c.bytes.Add(uint64(o.Bytes))
	}
	if o.Took > 0 {
		c.took.Add(o.Took)
	}
	if observe := s.observer.Load(); observe != nil {
		(*observe)(ctx, *o)
	}
}

// Observe has f told of each operation from now on, in the place of whatever was told before; nil for nothing. f is called by the goroutine
// of the operation, with the context of its caller, by several at once, and is not to wait.
func (s *Store) Observe(f func(context.Context, event.Operation)) {
	if f == nil {
		s.observer.Store(nil)
		return
	}
	s.observer.Store(&f)
}

// Counts returns the numbers of one kind of operation.
func (s *Store) Counts(kind event.Kind) Counts {
	c := &s.counters[kind]
	of := func(result event.Result) uint64 { return c.results[result].Load() }
	counts := Counts{
		Done: of(event.Done), Missed: of(event.Missed), TooLarge: of(event.TooLarge), TimedOut: of(event.TimedOut), Failed: of(event.Failed),
		Refused: of(event.Refused), Canceled: of(event.Canceled), Closed: of(event.Closed), Unsupported: of(event.Unsupported),
		Bytes: c.bytes.Load(),
	}
	counts.Buckets, counts.Took = c.took.Read()
	counts.State, counts.RetryAt = s.worst(kind)
	return counts
}

// Failures returns how many operations that the breakers look at have failed or timed out. Those that were not tried do not count.
func (s *Store) Failures() (n uint64) {
	for kind := range event.Kinds {
		if s.alone.of(kind) != nil {
			c := &s.counters[kind]
			n += c.results[event.Failed].Load() + c.results[event.TimedOut].Load()
		}
	}
	return n
}

// Usage returns what the driver holds; zero where it does not tell.
func (s *Store) Usage() drivers.Usage {
	if s.measured == nil {
		return drivers.Usage{}
	}
	return s.measured.Usage()
}

// Hottest returns the entries that the driver would be the last to remove; none where it does not tell.
func (s *Store) Hottest(n int) []drivers.Held {
	if s.measured == nil {
		return nil
	}
	return s.measured.Hottest(n)
}

// Available tells whether operations of each kind are tried, on each server.
func (s *Store) Available() bool {
	for kind := range event.Kinds {
		if s.Counts(kind).State != closed {
			return false
		}
	}
	return true
}
