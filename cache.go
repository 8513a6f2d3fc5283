package cachette

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/bounded"
	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/serve"
	"github.com/gin-cachette/cachette/internal/takers"
	"github.com/gin-cachette/cachette/internal/target"
	"github.com/gin-cachette/cachette/internal/values"
)

// Cache is the cache of one engine: its values, and the responses of its [Cached] routes. It is safe for concurrent use.
//
// Methods that reach the store return within the operation timeout of the [Config], or sooner if ctx ends. Those that clear
// many keys have as long as ctx. What removes something from the cache (Delete, Flush, Purge and its short forms) is carried out
// also for a ctx that has ended, within the operation timeout: the client that caused a change may have left, and the change
// is there. What the store does not take of these is owed, and the error matches [ErrOwed]: this process no longer gives out what was to be
// removed, values are a miss, and it goes on trying, twice a second and a last time in Close, until the store has taken it. A
// *gin.Context is a good ctx: the context of its request counts.
//
// A value's key in the store is the prefix of the Config and the key as given; keys of any bytes and length work. An
// error of the store or codec is an [*OpError].
type Cache struct {
	store   *guard.Store
	encoder encoders.Encoder
	backend string
	prefix  string
	ttl     time.Duration
	timeout time.Duration

	responses *entries.Store
	server    *serve.Server
	frame     *serve.Frame
	values    *values.Store
	closed    atomic.Bool
}

// Put stores value under key for ttl; 0 stands for the TTL of the [Config], and what is less, or less than a millisecond,
// is an error that matches [ErrInvalid]. A value of a type that the codec cannot take is an error that matches
// [ErrUnsupportedType] and names the linked codecs that take it, and nothing is changed.
func (c *Cache) Put(ctx context.Context, key string, value any, ttl time.Duration) error {
	data, ttl, err := c.encode(value, ttl)
	if err == nil {
		err = c.responses.SetValue(argument.Context(ctx), target.Value(c.prefix, key), data, ttl)
	}
	return c.fail("put", key, err)
}

// encode returns what the store gets of a value, and for how long.
func (c *Cache) encode(value any, ttl time.Duration) ([]byte, time.Duration, error) {
	ttl, err := argument.TTL(ttl, c.ttl)
	if err != nil {
		return nil, 0, err
	}
	data, err := takers.Encode(c.encoder, value)
	if err == nil && c.closed.Load() {
		err = ErrClosed
	}
	return data, ttl, err
}

// Fetch stores the value under key in what dst points to. ctx is any context: that of a worker or a test as well as a
// *gin.Context. It returns [ErrMiss] when there is none, and an error that
// matches [ErrUnsupportedType] when dst cannot hold it; dst is then unchanged.
func (c *Cache) Fetch(ctx context.Context, key string, dst any) error {
	_, err := c.FetchWithTTL(ctx, key, dst)
	return err
}

// FetchWithTTL does what Fetch does and returns for how long the value is still there.
func (c *Cache) FetchWithTTL(ctx context.Context, key string, dst any) (time.Duration, error) {
	if c.closed.Load() {
		return 0, c.fail("fetch", key, ErrClosed)
	}
	item, err := c.responses.GetValue(argument.Context(ctx), target.Value(c.prefix, key))
	if errors.Is(err, ErrMiss) {
		return 0, ErrMiss
	}
	if err != nil {
		return 0, c.fail("fetch", key, err)
	}
	if err := takers.Decode(c.encoder, item.Value, dst); err != nil {
		return 0, c.fail("fetch", key, err)
	}
	return max(0, time.Until(item.ExpiresAt)), nil
}

// Fetch returns the value under key, as [Cache.Fetch] gives it. ctx is any context: that of a request, a worker or a test, as well as a *gin.Context.
func Fetch[T any](ctx context.Context, c *Cache, key string) (T, error) {
	value, _, err := FetchWithTTL[T](ctx, c, key)
	return value, err
}

// FetchWithTTL does what [Fetch] does and returns for how long the value is still there.
func FetchWithTTL[T any](ctx context.Context, c *Cache, key string) (value T, left time.Duration, err error) {
	left, err = c.FetchWithTTL(ctx, key, &value)
	return value, left, err
}

