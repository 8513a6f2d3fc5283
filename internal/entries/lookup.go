package entries

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

// Get finds the stored response for a request. now is the caller's reading of the clock. The target's key is then the one where it was found, or
// where a fill is expected to be kept: what responses declare of the query has a say in that.
func (s *Store) Get(ctx context.Context, of *target.Target, now time.Time) Found {
	return s.search(ctx, of, now, s.near)
}

// Peek does what Get does for a person who asks: nothing is kept near this process for it.
func (s *Store) Peek(ctx context.Context, of *target.Target, now time.Time) Found {
	return s.search(ctx, of, now, nil)
}

// GetLive does what Get does for live objects, by a key whose bytes it does not keep. The Key of what it found is empty where it
// is that one. ok is false where there are none that may answer: the store has bytes alone, and near this process is none.
//
// Not all that is asked for may be answered by what is near. A near copy may be one that was purged a moment ago, of which this process has not heard
// yet. What is made of it behind the purge would be kept as if it were made of what there is since, in the store, for all.
func (s *Store) GetLive(key []byte, request http.Header, now time.Time) (found Found, ok bool) {
	switch {
	case s.local != nil:
		return getLive(s.objects, s.local, key, request, now), true
	case s.near != nil && s.near.tier.Answers(now):
		return getLive(s.near.Objects, s.near.tier.Purges(), key, request, now), true
	}
	return Found{}, false
}

func getLive(objects drivers.Objects, purges *purge.Local, key []byte, request http.Header, now time.Time) Found {
	object, _ := objects.GetObject(key, now)
	switch stored := object.(type) {
	case *response.Entry:
		if stored.Key == string(key) {
			if e := left(stored, stateOf(purges, &stored.Basis), now); e != nil {
				return Found{Entry: e}
			}
		}
	case *response.Variants:
		if stored.Key != string(key) || stateOf(purges, &stored.Basis) == purge.Gone {
			break
		}
		own, joined := variantKeys(stored, request)
		for _, key := range []string{own, joined} {
			if key == "" {
				break
			}
			object, _ := objects.GetObject([]byte(key), now)
			if e, ok := object.(*response.Entry); ok && e.Key == key {
				if e := left(e, stateOf(purges, &e.Basis), now); e != nil {
					return Found{Entry: e, Key: key}
				}
			}
		}
		return Found{Key: own, Why: rfc9111.ForwardVaryMiss}
	}
	return Found{Why: rfc9111.ForwardURIMiss}
}

// variantKeys returns the keys of the variants that answer a request: its own, and, where it has several lines of a field that
// may be joined to one, that of the request with those joined. It is empty where there is no such field.
func variantKeys(v *response.Variants, request http.Header) (own, joined string) {
	own = target.Variant(v.Key, rfc9111.VariantKey(v.Fields, request))
	if variant := rfc9111.JoinedVariantKey(v.Fields, request); variant != "" {
		joined = target.Variant(v.Key, variant)
	}
	return own, joined
}

// getBytes does what getAt does in a store of bytes. What it finds is offered to what keeps it near; nil for nothing.
func (s *Store) getBytes(ctx context.Context, of *target.Target, now time.Time, keeps *near, record string) Found {
	ctx, cancel := s.far.Step(ctx)
	defer cancel()
	page, reading := s.pageOf(of), keeps.begin(now)
	found := Found{Key: of.Key, Why: rfc9111.ForwardURIMiss, tags: s.standing.of(page)}
	found.look = s.shared.Look(append(scopesOf(nil, of), found.tags...)...)
	entry, variants, beside, err := s.readMarked(ctx, &found, of.Header, record)
	if err == nil && variants != nil {
		entry, err = s.variant(ctx, &found, variants, beside, of.Header, now)
	} else if err == nil && entry != nil {
		entry, err = s.valid(ctx, found.look, entry, now)
	}
	if err != nil {
		found.Err = err
	} else if entry != nil {
		found.Entry, found.Why = entry, ""
		if !entry.Basis.LateAre(found.tags) {
			s.standing.note(page, entry.Basis.Late())
		}
		keeps.offer(reading, entry, found.variants, now)
	}
	return found
}

// variant returns the variant that answers a request, if there is one, and notes what its fill is to be collapsed by.
func (s *Store) variant(ctx context.Context, found *Found, variants *response.Variants, beside guessed, request http.Header, now time.Time) (*response.Entry, error) {
	if state, err := s.shared.State(ctx, found.look, &variants.Basis); err != nil || state == purge.Gone {
		return nil, err
	}
	found.variants = variants
	own, joined := variantKeys(variants, request)
	found.Key, found.Why = own, rfc9111.ForwardVaryMiss
	for _, key := range []string{own, joined} {
		if key == "" {
			break
		}
		entry, err := beside.entry, error(nil)
		if key != beside.key {
			entry, _, err = s.read(ctx, key)
		}
		if err == nil && entry != nil {
			entry, err = s.valid(ctx, found.look, entry, now)
		}
		if err != nil {
			return nil, err
		}
		if entry != nil {
			found.Key = key
			return entry, nil
		}
	}
	return nil, nil
}

