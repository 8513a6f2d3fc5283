package entries

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

// Put keeps an entry for a target, unless a purge came after the ticket was taken. The entry is complete but for its key, its variant and what it stands on. kept is false, with or
// without an error, when it is not kept.
//
// A live object is kept at once. An entry of a store of bytes waits for the store when Put returns, which waits for nothing itself, and then
// done, if it is not nil, is told what became of it: nil when it is stored, an error that matches [ErrMoot] when there was nothing to store
// any more, else why the store did not take it.
func (s *Store) Put(of *target.Target, e *response.Entry, t *Ticket, now time.Time, done func(error)) (kept bool, err error) {
	if t.err != nil {
		return false, t.err
	}
	of, declared := placed(of, e)
	e.Key, e.Basis = of.Key, t.Basis
	ttl := s.retention(e, now)
	if ttl <= 0 { // its time was over before its body was complete
		return false, nil
	}
	s.declare(of, declared, now.Add(ttl))
	defer func() {
		if kept && t.found != "" && t.found != of.Key { // it is no more what answers the target: of several, the most recent one is to (RFC 9111 §4)
			s.Remove(context.Background(), t.found)
		}
	}()
	if s.local != nil {
		return s.putObject(of, e, t, ttl, now)
	}
	if err := s.putBytes(of, e, t, now.Add(ttl), done); err != nil {
		return false, err
	}
	return true, nil
}

// retention returns for how long an entry is worth its room.
func (s *Store) retention(e *response.Entry, now time.Time) time.Duration {
	toValidate := time.Duration(0)
	if e.Validatable() {
		toValidate = s.keep
	}
	return e.Meta.Retention(now, toValidate)
}

func (s *Store) putObject(of *target.Target, e *response.Entry, t *Ticket, ttl time.Duration, now time.Time) (kept bool, err error) {
	if len(e.Meta.Vary) == 0 {
		return s.keepObject(e, ttl)
	}
	object, _ := s.objects.GetObject([]byte(of.Key), now)
	old, _ := object.(*response.Variants)
	if old != nil && s.state(&old.Basis) == purge.Gone {
		old = nil
	}
	variants, changed := selectBy(old, of, e, t.standing(), now.Add(ttl))
	if changed {
		s.objects.PutObject(of.Key, variants, variants.Size(), variants.Expires.Sub(now))
	}
	return s.keepObject(e, ttl)
}

// keepObject keeps an entry under its key. One that the driver does not keep is too large for it.
func (s *Store) keepObject(e *response.Entry, ttl time.Duration) (kept bool, err error) {
	if !s.holds(&e.Basis) {
		return false, nil
	}
	size := e.Size()
	if size > s.far.MaxValue(e.Key) && cap(e.Body) > len(e.Body) { // Room has promised room for the body alone
		e.Body = append(make([]byte, 0, len(e.Body)), e.Body...)
		size = e.Size()
	}
	if !s.objects.PutObject(e.Key, e, size, ttl) {
		return false, fmt.Errorf("a response that takes %d bytes in memory: %w", size, drivers.ErrTooLarge)
	}
	return true, nil
}

// standing is what the responses of all variants stand on: a purge of what one of them has tagged leaves the others.
func (t *Ticket) standing() purge.Basis {
	if t.bare != nil {
		return *t.bare
	}
	return t.Basis
}

// selectBy gives an entry that varies the key of its variant. The variants of one key are told apart by all the fields
// that any of them varies by, so that handlers whose Vary differs from response to response do not keep displacing one
// another's. changed tells whether the record of the fields has to be written.
func selectBy(old *response.Variants, of *target.Target, e *response.Entry, basis purge.Basis, expires time.Time) (v *response.Variants, changed bool) {
	v, changed = &response.Variants{Key: of.Key, Fields: e.Meta.Vary, Basis: basis, Expires: expires}, true
	if old != nil {
		v, changed = v.With(old)
	}
	e.Meta.Vary = v.Fields
	e.Variant = rfc9111.VariantKey(v.Fields, of.Header)
	e.Key = target.Variant(of.Key, e.Variant)
	return v, changed
}

// Room returns how many bytes of body the store takes with a response that has a draft: less than zero when none at all.
// It is math.MaxInt64 where the driver knows no limit.
func (s *Store) Room(of *target.Target, d *response.Draft, t *Ticket) int64 {
	key := of.For(response.ValuesOf(d.Fields, "No-Vary-Search"))
	if s.far.MaxValue(key) == math.MaxInt {
		return math.MaxInt64
	}
	if s.objects != nil {
		return s.roomForObject(key, d)
	}
	e := response.New(&response.Draft{Status: d.Status, Fields: slices.Clone(d.Fields), Meta: d.Meta})
	e.Key, e.Basis, e.Meta.Took = key, t.Basis, time.Hour // so far, and more than it takes
	if d.Coded {
		e.Content = strings.Repeat("x", response.ContentSize)
	}
	if len(e.Meta.Vary) > 0 { // its variant's key and digest are of a length that all of them have
		e.Variant = rfc9111.VariantKey(e.Meta.Vary, nil)
		e.Key = target.Variant(key, e.Variant)
	}
	const length = 8 + 8 // more bytes, at most, for the size of a body than for none, and for how early it is refreshed
	return int64(s.far.MaxValue(e.Key)) - int64(len(response.Encode(e))) - length
}

// roomForObject does what Room does for live objects, which weigh what they take in memory.
func (s *Store) roomForObject(key string, d *response.Draft) int64 {
	variant := ""
	if len(d.Meta.Vary) > 0 {
		variant = rfc9111.VariantKey(d.Meta.Vary, nil)
	}
	return int64(s.far.MaxValue(target.Variant(key, variant))) - int64(d.Size()+len(variant))
}
