// Package guard is the only door to a driver, for responses, values and marks alike.
//
// It bounds what an operation may take, leaves a store alone that has been failing, makes one event of each operation and counts by it,
// and stands in for what a driver cannot do: nothing else asserts the optional interfaces of package drivers. A store that is slow or
// dead costs a caller the operation timeout at most, and after a few failures in a row nothing, until it answers again.
//
// What takes or gives live objects is no operation: it goes past the guard, by [Store.Objects].
package guard

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/bounded"
	"github.com/gin-cachette/cachette/internal/event"
)

// ErrUnavailable says that the store was not asked, since it has not been answering.
var ErrUnavailable = errors.New("cachette: the store does not answer")

// Store is a driver behind its guard. It is safe for concurrent use.
type Store struct {
	*state
	insistent bool
}

type state struct {
	driver    drivers.Driver
	objects   drivers.Objects
	batch     drivers.Batch
	setter    drivers.BatchSetter
	adder     drivers.Adder
	inserter  drivers.Inserter
	logs      drivers.Log
	waiter    drivers.Waiter
	purger    drivers.Purger
	limited   drivers.Limited
	pinger    drivers.Pinger
	sweeper   drivers.Sweeper
	dedicated drivers.Dedicated
	measured  drivers.Measured
	lister    drivers.Lister
	counted   drivers.Counted
	sharded   drivers.Sharded
	arranged  drivers.Arranged
	timeout   time.Duration
	made      time.Time

	joints   joints                                                 // of readings
	alone    *breakers                                              // of a driver that has one server, and of keys whose server is not known
	servers  *servers                                               // of a driver that has several; else nil
	observer atomic.Pointer[func(context.Context, event.Operation)] // nil for none

	_        [64]byte // each operation writes to what follows, and reads what stands before: these do not share a line of the processors' caches
	counters [event.Kinds]counter
}

// New puts a guard before a driver. timeout bounds each step on a driver that may block.
func New(driver drivers.Driver, timeout time.Duration, log *slog.Logger) *Store {
	s := &state{driver: driver, timeout: timeout, made: time.Now(), alone: newBreakers("", log)}
	s.objects, _ = driver.(drivers.Objects)
	s.batch, _ = driver.(drivers.Batch)
	s.setter, _ = driver.(drivers.BatchSetter)
	s.adder, _ = driver.(drivers.Adder)
	s.inserter, _ = driver.(drivers.Inserter)
	s.logs, _ = driver.(drivers.Log)
	s.waiter, _ = driver.(drivers.Waiter)
	s.purger, _ = driver.(drivers.Purger)
	s.limited, _ = driver.(drivers.Limited)
	s.pinger, _ = driver.(drivers.Pinger)
	s.sweeper, _ = driver.(drivers.Sweeper)
	s.dedicated, _ = driver.(drivers.Dedicated)
	s.measured, _ = driver.(drivers.Measured)
	s.lister, _ = driver.(drivers.Lister)
	s.counted, _ = driver.(drivers.Counted)
	if sharded, ok := driver.(drivers.Sharded); ok && sharded.Sharded() {
		s.sharded, s.servers = sharded, newServers(log)
	}
	s.arranged, _ = driver.(drivers.Arranged)
	return &Store{state: s}
}

// Insistent returns the same store for what is asked at a pace of its own: it is asked whatever has been failing, and takes no other
// operation's turn to try whether the store is back. What it learns the others learn, too.
func (s *Store) Insistent() *Store { return &Store{state: s.state, insistent: true} }

// Step bounds by the operation timeout what a caller asks of the store in one step, which may be several operations. Those that are
// not part of a step are one each.
func (s *Store) Step(ctx context.Context) (context.Context, context.CancelFunc) {
	c := bounded.New(ctx, s.timeout)
	return c, c.Cancel
}

// Timeout returns the operation timeout.
func (s *Store) Timeout() time.Duration { return s.timeout }

// Get does what [drivers.Driver] says.
func (s *Store) Get(ctx context.Context, key string) (item drivers.Item, err error) {
	err = s.run(ctx, s.at(key), event.Read, 1, func(ctx context.Context) (int, error) {
		item, err = s.driver.Get(ctx, key)
		return len(item.Value), err
	})
	return item, err
}

// GetValues returns the values stored under keys, in their order, nil for one that is not there: in as few round trips as the driver
// can. Where a server of several has failed, the values of the others are there, with a [Parts].
func (s *Store) GetValues(ctx context.Context, keys ...string) (values [][]byte, err error) {
	on, parts := s.split(keys)
	if parts != nil {
		return s.getParts(ctx, len(keys), parts)
	}
	return s.getValuesFrom(ctx, on, keys)
}

func (s *Store) getParts(ctx context.Context, keys int, parts []part) ([][]byte, error) {
	values := make([][]byte, keys)
	err := sideBySide(parts, keys, func(p *part) error {
		some, err := s.getValuesFrom(ctx, p.on, p.keys)
		if err == nil {
			p.put(values, some)
		}
		return err
	})
	return values, err
}

