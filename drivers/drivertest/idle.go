package drivertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
)

const (
	idle         = 40         // connections that are idle when they are lost
	mostInARow   = 3          // operations that may fail before the driver has understood
	atOnce       = 8          // operations that use the driver when it has
	gaveUp       = 60         // callers that give up
	mostAnew     = 20         // connections that may be dialled in place of theirs
	slowLine     = 12_500_000 // bytes a second
	largeReads   = 5
	mostOverhead = 1.2 // of what is read over a slow line, compared with a fast one
)

// testHalfOpen loses idle connections, without a word or with one: after a few failures none is used any more. A driver whose callers share
// few connections has no more to lose, and needs a test of its own that makes many.
func testHalfOpen(t *testing.T, s faults) {
	for _, how := range []struct {
		name string
		lose func(p *proxy.Proxy)
	}{
		{"Silent", (*proxy.Proxy).Lose},
		{"Cut", (*proxy.Proxy).Cut},
	} {
		for name, call := range calls {
			s.run(t, name+how.name, func(t *testing.T) error {
				p, d := s.proxied(t)
				key := s.keys()
				defer s.remove(t, numbered(key, idle)...)
				if err := busy(t, p, idle, way, func(ctx context.Context, i int) error { return call(ctx, d, key, i) }); err != nil {
					return err
				}
				how.lose(p)
				inARow := 0
				for i := range idle {
					err := within(t, short, func(ctx context.Context) error { return call(ctx, d, key, i) })
					if err == nil {
						inARow = 0
						continue
					}
					if inARow++; inARow > mostInARow {
						return fmt.Errorf("%d operations in a row have failed on connections that were idle, the last with: %w", inARow, err)
					}
				}
				// What is still idle now is good.
				if err := crowd(t, atOnce, 5*short, func(ctx context.Context, i int) error { return call(ctx, d, key, i) }); err != nil {
					return fmt.Errorf("of %d at once, after one after the other had succeeded: %w", atOnce, err)
				}
				return nil
			})
		}
	}
}

// calls are one operation that reads, and one that writes.
var calls = map[string]func(ctx context.Context, d drivers.Driver, key string, i int) error{
	"Get": func(ctx context.Context, d drivers.Driver, key string, i int) error {
		_, err := d.Get(ctx, fmt.Sprint(key, i))
		if errors.Is(err, drivers.ErrMiss) {
			return nil
		}
		return err
	},
	"Set": func(ctx context.Context, d drivers.Driver, key string, i int) error {
		return d.Set(ctx, fmt.Sprint(key, i), []byte("value"), long)
	},
}

// busy has callers call at once, over a line that is so slow that each needs a connection where connections are not shared.
func busy(t *testing.T, p *proxy.Proxy, callers int, way time.Duration, call func(ctx context.Context, i int) error) error {
	p.Delay(way)
	defer p.Delay(0)
	return crowd(t, callers, ample, call)
}

// testGaveUp has callers give up before slow answers come: the connections are used again, when those have come.
func testGaveUp(t *testing.T, s faults) {
	for how, name := range []string{"Deadline", "OperationTimeout", "Cancelled"} {
		for operation, call := range calls {
			s.run(t, operation+name, func(t *testing.T) error {
				s := s.beside(t)
				p, d := s.proxied(t)
				key := s.keys()
				defer s.remove(t, numbered(key, gaveUp)...)
				ask := func(ctx context.Context, i int) error { return call(ctx, d, key, i) }
				anew := 0
				for range 3 { // as a driver may bound how long it waits for the answers, which a busy machine may exceed
					for range 2 {
						if err := busy(t, p, gaveUp, way, ask); err != nil {
							return err
						}
					}
					before := p.Counts().Dials
					p.Delay(2 * way)
					together(gaveUp, func(i int) {
						ctx, end := ending(t.Context(), how, way)
						defer end()
						_ = ask(ctx, i)
					})
					settle(p)
					if err := busy(t, p, gaveUp, way, ask); err != nil {
						return err
					}
					if anew = p.Counts().Dials - before; anew <= mostAnew {
						return nil
					}
				}
				return fmt.Errorf("after %d callers had given up, %d connections were dialled anew, want at most %d", gaveUp, anew, mostAnew)
			})
		}
	}
}

// settle waits until no more answers come.
func settle(p *proxy.Proxy) {
	for told := int64(-1); told != p.Counts().Told; {
		told = p.Counts().Told
		time.Sleep(5 * way)
	}
}

// testLargeOnce reads a large value over a slow line, between small ones that come at once, and counts the bytes.
func testLargeOnce(t *testing.T, s faults) {
	for name, read := range reads {
		s.run(t, name, func(t *testing.T) error {
			s := s.beside(t)
			p, d := s.proxied(t)
			small, large := s.keys(), s.keys()
			defer s.remove(t, small, large)
			set(t, d, small, "value", long)
			set(t, d, large, string(make([]byte, s.MaxValue)), long)
			readAll := func(key string, times int) error {
				for range times {
					err := within(t, ample, func(ctx context.Context) error {
						_, err := read(ctx, d, key)
						return err
					})
					if err != nil {
						return err
					}
				}
				return nil
			}
			before := p.Counts()
			if err := readAll(large, 1); err != nil {
				return err
			}
			once, dials, twice := p.Counts().Told-before.Told, p.Counts().Dials, 0
			for range largeReads {
				err := readAll(small, 10)
				before := p.Counts()
				p.Rate(slowLine)
				err = errors.Join(err, readAll(large, 1))
				p.Rate(0)
				if err != nil {
					return err
				}
				told, limit := p.Counts().Told-before.Told, int64(mostOverhead*float64(once))
				if told > limit {
					twice++
				}
				if twice > largeReads/2 { // a busy machine may well stop a driver between sending and receiving
					return fmt.Errorf("the server has sent %d bytes for a value that was read once, want at most %d, and that is so with %d of %d",
						told, limit, twice, largeReads)
				}
			}
			if anew := p.Counts().Dials - dials; anew > largeReads/2 { // a slow answer may well be left to a connection of its own
				return fmt.Errorf("%d connections were dialled to read one value after the other, %d times", anew, largeReads)
			}
			return nil
		})
	}
}

// reads are the ways of reading a value.
var reads = map[string]func(ctx context.Context, d drivers.Driver, key string) ([]byte, error){"Get": get, "GetValues": getValues}

func get(ctx context.Context, d drivers.Driver, key string) ([]byte, error) {
	item, err := d.Get(ctx, key)
	return item.Value, err
}

func getValues(ctx context.Context, d drivers.Driver, key string) ([]byte, error) {
	batch, ok := d.(drivers.Batch)
	if !ok {
		return get(ctx, d, key)
	}
	values, err := batch.GetValues(ctx, key)
	if err != nil || len(values) != 1 {
		return nil, err
	}
	return values[0], nil
}
