package entries

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
)

// Told is what a store has under the key of a page, whatever purges have left of it: for a person who asks.
type Told struct {
	Key      string             // where the entry is, or would be: that of the page, or of the variant
	Entry    *response.Entry    // nil for none
	Variants *response.Variants // nil for a page that does not vary, or is not there
	State    purge.State        // of the entry; of the variants where there is no entry
	Marks    []TheMark          // of the one that State is of
}

// TheMark is a scope, and what its mark alone leaves of an entry.
type TheMark struct {
	Scope purge.Scope
	State purge.State
}

// Tell returns what is stored under the key of a page for a request with some header. It serves no client and changes nothing. Of live objects it
// tells no Marks.
func (s *Store) Tell(ctx context.Context, key string, header http.Header) (t Told, err error) {
	t.Key = key
	if t.Entry, t.Variants, err = s.peek(ctx, key); err != nil {
		return t, err
	}
	if t.Variants != nil {
		own, joined := variantKeys(t.Variants, header)
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
		t.State = stateOf(s.local, basis)
		return t, nil
	}
	if t.State, err = s.shared.State(ctx, nil, basis); err != nil {
		return t, err
	}
	states, err := s.shared.ByMark(ctx, basis)
	if err != nil {
		return t, err
	}
	for i, state := range states {
		t.Marks = append(t.Marks, TheMark{basis.Marks[i].Scope, state})
	}
	return t, nil
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
