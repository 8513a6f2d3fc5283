package mongodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
)

var (
	_ drivers.BatchSetter = (*Driver)(nil)
	_ drivers.Inserter    = (*Driver)(nil)
)

// writtenBytes bounds the values in one command, unless it has only one.
const writtenBytes = 8 << 20

// SetValues stores values in one round trip for a thousand of them, or for eight mebibytes. One more follows where others insert the same
// keys in the same moment.
func (d *Driver) SetValues(ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
	err := d.begin(ctx)
	if err == nil {
		if err = logrecord.CheckTTL(ttl); err != nil {
			err = fmt.Errorf("mongodb: set values: %w", err)
		}
	}
	if err == nil { // before there is a unique index, two that insert a key at once would both succeed
		err = d.fail(ctx, "set values: waiting for the indexes", d.indexes.wait(ctx))
	}
	if err != nil {
		return slices.Repeat([]error{err}, len(keys))
	}
	w := &writing{driver: d, keys: keys, values: values, end: d.clock().Add(ttl).UnixMilli(), errs: make([]error, len(keys))}
	var some []int
	size := 0
	for i, key := range keys {
		name := encodeKey(key)
		if most := maxValue(name); len(values[i]) > most {
			w.errs[i] = d.refuse(ctx, name, fmt.Errorf("mongodb: set values: %w: a value of %d bytes under a key of %d bytes, of %d at most",
				drivers.ErrTooLarge, len(values[i]), len(key), max(0, most)))
			continue
		}
		if len(some) == batchKeys || len(some) > 0 && size+len(name)+len(values[i]) > writtenBytes {
			w.write(ctx, some)
			some, size = nil, 0
		}
		some, size = append(some, i), size+len(name)+len(values[i])
	}
	w.write(ctx, some)
	return w.errs
}

// writing is a SetValues under way.
type writing struct {
	driver *Driver
	keys   []string
	values [][]byte
	end    int64
	errs   []error
}

// write stores the values at some places, and notes which the server has refused. Those that have lost the race to insert a key are written
// again, and then find what has won.
func (w *writing) write(ctx context.Context, places []int) {
	for attempt := 1; len(places) > 0; attempt++ {
		refused, err := w.once(ctx, places)
		var again []int
		for n, i := range places {
			of := err
			if refused != nil {
				of = refused[n]
			}
			switch {
			case of != nil && mongo.IsDuplicateKeyError(of) && attempt < upsertAttempts && ctx.Err() == nil:
				again = append(again, i)
			case hasCode(of, tooLargeCodes...):
				w.errs[i] = w.driver.refuse(ctx, encodeKey(w.keys[i]), fmt.Errorf("mongodb: set values: %w: a value of %d bytes under a key of %d bytes: %w",
					drivers.ErrTooLarge, len(w.values[i]), len(w.keys[i]), of))
			default:
				w.errs[i] = w.driver.fail(ctx, "set values", of)
			}
		}
		places = again
	}
}

// once stores the values at some places with one command. refused has what each was refused with, where some of several were; else err is what
// has become of all.
func (w *writing) once(ctx context.Context, places []int) (refused []error, err error) {
	models := make([]mongo.WriteModel, len(places))
	// They may concern several documents, which none does as names are unique: FerretDB over SQLite does not come to an end with some hundreds of those
	// that concern one.
	for n, i := range places {
		models[n] = mongo.NewUpdateManyModel().SetUpsert(true).
			SetFilter(marshal(bson.D{{Key: fieldKey, Value: encodeKey(w.keys[i])}})).
			SetUpdate(marshal(bson.D{{Key: "$set", Value: fields(w.values[i], w.end)}}))
	}
	err = w.driver.collection.bulk(ctx, models)
	var several mongo.BulkWriteException
	if !errors.As(err, &several) || several.WriteConcernError != nil {
		return nil, err
	}
	refused = make([]error, len(places))
	for _, one := range several.WriteErrors {
		if one.Index < 0 || one.Index >= len(places) {
			return nil, err
		}
		refused[one.Index] = one.WriteError
	}
	return refused, nil
}

// bulk carries out writes, each whatever becomes of the others.
func (c commands) bulk(ctx context.Context, models []mongo.WriteModel) error {
	result, err := do(ctx, c.by, func(ctx context.Context) (*mongo.BulkWriteResult, error) {
		return c.BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	})
	if err != nil {
		return err
	}
	return acknowledged(result.Acknowledged)
}

// Insert stores value under key for ttl unless there is a live one, in one round trip where there is none, and in another that looks where there is
// one. A document that has expired is removed before, in a third.
func (d *Driver) Insert(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	if err := d.begin(ctx); err != nil {
		return false, err
	}
	if err := logrecord.CheckTTL(ttl); err != nil {
		return false, fmt.Errorf("mongodb: insert: %w", err)
	}
	if err := d.indexes.wait(ctx); err != nil {
		return false, d.fail(ctx, "insert: waiting for the indexes", err)
	}
	// It adds by commands that nothing repeats, and looks at what it finds.
	name := encodeKey(key)
	a := &adding{driver: d, word: func() []byte { return value }, values: make(map[string][]byte, 1), left: []string{name}}
	for {
		if err := ctx.Err(); err != nil {
			return false, d.fail(ctx, "insert", err)
		}
		if err := a.insert(ctx, a.left, d.clock().Add(ttl).UnixMilli()); err != nil {
			return false, d.fail(ctx, "insert", err)
		}
		if a.values[name] != nil {
			return true, nil
		}
		if _, _, err := a.find(ctx); err != nil {
			return false, d.fail(ctx, "insert", err)
		}
		if a.values[name] != nil {
			return false, nil
		}
	}
}