// FetchMany returns the values under some keys, each as [Cache.Fetch] gives it, in as few round trips as the store allows. A key without a value is
// not in the map, and one that is named twice is there once. A thousand keys are asked for at once, and each thousand has the operation timeout.
//
// The error is [KeyErrors] where some keys have failed: the values that cannot be decoded into a T, and, of a store of several servers, what those
// have that do not answer. The map has the others; it is never nil.
func FetchMany[T any](ctx context.Context, c *Cache, keys []string) (map[string]T, error) {
	values := make(map[string]T, len(keys))
	if c.closed.Load() {
		return values, c.fail("fetch", "", ErrClosed)
	}
	return values, c.several("fetch").Fetch(argument.Context(ctx), keys, func(key string, data []byte) error {
		var value T
		err := c.encoder.Decode(data, &value)
		if err == nil {
			values[key] = value
		}
		return err
	})
}

// PutMany stores values under their keys for ttl, each as [Cache.Put] does, in as few round trips as the store allows. It is not one change: others
// may see some of the values before the rest is there. A thousand keys, or eight mebibytes, are stored at once, and have the operation timeout.
//
// The error is [KeyErrors] where some keys have failed: the values that the codec or the store cannot take, and, of a store of several servers, what
// those have that do not answer. The others are stored. Where ttl is wrong, nothing is.
func PutMany[T any](ctx context.Context, c *Cache, values map[string]T, ttl time.Duration) error {
	ttl, err := argument.TTL(ttl, c.ttl)
	if err == nil && c.closed.Load() {
		err = ErrClosed
	}
	if err != nil {
		return c.fail("put", "", err)
	}
	keys := slices.Sorted(maps.Keys(values))
	return c.several("put").Put(argument.Context(ctx), ttl, keys, func(key string) ([]byte, error) {
		return takers.Encode(c.encoder, values[key])
	})
}

func (c *Cache) several(op string) *values.Several {
	return &values.Several{Store: c.responses, Prefix: c.prefix, Op: op, Fail: c.fail}
}

// Add stores value under key for ttl, as [Cache.Put] does, if there is none, and tells whether it has. Of all that add under one key at once, in
// whatever process, one is told true, until the value has expired or was removed. What is there stays, and its life is not lengthened.
//
// After an error the value may be there or not, as where the answer of the store was lost. Where a [Cache.Delete] or a [Cache.Flush] of what is there
// is owed, the error matches [ErrOwed] and nothing is added, since it would be removed with that. With a driver of your own that is
// no [github.com/gin-cachette/cachette/drivers.Inserter] it matches [errors.ErrUnsupported].
func (c *Cache) Add(ctx context.Context, key string, value any, ttl time.Duration) (bool, error) {
	data, ttl, err := c.encode(value, ttl)
	if err != nil {
		return false, c.fail("add", key, err)
	}
	added, err := c.responses.AddValue(argument.Context(ctx), target.Value(c.prefix, key), data, ttl)
	return added, c.fail("add", key, err)
}

// Delete removes the values under some keys and returns how many of them there were. Those of [Remember] are gone as well, are not counted, and
// one that is being loaded is not kept. Of several servers those that answer remove theirs: the Key of the [*OpError] has the other keys, which are
// owed.
func (c *Cache) Delete(ctx context.Context, names ...string) (int, error) {
	if c.closed.Load() {
		return 0, c.fail("delete", strings.Join(names, ", "), ErrClosed)
	}
	ctx = context.WithoutCancel(argument.Context(ctx))
	full := make([]string, len(names))
	for i, name := range names {
		full[i] = target.Value(c.prefix, name)
	}
	n, err := c.responses.DeleteValues(ctx, c.values.Scopes(names), full...)
	return n, c.fail("delete", strings.Join(guard.Left(err, names), ", "), err)
}

// Flush removes every value and response that the cache has under its prefix, and nothing else. With PlainKeys there is no
// prefix: then it removes all there is in memory, in the collection of mongodb or in the table of dynamodb, and is an error
// on redis and memcached, where other programs may have keys.
//
// When the store does not answer, that is the error, and the flush is owed: see [Cache]. What is put until it is carried out goes
// with it. With a store that can never list its keys, values stay, and the error matches [errors.ErrUnsupported].
func (c *Cache) Flush(ctx context.Context) error {
	if c.closed.Load() {
		return c.fail("flush", "", ErrClosed)
	}
	if c.prefix == "" && !c.store.Dedicated() {
		return c.fail("flush", "", fmt.Errorf("%w: with PlainKeys (CACHETTE_PLAIN_KEYS) nothing tells this cache's keys from "+
			"others in the store; set a KeyPrefix (CACHETTE_KEY_PREFIX) to be able to flush", ErrInvalid))
	}
	ctx, cancel := bounded.Beyond(argument.Context(ctx), c.timeout)
	defer cancel()
	err := c.responses.Flush(ctx)
	c.server.Purged(serve.Purge{Everything: true})
	return c.fail("flush", "", err)
}

