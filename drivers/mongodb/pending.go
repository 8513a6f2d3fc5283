package mongodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/once"
)

// pending is a driver whose servers are not known yet, as name servers do not tell: a client cannot be made without. Each
// operation asks again, one at a time, until that is done.
type pending struct {
	made *once.Value[Driver]
	end  context.CancelFunc

	mu     sync.Mutex
	driver *Driver // nil until it is known
	closed bool
}

func newPending(connect func(ctx context.Context) (*Driver, error)) *pending {
	p := new(pending)
	life, end := context.WithCancel(context.Background())
	p.end = end
	p.made = once.New(life, openTimeout, func(error) time.Duration { return 0 }, func(ctx context.Context) (*Driver, error) {
		d, err := connect(ctx)
		if err != nil {
			return nil, err
		}
		return d, p.keep(d)
	})
	return p
}

// keep keeps the driver, for Close to close it, or closes one that comes behind that.
func (p *pending) keep(d *Driver) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errors.Join(drivers.ErrClosed, d.Close())
	}
	p.driver = d
	return nil
}

// get returns the driver.
func (p *pending) get(ctx context.Context) (*Driver, error) {
	if p.isClosed() {
		return nil, drivers.ErrClosed
	}
	if d := p.made.Ready(); d != nil {
		return d, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d, err := p.made.Get(ctx)
	switch {
	case p.isClosed():
		return nil, drivers.ErrClosed
	case err != nil && err == ctx.Err():
		return nil, fmt.Errorf("mongodb: %w: %w", errLookup, err)
	}
	return d, err
}

func (p *pending) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

func (p *pending) Get(ctx context.Context, key string) (drivers.Item, error) {
	d, err := p.get(ctx)
	if err != nil {
		return drivers.Item{}, err
	}
	return d.Get(ctx, key)
}

func (p *pending) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	d, err := p.get(ctx)
	if err != nil {
		return err
	}
	return d.Set(ctx, key, value, ttl)
}

func (p *pending) Delete(ctx context.Context, keys ...string) (int, error) {
	d, err := p.get(ctx)
	if err != nil {
		return 0, err
	}
	return d.Delete(ctx, keys...)
}

func (p *pending) Clear(ctx context.Context, prefix string) (int, error) {
	d, err := p.get(ctx)
	if err != nil {
		return 0, err
	}
	return d.Clear(ctx, prefix)
}

func (p *pending) Sweep(ctx context.Context) (int, error) {
	d, err := p.get(ctx)
	if err != nil {
		return 0, err
	}
	return d.Sweep(ctx)
}

func (p *pending) GetValues(ctx context.Context, keys ...string) ([][]byte, error) {
	d, err := p.get(ctx)
	if err != nil {
		return nil, err
	}
	return d.GetValues(ctx, keys...)
}

func (p *pending) SetValues(ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
	d, err := p.get(ctx)
	if err != nil {
		return slices.Repeat([]error{err}, len(keys))
	}
	return d.SetValues(ctx, ttl, keys, values)
}

func (p *pending) Insert(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	d, err := p.get(ctx)
	if err != nil {
		return false, err
	}
	return d.Insert(ctx, key, value, ttl)
}

func (p *pending) Ping(ctx context.Context) error {
	d, err := p.get(ctx)
	if err != nil {
		return err
	}
	return d.Ping(ctx)
}

func (p *pending) Add(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
	d, err := p.get(ctx)
	if err != nil {
		return nil, err
	}
	return d.Add(ctx, ttl, word, keys...)
}

func (p *pending) Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
	d, err := p.get(ctx)
	if err != nil {
		return err
	}
	return d.Append(ctx, key, keep, ttl, records...)
}

func (p *pending) End(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
	d, err := p.get(ctx)
	if err != nil {
		return "", err
	}
	return d.End(ctx, key, ttl)
}

func (p *pending) Since(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
	d, err := p.get(ctx)
	if err != nil {
		return nil, "", false, err
	}
	return d.Since(ctx, key, from)
}

func (p *pending) MaxValue(key string) int { return maxValue(encodeKey(key)) }

func (p *pending) Dedicated() bool { return true }

func (p *pending) Close() error {
	p.end()
	p.mu.Lock()
	d, again := p.driver, p.closed
	p.closed = true
	p.mu.Unlock()
	if d == nil || again {
		return nil
	}
	return d.Close()
}

var (
	_ drivers.Driver      = (*pending)(nil)
	_ drivers.Sweeper     = (*pending)(nil)
	_ drivers.Pinger      = (*pending)(nil)
	_ drivers.Batch       = (*pending)(nil)
	_ drivers.BatchSetter = (*pending)(nil)
	_ drivers.Adder       = (*pending)(nil)
	_ drivers.Inserter    = (*pending)(nil)
	_ drivers.Log         = (*pending)(nil)
	_ drivers.Limited     = (*pending)(nil)
	_ drivers.Dedicated   = (*pending)(nil)
)
