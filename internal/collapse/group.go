// Package collapse lets concurrent misses of one key wait for one fill (RFC 9111 §4: collapsing requests).
//
// The first to ask leads, and everybody who comes before it is done may follow. The leader says when its response turns
// out to be one that others may not have, and they go their own way at once; nobody ever waits for longer than he wants
// to, and what happens to one of them, a panic or a disconnect, happens to no other.
package collapse

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Group collapses the fills of a cache. The zero Group is ready; it is safe for concurrent use.
type Group[T any] struct {
	mu      sync.Mutex
	flights map[string]*Flight[T]
	ended   atomic.Uint64
}

// Ended returns how many flights have ended. Who reads it before he looks for a result, and then comes to lead a flight,
// knows by its not having changed that no flight has left a result in between.
func (g *Group[T]) Ended() uint64 { return g.ended.Load() }

// Flight is one fill that others may follow.
type Flight[T any] struct {
	group *Group[T]
	key   string

	// Under the group's lock.
	over   bool
	done   chan struct{} // closed when it is over; made by the first who waits
	result T
	ending Ending
}

// Ending is how a flight ended for one who waited for it.
type Ending uint8

const (
	// TooLong is for one who did not wait for the end.
	TooLong Ending = iota
	// Shared says that there is a result. It is for the caller to see whether it suits his own request.
	Shared
	// Apart says that there is a result that others may not have: each goes his own way.
	Apart
	// Failed says that there is no result, for a reason that need not hold for the next who tries: one of those who
	// waited may lead, and the others follow.
	Failed
)

// Join returns the flight under way for key, or a new one that the caller leads. A leader must end its flight, however
// its fill ends.
func (g *Group[T]) Join(key string) (f *Flight[T], leads bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f, ok := g.flights[key]; ok {
		return f, false
	}
	f = &Flight[T]{group: g, key: key}
	if g.flights == nil {
		g.flights = make(map[string]*Flight[T])
	}
	g.flights[key] = f
	return f, true
}

// Share ends the flight with a result for all who follow. Only the first ending of a flight counts.
func (f *Flight[T]) Share(result T) { f.end(result, Shared) }

// Abandon ends the flight without a result for others: who follows goes his own way.
func (f *Flight[T]) Abandon() {
	var none T
	f.end(none, Apart)
}

// Fail ends the flight without a result: one of those who follow may try again.
func (f *Flight[T]) Fail() {
	var none T
	f.end(none, Failed)
}

func (f *Flight[T]) end(result T, ending Ending) {
	f.group.mu.Lock()
	defer f.group.mu.Unlock()
	if f.over {
		return
	}
	f.over, f.result, f.ending = true, result, ending
	delete(f.group.flights, f.key)
	f.group.ended.Add(1)
	if f.done != nil {
		close(f.done)
	}
}

// outcome returns the result of a flight that is over, or the channel that is closed when it is.
func (f *Flight[T]) outcome() (result T, ending Ending, wait <-chan struct{}) {
	f.group.mu.Lock()
	defer f.group.mu.Unlock()
	if f.over {
		return f.result, f.ending, nil
	}
	if f.done == nil {
		f.done = make(chan struct{})
	}
	return f.result, TooLong, f.done
}

// Wait waits for the flight to end, for ctx, or for as long as patience lasts, and returns how it ended. There is a
// result with Shared only.
func (f *Flight[T]) Wait(ctx context.Context, patience time.Duration) (result T, ending Ending) {
	result, ending, done := f.outcome()
	if done == nil {
		return result, ending
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
		result, ending, _ = f.outcome()
		return result, ending
	case <-ctx.Done():
	case <-timer.C:
	}
	return result, TooLong
}
