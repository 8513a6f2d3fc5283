// Package dynamodb keeps a cache in a table of Amazon DynamoDB, or of a server that speaks its protocol, such as DynamoDB
// Local.
//
// # The table
//
// A driver creates its table if it is absent, billed on demand, waits until it is active, and has DynamoDB remove expired
// items by its time to live feature where it can. The hash key is the attribute key, a string; there is no sort key. The
// permissions that it wants are dynamodb:DescribeTable, CreateTable, DescribeTimeToLive, UpdateTimeToLive, GetItem,
// BatchGetItem, PutItem, UpdateItem, DeleteItem, BatchWriteItem and Scan. On a table that is there it works without the first four, and
// without Scan if nothing is to be cleared. One that is opened by name asks for those of the items when it is opened, and is refused without
// them.
//
// # The items
//
// The Python library fastapi-cachette can share the table. It knows the first three attributes, and ignores the others:
//
//	key         S  the key
//	value       B  the value
//	expires     N  seconds since the epoch
//	expires_ms  N  the end of the entry's time to live, in milliseconds since the epoch
//	key_bytes   B  the key itself, if it cannot stand in the attribute key
//
// expires is the end of the entry in seconds, rounded down: what Python writes for the same time to live, so that the two
// agree within a second on how long it lives. Python goes on showing an item during the whole second that expires names, its
// own and others'. DynamoDB may remove an item from then on, so less than a second before its end; in practice it does so
// minutes to two days later.
//
// expires_ms counts only if expires is what follows from it by that rule. An item without it, or whose expires another
// program has changed since, ends at the beginning of the second that expires names.
//
// A key that is empty, longer than 2048 bytes, not UTF-8, or that begins with "cachette-sha256:" is kept as
// "cachette-sha256:" and its SHA-256 in hexadecimal; key_bytes then holds the key itself, and is compared.
//
// A log (drivers.Log) has such an item under its key, whose attribute last is the number of its last record or a smaller one, and
// one for each record under its key, "/log/", a random word and the number.
//
// # Reading and time
//
// Every read is strongly consistent. An entry is invisible from the millisecond its time to live ends, by the clock of the
// machine that reads: machines that share a table need clocks that agree.
//
// Importing the package registers it as "dynamodb".
package dynamodb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
	"github.com/gin-cachette/cachette/drivers/internal/once"
)

// DefaultTable is the table of a driver whose options name none: the one of fastapi-cachette.
const DefaultTable = "fastapi-cachette"

// Options configures a [Driver]. Its zero value is ready to use.
type Options struct {
	// Table is the name of the table, or its ARN. Empty means DefaultTable.
	Table string

	// LeaveTTL leaves the table's time to live setting as it is. Otherwise the driver has DynamoDB remove expired items
	// by the attribute expires.
	LeaveTTL bool

	// Logger takes what is worth a line in the log. nil means slog.Default.
	Logger *slog.Logger
}

// Driver is a [drivers.Driver] that keeps its entries in a table of DynamoDB. It is a [drivers.Batch], a
// [drivers.BatchSetter], a [drivers.Adder], a [drivers.Inserter], a [drivers.Log], a [drivers.Purger], a [drivers.Dedicated], a [drivers.Limited], a [drivers.Pinger] and a [drivers.Sweeper] too. Create it with [New].
type Driver struct {
	client   *dynamodb.Client
	table    *string
	leaveTTL bool
	logger   *slog.Logger
	clock    func() time.Time
	release  func() // closes what the driver itself has opened

	heads  logrecord.Heads // of the logs of purges
	closed atomic.Bool
	life   context.Context // of what runs in the background
	end    context.CancelFunc

	prepared *once.Value[readiness]
	warned   atomic.Bool
}

var (
	_ drivers.Driver    = (*Driver)(nil)
	_ drivers.Batch     = (*Driver)(nil)
	_ drivers.Dedicated = (*Driver)(nil)
	_ drivers.Limited   = (*Driver)(nil)
	_ drivers.Pinger    = (*Driver)(nil)
	_ drivers.Sweeper   = (*Driver)(nil)
)

