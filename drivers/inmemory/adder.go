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

var (
	_ drivers.Adder = (*Driver)(nil)
	_ drivers.Log   = (*Driver)(nil)
)

// Add makes sure that keys have values. An object, or a log, under one of them is replaced.
func (d *Driver) Add(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
	cache, err := d.begin(ctx)
	if err == nil {
		err = logrecord.CheckTTL(ttl)
	}
	if err != nil {
		return nil, fmt.Errorf("inmemory: add: %w", err)
	}
	values := make([][]byte, len(keys))
	for i, key := range keys {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if values[i], err = d.add(cache, key, ttl, word); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (d *Driver) add(cache *store, key string, ttl time.Duration, word func() []byte) ([]byte, error) {
	now := d.now()
	if e, ok := cache.GetIfPresent(key); ok && e.live(now) && e.deadline-now >= ttl/2 {
		if value, ok := e.value.(byteString); ok {
			return []byte(value), nil
		}
	}
	var copied strings.Builder
	copied.Write(word())
	made := copied.String()
	if room := d.budget.room(key); int64(len(made)) > room {
		return nil, fmt.Errorf("inmemory: add: %w: a value of %d bytes, of %d at most", drivers.ErrTooLarge, len(made), max(0, room))
	}
	key = strings.Clone(key)
	var value byteString
	var weight uint32
	// The entry is replaced by one that lives longer, under the lock of its key: nothing comes in between.
	cache.Compute(key, func(old entry, found bool) (entry, otter.ComputeOp) {
		if found && old.live(now) {
			var ok bool
			if value, ok = old.value.(byteString); ok {
				weight = old.weight
				return entry{value: value, deadline: max(old.deadline, after(now, ttl)), weight: weight}, otter.WriteOp
			}
		}
		value, weight = byteString(made), d.budget.weigh(len(key), copied.Cap())
		return entry{value: value, deadline: after(now, ttl), weight: weight}, otter.WriteOp
	})
	d.budget.spend(cache, weight)
	return []byte(value), nil
}
