// Package store keeps responses in a driver: it finds the one that matches a request, keeps the ones that fills make, and
// makes purges hold.
//
// A driver that keeps live objects holds the entries as they are; any other holds their bytes. A store that is slow or
// dead costs a request the operation timeout at most, and after a few failures in a row nothing, until it answers again.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/bounded"
	"github.com/gin-cachette/cachette/internal/keys"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Responses are the responses of one cache.
type Responses struct {
	driver  drivers.Driver
	objects drivers.Objects // nil where the driver keeps bytes only
	batch   drivers.Batch   // nil where it reads one key at a time
	limited drivers.Limited // nil where it takes values of any size
	prefix  string
	timeout time.Duration
	keep    time.Duration // how long a response with a validator is kept stale
	log     *slog.Logger
	table   *purge.Table
	reads   breaker
	writes  breaker
	marks   marks
	deletes ledger[string] // of values
	clears  ledger[string] // of what has a prefix
	paying  paying

	failures atomic.Uint64
}

// Options are what Responses are made of.
type Options struct {
	Driver    drivers.Driver
	Prefix    string        // of all keys
	Timeout   time.Duration // bounds each operation on a driver that may block
	KeepStale time.Duration // how long a response is kept beyond its freshness, if it has a validator
	Log       *slog.Logger
}

// New returns the responses that a driver keeps.
func New(o Options) *Responses {
	driver, log := o.Driver, o.Log
	s := &Responses{driver: driver, prefix: o.Prefix, timeout: o.Timeout, keep: o.KeepStale, log: log, table: purge.NewTable()}
	s.objects, _ = driver.(drivers.Objects)
	s.batch, _ = driver.(drivers.Batch)
	s.limited, _ = driver.(drivers.Limited)
	s.reads = breaker{log: log, what: "reads"}
	s.writes = breaker{log: log, what: "writes"}
	s.deletes.weigh, s.clears.weigh = weight, weight
	return s
}

// Found is what a lookup found.
type Found struct {
	Entry *response.Entry // nil when nothing matches
	Key   string          // what the request's fill is to be collapsed by: the key, with the variant where one is known
	Why   rfc9111.Forward // without an Entry: why there is none
	Err   error           // the store did not answer

	mark string // the path's, where the lookup has read it; empty for none
}

// Ticket is the state of the purges at the beginning of a fill. What the fill makes is never served if a purge came
// after it was taken.
type Ticket struct {
	stamp purge.Stamp
	mark  string
	err   error // the store did not answer: nothing can be kept
}

// Usable tells whether what the fill makes can be kept at all.
func (t *Ticket) Usable() bool { return t.err == nil }

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

// Local tells whether responses are live objects in this process.
func (s *Responses) Local() bool { return s.objects != nil }

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

// stamp returns the state of this process's purges of a target.
func (s *Responses) stamp(target *keys.Target) purge.Stamp {
	return s.table.Stamp(target.Path, target.Came, target.Namespaces)
}

// Current tells whether nothing that concerns an entry for a target was purged since its fill began. Who waited for a fill
// may have come after a purge that the fill has not seen.
func (s *Responses) Current(ctx context.Context, e *response.Entry, target *keys.Target) bool {
	return s.unpurged(ctx, &e.Stamp, e.Mark, target)
}

// Outdated tells whether an entry that was found before a ticket was taken had been purged by then. In a store of bytes the
// ticket has the mark that was found with the entry, so that what is made of it is none to serve.
func (s *Responses) Outdated(e *response.Entry) bool {
	return s.objects != nil && !s.table.Holds(&e.Stamp)
}

// StandsIn tells whether an entry that was found before a fill may stand in for what the fill makes: nothing that concerns
// either was purged, also not between the two.
func (s *Responses) StandsIn(ctx context.Context, e *response.Entry, t Ticket, target *keys.Target) bool {
	return !s.Outdated(e) && t.err == nil && s.unpurged(ctx, &t.stamp, t.mark, target)
}

