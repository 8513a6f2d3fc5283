// Package drivers defines the contract between cachette and the stores it keeps its data in.
//
// A store is reached through a small interface, [Driver]. What not every store can do stands in small optional
// interfaces beside it ([Sweeper], [Batch], [BatchSetter], [Adder], [Inserter], [Log], [Waiter], [Purger], [Limited], [Lister], [Pinger], [Objects], …), which cachette asserts and a user never needs to.
// The package drivertest proves an implementation against its real server.
package drivers

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrMiss says that a key is absent or has expired. It is an answer, not a failure of the store.
	ErrMiss = errors.New("cachette: miss")

	// ErrTooLarge says that a value, or its key, is larger than the store takes. It says nothing of the store's health.
	ErrTooLarge = errors.New("cachette: too large for the store")

	// ErrAnswered says that the store works, and has refused this one request, as it may refuse others like it: something else lies
	// under the key than what the driver keeps there, or the key, or the table, is asked for more often than is allowed. Without it cachette
	// takes an error for one of the store, which it leaves alone after three in a row. The driver marks the client's error with it, whose text
	// stays.
	ErrAnswered = errors.New("cachette: the store answers, and refuses the request")

	// ErrClosed says that a driver was used after Close.
	ErrClosed = errors.New("cachette: closed")
)

// Driver is a store of byte strings that expire.
//
// Keys are any bytes of any length, and are compared byte for byte; a driver whose store restricts them maps them
// without collisions. Values are any bytes, including none. A driver keeps no reference to a slice it is given and
// hands out none that it will read or write again: callers may change both at will.
//
// An entry is invisible the moment its time to live ends, even where the store removes it later. Times to live are
// exact to a millisecond where the store's own clock allows it, and any positive duration works: 200 ms as well as
// 45 days.
//
// Every method honours ctx: it returns promptly, with an error that wraps ctx.Err(), once ctx is done. From then on nothing is
// sent for it, by the client of the store as little as by the driver: what is repeated once its caller has gone would undo what another has
// written since. What was sent before may still be carried out. Every method is safe for concurrent use. After Close every method but Close
// returns [ErrClosed]. Errors wrap the client's own and never contain a password.
type Driver interface {
	// Get returns what is stored under key, or [ErrMiss] when it is absent or expired. What another program has stored there in a form that
	// is no value is a miss, or an error that matches [ErrAnswered]; Set replaces it, and Delete removes it.
	Get(ctx context.Context, key string) (Item, error)

	// Set stores value under key for ttl, replacing what is there. A ttl of zero or less is an error, and so is an
	// entry that is larger than the store takes: it matches [ErrTooLarge], and nothing is then stored under key.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error

	// Delete removes keys and returns how many of them were live. An absent key is no error.
	Delete(ctx context.Context, keys ...string) (int, error)

	// Clear removes every key that begins with prefix, byte for byte, and returns how many of them were live.
	// An empty prefix means every key of the store that this driver could have written. An error that matches
	// [errors.ErrUnsupported] says that the store can never do it: it is not tried again.
	Clear(ctx context.Context, prefix string) (int, error)

	// Close releases what the driver holds. It does not wait without a bound. A second Close returns nil.
	Close() error
}

// Item is a stored value.
type Item struct {
	// Value is the stored bytes. The caller owns the slice.
	Value []byte

	// ExpiresAt is the moment from which the item is invisible. Drivers always know it.
	ExpiresAt time.Time
}

// Sweeper is a driver whose store keeps expired entries until they are swept. Without it cachette takes it that the
// store reaps by itself, and FlushExpired reports 0.
type Sweeper interface {
	// Sweep removes what has expired and returns how many entries it removed.
	Sweep(ctx context.Context) (int, error)
}

// Pinger is a driver that can tell whether its store answers. Without it cachette asks for a key that is not there.
type Pinger interface {
	// Ping returns nil when the store answers, and the reason when it does not.
	Ping(ctx context.Context) error
}

// Batch is a driver that reads several keys at once. Without it cachette reads them one after the other.
type Batch interface {
	// GetValues returns the values stored under keys, in the order of keys, in as few round trips as the store allows.
	// A key that is absent or has expired has nil, and so has one under which lies no value; a value of no bytes is not nil. The same key may stand there twice. The
	// values are not to be changed: a driver may give callers that ask for the same at the same time the same.
	GetValues(ctx context.Context, keys ...string) ([][]byte, error)
}

// Limited is a driver whose store bounds the size of a value. Without it cachette learns that a value is too large only
// when Set says so.
type Limited interface {
	// MaxValue returns the size, in bytes, of the largest value that Set takes under key; less than zero when it takes
	// none under a key so long. Of a driver that is [Objects] too, it is also the size of the largest object.
	MaxValue(key string) int
}

// Measured is a driver that knows what it holds. Without it cachette does not tell.
type Measured interface {
	// Usage returns what the driver holds, as far as it is known at the moment.
	Usage() Usage

	// Hottest returns at most n of the entries that the driver would be the last to remove for others, those first. It is for a person: it may hold
	// up writes for as long as it takes.
	Hottest(n int) []Held
}

// Held is an entry that a driver holds.
type Held struct {
	Key   string
	Bytes int64 // that it takes
}

// Usage is what a driver holds.
type Usage struct {
	Entries   int    // how many, those that have expired and are not removed yet included
	Bytes     int64  // that they take
	Limit     int64  // how many bytes they may take
	Evictions uint64 // how many entries were removed to make room for others, since the driver was made
}

// Dedicated is a driver whose part of the store, such as a table, is there for caches alone, so that clearing all of it
// takes nothing from other programs. Without it cachette takes it that others keep their keys in the same store, and
// refuses to flush one that has no prefix.
type Dedicated interface {
	// Dedicated tells whether that is so.
	Dedicated() bool
}

// Objects is a driver that lives in this process and can keep a live Go object beside the byte strings, so that a
// hit decodes nothing. Objects and byte strings share one key space, one memory bound and one expiry: [Driver.Delete]
// and [Driver.Clear] remove both, and Set replaces an object as PutObject replaces a byte string. [Driver.Get] of an
// object is a miss. Its operations never block, so cachette bounds them with no timeout. Without it cachette encodes
// responses and stores them with Set.
type Objects interface {
	// GetObject returns the object stored under key and true, or nil and false when key is absent, expired, or
	// holds a byte string. The caller uses the bytes of key again: the driver may not keep them. now is the
	// caller's reading of the clock, and expiry is judged by it: a hit takes the time once, not once more in the driver.
	// The object is shared: it may not be changed.
	GetObject(key []byte, now time.Time) (any, bool)

	// PutObject stores object under key, which the driver may keep as it is, for ttl. size is what it weighs, in bytes, body
	// and overhead, without the key.
	// It reports whether the object was kept: one that alone is larger than the memory bound is not, nor one whose ttl
	// is zero or less.
	PutObject(key string, object any, size int, ttl time.Duration) bool
}

// Caller returns the context of the caller that waits for an operation: ctx without the operation timeout that cachette has put around
// it. A driver that bounds what it does by ctx's deadline anyway, as the one of a connection, needs to watch this one
// alone for being cancelled, which is cheaper where it never is.
func Caller(ctx context.Context) context.Context {
	if bounded, ok := ctx.(interface{ Caller() context.Context }); ok {
		return bounded.Caller()
	}
	return ctx
}
