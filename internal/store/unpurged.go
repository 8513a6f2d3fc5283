package store

import (
	"context"

	"github.com/gin-cachette/cachette/internal/keys"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
)

// stamp returns the state of this process's purges of a target.
func (s *Responses) stamp(target *keys.Target) purge.Stamp {
	return s.table.Stamp(target.Path, target.Came, target.Namespaces)
}

// Current tells whether nothing that concerns an entry for a target was purged since its fill began. A request that waited for a fill
// may have come after a purge that the fill has not seen.
func (s *Responses) Current(ctx context.Context, e *response.Entry, target *keys.Target) bool {
	return s.unpurged(ctx, &e.Stamp, e.Mark, target)
}

// Outdated tells whether an entry that was found before a ticket was taken had been purged by then. In a store of bytes the
// ticket has the mark that was found with the entry, so that what is made of it is none to serve.
func (s *Responses) Outdated(e *response.Entry) bool {
	return s.objects != nil && !s.table.Holds(&e.Stamp)
}

// StandsIn tells whether an entry that was found before a fill may stand in for what the fill makes: nothing that concerns
// either was purged, also not between the two.
func (s *Responses) StandsIn(ctx context.Context, e *response.Entry, t Ticket, target *keys.Target) bool {
	return !s.Outdated(e) && t.err == nil && s.unpurged(ctx, &t.stamp, t.mark, target)
}

// unpurged tells whether the purges of a target are still as they were when stamp and mark were taken.
func (s *Responses) unpurged(ctx context.Context, stamp *purge.Stamp, mark string, target *keys.Target) bool {
	if !s.table.Holds(stamp) {
		return false
	}
	if s.objects != nil {
		return true
	}
	ctx, cancel := s.far.Step(context.WithoutCancel(ctx))
	defer cancel()
	now, err := s.mark(ctx, target)
	return err == nil && now != "" && now == mark
}
