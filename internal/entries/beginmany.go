package entries

import (
	"context"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/target"
)

// beginAtOnce is how many fills take their marks in one operation, which has the operation timeout: DynamoDB adds each mark by a request of its own.
const beginAtOnce = 100

// BeginMany does what Begin does for several fills that begin together, in their order: in one round trip for 100 of them where the driver adds
// several marks at once.
func (s *Store) BeginMany(ctx context.Context, found []*Found, of []*target.Target) []Ticket {
	tickets := make([]Ticket, len(found))
	var together []int // those that ask the store together
	for i, f := range found {
		if s.local != nil || !s.far.Adds() || f.Err != nil {
			tickets[i] = s.Begin(ctx, f, of[i])
			continue
		}
		if together = append(together, i); len(together) == beginAtOnce {
			s.beginTogether(ctx, together, found, of, tickets)
			together = nil
		}
	}
	if len(together) > 0 {
		s.beginTogether(ctx, together, found, of, tickets)
	}
	return tickets
}

// beginTogether begins the fills with some numbers, in a store of bytes.
func (s *Store) beginTogether(ctx context.Context, numbers []int, found []*Found, of []*target.Target, tickets []Ticket) {
	ctx, cancel := s.far.Step(context.WithoutCancel(ctx))
	defer cancel()
	looks, fills := make([]*purge.Look, len(numbers)), make([]purge.Fill, len(numbers))
	for n, i := range numbers {
		looks[n], fills[n] = found[i].look, s.fillOf(found[i], of[i], false)
	}
	begun, errs := s.shared.BeginMany(ctx, looks, fills)
	for n, i := range numbers {
		tickets[i] = s.begun(found[i], begun[n], errs[n])
	}
}
