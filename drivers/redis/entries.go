package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
)

// maxShared is the size, in bytes, of the largest value that is written in a round trip shared with others.
const maxShared = 8 << 10

// The replies of PTTL that are no durations.
const (
	noExpiry = -1
	noKey    = -2
)

// Get returns what is stored under key, or [drivers.ErrMiss]. What another program has stored without an expiry expires in
// some 292 years; what it has stored that is no string is an error.
func (d *Driver) Get(ctx context.Context, key string) (drivers.Item, error) {
	r := &getRequest{key: key}
	if err := d.do(ctx, "get", key, false, r); err != nil {
		return drivers.Item{}, err
	}
	if !r.live {
		return drivers.Item{}, drivers.ErrMiss
	}
	return r.item, nil
}

// getRequest reads a value and how long it lives, in commands that stand beside one another. Redis has no one command
// for both; a script, or a transaction, would take longer, and take permissions that a user may lack.
type getRequest struct {
	reads
	key string

	before, after *redis.DurationCmd
	value         *redis.StringCmd

	item drivers.Item
	live bool
}

func (r *getRequest) add(ctx context.Context, to redis.Pipeliner) {
	r.before = to.PTTL(ctx, r.key)
	r.value = to.Get(ctx, r.key)
	r.after = to.PTTL(ctx, r.key)
}

func (r *getRequest) settle(sent time.Time) error {
	value, err := r.value.Bytes()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err := cmp.Or(err, r.before.Err(), r.after.Err()); err != nil {
		return err
	}
	left, live := lifetime(r.before.Val(), r.after.Val())
	if !live {
		return nil
	}
	r.item = drivers.Item{Value: notNil(value), ExpiresAt: sent.Add(left)}
	r.live = true
	return nil
}

// lifetime tells how long a value lives that was read between two replies of PTTL. Another client may have replaced the key
// before or after the value was read, so the value is that of one of the two: the shorter life is never too long.
func lifetime(before, after time.Duration) (left time.Duration, live bool) {
	switch {
	case after == noKey: // expired, or removed, since
		return 0, false
	case before == noKey: // written since
		before = after
	}
	if before == noExpiry {
		before = forever
	}
	if after == noExpiry {
		after = forever
	}
	return min(before, after), true
}

// notNil returns value, or one of no bytes for nil.
func notNil(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return value
}

// Set stores value under key for ttl, which Redis keeps in whole milliseconds: what is left of ttl is dropped, but for the
// first. An entry of more than 512 MiB matches [drivers.ErrTooLarge].
func (d *Driver) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := d.begin(ctx, "set"); err != nil {
		return err
	}
	if ttl <= 0 {
		return fmt.Errorf("redis: set: the time to live is %v: it must be positive", ttl)
	}
	if len(key) > maxValue || len(value) > maxValue {
		return d.refuse(ctx, key, value)
	}
	// The copy outlives the call where the context ends it.
	r := &setRequest{key: key, value: append([]byte{}, value...), milliseconds: max(1, ttl.Milliseconds())}
	return d.do(ctx, "set", key, len(value) > maxShared, r)
}

// refuse removes what is stored under key, as a reader must not be given a value that its writer has tried to replace.
func (d *Driver) refuse(ctx context.Context, key string, value []byte) error {
	if len(key) <= maxValue {
		if _, err := d.Delete(ctx, key); err != nil {
			return err
		}
	}
	return fmt.Errorf("redis: set: %w: a value of %d bytes under a key of %d bytes, where each may have %d",
		drivers.ErrTooLarge, len(value), len(key), maxValue)
}

type setRequest struct {
	writes
	key          string
	value        []byte
	milliseconds int64

	reply *write
}

func (r *setRequest) add(ctx context.Context, to redis.Pipeliner) {
	r.reply = send(ctx, to, "set", r.key, r.value, "px", r.milliseconds)
}

func (r *setRequest) settle(time.Time) error { return r.reply.Err() }

func (r *setRequest) bytes() int { return len(r.value) }
