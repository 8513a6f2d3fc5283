package values

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/flight"
	"github.com/gin-cachette/cachette/internal/target"
)

// sideBySide is how many of several values are kept at once.
const sideBySide = 32

// lead is one of several values that a load is there for.
type lead struct {
	*task
	place  int          // among the names that were asked for
	seat   *flight.Seat // nil where nothing waits for it
	found  entries.Found
	keeps  bool
	ticket entries.Ticket
	m      *made
}

// begunMany returns a load of several values that has begun, and has failed for each unless it ends well.
func (s *Store) begunMany(leads []*lead, use *Use, outer Borrower) *making {
	in := &making{store: s, name: rand.Text(), outer: outer, each: make(map[string]*making, len(leads))}
	in.tags.Add(use.Tags...)
	for _, l := range leads {
		l.m = &made{of: &making{store: s, name: l.name, kind: use.Type}, err: errEnded}
		in.each[l.name] = l.m.of
	}
	return in
}

// fillMany runs one load for the flights of several values, and keeps what it makes.
func (s *Store) fillMany(ctx context.Context, in *making, leads []*lead, use *Use, load LoadMany) {
	for _, l := range leads { // what the load waits for, each of the values waits for
		waiting.add(loading{s, l.name}, in.loading())
	}
	defer func() {
		for _, l := range leads {
			waiting.remove(loading{s, l.name}, in.loading())
			s.rest(l.task, l.m)
			l.seat.Share(l.m) // if it is not given up by now: the load has ended its goroutine
		}
	}()
	s.beginMany(ctx, leads)
	now := s.makeMany(ctx, in, leads, use, load)
	s.each(leads, func(l *lead) { s.end(ctx, l, now) })
}

// beginMany takes the tickets of several values. Where the driver panics none of them is kept.
func (s *Store) beginMany(ctx context.Context, leads []*lead) {
	defer s.recovered(leads[0].m)
	var kept []*lead
	var found []*entries.Found
	var of []*target.Target
	for _, l := range leads {
		if l.ticket = entries.Unkept; l.keeps {
			kept, found, of = append(kept, l), append(found, &l.found), append(of, &l.of)
		}
	}
	for i, ticket := range s.entries.BeginMany(ctx, found, of) {
		kept[i].ticket = ticket
	}
}

// end keeps what a load has made of one value, and ends its flight.
func (s *Store) end(ctx context.Context, l *lead, now time.Time) {
	shared := l.m.err != nil || !l.keeps // unless settle returns
	defer func() {
		if s.rest(l.task, l.m); shared {
			l.seat.Share(l.m)
		} else {
			l.seat.Forgo()
		}
	}()
	if l.keeps {
		shared, _ = s.settle(ctx, l.task, l.m, &l.found, &l.ticket, nil, now)
	}
}

// makeMany runs a load, and notes what it has made of each, which has the tags and the end of all beside its own.
func (s *Store) makeMany(ctx context.Context, in *making, leads []*lead, use *Use, load LoadMany) (now time.Time) {
	of := make(map[int]*lead, len(leads))
	places := make([]int, len(leads))
	for i, l := range leads {
		of[l.place], places[i] = l, l.place
	}
	type outcome struct {
		data []byte
		err  error
	}
	outcomes := make(map[int]outcome, len(leads))
	_, err := s.load(ctx, in, use, func(ctx context.Context) ([]byte, error) {
		return nil, load(ctx, places, func(place int, data []byte, err error) {
			if of[place] != nil {
				outcomes[place] = outcome{data, err}
			}
		})
	})
	now = time.Now()
	loan := LoanOf(&in.tags, in.At())
	for _, l := range leads {
		loan.To(&l.m.of.tags, &l.m.of.Ends)
		made, there := outcomes[l.place]
		if !there {
			made.err = ErrNotFound
		}
		if err != nil {
			made = outcome{err: err}
		}
		if l.m.err = made.err; made.err == nil || errors.Is(made.err, ErrNotFound) {
			l.m.entry, l.m.err = s.entry(made.data, made.err, l.m.of, use, now), nil
		}
	}
	return now
}

// each does something for several values: side by side where the store is asked for each, since it may take its time, and where what they have in
// common does not suffer from that.
func (s *Store) each(leads []*lead, one func(l *lead)) {
	do := func(l *lead) {
		defer s.recovered(l.m)
		one(l)
	}
	if len(leads) == 1 || s.entries.Local() || !s.entries.Adds() {
		for _, l := range leads {
			do(l)
		}
		return
	}
	var next atomic.Int64
	var running sync.WaitGroup
	for range min(len(leads), sideBySide) {
		running.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(leads)); i = next.Add(1) - 1 {
				do(leads[i])
			}
		})
	}
	running.Wait()
}

// refreshMany has several stale values loaded anew, but for those that are being loaded, or were a moment ago in vain.
func (s *Store) refreshMany(r *many, leads []*lead) {
	now := time.Now()
	leads = slices.DeleteFunc(leads, func(l *lead) bool { return s.resting.Has(l.of.Key, now) })
	if len(leads) == 0 || s.closing.Err() != nil || !entries.Keeps(r.ctx) {
		return
	}
	select {
	case s.slots <- struct{}{}:
	default:
		return
	}
	leads = slices.DeleteFunc(leads, func(l *lead) bool {
		if l.seat = s.flights.Lead(l.of.Key); l.seat != nil && s.resting.Has(l.of.Key, now) { // one has ended in vain since it was looked for
			l.seat.Pass()
			l.seat = nil
		}
		own := *l.task
		l.task, own.again = &own, true
		return l.seat == nil
	})
	if len(leads) == 0 {
		<-s.slots
		return
	}
	in := s.begunMany(leads, r.use, r.outer)
	go func() {
		defer func() { <-s.slots }()
		ctx, cancel := context.WithCancel(context.WithoutCancel(r.ctx))
		defer cancel()
		defer context.AfterFunc(s.closing, cancel)()
		s.fillMany(ctx, in, leads, r.use, r.load)
	}()
}
