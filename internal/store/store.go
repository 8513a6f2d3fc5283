// Package store keeps responses in a driver: it finds the one that matches a request, keeps the ones that fills make, and
// makes purges hold.
//
// A driver that keeps live objects holds the entries as they are; any other holds their bytes. A store that is slow or
// dead costs a request the operation timeout at most, and after a few failures in a row nothing, until it answers again.
package store

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/bounded"
	"github.com/gin-cachette/cachette/internal/keys"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Responses are the responses of one cache.
type Responses struct {
	driver  drivers.Driver
	objects drivers.Objects // nil where the driver keeps bytes only
	batch   drivers.Batch   // nil where it reads one key at a time
	limited drivers.Limited // nil where it takes values of any size
	prefix  string
	timeout time.Duration
	keep    time.Duration // how long a response with a validator is kept stale
	log     *slog.Logger
	table   *purge.Table
	reads   breaker
	writes  breaker
	marks   marks
	deletes ledger[string] // of values
	clears  ledger[string] // of what has a prefix
	paying  paying

	failures atomic.Uint64
}

// Options are what Responses are made of.
type Options struct {
	Driver    drivers.Driver
	Prefix    string        // of all keys
	Timeout   time.Duration // bounds each operation on a driver that may block
	KeepStale time.Duration // how long a response is kept beyond its freshness, if it has a validator
	Log       *slog.Logger
}

// New returns the responses that a driver keeps.
func New(o Options) *Responses {
	driver, log := o.Driver, o.Log
	s := &Responses{driver: driver, prefix: o.Prefix, timeout: o.Timeout, keep: o.KeepStale, log: log, table: purge.NewTable()}
	s.objects, _ = driver.(drivers.Objects)
	s.batch, _ = driver.(drivers.Batch)
	s.limited, _ = driver.(drivers.Limited)
	s.reads = breaker{log: log, what: "reads"}
	s.writes = breaker{log: log, what: "writes"}
	s.deletes.weigh, s.clears.weigh = weight, weight
	return s
}

// Found is what a lookup found.
type Found struct {
	Entry *response.Entry // nil when nothing matches
	Key   string          // what the request's fill is to be collapsed by: the key, with the variant where one is known
	Why   rfc9111.Forward // without an Entry: why there is none
	Err   error           // the store did not answer

	mark string // the path's, where the lookup has read it; empty for none
}

// Ticket is the state of the purges at the beginning of a fill. What the fill makes is never served if a purge came
// after it was taken.
type Ticket struct {
	stamp purge.Stamp
	mark  string
	err   error // the store did not answer: nothing can be kept
}

// Usable tells whether what the fill makes can be kept at all.
func (t *Ticket) Usable() bool { return t.err == nil }

// Local tells whether responses are live objects in this process.
func (s *Responses) Local() bool { return s.objects != nil }

// within bounds by the operation timeout all that one step of a request asks of the store.
func (s *Responses) within(ctx context.Context) (context.Context, context.CancelFunc) {
	c := bounded.New(ctx, s.timeout)
	return c, c.Cancel
}

// slow tells whether a context of within's was ended by the operation timeout, and not by its request.
func slow(ctx context.Context) bool {
	c, ok := ctx.(*bounded.Context)
	return ok && c.Expired()
}

// try runs one operation of the driver, unless those of its kind have been failing. ctx is one of within's.
func (s *Responses) try(ctx context.Context, kind *breaker, operation func() error) error {
	if !kind.allow() {
		return errUnavailable
	}
	return s.attempt(ctx, kind, operation)
}

// attempt does what try does, whether or not operations of the kind have been failing.
func (s *Responses) attempt(ctx context.Context, kind *breaker, operation func() error) error {
	err := operation()
	switch {
	case err == nil, errors.Is(err, drivers.ErrMiss), errors.Is(err, drivers.ErrTooLarge):
		kind.succeeded()
	case ctx.Err() != nil && !slow(ctx): // the client left, or has no time left
		kind.undecided()
	default:
		s.failures.Add(1)
		kind.failed(err)
	}
	return err
}

// Failures returns how many operations have failed.
func (s *Responses) Failures() uint64 { return s.failures.Load() }

// Begin takes a ticket for a fill. It must be taken before the handler runs. found is what the lookup before it found.
func (s *Responses) Begin(ctx context.Context, found *Found, target *keys.Target) Ticket {
	if found.Err != nil { // it has held up the request once, and would again
		return Ticket{err: found.Err}
	}
	t := Ticket{stamp: s.stamp(target)}
	if s.objects != nil {
		return t
	}
	if found.mark != "" { // if it has been replaced since, what the fill makes is out of date, as it may well be
		t.mark = found.mark
		return t
	}
	ctx, cancel := s.within(ctx)
	defer cancel()
	t.mark, t.err = s.ensureMark(ctx, target)
	return t
}
