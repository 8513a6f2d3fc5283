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
	shared bool
}

// Join returns the flight under way for key, or a new one that the caller leads. A leader must end its flight, with
// Share or Abandon, however its fill ends.
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
func (f *Flight[T]) Share(result T) { f.end(result, true) }

// Abandon ends the flight without a result: who follows goes his own way.
func (f *Flight[T]) Abandon() {
	var none T
	f.end(none, false)
}

func (f *Flight[T]) end(result T, shared bool) {
	f.group.mu.Lock()
	defer f.group.mu.Unlock()
	if f.over {
		return
	}
	f.over, f.result, f.shared = true, result, shared
	delete(f.group.flights, f.key)
	f.group.ended.Add(1)
	if f.done != nil {
		close(f.done)
	}
}

// outcome returns the result of a flight that is over, or the channel that is closed when it is.
func (f *Flight[T]) outcome() (result T, shared bool, wait <-chan struct{}) {
	f.group.mu.Lock()
	defer f.group.mu.Unlock()
	if f.over {
		return f.result, f.shared, nil
	}
	if f.done == nil {
		f.done = make(chan struct{})
	}
	return f.result, false, f.done
}

// Wait waits for the flight to end, for ctx, or for as long as patience lasts. shared is true only when it ended with a
// result; it is for the caller to see whether that suits its own request.
func (f *Flight[T]) Wait(ctx context.Context, patience time.Duration) (result T, shared bool) {
	result, shared, done := f.outcome()
	if done == nil {
		return result, shared
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
		result, shared, _ = f.outcome()
		return result, shared
	case <-ctx.Done():
	case <-timer.C:
	}
	return result, false
}
