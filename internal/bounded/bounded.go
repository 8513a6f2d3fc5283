// Package bounded makes contexts that end after a time, for each operation of a store one.
package bounded

import (
	"context"
	"sync"
	"time"
)

// Context is what context.WithTimeout makes, but that it sets up a timer, which costs as much as many a store takes for an
// answer, only once its end is waited for. Code that bounds what it does by the Deadline, and looks at Err, goes without.
type Context struct {
	context.Context // the caller's
	deadline        time.Time
	own             bool // the deadline is not the caller's

	mu     sync.Mutex
	timed  context.Context // with a timer; nil until its end is waited for
	cancel context.CancelFunc
	over   bool
}

// Err returns why ctx has ended, or nil. A context notices its deadline by a timer, which may be late: a connection, or a client with a timer of
// its own, may have noticed it first.
func Err(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if end, ok := ctx.Deadline(); ok && !time.Now().Before(end) {
		return context.DeadlineExceeded
	}
	return nil
}

// New returns a context that ends with ctx, at the latest after timeout. It is to be cancelled when it is done with.
func New(ctx context.Context, timeout time.Duration) *Context {
	return Until(ctx, time.Now().Add(timeout))
}

// Until does what New does, for a timeout that ends at deadline.
func Until(ctx context.Context, deadline time.Time) *Context {
	c := &Context{Context: ctx, deadline: deadline, own: true}
	if earlier, ok := ctx.Deadline(); ok && !earlier.After(c.deadline) {
		c.deadline, c.own = earlier, false
	}
	return c
}

// Caller returns the context without the timeout: see drivers.Caller.
func (c *Context) Caller() context.Context { return c.Context }

// Expired tells whether the timeout has ended the context, and not the caller's.
func (c *Context) Expired() bool { return c.own && c.Context.Err() == nil && c.late() }

func (c *Context) late() bool { return !time.Now().Before(c.deadline) }

// Cancel ends the context.
func (c *Context) Cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.cancel != nil {
		c.cancel()
	}
}

// Deadline returns when the context ends at the latest.
func (c *Context) Deadline() (time.Time, bool) { return c.deadline, true }

// Err returns why the context has ended, or nil.
func (c *Context) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.timed != nil:
		if err := c.timed.Err(); err != nil {
			return err
		}
	case c.over:
		return context.Canceled
	}
	if err := c.Context.Err(); err != nil {
		return err
	}
	if c.late() { // the timer may be late itself
		return context.DeadlineExceeded
	}
	return nil
}

// Done returns a channel that is closed when the context ends.
func (c *Context) Done() <-chan struct{} { return c.wait().Done() }

// AfterFunc is what the package context calls for contexts that are not its own.
func (c *Context) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(c.wait(), f) }

// wait returns a context that ends by itself.
func (c *Context) wait() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed, c.cancel = context.WithDeadline(c.Context, c.deadline)
		if c.over {
			c.cancel()
		}
	}
	return c.timed
}

// Beyond returns a context that goes on for a while after ctx has ended, for what has to be done all the same. It has the
// values of ctx, and is to be cancelled when it is done with.
func Beyond(ctx context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	beyond, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(while)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(context.Cause(ctx))
		case <-beyond.Done():
		}
	})
	return beyond, func() {
		stop()
		cancel(nil)
	}
}
