package redis

import (
	"cmp"
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
// attempt. So what a server of a cluster has sent on to another is never the same.
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
	left := all(len(keys)) // those that have no value yet
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

// spread has the requests of keys[places] made, one for each server that has some of them, all at once, and hands those that have come to
// something, with their places, to done. The error is of one that has not.
func (d *Driver) spread(ctx context.Context, operation string, keys []string, places []int, make func(keys []string) request, done func(r request, places []int)) error {
	type part struct {
		lane   *lane
		places []int
		job    *job
		alone  bool
	}
	var parts []*part
	of := map[*lane]*part{}
	for _, i := range places {
		l := d.routes.of(keys[i])
		if of[l] == nil {
			of[l] = &part{lane: l}
			parts = append(parts, of[l])
		}
		of[l].places = append(of[l].places, i)
	}
	for _, p := range parts {
		r := make(pick(keys, p.places))
		values, isSized := r.(sized)
		p.alone = len(p.places) > maxSharedKeys || isSized && values.bytes() > maxShared
		p.job = d.start(ctx, p.lane, p.alone, r)
	}
	var failure error
	for _, p := range parts {
		r, err := d.outcome(ctx, operation, p.job, p.lane, p.alone)
		if err != nil {
			failure = cmp.Or(failure, err)
			continue
		}
		done(r, p.places)
	}
	return failure
}

// all returns the places of n keys.
func all(n int) []int {
	places := make([]int, n)
	for i := range places {
		places[i] = i
	}
	return places
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
	writesOnce
	keys         []string
	milliseconds int64
	word         func() []byte

	adds   []*write
	found  []*redis.StringCmd
	lives  []*redis.DurationCmd
	values [][]byte // nil for what was removed in between
	short  []string // the keys of values whose life is to be lengthened
}

func (r *addRequest) add(ctx context.Context, to redis.Pipeliner) {
	r.adds, r.found, r.lives = nil, nil, nil
	for _, key := range r.keys {
		r.adds = append(r.adds, send(ctx, to, "set", key, onSend(r.word), "nx", "px", r.milliseconds))
		r.found = append(r.found, to.Get(ctx, key))
		r.lives = append(r.lives, to.PTTL(ctx, key))
	}
}

func (r *addRequest) settle(time.Time) error {
	r.values, r.short = make([][]byte, len(r.keys)), nil
	for i, key := range r.keys {
		value, err := r.found[i].Bytes()
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
		replies := make([]*redis.Cmd, len(keys))
		exchange(context.WithoutCancel(ctx), d.client, func(to redis.Pipeliner) {
			for i, key := range keys {
				replies[i] = to.Do(ctx, "pexpire", key, milliseconds, "gt")
			}
		})
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
