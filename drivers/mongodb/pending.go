package mongodb

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// pending is a driver whose servers are not known yet, as name servers do not tell: a client cannot be made without. Each
// operation asks again, one at a time, until that is done.
type pending struct {
	connect func(ctx context.Context) (*Driver, error)

	mu      sync.Mutex
	driver  *Driver       // nil until it is known
	running chan struct{} // closed when the attempt under way is over; nil when none is
	err     error         // of the last attempt
	closed  bool

	life context.Context // ends with Close
	end  context.CancelFunc
}

func newPending(connect func(ctx context.Context) (*Driver, error)) *pending {
	p := &pending{connect: connect}
	p.life, p.end = context.WithCancel(context.Background())
	return p
}

// get returns the driver.
func (p *pending) get(ctx context.Context) (*Driver, error) {
	p.mu.Lock()
	d, closed := p.driver, p.closed
	if d == nil && !closed && p.running == nil && ctx.Err() == nil {
		p.running = make(chan struct{})
		go p.attempt()
	}
	running := p.running
	p.mu.Unlock()
	switch {
	case closed:
		return nil, drivers.ErrClosed
	case d != nil:
		return d, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}

	select {
	case <-running:
	case <-ctx.Done():
		return nil, fmt.Errorf("mongodb: %w: %w", errLookup, ctx.Err())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, drivers.ErrClosed
	}
	return p.driver, p.err
}

func (p *pending) attempt() {
	ctx, cancel := context.WithTimeout(p.life, openTimeout)
	defer cancel()
	d, err := p.connect(ctx)

	p.mu.Lock()
	late := p.closed
	if !late {
		p.driver, p.err = d, err
	}
	close(p.running)
	p.running = nil
	p.mu.Unlock()
	if late && d != nil {
		_ = d.Close()
	}
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

func (p *pending) Ping(ctx context.Context) error {
	d, err := p.get(ctx)
	if err != nil {
		return err
	}
	return d.Ping(ctx)
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
	_ drivers.Driver    = (*pending)(nil)
	_ drivers.Sweeper   = (*pending)(nil)
	_ drivers.Pinger    = (*pending)(nil)
	_ drivers.Batch     = (*pending)(nil)
	_ drivers.Limited   = (*pending)(nil)
	_ drivers.Dedicated = (*pending)(nil)
)
