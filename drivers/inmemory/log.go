package inmemory

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
)

// perRecord is what a record of a log takes beside its bytes: a slice, and what the allocator rounds up.
const perRecord = 24 + 16

// log is a log as it was at some moment. It is never changed, only replaced. Each log shares its records with the one that it
// replaces, and appends behind those: a reader of the older one does not look there.
type log struct {
	records [][]byte // as package logrecord makes them
	size    int      // in bytes
}

// with returns the log with records added, as many of the last as are kept and as fit into room.
func (l *log) with(records [][]byte, keep int, room int64) *log {
	next := &log{append(l.records, records...), l.size}
	for _, record := range records {
		next.size += len(record) + perRecord
	}
	drop := 0
	if len(next.records) > 2*keep {
		drop = len(next.records) - keep
	}
	for i, record := range next.records {
		if i >= drop && int64(next.size) <= room {
			break
		}
		drop = max(drop, i+1)
		next.size -= len(record) + perRecord
	}
	if drop > 0 {
		next.records = append(make([][]byte, 0, len(next.records)), next.records[drop:]...)
	}
	return next
}

// Append adds records to the log under key. A log that does not fit into the memory limit loses its first records.
func (d *Driver) Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
	cache, err := d.begin(ctx)
	if err == nil {
		err = logrecord.Check(keep, ttl)
	}
	if err != nil {
		return fmt.Errorf("inmemory: append: %w", err)
	}
	packed := logrecord.PackAll(records)
	room, size := d.budget.room(key), 0
	for _, record := range packed {
		size += len(record) + perRecord
	}
	if int64(size) > room {
		return fmt.Errorf("inmemory: append: %w: records of %d bytes, of %d at most", drivers.ErrTooLarge, size, max(0, room))
	}
	if len(records) > 0 {
		d.update(cache, key, ttl, func(l *log) *log { return l.with(packed, logrecord.Room(keep), room) })
	}
	return nil
}

// End returns the position behind the last record of the log under key.
func (d *Driver) End(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
	cache, err := d.begin(ctx)
	if err == nil {
		err = logrecord.CheckTTL(ttl)
	}
	if err != nil {
		return "", fmt.Errorf("inmemory: end: %w", err)
	}
	now := d.now()
	l, left := find(cache, key, now)
	if l == nil || left < ttl/2 {
		first, room := logrecord.Begin(), d.budget.room(key)
		if size := len(first) + perRecord; l == nil && int64(size) > room {
			return "", fmt.Errorf("inmemory: end: %w: a record of %d bytes, of %d at most", drivers.ErrTooLarge, size, max(0, room))
		}
		l = d.update(cache, key, ttl, func(l *log) *log {
			if len(l.records) > 0 {
				return l
			}
			return l.with([][]byte{first}, 1, math.MaxInt64) // there was room for it
		})
	}
	return logrecord.Position(l.records[len(l.records)-1])
}

// Since returns the records behind a position.
func (d *Driver) Since(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
	cache, err := d.begin(ctx)
	if err != nil {
		return nil, "", false, fmt.Errorf("inmemory: since: %w", err)
	}
	l, _ := find(cache, key, d.now())
	if l == nil {
		return nil, "", false, nil
	}
	records, end, complete, err := logrecord.Since(l.records, from)
	for i := range records {
		records[i] = bytes.Clone(records[i])
	}
	return records, end, complete, err
}

// find returns the log under key, and how long it lives; nil for none.
func find(cache *store, key string, now time.Duration) (l *log, left time.Duration) {
	e, ok := cache.GetIfPresent(key)
	if !ok || !e.live(now) {
		return nil, 0
	}
	l, _ = e.value.(*log)
	return l, e.deadline - now
}

// update replaces the log under key, which is empty if there is none, with what change makes of it, and returns that.
func (d *Driver) update(cache *store, key string, ttl time.Duration, change func(*log) *log) *log {
	key, now := strings.Clone(key), d.now()
	var l *log
	var weight uint32
	cache.Compute(key, func(old entry, found bool) (entry, otter.ComputeOp) {
		deadline := after(now, ttl)
		l = &log{}
		if found && old.live(now) {
			if there, ok := old.value.(*log); ok {
				l, deadline = there, max(deadline, old.deadline)
			}
		}
		l = change(l)
		weight = d.budget.weigh(len(key), l.size)
		return entry{value: l, deadline: deadline, weight: weight}, otter.WriteOp
	})
	d.budget.spend(cache, weight)
	return l
}
