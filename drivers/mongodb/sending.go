package mongodb

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/gin-cachette/cachette/drivers"
)

// answerTimeout is how long the answer is waited for that a caller without a deadline has given up.
const answerTimeout = time.Second

// sending is a command whose caller may give up before the answer comes. The client closes a connection whose answer nothing waits for, so
// what has been sent goes on by itself, until the caller's deadline. What has not been sent then is not sent any more.
type sending struct {
	end context.CancelFunc // ends the command

	mu     sync.Mutex
	sent   bool
	gaveUp bool
}

type sendingKey struct{}

// started is told by the client what it is about to send, under the context of the command. It looks at that once more behind it.
func started(ctx context.Context, _ *event.CommandStartedEvent) {
	s, ok := ctx.Value(sendingKey{}).(*sending)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent = true; s.gaveUp {
		s.end()
	}
}

func (s *sending) giveUp(bounded bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gaveUp = true
	switch {
	case !s.sent:
		s.end()
	case !bounded:
		time.AfterFunc(answerTimeout, s.end)
	}
}

// do has a command done. Where there are senders, as the client tells what it sends, the command goes on behind a caller that has given up.
func do[T any](ctx context.Context, by *senders, command func(context.Context) (T, error)) (T, error) {
	// The client keeps a connection for a moment whose answer has not come by a deadline.
	if by == nil || drivers.Caller(ctx).Done() == nil {
		return send(ctx, command)
	}
	s := new(sending)
	on := context.WithValue(context.WithoutCancel(ctx), sendingKey{}, s)
	deadline, bounded := ctx.Deadline()
	if bounded {
		on, s.end = context.WithDeadline(on, deadline)
	} else {
		on, s.end = context.WithCancel(on)
	}
	var result T
	var err error
	done := make(chan struct{})
	by.run(func() {
		defer s.end()
		defer close(done)
		result, err = send(on, command)
	})
	select {
	case <-done:
		return result, err
	case <-ctx.Done():
		s.giveUp(bounded)
		var none T
		return none, ctx.Err()
	}
}

// senders are goroutines that have commands done, one at a time each. They are used again: a new one grows its stack step by step to what the
// client needs, and that takes longer than all else that the driver adds to a command.
type senders struct {
	work  chan func()
	idle  atomic.Int64
	ended <-chan struct{} // they end when it is closed
}

// maxIdle is how many senders wait for work at most.
const maxIdle = 128

func newSenders(ended <-chan struct{}) *senders {
	return &senders{work: make(chan func()), ended: ended}
}

// run has work done by a sender that waits, or by a new one.
func (s *senders) run(work func()) {
	select {
	case s.work <- work:
	default:
		go s.serve(work)
	}
}

func (s *senders) serve(work func()) {
	for {
		work()
		if s.idle.Add(1) > maxIdle {
			s.idle.Add(-1)
			return
		}
		select {
		case work = <-s.work:
			s.idle.Add(-1)
		case <-s.ended:
			return
		}
	}
}
