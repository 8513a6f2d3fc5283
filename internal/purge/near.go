package purge

import (
	"context"
	"slices"
	"time"
)

// A tier near a process keeps entries beside the store, and reads no marks when it serves them. So purges tell it, by one more log, of which
// there is one in the store: what was purged is written there once the marks are deleted, as long as some process has such a tier. Whether one
// has tells a mark, which each near tier keeps alive, and a process that purges looks at once in Every. A near tier keeps nothing for as long as a process
// may not know of the mark.
//
// A near tier that has no place in the log any more, or finds another mark, knows nothing of what was purged: all that it has is gone.
const nearLife = 5 * time.Minute // of the mark, which each near tier lengthens

// everything stands in the log of near tiers for a purge of a prefix or of everything, behind which they keep nothing.
var everything = Scope{Kind: All}.id().logged(false)

// knows is when a process has looked whether there are near tiers, and what it has found.
type knows struct {
	at    time.Time
	there bool
}

// nears tells whether a process may have a near tier.
func (s *Shared) nears(ctx context.Context) bool {
	if !s.asksForNears() {
		last := s.near.Load()
		return s.tier != nil || last != nil && last.there
	}
	now := s.Now()
	words, err := s.Marks.Words(ctx, s.nearMark)
	if err != nil || len(words) != 1 {
		return true
	}
	last := &knows{now, words[0] != ""}
	s.near.Store(last)
	return last.there
}

// asksForNears tells whether nears has to ask the store. A look at it is good for Every.
func (s *Shared) asksForNears() bool {
	if s.tier != nil || s.Log == nil {
		return false
	}
	last, now := s.near.Load(), s.Now()
	return last == nil || now.Sub(last.at) >= s.Every || now.Before(last.at)
}

// tellNear has near tiers know what was purged: that of this process at once, and others by the log.
func (s *Shared) tellNear(ctx context.Context, texts []string) error {
	if len(texts) == 0 {
		return nil
	}
	if s.tier != nil {
		s.tier.hear(texts)
	}
	if !s.nears(ctx) {
		return nil
	}
	return s.append(ctx, s.nearLog, s.Keep, recordsOf(texts))
}

// news returns what near tiers are told of units: each text once, since a scope has as many marks as there are partitions.
func news(units []unit) (texts []string) {
	for i := range units {
		texts = append(append(texts, units[i].logged(true)...), units[i].logged(false)...)
		if len(units[i].records) > 0 {
			texts = append(texts, everything)
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// Replaced tells near tiers that what is stored under a key has taken the place of an entry that is still fresh, or was removed.
func (s *Shared) Replaced(ctx context.Context, key string) error {
	return s.tellNear(ctx, []string{storedUnder(key).id().logged(false)})
}

// storedUnder returns the scope on which near entries stand, beside those of the entry that they are a copy of.
func storedUnder(key string) Scope { return Scope{Kind: stored, Name: key} }
