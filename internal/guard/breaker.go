package guard

import (
	"log/slog"
	"sync"
	"time"
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

	mu       sync.Mutex
	failures int
	pause    time.Duration
	retryAt  time.Time // once failures is failuresInARow: when the next operation may try
}

// allow tells whether an operation may go to the store, and whether it is the one that tries.
func (b *breaker) allow() (ok, tries bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < failuresInARow {
		return true, false
	}
	now := time.Now()
	if now.Before(b.retryAt) {
		return false, false
	}
	b.retryAt = now.Add(b.pause) // for all but this one
	return true, true
}

// open tells whether operations are not tried.
func (b *breaker) open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failures >= failuresInARow
}

func (b *breaker) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures >= failuresInARow {
		b.log.Info("cachette: the store answers again", "operations", b.what)
	}
	b.failures = 0
}

// failed notes that an operation failed, and whether it was the one that tried: those that were under way before change nothing.
func (b *breaker) failed(err error, tried bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures++
	switch {
	case b.failures == failuresInARow:
		b.pause = firstPause
		b.log.Warn("cachette: the store does not answer; handlers run until it does", "operations", b.what, "error", err)
	case tried:
		b.pause = min(2*b.pause, longestPause)
	default:
		return
	}
	b.retryAt = time.Now().Add(b.pause)
}

// undecided takes back that an operation tried.
func (b *breaker) undecided(tried bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if tried && b.failures >= failuresInARow {
		b.retryAt = time.Now()
	}
}
