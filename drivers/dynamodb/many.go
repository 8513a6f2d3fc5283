package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
)

var (
	_ drivers.BatchSetter = (*Driver)(nil)
	_ drivers.Inserter    = (*Driver)(nil)
)

// SetValues stores values, 25 a request and eight requests at a time. What a server that is too busy has left undone of a request, it is asked
// for again.
func (d *Driver) SetValues(ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
	const what = "set values"
	ready, err := d.begin(ctx, what)
	if err == nil {
		if err = logrecord.CheckTTL(ttl); err != nil {
			err = fmt.Errorf("dynamodb: %s: %w", what, err)
		}
	}
	if err != nil {
		return slices.Repeat([]error{err}, len(keys))
	}
	p := &putting{said: make([]bool, len(keys)), driver: d, keys: keys, values: values, end: d.clock().Add(ttl).UnixMilli(), errs: slices.Repeat([]error{errNotBegun}, len(keys))}
	err = parallel(ctx, (len(keys)+writeBatch-1)/writeBatch, parallelWrites, func(ctx context.Context, i int) error {
		p.put(ctx, i*writeBatch, min((i+1)*writeBatch, len(keys)), ttl)
		return nil
	})
	for i, of := range p.errs {
		switch {
		case of == errNotBegun:
			p.errs[i] = d.fail(ctx, ready, what, err)
		case of != nil && !p.said[i]:
			p.errs[i] = d.fail(ctx, ready, what, of)
		}
	}
	return p.errs
}

// errNotBegun stands for what becomes of a value that was not looked at yet.
var errNotBegun = errors.New("the request was not begun")

// putting is a SetValues under way.
type putting struct {
	driver *Driver
	keys   []string
	values [][]byte
	end    int64
	errs   []error // by place
	said   []bool  // whose errors say what was tried
}

// put puts the items of the keys from a place to another, 25 at most.
func (p *putting) put(ctx context.Context, from, to int, ttl time.Duration) {
	var requests []types.WriteRequest
	placeOf := make(map[string]int, to-from) // by hash key
	for i := from; i < to; i++ {
		if len(p.values[i]) > p.driver.MaxValue(p.keys[i]) {
			p.alone(ctx, i, ttl) // which refuses it
			continue
		}
		p.errs[i] = nil
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: newItem(p.keys[i], p.values[i], p.end)}})
		placeOf[hashKey(p.keys[i])] = i
	}
	if len(requests) == 0 {
		return
	}
	undone, err := p.driver.putAll(ctx, requests)
	for _, request := range undone {
		stored, _ := request.PutRequest.Item[attrKey].(*types.AttributeValueMemberS)
		i := placeOf[stored.Value]
		if p.errs[i] = err; isTooLarge(err) { // one of them is, and then the server does none
			p.alone(ctx, i, ttl)
		}
	}
}

// alone puts one item by itself.
func (p *putting) alone(ctx context.Context, i int, ttl time.Duration) {
	p.errs[i], p.said[i] = p.driver.Set(ctx, p.keys[i], p.values[i], ttl), true
}

// putAll carries requests out, and returns those that it could not, with the error.
func (d *Driver) putAll(ctx context.Context, requests []types.WriteRequest) (undone []types.WriteRequest, err error) {
	err = d.finish(ctx, len(requests), func() (left int, err error) {
		out, err := d.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{*d.table: requests},
		})
		if err != nil {
			return 0, err
		}
		requests = nil
		for _, unprocessed := range out.UnprocessedItems {
			requests = append(requests, unprocessed...)
		}
		return len(requests), nil
	})
	return requests, err
}

// Insert stores value under key for ttl unless there is a live value: a request puts it, on condition, and where an item is there, others read it and
// remove it if it has ended. The client's own retries are off for what puts; it is sent again where the server has answered that it is too busy, and
// so has not done it.
func (d *Driver) Insert(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	const what = "insert"
	ready, err := d.begin(ctx, what)
	if err != nil {
		return false, err
	}
	if err := logrecord.CheckTTL(ttl); err != nil {
		return false, fmt.Errorf("dynamodb: %s: %w", what, err)
	}
	inserted, err := d.insert(ctx, key, value, ttl)
	if err != nil {
		return false, d.fail(ctx, ready, what, err)
	}
	return inserted, nil
}

func (d *Driver) insert(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	for refused := 0; ; {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		_, err := d.putAbsent(ctx, key, ttl, func() []byte { return value })
		switch {
		case err == nil:
			return true, nil
		case codeOf(err) == codeConditional:
			there, err := d.there(ctx, key, err, 0) // no life is too short
			if there != nil || err != nil {
				return false, err
			}
		case isThrottled(err) && refused < attempts-1:
			refused++
			if over := sleep(ctx, backoff(refused)); over != nil {
				return false, errors.Join(err, over)
			}
		default:
			return false, err
		}
	}
}
