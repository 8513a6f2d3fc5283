// Package once makes what a driver needs before its first operation and cannot have at once, such as a table, indexes, or
// a client whose servers are not known yet.
package once

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Value is made when it is first asked for, and again after a failure. One attempt runs at a time, on a goroutine of its own,
// since it may take longer than an operation may.
type Value[T any] struct {
	make    func(ctx context.Context) (*T, error)
	life    context.Context // of all attempts
	timeout time.Duration   // of one attempt
	pause   func(error) time.Duration

	ready atomic.Pointer[T]

	mu      sync.Mutex
	running chan struct{} // closed when the attempt under way is over; nil when none is
	retryAt time.Time
	err     error // what became of the last attempt
}

// New returns a value that make makes. An attempt ends with life, and after timeout. pause tells how long after a failure
// the next attempt begins at the earliest.
func New[T any](life context.Context, timeout time.Duration, pause func(error) time.Duration, make func(ctx context.Context) (*T, error)) *Value[T] {
	return &Value[T]{make: make, life: life, timeout: timeout, pause: pause}
}

// Ready returns the value, or nil while there is none.
func (v *Value[T]) Ready() *T { return v.ready.Load() }

// Begin starts an attempt if there is no value and one is due. It returns what is closed when the attempt under way is over, or
// nil when there is none.
func (v *Value[T]) Begin() <-chan struct{} {
	if v.ready.Load() != nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.running == nil && v.ready.Load() == nil && !time.Now().Before(v.retryAt) {
		v.running = make(chan struct{})
		go v.attempt()
	}
	return v.running
}

// Get returns the value. It waits for the attempt under way, or starts one, and returns that one's error, or the last one's
// where none is due yet. It returns ctx's when that ends before.
func (v *Value[T]) Get(ctx context.Context) (*T, error) {
	for {
		if running := v.Begin(); running != nil {
			select {
			case <-running:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		if ready := v.ready.Load(); ready != nil {
			return ready, nil
		}
		if err := v.Outcome(); err != nil {
			return nil, err
		}
		// It was forgotten at once.
	}
}

// Wait waits until no attempt is under way, and returns ctx's error when that ends before.
func (v *Value[T]) Wait(ctx context.Context) error {
	v.mu.Lock()
	running := v.running
	v.mu.Unlock()
	if running == nil {
		return nil
	}
	select {
	case <-running:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Outcome returns what became of the last attempt.
func (v *Value[T]) Outcome() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}

// Forget has the value made again when it is next asked for, if it is still known.
func (v *Value[T]) Forget(known *T) { v.ready.CompareAndSwap(known, nil) }

func (v *Value[T]) attempt() {
	ctx, cancel := context.WithTimeout(v.life, v.timeout)
	defer cancel()
	made, err := v.make(ctx)

	v.mu.Lock()
	defer v.mu.Unlock()
	v.err = err
	if err == nil {
		v.ready.Store(made)
	} else {
		v.retryAt = time.Now().Add(v.pause(err))
	}
	close(v.running)
	v.running = nil
}
