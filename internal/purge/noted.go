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

// lastPosition returns the position in the partition's log of tags that was read last, for as long as Every, or none. It is for a fill that begins: an older
// position tells of more purges than a younger one, and of none too few; it saves a round trip.
func (p *partition) lastPosition() Position {
	now := p.s.Now()
	if last := p.noted.Load(); last != nil && now.Sub(last.at) < p.s.Every && !now.Before(last.at) {
		return last.end
	}
	return ""
}

// position reads the position of the end of the partition's log of tags.
func (p *partition) position(ctx context.Context) (Position, error) {
	now := p.s.Now()
	end, err := p.s.Log.End(ctx, p.tags, LogLife)
	if err == nil {
		p.noted.Store(&noted{end, now})
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
