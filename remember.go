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
	use, err := useOf[T](c, ttl, opts)
	if err == nil && load == nil {
		err = fmt.Errorf("%w: load is nil; give a function that returns the value", ErrInvalid)
	}
	if err != nil {
		return zero, c.fail("remember", key, err)
	}
	err = c.remember(ctx, key, use, func(ctx context.Context) ([]byte, error) {
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

// useOf returns how values of a type are to be kept.
func useOf[T any](c *Cache, ttl time.Duration, opts []ValueOption) (use *values.Use, err error) {
	ttl, err = argument.TTL(ttl, c.ttl)
	use = &values.Use{TTL: ttl, Timeout: values.DefaultTimeout, Type: reflect.TypeFor[T]()}
	for _, opt := range opts {
		if opt == nil {
			return use, fmt.Errorf("%w: an option is nil; give one that a function such as WithTags has made", ErrInvalid)
		}
		opt.onValue(use)
	}
	return use, err
}

// RememberMany returns the values under some keys, as [Remember] does: it looks all of them up in one round trip, or as few as the store allows, and has
// load called once for all that are missing. key returns the name under which the value of a key is kept. Those that another caller is loading are waited
// for, as by Remember; two callers that want the same ones in another order do not hold each other up.
//
// What load does not return is not there: it is not in the map, and known to be absent for [WithNotFoundTTL]. What it returns beside what was missing is not
// kept. It may be called again, for keys whose other caller has had no good answer, also beside the first call, which ends as that of Remember does.
//
// [WithTags] and [TagValue] tag each of the values that are loaded together, [TagValueOf] one of them. [WithLease], [WithPatience] and [WithEarlyRefresh] are errors:
// each process loads for itself, and stale values are given out at once.
//
// The error is [KeyErrors], by the names of the keys, where some of them have failed: that of load is the error of all that it was to load, unless a stale value
// stands in ([WithStaleIfError]). The map has the others; it is never nil.
func RememberMany[K comparable, T any](ctx context.Context, c *Cache, keys []K, key func(K) string, ttl time.Duration,
	load func(ctx context.Context, missing []K) (map[K]T, error), opts ...ValueOption) (map[K]T, error) {
	found := make(map[K]T, len(keys))
	use, err := useOf[T](c, ttl, opts)
	switch {
	case err != nil:
	case key == nil || load == nil:
		err = fmt.Errorf("%w: key or load is nil; give functions that return the name of a key, and the values", ErrInvalid)
	case use.Lease != nil || use.Patience > 0 || use.EarlyRefresh > 0:
		err = fmt.Errorf("%w: WithLease, WithPatience and WithEarlyRefresh are for Remember and for routes; leave them out", ErrInvalid)
	}
	var distinct []K
	var names []string
	if err == nil {
		distinct, names, err = values.Named(keys, key)
	}
	if err != nil {
		return found, c.fail("remember", "", err)
	}
	errs := c.rememberMany(ctx, names, use, func(ctx context.Context, missing []int, put func(int, []byte, error)) error {
		wanted := make([]K, len(missing))
		for i, place := range missing {
			wanted[i] = distinct[place]
		}
		loaded, err := load(ctx, wanted)
		for i, place := range missing {
			if value, ok := loaded[wanted[i]]; ok && err == nil {
				data, err := takers.Encode(c.encoder, value)
				put(place, data, c.fail("remember", names[place], err))
			}
		}
		return err
	}, func(place int, data []byte) error {
		var taken T
		err := c.encoder.Decode(data, &taken)
		if err == nil {
			found[distinct[place]] = taken
		}
		return c.fail("remember", names[place], err)
	})
	for place, err := range errs { // a stale one may have been taken before
		if err != nil {
			delete(found, distinct[place])
		}
	}
	return found, values.ByKey(names, errs)
}

// rememberMany is what RememberMany does, whatever the types are.
func (c *Cache) rememberMany(ctx context.Context, names []string, use *values.Use, load values.LoadMany, take func(int, []byte) error) []error {
	borrower := serve.BorrowerOf(ctx)
	if ctx = argument.Context(ctx); c.closed.Load() || c.server.Idle() {
		return c.values.AloneMany(ctx, borrower, names, use, load, take)
	}
	return c.values.RememberMany(ctx, borrower, names, use, load, take)
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

// TagValueOf tags one of the values that a load of [RememberMany] is about to return, by its name, as [TagValue] tags all of them. It does nothing for names
// that the load is not there for.
func TagValueOf(ctx context.Context, name string, tags ...string) {
	values.TagOf(argument.Context(ctx), name, tags)
}
