package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/event"
)

// SetValues does what [drivers.BatchSetter] says: of a driver that is none, by one Set after the other. Where some of the values were not stored, the
// others are, and the error is a [Parts].
func (s *Store) SetValues(ctx context.Context, ttl time.Duration, keys []string, values [][]byte) error {
	on, parts := s.split(keys)
	if parts == nil {
		return s.setValuesOn(ctx, on, ttl, keys, values)
	}
	return sideBySide(parts, len(keys), func(p *part) error {
		some := make([][]byte, len(p.places))
		for i, place := range p.places {
			some[i] = values[place]
		}
		return s.setValuesOn(ctx, p.on, ttl, p.keys, some)
	})
}

// setValuesOn does what SetValues does, on one server.
func (s *Store) setValuesOn(ctx context.Context, on *breakers, ttl time.Duration, keys []string, values [][]byte) error {
	return s.run(ctx, on, event.Write, len(keys), func(ctx context.Context) (int, error) {
		return size(values), partsOf(s.setValues(ctx, ttl, keys, values))
	})
}

// setValues stores the values one after the other where the driver cannot store several.
func (s *Store) setValues(ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
	if s.setter != nil {
		return s.setter.SetValues(ctx, ttl, keys, values)
	}
	errs := make([]error, len(keys))
	for i, key := range keys {
		errs[i] = s.driver.Set(ctx, key, values[i], ttl)
	}
	return errs
}

// partsOf returns nil, or a [Parts] that has the error of each key. It says what the first of these says: one that is not of a value that is too
// large, if there is any, since that tells nothing of the store.
func partsOf(errs []error) error {
	failed := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if failed < 0 {
		return nil
	}
	if worse := slices.IndexFunc(errs, func(err error) bool { return err != nil && !errors.Is(err, drivers.ErrTooLarge) }); worse >= 0 {
		failed = worse
	}
	return &Parts{error: errs[failed], of: errs}
}

// Inserts tells whether the driver can insert.
func (s *Store) Inserts() bool { return s.inserter != nil }

// Insert does what [drivers.Inserter] says. A driver that is none is an error that matches [errors.ErrUnsupported].
func (s *Store) Insert(ctx context.Context, key string, value []byte, ttl time.Duration) (inserted bool, err error) {
	if s.inserter == nil {
		return false, fmt.Errorf("the driver cannot store a value only where there is none (it is no drivers.Inserter): %w", errors.ErrUnsupported)
	}
	err = s.run(ctx, s.at(key), event.Add, 1, func(ctx context.Context) (int, error) {
		inserted, err = s.inserter.Insert(ctx, key, value, ttl)
		if !inserted {
			return 0, err
		}
		return len(value), err
	})
	return inserted && err == nil, err
}
