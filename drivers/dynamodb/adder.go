package dynamodb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
	"github.com/gin-cachette/cachette/drivers/internal/marked"
)

var (
	_ drivers.Adder  = (*Driver)(nil)
	_ drivers.Log    = (*Driver)(nil)
	_ drivers.Purger = (*Driver)(nil)
)

// Add makes sure that keys have values, sixteen at a time: a request, on condition, adds a value, and where there is one, others read it and
// lengthen its life. The client's own retries are off for what adds.
func (d *Driver) Add(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
	const what = "add"
	ready, err := d.begin(ctx, what)
	if err != nil {
		return nil, err
	}
	if err := logrecord.CheckTTL(ttl); err != nil {
		return nil, fmt.Errorf("dynamodb: add: %w", err)
	}
	values := make([][]byte, len(keys))
	if len(keys) == 0 {
		return values, nil
	}
	err = parallel(ctx, len(keys), parallelItems, func(ctx context.Context, i int) (err error) {
		values[i], err = d.add(ctx, keys[i], ttl, word)
		return err
	})
	if err != nil {
		return nil, d.fail(ctx, ready, what, err)
	}
	return values, nil
}

// add adds, or reads and lengthens, until there is a value.
func (d *Driver) add(ctx context.Context, key string, ttl time.Duration, word func() []byte) ([]byte, error) {
	var refused error // what a server that is too busy has answered last
	for failed := 0; ; {
		if err := ctx.Err(); err != nil {
			return nil, cmp.Or(refused, err)
		}
		made, err := d.putAbsent(ctx, key, ttl, word)
		if err == nil {
			return made, nil
		}
		if codeOf(err) == codeConditional {
			if value, err := d.there(ctx, key, err, ttl); value != nil || err != nil {
				return value, err
			}
			continue
		}
		busy := isBusy(err)
		if busy {
			refused = err
		}
		if failed++; isRefusal(err) || failed >= attempts && !(busy && insists(ctx)) {
			return nil, err
		}
		if over := sleep(ctx, backoff(failed)); over != nil {
			return nil, cmp.Or(refused, over)
		}
	}
}

// there returns the value that refused made room for no other, and lengthens its life. It returns nil where the value has ended, and
// removes it then, or where another has changed it in between.
func (d *Driver) there(ctx context.Context, key string, refused error, ttl time.Duration) ([]byte, error) {
	var found attributes // DynamoDB tells what is there; other servers do not
	if check := new(types.ConditionalCheckFailedException); errors.As(refused, &check) {
		found = check.Item
	}
	if len(found) == 0 {
		item, err := d.item(ctx, key)
		if err != nil {
			return nil, err
		}
		found = item
	}
	value, end, ours := read(found, key)
	now := d.now()
	var err error
	switch {
	case len(found) > 0 && !ours:
		return nil, marked.Error{Err: errors.New("the item is no entry: another program must have written it"), Kind: drivers.ErrAnswered}
	case ours && end > now:
		if time.UnixMilli(end).Sub(time.UnixMilli(now)) < ttl/2 {
			err = d.lengthen(ctx, key, end, d.clock().Add(ttl).UnixMilli())
		}
	case ours: // it has ended
		value = nil
		_, err = d.remove(ctx, deleteUnchanged(d.table, found))
	default: // it is gone
		value = nil
	}
	if codeOf(err) == codeConditional {
		return nil, nil
	}
	return value, err
}

// putAbsent puts a new value where there is none, in one attempt.
func (d *Driver) putAbsent(ctx context.Context, key string, ttl time.Duration, word func() []byte) ([]byte, error) {
	made := append([]byte{}, word()...)
	if most := d.MaxValue(key); len(made) > most {
		return nil, fmt.Errorf("%w: a value of %d bytes, of %d at most", drivers.ErrTooLarge, len(made), max(0, most))
	}
	condition := "attribute_not_exists(#k)"
	_, err := d.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           d.table,
		Item:                                newItem(key, made, d.clock().Add(ttl).UnixMilli()),
		ConditionExpression:                 &condition,
		ExpressionAttributeNames:            map[string]string{"#k": attrKey},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, single)
	return made, err
}

// lengthen lets what lies under key, and ends at was, end at a later moment. It does not write the value.
func (d *Driver) lengthen(ctx context.Context, key string, was, end int64) error {
	if end <= was {
		return nil
	}
	condition, update := "attribute_exists(#k) AND #e <= :e", "SET #e = :e, #m = :m"
	return d.update(ctx, &dynamodb.UpdateItemInput{
		TableName:                 d.table,
		Key:                       keyOf(key),
		ConditionExpression:       &condition,
		UpdateExpression:          &update,
		ExpressionAttributeNames:  map[string]string{"#k": attrKey, "#e": attrExpires, "#m": attrExpiresMS},
		ExpressionAttributeValues: attributes{":e": number(expiresOf(end)), ":m": number(end)},
	})
}