// FlushExpired removes what has expired and still takes up room, and returns how many entries it removed. Expired
// entries are never served, flushed or not. It is 0 where the store removes them by itself.
func (c *Cache) FlushExpired(ctx context.Context) (int, error) {
	if c.closed.Load() {
		return 0, c.fail("flush expired", "", ErrClosed)
	}
	n, err := c.store.Sweep(argument.Context(ctx))
	return n, c.fail("flush expired", "", err)
}

// Refresh runs the handler of a GET route anew for target, with its query, and stores what it answers in place of what is there, which is
// served until then. It is for a page that has just changed, or that is to be there before the first client asks. An answer that
// is not stored is an error that tells why, in the words of Cache-Status.
//
// Responses are stored by host, so target is a URL, such as https://example.com/products?page=1; with the *gin.Context of a
// request as ctx it may be a path on that request's host. The default port of the scheme may be left out or not (RFC 9110 §4.2.3). A
// fragment, or blanks around target, are an error. The request has no header field but Host, so what is refreshed is the page of a
// client that sends none.
//
// The request goes the way of the clients' requests: through the handler of the [http.Server] by which the last request for that host
// came that no stored response has answered, and so through http.StripPrefix and what else stands around the engine. target is the URL
// as clients ask for it. Until such a request has come, as at start, it goes through the engine alone, and so it does in a program that
// calls the engine's ServeHTTP itself: what is mounted under a prefix is not found then, and nothing around the engine can say that a page
// is not to be stored. So pages that vary by a request field, and those of a route where something around the engine was seen to set
// a cookie, are then left as they are, which is an error.
func (c *Cache) Refresh(ctx context.Context, target string) error {
	r, err := argument.Page(ctx, target, c.server.Secure, c.server.HasPattern)
	if err != nil {
		return c.fail("refresh", argument.WithoutUserInfo(target), err)
	}
	if c.closed.Load() {
		return c.fail("refresh", r.URL.Path, ErrClosed)
	}
	return c.fail("refresh", r.URL.Path, c.server.Refresh(r))
}

// Ping tells whether the store answers: nil, or what is wrong. It suits a health check.
func (c *Cache) Ping(ctx context.Context) error {
	if c.closed.Load() {
		return c.fail("ping", "", ErrClosed)
	}
	return c.fail("ping", "", c.store.Ping(argument.Context(ctx), target.Value(c.prefix, "cachette-ping")))
}

// Settle waits until the responses that were to be stored when it was called are stored, or are known not to be. Clients do not wait for
// that, and neither do requests of this process, which find what still waits for the store: it is for what looks into the store by itself,
// such as a test with a client of its own, or the cache of another process. It waits for what is being coded as well (see [WithCompression]), which
// is all that waits in memory. If ctx ends before, its error is the error.
func (c *Cache) Settle(ctx context.Context) error {
	if c.closed.Load() {
		return c.fail("settle", "", ErrClosed)
	}
	return c.fail("settle", "", c.responses.Settle(argument.Context(ctx)))
}

// Close ends the cache and releases what it holds. It takes a bounded time: within the operation timeout, what waits for the store is
// written, and what is owed to it is tried a last time; if that fails, it is logged. From then on the handlers of cached routes run for
// each request, and the other methods that return an error return [ErrClosed]. A second Close returns nil.
func (c *Cache) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	c.server.Close()
	c.values.Close()
	c.responses.Close()
	return c.fail("close", "", c.store.Close())
}

// Done returns a channel that is closed once the cache is, for what goes on beside it, as a goroutine that reads [Cache.Stats] now and then.
func (c *Cache) Done() <-chan struct{} { return c.server.Done() }

// fail wraps an error, if it is one, with what was tried.
func (c *Cache) fail(op, key string, err error) error {
	if err == nil {
		return nil
	}
	return &OpError{Op: op, Backend: c.backend, Key: key, Err: err}
}
