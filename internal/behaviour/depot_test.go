package behaviour_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// depot is a store of bytes that reads several keys at once, adds values and keeps logs, as the stores do that cachette has drivers for.
type depot struct {
	crate
	lists map[string]*list // guarded by the shelf's mutex
	begun *int             // logs, ever
}

// list is a log: its number among all, and its records.
type list struct {
	number  int
	records [][]byte
}

var (
	_ drivers.Adder       = depot{}
	_ drivers.BatchSetter = depot{}
	_ drivers.Inserter    = depot{}
	_ drivers.Log         = depot{}
)

func newDepot() depot {
	return depot{crate: crate{newShelf()}, lists: make(map[string]*list), begun: new(int)}
}

func (d depot) Add(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
	if err := d.begin(ctx, call{"add", keys[0]}); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	values, now := make([][]byte, len(keys)), time.Now()
	for i, key := range keys {
		item, err := d.store.Peek(key)
		if err != nil {
			item = drivers.Item{Value: word()}
		}
		if item.ExpiresAt.Sub(now) < ttl/2 {
			item.ExpiresAt = now.Add(ttl)
		}
		d.store.Place(key, item)
		values[i] = slices.Clone(item.Value)
	}
	return values, nil
}

func (d depot) SetValues(ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
	if err := d.begin(ctx, call{"set", strings.Join(keys, " ")}); err != nil {
		return slices.Repeat([]error{err}, len(keys))
	}
	errs := make([]error, len(keys))
	for i, key := range keys {
		if len(values[i]) > mostOfDepot {
			errs[i] = drivers.ErrTooLarge
			d.store.Evict(func(other string) bool { return other == key })
			continue
		}
		d.store.Place(key, drivers.Item{Value: values[i], ExpiresAt: time.Now().Add(ttl)})
	}
	return errs
}

// mostOfDepot is the size of the largest value that a depot takes among several.
const mostOfDepot = 1 << 20

func (d depot) Insert(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	return d.driver.(drivers.Inserter).Insert(ctx, key, value, ttl)
}

// log returns a log, and begins it if need be. The shelf is locked.
func (d depot) log(key string) *list {
	if d.lists[key] == nil {
		*d.begun++
		d.lists[key] = &list{number: *d.begun}
	}
	return d.lists[key]
}

func (l *list) end() drivers.Position {
	return drivers.Position(fmt.Sprintf("%d %d", l.number, len(l.records)))
}

func (d depot) Append(ctx context.Context, key string, _ int, _ time.Duration, records ...[]byte) error {
	if err := d.begin(ctx, call{"append", key}); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, record := range records {
		d.log(key).records = append(d.log(key).records, slices.Clone(record))
	}
	return nil
}

func (d depot) End(ctx context.Context, key string, _ time.Duration) (drivers.Position, error) {
	if err := d.begin(ctx, call{"end", key}); err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log(key).end(), nil
}

func (d depot) Since(ctx context.Context, key string, from drivers.Position) (records [][]byte, end drivers.Position, complete bool, err error) {
	if err := d.begin(ctx, call{"since", key}); err != nil {
		return nil, "", false, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var number, behind int
	l := d.lists[key]
	if _, err := fmt.Sscanf(string(from), "%d %d", &number, &behind); err != nil || l == nil || l.number != number {
		return nil, "", false, nil
	}
	return slices.Clone(l.records[behind:]), l.end(), true, nil
}

func (d depot) Delete(ctx context.Context, keys ...string) (int, error) {
	n, err := d.crate.Delete(ctx, keys...)
	if err == nil {
		n += d.drop(func(key string) bool { return slices.Contains(keys, key) })
	}
	return n, err
}

func (d depot) Clear(ctx context.Context, prefix string) (int, error) {
	n, err := d.crate.Clear(ctx, prefix)
	if err == nil {
		d.drop(func(key string) bool { return strings.HasPrefix(key, prefix) })
	}
	return n, err
}

// drop removes the logs for which which holds, and returns how many there were.
func (d depot) drop(which func(key string) bool) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range d.lists {
		if which(key) {
			delete(d.lists, key)
			n++
		}
	}
	return n
}
