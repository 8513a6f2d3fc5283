package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
)

var (
	_ drivers.BatchSetter = (*Driver)(nil)
	_ drivers.Inserter    = (*Driver)(nil)
)

// SetValues stores values in one round trip, of a cluster to each of the servers that keep some of the keys, all at once. What a server has
// refused of them is the error of its key alone; where the connection has failed, all that were sent over it count as not stored.
func (d *Driver) SetValues(ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
	const operation = "set values"
	err := d.begin(ctx, operation)
	if err == nil && ttl <= 0 {
		err = fmt.Errorf("redis: %s: the time to live is %v: it must be positive", operation, ttl)
	}
	if err != nil {
		return slices.Repeat([]error{err}, len(keys))
	}
	errs := make([]error, len(keys))
	var places []int // of those that are to be stored
	copies := make(map[string][]byte, len(keys))
	for i, key := range keys {
		if len(key) > maxValue || len(values[i]) > maxValue {
			errs[i] = d.refuse(ctx, key, values[i])
			continue
		}
		places, copies[key] = append(places, i), append([]byte{}, values[i]...) // it outlives the call where the context ends it
		errs[i] = errUnanswered
	}
	milliseconds := max(1, ttl.Milliseconds())
	err = d.spread(ctx, operation, slices.Clone(keys), places, func(some []string) request {
		return &setsRequest{keys: some, values: copies, milliseconds: milliseconds}
	}, func(r request, of []int) {
		for i, place := range of {
			if errs[place] = nil; r.(*setsRequest).errs[i] != nil {
				errs[place] = d.explain(ctx, operation, r.(*setsRequest).errs[i])
			}
		}
	})
	for i := range errs {
		if errs[i] == errUnanswered {
			errs[i] = err
		}
	}
	return errs
}

// errUnanswered stands for what has become of a key until there is an answer.
var errUnanswered = errors.New("redis: there is no answer")

// setsRequest stores several values on one server.
type setsRequest struct {
	writes
	keys         []string
	values       map[string][]byte
	milliseconds int64

	replies []*write
	errs    []error // what the server has refused each key with
}

func (r *setsRequest) add(ctx context.Context, to redis.Pipeliner) {
	r.replies = nil
	for _, key := range r.keys {
		r.replies = append(r.replies, send(ctx, to, "set", key, r.values[key], "px", r.milliseconds))
	}
}

func (r *setsRequest) settle(time.Time) error {
	r.errs = make([]error, len(r.replies))
	for i, reply := range r.replies {
		var answer redis.Error
		r.errs[i] = reply.Err()
		if err := r.errs[i]; err != nil && !errors.As(err, &answer) {
			return err // the connection's
		}
	}
	return nil
}

func (r *setsRequest) bytes() (n int) {
	for _, key := range r.keys {
		n += len(r.values[key])
	}
	return n
}

// Insert stores value under key for ttl unless there is a value, in one round trip, by SET with NX.
func (d *Driver) Insert(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	const operation = "insert"
	if err := d.begin(ctx, operation); err != nil {
		return false, err
	}
	if ttl <= 0 {
		return false, fmt.Errorf("redis: %s: the time to live is %v: it must be positive", operation, ttl)
	}
	if len(key) > maxValue || len(value) > maxValue {
		return false, fmt.Errorf("redis: %s: %w: a value of %d bytes under a key of %d bytes, where each may have %d",
			operation, drivers.ErrTooLarge, len(value), len(key), maxValue)
	}
	r := &insertRequest{key: key, value: append([]byte{}, value...), milliseconds: max(1, ttl.Milliseconds())}
	if err := d.do(ctx, operation, key, len(value) > maxShared, r); err != nil {
		return false, err
	}
	return r.inserted, nil
}

// insertRequest stores a value where there is none. It is sent once: a second time would find the value of the first, or store it again behind
// another's removal.
type insertRequest struct {
	writesOnce
	key          string
	value        []byte
	milliseconds int64

	reply    *write
	inserted bool
}

func (r *insertRequest) add(ctx context.Context, to redis.Pipeliner) {
	r.reply = send(ctx, to, "set", r.key, r.value, "nx", "px", r.milliseconds)
}

func (r *insertRequest) settle(time.Time) error {
	err := r.reply.Err()
	if r.inserted = err == nil; errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

func (r *insertRequest) bytes() int { return len(r.value) }
