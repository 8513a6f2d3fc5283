package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/inmemory"
)

// remote is a store that takes about a millisecond, as one of another machine does, and fails at times.
type remote struct {
	drivers.Driver
	began time.Time
}

func newRemote() (drivers.Driver, error) {
	memory, err := inmemory.New(inmemory.Options{MemoryLimit: 64 << 20})
	return remote{memory, time.Now()}, err
}

// trip is the way there.
func (r remote) trip() error {
	time.Sleep(time.Duration((0.3 + rand.ExpFloat64()) * float64(time.Millisecond)))
	if time.Since(r.began)%(2*time.Minute) > 110*time.Second {
		return errors.New("the store does not answer")
	}
	return nil
}

// Get implements [drivers.Driver].
func (r remote) Get(ctx context.Context, key string) (drivers.Item, error) {
	if err := r.trip(); err != nil {
		return drivers.Item{}, err
	}
	return r.Driver.Get(ctx, key)
}

// Set implements [drivers.Driver].
func (r remote) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := r.trip(); err != nil {
		return err
	}
	return r.Driver.Set(ctx, key, value, ttl)
}

// Delete implements [drivers.Driver].
func (r remote) Delete(ctx context.Context, keys ...string) (int, error) {
	if err := r.trip(); err != nil {
		return 0, err
	}
	return r.Driver.Delete(ctx, keys...)
}

// Clear implements [drivers.Driver].
func (r remote) Clear(ctx context.Context, prefix string) (int, error) {
	if err := r.trip(); err != nil {
		return 0, err
	}
	return r.Driver.Clear(ctx, prefix)
}
