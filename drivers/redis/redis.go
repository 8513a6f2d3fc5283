// Package redis keeps a cache in Redis: a single server, a master watched by Sentinels, or a Cluster.
//
// A value lies under its plain key as a string of exactly its bytes, with Redis's own expiry, so that other programs can
// share it. Small requests that are made at the same time share a round trip (auto-pipelining): a request that comes alone is
// sent at once, and those that come while it is under way go together in the next one. [Options] can switch that off.
//
// Importing the package registers it as "redis". A program that has a client already gives it to [New].
//
// go-redis has one log for all clients of a program. Once a driver was opened by its name, its lines go to the loggers of the
// drivers that are open so, as information, and to [slog.Default] when none is; what the cache has to warn of it says itself.
// A program that wants them elsewhere calls SetLogger of go-redis after that.
package redis

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/marked"
	"github.com/gin-cachette/cachette/internal/bounded"
	"github.com/gin-cachette/cachette/internal/wording"
)

// maxValue is the size, in bytes, of the largest string that Redis has, key or value: its proto-max-bulk-len, unless a
// server has been configured otherwise.
const maxValue = 512 << 20

// forever is the expiry of what another program has stored without one.
const forever = time.Duration(math.MaxInt64)

// Options configures a [Driver]. Its zero value is ready to use.
type Options struct {
	// NoAutoPipeline sends each request by itself, over a connection that it has to itself meanwhile.
	NoAutoPipeline bool
}

// Driver is a [drivers.Driver] that keeps its entries in Redis. It is a [drivers.Batch], a [drivers.BatchSetter], a
// [drivers.Adder], a [drivers.Inserter], a [drivers.Log], a [drivers.Purger], a [drivers.Limited], a [drivers.Pinger] and, for a Cluster, [drivers.Sharded] too. Create it with [New].
type Driver struct {
	client  redis.UniversalClient
	secrets secrets
	own     bool   // the driver made the client, and closes it
	unlog   func() // ends that the driver is told what go-redis logs; nil for a client of another

	pipelined bool
	routes    *routes
	waiting   waiting
	closing   sync.Once
	closed    chan struct{}
}

var (
	_ drivers.Driver  = (*Driver)(nil)
	_ drivers.Batch   = (*Driver)(nil)
	_ drivers.Limited = (*Driver)(nil)
	_ drivers.Pinger  = (*Driver)(nil)
	_ drivers.Sharded = (*Driver)(nil)
)

// New returns a driver that uses client, of a single server, of Sentinels, or of a Cluster. Whoever made the
// client closes it, after the driver. A client that reads from replicas may be given what has been replaced or removed. A Ring is refused: it
// moves keys by the health of its servers, so that what was removed would come back.
//
// An operation ends with its context whatever the client's timeouts are. What it has sent stays under way until those end
// it, so a client should have them. The client sends once what writes, whatever MaxRetries and MaxRedirects are; a
// value whose connection was cut is put or deleted once more by the driver while its caller waits, and a mark or a log never. One with ContextTimeoutEnabled is faster
// for requests that come alone, and a large value does not go on being sent for a caller that has gone.
//
// Waiting for records of a log has a small client of its own, which is made when it is first needed, with the options that client has been given and
// none of the hooks that were added to it. A client of a type of the program's own cannot be waited with.
//
// The client gets a hook, which sees the connections that it makes from then on, of a Cluster those to servers that it has not dialled yet: the
// ones that were idle when another fell silent are closed. New asks no server, and so does not tell what one lacks, as opening by name does.
func New(client redis.UniversalClient, options Options) (*Driver, error) {
	switch c := client.(type) {
	case nil:
		return nil, errors.New("redis: the client is nil")
	case *redis.AutoPipeliner:
		return nil, errors.New("redis: the client is an auto-pipeliner: give the client that it was made from")
	case *redis.Client:
		if c == nil {
			return nil, errors.New("redis: the client is a nil pointer")
		}
	case *redis.ClusterClient:
		if c == nil {
			return nil, errors.New("redis: the client is a nil pointer")
		}
	case *redis.Ring:
		return nil, errors.New("redis: the client is a Ring, which moves keys to other servers and back by how these are, and so brings back what was removed: " +
			"give a client of a Cluster, or of a single server")
	}
	return &Driver{
		client:    client,
		secrets:   secretsOf(client),
		pipelined: !options.NoAutoPipeline,
		routes:    newRoutes(client),
		waiting:   waiting{of: client},
		closed:    make(chan struct{}),
	}, nil
}

