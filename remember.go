package cachette

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/serve"
	"github.com/gin-cachette/cachette/internal/takers"
	"github.com/gin-cachette/cachette/internal/values"
)

// Remember returns the value under key, and where there is none, or not any more, the one that load returns, which is kept for ttl; 0 stands
// for the TTL of the [Config]. Callers that miss it together have one load run, whose error is that of all of them; a panic is an error, too,
// which matches [ErrPanicked]. load gets a context with the values of ctx that does not end with it: it ends behind [WithLoadTimeout]. A caller
// whose ctx ends goes, with the error of ctx, and the load goes on. Where the store does not answer, load runs and nothing is kept.
//
// ctx is any context: that of a request, a worker or a test, as well as a *gin.Context. A value that was found is decoded by the codec for
// each caller, and so is the one that was loaded: a hit equals the miss. One that is of another type by now is loaded anew.
//
// A value has tags by [WithTags] and [TagValue]. Where it is fetched inside of a handler of a [Cached] route, or of another load, what is made there
// gets them: to invalidate the tag of one value drops every page that was made of it. [WithoutDependencies] keeps them from it, and with
// [WithLentLifetime] the page is not fresh for longer than the value is; a page that is made of a stale value is stale.
//
// Values that are remembered are those of a service and its version, and [Cache.Put] and [Cache.Fetch] do not see them: what these put is read by
// other programs, byte for byte, and has no tags. [Cache.Delete] and [Cache.ClearNamespace] remove both, whatever version has made them, also those
// whose load has begun before; so do [Cache.Flush] and a [Purge] of everything.
func Remember[T any](ctx context.Context, c *Cache, key string, ttl time.Duration, load func(context.Context) (T, error), opts ...ValueOption) (T, error) {
	var value, zero T
	ttl, err := argument.TTL(ttl, c.ttl)
	if err != nil {
		return zero, c.fail("remember", key, err)
	}
	if load == nil {
		return zero, c.fail("remember", key, fmt.Errorf("%w: load is nil; give a function that returns the value", ErrInvalid))
	}
	use := values.Use{TTL: ttl, Timeout: values.DefaultTimeout, Type: reflect.TypeFor[T]()}
	for _, opt := range opts {
		if opt == nil {
			return zero, c.fail("remember", key, fmt.Errorf("%w: an option is nil; give one that a function such as WithTags has made", ErrInvalid))
		}
		opt.onValue(&use)
	}
	err = c.remember(ctx, key, &use, func(ctx context.Context) ([]byte, error) {
		loaded, err := load(ctx)
		if err != nil {
			return nil, err
		}
		data, err := takers.Encode(c.encoder, loaded)
		return data, c.fail("remember", key, err)
	}, func(data []byte) error {
		var taken T
		if err := c.encoder.Decode(data, &taken); err != nil {
			return c.fail("remember", key, err)
		}
		value = taken
		return nil
	})
	if err != nil {
		return zero, err
	}
	return value, nil
}

// remember is what Remember does, whatever the type is.
func (c *Cache) remember(ctx context.Context, key string, use *values.Use, load values.Load, take values.Take) error {
	borrower := serve.BorrowerOf(ctx)
	if ctx = argument.Context(ctx); c.closed.Load() || c.server.Idle() {
		return c.values.Alone(ctx, borrower, key, use, load, take)
	}
	return c.values.Remember(ctx, borrower, key, use, load, take)
}

// TagValue tags the value that a load of [Remember] is about to return, by the context that it was given: with what it has found out of it. See
// [Tag] for what a tag may be: a value with others is given out, and not kept. It does nothing with other contexts.
func TagValue(ctx context.Context, tags ...string) { values.Tag(argument.Context(ctx), tags) }