// New returns a driver on a client that the caller has made, and closes. It asks nothing of the server: the first operation
// prepares the table.
//
// The client's own retries count towards the time that a context allows: its standard ones wait for up to a second before
// the first. Its pool of idle connections, ten by default, should be as large as the number of requests at once.
//
// A request that has been sent when its context ends goes on for two seconds at most, so that an answer that is late leaves its connection
// in use: the client's HTTPClient sees it end later than the operation. When connections that were idle turn out to be dead, the driver
// closes those that are idle, by CloseIdleConnections if the HTTPClient has that, as an http.Client does. In place of a BuildableClient
// of the SDK, or of none, it uses a client with the same transport and timeout, and connections of its own.
func New(client *dynamodb.Client, options Options) (*Driver, error) {
	if client == nil {
		return nil, errors.New("dynamodb: the client is nil")
	}
	table := cmp.Or(options.Table, DefaultTable)
	d := &Driver{
		table:    &table,
		leaveTTL: options.LeaveTTL,
		logger:   cmp.Or(options.Logger, slog.Default()),
		clock:    time.Now,
	}
	d.life, d.end = context.WithCancel(context.Background())
	given := client.Options()
	d.client = dynamodb.New(given, func(o *dynamodb.Options) {
		o.Protocol = given.Protocol // which New sets
		o.HTTPClient, d.release = newConnections(d.life, given.HTTPClient)
	})
	d.prepared = once.New(d.life, prepareTimeout, func(error) time.Duration { return retryAfter }, d.prepare)
	return d, nil
}

// now is the time in milliseconds since the epoch.
func (d *Driver) now() int64 {
	return d.clock().UnixMilli()
}

// Get returns what is stored under key, in one request.
func (d *Driver) Get(ctx context.Context, key string) (drivers.Item, error) {
	ready, err := d.begin(ctx, "get")
	if err != nil {
		return drivers.Item{}, err
	}
	item, err := d.item(ctx, key)
	if err != nil {
		return drivers.Item{}, d.fail(ctx, ready, "get", err)
	}
	value, end, ok := read(item, key)
	if !ok || end <= d.now() {
		return drivers.Item{}, drivers.ErrMiss
	}
	return drivers.Item{Value: value, ExpiresAt: time.UnixMilli(end)}, nil
}

// Set stores value under key for ttl. An entry that would make an item of more than 400 KB is [drivers.ErrTooLarge], and
// what was stored under key is removed.
func (d *Driver) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	ready, err := d.begin(ctx, "set")
	if err != nil {
		return err
	}
	if ttl <= 0 {
		return fmt.Errorf("dynamodb: set: the time to live is %v: it must be positive", ttl)
	}
	if most := d.MaxValue(key); len(value) > most {
		return d.refuse(ctx, ready, key, fmt.Errorf("dynamodb: set: %w: a value of %d bytes under a key of %d bytes: "+
			"an item of DynamoDB takes %d bytes, %d of them for this value",
			drivers.ErrTooLarge, len(value), len(key), maxItem, max(most, 0)))
	}
	_, err = d.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: d.table,
		Item:      newItem(key, value, d.clock().Add(ttl).UnixMilli()),
	})
	switch {
	case err == nil:
		return nil
	case isTooLarge(err):
		return d.refuse(ctx, ready, key, fmt.Errorf("dynamodb: set: %w: a value of %d bytes under a key of %d bytes: %w",
			drivers.ErrTooLarge, len(value), len(key), brief{err}))
	}
	return d.fail(ctx, ready, "set", err)
}

// refuse removes what is stored under key, as a reader must not be given a value that its writer has tried to replace, and
// returns reason.
func (d *Driver) refuse(ctx context.Context, ready *readiness, key string, reason error) error {
	_, err := d.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: d.table, Key: keyOf(key)})
	if err != nil {
		return errors.Join(reason, d.fail(ctx, ready, "remove what was there", err))
	}
	return reason
}

// MaxValue returns the size, in bytes, of the largest value that an item under key can hold, whenever it ends.
func (d *Driver) MaxValue(key string) int {
	return maxItem - overhead(key)
}

// Dedicated tells that the table holds nothing but what caches have put there.
func (d *Driver) Dedicated() bool {
	return true
}

// Ping asks for an item that is never there.
func (d *Driver) Ping(ctx context.Context) error {
	ready, err := d.begin(ctx, "ping")
	if err != nil {
		return err
	}
	if err := d.probe(ctx); err != nil {
		return d.fail(ctx, ready, "ping", err)
	}
	return nil
}

// probe reads an item that is never there.
func (d *Driver) probe(ctx context.Context) error {
	_, err := d.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      d.table,
		Key:            map[string]types.AttributeValue{attrKey: text(absentKey)},
		ConsistentRead: &yes,
	})
	return err
}

// Close ends what runs in the background. It closes the client's connections if the driver has opened them itself, and
// leaves a client that was given to [New] alone.
func (d *Driver) Close() error {
	if d.closed.CompareAndSwap(false, true) {
		d.end()
		d.release()
	}
	return nil
}

var yes = true
