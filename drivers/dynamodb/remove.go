package dynamodb

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/marked"
)

// few is how many keys Delete removes one by one.
const few = parallelItems

// Delete removes keys. Up to sixteen are removed each by a request that answers with what it has removed: only so do several
// that remove a key at the same time count it once.
//
// More are read first, a hundred a request, to be counted, and then removed, 25 a request. One that another removes between the two may
// be counted by both, and one that is written between the two is removed and not counted. While the server is too busy, it goes on for as
// long as ctx lives.
//
// After an error it returns how many were removed for certain.
func (d *Driver) Delete(ctx context.Context, keys ...string) (int, error) {
	const what = "delete"
	ready, err := d.begin(ctx, what)
	if err != nil {
		return 0, err
	}
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	var live atomic.Int64
	if len(keys) <= few {
		err = parallel(ctx, len(keys), parallelItems, func(ctx context.Context, i int) error { return d.deleteOne(insisting(ctx), keys[i], &live) })
	} else {
		batches := slices.Collect(slices.Chunk(keys, readBatch))
		err = parallel(ctx, len(batches), parallelReads, func(ctx context.Context, i int) error { return d.deleteMany(ctx, batches[i], &live) })
	}
	if err != nil {
		return int(live.Load()), d.fail(ctx, ready, what, err)
	}
	return int(live.Load()), nil
}

// deleteOne removes a key, and counts it if it was live.
func (d *Driver) deleteOne(ctx context.Context, key string, live *atomic.Int64) error {
	item, err := d.remove(ctx, &dynamodb.DeleteItemInput{
		TableName:    d.table,
		Key:          keyOf(key),
		ReturnValues: types.ReturnValueAllOld,
	})
	if err != nil {
		return err
	}
	if _, end, ok := read(item, key); ok && end > d.now() {
		live.Add(1)
	}
	return nil
}

// deleteMany removes a hundred keys at most, and counts those that are live when it reads them.
func (d *Driver) deleteMany(ctx context.Context, keys []string, live *atomic.Int64) error {
	ask := make([]attributes, len(keys))
	wanted := make(map[string]string, len(keys)) // by hash key
	for i, key := range keys {
		ask[i] = keyOf(key)
		wanted[hashKey(key)] = key
	}
	lives := make(map[string]bool, len(keys)) // by hash key
	err := d.insist(ctx, len(ask), func(ctx context.Context) (left int, err error) {
		ask, err = d.readSome(ctx, types.KeysAndAttributes{
			Keys: ask, ConsistentRead: &yes, ProjectionExpression: &columns, ExpressionAttributeNames: columnNames,
		}, func(item attributes) {
			stored := item[attrKey].(*types.AttributeValueMemberS).Value
			key, ok := originalKey(item)
			lives[stored] = ok && key == wanted[stored] && endOf(item) > d.now()
		}, single)
		return len(ask), err
	})
	if err != nil {
		return err
	}
	batches := slices.Collect(slices.Chunk(keys, writeBatch))
	return parallel(ctx, len(batches), len(batches), func(ctx context.Context, i int) error {
		remove := make([]attributes, len(batches[i]))
		n := 0
		for k, key := range batches[i] {
			remove[k] = keyOf(key)
			if lives[hashKey(key)] {
				n++
			}
		}
		if err := d.deleteAll(ctx, remove); err != nil {
			return err
		}
		live.Add(int64(n))
		return nil
	})
}

// Clear removes every key that begins with prefix. It reads the whole table, and removes 25 keys a request. A key that is
// written meanwhile may survive it, and one that another removes at the same moment may be counted by both. After an error
// it returns how many were removed for certain. While the server is too busy it goes on for as long as ctx lives; where ctx has no
// end, it gives up when the server has done nothing for a minute. Without the permission (Scan and BatchWriteItem) the error matches
// [errors.ErrUnsupported].
func (d *Driver) Clear(ctx context.Context, prefix string) (int, error) {
	const what = "clear"
	ready, err := d.begin(ctx, what)
	if err != nil {
		return 0, err
	}
	var live atomic.Int64
	err = d.scan(ctx, filterPrefix(prefix), func(items []attributes) error {
		items = slices.DeleteFunc(items, func(item attributes) bool {
			key, ok := originalKey(item)
			return !ok || !strings.HasPrefix(key, prefix)
		})
		batches := slices.Collect(slices.Chunk(items, writeBatch))
		return parallel(ctx, len(batches), parallelWrites, func(ctx context.Context, i int) error {
			now, n := d.now(), 0
			keys := make([]attributes, len(batches[i]))
			for k, item := range batches[i] {
				keys[k] = attributes{attrKey: item[attrKey]}
				if endOf(item) > now {
					n++
				}
			}
			if err := d.deleteAll(ctx, keys); err != nil {
				return err
			}
			live.Add(int64(n))
			return nil
		})
	})
	if err != nil {
		return int(live.Load()), d.fail(ctx, ready, what, marked.If(isDenied(err), errors.ErrUnsupported, err))
	}
	return int(live.Load()), nil
}

