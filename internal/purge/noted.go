package purge

import (
	"context"
	"time"
)

// noted is where a log was at a moment.
type noted struct {
	end Position
	at  time.Time
}

// position returns a position in a partition's log of tags from before now, for a fill that begins: the one that was read last, for as long as
// Every. An older position tells of more purges than a younger one, and of none too few; it saves a fill a round trip.
func (s *Shared) position(ctx context.Context, part *partition) (Position, error) {
	now := s.Now()
	if last := part.noted.Load(); last != nil && now.Sub(last.at) < s.Every && !now.Before(last.at) {
		return last.end, nil
	}
	end, err := s.Log.End(ctx, part.tags, LogLife)
	if err == nil {
		part.noted.Store(&noted{end, now})
	}
	return end, err
}

// LateAre tells whether these are the scopes that Late returns.
func (b *Basis) LateAre(scopes []Scope) bool {
	n := 0
	for i := range b.Marks {
		if scope := &b.Marks[i].Scope; scope.Kind.late() {
			if n == len(scopes) || scopes[n] != *scope {
				return false
			}
			n++
		}
	}
	return n == len(scopes)
}

// Late returns the scopes of an entry that may have become known only when its handler had run.
func (b *Basis) Late() (scopes []Scope) {
	for i := range b.Marks {
		if b.Marks[i].Scope.Kind.late() {
			scopes = append(scopes, b.Marks[i].Scope)
		}
	}
	if b.more != nil {
		scopes = append(scopes, b.more.late...)
	}
	return scopes
}
