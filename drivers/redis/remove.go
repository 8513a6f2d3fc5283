package redis

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

const (
	// unlinkBatch is how many keys are removed in one round trip.
	unlinkBatch = 512
	// scanCount is how many keys a server looks at in one step of a scan.
	scanCount = 1000
)

// Delete removes keys and returns how many of them were live. When an error ends it, those of the batches before are removed.
func (d *Driver) Delete(ctx context.Context, keys ...string) (int, error) {
	keys = slices.Clone(keys) // they outlive the call where the context ends it
	var live atomic.Int64
	err := d.call(ctx, "delete", func(ctx context.Context) error { return d.unlink(ctx, keys, &live) })
	return int(live.Load()), err
}

// unlink removes keys and adds to live how many of them were there. Redis frees their memory in the background.
func (d *Driver) unlink(ctx context.Context, keys []string, live *atomic.Int64) error {
	for batch := range slices.Chunk(keys, unlinkBatch) {
		if err := ctx.Err(); err != nil {
			return err
		}
		removed, err := d.unlinkBatch(ctx, batch)
		live.Add(removed)
		if err != nil {
			return err
		}
	}
	return nil
}

// unlinkBatch removes keys in one round trip, to each of the servers that have some of them.
func (d *Driver) unlinkBatch(ctx context.Context, keys []string) (removed int64, err error) {
	if !d.scattered() {
		return d.client.Unlink(ctx, keys...).Result()
	}
	replies := make([]*redis.IntCmd, len(keys))
	_, err = d.client.Pipelined(ctx, func(to redis.Pipeliner) error {
		for i, key := range keys {
			replies[i] = to.Unlink(ctx, key)
		}
		return nil
	})
	for _, reply := range replies {
		removed += reply.Val()
	}
	return removed, err
}

// Clear removes every key that begins with prefix and returns how many of them were live. It looks at every key of the
// database, in steps between which Redis serves others. A key that is written while Clear runs may survive it. When ctx ends
// before Clear does, it returns how many it had removed by then, and the error.
func (d *Driver) Clear(ctx context.Context, prefix string) (int, error) {
	var live atomic.Int64
	err := d.call(ctx, "clear", func(ctx context.Context) error {
		return d.forEachMaster(ctx, func(ctx context.Context, master redis.Cmdable) error {
			return d.clear(ctx, master, prefix, &live)
		})
	})
	return int(live.Load()), err
}

// forEachMaster runs do for each server that has keys of its own, side by side.
func (d *Driver) forEachMaster(ctx context.Context, do func(ctx context.Context, master redis.Cmdable) error) error {
	each := func(ctx context.Context, master *redis.Client) error {
		return guard(func() error { return do(ctx, master) })
	}
	switch client := d.client.(type) {
	case *redis.ClusterClient:
		return client.ForEachMaster(ctx, each)
	case *redis.Ring:
		return client.ForEachShard(ctx, each)
	}
	return do(ctx, d.client)
}

// clear removes the keys of one server that begin with prefix, and adds to live how many there were. A scan may name a
// key twice: what is counted is what was removed.
func (d *Driver) clear(ctx context.Context, master redis.Cmdable, prefix string, live *atomic.Int64) error {
	pattern := globEscaper.Replace(prefix) + "*"
	for cursor := uint64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		keys, next, err := master.Scan(ctx, cursor, pattern, scanCount).Result()
		if err != nil {
			return err
		}
		keys = slices.DeleteFunc(keys, func(key string) bool { return !strings.HasPrefix(key, prefix) })
		if err := d.unlink(ctx, keys, live); err != nil {
			return err
		}
		if next == 0 {
			return nil
		}
		cursor = next
	}
}

// globEscaper takes their meaning from the characters that have one in a pattern of Redis.
var globEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)
