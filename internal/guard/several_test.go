package guard_test

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// several is a driver of several servers. A key's server is what stands before its colon; a key without one has a server that is not known.
type several struct {
	drivers.Driver // nil: it does no more than the guard asks of it here

	mu     sync.Mutex
	values map[string]string
	fault  func(ctx context.Context, server string) error // asked before each operation, by the servers of its keys; nil for none
}

func (d *several) Sharded() bool { return true }

func (d *several) ServerOf(key string) string {
	server, _, known := strings.Cut(key, ":")
	if !known {
		return ""
	}
	return server
}

// do asks for the faults of the servers of keys, and then changes the values.
func (d *several) do(ctx context.Context, keys []string, do func()) error {
	for i, key := range keys {
		server := d.ServerOf(key)
		if i > 0 && d.ServerOf(keys[i-1]) != server {
			panic("an operation has keys of several servers")
		}
		if d.fault != nil && i == 0 {
			if err := d.fault(ctx, server); err != nil {
				return err
			}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	do()
	return nil
}

func (d *several) Get(ctx context.Context, key string) (item drivers.Item, err error) {
	there := false
	err = d.do(ctx, []string{key}, func() {
		var value string
		value, there = d.values[key]
		item = drivers.Item{Value: []byte(value), ExpiresAt: time.Now().Add(time.Hour)}
	})
	if err == nil && !there {
		return drivers.Item{}, drivers.ErrMiss
	}
	return item, err
}

func (d *several) GetValues(ctx context.Context, keys ...string) (values [][]byte, err error) {
	err = d.do(ctx, keys, func() {
		for _, key := range keys {
			var found []byte
			if value, ok := d.values[key]; ok {
				found = []byte(value)
			}
			values = append(values, found)
		}
	})
	return values, err
}

func (d *several) Set(ctx context.Context, key string, value []byte, _ time.Duration) error {
	return d.do(ctx, []string{key}, func() { d.values[key] = string(value) })
}

func (d *several) Delete(ctx context.Context, keys ...string) (n int, err error) {
	err = d.do(ctx, keys, func() {
		for _, key := range keys {
			if _, ok := d.values[key]; ok {
				n++
			}
			delete(d.values, key)
		}
	})
	return n, err
}

// adding is a driver of several servers that adds values, too.
type adding struct{ *several }

func (d adding) Add(ctx context.Context, _ time.Duration, word func() []byte, keys ...string) (values [][]byte, err error) {
	err = d.do(ctx, keys, func() {
		for _, key := range keys {
			if _, ok := d.values[key]; !ok {
				d.values[key] = string(word())
			}
			values = append(values, []byte(d.values[key]))
		}
	})
	return values, err
}

// faults has each of some servers fail in its way.
func faults(of map[string]func(context.Context) error) func(context.Context, string) error {
	return func(ctx context.Context, server string) error {
		if fault := of[server]; fault != nil {
			return fault(ctx)
		}
		return nil
	}
}

func fails(context.Context) error { return errNo }

// storing is a driver of several servers that stores several values at once, and inserts one. It takes none whose value is "large".
type storing struct{ *several }

func (d storing) SetValues(ctx context.Context, _ time.Duration, keys []string, values [][]byte) []error {
	errs := make([]error, len(keys))
	err := d.do(ctx, keys, func() {
		for i, key := range keys {
			if string(values[i]) == "large" {
				errs[i] = drivers.ErrTooLarge
				continue
			}
			d.values[key] = string(values[i])
		}
	})
	for i := range errs {
		if err != nil {
			errs[i] = err
		}
	}
	return errs
}
