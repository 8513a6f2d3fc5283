package entries

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/purge"
)

// ledger is the removals of one kind that the store did not take, and that are to be carried out once it is back.
type ledger struct {
	mu      sync.Mutex
	total   uint64            // how many debts there have ever been
	pending map[string]uint64 // the number of the last one for each key
	weight  int               // what the keys take, in bytes
	length  atomic.Int64      // of pending, for those that need to know no more than that there is none
}

// maxOwed bounds the weight of a ledger: some ten thousand keys. Beyond it the whole cache is owed.
const maxOwed = 2 << 20

// weight is about what a key takes in a ledger.
func weight(key string) int { return len(key) + 200 }

// owed returns the number of the last debt for a key, or 0.
func (l *ledger) owed(key string) uint64 {
	if l.empty() {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pending[key]
}

func (l *ledger) empty() bool { return l.length.Load() == 0 }

// owe notes that something is owed for a key, unless the keys would then weigh more than limit; 0 for none. It tells whether it did.
func (l *ledger) owe(key string, limit int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.pending[key]; !known {
		if limit > 0 && l.weight+weight(key) > limit {
			return false
		}
		l.weight += weight(key)
	}
	if l.pending == nil {
		l.pending = make(map[string]uint64)
	}
	l.total++
	l.pending[key] = l.total
	l.length.Store(int64(len(l.pending)))
	return true
}

// paid notes that what was owed for a key, up to a number, has been carried out.
func (l *ledger) paid(key string, number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending[key] <= number {
		l.drop(key)
	}
}

// drop takes a debt off the ledger, which is locked.
func (l *ledger) drop(key string) {
	if _, known := l.pending[key]; known {
		l.weight -= weight(key)
	}
	delete(l.pending, key)
	l.length.Store(int64(len(l.pending)))
}

// count returns how many debts there have ever been.
func (l *ledger) count() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// forget notes that what was owed for any key, up to a number, has been carried out.
func (l *ledger) forget(number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, owed := range l.pending {
		if owed <= number {
			l.drop(key)
		}
	}
}

// all returns what is owed now.
func (l *ledger) all() map[string]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.pending)
}

// some tells whether test holds for something that is owed.
func (l *ledger) some(test func(string) bool) bool {
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

// owing returns the error of what is owed.
func owing(err error) error {
	if errors.Is(err, purge.ErrOwed) {
		return err
	}
	return fmt.Errorf("%w; %w", err, purge.ErrOwed)
}

// hopeless tells whether what failed would always fail, so that it is not to be owed.
func hopeless(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, drivers.ErrClosed)
}
