package mongodb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
	"github.com/gin-cachette/cachette/internal/bounded"
)

// The names that a driver uses whose options give none. They are those of fastapi-cachette.
const (
	DefaultDatabase   = "fastapi-cachette-database"
	DefaultCollection = "fastapi-cachette"
)

const (
	// upsertAttempts bounds how often a write is tried again that lost the race to insert its key. The next attempt finds
	// the winner's document, unless that has been deleted meanwhile.
	upsertAttempts = 16

	// disconnectTimeout is how long Close waits for operations under way, and for the server to end sessions, before it closes the
	// connections.
	disconnectTimeout = 100 * time.Millisecond
)

// Options configures a [Driver]. Its zero value is ready to use.
type Options struct {
	// Database is the database's name. Empty means DefaultDatabase.
	Database string

	// Collection is the name of the collection, which is for caches alone. Empty means DefaultCollection.
	Collection string

	// Logger is told what the driver has to say of the collection's indexes. nil means slog.Default().
	Logger *slog.Logger

	// Clock tells the time by which entries end. nil means time.Now.
	Clock func() time.Time
}

// Driver is a [drivers.Driver] that keeps its entries in a collection of MongoDB. It is a [drivers.Sweeper], a
// [drivers.Pinger], a [drivers.Batch], a [drivers.BatchSetter], a [drivers.Adder], a [drivers.Inserter], a [drivers.Log], a [drivers.Purger], a [drivers.Limited] and a [drivers.Dedicated]
// too. Create it with [New].
//
// It reads from the primary, whatever the client prefers, so that it sees what was purged. Its writes have the client's
// write concern, which must not be w=0: how many entries were removed would be unknown.
type Driver struct {
	client     *mongo.Client
	collection commands
	owned      bool // whether Close disconnects client
	clock      func() time.Time
	indexes    *indexes
	inserts    chan struct{}   // holds a place for each Add that inserts
	heads      logrecord.Heads // of the logs of purges

	closed atomic.Bool
	life   context.Context // ends with Close
	end    context.CancelFunc
}

var (
	_ drivers.Driver    = (*Driver)(nil)
	_ drivers.Sweeper   = (*Driver)(nil)
	_ drivers.Pinger    = (*Driver)(nil)
	_ drivers.Batch     = (*Driver)(nil)
	_ drivers.Limited   = (*Driver)(nil)
	_ drivers.Dedicated = (*Driver)(nil)
)

// New returns a driver that reaches its server through client, which stays the caller's: Close leaves it connected. New
// does not wait for the server: the first operation that reaches it has the indexes made, and so has the first after one
// that did not reach it.
func New(client *mongo.Client, options Options) (*Driver, error) {
	if client == nil {
		return nil, errors.New("mongodb: the client is nil")
	}
	return newDriver(client, options), nil
}

func newDriver(client *mongo.Client, o Options) *Driver {
	collection := client.Database(cmp.Or(o.Database, DefaultDatabase)).Collection(cmp.Or(o.Collection, DefaultCollection),
		options.Collection().SetReadPreference(readpref.Primary()))
	d := &Driver{client: client, collection: commands{Collection: collection}, clock: o.Clock, inserts: make(chan struct{}, maxInserts)}
	if d.clock == nil {
		d.clock = time.Now
	}
	d.life, d.end = context.WithCancel(context.Background())
	d.indexes = newIndexes(d.life, d.collection, o.Logger)
	return d
}

// begin returns the reason why an operation must not go on.
func (d *Driver) begin(ctx context.Context) error {
	if d.closed.Load() {
		return drivers.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	d.indexes.prepare()
	return nil
}

// fail says what was tried, and makes err match what ended it: Close, or ctx.
func (d *Driver) fail(ctx context.Context, tried string, err error) error {
	if err == nil {
		return nil
	}
	cause := bounded.Err(ctx)
	if away(err) && !errors.Is(cause, context.Canceled) {
		d.indexes.forget()
	}
	if d.closed.Load() {
		cause = drivers.ErrClosed
	}
	if cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("mongodb: %s: %w: %w", tried, cause, err)
	}
	return fmt.Errorf("mongodb: %s: %w", tried, err)
}

// hasCode tells whether err is the server's answer, with one of codes.
func hasCode(err error, codes ...int) bool {
	var answer mongo.ServerError
	if !errors.As(err, &answer) {
		return false
	}
	for _, code := range codes {
		if answer.HasErrorCode(code) {
			return true
		}
	}
	return false
}

