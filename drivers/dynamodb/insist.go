package dynamodb

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gin-cachette/cachette/drivers"
)

// attempts is how often something is asked of a server that does not answer, and a word is added that it could not take.
const attempts = 3

// patience is for how long a server may do nothing of what a removal asks it for, where the context has no end.
const patience = time.Minute

// insist calls send, which returns how many of n are left to do, until none is. While the server is too busy, or fails, it goes on for as
// long as ctx lives, and waits longer each time that the server has done nothing. send makes one attempt: it uses [single].
//
// Removals go by it, since what could not be removed is served on. A read is better off with an error that comes soon.
func (d *Driver) insist(ctx context.Context, n int, send func(ctx context.Context) (left int, err error)) error {
	_, ends := ctx.Deadline()
	since := time.Now() // nothing has been done
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
		case ctx.Err() != nil || isRefusal(err):
			return err
		case isBusy(err):
			silent = 0
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
	return fmt.Errorf("the server has left all %d keys of a batch undone: its capacity is exceeded", left)
}
