package guard

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/event"
)

// Add does what [drivers.Adder] says. For a driver that is none, Get and Set stand in, and promise less: of several that add a value
// under one key at once, those but the last may return one that is replaced. A life that is too short is not lengthened, but
// another value takes the place of that one, so it is a long one. Either makes nothing valid that was purged, and costs misses. Only a driver whose
// Set is repeated behind its caller's back, with the same value, can bring a value back.
//
// Where a server of several has failed, the values of the others are there, with a [Parts].
func (s *Store) Add(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) (values [][]byte, err error) {
	on, parts := s.split(keys)
	if parts != nil {
		return s.addParts(ctx, ttl, word, len(keys), parts)
	}
	return s.addTo(ctx, on, ttl, word, keys)
}

func (s *Store) addParts(ctx context.Context, ttl time.Duration, word func() []byte, keys int, parts []part) ([][]byte, error) {
	values := make([][]byte, keys)
	err := sideBySide(parts, keys, func(p *part) error {
		some, err := s.addTo(ctx, p.on, ttl, word, p.keys)
		if err == nil {
			p.put(values, some)
		}
		return err
	})
	return values, err
}

// addTo does what Add does, on one server.
func (s *Store) addTo(ctx context.Context, on *breakers, ttl time.Duration, word func() []byte, keys []string) (values [][]byte, err error) {
	if s.adder != nil {
		err = s.run(ctx, on, event.Add, len(keys), func(ctx context.Context) (int, error) {
			values, err = s.adder.Add(ctx, ttl, word, keys...)
			return size(values), err
		})
		return values, err
	}
	values = make([][]byte, len(keys))
	for i, key := range keys {
		if values[i], err = s.addBySet(ctx, ttl, word, key); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// Adds tells whether the driver can add. Else what is added lives for long.
func (s *Store) Adds() bool { return s.adder != nil }

// longLife is for how long at least a value is added that cannot be made to live longer.
const longLife = 90 * 24 * time.Hour

// addBySet adds a value by Set, and reads what is there then: another may have added one at the same time.
func (s *Store) addBySet(ctx context.Context, ttl time.Duration, word func() []byte, key string) ([]byte, error) {
	item, err := s.Get(ctx, key)
	if err == nil && time.Until(item.ExpiresAt) >= ttl/2 {
		return item.Value, nil
	}
	if err != nil && !errors.Is(err, drivers.ErrMiss) {
		return nil, err
	}
	value := word()
	if err := s.Set(ctx, key, value, max(ttl, longLife)); err != nil {
		return nil, err
	}
	item, err = s.Get(ctx, key)
	if errors.Is(err, drivers.ErrMiss) { // it was there
		return value, nil
	}
	return item.Value, err
}

// Logs tells whether the driver keeps logs. Append, End and Since are for one that does.
func (s *Store) Logs() bool { return s.logs != nil }

// Append does what [drivers.Log] says.
func (s *Store) Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
	return s.run(ctx, s.at(key), event.Append, 1, func(ctx context.Context) (int, error) {
		return size(records), s.logs.Append(ctx, key, keep, ttl, records...)
	})
}

// Purge does what [drivers.Purger] says, also of keys on other servers than the log's. For a driver that is none, Append and Delete stand in.
func (s *Store) Purge(ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
	on := s.at(key)
	if s.purger == nil || slices.ContainsFunc(keys, func(key string) bool { return s.at(key) != on }) {
		if err := s.Append(ctx, key, keep, ttl, records...); err != nil {
			return err
		}
		_, err := s.Delete(ctx, keys...)
		return err
	}
	return s.run(ctx, on, event.Append, 1+len(keys), func(ctx context.Context) (int, error) {
		return size(records), s.purger.Purge(ctx, key, keep, ttl, records, keys...)
	})
}

// End does what [drivers.Log] says. It may begin the log, so it counts as a write.
func (s *Store) End(ctx context.Context, key string, ttl time.Duration) (end drivers.Position, err error) {
	err = s.run(ctx, s.at(key), event.Append, 1, func(ctx context.Context) (int, error) {
		end, err = s.logs.End(ctx, key, ttl)
		return 0, err
	})
	return end, err
}

// Since does what [drivers.Log] says.
func (s *Store) Since(ctx context.Context, key string, from drivers.Position) (records [][]byte, end drivers.Position, complete bool, err error) {
	err = s.run(ctx, s.at(key), event.Read, 1, func(ctx context.Context) (int, error) {
		records, end, complete, err = s.logs.Since(ctx, key, from)
		return size(records), err
	})
	return records, end, complete, err
}

// Waits tells whether the driver tells when records come. Wait is for one that does.
func (s *Store) Waits() bool { return s.waiter != nil }

// Wait does what [drivers.Waiter] says. It is bounded by ctx alone, and is no operation by which a store is judged or counted: how long it takes says
// when records come, and what waits may fail, or be forbidden, where all else works. A panic of the driver is an error: no request waits, which
// would recover it.
func (s *Store) Wait(ctx context.Context, key string, from drivers.Position) (err error) {
	if err = Contained(func() error { return s.waiter.Wait(ctx, key, from) }); err != nil {
		err = s.at(key).named(err)
	}
	return err
}
