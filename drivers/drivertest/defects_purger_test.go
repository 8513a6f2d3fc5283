package drivertest_test

import (
	"context"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// changePurge has a purge do something else.
func changePurge(purge func(d *fake, ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error) func(d *fake) {
	return func(d *fake) {
		d.purges = func(ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
			return purge(d, ctx, key, keep, ttl, records, keys...)
		}
	}
}

// purgerDefects are those of drivers.Purger.
var purgerDefects = map[string]defect{
	"PurgeDeletesFirst": {"Purger/RecordsFirst", changePurge(func(d *fake, ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
		if _, err := d.correctDelete(ctx, keys...); err != nil {
			return err
		}
		time.Sleep(100 * time.Microsecond)
		return d.correctPurge(ctx, key, keep, ttl, records)
	})},
	"PurgeDeletesNothingWithoutRecords": {"Purger/Does", changePurge(func(d *fake, ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
		if len(records) == 0 {
			return d.correctPing(ctx)
		}
		return d.correctPurge(ctx, key, keep, ttl, records, keys...)
	})},
	"PurgeTakesOneRecord": {"Purger/Many", changePurge(func(d *fake, ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
		return d.correctPurge(ctx, key, keep, ttl, records[:min(1, len(records))], keys...)
	})},
	"PurgeTakesSomeKeys": {"Purger/Many", changePurge(func(d *fake, ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
		return d.correctPurge(ctx, key, keep, ttl, records, keys[:min(1000, len(keys))]...)
	})},
	"PurgeBeginsNothing": {"Purger/Begins", changePurge(func(d *fake, ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
		if _, ok := d.entries[key]; !ok {
			records = nil
		}
		if err := d.correctPurge(ctx, key, keep, ttl, records, keys...); err != nil {
			return err
		}
		if d.entries[key].log == nil {
			return drivers.ErrMiss
		}
		return nil
	})},
	"PurgeRemembersTheLog": {"Purger/BegunAnew", func(d *fake) {
		known := make(map[string]*fakeLog)
		d.purges = func(ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
			l := known[key]
			if l == nil {
				if err := d.correctPurge(ctx, key, keep, ttl, records, keys...); err != nil {
					return err
				}
				known[key] = d.entries[key].log
				return nil
			}
			l.records = append(l.records, records...)
			return d.correctPurge(ctx, key, keep, ttl, nil, keys...)
		}
	}},
	"PurgeKeepsAll": {"Purger/Bounded", changePurge(func(d *fake, ctx context.Context, key string, _ int, ttl time.Duration, records [][]byte, keys ...string) error {
		return d.correctPurge(ctx, key, 1<<30, ttl, records, keys...)
	})},
	"PurgeKeepsTooFew": {"Purger/Bounded", changePurge(func(d *fake, ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
		return d.correctPurge(ctx, key, keep-1, ttl, records, keys...)
	})},
	"PurgeLengthensNothing": {"Purger/Expiry", changePurge(func(d *fake, ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
		if e := d.entries[key]; e.live(time.Now()) {
			ttl = min(ttl, time.Until(e.expiresAt))
		}
		return d.correctPurge(ctx, key, keep, ttl, records, keys...)
	})},
	"PurgeForZero": {"Purger/Refused", changePurge(func(d *fake, ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
		return d.correctPurge(ctx, key, keep, max(ttl, time.Second), records, keys...)
	})},
	"PurgeKeepsTheSlices": {"Purger/Owned", changePurge(func(d *fake, ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
		err := d.correctPurge(ctx, key, keep, ttl, records, keys...)
		if l := d.entries[key].log; err == nil && l != nil {
			copy(l.records[len(l.records)-len(records):], records)
		}
		return err
	})},
	"PurgeIgnoresTheContext": {"Context/PurgeCancelled", changePurge(func(d *fake, _ context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
		return d.correctPurge(context.Background(), key, keep, ttl, records, keys...)
	})},
}
