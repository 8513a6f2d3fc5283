package entries

import (
	"context"
	"slices"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/target"
)

// Told is what a store has under the key of a page, whatever purges have left of it: for a person who asks.
type Told struct {
	Key      string             // where the entry is, or would be: that of the page, or of the variant
	Entry    *response.Entry    // nil for none
	Variants *response.Variants // nil for a page that does not vary, or is not there
	State    purge.State        // of the entry; of the variants where there is no entry
	Marks    []TheMark          // of the one that State is of
}

// TheMark is a scope, and what it alone has left of an entry: by its mark, or by its generation for live objects. That of everything stands for prefixes,
// too, and is only told where none of the others has changed the entry's state.
type TheMark struct {
	Scope purge.Scope
	State purge.State
}

// Tell returns what is stored under the key of a target for a request with its header. It serves no client and changes nothing. What live objects stand
// on is told as far as the target names it.
func (s *Store) Tell(ctx context.Context, of *target.Target) (t Told, err error) {
	t.Key = of.Key
	if t.Entry, t.Variants, err = s.peek(ctx, of.Key); err != nil {
		return t, err
	}
	if t.Variants != nil {
		own, joined := variantKeys(t.Variants, of.Header)
		for _, key := range []string{own, joined} {
			if key == "" || t.Entry != nil {
				continue
			}
			t.Key = key
			if t.Entry, _, err = s.peek(ctx, key); err != nil {
				return t, err
			}
		}
	}
	var basis *purge.Basis
	switch {
	case t.Entry != nil:
		basis = &t.Entry.Basis
	case t.Variants != nil:
		basis = &t.Variants.Basis
	default:
		return t, nil
	}
	if s.local != nil {
		t.State, t.Marks = stateOf(s.local, basis), localMarks(s.local, basis, of)
	} else if t.State, err = s.shared.State(ctx, nil, basis); err != nil {
		return t, err
	} else if t.Marks, err = s.sharedMarks(ctx, basis); err != nil {
		return t, err
	}
	if t.State != purge.Valid && !slices.ContainsFunc(t.Marks, func(m TheMark) bool { return m.State != purge.Valid }) {
		t.Marks = append(t.Marks, TheMark{purge.Scope{Kind: purge.All}, t.State})
	}
	return t, nil
}

// sharedMarks tells of each mark of a basis what it has left.
func (s *Store) sharedMarks(ctx context.Context, basis *purge.Basis) (marks []TheMark, err error) {
	states, err := s.shared.ByMark(ctx, basis)
	if err != nil {
		return nil, err
	}
	for i, state := range states {
		marks = append(marks, TheMark{basis.Marks[i].Scope, state})
	}
	return marks, nil
}

// localMarks does so of what a target names and a basis in this process stands on.
func localMarks(purges *purge.Local, basis *purge.Basis, of *target.Target) (marks []TheMark) {
	for _, scope := range append(scopesOf(nil, of), basis.Late()...) {
		if state, stands := purges.ByScope(basis, scope); stands {
			marks = append(marks, TheMark{scope, state})
		}
	}
	return marks
}

// peek returns what is under a key.
func (s *Store) peek(ctx context.Context, key string) (*response.Entry, *response.Variants, error) {
	if s.objects == nil {
		return s.read(ctx, key)
	}
	object, _ := s.objects.GetObject([]byte(key), time.Now())
	entry, _ := object.(*response.Entry)
	variants, _ := object.(*response.Variants)
	return entry, variants, nil
}

// Queued tells whether a write of a key waits for the store.
func (s *Store) Queued(key string) bool {
	_, ok := s.queue.find(key)
	return ok
}

// Standing tells of each scope whether something may stand on it: see [purge.Shared.Standing]. The store is one of bytes.
func (s *Store) Standing(ctx context.Context, scopes ...purge.Scope) ([]bool, error) {
	return s.shared.Standing(ctx, scopes...)
}