// Sweep removes the items that have expired and returns how many they were. On a table from which DynamoDB removes them
// itself it does nothing: it would read the whole table. A server that is too busy is asked again as by Clear.
func (d *Driver) Sweep(ctx context.Context) (int, error) {
	const what = "sweep"
	ready, err := d.begin(ctx, what)
	if err != nil || ready.reaped {
		return 0, err
	}
	now := d.now()
	var swept atomic.Int64
	err = d.scan(ctx, filterExpired(now), func(items []attributes) error {
		items = slices.DeleteFunc(items, func(item attributes) bool {
			_, ok := originalKey(item)
			return !ok || endOf(item) > now
		})
		return parallel(ctx, len(items), parallelItems, func(ctx context.Context, i int) error {
			return d.insist(ctx, 1, func(ctx context.Context) (left int, err error) {
				_, err = d.client.DeleteItem(ctx, deleteUnchanged(d.table, items[i]), single)
				if codeOf(err) == codeConditional { // it has been replaced, or another has removed it
					return 0, nil
				}
				if err == nil {
					swept.Add(1)
				}
				return 0, err
			})
		})
	})
	if err != nil {
		return int(swept.Load()), d.fail(ctx, ready, what, err)
	}
	return int(swept.Load()), nil
}

// deleteUnchanged deletes item if its times are still those that were read.
func deleteUnchanged(table *string, item attributes) *dynamodb.DeleteItemInput {
	input := &dynamodb.DeleteItemInput{
		TableName:                table,
		Key:                      attributes{attrKey: item[attrKey]},
		ExpressionAttributeNames: map[string]string{"#e": attrExpires, "#m": attrExpiresMS},
	}
	var conditions []string
	for _, name := range []string{"e", "m"} {
		was, ok := item[input.ExpressionAttributeNames["#"+name]]
		if !ok {
			conditions = append(conditions, "attribute_not_exists(#"+name+")")
			continue
		}
		if input.ExpressionAttributeValues == nil { // which may not be empty
			input.ExpressionAttributeValues = make(attributes)
		}
		input.ExpressionAttributeValues[":"+name] = was
		conditions = append(conditions, "#"+name+" = :"+name)
	}
	condition := strings.Join(conditions, " AND ")
	input.ConditionExpression = &condition
	return input
}

// A filter is an expression that spares the server sending what is not wanted. What comes is looked at again.
type filter struct {
	expression string // "" lets all pass
	values     attributes
}

// filterPrefix lets those keys pass that begin with prefix, as far as the server can tell.
func filterPrefix(prefix string) filter {
	valid := validPart(prefix)
	if valid == "" {
		return filter{}
	}
	f := filter{"begins_with(#k, :marker)", attributes{":marker": text(marker)}}
	if len(valid) <= maxKey {
		f.expression += " OR begins_with(#k, :prefix)"
		f.values[":prefix"] = text(valid)
	}
	return f
}

// filterExpired lets those items pass that may have ended at now: never do they end before what expires says.
func filterExpired(now int64) filter {
	return filter{"#e <= :now", attributes{":now": &types.AttributeValueMemberN{Value: strconv.FormatInt(now/1000, 10)}}}
}

// scan reads the keys and times of all items that pass f, and hands them to each, some at a time.
func (d *Driver) scan(ctx context.Context, f filter, each func([]attributes) error) error {
	input := &dynamodb.ScanInput{
		TableName:                d.table,
		ConsistentRead:           &yes,
		ProjectionExpression:     &columns,
		ExpressionAttributeNames: maps.Clone(columnNames),
	}
	if f.expression != "" {
		input.FilterExpression, input.ExpressionAttributeValues = &f.expression, f.values
	}
	for {
		if d.closed.Load() {
			return drivers.ErrClosed
		}
		var out *dynamodb.ScanOutput
		err := d.insist(ctx, 1, func(ctx context.Context) (left int, err error) {
			out, err = d.client.Scan(ctx, input, single)
			return 0, err
		})
		if err != nil {
			return err
		}
		if err := each(out.Items); err != nil {
			return err
		}
		if len(out.LastEvaluatedKey) == 0 {
			return nil
		}
		input.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// columns are the attributes that tell of an item all but its value.
var columns = "#k, #e, #m, #b"

// columnNames stand for attributes, as some of their names are words of DynamoDB's language.
var columnNames = map[string]string{"#k": attrKey, "#e": attrExpires, "#m": attrExpiresMS, "#b": attrKeyBytes}
