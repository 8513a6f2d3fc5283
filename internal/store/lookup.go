package store

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/keys"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Get finds the stored response for a request. now is the caller's reading of the clock.
func (s *Responses) Get(ctx context.Context, target *keys.Target, request http.Header, now time.Time) Found {
	if s.objects == nil {
		return s.getBytes(ctx, target, request, now)
	}
	found := s.GetLocal([]byte(target.Key), request, now)
	if found.Key == "" {
		found.Key = target.Key
	}
	return found
}

// GetAgain does what Get does. The entry may then be handed to other requests that wait for it, as one that a fill has made: see
// Current.
func (s *Responses) GetAgain(ctx context.Context, target *keys.Target, request http.Header, now time.Time) Found {
	stamp := s.stamp(target)
	found := s.Get(ctx, target, request, now)
	if found.Entry != nil && s.objects == nil { // it was read for this caller alone
		found.Entry.Stamp = stamp
	}
	return found
}

// GetLocal does what Get does for live objects, by a key whose bytes it does not keep. The Key of what it found is empty where it
// is that one.
func (s *Responses) GetLocal(key []byte, request http.Header, now time.Time) Found {
	object, _ := s.objects.GetObject(key, now)
	switch stored := object.(type) {
	case *response.Entry:
		if stored.Key == string(key) && s.table.Holds(&stored.Stamp) {
			return Found{Entry: stored}
		}
	case *response.Variants:
		if stored.Key != string(key) || !s.table.Holds(&stored.Stamp) {
			break
		}
		own, joined := variantKeys(stored, request)
		for _, key := range []string{own, joined} {
			if key == "" {
				break
			}
			object, _ := s.objects.GetObject([]byte(key), now)
			if e, ok := object.(*response.Entry); ok && e.Key == key && s.table.Holds(&e.Stamp) {
				return Found{Entry: e, Key: key}
			}
		}
		return Found{Key: own, Why: rfc9111.ForwardVaryMiss}
	}
	return Found{Why: rfc9111.ForwardURIMiss}
}

// variantKeys returns the keys of the variants that answer a request: its own, and, where it has several lines of a field that
// may be joined to one, that of the request with those joined. It is empty where there is no such field.
func variantKeys(v *response.Variants, request http.Header) (own, joined string) {
	own = keys.Variant(v.Key, rfc9111.VariantKey(v.Fields, request))
	if variant := rfc9111.JoinedVariantKey(v.Fields, request); variant != "" {
		joined = keys.Variant(v.Key, variant)
	}
	return own, joined
}

func (s *Responses) getBytes(ctx context.Context, target *keys.Target, request http.Header, now time.Time) Found {
	ctx, cancel := s.far.Step(ctx)
	defer cancel()
	found := Found{Key: target.Key, Why: rfc9111.ForwardURIMiss}
	entry, variants, err := s.readMarked(ctx, &found, target)
	if err == nil && variants != nil {
		own, joined := variantKeys(variants, request)
		found.Key, found.Why = own, rfc9111.ForwardVaryMiss
		for _, key := range []string{own, joined} {
			if key == "" || entry != nil || err != nil {
				break
			}
			if entry, _, err = s.read(ctx, key); entry != nil && entry.Mark != variants.Mark {
				entry = nil
			}
			if entry != nil {
				found.Key = key
			}
		}
	}
	if err == nil && entry != nil && found.mark == "" {
		found.mark, err = s.mark(ctx, target)
	}
	if err != nil {
		found.Err = err
		return found
	}
	if entry != nil && found.mark != "" && entry.Mark == found.mark {
		found.Entry, found.Why = entry, ""
	}
	return found
}

// readMarked does what read does for the key of found, and notes the mark of the target where both take one round trip.
func (s *Responses) readMarked(ctx context.Context, found *Found, target *keys.Target) (*response.Entry, *response.Variants, error) {
	slots := slotsOf(target)
	if !s.far.Batches() || slices.ContainsFunc(slots, func(slot uint16) bool { return s.marks.owed(slot) > 0 }) {
		return s.read(ctx, found.Key)
	}
	wanted := append(make([]string, 0, 1+len(slots)), found.Key)
	for _, slot := range slots {
		wanted = append(wanted, keys.Mark(s.prefix, slot))
	}
	values, err := s.far.GetValues(ctx, wanted...)
	if err != nil || len(values) != len(wanted) {
		return nil, nil, err
	}
	if found.mark = string(values[1]); len(slots) > 1 {
		marks := make([]string, len(slots))
		for i := range marks {
			marks[i] = string(values[1+i])
		}
		found.mark = joinMarks(marks...)
	}
	entry, variants := decode(found.Key, values[0])
	return entry, variants, nil
}

// read returns what is stored under key: an entry, or what its variants depend on, or neither.
func (s *Responses) read(ctx context.Context, key string) (*response.Entry, *response.Variants, error) {
	item, err := s.far.Get(ctx, key)
	if errors.Is(err, drivers.ErrMiss) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	entry, variants := decode(key, item.Value)
	return entry, variants, nil
}

// decode reads what is stored under key. What is not ours, is of another version or belongs to another key is a miss, which
// the next fill mends.
func decode(key string, value []byte) (*response.Entry, *response.Variants) {
	entry, variants, err := response.Decode(value)
	if err != nil || entry != nil && entry.Key != key || variants != nil && variants.Key != key {
		return nil, nil
	}
	return entry, variants
}

// Matches tells whether an entry that another request's fill has just made answers this request too, as far as its
// selecting fields go.
func Matches(e *response.Entry, request http.Header) bool {
	return rfc9111.VariantKey(e.Meta.Vary, request) == e.Variant ||
		e.Variant != "" && rfc9111.JoinedVariantKey(e.Meta.Vary, request) == e.Variant
}
