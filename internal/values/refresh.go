package values

import (
	"context"
	"time"

	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/flight"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// refresh has a stale value loaded anew, unless it is being loaded, or was a moment ago in vain.
func (s *Store) refresh(ctx context.Context, k *task, found entries.Found) {
	if s.resting.Has(k.of.Key, time.Now()) || !entries.Keeps(ctx) {
		return
	}
	select {
	case s.slots <- struct{}{}:
	default:
		return
	}
	seat := s.flights.Lead(k.of.Key)
	if seat == nil || s.closing.Err() != nil || s.resting.Has(k.of.Key, time.Now()) { // one may have ended in vain since it was looked for
		seat.Pass()
		<-s.slots
		return
	}
	own := *k
	own.again = true
	go func() {
		defer func() { <-s.slots }()
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		defer context.AfterFunc(s.closing, cancel)()
		m := s.begun(ctx, &own)
		defer s.rest(&own, m)
		defer s.recovered(m)
		s.fillStale(ctx, seat, &own, &found, m)
	}()
}

// rest has nothing loaded anew in the background for some seconds that was so in vain. It comes before the flight of the load ends: else the next
// caller would begin another one at once.
func (s *Store) rest(k *task, m *made) {
	if k.again && (m.err != nil || m.stale) {
		s.resting.Add(k.of.Key, time.Now().Add(restFor))
	}
}

// fillStale fills what is stale: where another process has the lease that one does, and callers that wait get what it leaves.
func (s *Store) fillStale(ctx context.Context, seat *flight.Seat, k *task, found *entries.Found, m *made) {
	if k.patience > 0 && !k.early {
		k.take = func([]byte) error { return nil } // its caller may have left
		s.fillFirst(ctx, seat, k, found, m)
		return
	}
	if e := s.entries.Get(ctx, &k.of, time.Now()).Entry; e != nil && !e.Meta.ResponseTime.Equal(found.Entry.Meta.ResponseTime) {
		seat.Pass() // another has done so since
		m.entry, m.err = e, nil
		return
	}
	lease, held := s.turn(k, found).Take(ctx)
	if held {
		seat.Pass()
		return
	}
	s.fill(ctx, seat, lease, k, found, m)
}

// waits tells whether a caller waits for a fresh value, and is given what was found where that takes longer than it waits.
func (k *task) waits(stale *response.Entry) bool { return k.patience > 0 && servableLate(stale) }

// servableLate tells whether what was found may be given out where the load is late.
func servableLate(e *response.Entry) bool {
	return e != nil && e.Meta.ServableLate(&rfc9111.RequestDirectives{}, time.Now())
}

// await has a stale value loaded anew, waits for that as long as the caller does, and returns the fresh value, or else the stale one. It
// returns nil where that was purged meanwhile.
func (s *Store) await(ctx context.Context, k *task, found entries.Found) (m *made, err error) {
	s.refresh(ctx, k, found)
	if m, err = s.waitFor(ctx, k, &found); m != nil || err != nil {
		return m, err
	}
	if found, m = s.lookUp(ctx, k); m == nil && servableLate(found.Entry) { // which is not loaded once more, perhaps behind a load that failed
		m = &made{entry: found.Entry}
	}
	k.patience = 0
	return m, nil
}

// waitFor waits for the load under way as long as the caller does, and returns what it makes; nil where it makes nothing.
func (s *Store) waitFor(ctx context.Context, k *task, found *entries.Found) (*made, error) {
	seat := s.flights.Follow(k.of.Key)
	if seat == nil {
		return nil, nil
	}
	within, cancel := context.WithTimeout(ctx, k.patience)
	defer cancel()
	result, ending := seat.Wait(within)
	switch {
	case ending == flight.Leads: // the load has failed, or takes very long
		seat.Pass()
	case ending == flight.Left && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case ending == flight.Shared:
		m, _ := result.(*made)
		if m == nil || m.err != nil || !s.entries.Current(ctx, m.entry, found) {
			return nil, nil
		}
		if m, err := taken(m, k.take); err == nil {
			return m, nil
		}
	}
	return nil, nil
}