// unpurged tells whether the purges of a target are still as they were when stamp and mark were taken.
func (s *Responses) unpurged(ctx context.Context, stamp *purge.Stamp, mark string, target *keys.Target) bool {
	if !s.table.Holds(stamp) {
		return false
	}
	if s.objects != nil {
		return true
	}
	ctx, cancel := s.within(ctx)
	defer cancel()
	now, err := s.mark(ctx, target)
	return err == nil && now != "" && now == mark
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
	ctx, cancel := s.within(ctx)
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
	if s.batch == nil || slices.ContainsFunc(slots, func(slot uint16) bool { return s.marks.owed(slot) > 0 }) {
		return s.read(ctx, found.Key)
	}
	wanted := append(make([]string, 0, 1+len(slots)), found.Key)
	for _, slot := range slots {
		wanted = append(wanted, keys.Mark(s.prefix, slot))
	}
	var values [][]byte
	err := s.try(ctx, &s.reads, func() (err error) {
		values, err = s.batch.GetValues(ctx, wanted...)
		return err
	})
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
	item, err := s.get(ctx, key)
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

// get reads one key.
func (s *Responses) get(ctx context.Context, key string) (item drivers.Item, err error) {
	err = s.try(ctx, &s.reads, func() error {
		item, err = s.driver.Get(ctx, key)
		return err
	})
	return item, err
}

// within bounds by the operation timeout all that one step of a request asks of the store.
func (s *Responses) within(ctx context.Context) (context.Context, context.CancelFunc) {
	c := bounded.New(ctx, s.timeout)
	return c, c.Cancel
}

// slow tells whether a context of within's was ended by the operation timeout, and not by its request.
func slow(ctx context.Context) bool {
	c, ok := ctx.(*bounded.Context)
	return ok && c.Expired()
}

// try runs one operation of the driver, unless those of its kind have been failing. ctx is one of within's.
func (s *Responses) try(ctx context.Context, kind *breaker, operation func() error) error {
	if !kind.allow() {
		return errUnavailable
	}
	return s.attempt(ctx, kind, operation)
}

// attempt does what try does, whether or not operations of the kind have been failing.
func (s *Responses) attempt(ctx context.Context, kind *breaker, operation func() error) error {
	err := operation()
	switch {
	case err == nil, errors.Is(err, drivers.ErrMiss), errors.Is(err, drivers.ErrTooLarge):
		kind.succeeded()
	case ctx.Err() != nil && !slow(ctx): // the client left, or has no time left
		kind.undecided()
	default:
		s.failures.Add(1)
		kind.failed(err)
	}
	return err
}

// Failures returns how many operations have failed.
func (s *Responses) Failures() uint64 { return s.failures.Load() }

// Begin takes a ticket for a fill. It must be taken before the handler runs. found is what the lookup before it found.
func (s *Responses) Begin(ctx context.Context, found *Found, target *keys.Target) Ticket {
	if found.Err != nil { // it has held up the request once, and would again
		return Ticket{err: found.Err}
	}
	t := Ticket{stamp: s.stamp(target)}
	if s.objects != nil {
		return t
	}
	if found.mark != "" { // if it has been replaced since, what the fill makes is out of date, as it may well be
		t.mark = found.mark
		return t
	}
	ctx, cancel := s.within(ctx)
	defer cancel()
	t.mark, t.err = s.ensureMark(ctx, target)
	return t
}

// Put keeps an entry under key, which is the request's key without a variant, unless a purge came after the ticket was
// taken. The entry is complete but for its key, its variant and the marks of the ticket. kept is false, with or
// without an error, when it is not kept.
func (s *Responses) Put(ctx context.Context, key string, e *response.Entry, request http.Header, t Ticket, now time.Time) (kept bool, err error) {
	if t.err != nil {
		return false, t.err
	}
	e.Key, e.Stamp, e.Mark = key, t.stamp, t.mark
	toValidate := time.Duration(0)
	if e.Validatable() {
		toValidate = s.keep
	}
	ttl := e.Meta.Retention(now, toValidate)
	if ttl <= 0 { // its time was over before its body was complete
		return false, nil
	}
	if s.objects != nil {
		return s.putObject(key, e, request, t, ttl, now)
	}
	ctx = context.WithoutCancel(ctx) // the client may leave now
	if !s.table.Holds(&t.stamp) {
		return false, nil
	}
	ctx, cancel := s.within(ctx)
	defer cancel()
	if err := s.putBytes(ctx, key, e, request, t, ttl, now); err != nil {
		return false, err
	}
	return true, nil
}

func (s *Responses) putObject(key string, e *response.Entry, request http.Header, t Ticket, ttl time.Duration, now time.Time) (kept bool, err error) {
	if len(e.Meta.Vary) == 0 {
		return s.keepObject(e, t, ttl)
	}
	object, _ := s.objects.GetObject([]byte(key), now)
	old, _ := object.(*response.Variants)
	if old != nil && !s.table.Holds(&old.Stamp) {
		old = nil
	}
	variants, changed := s.selectBy(old, key, e, request, t, now.Add(ttl))
	if changed {
		s.objects.PutObject(key, variants, variants.Size(), variants.Expires.Sub(now))
	}
	return s.keepObject(e, t, ttl)
}

// keepObject keeps an entry under its key. One that the driver does not keep is too large for it.
func (s *Responses) keepObject(e *response.Entry, t Ticket, ttl time.Duration) (kept bool, err error) {
	if !s.table.Holds(&t.stamp) {
		return false, nil
	}
	size := e.Size()
	if s.limited != nil && size > s.limited.MaxValue(e.Key) && cap(e.Body) > len(e.Body) { // Room has promised room for the body alone
		e.Body = append(make([]byte, 0, len(e.Body)), e.Body...)
		size = e.Size()
	}
	if !s.objects.PutObject(e.Key, e, size, ttl) {
		return false, fmt.Errorf("a response that takes %d bytes in memory: %w", size, drivers.ErrTooLarge)
	}
	return true, nil
}

func (s *Responses) putBytes(ctx context.Context, key string, e *response.Entry, request http.Header, t Ticket, ttl time.Duration, now time.Time) error {
	if len(e.Meta.Vary) > 0 {
		_, old, err := s.read(ctx, key)
		if err != nil {
			return err
		}
		if old != nil && old.Mark != t.mark {
			old = nil
		}
		variants, changed := s.selectBy(old, key, e, request, t, now.Add(ttl))
		if changed {
			if err := s.set(ctx, key, response.EncodeVariants(variants), variants.Expires.Sub(now)); err != nil {
				return err
			}
		}
	}
	return s.set(ctx, e.Key, response.Encode(e), ttl)
}

// selectBy gives an entry that varies the key of its variant. The variants of one key are told apart by all the fields
// that any of them varies by, so that handlers whose Vary differs from response to response do not keep displacing one
// another's. changed tells whether the record of the fields has to be written.
func (s *Responses) selectBy(old *response.Variants, key string, e *response.Entry, request http.Header, t Ticket, expires time.Time) (v *response.Variants, changed bool) {
	v = &response.Variants{Key: key, Fields: e.Meta.Vary, Stamp: t.stamp, Mark: t.mark, Expires: expires}
	if old != nil {
		v.Fields = slices.Concat(old.Fields, e.Meta.Vary)
		slices.Sort(v.Fields)
		v.Fields = slices.Compact(v.Fields)
		if old.Expires.After(expires) {
			v.Expires = old.Expires
		}
	}
	e.Meta.Vary = v.Fields
	e.Variant = rfc9111.VariantKey(v.Fields, request)
	e.Key = keys.Variant(key, e.Variant)
	return v, old == nil || v.Expires.After(old.Expires) || !slices.Equal(v.Fields, old.Fields)
}

func (s *Responses) set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return s.try(ctx, &s.writes, func() error { return s.driver.Set(ctx, key, value, ttl) })
}

