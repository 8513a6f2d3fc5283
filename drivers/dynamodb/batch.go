package dynamodb

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gin-cachette/cachette/drivers"
)

const (
	readBatch  = 100 // keys in one BatchGetItem
	writeBatch = 25  // keys in one BatchWriteItem

	parallelReads  = 4  // of up to 16 MB each
	parallelWrites = 8  // batches
	parallelItems  = 16 // requests for single items

	// fruitless is how many times in a row a server may do nothing of what a batch asks it for.
	fruitless = 10
)

// GetValues returns the values stored under keys, a hundred keys a request. It is not one moment's view of them.
func (d *Driver) GetValues(ctx context.Context, keys ...string) ([][]byte, error) {
	const what = "get values"
	ready, err := d.begin(ctx, what)
	if err != nil {
		return nil, err
	}
	wanted := make(map[string][]int, len(keys)) // hash key: where in keys it stands
	var ask []attributes                        // each once, as DynamoDB insists
	for i, key := range keys {
		stored := hashKey(key)
		if wanted[stored] == nil {
			ask = append(ask, attributes{attrKey: text(stored)})
		}
		wanted[stored] = append(wanted[stored], i)
	}
	values := make([][]byte, len(keys))
	take := func(item attributes) { // of one key at a time: no two items set the same elements
		for n, i := range wanted[item[attrKey].(*types.AttributeValueMemberS).Value] {
			value, end, ok := read(item, keys[i])
			if !ok || end <= d.now() {
				return
			}
			if n > 0 {
				value = append([]byte{}, value...)
			}
			values[i] = value
		}
	}
	batches := slices.Collect(slices.Chunk(ask, readBatch))
	err = parallel(ctx, len(batches), parallelReads, func(ctx context.Context, i int) error {
		return d.readAll(ctx, batches[i], take)
	})
	if err != nil {
		return nil, d.fail(ctx, ready, what, err)
	}
	return values, nil
}

// readAll hands the items under keys, those that there are, to take. A server that answers in part is asked for the rest.
func (d *Driver) readAll(ctx context.Context, keys []attributes, take func(attributes)) error {
	return d.finish(ctx, len(keys), func() (left int, err error) {
		keys, err = d.readSome(ctx, types.KeysAndAttributes{Keys: keys, ConsistentRead: &yes}, take)
		return len(keys), err
	})
}

// readSome hands the items that the server returns to take, each with its hash key, and returns the keys that are left.
func (d *Driver) readSome(ctx context.Context, wanted types.KeysAndAttributes, take func(attributes), options ...func(*dynamodb.Options)) (left []attributes, err error) {
	out, err := d.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
		RequestItems: map[string]types.KeysAndAttributes{*d.table: wanted},
	}, options...)
	if err != nil {
		return wanted.Keys, err
	}
	for _, items := range out.Responses {
		for _, item := range items {
			if _, ok := item[attrKey].(*types.AttributeValueMemberS); ok {
				take(item)
			}
		}
	}
	for _, unprocessed := range out.UnprocessedKeys {
		left = append(left, unprocessed.Keys...)
	}
	return left, nil
}

// deleteAll deletes the items under keys, 25 at most.
func (d *Driver) deleteAll(ctx context.Context, keys []attributes) error {
	requests := make([]types.WriteRequest, len(keys))
	for i, key := range keys {
		requests[i].DeleteRequest = &types.DeleteRequest{Key: key}
	}
	return d.insist(ctx, len(keys), func(ctx context.Context) (left int, err error) {
		out, err := d.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{*d.table: requests},
		}, single)
		if err != nil {
			return 0, err
		}
		requests = nil
		for _, unprocessed := range out.UnprocessedItems {
			requests = append(requests, unprocessed...)
		}
		return len(requests), nil
	})
}

// finish calls send, which returns how many of n are left to do, until none is. It waits before it asks again, longer each
// time that the server has done nothing, and gives up when it has done nothing for long.
func (d *Driver) finish(ctx context.Context, n int, send func() (left int, err error)) error {
	for attempt := 1; ; attempt++ {
		left, err := send()
		switch {
		case err != nil:
			return err
		case left == 0:
			return nil
		case left < n:
			n, attempt = left, 1
		case attempt == fruitless:
			return fmt.Errorf("%d times: %w", fruitless, undone(left))
		}
		if err := sleep(ctx, backoff(attempt)); err != nil {
			return err
		}
		if d.closed.Load() {
			return drivers.ErrClosed
		}
	}
}

// parallel calls do for 0 to n-1, some at a time, and returns the first error. None is begun after one.
func parallel(ctx context.Context, n, limit int, do func(ctx context.Context, i int) error) error {
	if n == 1 {
		return do(ctx, 0)
	}
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	var next atomic.Int64
	var running sync.WaitGroup
	var once sync.Once
	var first error
	for range min(n, limit) {
		running.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n || within.Err() != nil {
					return
				}
				if err := do(within, i); err != nil {
					once.Do(func() { first = err })
					cancel()
				}
			}
		})
	}
	running.Wait()
	return cmp.Or(first, ctx.Err())
}

// validPart returns the longest part of prefix, from its beginning, that is UTF-8.
func validPart(prefix string) string {
	valid := strings.ToValidUTF8(prefix, "\xff")
	if i := strings.IndexByte(valid, 0xff); i >= 0 {
		return prefix[:i]
	}
	return prefix
}
