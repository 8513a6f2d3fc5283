package redis

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
)

var (
	_ drivers.Adder = (*Driver)(nil)
	_ drivers.Log   = (*Driver)(nil)
)

// onSend is an argument that is made anew each time that its command is sent: go-redis encodes the arguments once for each
// attempt. So what it repeats by itself, because the answer was lost, is never the same.
type onSend func() []byte

var _ encoding.BinaryMarshaler = onSend(nil)

func (f onSend) MarshalBinary() ([]byte, error) {
	made := f()
	if len(made) > maxValue {
		return nil, fmt.Errorf("%w: a value of %d bytes, where each may have %d", drivers.ErrTooLarge, len(made), maxValue)
	}
	return made, nil
}

// Add makes sure that keys have values, in one round trip to each of the servers that keep them; another lengthens the lives
// of values of which less than half of ttl is left, and one that was removed between being found and being read is added
// in another.
//
// A full server refuses to add, and answers with the values that are there all the same.
func (d *Driver) Add(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
	const operation = "add"
	if err := d.begin(ctx, operation); err != nil {
		return nil, err
	}
	if err := logrecord.CheckTTL(ttl); err != nil {
		return nil, fmt.Errorf("redis: add: %w", err)
	}
	milliseconds := max(1, ttl.Milliseconds())
	found := make([][]byte, len(keys))
	left := make([]int, len(keys)) // those that have no value yet
	for i := range keys {
		left[i] = i
	}
	for len(left) > 0 {
		var short []string
		failure := d.spread(ctx, operation, keys, left, func(some []string) request {
			return &addRequest{keys: some, milliseconds: milliseconds, word: word}
		}, func(r request, places []int) {
			for i, place := range places {
				found[place] = r.(*addRequest).values[i]
			}
			short = append(short, r.(*addRequest).short...)
		})
		if failure == nil {
			failure = d.lengthen(ctx, short, milliseconds)
		}
		if failure != nil {
			return nil, failure
		}
		missing := left[:0]
		for _, i := range left {
			if found[i] == nil { // removed in between
				missing = append(missing, i)
			}
		}
		left = missing
	}
	return found, nil
}

// spread has the requests of keys[places] made, one for each lane that leads to some of them, all at once, and hands
// them with their places to done.
func (d *Driver) spread(ctx context.Context, operation string, keys []string, places []int, make func(keys []string) request, done func(r request, places []int)) error {
	if len(places) > maxSharedKeys || !d.pipelined {
		r := make(pick(keys, places))
		err := d.do(ctx, operation, "", true, r)
		if err == nil {
			done(r, places)
		}
		return err
	}
	parts := map[*lane][]int{}
	for _, i := range places {
		l := d.routes.of(keys[i])
		parts[l] = append(parts[l], i)
	}
	requests, jobs := map[*lane]request{}, map[*lane]*job{}
	for l, some := range parts {
		requests[l] = make(pick(keys, some))
		jobs[l] = l.do(requests[l])
	}
	var failure error
	for l, j := range jobs {
		if failure == nil {
			failure = d.await(ctx, operation, j.done)
		}
		if failure != nil {
			l.takeBack(j)
			continue
		}
		done(requests[l], parts[l])
	}
	return failure
}

func pick(keys []string, places []int) []string {
	some := make([]string, len(places))
	for i, place := range places {
		some[i] = keys[place]
	}
	return some
}

// addRequest adds values and reads those that are there, with how long they live. Redis has no one command for it before
// version 7.
type addRequest struct {
	keys         []string
	milliseconds int64
	word         func() []byte

	adds   []*redis.Cmd
	reads  []*redis.StringCmd
	lives  []*redis.DurationCmd
	values [][]byte // nil for what was removed in between
	short  []string // the keys of values whose life is to be lengthened
}

func (r *addRequest) add(ctx context.Context, to redis.Pipeliner) {
	r.adds, r.reads, r.lives = nil, nil, nil
	for _, key := range r.keys {
		r.adds = append(r.adds, to.Do(ctx, "set", key, onSend(r.word), "nx", "px", r.milliseconds))
		r.reads = append(r.reads, to.Get(ctx, key))
		r.lives = append(r.lives, to.PTTL(ctx, key))
	}
}

func (r *addRequest) settle(time.Time) error {
	r.values = make([][]byte, len(r.keys))
	for i, key := range r.keys {
		value, err := r.reads[i].Bytes()
		absent := errors.Is(err, redis.Nil)
		if err != nil && !absent {
			return err
		}
		if err := r.adds[i].Err(); err != nil && !errors.Is(err, redis.Nil) && (absent || !isFull(err)) {
			return err
		}
		if err := r.lives[i].Err(); err != nil {
			return err
		}
		if absent {
			continue
		}
		r.values[i] = notNil(value)
		if left := r.lives[i].Val(); left >= 0 && left.Milliseconds() < r.milliseconds/2 {
			r.short = append(r.short, key)
		}
	}
	return nil
}

// isFull tells whether a server refuses a command because it has no room.
func isFull(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) && strings.HasPrefix(reply.Error(), "OOM")
}

// lengthen makes the lives of keys at least so long, by what sets nothing but the expiry.
func (d *Driver) lengthen(ctx context.Context, keys []string, milliseconds int64) error {
	if len(keys) == 0 {
		return nil
	}
	return d.call(ctx, "add", func(ctx context.Context) error {
		pipeline := d.client.Pipeline()
		replies := make([]*redis.Cmd, len(keys))
		for i, key := range keys {
			replies[i] = pipeline.Do(ctx, "pexpire", key, milliseconds, "gt")
		}
		_, _ = pipeline.Exec(ctx)
		for i, reply := range replies {
			err := reply.Err()
			if isSyntax(err) { // before Redis 7.0 there is no GT
				err = d.lengthenWatched(ctx, keys[i], milliseconds)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// isSyntax tells whether a server does not know an option of a command.
func isSyntax(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) && strings.HasPrefix(reply.Error(), "ERR ") &&
		(strings.Contains(reply.Error(), "wrong number of arguments") || strings.Contains(reply.Error(), "syntax error"))
}

// lengthenWatched makes the life of key at least so long. It looks first, and does nothing if another has changed it since.
func (d *Driver) lengthenWatched(ctx context.Context, key string, milliseconds int64) error {
	for {
		err := d.client.Watch(ctx, func(tx *redis.Tx) error {
			left, err := tx.PTTL(ctx, key).Result()
			if err != nil || left < 0 || left.Milliseconds() >= milliseconds {
				return err
			}
			_, err = tx.TxPipelined(ctx, func(to redis.Pipeliner) error {
				to.Do(ctx, "pexpire", key, milliseconds)
				return nil
			})
			return err
		}, key)
		if !errors.Is(err, redis.TxFailedErr) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}
