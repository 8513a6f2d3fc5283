package purge

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
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
func (s *Shared) nears(ctx context.Context) (bool, error) {
	if !s.asksForNears() {
		last := s.near.Load()
		return s.tier != nil || last != nil && last.there, nil
	}
	now := s.Now()
	words, err := s.Marks.Words(ctx, s.nearMark)
	if err != nil || len(words) != 1 {
		return true, cmp.Or(err, errUnsettled)
	}
	last := &knows{now, words[0] != ""}
	s.near.Store(last)
	return last.there, nil
}

// asksForNears tells whether nears has to ask the store. A look at it is good for Every.
func (s *Shared) asksForNears() bool {
	if s.tier != nil || s.Log == nil {
		return false
	}
	last, now := s.near.Load(), s.Now()
	return last == nil || now.Sub(last.at) >= s.Every || now.Before(last.at)
}

// tellNear has near tiers know what was purged: that of this process at once, and others by the log. What these cannot be told, they are later.
func (s *Shared) tellNear(ctx context.Context, texts []string) error {
	if len(texts) == 0 {
		return nil
	}
	if s.tier != nil {
		s.tier.hear(texts)
	}
	there, err := s.nears(ctx)
	if err == nil && there {
		err = s.append(ctx, s.nearLog, s.Keep, recordsOf(texts))
	}
	if err != nil {
		s.untold.add(texts)
	}
	return err
}

// untold is what near tiers of other processes could not be told. Nothing of it is served from the store, so it takes nothing from this process.
type untold struct {
	mu    sync.Mutex
	texts map[string]struct{}
}

// add notes texts. Too many are everything.
func (u *untold) add(texts []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.texts)+len(texts) > maxOwed {
		u.texts, texts = nil, []string{everything}
	}
	if u.texts == nil {
		u.texts = make(map[string]struct{})
	}
	for _, text := range texts {
		u.texts[text] = struct{}{}
	}
}

// some tells whether there is any.
func (u *untold) some() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.texts) > 0
}

// take returns all of it, which is no longer untold then.
func (u *untold) take() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	texts := slices.Collect(maps.Keys(u.texts))
	u.texts = nil
	return texts
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

// Replaced tells near tiers that what is stored under some keys has taken the place of entries that are still fresh, or was removed.
func (s *Shared) Replaced(ctx context.Context, keys ...string) error {
	texts := make([]string, len(keys))
	for i, key := range keys {
		texts[i] = storedUnder(key).id().logged(false)
	}
	return s.tellNear(ctx, texts)
}

// Cleared is called when all keys of the store were removed: the logs are gone, and what stands on a place in one is a miss once the next one is
// looked at. That takes a while, and a near tier may have begun anew in it, when its mark was gone, and kept what was not removed yet.
func (s *Shared) Cleared(ctx context.Context) error {
	s.Outdate()
	return s.tellNear(ctx, []string{everything})
}

// NewsOfLease returns what the log has of the end of a lease.
func NewsOfLease(key string) string { return Scope{Kind: lease, Name: key}.id().logged(false) }

// NewsIn returns what records of the log have.
func NewsIn(records []string) []string { return slices.Collect(purgesIn(records)) }

// NearLog returns the key of the log.
func (s *Shared) NearLog() string { return s.nearLog }

// TellWaiters has those know that wait for a lease, in whatever process, that it has ended.
func (s *Shared) TellWaiters(ctx context.Context, key string) error {
	return s.Log.Append(ctx, s.nearLog, s.Keep, LogLife, NewsOfLease(key))
}

// storedUnder returns the scope on which near entries stand, beside those of the entry that they are a copy of.
func storedUnder(key string) Scope { return Scope{Kind: stored, Name: key} }
