package memcached

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
	"github.com/gin-cachette/cachette/internal/bounded"
)

// A log is one entry, to which records are appended, and of which any other write replaces the version that was read.

// End returns the position behind the last record of the log under key, in one round trip, and another to begin it or to
// lengthen its life.
func (d *Driver) End(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
	if err := d.begin(ctx); err != nil {
		return "", err
	}
	if err := logrecord.CheckTTL(ttl); err != nil {
		return "", fmt.Errorf("memcached: end: %w", err)
	}
	records, err := d.update(ctx, key, ttl, logrecord.Ending(ttl), nil)
	if err != nil {
		return "", d.failed(ctx, "end", err)
	}
	end, err := logrecord.EndOf(records)
	return end, d.failed(ctx, "end", err)
}

// Since returns the records behind a position, in one round trip.
func (d *Driver) Since(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
	item, err := d.Get(ctx, key)
	if errors.Is(err, drivers.ErrMiss) {
		return nil, "", false, nil
	}
	if err != nil {
		return nil, "", false, err
	}
	records, err := logrecord.Decode(item.Value)
	if err != nil {
		return nil, "", false, d.failed(ctx, "since", err)
	}
	data, end, complete, err := logrecord.Since(records, from)
	return data, end, complete, d.failed(ctx, "since", err)
}

// update replaces the log under key by what change makes of it, deletes what is under names behind that, and returns what is then there.
func (d *Driver) update(ctx context.Context, key string, ttl time.Duration, change logrecord.Change, names []string) ([][]byte, error) {
	n := nameOf(key)
	s, err := d.serverOf(n)
	if err == nil && s.mayLearn() {
		err = s.learn(ctx)
	}
	if err != nil {
		return nil, err
	}
	var records [][]byte
	err = s.use(ctx, func(l *link) error {
		for {
			if err := bounded.Err(ctx); err != nil {
				return err
			}
			l.extend(s.timeout)
			var stored bool
			var err error
			records, stored, err = d.updateOnce(l, key, n, ttl, change, names)
			if err != nil || stored {
				return err
			}
		}
	})
	return records, err
}

// updateOnce reports false if another was faster. Then names were deleted too soon, and are again.
func (d *Driver) updateOnce(l *link, key string, n name, ttl time.Duration, change logrecord.Change, names []string) (records [][]byte, stored bool, err error) {
	meta, err := l.hasMeta()
	if err != nil {
		return nil, false, err
	}
	l.writeVersioned(meta, n)
	if err := l.flush(); err != nil {
		return nil, false, err
	}
	old, err := l.readLook(meta)
	if err != nil {
		return nil, false, err
	}
	now := time.Now()
	var there [][]byte
	var left time.Duration
	if old != nil && old.live(now) {
		value, _ := valueOf(key, n, old.value)
		if there, err = logrecord.Decode(value); err != nil {
			return nil, false, err
		}
		left = old.expiresAt(now).Sub(now)
	}
	if old != nil && old.cas == 0 {
		return nil, false, errNoVersions
	}
	records, err = change(there, left, l.server.maxValue(key, n))
	if err != nil || records == nil {
		return there, true, err
	}
	data := dataOf(key, n, logrecord.Encode(records))
	l.writeStored(n, data, d.flagsFor(now, ttl, nil), ttl, now, old)
	if stored, err = l.storedBefore(len(data), func() { l.sendRemovals(meta, names) }); err != nil {
		return nil, false, err
	}
	return records, stored, l.readRemovals(names)
}
