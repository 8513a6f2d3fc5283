package redis

import (
	"context"
	"errors"
	"strings"
	"time"
	"unsafe"

	"github.com/redis/go-redis/v9"
)

// maxSharedKeys is how many keys are read at most in a round trip shared with others.
const maxSharedKeys = 64

// GetValues returns the values stored under keys: of a single server with one MGET, of a cluster with one round trip to each
// of the servers that have some of them, all at once. What is no string is nil, as absent keys are. The values are not to be changed:
// callers that ask for the same at the same time get the same.
func (d *Driver) GetValues(ctx context.Context, keys ...string) ([][]byte, error) {
	const operation = "get values"
	if err := d.begin(ctx, operation); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return [][]byte{}, nil
	}
	keys = append([]string{}, keys...) // they outlive the call where the context ends it
	alone := len(keys) > maxSharedKeys
	switch {
	case !d.scattered():
		r := &mgetRequest{keys: keys}
		err := d.do(ctx, operation, keys[0], alone, r)
		return r.values.after(err)
	case alone || !d.pipelined:
		r := &getsRequest{keys: keys}
		err := d.do(ctx, operation, keys[0], true, r)
		return r.values.after(err)
	}
	return d.getScattered(ctx, operation, keys)
}

// values are those of some keys, in their order.
type values [][]byte

// after returns the values unless an error has come before them: then they may still be written to.
func (v *values) after(err error) ([][]byte, error) {
	if err != nil {
		return nil, err
	}
	return *v, nil
}

// scattered tells whether keys may be on different servers, which no one command reaches.
func (d *Driver) scattered() bool {
	switch d.client.(type) {
	case *redis.ClusterClient, *redis.Ring:
		return true
	}
	return false
}

// mgetRequest reads several keys of one server.
type mgetRequest struct {
	keys   []string
	reply  *redis.SliceCmd
	values values
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
	keys    []string
	places  []int // of the keys among those of the caller, where they are a part of them
	replies []*redis.StringCmd
	values  values
}

func (r *getsRequest) add(ctx context.Context, to redis.Pipeliner) {
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
	parts := make(map[*lane]*getsRequest)
	for i, key := range keys {
		l := d.routes.of(key)
		if parts[l] == nil {
			parts[l] = &getsRequest{}
		}
		parts[l].keys = append(parts[l].keys, key)
		parts[l].places = append(parts[l].places, i)
	}
	jobs := make(map[*lane]*job, len(parts))
	for l, part := range parts {
		jobs[l] = l.do(part)
	}

	all := make([][]byte, len(keys))
	var failure error
	for l, j := range jobs {
		if failure == nil {
			failure = d.await(ctx, operation, j.done)
		}
		if failure != nil {
			l.takeBack(j)
			continue
		}
		for i, place := range parts[l].places {
			all[place] = parts[l].values[i]
		}
	}
	if failure != nil {
		return nil, failure
	}
	return all, nil
}
