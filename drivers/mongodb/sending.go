package mongodb

import (
	"context"
	"sync"
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

// do has a command done. Where the client tells what it sends, the command goes on behind a caller that has given up.
func do[T any](ctx context.Context, watched bool, command func(context.Context) (T, error)) (T, error) {
	// The client keeps a connection for a moment whose answer has not come by a deadline.
	if !watched || drivers.Caller(ctx).Done() == nil {
		return send(ctx, command)
	}
	on, end := context.WithCancel(context.WithoutCancel(ctx))
	deadline, bounded := ctx.Deadline()
	if bounded {
		end()
		on, end = context.WithDeadline(context.WithoutCancel(ctx), deadline)
	}
	s := &sending{end: end}
	var result T
	var err error
	done := make(chan struct{})
	go func() {
		defer end()
		defer close(done)
		result, err = send(context.WithValue(on, sendingKey{}, s), command)
	}()
	select {
	case <-done:
		return result, err
	case <-ctx.Done():
		s.giveUp(bounded)
		var none T
		return none, ctx.Err()
	}
}
