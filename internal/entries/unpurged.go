package entries

import (
	"context"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
)

// Current tells whether an entry that a fill has just made may be given to a request that has waited for it, and that came with what
// its own lookup found: nothing that the entry stands on was purged before that.
func (s *Store) Current(ctx context.Context, e *response.Entry, found *Found) bool {
	if s.local == nil && found.look != nil {
		if state, ok := s.shared.Judge(found.look, &e.Basis); ok && state == purge.Valid {
			return true
		}
	}
	if s.local != nil { // the lookup may have come before the fill gave a scope its mark
		return s.holds(&e.Basis)
	}
	ctx, cancel := s.far.Step(context.WithoutCancel(ctx))
	defer cancel()
	holds, err := s.shared.Holds(ctx, nil, &e.Basis)
	return holds && err == nil
}

// Outdated tells whether a live entry is gone since it was found. Of a store of bytes, Begin looks itself.
func (s *Store) Outdated(e *response.Entry) bool {
	return s.local != nil && s.state(&e.Basis) == purge.Gone
}

// Left returns what purges have left of an entry that was found: the entry, or, where it was purged softly, one whose lifetime ends now, or nil.
func (s *Store) Left(ctx context.Context, e *response.Entry, now time.Time) *response.Entry {
	if s.local != nil {
		return left(e, s.state(&e.Basis), now)
	}
	ctx, cancel := s.far.Step(context.WithoutCancel(ctx))
	defer cancel()
	e, _ = s.valid(ctx, nil, e, now)
	return e
}

// left returns what a state leaves of an entry.
func left(e *response.Entry, state purge.State, now time.Time) *response.Entry {
	switch state {
	case purge.Valid:
		return e
	case purge.Stale:
		return e.Ended(now)
	}
	return nil
}

// state tells what is left of a live object.
func (s *Store) state(b *purge.Basis) purge.State { return stateOf(s.local, b) }

func stateOf(purges *purge.Local, b *purge.Basis) purge.State {
	state, _ := purges.Judge(nil, b)
	return state
}

// holds tells whether nothing that a live object stands on was purged since its fill began.
func (s *Store) holds(b *purge.Basis) bool { return s.state(b) == purge.Valid }
