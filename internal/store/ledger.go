package store

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/gin-cachette/cachette/drivers"
)

// ledger is what the store did not take of one kind, and is to be carried out once it is back.
type ledger[K comparable] struct {
	mu      sync.Mutex
	total   uint64       // how many debts there have ever been
	pending map[K]uint64 // the number of the last one for each key
	weight  int          // what the keys weigh, where weigh is given
	weigh   func(K) int
	length  atomic.Int64 // of pending, for those that need to know no more than that there is none
}

// owed returns the number of the last debt for a key, or 0.
func (l *ledger[K]) owed(key K) uint64 {
	if l.empty() {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pending[key]
}

func (l *ledger[K]) empty() bool { return l.length.Load() == 0 }

// owe notes that something is owed for a key.
func (l *ledger[K]) owe(key K) { l.oweWithin(key, 0) }

// oweWithin does what owe does, unless the keys would then weigh more than limit; 0 for none. It tells whether it did.
func (l *ledger[K]) oweWithin(key K, limit int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.pending[key]; !known && l.weigh != nil {
		weight := l.weight + l.weigh(key)
		if limit > 0 && weight > limit {
			return false
		}
		l.weight = weight
	}
	if l.pending == nil {
		l.pending = make(map[K]uint64)
	}
	l.total++
	l.pending[key] = l.total
	l.length.Store(int64(len(l.pending)))
	return true
}

// paid notes that what was owed for a key, up to a number, has been carried out.
func (l *ledger[K]) paid(key K, number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending[key] <= number {
		l.drop(key)
	}
}

// drop takes a debt off the ledger, which is locked.
func (l *ledger[K]) drop(key K) {
	if _, known := l.pending[key]; known && l.weigh != nil {
		l.weight -= l.weigh(key)
	}
	delete(l.pending, key)
	l.length.Store(int64(len(l.pending)))
}

// count returns how many debts there have ever been.
func (l *ledger[K]) count() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// forget notes that what was owed for any key, up to a number, has been carried out.
func (l *ledger[K]) forget(number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, owed := range l.pending {
		if owed <= number {
			l.drop(key)
		}
	}
}

// all returns what is owed now.
func (l *ledger[K]) all() map[K]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.pending)
}

// some tells whether test holds for something that is owed.
func (l *ledger[K]) some(test func(K) bool) bool {
	if l.empty() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.pending {
		if test(key) {
			return true
		}
	}
	return false
}

// owedError is the error of what is owed.
type owedError struct{ error }

func (e owedError) Error() string {
	return e.error.Error() + "; it is owed: this process serves nothing of what it removes, and carries it out once the store is back"
}

func (e owedError) Unwrap() error { return e.error }

// hopeless tells whether what failed would always fail, so that it is not to be owed.
func hopeless(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, drivers.ErrClosed)
}
