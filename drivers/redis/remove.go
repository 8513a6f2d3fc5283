package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers/internal/marked"
)

const (
	// unlinkBatch is how many keys are removed in one round trip.
	unlinkBatch = 512
	// scanCount is how many keys a server looks at in one step of a scan.
	scanCount = 1000
)

// Delete removes keys and returns how many of them were live, in one round trip for 512 of them, to each of the servers that have some. Where some of
// the servers of a cluster fail, the keys of the others are removed all the same.
func (d *Driver) Delete(ctx context.Context, keys ...string) (int, error) {
	const operation = "delete"
	keys = slices.Clone(keys) // they outlive the call where the context ends it
	removed, failure := 0, d.begin(ctx, operation)
	for batch := range slices.Chunk(keys, unlinkBatch) {
		if err := d.begin(ctx, operation); err != nil {
			return removed, cmp.Or(failure, err)
		}
		failure = cmp.Or(failure, d.spread(ctx, operation, batch, all(len(batch)), func(some []string) request {
			return d.unlinking(some)
		}, func(r request, _ []int) {
			removed += r.(*unlinkRequest).removed
		}))
	}
	return removed, failure
}

// unlinkRequest removes keys. Redis frees their memory in the background.
type unlinkRequest struct {
	writes
	commands [][]any
	replies  []*write

	removed int // how many of the keys were there
}

// unlinking returns a request that removes keys: with one command, unless they may be on several servers.
func (d *Driver) unlinking(keys []string) *unlinkRequest {
	r := &unlinkRequest{}
	for i, key := range keys {
		if i%unlinkBatch == 0 || d.Sharded() {
			r.commands = append(r.commands, []any{"unlink"})
		}
		last := len(r.commands) - 1
		r.commands[last] = append(r.commands[last], key)
	}
	return r
}

func (r *unlinkRequest) add(ctx context.Context, to redis.Pipeliner) {
	r.replies = nil
	for _, command := range r.commands {
		r.replies = append(r.replies, send(ctx, to, command...))
	}
}

func (r *unlinkRequest) settle(time.Time) error {
	var failure error
	r.removed = 0
	for _, reply := range r.replies {
		if err := reply.Err(); err != nil {
			failure = cmp.Or(failure, err)
			continue
		}
		n, _ := reply.Val().(int64)
		r.removed += int(n)
	}
	return failure
}

// Clear removes every key that begins with prefix and returns how many of them were live. It looks at every key of the
// database, in steps between which Redis serves others. A key that is written while Clear runs may survive it. When ctx ends
// before Clear does, it returns how many it had removed by then, and the error. A server that does not know the commands (SCAN and UNLINK), or
// forbids them to the user, is one that can never do it: the error matches [errors.ErrUnsupported].
func (d *Driver) Clear(ctx context.Context, prefix string) (int, error) {
	var live atomic.Int64
	err := d.call(ctx, "clear", func(ctx context.Context) error {
		return d.forEachMaster(ctx, func(ctx context.Context, master redis.Cmdable) error {
			return d.clear(ctx, master, prefix, &live)
		})
	})
	return int(live.Load()), err
}

// forEachMaster runs do for each server that has keys of its own, side by side.
func (d *Driver) forEachMaster(ctx context.Context, do func(ctx context.Context, master redis.Cmdable) error) error {
	if d.routes.cluster == nil {
		return do(ctx, d.client)
	}
	// The client first asks one server, which may hang, where the keys are. What it knows already has to do if it is not answered in time.
	brief, cancel := ctx, context.CancelFunc(func() {})
	if deadline, ok := ctx.Deadline(); ok {
		brief, cancel = context.WithTimeout(ctx, time.Until(deadline)/4)
	}
	defer cancel()
	return d.routes.cluster.ForEachMaster(brief, func(_ context.Context, master *redis.Client) error {
		return guard(func() error { return do(ctx, master) })
	})
}

// clear removes the keys of one server that begin with prefix, and adds to live how many there were. A scan may name a
// key twice: what is counted is what was removed.
func (d *Driver) clear(ctx context.Context, master redis.Cmdable, prefix string, live *atomic.Int64) error {
	pattern := globEscaper.Replace(prefix) + "*"
	for cursor := uint64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		keys, next, err := master.Scan(ctx, cursor, pattern, scanCount).Result()
		if err != nil {
			return withheld(err, forClearing)
		}
		keys = slices.DeleteFunc(keys, func(key string) bool { return !strings.HasPrefix(key, prefix) })
		for batch := range slices.Chunk(keys, unlinkBatch) {
			r := d.unlinking(batch)
			exchange(ctx, d.client, func(to redis.Pipeliner) { r.add(ctx, to) })
			err := r.settle(time.Time{})
			live.Add(int64(r.removed))
			if err != nil {
				return withheld(err, "unlink")
			}
		}
		if next == 0 {
			return nil
		}
		cursor = next
	}
}

// globEscaper takes their meaning from the characters that have one in a pattern of Redis.
var globEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)

// withheld marks the error of a command where the server does not have it for the user.
func withheld(err error, command string) error {
	var answer redis.Error
	if !errors.As(err, &answer) {
		return err
	}
	text := answer.Error()
	if isUnknown(text, command) {
		return marked.Error{Err: fmt.Errorf("the server does not know %s: %w", listed([]string{command}), err), Kind: errors.ErrUnsupported}
	}
	return marked.If(isForbidden(text), errors.ErrUnsupported, err)
}
