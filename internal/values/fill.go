package values

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/flight"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

// ErrPanicked says that a load did not return.
var ErrPanicked = errors.New("cachette: the load of a value panicked")

// errEnded says that a load has ended its goroutine, as the Fatal of a test does.
var errEnded = fmt.Errorf("%w, or ended its goroutine", ErrPanicked)

// fill runs a load for the flight of a seat, and keeps what it makes. What has become of it is noted in m.
func (s *Store) fill(ctx context.Context, seat *flight.Seat, lease *flight.Lease, k *task, found *entries.Found, m *made) {
	shared, kept := true, false
	defer func() {
		if !kept {
			lease.Free()
		}
		if s.rest(k, m); shared {
			seat.Share(m)
		} else {
			seat.Forgo()
		}
	}()
	ticket := s.entries.Begin(ctx, found, &k.of)
	now := s.make(ctx, k, m)
	shared = m.err != nil // unless settle returns
	shared, kept = s.settle(ctx, k, m, found, &ticket, lease, now)
}

// settle keeps what a load has made, or has a stale value stand in for it, and tells whether callers that wait may have it, and whether it is kept.
func (s *Store) settle(
	ctx context.Context, k *task, m *made, found *entries.Found, ticket *entries.Ticket, lease *flight.Lease, now time.Time,
) (shared, kept bool) {
	if m.err == nil {
		shared, kept = s.keep(ctx, &k.of, m.entry, m.of, ticket, lease, now)
		if shared && !kept && found.Entry != nil { // there is none, or one that is too large: what is stored is not the value any more
			s.entries.Remove(ctx, k.of.Key)
		}
		return shared, kept
	}
	if m.entry = s.standIn(ctx, found.Entry, now); m.entry != nil {
		m.of, m.stale, m.err = nil, true, nil
	}
	return true, false
}

// fillFirst does what fill does of several processes, unless one that had the lease has left a value meanwhile.
func (s *Store) fillFirst(ctx context.Context, seat *flight.Seat, k *task, found *entries.Found, m *made) {
	defer seat.Pass() // nothing is left to give up but behind a panic
	for turn := s.turn(k, found); turn != nil; {
		lease, run := turn.Next(ctx)
		if lease != nil || !run { // another process may have filled it between the look-up and the lease
			var stored *made
			if *found, stored = s.lookUp(ctx, k); stored != nil {
				lease.End()
				*m = *stored
				seat.Share(m)
				return
			}
		}
		if run {
			s.fill(ctx, seat, lease, k, found, m)
			return
		}
	}
	s.fill(ctx, seat, nil, k, found, m)
}

// turn returns the wait for the lease of a load; nil where there is none.
func (s *Store) turn(k *task, found *entries.Found) *flight.Turn {
	if s.leases == nil || found.Err != nil {
		return nil
	}
	return s.leases.Turn(s.targets.Lease(k.name), k.of.Key, k.use.Lease)
}

// make runs a load, and returns when it has ended.
func (s *Store) make(ctx context.Context, k *task, m *made) (now time.Time) {
	began := time.Now()
	data, err := s.load(ctx, m.of, k.use, k.load)
	now = time.Now()
	if m.err = err; err == nil || errors.Is(err, ErrNotFound) {
		m.entry, m.err = s.entry(data, err, m.of, k.use, now), nil
		m.entry.Meta.TakeEarly(now.Sub(began), k.use.EarlyRefresh)
	}
	return now
}

// load runs a load, within its time. A panic is an error.
func (s *Store) load(ctx context.Context, in *making, use *Use, load Load) (data []byte, err error) {
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, BorrowerKey{}, in), use.Timeout)
	defer cancel()
	loads.Add(1)
	defer loads.Add(-1)
	defer func() {
		if p := recover(); p != nil {
			err = s.panicked(p)
		}
	}()
	return load(ctx)
}

// panicked logs a panic, and returns the error that it is.
func (s *Store) panicked(p any) error {
	s.log.Error("cachette: the load of a value panicked", "panic", p, "stack", string(debug.Stack()))
	return fmt.Errorf("%w: %v", ErrPanicked, p)
}

// recovered makes a panic beside the load, as of a driver or a codec, an error of its own caller, as one of the load is: it has a goroutine of
// its own. Those that wait have got what m has, if anything.
func (s *Store) recovered(m *made) {
	if p := recover(); p != nil {
		if err := s.panicked(p); m.err == nil {
			m.err = err
		}
	}
}

// standIn returns a stale value if it may stand in for a load that failed (RFC 5861 §4), or nil.
func (s *Store) standIn(ctx context.Context, stale *response.Entry, now time.Time) *response.Entry {
	if stale == nil || !stale.Meta.ServableOnError(&rfc9111.RequestDirectives{}, now) {
		return nil
	}
	return s.entries.Left(ctx, stale, now)
}

// entry returns what is kept of what a load has made.
func (s *Store) entry(data []byte, missing error, in *making, use *Use, now time.Time) *response.Entry {
	e := &response.Entry{
		Status: http.StatusOK, Body: data, Fields: []response.Field{{Name: "Codec", Values: []string{s.codec}}},
		Meta: rfc9111.Metadata{ResponseTime: now, Lifetime: use.TTL, MustRevalidate: !use.lingers(),
			StaleWhileRevalidate: use.StaleWhileRevalidate, StaleIfError: use.StaleIfError, Patience: use.Patience},
	}
	if missing != nil {
		e.Status, e.Body = http.StatusNotFound, nil
		e.Meta.Lifetime, e.Meta.MustRevalidate, e.Meta.StaleWhileRevalidate, e.Meta.StaleIfError = use.NotFound, true, 0, 0
	}
	e.Meta.Shorten(use.Jitter * rand.Float64())
	e.Meta.Lifetime = in.Cap(e.Meta.Lifetime, now)
	return e
}

// keep keeps what a load has made, and tells whether callers that wait may have it: not where it may be out of date, or the store cannot tell. The
// lease of what is kept ends when the store has it.
func (s *Store) keep(
	ctx context.Context, of *target.Target, e *response.Entry, in *making, ticket *entries.Ticket, lease *flight.Lease, now time.Time,
) (shared, kept bool) {
	if err := in.tags.Problem(); err != nil {
		s.refuse(err)
		return false, false
	}
	if err := s.entries.Name(ctx, of, ticket, s.entries.Tags(in.tags.All()), e, now); err != nil {
		s.onBad()
		s.log.Debug("cachette: a value was not kept", "error", err)
		return false, false
	}
	var written func(error)
	if lease != nil {
		written = func(err error) { lease.Written(err == nil || errors.Is(err, entries.ErrMoot)) }
	}
	kept, err := s.entries.Put(of, e, ticket, time.Now(), written)
	if err != nil {
		s.log.Debug("cachette: a value was not kept", "error", err)
	}
	return kept || errors.Is(err, drivers.ErrTooLarge) || errors.Is(err, entries.ErrFull) || err == nil && e.Meta.Lifetime <= 0, kept
}

// refuse counts a value that cannot be kept, and says why, once.
func (s *Store) refuse(why error) {
	s.onBad()
	s.told.Do(func() {
		s.log.Warn("cachette: a value is not kept since its tags, or its key, cannot be", "error", why)
	})
}
