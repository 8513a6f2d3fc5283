package purge

import (
	"context"

	"github.com/gin-cachette/cachette/internal/guard"
)

// BeginMany does what Begin does for several fills that begin together, each with its own look, and gives each its ticket or its error. The words that
// they need of the store are taken in one operation, each once, and all live for as long as the fill that needs them for longest says.
func (s *Shared) BeginMany(ctx context.Context, looks []*Look, fills []Fill) ([]Ticket, []error) {
	begun, errs := make([]*beginning, len(fills)), make([]error, len(fills))
	parts := s.byPart(fills)
	s.Beside(len(parts), func(n int) {
		for _, i := range parts[n] { // one after the other: what the first has read of the partition's logs is good for all
			if begun[i], errs[i] = s.prepare(ctx, looks[i], fills[i]); errs[i] == nil && !begun[i].located(fills[i]) {
				errs[i] = begun[i].locate(ctx)
			}
		}
	})
	s.addMany(ctx, begun, fills, errs)
	tickets := make([]Ticket, len(fills))
	for i, b := range begun {
		if b != nil && errs[i] == nil {
			tickets[i] = b.ended()
		}
	}
	return tickets, errs
}

// byPart returns the numbers of fills by the partitions that they are in.
func (s *Shared) byPart(fills []Fill) (parts [][]int) {
	places := make(map[*partition]int)
	for i := range fills {
		part := s.partOf(fills[i].Known)
		n, there := places[part]
		if !there {
			n = len(parts)
			places[part], parts = n, append(parts, nil)
		}
		parts[n] = append(parts[n], i)
	}
	return parts
}

// addMany does what add does for several fills, as far as they could be prepared. Of several servers, one that does not answer fails its own.
func (s *Shared) addMany(ctx context.Context, begun []*beginning, fills []Fill, errs []error) {
	life := leastLife
	var keys []string
	places := make(map[string]int)
	ids, wanted := make([][]markID, len(fills)), make([][]string, len(fills))
	for i, b := range begun {
		if b == nil || errs[i] != nil || len(b.missing) == 0 {
			continue
		}
		life = max(life, lifeFor(fills[i].TTL))
		ids[i], wanted[i] = s.wanted(&b.ticket, b.marks, b.missing)
		for _, key := range wanted[i] {
			if _, there := places[key]; !there {
				places[key], keys = len(keys), append(keys, key)
			}
		}
	}
	if len(keys) == 0 {
		return
	}
	now := s.Now()
	words, failed := s.Marks.Add(ctx, 2*life, s.maker(now.Add(2*life)), keys...)
	if failed == nil && len(words) != len(keys) {
		failed = tooFew(words, keys)
	}
	for i, b := range begun {
		own := make([]string, len(wanted[i]))
		for k, key := range wanted[i] {
			if errs[i] = guard.ErrorOf(failed, places[key]); errs[i] != nil {
				break
			}
			own[k] = words[places[key]]
		}
		if len(own) > 0 && errs[i] == nil {
			errs[i] = s.give(&b.ticket, b.marks, b.missing, ids[i], own, now.Add(life))
		}
	}
}
