package redis

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/bounded"
)

// Auto-pipelining is our own and not that of go-redis, whose lone command takes twice as long as one that is sent plainly
// to a server nearby, whose queue keeps the commands of callers that have gone, and whose Close waits for half a minute for a
// server that does not answer. See the benchmarks.

const (
	// maxBatch is how many requests share a round trip at most.
	maxBatch = 128
	// maxRunners is how many batches of a lane are under way at most.
	maxRunners = 8
	// patience is how long requests wait for the batch before them: then another connection is used beside it, so that
	// neither a large value, nor a long way to the server, nor a connection that has died holds up the rest.
	patience = 2 * time.Millisecond
)

// request is commands that share a round trip with those of others.
type request interface {
	// add adds the commands to a pipeline. It may be called again, where nothing came of them. caller is the context of the one that asks.
	add(caller context.Context, to redis.Pipeliner)
	// settle reads their replies. sent is a moment before they were sent.
	settle(sent time.Time) error
	// nature tells what is to be seen to when they are sent.
	nature() nature
}

// nature is what there is to see to when a request is sent.
type nature int

const (
	isRead  nature = iota // may be sent as often as is wanted
	isWrite               // may be sent again only while its caller waits
	isOnce                // may be sent once
)

// They are embedded in requests.
type (
	reads      struct{}
	writes     struct{}
	writesOnce struct{}
)

func (reads) nature() nature      { return isRead }
func (writes) nature() nature     { return isWrite }
func (writesOnce) nature() nature { return isOnce }

// job is a request in a lane.
type job struct {
	request
	caller context.Context
	done   chan error
	place  int // in the lane's queue; -1 once it is under way
}

// isLeft tells whether the caller of a job has gone. Then the job is finished.
func (j *job) isLeft() bool {
	err := bounded.Err(j.caller)
	if err != nil {
		j.finish(err)
	}
	return err != nil
}

// exchange sends what fill adds to a pipeline, and reads the replies; each command has its own error. A connection that was closed before
// anything was sent is no reason to fail.
func exchange(ctx context.Context, client redis.UniversalClient, fill func(to redis.Pipeliner)) {
	unsent := func(command redis.Cmder) bool { return errors.Is(command.Err(), errAbandoned) }
	for {
		pipeline := client.Pipeline()
		fill(pipeline)
		commands, err := pipeline.Exec(ctx)
		if err == nil || ctx.Err() != nil || slices.ContainsFunc(commands, func(c redis.Cmder) bool { return !unsent(c) }) {
			return
		}
	}
}

// finish tells the caller of a job its outcome.
func (j *job) finish(err error) { j.done <- err }

// lane makes one batch after the other of the requests that it is given.
type lane struct {
	client redis.UniversalClient
	server string // the address, in a cluster that is known
	watch  *watch
	direct bool // its callers may send by themselves

	mu      sync.Mutex
	queue   []*job
	runners int  // those that are under way, with the caller that sends by itself
	brisk   bool // the last answer came soon, to one that was alone
	closed  bool
	relief  *time.Timer
	sent    func() // called after a batch has been sent; may be nil
}

// do hands in a request. The job that it returns has the outcome, once there is one.
func (l *lane) do(caller context.Context, r request) *job {
	j := &job{request: r, caller: caller, done: make(chan error, 1)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		j.done <- drivers.ErrClosed
		return j
	}
	j.place = len(l.queue)
	l.queue = append(l.queue, j)
	switch {
	case l.runners == 0:
		l.runners++
		go l.run()
	case len(l.queue) == 1:
		l.waitForRelief()
	}
	return j
}

// waitForRelief has another runner start if what is queued is still there when patience ends.
func (l *lane) waitForRelief() {
	if l.relief == nil {
		l.relief = time.AfterFunc(patience, l.relieve)
	} else {
		l.relief.Reset(patience)
	}
}

func (l *lane) relieve() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 && l.runners < maxRunners {
		l.runners++
		go l.run()
	}
}

// takeBack takes a job whose caller has gone out of the queue.
func (l *lane) takeBack(j *job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if j.place < 0 || j.place >= len(l.queue) || l.queue[j.place] != j {
		return
	}
	last := len(l.queue) - 1
	l.queue[j.place] = l.queue[last]
	l.queue[j.place].place = j.place
	l.queue[last] = nil
	l.queue = l.queue[:last]
	j.place = -1
}

// run sends batches until nothing is queued.
func (l *lane) run() {
	for {
		batch := l.take()
		if batch == nil || l.send(batch) {
			return
		}
		// Callers that have just been answered, and others that are ready to ask, come first: the fuller a batch, the fewer
		// of them there are.
		runtime.Gosched()
	}
}

// take takes the next batch from the queue. It is nil when there is none, and the runner has then ended.
func (l *lane) take() []*job {
	l.mu.Lock()
	defer l.mu.Unlock()
	batch := l.queue
	if len(batch) == 0 {
		l.runners--
		return nil
	}
	l.queue = nil
	if len(batch) > maxBatch {
		l.queue = append(l.queue, batch[maxBatch:]...)
		batch = batch[:maxBatch]
		for i, j := range l.queue {
			j.place = i
		}
		l.waitForRelief()
	}
	for _, j := range batch {
		j.place = -1
	}
	return batch
}

// send sends a batch and tells each caller the outcome of its request. It reports whether the runner has ended.
func (l *lane) send(batch []*job) (ended bool) {
	batch = slices.DeleteFunc(batch, (*job).isLeft)
	sent := time.Now()
	err := guard(func() error {
		// The callers' contexts are different ones, and each waits for its own.
		exchange(context.Background(), l.client, func(to redis.Pipeliner) {
			for _, j := range batch {
				j.add(j.caller, to)
			}
		})
		return nil
	})
	if err == nil && l.sent != nil {
		l.sent()
	}
	ended = l.rest(len(batch) == 1 && time.Since(sent) < briskAnswer)
	for _, j := range batch {
		if err != nil {
			j.finish(err)
		} else {
			j.finish(j.settle(sent))
		}
	}
	return ended
}

// rest ends the runner if nothing is queued. It does so before the callers have their outcomes, so that one of them that
// comes again finds the lane free.
func (l *lane) rest(brisk bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.brisk = brisk
	if len(l.queue) > 0 {
		return false
	}
	l.runners--
	return true
}

// close ends the requests that wait. Those that are under way end with the client's timeouts.
func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.relief != nil {
		l.relief.Stop()
	}
	for _, j := range l.queue {
		j.place = -1
		j.finish(drivers.ErrClosed)
	}
	l.queue = nil
}