// now is the clock's time in milliseconds since the epoch, rounded down.
func (d *Driver) now() int64 {
	return d.clock().UnixMilli()
}

// Get returns the value stored under key, in one round trip.
func (d *Driver) Get(ctx context.Context, key string) (drivers.Item, error) {
	if err := d.begin(ctx); err != nil {
		return drivers.Item{}, err
	}
	name := encodeKey(key)
	if maxValue(name) < 0 {
		return drivers.Item{}, drivers.ErrMiss
	}
	found, err := d.collection.one(ctx, marshal(bson.D{{Key: fieldKey, Value: name}}))
	if errors.Is(err, mongo.ErrNoDocuments) {
		return drivers.Item{}, drivers.ErrMiss
	}
	if err != nil {
		return drivers.Item{}, d.fail(ctx, "get", err)
	}
	stored, err := parse(found)
	if err != nil {
		return drivers.Item{}, d.fail(ctx, "get", err)
	}
	// The key is compared, as a collection may have been made to take different ones for the same.
	if stored.name != name || stored.end <= d.now() {
		return drivers.Item{}, drivers.ErrMiss
	}
	// The client has made found for us, and keeps no reference to it.
	return drivers.Item{Value: stored.value, ExpiresAt: time.UnixMilli(stored.end)}, nil
}

// Set stores value under key for ttl, in one round trip.
func (d *Driver) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	if ttl <= 0 {
		return fmt.Errorf("mongodb: set: the time to live is %v: it must be positive", ttl)
	}
	name := encodeKey(key)
	if most := maxValue(name); len(value) > most {
		return d.refuse(ctx, name, fmt.Errorf("mongodb: set: %w: a value of %d bytes under a key of %d bytes, of %d at most",
			drivers.ErrTooLarge, len(value), len(key), max(0, most)))
	}
	// Before there is a unique index, two that insert a key at once would both succeed.
	if err := d.indexes.wait(ctx); err != nil {
		return d.fail(ctx, "set: waiting for the indexes", err)
	}
	end := d.clock().Add(ttl).UnixMilli()
	err := d.upsert(ctx, name, marshal(bson.D{{Key: "$set", Value: fields(value, end)}}))
	if hasCode(err, tooLargeCodes...) {
		return d.refuse(ctx, name, fmt.Errorf("mongodb: set: %w: a value of %d bytes under a key of %d bytes: %w",
			drivers.ErrTooLarge, len(value), len(key), err))
	}
	return d.fail(ctx, "set", err)
}

// upsert makes one document of name as update says.
func (d *Driver) upsert(ctx context.Context, name string, update bson.Raw) error {
	filter := marshal(bson.D{{Key: fieldKey, Value: name}})
	var err error
	for range upsertAttempts {
		_, err = d.collection.update(ctx, filter, update, options.UpdateOne().SetUpsert(true))
		if !mongo.IsDuplicateKeyError(err) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// refuse removes what is stored under name, as no caller must be given a value that its writer has tried to replace, and
// returns the reason.
func (d *Driver) refuse(ctx context.Context, name string, reason error) error {
	if maxValue(name) < 0 {
		return reason // nothing has ever been stored under it
	}
	if _, err := d.collection.remove(ctx, marshal(bson.D{{Key: fieldKey, Value: name}})); err != nil {
		return errors.Join(reason, d.fail(ctx, "removing what was stored before", err))
	}
	return reason
}

// MaxValue returns the size, in bytes, of the largest value that Set takes under key: what makes a document of 16 MiB.
func (d *Driver) MaxValue(key string) int {
	return maxValue(encodeKey(key))
}

// Dedicated returns true: the collection is for caches alone.
func (d *Driver) Dedicated() bool { return true }

// Ping returns nil when the primary answers.
func (d *Driver) Ping(ctx context.Context) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	_, err := do(ctx, d.collection.by, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, d.client.Ping(ctx, readpref.Primary())
	})
	return d.fail(ctx, "ping", err)
}

// Close ends what the driver runs. A client that the driver has made itself is disconnected: operations under way have a
// tenth of a second to end by themselves.
func (d *Driver) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), disconnectTimeout)
	defer cancel()
	d.end()
	_ = d.indexes.made.Wait(ctx)
	if !d.owned {
		return nil
	}
	if err := d.client.Disconnect(ctx); err != nil && !errors.Is(err, mongo.ErrClientDisconnected) {
		return fmt.Errorf("mongodb: close: %w", err)
	}
	return nil
}
