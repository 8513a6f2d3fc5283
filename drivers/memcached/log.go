package memcached

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
)

// A log is one entry, of which each write replaces the version that was read: its records in their order, the length of each, as
// a varint, before it.

// Append adds records to the log under key, in two round trips, and two more for each other who is faster. It holds as many of
// the last records as fit into an item of the server, a mebibyte unless it was started with another limit (-I). It wants a
// server that was started without -C.
func (d *Driver) Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	if err := logrecord.Check(keep, ttl); err != nil {
		return fmt.Errorf("memcached: append: %w", err)
	}
	if len(records) == 0 {
		return nil
	}
	_, err := d.update(ctx, key, ttl, func(there [][]byte, _ time.Duration, most int) ([][]byte, error) {
		added := logrecord.PackAll(records) // anew for each attempt
		if size := encodedSize(added); size > most {
			return nil, fmt.Errorf("%w: records of %d bytes, of which the server takes %d at most", drivers.ErrTooLarge, size, most)
		}
		all := append(there, added...)
		all = all[max(0, len(all)-logrecord.Room(keep)):]
		for size := encodedSize(all); size > most; all = all[1:] {
			size -= encodedSize(all[:1])
		}
		return all, nil
	})
	return d.failed(ctx, "append", err)
}

// End returns the position behind the last record of the log under key, in one round trip, and another to begin it or to
// lengthen its life.
func (d *Driver) End(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
	if err := d.begin(ctx); err != nil {
		return "", err
	}
	if err := logrecord.CheckTTL(ttl); err != nil {
		return "", fmt.Errorf("memcached: end: %w", err)
	}
	records, err := d.update(ctx, key, ttl, func(there [][]byte, left time.Duration, _ int) ([][]byte, error) {
		switch {
		case len(there) == 0:
			return [][]byte{logrecord.Begin()}, nil
		case left >= ttl/2:
			return nil, nil
		}
		return there, nil
	})
	if err != nil {
		return "", d.failed(ctx, "end", err)
	}
	end, err := logrecord.Position(records[len(records)-1])
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
	records, err := decodeRecords(item.Value)
	if err != nil {
		return nil, "", false, d.failed(ctx, "since", err)
	}
	data, end, complete, err := logrecord.Since(records, from)
	for i := range data {
		data[i] = slices.Clip(data[i])
	}
	return data, end, complete, d.failed(ctx, "since", err)
}

// update replaces the log under key by what change makes of it, which may be called several times, and returns that. change is
// told the records that are there, how long they live, and how many bytes they may take; it returns nil to leave them.
func (d *Driver) update(ctx context.Context, key string, ttl time.Duration, change func(there [][]byte, left time.Duration, most int) ([][]byte, error)) ([][]byte, error) {
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
			if err := contextError(ctx); err != nil {
				return err
			}
			l.extend(s.timeout)
			var stored bool
			var err error
			records, stored, err = d.updateOnce(l, key, n, ttl, change)
			if err != nil || stored {
				return err
			}
		}
	})
	return records, err
}

// updateOnce reports false if another was faster.
func (d *Driver) updateOnce(l *link, key string, n name, ttl time.Duration, change func([][]byte, time.Duration, int) ([][]byte, error)) (records [][]byte, stored bool, err error) {
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
		if there, err = decodeRecords(value); err != nil {
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
	l.writeStored(n, dataOf(key, n, encodeRecords(records)), d.flagsFor(now, ttl, nil), ttl, now, old)
	if err := l.flush(); err != nil {
		return nil, false, err
	}
	stored, err = l.readStored()
	return records, stored, err
}

func encodedSize(records [][]byte) int {
	size := 0
	for _, record := range records {
		size += len(binary.AppendUvarint(nil, uint64(len(record)))) + len(record)
	}
	return size
}

func encodeRecords(records [][]byte) []byte {
	out := make([]byte, 0, encodedSize(records))
	for _, record := range records {
		out = binary.AppendUvarint(out, uint64(len(record)))
		out = append(out, record...)
	}
	return out
}

// decodeRecords returns the records in data, of which they are parts. There is at least one.
func decodeRecords(data []byte) (records [][]byte, err error) {
	for rest := data; ; {
		record, behind, ok := splitFront(rest)
		if !ok {
			return nil, logrecord.ErrForeign
		}
		if records = append(records, record); len(behind) == 0 {
			return records, nil
		}
		rest = behind
	}
}
