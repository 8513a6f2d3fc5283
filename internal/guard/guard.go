// Package guard is the only door to a driver, for responses, values and marks alike.
//
// It bounds what an operation may take, leaves a store alone that has been failing, counts, and stands in for what a driver cannot
// do: nothing else asserts the optional interfaces of package drivers. A store that is slow or dead costs a caller the operation
// timeout at most, and after a few failures in a row nothing, until it answers again.
package guard

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/bounded"
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
	adder     drivers.Adder
	logs      drivers.Log
	limited   drivers.Limited
	pinger    drivers.Pinger
	sweeper   drivers.Sweeper
	dedicated drivers.Dedicated
	timeout   time.Duration

	reads, writes, removals breaker // a store may answer some and not others: a full one still removes
	failures                atomic.Uint64
}

// New puts a guard before a driver. timeout bounds each step on a driver that may block.
func New(driver drivers.Driver, timeout time.Duration, log *slog.Logger) *Store {
	s := &state{driver: driver, timeout: timeout}
	s.objects, _ = driver.(drivers.Objects)
	s.batch, _ = driver.(drivers.Batch)
	s.adder, _ = driver.(drivers.Adder)
	s.logs, _ = driver.(drivers.Log)
	s.limited, _ = driver.(drivers.Limited)
	s.pinger, _ = driver.(drivers.Pinger)
	s.sweeper, _ = driver.(drivers.Sweeper)
	s.dedicated, _ = driver.(drivers.Dedicated)
	s.reads.log, s.reads.what = log, "reads"
	s.writes.log, s.writes.what = log, "writes"
	s.removals.log, s.removals.what = log, "removals"
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
	err = s.run(ctx, &s.reads, func(ctx context.Context) error {
		item, err = s.driver.Get(ctx, key)
		return err
	})
	return item, err
}

// GetValues returns the values stored under keys, in their order, nil for one that is not there: in as few round trips as the driver
// can.
func (s *Store) GetValues(ctx context.Context, keys ...string) (values [][]byte, err error) {
	err = s.run(ctx, &s.reads, func(ctx context.Context) error {
		if s.batch != nil {
			values, err = s.batch.GetValues(ctx, keys...)
			return err
		}
		values = make([][]byte, len(keys))
		for i, key := range keys {
			item, err := s.driver.Get(ctx, key)
			switch {
			case err == nil && item.Value == nil:
				values[i] = []byte{}
			case err == nil:
				values[i] = item.Value
			case !errors.Is(err, drivers.ErrMiss):
				return err
			}
		}
		return nil
	})
	return values, err
}

// Batches tells whether GetValues takes one round trip, or as few as there are nodes.
func (s *Store) Batches() bool { return s.batch != nil }

// Set does what [drivers.Driver] says.
func (s *Store) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return s.run(ctx, &s.writes, func(ctx context.Context) error { return s.driver.Set(ctx, key, value, ttl) })
}

// Delete does what [drivers.Driver] says.
func (s *Store) Delete(ctx context.Context, keys ...string) (n int, err error) {
	err = s.run(ctx, &s.removals, func(ctx context.Context) error {
		n, err = s.driver.Delete(ctx, keys...)
		return err
	})
	return n, err
}

// Clear does what [drivers.Driver] says. It may have a million keys to go through, so it is bounded by ctx alone, and says nothing of
// how other operations fare.
func (s *Store) Clear(ctx context.Context, prefix string) (int, error) {
	return s.driver.Clear(ctx, prefix)
}

// Sweep removes what has expired and returns how many entries that were: 0 where the store removes them by itself. It is bounded by ctx
// alone.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	if s.sweeper == nil {
		return 0, nil
	}
	return s.sweeper.Sweep(ctx)
}

// Ping asks whether the store answers, whatever has been failing. key is one that is not there.
func (s *Store) Ping(ctx context.Context, key string) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	if s.pinger != nil {
		return s.pinger.Ping(ctx)
	}
	if _, err := s.driver.Get(ctx, key); !errors.Is(err, drivers.ErrMiss) {
		return err
	}
	return nil
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

// Failures returns how many operations have failed. Those that were not tried do not count.
func (s *Store) Failures() uint64 { return s.failures.Load() }

// Available tells whether operations of each kind are tried.
func (s *Store) Available() bool { return !s.reads.open() && !s.writes.open() && !s.removals.open() }

// bound bounds an operation by the operation timeout, unless it is part of a step.
func (s *Store) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.(*bounded.Context); ok || s.objects != nil { // what lives in this process does not block
		return ctx, func() {}
	}
	return s.Step(ctx)
}

// run runs one operation of the driver, unless those of its kind have been failing.
func (s *Store) run(ctx context.Context, kind *breaker, operation func(context.Context) error) error {
	if s.objects != nil {
		return operation(ctx)
	}
	tries := false
	if !s.insistent {
		var ok bool
		if ok, tries = kind.allow(); !ok {
			return ErrUnavailable
		}
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	err := operation(ctx)
	switch {
	case err == nil, errors.Is(err, drivers.ErrMiss), errors.Is(err, drivers.ErrTooLarge):
		kind.succeeded()
	case errors.Is(err, drivers.ErrClosed), errors.Is(err, errors.ErrUnsupported): // it says nothing of the store
		kind.undecided(tries)
	case ctx.Err() != nil && !expired(ctx): // the client left, or has no time left
		kind.undecided(tries)
	default:
		s.failures.Add(1)
		kind.failed(err, tries)
	}
	return err
}

// expired tells whether a context was ended by the operation timeout, and not by its caller.
func expired(ctx context.Context) bool {
	c, ok := ctx.(*bounded.Context)
	return ok && c.Expired()
}
