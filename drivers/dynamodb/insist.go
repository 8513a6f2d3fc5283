package dynamodb

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/marked"
)

// attempts is how often something is asked of a server that does not answer, and a word is added that it could not take.
const attempts = 3

// patience is for how long a server may do nothing of what a removal asks it for, where the context has no end.
const patience = time.Minute

// insist calls send, which returns how many of n are left to do, until none is. While the server is too busy, or fails, it goes on for as
// long as ctx lives, and waits longer each time that the server has done nothing. send makes one attempt: it uses [single].
//
// Removals and the log of purges go by it, since what could not be removed is served on. What a page waits for, a read or a new mark, is
// better off with an error that comes soon.
func (d *Driver) insist(ctx context.Context, n int, send func(ctx context.Context) (left int, err error)) error {
	_, ends := ctx.Deadline()
	since := time.Now() // nothing has been done
	var refused error   // what a server that is too busy has answered last
	silent := 0         // times in a row without an answer
	for attempt := 1; ; attempt++ {
		left, err := timed(ctx, send)
		switch {
		case err == nil && left == 0:
			return nil
		case err == nil && left < n:
			n, attempt, silent, since = left, 1, 0, time.Now()
		case err == nil:
			err = undone(left)
			refused = err
		case ctx.Err() != nil:
			return cmp.Or(refused, err)
		case isRefusal(err):
			return err
		case isBusy(err):
			silent, refused = 0, err
		default:
			if silent++; silent == attempts {
				return err
			}
		}
		if !ends && time.Since(since) >= patience {
			return err
		}
		if over := sleep(ctx, backoff(attempt)); over != nil {
			if err != nil {
				return err
			}
			return over
		}
		if d.closed.Load() {
			return drivers.ErrClosed
		}
	}
}

// timed gives one request a time of its own: the context of a removal may have none, and a connection may be silent for ever.
func timed(ctx context.Context, send func(ctx context.Context) (left int, err error)) (left int, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return send(ctx)
}

// single switches the client's own retries off for one request.
func single(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// undone says that a batch was answered and nothing of it done.
func undone(left int) error {
	return marked.Error{
		Err:  fmt.Errorf("the server has left all %d keys of a batch undone: its capacity is exceeded", left),
		Kind: drivers.ErrAnswered,
	}
}

// insistsKey is the key of what a context says to request.
type insistsKey struct{}

// insisting returns a context of which requests go by insist, one by one.
func insisting(ctx context.Context) context.Context {
	return context.WithValue(ctx, insistsKey{}, true)
}

func insists(ctx context.Context) bool { return ctx.Value(insistsKey{}) != nil }

// request makes a request, with options: as often as the client repeats it, or by insist where the context says so.
func (d *Driver) request(ctx context.Context, send func(ctx context.Context, options ...func(*dynamodb.Options)) error) error {
	if !insists(ctx) {
		return send(ctx)
	}
	return d.insist(ctx, 1, func(ctx context.Context) (left int, err error) { return 0, send(ctx, single) })
}

// item returns the item under key, none if it is absent.
func (d *Driver) item(ctx context.Context, key string) (item attributes, err error) {
	err = d.request(ctx, func(ctx context.Context, options ...func(*dynamodb.Options)) error {
		out, err := d.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: d.table, Key: keyOf(key), ConsistentRead: &yes}, options...)
		if err == nil {
			item = out.Item
		}
		return err
	})
	return item, err
}

// update updates an item.
func (d *Driver) update(ctx context.Context, input *dynamodb.UpdateItemInput) error {
	return d.request(ctx, func(ctx context.Context, options ...func(*dynamodb.Options)) error {
		_, err := d.client.UpdateItem(ctx, input, options...)
		return err
	})
}

// remove removes an item, and returns it if the input asks for it.
func (d *Driver) remove(ctx context.Context, input *dynamodb.DeleteItemInput) (item attributes, err error) {
	err = d.request(ctx, func(ctx context.Context, options ...func(*dynamodb.Options)) error {
		out, err := d.client.DeleteItem(ctx, input, options...)
		if err == nil {
			item = out.Attributes
		}
		return err
	})
	return item, err
}
