package drivertest_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

func (d *fake) SetValues(ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
	return d.sets(ctx, ttl, keys, values)
}

func (d *fake) Insert(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	return d.inserts(ctx, key, value, ttl)
}

func (d *fake) correctSets(ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
	errs := make([]error, len(keys))
	for i, key := range keys {
		errs[i] = d.correctSet(ctx, key, values[i], ttl)
	}
	return errs
}

func (d *fake) correctInsert(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	if err := d.enter(ctx); err != nil {
		return false, err
	}
	defer d.mu.Unlock()
	if ttl <= 0 {
		return false, errors.New("the ttl is not positive")
	}
	if len(value) > d.correctLimit(key) {
		return false, drivers.ErrTooLarge
	}
	key = d.key(key)
	if e := d.entries[key]; e.live(time.Now()) && !e.isObject && e.log == nil {
		return false, nil
	}
	d.entries[key] = entry{value: d.given(value), expiresAt: time.Now().Add(d.ttl(ttl))}
	return true, nil
}

// setsBy has a fake store several values in another way.
func setsBy(set func(d *fake, ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error) func(*fake) {
	return func(d *fake) {
		d.sets = func(ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
			return set(d, ctx, ttl, keys, values)
		}
	}
}

// insertsBy has a fake insert in another way.
func insertsBy(insert func(d *fake, ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error)) func(*fake) {
	return func(d *fake) {
		d.inserts = func(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
			return insert(d, ctx, key, value, ttl)
		}
	}
}

// manyDefects are those of drivers.BatchSetter and drivers.Inserter.
var manyDefects = map[string]defect{
	"SetsSorted": {"BatchSetter/InTheirOrder", setsBy(func(d *fake, ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
		return d.correctSets(ctx, ttl, slices.Sorted(slices.Values(keys)), values)
	})},
	"SetsNothingThere": {"BatchSetter/InTheirOrder", setsBy(func(d *fake, ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
		for i, key := range keys {
			_, _ = d.correctInsert(ctx, key, values[i], ttl)
		}
		return nil
	})},
	"SetsAHundred": {"BatchSetter/Many", setsBy(func(d *fake, ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
		n := min(len(keys), 100)
		return slices.Concat(d.correctSets(ctx, ttl, keys[:n], values), make([]error, len(keys)-n))
	})},
	"SetsAMebibyte": {"BatchSetter/Large", setsBy(func(d *fake, ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
		size := 0
		for i, key := range keys {
			if size += len(values[i]); size <= 1<<20 {
				_ = d.correctSet(ctx, key, values[i], ttl)
			}
		}
		return nil
	})},
	"SetsNoneBesideTooLarge": {"BatchSetter/TooLarge", setsBy(func(d *fake, ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
		errs := d.correctSets(ctx, ttl, keys, values)
		if slices.Contains(errs, drivers.ErrTooLarge) {
			_, _ = d.correctDelete(ctx, keys...)
		}
		return errs
	})},
	"SetsSaysTooLargeOfAll": {"BatchSetter/TooLarge", setsBy(func(d *fake, ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
		errs := d.correctSets(ctx, ttl, keys, values)
		if slices.Contains(errs, drivers.ErrTooLarge) {
			return slices.Repeat([]error{drivers.ErrTooLarge}, len(keys))
		}
		return errs
	})},
	"SetsLeavesWhatIsTooLarge": {"BatchSetter/TooLarge", setsBy(func(d *fake, ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
		errs := make([]error, len(keys))
		for i, key := range keys {
			if errs[i] = drivers.ErrTooLarge; len(values[i]) <= d.correctLimit(key) {
				errs[i] = d.correctSet(ctx, key, values[i], ttl)
			}
		}
		return errs
	})},
	"SetsForZero": {"BatchSetter/NotPositiveTTL", setsBy(func(d *fake, ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
		return d.correctSets(ctx, max(ttl, time.Second), keys, values)
	})},
	"SetsForEver": {"BatchSetter/Expiry", setsBy(func(d *fake, ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
		if ttl > 0 {
			ttl = max(ttl, time.Hour)
		}
		return d.correctSets(ctx, ttl, keys, values)
	})},
	"SetsWithoutTheContext": {"Context/SetValuesCancelled", setsBy(func(d *fake, _ context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
		return d.correctSets(context.Background(), ttl, keys, values)
	})},

	"InsertReplaces": {"Inserter/Present", insertsBy(func(d *fake, ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
		_, err := d.correctGet(ctx, key)
		return errors.Is(err, drivers.ErrMiss), d.correctSet(ctx, key, value, ttl)
	})},
	"InsertTakesEmptyForAbsent": {"Inserter/Empty", insertsBy(func(d *fake, ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
		if item, err := d.correctGet(ctx, key); err == nil && len(item.Value) == 0 {
			_, _ = d.correctDelete(ctx, key)
		}
		return d.correctInsert(ctx, key, value, ttl)
	})},
	"InsertOfTheSameIsTrue": {"Inserter/Empty", insertsBy(func(d *fake, ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
		if item, err := d.correctGet(ctx, key); err == nil && string(item.Value) == string(value) {
			return true, nil
		}
		return d.correctInsert(ctx, key, value, ttl)
	})},
	"InsertLengthens": {"Inserter/Life", insertsBy(func(d *fake, ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
		inserted, err := d.correctInsert(ctx, key, value, ttl)
		if !inserted && err == nil {
			_, err = d.correctAdd(ctx, ttl, func() []byte { return value }, key)
		}
		return inserted, err
	})},
	"InsertForZero": {"Inserter/NotPositiveTTL", insertsBy(func(d *fake, ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
		return d.correctInsert(ctx, key, value, max(ttl, time.Second))
	})},
	"InsertRemovesWhatIsTooLarge": {"Inserter/TooLarge", insertsBy(func(d *fake, ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
		inserted, err := d.correctInsert(ctx, key, value, ttl)
		if errors.Is(err, drivers.ErrTooLarge) {
			_, _ = d.correctDelete(ctx, key)
		}
		return inserted, err
	})},
	"InsertSeesTheExpired": {"Inserter/Expired", insertsBy(func(d *fake, ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
		d.mu.Lock()
		_, there := d.entries[key]
		d.mu.Unlock()
		if there {
			return false, nil
		}
		return d.correctInsert(ctx, key, value, ttl)
	})},
	"InsertLooksFirst": {"Inserter/AtOnce", insertsBy(func(d *fake, ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
		if _, err := d.correctGet(ctx, key); err == nil {
			return false, nil
		}
		time.Sleep(time.Millisecond)
		return true, d.correctSet(ctx, key, value, ttl)
	})},
	"InsertRemovesTheExpiredFirst": {"Inserter/ExpiredAtOnce", insertsBy(func(d *fake, ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
		d.mu.Lock()
		e, there := d.entries[key]
		d.mu.Unlock()
		if there && !e.live(time.Now()) {
			time.Sleep(time.Millisecond)
			_, _ = d.correctDelete(ctx, key)
		}
		return d.correctInsert(ctx, key, value, ttl)
	})},
	"InsertKeepsTheSliceGiven": {"Inserter/Given", func(d *fake) { d.given = func(v []byte) []byte { return v } }},
	"InsertWithoutTheContext": {"Context/InsertCancelled", insertsBy(func(d *fake, _ context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
		return d.correctInsert(context.Background(), key, value, ttl)
	})},
}
