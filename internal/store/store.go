// Package store keeps responses in a driver: it finds the one that matches a request, keeps the ones that fills make, and
// makes purges hold.
//
// A driver that keeps live objects holds the entries as they are; any other holds their bytes.
package store

import (
	"context"
	"log/slog"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/keys"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Responses are the responses of one cache.
type Responses struct {
	far     *guard.Store
	objects drivers.Objects // nil where the store keeps bytes only
	prefix  string
	keep    time.Duration // how long a response with a validator is kept stale
	log     *slog.Logger
	table   *purge.Table
	marks   marks
	deletes ledger[string] // of values
	clears  ledger[string] // of what has a prefix
	paying  paying
}

// Options are what Responses are made of.
type Options struct {
	Store     *guard.Store
	Prefix    string        // of all keys
	KeepStale time.Duration // how long a response is kept beyond its freshness, if it has a validator
	Log       *slog.Logger
}

// New returns the responses that a driver keeps.
func New(o Options) *Responses {
	s := &Responses{
		far: o.Store, objects: o.Store.Objects(), prefix: o.Prefix, keep: o.KeepStale, log: o.Log, table: purge.NewTable(),
	}
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

// Failures returns how many operations have failed.
func (s *Responses) Failures() uint64 { return s.far.Failures() }

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
	ctx, cancel := s.far.Step(context.WithoutCancel(ctx)) // the client may leave, and others wait for the fill
	defer cancel()
	t.mark, t.err = s.ensureMark(ctx, target)
	return t
}
