package entries

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/target"
)

// putBytes has an entry wait for the store. From here on look-ups of this process find it, and judge it by the store's marks as if it had
// been stored: its scopes and their words are known since before its fill. What is named later than that would have to go through
// purge.Protocol.Name first.
func (s *Store) putBytes(of *target.Target, e *response.Entry, t *Ticket, expires time.Time, done func(error)) error {
	var record *response.Variants
	if len(e.Meta.Vary) > 0 {
		v, changed := selectBy(s.knownVariants(of.Key, t), of, e, t.standing(), expires)
		s.guesses.note(of.Key, v)
		if changed {
			record = v
		}
	}
	if most := s.far.MaxValue(e.Key); most < math.MaxInt {
		if size := response.EncodedSize(e); size > most {
			return fmt.Errorf("a response that takes %d bytes: %w", size, drivers.ErrTooLarge)
		}
	}
	size := int64(e.Size() + weight(e.Key))
	if record == nil {
		if err := s.queue.reserve(1, size); err != nil {
			return err
		}
	} else {
		beside := int64(record.Size() + weight(of.Key))
		if err := s.queue.reserve(2, size+beside); err != nil {
			return err
		}
		s.queue.add(write{key: of.Key, variants: record, size: beside, tells: t.replaces})
		s.near.replaced(of.Key)
	}
	s.queue.add(write{key: e.Key, entry: e, ticket: t.Ticket, size: size, done: done, tells: t.replaces})
	s.near.filled(e.Key)
	return nil
}

// knownVariants returns by what the responses of a key are told apart, as far as that is known without the store: as it waits for the
// store, or as it was when the fill began. It is nil where that may have been purged, or was found where the entry is not to be.
func (s *Store) knownVariants(key string, t *Ticket) *response.Variants {
	old := t.variants
	if w, ok := s.queue.find(key); ok {
		old = w.variants
	}
	if old == nil || old.Key != key || old.Basis.Place != t.Basis.Place || !old.Basis.Agrees(&t.Basis) {
		return nil
	}
	return old
}

// carry carries out a write that has waited.
func (s *Store) carry(ctx context.Context, w *write) (err error) {
	ctx, cancel := s.far.Step(ctx)
	defer cancel()
	stored, tells := false, w.tells || s.deletes.owed(w.key) > 0
	defer func() { // also when the driver panics
		if w.removes && !stored {
			err = errors.Join(err, s.delete(ctx, w.key))
		}
		if tells {
			_ = s.owed(s.shared.Replaced(ctx, w.key))
		}
	}()
	switch {
	case w.entry != nil:
		err = s.writeEntry(ctx, w)
	case w.variants != nil:
		err = s.writeVariants(ctx, w.variants)
	case w.declared != nil:
		err = s.writeDeclared(ctx, w.declared)
	default:
		return nil
	}
	stored = err == nil
	return err
}

// writeEntry stores an entry. One that turns out to be too large, or to have had its time, ends what it would have replaced.
func (s *Store) writeEntry(ctx context.Context, w *write) error {
	e := w.entry
	ttl := s.retention(e, time.Now())
	if ttl <= 0 {
		_ = s.delete(ctx, e.Key)
		return ErrMoot
	}
	kept, err := s.shared.Name(ctx, &w.ticket, nil, ttl) // has the marks live as long
	switch {
	case err != nil:
		return err
	case !kept:
		return ErrMoot
	}
	err = s.set(ctx, e.Key, response.Encode(e), ttl)
	if errors.Is(err, drivers.ErrTooLarge) {
		_ = s.delete(ctx, e.Key)
	}
	return err
}

// writeVariants stores by what the responses of a key are told apart, together with what another process has stored of that since.
func (s *Store) writeVariants(ctx context.Context, v *response.Variants) error {
	_, old, err := s.readStored(ctx, v.Key)
	if err != nil {
		return err
	}
	if old != nil && old.Basis.Place == v.Basis.Place && old.Basis.Agrees(&v.Basis) { // else it may have been purged
		var changed bool
		if v, changed = v.With(old); !changed {
			return nil
		}
	}
	ttl := time.Until(v.Expires)
	if ttl <= 0 {
		return ErrMoot
	}
	return s.set(ctx, v.Key, response.EncodeVariants(v), ttl)
}

// set stores a response, in place of one whose removal may be owed.
func (s *Store) set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return s.SetValue(ctx, key, value, ttl)
}

// Remove removes what is stored under key. What a store of bytes does not take is owed, like the removal of a value.
func (s *Store) Remove(ctx context.Context, key string) {
	if s.local != nil {
		_, _ = s.far.Delete(ctx, key) // it does not fail
		return
	}
	defer s.near.replaced(key)
	size := int64(weight(key))
	if s.queue.reserve(1, size) == nil || s.queue.claim(key, size) {
		s.queue.add(write{key: key, size: size, removes: true, tells: true})
		return
	}
	s.oweDelete(key) // nothing of the key is in the queue that could arrive behind it
}

// delete removes what is stored under key.
func (s *Store) delete(ctx context.Context, key string) error {
	owed := s.deletes.owed(key)
	_, err := s.far.Delete(ctx, key)
	switch {
	case err == nil:
		s.deletes.paid(key, owed)
	case !hopeless(err):
		s.log.Debug("cachette: a response was not removed yet", "error", err)
		s.oweDelete(key)
	}
	return err
}

// oweDelete notes that the removal of a response is owed. Where too much is owed it is given up: what the response may answer ends with its time.
func (s *Store) oweDelete(key string) {
	if s.deletes.owe(key, maxOwed) {
		s.startPaying()
	}
}

// Settle waits until what waits for the store has had its turn, and what is being coded is, or ctx ends, whose error it returns then.
func (s *Store) Settle(ctx context.Context) error {
	if s.queue != nil {
		if err := s.queue.settle(ctx); err != nil {
			return err
		}
	}
	return s.forms.settle(ctx)
}

// unqueue takes out what waits under a prefix that is about to be cleared, and returns how many responses these are. What is under way is not
// waited for: it is out of date when it arrives. What is remembered of records under it is forgotten.
func (s *Store) unqueue(prefix string) int {
	s.declared.forget()
	if s.queue == nil {
		return 0
	}
	return s.queue.drop(func(key string) bool { return strings.HasPrefix(key, prefix) }, ErrMoot)
}
