package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/bounded"
)

var _ drivers.Waiter = (*Driver)(nil)

const (
	// mostBlock is how long a server is asked to wait for records. Then it is asked again, so that a connection that has died is found.
	mostBlock = time.Second
	// blockMargin is how much later than that the answer may come.
	blockMargin = time.Second
	// mostLook is how long the look before that may take.
	mostLook = 2 * time.Second
	// mostWaits is how many logs can be waited for at once, on each server, and idleWaits how many of their connections are kept meanwhile.
	mostWaits = 32
	idleWaits = 4
	// waitLife is for how long such a connection is used: one to a master that is no longer one may stay open.
	waitLife = time.Minute
)

// Wait asks the server to tell when the stream under key has an entry behind from (XREAD with BLOCK), for a second at a time, over a connection
// beside those of other operations. Before each time it looks whether the log is still the one that from is of.
//
// A caller that leaves, leaves its connection to the answer, for a second at most. An entry whose id is lower than that of from is not told of: the
// ids of a stream follow the clock of its server, and one that takes another's place may lag behind it. What was lost with a server the look finds.
func (d *Driver) Wait(ctx context.Context, key string, from drivers.Position) error {
	const operation = "wait"
	id, word, ok := strings.Cut(string(from), "/")
	if !ok {
		return d.begin(ctx, operation) // it is of no stream
	}
	for {
		last, err := d.look(ctx, operation, key, id, word)
		if err != nil || !last {
			return err
		}
		came := make(chan bool, 1)
		err = d.call(ctx, operation, func(ctx context.Context) error {
			some, err := d.waiting.block(ctx, key, id)
			came <- some
			return err
		})
		if err != nil || <-came {
			return err
		}
	}
}

// errLooking says that a server has not answered for mostLook.
var errLooking = fmt.Errorf("the server has not answered within %v", mostLook)

// look tells whether the entry of id and word is the last of a stream. It takes mostLook at most, whatever the client's timeouts are, by which idle
// connections that have died are found as well.
func (d *Driver) look(ctx context.Context, operation, key, id, word string) (last bool, err error) {
	within := bounded.New(ctx, mostLook)
	defer within.Cancel()
	r := &lookRequest{key: key, id: id}
	err = d.do(within, operation, key, false, r)
	if err != nil && within.Expired() { // and the caller's time is not over
		return false, fmt.Errorf("redis: %s: %w", operation, errLooking)
	}
	return err == nil && r.isLast(word), err
}

// lookRequest looks whether an entry is the last of a stream.
type lookRequest struct {
	reads
	key, id string
	reply   *redis.XMessageSliceCmd
	entries []redis.XMessage // the first two from it on; none where there is no such stream, or the id is none
}

func (r *lookRequest) add(ctx context.Context, to redis.Pipeliner) {
	r.reply = to.XRangeN(ctx, r.key, r.id, "+", 2)
}

func (r *lookRequest) settle(time.Time) (err error) {
	r.entries, err = r.reply.Result()
	if isNoID(err) {
		return nil
	}
	return err
}

// isLast tells whether the entry is there, is the one that had word, and none is behind it.
func (r *lookRequest) isLast(word string) bool {
	if len(r.entries) != 1 || r.entries[0].ID != r.id {
		return false
	}
	at, err := positionOf(r.entries[0])
	return err == nil && string(at) == r.id+"/"+word
}

// waiting is the client that waits, beside that of all other operations: a connection of theirs that says nothing counts as dead, and a pool that waits
// is used up.
type waiting struct {
	of redis.UniversalClient // whose servers it waits for

	mu     sync.Mutex
	client redis.UniversalClient // nil until it is needed
	closed bool
}

// blocking is a command that waits. The client does not send it again where the connection fails: its caller does, or polls.
type blocking struct{ *redis.Cmd }

func (blocking) NoRetry() bool { return true }

func (b blocking) Clone() redis.Cmder { return blocking{b.Cmd.Clone().(*redis.Cmd)} }

// block waits until a stream has an entry behind id, and tells whether it has.
func (w *waiting) block(ctx context.Context, key, id string) (came bool, err error) {
	client, err := w.get()
	if err != nil {
		return false, err
	}
	most := mostBlock
	if deadline, ok := ctx.Deadline(); ok {
		most = min(most, time.Until(deadline))
	}
	command := redis.NewCmd(ctx, "xread", "count", 1, "block", 1+max(0, most.Milliseconds()), "streams", key, id)
	command.SetFirstKeyPos(6)
	err = client.Process(ctx, blocking{command})
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil, err
}

// get returns the client, which it makes if need be.
func (w *waiting) get() (redis.UniversalClient, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return nil, drivers.ErrClosed
	case w.client != nil:
		return w.client, nil
	}
	switch of := w.of.(type) {
	case *redis.Client:
		options := *of.Options()
		w.client = redis.NewClient(forWaiting(&options))
	case *redis.ClusterClient:
		options := *of.Options()
		open := options.NewClient
		options.NewClient = func(node *redis.Options) *redis.Client { return open(forWaiting(node)) }
		w.client = redis.NewClusterClient(&options)
	default:
		return nil, fmt.Errorf("a client of type %T does not tell its options, to make one like it: %w", of, errors.ErrUnsupported)
	}
	return w.client, nil
}

// forWaiting changes options of a client, which are no other's, to those of one that waits. How to reach the server, the Sentinels included, stays.
func forWaiting(o *redis.Options) *redis.Options {
	o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled = -1, 1, false
	o.ReadTimeout, o.PoolTimeout = mostBlock+blockMargin, mostBlock+blockMargin
	o.PoolSize, o.PipelinePoolSize, o.MaxConcurrentDials = mostWaits, -1, mostWaits
	o.MinIdleConns, o.MaxIdleConns, o.MaxActiveConns = 0, idleWaits, 0
	o.ConnMaxLifetime, o.ConnMaxLifetimeJitter = waitLife, 0
	o.Limiter, o.ClientSideCache, o.ClientSideCacheConfig, o.AutoPipelineOptions = nil, nil, nil, nil
	o.PushNotificationProcessor = nil // one is that of one client
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return o
}

// close closes the client, and so ends what waits.
func (w *waiting) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.client == nil {
		return nil
	}
	return w.client.Close()
}