// valid returns what purges have left of an entry, by what the look-up has read where that tells. The hard marks are read where the entry is of
// use when it is stale.
func (s *Store) valid(ctx context.Context, look *purge.Look, entry *response.Entry, now time.Time) (*response.Entry, error) {
	if !entry.Lingers() {
		if holds, err := s.shared.Holds(ctx, look, &entry.Basis); err != nil || !holds {
			return nil, err
		}
		return entry, nil
	}
	state, err := s.shared.State(ctx, look, &entry.Basis)
	if err != nil {
		return nil, err
	}
	return left(entry, state, now), nil
}

// readMarked does what read does for the key of found, and has the look take the marks with it where both take one round trip, and the variant
// that the request will want, where that can be guessed, and the record of what was declared, unless that is empty.
func (s *Store) readMarked(ctx context.Context, found *Found, request http.Header, record string) (entry *response.Entry, variants *response.Variants, beside guessed, err error) {
	if entry, variants, ok := s.waiting(found.Key); ok {
		return entry, variants, guessed{}, nil // its marks are read by those who judge it
	}
	if !s.far.Batches() {
		entry, variants, err = s.readStored(ctx, found.Key)
		if record != "" && entry == nil && err == nil {
			found.declared, err = s.getDeclared(ctx, record)
		}
		return entry, variants, guessed{}, err
	}
	keys, guess := found.look.KeysBehind(found.Key), s.guesses.variant(found.Key, request)
	if found.declared = s.declares(record); found.declared != nil {
		record = ""
	}
	if record != "" {
		keys = append(keys[:len(keys):len(keys)], record)
	}
	waits := false
	if guess != "" {
		beside.key = guess
		if beside.entry, _, waits = s.waiting(guess); !waits {
			keys = append(keys[:len(keys):len(keys)], guess) // behind the marks
		}
	}
	values, err := s.far.GetTogether(ctx, keys...)
	if err != nil || len(values) != len(keys) {
		return nil, nil, guessed{}, err
	}
	if last := len(values) - 1; guess != "" && !waits {
		beside.entry, _ = s.memo.decode(guess, values[last])
		values = values[:last]
	}
	if last := len(values) - 1; record != "" {
		found.declared = s.readDeclared(record, values[last])
		values = values[:last]
	}
	found.look.Read(texts(values[1:]))
	entry, variants = s.memo.decode(found.Key, values[0])
	if variants != nil || guess != "" {
		s.guesses.note(found.Key, variants)
	}
	return entry, variants, beside, nil
}

// read returns what is stored under key, or waits to be: an entry, or what its variants depend on, or neither.
func (s *Store) read(ctx context.Context, key string) (*response.Entry, *response.Variants, error) {
	if entry, variants, ok := s.waiting(key); ok {
		return entry, variants, nil
	}
	return s.readStored(ctx, key)
}

// waiting returns what waits to be stored under key. ok is true with neither an entry nor variants where it is to be removed. It is asked
// before the store: what does not wait any more is stored.
func (s *Store) waiting(key string) (entry *response.Entry, variants *response.Variants, ok bool) {
	if w, ok := s.queue.find(key); ok {
		return w.entry, w.variants, true
	}
	return nil, nil, s.deletes.owed(key) > 0
}

// readStored does what read does, of the store alone.
func (s *Store) readStored(ctx context.Context, key string) (*response.Entry, *response.Variants, error) {
	item, err := s.far.Get(ctx, key)
	if errors.Is(err, drivers.ErrMiss) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	entry, variants := s.memo.decode(key, item.Value)
	return entry, variants, nil
}

// Matches tells whether an entry that another request's fill has just made answers a request for a target too, as far as its
// selecting fields and what it declares of the query go.
func Matches(e *response.Entry, of *target.Target) bool {
	return Selects(e.Meta.Vary, e.Variant, of.Header) && e.Page() == of.For(e.Declares())
}

// Selects tells whether a request has the selecting fields of a variant, which vary names.
func Selects(vary []string, variant string, request http.Header) bool {
	return rfc9111.VariantKey(vary, request) == variant ||
		variant != "" && rfc9111.JoinedVariantKey(vary, request) == variant
}
