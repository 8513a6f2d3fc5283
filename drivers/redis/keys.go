package redis

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Keys implements [drivers.Lister], by SCAN: a thousand keys a round trip, between which Redis serves others. A server that does not know the
// command, or forbids it to the user, is one that can never do it.
func (d *Driver) Keys(ctx context.Context, prefix string, most int) (keys []string, all bool, err error) {
	var lock sync.Mutex // of what servers, side by side, and past the end of ctx, have found
	var found []string
	whole := true
	err = d.call(ctx, "keys", func(ctx context.Context) error {
		return d.forEachMaster(ctx, func(ctx context.Context, master redis.Cmdable) error {
			some, allOfThem, err := keysOf(ctx, master, prefix, most)
			lock.Lock()
			defer lock.Unlock()
			found, whole = append(found, some...), whole && allOfThem
			return err
		})
	})
	if err != nil {
		return nil, false, err
	}
	return found, whole, nil
}

// keysOf returns the keys of one server that begin with prefix, of the most that it looks at.
func keysOf(ctx context.Context, master redis.Cmdable, prefix string, most int) (keys []string, all bool, err error) {
	pattern, cursor := globEscaper.Replace(prefix)+"*", uint64(0)
	for looked := 0; looked < most; looked += scanCount {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		some, next, err := master.Scan(ctx, cursor, pattern, int64(min(scanCount, most-looked))).Result()
		if err != nil {
			return nil, false, withheld(err, forClearing)
		}
		keys = append(keys, slices.DeleteFunc(some, func(key string) bool { return !strings.HasPrefix(key, prefix) })...)
		if next == 0 {
			return keys, true, nil
		}
		cursor = next
	}
	return keys, false, nil
}
