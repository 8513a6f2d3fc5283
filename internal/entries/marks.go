package entries

import (
	"context"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/purge"
)

// shared returns the purges of a store that several processes may share. Its marks are values under keys of their own, and its log is
// one of the driver.
func shared(far *guard.Store, prefix string) *purge.Shared {
	o := purge.Options{Marks: marks{far}, Prefix: prefix, Sharded: far.Sharded()}
	if o.Sharded {
		o.Server = far.ServerOf
	}
	if far.Arranged() {
		o.Arrangement = far.Arrangement
	}
	if far.Logs() {
		o.Log = logs{far}
	}
	o.Wait = wait
	return purge.NewShared(o)
}

// wait waits for what other processes have to notice by themselves. The operation timeout is for what the store is asked, and no bound for
// that.
func wait(ctx context.Context, d time.Duration) error { return purge.Wait(drivers.Caller(ctx), d) }

// insistent is the key, in a context, of what is asked of the store at a pace of its own: see [guard.Store.Insistent].
type insistent struct{}

func insist(ctx context.Context) context.Context { return context.WithValue(ctx, insistent{}, true) }

// of returns the store as a context has it asked.
func of(ctx context.Context, far *guard.Store) *guard.Store {
	if ctx.Value(insistent{}) != nil {
		return far.Insistent()
	}
	return far
}

// marks are the marks of purges in a store.
type marks struct{ far *guard.Store }

// Words implements [purge.Marks].
func (m marks) Words(ctx context.Context, keys ...string) ([]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	values, err := of(ctx, m.far).GetTogether(ctx, keys...)
	return texts(values), err
}

// Add implements [purge.Marks].
func (m marks) Add(ctx context.Context, ttl time.Duration, word func() string, keys ...string) ([]string, error) {
	values, err := of(ctx, m.far).Add(ctx, ttl, func() []byte { return []byte(word()) }, keys...)
	return texts(values), err
}

// Delete implements [purge.Marks].
func (m marks) Delete(ctx context.Context, keys ...string) error {
	_, err := of(ctx, m.far).Delete(ctx, keys...)
	return err
}

// logs are the logs of purges in a store.
type logs struct{ far *guard.Store }

// Append implements [purge.Log].
func (l logs) Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...string) error {
	return of(ctx, l.far).Append(ctx, key, keep, ttl, bytesOf(records)...)
}

// Purge implements [purge.Log].
func (l logs) Purge(ctx context.Context, log string, keep int, ttl time.Duration, records []string, keys ...string) error {
	return of(ctx, l.far).Purge(ctx, log, keep, ttl, bytesOf(records), keys...)
}

func bytesOf(records []string) [][]byte {
	list := make([][]byte, len(records))
	for i, record := range records {
		list[i] = []byte(record)
	}
	return list
}

// End implements [purge.Log].
func (l logs) End(ctx context.Context, key string, ttl time.Duration) (purge.Position, error) {
	end, err := of(ctx, l.far).End(ctx, key, ttl)
	return purge.Position(end), err
}

// Since implements [purge.Log].
func (l logs) Since(ctx context.Context, key string, from purge.Position) ([]string, purge.Position, bool, error) {
	records, end, complete, err := of(ctx, l.far).Since(ctx, key, drivers.Position(from))
	return texts(records), purge.Position(end), complete, err
}

// texts returns values as parts of one string.
func texts(values [][]byte) []string {
	size := 0
	for _, value := range values {
		size += len(value)
	}
	var all strings.Builder
	all.Grow(size)
	for _, value := range values {
		all.Write(value)
	}
	list, rest := make([]string, len(values)), all.String()
	for i, value := range values {
		list[i], rest = rest[:len(value)], rest[len(value):]
	}
	return list
}