// Room returns how many bytes of body the store takes with a response that has a draft: less than zero when none at all.
// It is math.MaxInt64 where the driver knows no limit.
func (s *Responses) Room(key string, d *response.Draft, t Ticket) int64 {
	if s.limited == nil {
		return math.MaxInt64
	}
	if s.objects != nil {
		return s.roomForObject(key, d)
	}
	e := response.New(&response.Draft{Status: d.Status, Fields: slices.Clone(d.Fields), Meta: d.Meta})
	e.Key, e.Mark = key, t.mark
	if len(e.Meta.Vary) > 0 { // its variant's key and digest are of a length that all of them have
		e.Variant = rfc9111.VariantKey(e.Meta.Vary, nil)
		e.Key = keys.Variant(key, e.Variant)
	}
	const length = 8 // more bytes, at most, for the size of a body than for none
	return int64(s.limited.MaxValue(e.Key)) - int64(len(response.Encode(e))) - length
}

// roomForObject does what Room does for live objects, which weigh what they take in memory.
func (s *Responses) roomForObject(key string, d *response.Draft) int64 {
	const made = 300 // more bytes than the Date and the ETag take that an entry gets if it has none
	e := response.Entry{Key: key, Fields: d.Fields, Meta: d.Meta}
	if len(e.Meta.Vary) > 0 {
		e.Variant = rfc9111.VariantKey(e.Meta.Vary, nil)
		e.Key = keys.Variant(key, e.Variant)
	}
	return int64(s.limited.MaxValue(e.Key)) - int64(e.Size()) - made
}

