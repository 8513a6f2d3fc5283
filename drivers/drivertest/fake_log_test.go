package drivertest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// fakeLog is a log of a fake. The first records of it may have been dropped.
type fakeLog struct {
	number  int // no two logs of a driver have one number
	dropped int
	records [][]byte
}

func (l *fakeLog) position(n int) drivers.Position {
	return drivers.Position(fmt.Sprint(l.number, "/", n))
}

func (l *fakeLog) end() drivers.Position { return l.position(l.dropped + len(l.records)) }

func (d *fake) Add(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
	return d.adds(ctx, ttl, word, keys...)
}

func (d *fake) Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
	return d.appends(ctx, key, keep, ttl, records...)
}

func (d *fake) Purge(ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
	return d.purges(ctx, key, keep, ttl, records, keys...)
}

func (d *fake) End(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
	return d.ends(ctx, key, ttl)
}

func (d *fake) Since(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
	return d.sinces(ctx, key, from)
}

func (d *fake) Wait(ctx context.Context, key string, from drivers.Position) error {
	return d.waits(ctx, key, from)
}

// correctWait looks again and again.
func (d *fake) correctWait(ctx context.Context, key string, from drivers.Position) error {
	return d.waitUntil(ctx, key, from, func(records [][]byte, complete bool) bool { return !complete || len(records) > 0 })
}

func (d *fake) waitUntil(ctx context.Context, key string, from drivers.Position, done func(records [][]byte, complete bool) bool) error {
	for {
		records, _, complete, err := d.correctSince(ctx, key, from)
		if err != nil || done(records, complete) {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

func (d *fake) correctAdd(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
	if err := d.enter(ctx); err != nil {
		return nil, err
	}
	defer d.mu.Unlock()
	if ttl <= 0 {
		return nil, errors.New("the ttl is not positive")
	}
	now := time.Now()
	values := make([][]byte, len(keys))
	for i, key := range keys {
		e := d.entries[key]
		if !e.live(now) {
			e = entry{value: bytes.Clone(word()), expiresAt: now}
			if len(e.value) > d.correctLimit(key) {
				return nil, drivers.ErrTooLarge
			}
		}
		if e.expiresAt.Before(now.Add(ttl / 2)) {
			e.expiresAt = now.Add(ttl)
		}
		d.entries[key] = e
		values[i] = append([]byte{}, e.value...)
	}
	return values, nil
}

// log returns the log under key, which is begun if need be, and lengthens its life. The caller holds mu.
func (d *fake) log(key string, ttl time.Duration) *fakeLog {
	now := time.Now()
	e := d.entries[key]
	if !e.live(now) || e.log == nil {
		d.begun++
		e = entry{log: &fakeLog{number: d.begun}}
	}
	if end := now.Add(ttl); e.expiresAt.Before(end) {
		e.expiresAt = end
	}
	d.entries[key] = e
	return e.log
}

func (d *fake) correctAppend(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
	if err := d.enter(ctx); err != nil {
		return err
	}
	defer d.mu.Unlock()
	if keep <= 0 || ttl <= 0 {
		return errors.New("keep or the ttl is not positive")
	}
	if d.correctLimit(key) < 0 {
		return drivers.ErrTooLarge
	}
	l := d.log(key, ttl)
	for _, record := range records {
		l.records = append(l.records, bytes.Clone(record))
	}
	if n := len(l.records) - keep; n > 0 {
		l.records, l.dropped = l.records[n:], l.dropped+n
	}
	return nil
}

func (d *fake) correctPurge(ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
	if len(records) > 0 {
		if err := d.correctAppend(ctx, key, keep, ttl, records...); err != nil {
			return err
		}
	}
	_, err := d.correctDelete(ctx, keys...)
	return err
}

func (d *fake) correctEnd(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
	if err := d.enter(ctx); err != nil {
		return "", err
	}
	defer d.mu.Unlock()
	if ttl <= 0 {
		return "", errors.New("the ttl is not positive")
	}
	if d.correctLimit(key) < 0 {
		return "", drivers.ErrTooLarge
	}
	return d.log(key, ttl).end(), nil
}

func (d *fake) correctSince(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
	if err := d.enter(ctx); err != nil {
		return nil, "", false, err
	}
	defer d.mu.Unlock()
	e := d.entries[key]
	if !e.live(time.Now()) || e.log == nil {
		return nil, "", false, nil
	}
	for i := range len(e.log.records) + 1 {
		if e.log.position(e.log.dropped+i) != from {
			continue
		}
		var records [][]byte
		for _, record := range e.log.records[i:] {
			records = append(records, bytes.Clone(record))
		}
		return records, e.log.end(), true, nil
	}
	return nil, "", false, nil
}
