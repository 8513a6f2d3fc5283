package mongodb

import (
	"context"
	"errors"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers/internal/marked"
)

// The bounds of what is asked for, or removed, at once.
const (
	batchKeys  = 1000
	batchBytes = 1 << 20 // of keys
)

// Delete removes keys and returns how many of them were live. What has expired is removed too.
func (d *Driver) Delete(ctx context.Context, keys ...string) (int, error) {
	if err := d.begin(ctx); err != nil {
		return 0, err
	}
	removed := 0
	for names := range batches(keys) {
		n, err := d.remove(ctx, len(names), bson.E{Key: fieldKey, Value: bson.D{{Key: "$in", Value: names}}})
		removed += n
		if err != nil {
			return removed, d.fail(ctx, "delete", err)
		}
	}
	return removed, nil
}

// batches yields the names of keys, so many at a time as go into one command. Keys that are too long to be stored are left
// out.
func batches(keys []string) func(yield func(names []string) bool) {
	return func(yield func(names []string) bool) {
		var names []string
		size := 0
		for _, key := range keys {
			name := encodeKey(key)
			if maxValue(name) < 0 {
				continue
			}
			if len(names) > 0 && (len(names) == batchKeys || size+len(name) > batchBytes) {
				if !yield(names) {
					return
				}
				names, size = nil, 0
			}
			names, size = append(names, name), size+len(name)
		}
		if len(names) > 0 {
			yield(names)
		}
	}
}

// remove removes what filter matches, at most documents, and returns how many of them were live. The server decides of
// each document in the moment that it removes it, so that nothing is counted twice.
func (d *Driver) remove(ctx context.Context, documents int, filter ...bson.E) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	now := d.now()
	removed, err := d.collection.remove(ctx, liveAnd(now, slices.Clone(filter)...))
	if err != nil || removed >= documents {
		return removed, err
	}
	_, err = d.collection.remove(ctx, deadAnd(now, slices.Clone(filter)...))
	return removed, err
}

// Clear removes every key that begins with prefix and returns how many of them were live. It removes a thousand at a
// time, each by a read and a deletion. When ctx ends before Clear does, it returns how many live ones it had removed by then,
// and the error. That of a user who may not do it (find and remove) matches [errors.ErrUnsupported].
func (d *Driver) Clear(ctx context.Context, prefix string) (int, error) {
	if err := d.begin(ctx); err != nil {
		return 0, err
	}
	removed := 0
	for _, names := range spans(prefix) {
		if maxValue(names.from) < 0 {
			continue // no name is so long
		}
		n, err := d.clear(ctx, prefix, names)
		removed += n
		if err != nil {
			return removed, d.fail(ctx, "clear", marked.If(hasCode(err, codeUnauthorized), errors.ErrUnsupported, err))
		}
	}
	return removed, nil
}

func (d *Driver) clear(ctx context.Context, prefix string, names span) (int, error) {
	if len(names.to) > batchBytes {
		names.to = "" // two bounds as long as names may be are too much for a command
	}
	removed := 0
	condition := bson.D{{Key: "$gte", Value: names.from}}
	for {
		if names.to != "" {
			condition = append(condition, bson.E{Key: "$lt", Value: names.to})
		}
		found, err := d.find(ctx, batchKeys, bson.D{{Key: fieldKey, Value: condition}}, fieldKey)
		if err != nil {
			return removed, err
		}
		// The keys are looked at: the spans may hold others, and so may a collection with an order of its own.
		var ids bson.A
		last := ""
		for _, document := range found {
			last, _ = document.Lookup(fieldKey).StringValueOK()
			if key, ok := decodeKey(last); ok && strings.HasPrefix(key, prefix) {
				ids = append(ids, document.Lookup(fieldID))
			}
		}
		if len(ids) > 0 {
			n, err := d.remove(ctx, len(ids), bson.E{Key: fieldID, Value: bson.D{{Key: "$in", Value: ids}}})
			removed += n
			if err != nil {
				return removed, err
			}
		}
		if len(found) < batchKeys {
			return removed, nil
		}
		// Documents of the last key may be left where there is no unique index.
		if from := condition[0].Value; len(ids) == 0 && from == last {
			return removed, nil
		}
		condition = bson.D{{Key: "$gte", Value: last}}
	}
}

// find returns the _id and field of at most limit documents that filter matches, in the order of field.
func (d *Driver) find(ctx context.Context, limit int, filter bson.D, field string) ([]bson.Raw, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o := options.Find().SetLimit(int64(limit)).SetBatchSize(int32(limit)).SetProjection(bson.D{{Key: field, Value: 1}})
	if field == fieldKey {
		o = o.SetSort(bson.D{{Key: fieldKey, Value: 1}})
	}
	return d.collection.find(ctx, marshal(filter), o)
}

// Sweep removes the entries that have expired and returns how many it removed. Those that the server has removed before, by
// a TTL index, are not among them.
func (d *Driver) Sweep(ctx context.Context) (int, error) {
	if err := d.begin(ctx); err != nil {
		return 0, err
	}
	now := d.now()
	swept := 0
	for {
		found, err := d.find(ctx, batchKeys, append(bson.D(expired(now)), bson.E{Key: "$nor", Value: live(now)}), fieldID)
		if err != nil {
			return swept, d.fail(ctx, "sweep", err)
		}
		if len(found) == 0 {
			return swept, nil
		}
		ids := make(bson.A, len(found))
		for i, document := range found {
			ids[i] = document.Lookup(fieldID)
		}
		// One that has been written anew meanwhile is spared.
		n, err := d.collection.remove(ctx, deadAnd(now, append(expired(now), bson.E{Key: fieldID, Value: bson.D{{Key: "$in", Value: ids}}})...))
		swept += n
		if err != nil {
			return swept, d.fail(ctx, "sweep", err)
		}
		if len(found) < batchKeys || n == 0 {
			return swept, nil
		}
	}
}