// Sharded tells whether the client is one of a Cluster.
func (d *Driver) Sharded() bool { return d.routes.cluster != nil }

// ServerOf returns the address of the master that keeps key, of a Cluster; empty as long as no command has found out where its keys are. It is empty for
// a single server.
func (d *Driver) ServerOf(key string) string { return d.routes.server(key) }

// Ping returns nil when a server answers; of a cluster, one of its masters.
func (d *Driver) Ping(ctx context.Context) error {
	return d.call(ctx, "ping", func(ctx context.Context) error {
		outcome := make(chan error, 1) // the first counts
		tell := func(err error) {
			select {
			case outcome <- err:
			default:
			}
		}
		go func() {
			tell(guard(func() error {
				return d.forEachMaster(ctx, func(ctx context.Context, master redis.Cmdable) error {
					err := master.Ping(context.WithoutCancel(ctx)).Err()
					if err == nil {
						tell(nil)
					}
					return err
				})
			}))
		}()
		return <-outcome
	})
}

// MaxValue returns 512 MiB, which is the largest string of a Redis that is not configured otherwise, or -1 when key is longer.
func (d *Driver) MaxValue(key string) int {
	if len(key) > maxValue {
		return -1
	}
	return maxValue
}

// Close ends what is under way, and closes the client if the driver made it. It waits for nothing.
func (d *Driver) Close() error {
	var err error
	d.closing.Do(func() {
		close(d.closed)
		d.routes.close()
		err = d.waiting.close()
		if d.own {
			err = errors.Join(err, d.client.Close())
		}
		if d.unlog != nil {
			d.unlog()
		}
	})
	if err != nil {
		return fmt.Errorf("redis: close: %w", err)
	}
	return nil
}

// begin returns the reason why an operation must not go on.
func (d *Driver) begin(ctx context.Context, operation string) error {
	select {
	case <-d.closed:
		return drivers.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("redis: %s: %w", operation, err)
	}
	return nil
}

// call runs do, and returns when it has, when ctx is done, or when the driver is closed: a client looks at a context
// only before it writes and, as it is configured, at its deadline. What do uses must be its own, as it may go on.
func (d *Driver) call(ctx context.Context, operation string, do func(ctx context.Context) error) error {
	if err := d.begin(ctx, operation); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- guard(func() error { return do(ctx) }) }()
	return d.await(ctx, operation, done)
}

// await waits for the outcome of an operation that was begun.
func (d *Driver) await(ctx context.Context, operation string, done <-chan error) error {
	select {
	case err := <-done: // whatever else there is
		return d.explain(ctx, operation, err)
	default:
	}
	caller := drivers.Caller(ctx)
	var late <-chan time.Time
	if deadline, ok := ctx.Deadline(); ok && caller != ctx { // a timer of ours costs less than waiting for ctx's
		timer := timers.Get().(*time.Timer)
		timer.Reset(time.Until(deadline))
		defer func() {
			timer.Stop() // from then on nothing comes out of it (package time, since Go 1.23)
			timers.Put(timer)
		}()
		late = timer.C
	}
	select {
	case err := <-done:
		return d.explain(ctx, operation, err)
	case <-caller.Done():
		return fmt.Errorf("redis: %s: %w", operation, caller.Err())
	case <-late:
		return fmt.Errorf("redis: %s: %w", operation, context.DeadlineExceeded)
	case <-d.closed:
		return drivers.ErrClosed
	}
}

// timers are stopped.
var timers = sync.Pool{New: func() any {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return timer
}}

// explain says what an error of the client means to the caller.
func (d *Driver) explain(ctx context.Context, operation string, err error) error {
	if err == nil || errors.Is(err, drivers.ErrClosed) {
		return err
	}
	select {
	case <-d.closed:
		return drivers.ErrClosed
	default:
	}
	if cause := bounded.Err(ctx); cause != nil {
		return fmt.Errorf("redis: %s: %w", operation, cause)
	}
	return fmt.Errorf("redis: %s: %w", operation, marked.If(isWrongType(err), drivers.ErrAnswered, wording.Behind(d.secrets.hide(err), "redis"))) // as go-redis says itself
}

// guard turns a panic of do, as of a hook that the client was given, into an error: in a goroutine of ours nothing else
// recovers it.
func guard(do func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the client panics: %v", cause)
		}
	}()
	return do()
}