// getValuesFrom does what GetValues does, of one server.
func (s *Store) getValuesFrom(ctx context.Context, on *breakers, keys []string) (values [][]byte, err error) {
	err = s.run(ctx, on, event.Read, len(keys), func(ctx context.Context) (int, error) {
		if values, err = s.getValues(ctx, keys); err == nil && len(keys) > 0 && !slices.ContainsFunc(values, isThere) {
			err = errNone
		}
		return size(values), err
	})
	if err == errNone {
		return values, nil
	}
	return values, err
}

func isThere(value []byte) bool { return value != nil }

// getValues reads the keys one after the other where the driver cannot read several.
func (s *Store) getValues(ctx context.Context, keys []string) ([][]byte, error) {
	if s.batch != nil {
		return s.batch.GetValues(ctx, keys...)
	}
	values := make([][]byte, len(keys))
	for i, key := range keys {
		item, err := s.driver.Get(ctx, key)
		switch {
		case err == nil && item.Value == nil:
			values[i] = []byte{}
		case err == nil:
			values[i] = item.Value
		case !errors.Is(err, drivers.ErrMiss):
			return values, err
		}
	}
	return values, nil
}

// size returns the bytes of several values.
func size(values [][]byte) (n int) {
	for _, value := range values {
		n += len(value)
	}
	return n
}

// Batches tells whether GetValues takes one round trip, or as few as there are nodes.
func (s *Store) Batches() bool { return s.batch != nil }

// Set does what [drivers.Driver] says.
func (s *Store) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return s.run(ctx, s.at(key), event.Write, 1, func(ctx context.Context) (int, error) {
		return len(value), s.driver.Set(ctx, key, value, ttl)
	})
}

// Delete does what [drivers.Driver] says. Where a server of several has failed, the keys of the others are removed, and the error is a
// [Parts].
func (s *Store) Delete(ctx context.Context, keys ...string) (n int, err error) {
	on, parts := s.split(keys)
	if parts != nil {
		return s.deleteParts(ctx, len(keys), parts)
	}
	return s.deleteFrom(ctx, on, keys)
}

func (s *Store) deleteParts(ctx context.Context, keys int, parts []part) (int, error) {
	var all atomic.Int64
	err := sideBySide(parts, keys, func(p *part) error {
		n, err := s.deleteFrom(ctx, p.on, p.keys)
		all.Add(int64(n))
		return err
	})
	return int(all.Load()), err
}

// deleteFrom does what Delete does, on one server.
func (s *Store) deleteFrom(ctx context.Context, on *breakers, keys []string) (n int, err error) {
	err = s.run(ctx, on, event.Removal, len(keys), func(ctx context.Context) (int, error) {
		n, err = s.driver.Delete(ctx, keys...)
		return 0, err
	})
	return n, err
}

// Clear does what [drivers.Driver] says. It may have a million keys to go through, so it is bounded by ctx alone, and says nothing of
// how other operations fare.
func (s *Store) Clear(ctx context.Context, prefix string) (n int, err error) {
	err = s.run(ctx, s.alone, event.Clearing, 0, func(ctx context.Context) (int, error) {
		n, err = s.driver.Clear(ctx, prefix)
		return n, err
	})
	return n, err
}

// Sweep removes what has expired and returns how many entries that were: 0 where the store removes them by itself. It is bounded by ctx
// alone.
func (s *Store) Sweep(ctx context.Context) (n int, err error) {
	if s.sweeper == nil {
		return 0, ctx.Err()
	}
	err = s.run(ctx, s.alone, event.Sweep, 0, func(ctx context.Context) (int, error) {
		n, err = s.sweeper.Sweep(ctx)
		return n, err
	})
	return n, err
}

// Ping asks whether the store answers, whatever has been failing. key is one that is not there.
func (s *Store) Ping(ctx context.Context, key string) error {
	return s.run(ctx, s.alone, event.Ping, 0, func(ctx context.Context) (int, error) {
		if s.pinger != nil {
			return 0, s.pinger.Ping(ctx)
		}
		if _, err := s.driver.Get(ctx, key); !errors.Is(err, drivers.ErrMiss) {
			return 0, err
		}
		return 0, nil
	})
}

// Close closes the driver.
func (s *Store) Close() error { return s.driver.Close() }

// Objects returns what keeps live objects in this process; nil where the store keeps bytes only.
func (s *Store) Objects() drivers.Objects { return s.objects }

// MaxValue returns the size, in bytes, of the largest value that the store takes under key, as far as that is known beforehand;
// math.MaxInt where it is not.
func (s *Store) MaxValue(key string) int {
	if s.limited == nil {
		return math.MaxInt
	}
	return s.limited.MaxValue(key)
}

// Dedicated tells whether the store is there for this cache alone, so that clearing all of it takes nothing from other programs.
func (s *Store) Dedicated() bool {
	return s.objects != nil || s.dedicated != nil && s.dedicated.Dedicated()
}

// Arranged tells whether the driver is told over which servers keys are spread. Arrangement is for one that is.
func (s *Store) Arranged() bool { return s.arranged != nil }

// Arrangement does what [drivers.Arranged] says, within the operation timeout.
func (s *Store) Arrangement(ctx context.Context) (string, error) {
	ctx, cancel := s.Step(ctx)
	defer cancel()
	return s.arranged.Arrangement(ctx)
}
