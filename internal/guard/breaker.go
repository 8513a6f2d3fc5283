package guard

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/event"
)

// A store that failed this often in a row is left alone for a while; then one operation tries whether it is back. Each time that it is
// not, the next while is longer.
const (
	failuresInARow = 3
	firstPause     = time.Second
	longestPause   = 4 * time.Second
)

// breaker keeps operations from waiting, one after the other, for a store that is dead.
type breaker struct {
	log  *slog.Logger
	what string // the kind of operation

	failures atomic.Int64 // in a row; written under mu

	mu      sync.Mutex
	pause   time.Duration
	retryAt time.Time // once failures is failuresInARow: when the next operation may try
	trying  int       // how many operations are trying: several, where one takes longer than the pause
}

// What a breaker does with operations.
const (
	closed = "closed" // it has them go to the store
	open   = "open"   // it refuses them
	trying = "trying" // it refuses all but one, which is under way
)

// allow tells whether an operation may go to the store, and whether it is the one that tries.
func (b *breaker) allow() (ok, tries bool) {
	if b.failures.Load() < failuresInARow {
		return true, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures.Load() < failuresInARow {
		return true, false
	}
	now := time.Now()
	if now.Before(b.retryAt) {
		return false, false
	}
	b.retryAt = now.Add(b.pause) // for all but this one
	b.trying++
	return true, true
}

// state returns what the breaker does with operations, and, unless it is closed, from when on the next one tries.
func (b *breaker) state() (string, time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.failures.Load() < failuresInARow:
		return closed, time.Time{}
	case b.trying > 0:
		return trying, b.retryAt
	default:
		return open, b.retryAt
	}
}

// learn takes note of how an operation that was let through ended, with err, and whether it was the one that tried. Without a breaker
// there is nothing to learn.
func (b *breaker) learn(result event.Result, err error, tried bool) {
	if b == nil {
		return
	}
	works := result == event.Done || result == event.Missed || result == event.TooLarge || errors.Is(err, drivers.ErrAnswered)
	if works && !tried && b.failures.Load() == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if tried {
		b.trying--
	}
	switch {
	case works:
		b.succeeded()
	case result == event.TimedOut || result == event.Failed:
		b.failed(err, tried)
	case tried && b.failures.Load() >= failuresInARow: // that says nothing of the store: the next operation tries
		b.retryAt = time.Now()
	}
}

func (b *breaker) succeeded() {
	if b.failures.Load() >= failuresInARow {
		b.log.Info("cachette: the store answers again", "operations", b.what)
	}
	b.failures.Store(0)
}

// failed notes that an operation failed, and whether it was the one that tried: those that were under way before change nothing.
func (b *breaker) failed(err error, tried bool) {
	switch {
	case b.failures.Add(1) == failuresInARow:
		b.pause = firstPause
		b.log.Warn("cachette: the store does not answer; handlers run until it does", "operations", b.what, "error", err)
	case tried:
		b.pause = min(2*b.pause, longestPause)
	default:
		return
	}
	b.retryAt = time.Now().Add(b.pause)
}
