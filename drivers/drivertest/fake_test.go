package drivertest_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// fake is a driver whose methods a defect can replace. newFake returns one that is correct, as slow and plain as can
// be: a map under a lock.
type fake struct {
	mu      sync.Mutex
	entries map[string]entry
	closed  bool

	// What an operation is made of.
	key     func(key string) string
	given   func(value []byte) []byte
	handOut func(value []byte) []byte
	ttl     func(ttl time.Duration) time.Duration
	match   func(key, prefix string) bool

	// The operations.
	get    func(ctx context.Context, key string) (drivers.Item, error)
	set    func(ctx context.Context, key string, value []byte, ttl time.Duration) error
	delete func(ctx context.Context, keys ...string) (int, error)
	clear  func(ctx context.Context, prefix string) (int, error)
	sweep  func(ctx context.Context) (int, error)
	ping   func(ctx context.Context) error
	close  func() error
	values func(ctx context.Context, keys ...string) ([][]byte, error)
	limit  func(key string) int
	keys   func(ctx context.Context, prefix string, most int) ([]string, bool, error)

	getObject func(key string, now time.Time) (any, bool)
	putObject func(key string, object any, size int, ttl time.Duration) bool

	sets    func(ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error
	inserts func(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error)
	adds    func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error)
	appends func(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error
	ends    func(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error)
	waits   func(ctx context.Context, key string, from drivers.Position) error
	purges  func(ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error
	sinces  func(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error)
	begun   int // logs
}

type entry struct {
	value     []byte
	object    any
	isObject  bool
	log       *fakeLog
	expiresAt time.Time
}

func (e entry) live(now time.Time) bool { return now.Before(e.expiresAt) }

func newFake() *fake {
	d := &fake{
		entries: make(map[string]entry),
		key:     func(key string) string { return key },
		given:   bytes.Clone,
		handOut: bytes.Clone,
		ttl:     func(ttl time.Duration) time.Duration { return ttl },
		match:   strings.HasPrefix,
	}
	d.get, d.set, d.delete, d.clear = d.correctGet, d.correctSet, d.correctDelete, d.correctClear
	d.sweep, d.ping, d.close = d.correctSweep, d.correctPing, d.correctClose
	d.values, d.limit = d.correctValues, d.correctLimit
	d.keys = d.correctKeys
	d.getObject, d.putObject = d.correctGetObject, d.correctPutObject
	d.sets, d.inserts = d.correctSets, d.correctInsert
	d.adds, d.appends, d.ends, d.sinces = d.correctAdd, d.correctAppend, d.correctEnd, d.correctSince
	d.purges, d.waits = d.correctPurge, d.correctWait
	return d
}

func (d *fake) Get(ctx context.Context, key string) (drivers.Item, error) { return d.get(ctx, key) }
func (d *fake) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return d.set(ctx, key, value, ttl)
}
func (d *fake) Delete(ctx context.Context, keys ...string) (int, error) {
	return d.delete(ctx, keys...)
}
func (d *fake) Clear(ctx context.Context, prefix string) (int, error) { return d.clear(ctx, prefix) }
func (d *fake) Sweep(ctx context.Context) (int, error)                { return d.sweep(ctx) }
func (d *fake) Ping(ctx context.Context) error                        { return d.ping(ctx) }
func (d *fake) Close() error                                          { return d.close() }
func (d *fake) MaxValue(key string) int                               { return d.limit(key) }
func (d *fake) GetObject(key []byte, now time.Time) (any, bool)       { return d.getObject(string(key), now) }
func (d *fake) PutObject(key string, o any, n int, ttl time.Duration) bool {
	return d.putObject(key, o, n, ttl)
}

func (d *fake) GetValues(ctx context.Context, keys ...string) ([][]byte, error) {
	return d.values(ctx, keys...)
}

// enter locks d for an operation, unless it must not go on.
func (d *fake) enter(ctx context.Context) error {
	d.mu.Lock()
	err := ctx.Err()
	if d.closed {
		err = drivers.ErrClosed
	}
	if err != nil {
		d.mu.Unlock()
	}
	return err
}

func (d *fake) correctGet(ctx context.Context, key string) (drivers.Item, error) {
	if err := d.enter(ctx); err != nil {
		return drivers.Item{}, err
	}
	defer d.mu.Unlock()
	e, ok := d.entries[d.key(key)]
	if !ok || !e.live(time.Now()) || e.isObject || e.log != nil {
		return drivers.Item{}, drivers.ErrMiss
	}
	return drivers.Item{Value: d.handOut(e.value), ExpiresAt: e.expiresAt}, nil
}

func (d *fake) correctSet(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := d.enter(ctx); err != nil {
		return err
	}
	defer d.mu.Unlock()
	if ttl <= 0 {
		return errors.New("the ttl is not positive")
	}
	if len(value) > d.correctLimit(key) {
		delete(d.entries, d.key(key))
		return drivers.ErrTooLarge
	}
	d.entries[d.key(key)] = entry{value: d.given(value), expiresAt: time.Now().Add(d.ttl(ttl))}
	return nil
}

// correctLimit lets a key and a value have 2 MiB together.
func (d *fake) correctLimit(key string) int { return 2<<20 - len(key) }

func (d *fake) correctValues(ctx context.Context, keys ...string) ([][]byte, error) {
	if err := d.enter(ctx); err != nil {
		return nil, err
	}
	d.mu.Unlock()
	values := make([][]byte, len(keys))
	for i, key := range keys {
		item, err := d.correctGet(ctx, key)
		if errors.Is(err, drivers.ErrMiss) {
			continue
		}
		if err != nil {
			return nil, err
		}
		values[i] = append([]byte{}, item.Value...)
	}
	return values, nil
}

func (d *fake) correctDelete(ctx context.Context, keys ...string) (int, error) {
	if err := d.enter(ctx); err != nil {
		return 0, err
	}
	defer d.mu.Unlock()
	n := 0
	for _, key := range keys {
		if d.entries[d.key(key)].live(time.Now()) {
			n++
		}
		delete(d.entries, d.key(key))
	}
	return n, nil
}

func (d *fake) correctClear(ctx context.Context, prefix string) (int, error) {
	return d.removeIf(ctx, func(key string, e entry) (remove, count bool) {
		return d.match(key, prefix), e.live(time.Now())
	})
}

func (d *fake) correctSweep(ctx context.Context) (int, error) {
	return d.removeIf(ctx, func(_ string, e entry) (remove, count bool) {
		return !e.live(time.Now()), true
	})
}

func (d *fake) removeIf(ctx context.Context, decide func(key string, e entry) (remove, count bool)) (int, error) {
	if err := d.enter(ctx); err != nil {
		return 0, err
	}
	defer d.mu.Unlock()
	n := 0
	for key, e := range d.entries {
		remove, count := decide(key, e)
		if remove {
			delete(d.entries, key)
		}
		if remove && count {
			n++
		}
	}
	return n, nil
}

func (d *fake) correctPing(ctx context.Context) error {
	if err := d.enter(ctx); err != nil {
		return err
	}
	d.mu.Unlock()
	return nil
}

func (d *fake) correctClose() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	return nil
}

func (d *fake) correctGetObject(key string, now time.Time) (any, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.entries[key]
	if d.closed || !e.isObject || !e.live(now) {
		return nil, false
	}
	return e.object, true
}

func (d *fake) correctPutObject(key string, object any, size int, ttl time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || ttl <= 0 || size == math.MaxInt {
		return false
	}
	d.entries[key] = entry{object: object, isObject: true, expiresAt: time.Now().Add(ttl)}
	return true
}
