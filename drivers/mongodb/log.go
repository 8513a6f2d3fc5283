package mongodb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
)

// A log is a document for each record, and a head. One document for all of it, updated by $push and $slice, would take fewer
// round trips, but there are servers (FerretDB 1) whose updates are not atomic, and that ignore $slice: of them, and of all
// others, the unique index of the keys is what can be relied upon.

// fieldLast holds the number of the last record, in the head of a log.
const fieldLast = "last"

// numbered is the driver as the log wants it.
type numbered struct{ *Driver }

func (d *Driver) log() logrecord.Numbered {
	return logrecord.Numbered{Store: numbered{d}, Heads: &d.heads}
}

// Append adds records to the log under key, in a round trip for each and one more. Some three follow where this process was not the last to write
// the log, nor has looked at its end since.
func (d *Driver) Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
	return d.purge(ctx, "append", key, keep, ttl, records, nil)
}

// Purge does what Append does, and deletes keys in the last of the round trips, a thousand of them.
func (d *Driver) Purge(ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
	return d.purge(ctx, "purge", key, keep, ttl, records, keys)
}

func (d *Driver) purge(ctx context.Context, operation, key string, keep int, ttl time.Duration, records [][]byte, keys []string) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	if err := logrecord.Check(keep, ttl); err != nil {
		return fmt.Errorf("mongodb: %s: %w", operation, err)
	}
	return d.log().Purge(ctx, key, keep, ttl, records, keys...)
}

// Remove deletes keys, whatever they have.
func (d numbered) Remove(ctx context.Context, keys ...string) error {
	for names := range batches(keys) {
		if err := ctx.Err(); err != nil {
			return d.fail(ctx, "delete", err)
		}
		filter := marshal(bson.D{{Key: fieldKey, Value: bson.D{{Key: "$in", Value: names}}}})
		if _, err := d.collection.remove(ctx, filter); err != nil {
			return d.fail(ctx, "delete", err)
		}
	}
	return nil
}

// End returns the position behind the last record of the log under key, in two round trips.
func (d *Driver) End(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
	if err := d.begin(ctx); err != nil {
		return "", err
	}
	if err := logrecord.CheckTTL(ttl); err != nil {
		return "", fmt.Errorf("mongodb: end: %w", err)
	}
	return d.log().End(ctx, key, ttl)
}

// Since returns the records behind a position, in two round trips, and one more for each 16 records behind the first three.
func (d *Driver) Since(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
	if err := d.begin(ctx); err != nil {
		return nil, "", false, err
	}
	return d.log().Since(ctx, key, from)
}

// Head returns the head of the log under key.
func (d numbered) Head(ctx context.Context, key string) (record []byte, last int64, left time.Duration, err error) {
	if err := d.begin(ctx); err != nil {
		return nil, 0, 0, err
	}
	document, err := d.collection.one(ctx, marshal(bson.D{{Key: fieldKey, Value: encodeKey(key)}}))
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, 0, 0, nil
	}
	if err != nil {
		return nil, 0, 0, d.fail(ctx, "log", err)
	}
	stored, err := parse(document)
	if err != nil {
		return nil, 0, 0, d.fail(ctx, "log", err)
	}
	left = time.UnixMilli(stored.end).Sub(time.UnixMilli(d.now()))
	if left <= 0 {
		return nil, 0, 0, nil
	}
	last, _ = document.Lookup(fieldLast).AsInt64OK()
	return stored.value, last, left, nil
}

// Raise gives the head of a log a larger number.
func (d numbered) Raise(ctx context.Context, key string, record []byte, last int64, ttl time.Duration) (bool, error) {
	content := append(fields(nil, d.clock().Add(ttl).UnixMilli())[1:], bson.E{Key: fieldLast, Value: last})
	raised, err := d.collection.update(ctx, marshal(bson.D{
		{Key: fieldKey, Value: encodeKey(key)},
		{Key: fieldValue, Value: bson.Binary{Data: record}},
		{Key: "$nor", Value: bson.A{bson.D{{Key: fieldLast, Value: bson.D{{Key: "$gte", Value: last}}}}}},
	}), marshal(bson.D{{Key: "$set", Value: content}}), options.UpdateOne())
	return raised, d.fail(ctx, "log", err)
}
