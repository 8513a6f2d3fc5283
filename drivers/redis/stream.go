package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
)

// A log is a stream. Each entry has one field, the record. The first entry, which begins the log where End does, has the
// lowest id that there is, so that of several that begin it at once only one does. A position is the id of an entry and the
// word of its record: ids are moments of the server's clock, and may come again in a stream that was begun anew.
const (
	logField = "r"
	firstID  = "0-1"
)

// Append adds records to the stream under key, in one round trip.
func (d *Driver) Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
	const operation = "append"
	if err := d.begin(ctx, operation); err != nil {
		return err
	}
	if err := logrecord.Check(keep, ttl); err != nil {
		return fmt.Errorf("redis: append: %w", err)
	}
	if len(records) == 0 {
		return nil
	}
	r, size := appending(key, keep, ttl, records)
	return d.do(ctx, operation, key, size > maxShared, r)
}

// appending returns a request that appends records, and how many bytes these have.
func appending(key string, keep int, ttl time.Duration, records [][]byte) (r *appendRequest, size int) {
	r = &appendRequest{key: key, keep: logrecord.Room(keep), milliseconds: max(1, ttl.Milliseconds())}
	for _, record := range records {
		size += len(record)
		record = append([]byte{}, record...) // they outlive the call where the context ends it
		r.records = append(r.records, func() []byte { return logrecord.Pack(record) })
	}
	return r, size
}

type appendRequest struct {
	writesOnce
	key          string
	keep         int
	milliseconds int64
	records      []onSend // so that each has a word of its own

	replies []*write
}

func (r *appendRequest) add(ctx context.Context, to redis.Pipeliner) {
	r.replies = nil
	for _, record := range r.records {
		r.replies = append(r.replies, send(ctx, to, "xadd", r.key, "maxlen", "~", r.keep, "*", logField, record))
	}
	r.replies = append(r.replies, send(ctx, to, "pexpire", r.key, r.milliseconds))
}

func (r *appendRequest) settle(time.Time) error {
	for _, reply := range r.replies {
		if err := reply.Err(); err != nil {
			return err
		}
	}
	return nil
}

// End returns the position behind the last entry of the stream under key: in one round trip, and another where the stream has
// to be begun, or less than half of ttl is left of its life.
func (d *Driver) End(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
	const operation = "end"
	if err := d.begin(ctx, operation); err != nil {
		return "", err
	}
	if err := logrecord.CheckTTL(ttl); err != nil {
		return "", fmt.Errorf("redis: end: %w", err)
	}
	milliseconds := max(1, ttl.Milliseconds())
	for {
		last := &lastRequest{key: key}
		if err := d.do(ctx, operation, key, false, last); err != nil {
			return "", err
		}
		switch {
		case last.end == "":
			if err := d.do(ctx, operation, key, false, &beginRequest{key: key, milliseconds: milliseconds}); err != nil {
				return "", err
			}
		case last.life < 0 || last.life.Milliseconds() >= milliseconds/2:
			return last.end, nil
		default:
			return last.end, d.lengthen(ctx, []string{key}, milliseconds)
		}
	}
}

// lastRequest reads the last entry of a stream.
type lastRequest struct {
	reads
	key   string
	entry *redis.XMessageSliceCmd
	left  *redis.DurationCmd

	end  drivers.Position // empty if there is no stream
	life time.Duration
}

func (r *lastRequest) add(ctx context.Context, to redis.Pipeliner) {
	r.entry = to.XRevRangeN(ctx, r.key, "+", "-", 1)
	r.left = to.PTTL(ctx, r.key)
}

func (r *lastRequest) settle(time.Time) error {
	entries, err := r.entry.Result()
	if err == nil {
		r.life, err = r.left.Result()
	}
	if err != nil || len(entries) == 0 {
		return err
	}
	r.end, err = positionOf(entries[0])
	return err
}

// beginRequest begins a stream, unless there is one.
type beginRequest struct {
	writesOnce
	key          string
	milliseconds int64

	begun  *write
	expiry *write
}

func (r *beginRequest) add(ctx context.Context, to redis.Pipeliner) {
	r.begun = send(ctx, to, "xadd", r.key, firstID, logField, onSend(logrecord.Begin))
	r.expiry = send(ctx, to, "pexpire", r.key, r.milliseconds)
}

func (r *beginRequest) settle(time.Time) error {
	if err := r.begun.Err(); err != nil && !strings.Contains(err.Error(), "equal or smaller") { // another has begun it
		return err
	}
	return r.expiry.Err()
}

// positionOf returns the position behind an entry.
func positionOf(entry redis.XMessage) (drivers.Position, error) {
	record, _ := entry.Values[logField].(string)
	word, err := logrecord.Position([]byte(record))
	if err != nil {
		return "", err
	}
	return drivers.Position(entry.ID) + "/" + word, nil
}

// Since returns the records behind a position, in one round trip.
func (d *Driver) Since(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
	const operation = "since"
	if err := d.begin(ctx, operation); err != nil {
		return nil, "", false, err
	}
	id, word, ok := strings.Cut(string(from), "/")
	if !ok {
		return nil, "", false, nil // it is of no stream
	}
	r := &sinceRequest{key: key, id: id}
	switch err := d.do(ctx, operation, key, false, r); {
	case errors.Is(err, errNoID):
		return nil, "", false, nil
	case err != nil || len(r.entries) == 0:
		return nil, "", false, err
	}
	records := make([][]byte, len(r.entries))
	for i, entry := range r.entries {
		record, _ := entry.Values[logField].(string)
		records[i] = []byte(record)
	}
	data, _, complete, err := logrecord.Since(records, drivers.Position(word))
	if err != nil {
		return nil, "", false, fmt.Errorf("redis: since: %w", err)
	}
	end, err := positionOf(r.entries[len(r.entries)-1])
	if err != nil || !complete || r.entries[0].ID != id {
		return nil, "", false, err
	}
	return data, end, true, nil
}

// errNoID says that a position has no id of an entry.
var errNoID = errors.New("no id of a stream")

// sinceRequest reads a stream from an id.
type sinceRequest struct {
	reads
	key, id string
	reply   *redis.XMessageSliceCmd
	entries []redis.XMessage
}

func (r *sinceRequest) add(ctx context.Context, to redis.Pipeliner) {
	r.reply = to.XRange(ctx, r.key, r.id, "+")
}

func (r *sinceRequest) settle(time.Time) error {
	var err error
	r.entries, err = r.reply.Result()
	if isNoID(err) {
		return errNoID
	}
	return err
}

// isNoID tells whether a server has found that an id is none.
func isNoID(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) && strings.Contains(reply.Error(), "Invalid stream ID")
}
