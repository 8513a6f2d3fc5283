package guard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/bounded"
	"github.com/gin-cachette/cachette/internal/event"
)

// run runs one operation of the driver, unless those of its kind have been failing, and makes the one event of it: what the breaker
// learns, what is counted and what an observer is told all come from that. operation returns how many bytes it has read or written; a
// Clearing and a Sweep, which name no keys, return how many entries they have removed. All keys are those of one server, as far as that is
// known; on has its breakers.
func (s *Store) run(ctx context.Context, on *breakers, kind event.Kind, keys int, operation func(context.Context) (int, error)) (err error) {
	o := event.Operation{Kind: kind, Server: on.server, Keys: keys, Result: event.Failed}
	var b *breaker
	local := s.objects != nil // what lives in this process does not wait, so it has no breaker, no timeout and no time taken
	if !local {
		b = on.of(kind)
	}
	var began time.Duration // since the guard was made, which is quicker to tell than the time
	tries, cause, caller := false, errPanicked, ctx
	defer func() { // also when the driver panics
		if o.Result != event.Refused && !local {
			o.Took = time.Since(s.made) - began
			b.learn(o.Result, cause, tries)
		}
		s.tell(caller, &o)
	}()
	if b != nil && !s.insistent {
		var ok bool
		if ok, tries = b.allow(); !ok {
			o.Result = event.Refused
			return on.unavailable
		}
	}
	goesThroughAll := kind == event.Clearing || kind == event.Sweep // maybe a million keys: bounded by ctx alone
	if _, part := ctx.(*bounded.Context); part || goesThroughAll {
		began = time.Since(s.made)
	} else if !local {
		now := time.Now()
		c := bounded.Until(ctx, now.Add(s.timeout))
		defer c.Cancel()
		began, ctx = now.Sub(s.made), c
	}
	n, cause := operation(ctx)
	o.Result = resultOf(ctx, cause)
	if goesThroughAll {
		o.Keys = n
	} else if cause == nil {
		o.Bytes = n
	}
	if o.Result == event.TimedOut || o.Result == event.Failed {
		return on.named(cause)
	}
	return cause
}

// errPanicked is the error of a driver that panics, for the log.
var errPanicked = errors.New("the driver panicked")

// Contained does what no caller is there for that could recover from the panic of a driver: that is an error.
func Contained(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanicked, p)
		}
	}()
	return do()
}

// errNone says that none of several keys was there, which is a miss, and no error for the caller.
var errNone = errors.Join(drivers.ErrMiss)

// resultOf returns how an operation ended that was bounded by ctx.
func resultOf(ctx context.Context, err error) event.Result {
	switch {
	case err == nil:
		return event.Done
	case errors.Is(err, drivers.ErrMiss):
		return event.Missed
	case errors.Is(err, drivers.ErrTooLarge):
		return event.TooLarge
	case errors.Is(err, drivers.ErrClosed):
		return event.Closed
	case errors.Is(err, errors.ErrUnsupported):
		return event.Unsupported
	case expired(ctx):
		return event.TimedOut
	case ctx.Err() != nil:
		return event.Canceled
	}
	var timeout interface{ Timeout() bool } // as an error of package net, or context.DeadlineExceeded, is one
	if errors.As(err, &timeout) && timeout.Timeout() {
		return event.TimedOut
	}
	return event.Failed
}

// expired tells whether a context was ended by the operation timeout, and not by its caller.
func expired(ctx context.Context) bool {
	c, ok := ctx.(*bounded.Context)
	return ok && c.Expired()
}