// Remove removes what is stored under key, on a best effort: what cannot be removed is stale before long.
func (s *Responses) Remove(ctx context.Context, key string) {
	ctx, cancel := s.within(ctx)
	defer cancel()
	err := s.try(ctx, &s.writes, func() error {
		_, err := s.driver.Delete(ctx, key)
		return err
	})
	if err != nil {
		s.log.Debug("cachette: a response was not removed", "error", err)
	}
}

// Matches tells whether an entry that another request's fill has just made answers this request too, as far as its
// selecting fields go.
func Matches(e *response.Entry, request http.Header) bool {
	return rfc9111.VariantKey(e.Meta.Vary, request) == e.Variant ||
		e.Variant != "" && rfc9111.JoinedVariantKey(e.Meta.Vary, request) == e.Variant
}

// PurgePath makes sure that nothing that is stored for path, or whose fill has begun, is ever served again.
func (s *Responses) PurgePath(ctx context.Context, path string) error {
	s.table.Path(path)
	return s.purgeMark(ctx, path, func(ctx context.Context, slot uint16) error {
		_, err := s.replaceMark(ctx, slot)
		return err
	})
}

// PurgeOwn does what PurgePath does, for a request that changes the path and whose own response, made behind the change, is to
// be kept: its ticket goes on holding, unless another request has purged the target since it was taken.
func (s *Responses) PurgeOwn(ctx context.Context, path string, t *Ticket, target *keys.Target) error {
	s.table.PathBy(&t.stamp, path)
	return s.purgeMark(ctx, path, func(ctx context.Context, slot uint16) error { return s.replaceOwnMark(ctx, slot, t, target) })
}

// purgeMark has a path's mark replaced, where the store is one that other processes have, too.
func (s *Responses) purgeMark(ctx context.Context, path string, replace func(context.Context, uint16) error) error {
	if s.objects != nil {
		return nil
	}
	ctx, cancel := s.within(ctx)
	defer cancel()
	if err := replace(ctx, markSlot(path)); err != nil {
		return owedError{err}
	}
	return nil
}

// ClearNamespace removes the values and responses of a namespace and returns how many were live. Nothing whose fill has
// begun, in whatever process, is served either. If the store does not answer, that is owed.
func (s *Responses) ClearNamespace(ctx context.Context, namespace string) (int, error) {
	s.table.Namespace(namespace)
	prefix := keys.Namespace(s.prefix, namespace)
	if s.objects == nil {
		within, cancel := s.within(ctx)
		_, err := s.replaceMark(within, namespaceSlot(namespace))
		cancel()
		if err != nil {
			return 0, s.oweClear(prefix, err)
		}
	}
	return s.clear(ctx, prefix)
}

// Flush removes all that the cache wrote under its prefix. If the store does not answer, that is owed, and first of all the purge
// of every response, which is carried out sooner.
func (s *Responses) Flush(ctx context.Context) error {
	s.table.All()
	err := s.flush(ctx)
	if err == nil {
		return nil
	}
	s.oweMarks()
	s.startPaying()
	return s.oweClear(s.prefix, err)
}

// flush clears all of the cache, which pays for all that was owed before it.
func (s *Responses) flush(ctx context.Context) error {
	marks, deletes, clears := s.marks.count(), s.deletes.count(), s.clears.count()
	_, err := s.driver.Clear(ctx, s.prefix)
	if err == nil {
		s.marks.forget(marks)
		s.deletes.forget(deletes)
		s.clears.forget(clears)
	}
	return err
}
