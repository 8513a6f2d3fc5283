package inmemory

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
)

var _ drivers.Inserter = (*Driver)(nil)

// Insert stores a copy of value under key for ttl, unless there is a live value, and tells whether it has. An object, or a log, under key is
// replaced.
func (d *Driver) Insert(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	cache, err := d.begin(ctx)
	if err == nil {
		err = logrecord.CheckTTL(ttl)
	}
	if err != nil {
		return false, fmt.Errorf("inmemory: insert: %w", err)
	}
	if room := d.budget.room(key); int64(len(value)) > room {
		return false, fmt.Errorf("inmemory: insert: %w: a value of %d bytes, of %d at most", drivers.ErrTooLarge, len(value), max(0, room))
	}
	now := d.now()
	if e, ok := cache.GetIfPresent(key); ok && e.holds(now) {
		return false, nil
	}
	var copied strings.Builder
	copied.Write(value)
	key = strings.Clone(key)
	made := entry{value: byteString(copied.String()), deadline: after(now, ttl), weight: d.budget.weigh(rounded(len(key)), copied.Cap())}
	inserted := false
	// It is looked at, and stored, under the lock of its key: nothing comes in between.
	cache.Compute(key, func(old entry, found bool) (entry, otter.ComputeOp) {
		if found && old.holds(now) {
			return entry{}, otter.CancelOp
		}
		inserted = true
		return made, otter.WriteOp
	})
	if inserted {
		d.budget.spend(cache, made.weight)
	}
	return inserted, nil
}

// holds tells whether an entry has a live value.
func (e *entry) holds(now time.Duration) bool {
	_, isValue := e.value.(byteString)
	return isValue && e.live(now)
}
