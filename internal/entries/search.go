package entries

import (
	"context"
	"errors"
	"hash/maphash"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/target"
)

// A response that declares in what queries may differ (No-Vary-Search) is kept where all that it answers look for it: see target.Variation. What was
// declared last for a path stands in a record of its own, which tells others where to look. It is no more than that: what is found there was
// declared by what is found. So it stands on no purge, and may be lost.

// search finds what is stored for a target, at its own key or where what was declared leads to. It leaves in the target the key to which it has come,
// and what it has learnt of what is declared.
func (s *Store) search(ctx context.Context, of *target.Target, now time.Time, keeps *near) Found {
	if of.Search.Path == "" {
		return s.getAt(ctx, of, now, keeps, "")
	}
	last, under := of.Search.Last, Found{}
	if last.Declares() { // as a rule it is there, and nothing else is asked
		of.Key = of.Under(last)
		if under = s.getAt(ctx, of, now, keeps, ""); under.Entry != nil || under.Err != nil {
			return under
		}
	}
	record := of.Search.Declared()
	if last == target.Undeclared { // as of most routes: their hits are not to pay for others
		record = ""
	}
	of.Key = of.Under(nil)
	found := s.getAt(ctx, of, now, keeps, record)
	switch declared := found.declared; {
	case found.Entry != nil && last == nil:
		of.Search.Last = target.Undeclared
		return found
	case found.Entry != nil || found.Err != nil:
		return found
	case declared != nil && !declared.Equal(last):
		of.Search.Last, of.Key = declared, of.Under(declared)
		return s.getAt(ctx, of, now, keeps, "")
	case last.Declares(): // it is where a fill is to be collapsed
		of.Key = of.Under(last)
		return under
	}
	return found
}

// Declared returns what a response for the path of a target has declared last of the query, by its record; nil for nothing. It is for stores of bytes.
func (s *Store) Declared(ctx context.Context, of *target.Target) (*target.Variation, error) {
	if of.Search.Path == "" {
		return nil, nil
	}
	return s.getDeclared(ctx, of.Search.Declared())
}

// getAt finds what is stored under the key of a target, and reads the record of what was declared, unless that is empty.
func (s *Store) getAt(ctx context.Context, of *target.Target, now time.Time, keeps *near, record string) Found {
	if s.local == nil {
		return s.getBytes(ctx, of, now, keeps, record)
	}
	found := getLive(s.objects, s.local, []byte(of.Key), of.Header, now)
	if found.Key == "" {
		found.Key = of.Key
	}
	if record != "" && found.Entry == nil {
		object, _ := s.objects.GetObject([]byte(record), now)
		if d, ok := object.(*response.Declared); ok && d.Key == record {
			found.declared = s.declared.of(d)
		}
	}
	return found
}

// placed returns a target as that of an entry which is to be kept for it, and what the entry declares; nil where that does not count.
func placed(of *target.Target, e *response.Entry) (at *target.Target, declared *target.Variation) {
	if of.Search.Path == "" {
		return of, nil
	}
	declared = target.VariationOf(e.Declares())
	key := of.Under(declared)
	if key == of.Key {
		return of, declared
	}
	own := *of
	own.Key = key
	return &own, declared
}

// declare notes what was declared last for a path, for longer than what has declared it is kept, so that not each fill has to.
func (s *Store) declare(of *target.Target, declared *target.Variation, expires time.Time) {
	key := of.Search.Declared()
	if declared == nil || s.declared.knows(key, declared, expires) {
		return
	}
	now := time.Now()
	d := &response.Declared{Key: strings.Clone(key), Search: declared.String(), Expires: expires.Add(expires.Sub(now))}
	if s.objects != nil {
		s.objects.PutObject(d.Key, d, d.Size(), d.Expires.Sub(now))
	} else if size := int64(d.Size() + weight(key)); s.queue.reserve(1, size) == nil {
		s.queue.add(write{key: d.Key, declared: d, size: size})
	} else {
		return
	}
	s.declared.note(d, declared)
}

// writeDeclared stores what was declared.
func (s *Store) writeDeclared(ctx context.Context, d *response.Declared) error {
	ttl := time.Until(d.Expires)
	if ttl <= 0 {
		return ErrMoot
	}
	return s.set(ctx, d.Key, response.EncodeDeclared(d), ttl)
}

// readDeclared returns what was declared last, by what the store has under a key.
func (s *Store) readDeclared(key string, value []byte) *target.Variation {
	if d := response.DecodeDeclared(key, value); d != nil {
		return s.declared.of(d)
	}
	return nil
}

// declares returns what a record says that waits for the store; nil where none does.
func (s *Store) declares(key string) *target.Variation {
	if w, ok := s.queue.find(key); ok && w.declared != nil {
		return s.declared.of(w.declared)
	}
	return nil
}

// getDeclared does what readDeclared does for a store that reads one key at a time.
func (s *Store) getDeclared(ctx context.Context, key string) (*target.Variation, error) {
	if waits := s.declares(key); waits != nil {
		return waits, nil
	}
	item, err := s.far.Get(ctx, key)
	if errors.Is(err, drivers.ErrMiss) {
		return nil, nil
	}
	return s.readDeclared(key, item.Value), err
}

// declarations remember what was declared last for some paths.
type declarations [guessSlots]atomic.Pointer[declaration]

type declaration struct {
	record    *response.Declared
	variation *target.Variation
}

func (d *declarations) slot(key string) *atomic.Pointer[declaration] {
	return &d[maphash.String(guessSeed, key)%guessSlots]
}

// of returns what a record says.
func (d *declarations) of(r *response.Declared) *target.Variation {
	if known := d.slot(r.Key).Load(); known != nil && known.record.Key == r.Key && known.record.Search == r.Search && known.record.Expires.Equal(r.Expires) {
		return known.variation
	}
	v := target.VariationOf([]string{r.Search})
	d.note(r, v)
	return v
}

func (d *declarations) note(r *response.Declared, v *target.Variation) {
	if len(r.Key)+len(r.Search) <= 2*longestKey {
		d.slot(r.Key).Store(&declaration{r, v})
	}
}

// forget forgets the records, which are about to be gone.
func (d *declarations) forget() {
	for i := range d {
		d[i].Store(nil)
	}
}

// knows tells whether it is remembered that this was declared last, in a record that lasts.
func (d *declarations) knows(key string, v *target.Variation, expires time.Time) bool {
	known := d.slot(key).Load()
	return known != nil && known.record.Key == key && known.variation.Equal(v) && !known.record.Expires.Before(expires)
}
