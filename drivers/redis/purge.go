package redis

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
)

var _ drivers.Purger = (*Driver)(nil)

// Purge appends records to the stream under key and deletes keys, in one round trip: a server carries out what comes over one connection in its
// order. Where a slot of a Cluster is on its way to another server, the keys are deleted in another one.
func (d *Driver) Purge(ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
	const operation = "purge"
	if err := d.begin(ctx, operation); err != nil {
		return err
	}
	if err := logrecord.Check(keep, ttl); err != nil {
		return fmt.Errorf("redis: purge: %w", err)
	}
	if len(records)+len(keys) == 0 {
		return nil
	}
	r := &purgeRequest{unlinks: d.unlinking(slices.Clone(keys))} // they outlive the call where the context ends it
	size := 0
	if len(records) > 0 {
		r.appends, size = appending(key, keep, ttl, records)
		for i, packed := range r.appends.records {
			r.appends.records[i] = func() []byte {
				r.sent.Add(1)
				return packed()
			}
		}
	}
	if err := d.do(ctx, operation, key, size > maxShared || len(keys) > maxSharedKeys, r); err != nil {
		return err
	}
	if int(r.sent.Load()) > len(records) {
		_, err := d.Delete(ctx, keys...)
		return err
	}
	return nil
}

// purgeRequest appends to a stream, and removes keys behind that.
type purgeRequest struct {
	writesOnce
	appends *appendRequest // nil for none
	unlinks *unlinkRequest

	// How often records were sent. A server that has no longer what a command is about sends it on, and each by itself: then keys may have been
	// removed before the records came.
	sent atomic.Int32
}

func (r *purgeRequest) add(ctx context.Context, to redis.Pipeliner) {
	r.sent.Store(0)
	if r.appends != nil {
		r.appends.add(ctx, to)
	}
	r.unlinks.add(ctx, to)
}

func (r *purgeRequest) settle(sent time.Time) error {
	var failure error
	if r.appends != nil {
		failure = r.appends.settle(sent)
	}
	return cmp.Or(failure, r.unlinks.settle(sent))
}