// attrLast holds the number of the last record, in the head of a log.
const attrLast = "last"

// numbered is the driver as a log wants it: an item for each record, and a head. One item for all of it would cost its whole
// size for each write.
type numbered struct{ *Driver }

func (d *Driver) log() logrecord.Numbered {
	return logrecord.Numbered{Store: numbered{d}, Heads: &d.heads}
}

// Append adds records to the log under key, in a request for each and one more. Some three follow where this process was not the last to write the log,
// nor has looked at its end since. While the server is too busy it goes on for as long as ctx lives.
func (d *Driver) Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
	return d.purge(ctx, "append", key, keep, ttl, records, nil)
}

// Purge does what Append does, and deletes keys at the time of the last request, 25 in each of others. A transaction would do all at once, in two
// requests' write units for each, and fail where another purge writes the log.
func (d *Driver) Purge(ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
	return d.purge(ctx, "purge", key, keep, ttl, records, keys)
}

func (d *Driver) purge(ctx context.Context, what, key string, keep int, ttl time.Duration, records [][]byte, keys []string) error {
	if _, err := d.begin(ctx, what); err != nil {
		return err
	}
	if err := logrecord.Check(keep, ttl); err != nil {
		return fmt.Errorf("dynamodb: %s: %w", what, err)
	}
	return d.log().Purge(insisting(ctx), key, keep, ttl, records, keys...)
}

// Remove deletes keys, whatever they have.
func (d numbered) Remove(ctx context.Context, keys ...string) error {
	ready, err := d.begin(ctx, "delete")
	if err != nil {
		return err
	}
	batches := slices.Collect(slices.Chunk(slices.Compact(slices.Sorted(slices.Values(keys))), writeBatch))
	err = parallel(ctx, len(batches), parallelWrites, func(ctx context.Context, i int) error {
		remove := make([]attributes, len(batches[i]))
		for k, key := range batches[i] {
			remove[k] = keyOf(key)
		}
		return d.deleteAll(ctx, remove)
	})
	if err != nil {
		return d.fail(ctx, ready, "delete", err)
	}
	return nil
}

// End returns the position behind the last record of the log under key, in two requests.
func (d *Driver) End(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
	if _, err := d.begin(ctx, "end"); err != nil {
		return "", err
	}
	if err := logrecord.CheckTTL(ttl); err != nil {
		return "", fmt.Errorf("dynamodb: end: %w", err)
	}
	return d.log().End(ctx, key, ttl)
}

// Since returns the records behind a position, in two requests, and one more for each 16 records behind the first three.
func (d *Driver) Since(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
	if _, err := d.begin(ctx, "since"); err != nil {
		return nil, "", false, err
	}
	return d.log().Since(ctx, key, from)
}

// Head returns the head of the log under key.
func (d numbered) Head(ctx context.Context, key string) (record []byte, last int64, left time.Duration, err error) {
	ready, err := d.begin(ctx, "log")
	if err != nil {
		return nil, 0, 0, err
	}
	item, err := d.item(ctx, key)
	if err != nil {
		return nil, 0, 0, d.fail(ctx, ready, "log", err)
	}
	record, end, ok := read(item, key)
	left = time.UnixMilli(end).Sub(time.UnixMilli(d.now()))
	if !ok || left <= 0 {
		return nil, 0, 0, nil
	}
	last, _ = integer(item[attrLast])
	return record, last, left, nil
}

// Raise gives the head of a log a larger number.
func (d numbered) Raise(ctx context.Context, key string, record []byte, last int64, ttl time.Duration) (bool, error) {
	ready, err := d.begin(ctx, "log")
	if err != nil {
		return false, err
	}
	end := d.clock().Add(ttl).UnixMilli()
	condition, update := "#v = :v AND (attribute_not_exists(#l) OR #l < :l)", "SET #e = :e, #m = :m, #l = :l"
	err = d.update(ctx, &dynamodb.UpdateItemInput{
		TableName:                d.table,
		Key:                      keyOf(key),
		ConditionExpression:      &condition,
		UpdateExpression:         &update,
		ExpressionAttributeNames: map[string]string{"#v": attrValue, "#l": attrLast, "#e": attrExpires, "#m": attrExpiresMS},
		ExpressionAttributeValues: attributes{
			":v": binary(record), ":l": number(last), ":e": number(expiresOf(end)), ":m": number(end),
		},
	})
	if err != nil && codeOf(err) != codeConditional {
		return false, d.fail(ctx, ready, "log", err)
	}
	return err == nil, nil
}
