package redis

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/redis/go-redis/v9"
)

// maxSharedKeys is how many keys are read at most in a round trip shared with others.
const maxSharedKeys = 64

// GetValues returns the values stored under keys: of a single server with one MGET, of a cluster with one round trip to each
// of the servers that have some of them, all at once. What is no string is nil, as absent keys are. The values are not to be changed:
// callers that ask for the same at the same time get the same. Where some of the servers of a cluster fail, the error comes with the values of the
// others, and nil for theirs.
func (d *Driver) GetValues(ctx context.Context, keys ...string) ([][]byte, error) {
	const operation = "get values"
	if err := d.begin(ctx, operation); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return [][]byte{}, nil
	}
	keys = slices.Clone(keys) // they outlive the call where the context ends it
	if d.Sharded() {
		return d.getScattered(ctx, operation, keys)
	}
	r := &mgetRequest{keys: keys}
	if err := d.do(ctx, operation, keys[0], len(keys) > maxSharedKeys, r); err != nil {
		return nil, err // r may still be written to
	}
	return r.values, nil
}

// mgetRequest reads several keys of one server.
type mgetRequest struct {
	reads
	keys   []string
	reply  *redis.SliceCmd
	values [][]byte
}

func (r *mgetRequest) add(ctx context.Context, to redis.Pipeliner) {
	r.reply = to.MGet(ctx, r.keys...)
}

func (r *mgetRequest) settle(time.Time) error {
	replies, err := r.reply.Result()
	if err != nil {
		return err
	}
	r.values = make([][]byte, len(replies))
	for i, reply := range replies {
		if text, ok := reply.(string); ok {
			r.values[i] = bytesOf(text)
		}
	}
	return nil
}

// bytesOf returns the bytes of a text that the client has made for us and that nothing else has, without copying them, as the
// client's own Bytes does.
func bytesOf(text string) []byte {
	if text == "" {
		return []byte{}
	}
	return unsafe.Slice(unsafe.StringData(text), len(text))
}

// getsRequest reads several keys of a cluster.
type getsRequest struct {
	reads
	keys    []string
	replies []*redis.StringCmd
	values  [][]byte
}

func (r *getsRequest) add(ctx context.Context, to redis.Pipeliner) {
	r.replies = nil
	for _, key := range r.keys {
		r.replies = append(r.replies, to.Get(ctx, key))
	}
}

func (r *getsRequest) settle(time.Time) error {
	r.values = make([][]byte, len(r.keys))
	for i, reply := range r.replies {
		value, err := reply.Bytes()
		switch {
		case err == nil:
			r.values[i] = notNil(value)
		case errors.Is(err, redis.Nil), isWrongType(err):
		default:
			return err
		}
	}
	return nil
}

// isWrongType tells whether the key of a command holds something else than a string.
func isWrongType(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) && strings.HasPrefix(reply.Error(), "WRONGTYPE")
}

// getScattered reads keys in the lanes of their servers.
func (d *Driver) getScattered(ctx context.Context, operation string, keys []string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	err := d.spread(ctx, operation, keys, all(len(keys)), func(some []string) request {
		return &getsRequest{keys: some}
	}, func(r request, places []int) {
		for i, place := range places {
			values[place] = r.(*getsRequest).values[i]
		}
	})
	return values, err
}
