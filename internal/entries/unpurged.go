package entries

import (
	"context"

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
	return s.Stands(ctx, e) // the lookup may have come before the fill gave a scope its mark
}

// Outdated tells whether a live entry was purged since it was found. Of a store of bytes, Begin looks itself.
func (s *Store) Outdated(e *response.Entry) bool { return s.local != nil && !s.holds(&e.Basis) }

// Stands tells whether nothing that an entry stands on was purged since its fill began.
func (s *Store) Stands(ctx context.Context, e *response.Entry) bool {
	if s.local != nil {
		return s.holds(&e.Basis)
	}
	ctx, cancel := s.far.Step(context.WithoutCancel(ctx))
	defer cancel()
	holds, err := s.shared.Holds(ctx, nil, &e.Basis)
	return holds && err == nil
}

// holds does what Stands does, of a live object.
func (s *Store) holds(b *purge.Basis) bool {
	state, _ := s.local.Judge(nil, b)
	return state == purge.Valid
}
