package redis

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/internal/bounded"
)

const (
	// A caller that comes alone sends its request by itself, as handing it to another goroutine and back takes as long as
	// a server nearby needs to answer. Nothing can take it from there when its context ends, so it looks for that after each quickEnd; and it does
	// so only where the last answer came within briskAnswer, and to one that was alone as well. If no answer begins its request
	// goes the usual way, and is sent twice. So it is for reading only: what is written twice may come late, over a newer value.
	briskAnswer = time.Millisecond
	quickEnd    = 5 * time.Millisecond
)

// do runs a request in the lane of key, or by itself where the driver does not pipeline or alone is set.
func (d *Driver) do(ctx context.Context, operation, key string, alone bool, r request) error {
	if err := d.begin(ctx, operation); err != nil {
		return err
	}
	l := d.routes.of(key)
	if !alone && d.pipelined {
		if done, err := l.sendAlone(ctx, r); done {
			return d.explain(ctx, operation, err)
		}
		if err := d.begin(ctx, operation); err != nil {
			return err
		}
	}
	_, err := d.outcome(ctx, operation, d.start(ctx, l, alone, r), l, alone)
	return err
}

// start has a request sent, in a lane or by itself.
func (d *Driver) start(ctx context.Context, l *lane, alone bool, r request) *job {
	if !alone && d.pipelined {
		return l.do(ctx, r)
	}
	j := &job{request: r, caller: ctx, done: make(chan error, 1), place: -1}
	go func() {
		j.done <- guard(func() error {
			sent := time.Now()
			exchange(d.patient(ctx, r), d.client, func(to redis.Pipeliner) { r.add(ctx, to) })
			if l.sent != nil {
				l.sent()
			}
			return r.settle(sent)
		})
	}()
	return j
}

// patient returns the context by which the client waits for an answer. A caller that leaves leaves its connection waiting, for as long as the client
// grants a server, and so the next has one. But what takes long to send is not to go on arriving once its caller has gone.
func (d *Driver) patient(ctx context.Context, r request) context.Context {
	if set, ok := r.(sized); ok && set.bytes() > maxShared {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// sized is a request that sends values, of so many bytes.
type sized interface{ bytes() int }

// outcome waits for a request, and returns it. One whose connection turns out to have been closed by the server is sent again, if it may be.
func (d *Driver) outcome(ctx context.Context, operation string, j *job, l *lane, alone bool) (request, error) {
	err := d.await(ctx, operation, j.done)
	if isCut(err) && j.nature() != isOnce && bounded.Err(ctx) == nil {
		j = d.start(ctx, l, alone, j.request)
		err = d.await(ctx, operation, j.done)
	}
	if err != nil {
		l.takeBack(j)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		l.watch.gaveUp(l.server)
	}
	return j.request, err
}

// isCut tells whether an error says that the server, or the network, has closed a connection.
func isCut(err error) bool {
	for _, cut := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed} {
		if errors.Is(err, cut) {
			return true
		}
	}
	return false
}

// sendAlone sends a request from the goroutine of its caller, if there is nothing else to do and the server is brisk. It
// reports whether that has led to an outcome; if not, the request goes the usual way.
func (l *lane) sendAlone(ctx context.Context, r request) (done bool, err error) {
	if r.nature() != isRead || !l.direct || !l.occupy() {
		return false, nil
	}
	sent := time.Now()
	err = guard(func() error {
		hurried := &hurried{ctx, sent.Add(quickEnd)}
		l.watch.direct.Store(hurried)
		defer l.watch.direct.Store(nil)
		exchange(hurried, l.client, func(to redis.Pipeliner) { r.add(ctx, to) })
		return r.settle(sent)
	})
	var reply redis.Error
	done = err == nil || errors.As(err, &reply)
	l.leave(done && time.Since(sent) < briskAnswer)
	return done, err
}

// hurried is a context whose deadline is at hand. It has no timer: the client gives the deadline to its connection, which then looks whether
// it is to go on.
type hurried struct {
	context.Context
	deadline time.Time
}

func (c *hurried) Deadline() (time.Time, bool) {
	if deadline, ok := c.Context.Deadline(); ok && deadline.Before(c.deadline) {
		return deadline, true
	}
	return c.deadline, true
}

// occupy makes the caller the one that sends, and reports whether it may.
func (l *lane) occupy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.brisk || l.closed || l.runners > 0 || len(l.queue) > 0 {
		return false
	}
	l.runners++
	return true
}

// leave undoes occupy, and has the requests sent that have come meanwhile.
func (l *lane) leave(brisk bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.brisk = brisk && len(l.queue) == 0
	l.runners--
	if len(l.queue) > 0 && l.runners == 0 {
		l.runners++
		go l.run()
	}
}
