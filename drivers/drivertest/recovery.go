package drivertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
)

// testRecovery has a server die, or stop, and come back.
func testRecovery(t *testing.T, s faults) {
	for _, how := range []struct {
		name string
		down func(p *proxy.Proxy)
		up   func(t *testing.T, p *proxy.Proxy)
	}{
		{"Killed", (*proxy.Proxy).Die, func(t *testing.T, p *proxy.Proxy) { p.Revive(t) }},
		{"Stopped", (*proxy.Proxy).Hang, func(_ *testing.T, p *proxy.Proxy) { p.Resume() }},
	} {
		s.run(t, how.name, func(t *testing.T) error {
			p, d := s.proxied(t)
			all := operations(d, s.keys())
			mayAnswer := map[string]bool{"Since": true, "Wait": true} // which may see by themselves that they are given no position
			if d, ok := d.(drivers.Sharded); ok && d.Sharded() {
				mayAnswer["Ping"] = true // which may ask another server
			}
			how.down(p)
			errs := make([]error, len(all))
			together(len(all), func(i int) {
				errs[i] = returns(all[i].name, func() error {
					err := within(t, short, all[i].call)
					if err == nil && !mayAnswer[all[i].name] || errors.Is(err, drivers.ErrMiss) {
						return fmt.Errorf("%s of a server that is down: %v, want its error", all[i].name, err)
					}
					return nil
				})
			})
			if err := some(errs); err != nil {
				return err
			}
			how.up(t, p)
			if err := back(t, d, s.keys()); err != nil {
				return err
			}
			for _, op := range all {
				if err := within(t, ample, op.call); err != nil && !errors.Is(err, drivers.ErrMiss) {
					return fmt.Errorf("%s when the server is back: %w", op.name, err)
				}
			}
			return nil
		})
	}
}

// recovered is how long a driver may take to use a server that is back.
const recovered = 3 * time.Second

// back waits until an operation succeeds.
func back(t *testing.T, d drivers.Driver, key string) error {
	for end := time.Now().Add(recovered); ; {
		err := within(t, short, func(ctx context.Context) error { return d.Set(ctx, key, []byte("value"), long) })
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("the server has been back for %v: %w", recovered, err)
		}
		time.Sleep(10 * time.Millisecond) // as requests that come now and then
	}
}

// testAnswers has answers end in the middle, for the driver or for its callers: no one gets another's, or part of one, or a miss.
func testAnswers(t *testing.T, s faults) {
	const readers, reads, keys = 8, 5, 8 // a client may pause after an answer that was cut off, for all readers at once
	size := min(48<<10, s.MaxValue)
	compose := func(i int) string { return strings.Repeat(fmt.Sprintf("%02d ", i), size/3) }
	for _, how := range []struct {
		name    string
		cut     bool
		patient func() time.Duration
	}{
		{"Cut", true, func() time.Duration { return ample }},
		{"GivenUp", false, func() time.Duration { return rand.N(30 * time.Millisecond) }},
	} {
		s.run(t, how.name, func(t *testing.T) error {
			s := s.beside(t)
			p, d := s.proxied(t)
			all := numbered(s.keys(), keys)
			defer s.remove(t, all...)
			for i, key := range all {
				set(t, d, key, compose(i), long)
			}
			p.Rate(size * 50)
			if how.cut {
				loseSome(p)
			}
			var mu sync.Mutex
			var wrong []error
			together(readers, func(int) {
				for range reads {
					i := rand.IntN(keys)
					get := func(ctx context.Context) error { return wantOf(ctx, d, all[i], compose(i)) }
					if err := within(t, how.patient(), get); err != nil {
						mu.Lock()
						wrong = append(wrong, err)
						mu.Unlock()
					}
				}
			})
			p.LoseAnswerIf(nil)
			for i, key := range all {
				wrong = append(wrong, wantOf(t.Context(), d, key, compose(i)))
			}
			return some(wrong)
		})
	}
}

// loseSome drops every so many pieces of an answer with their connections.
func loseSome(p *proxy.Proxy) {
	p.LoseAnswerIf(func() bool {
		lost := rand.IntN(6) == 0
		if lost {
			loseSome(p)
		}
		return lost
	})
}

// wantOf reads a key in one of the ways in which a driver can. It is no error that the driver returns one.
func wantOf(ctx context.Context, d drivers.Driver, key, want string) error {
	read := get
	if rand.IntN(2) == 0 {
		read = getValues
	}
	value, err := read(ctx, d, key)
	if err != nil && !errors.Is(err, drivers.ErrMiss) {
		return nil
	}
	if string(value) != want {
		return fmt.Errorf("the value is %s, want %s", show(string(value)), show(want))
	}
	return nil
}

// testEnded calls operations on contexts that have ended: they ask the server nothing.
func testEnded(t *testing.T, s faults) {
	p, d := s.proxied(t)
	for _, op := range operations(d, s.keys()) {
		s.run(t, op.name, func(t *testing.T) error {
			_ = within(t, ample, op.call) // prepares what there is to prepare
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			var asked int64
			quiet, loud := 0, 0
			for quiet < 2 && loud < 2 { // a client may ask how its server is, meanwhile, and a busy machine be late in sending
				before := p.Counts().Asked
				if err := op.call(ctx); !errors.Is(err, context.Canceled) {
					return fmt.Errorf("the error is %v, want one that wraps context.Canceled", err)
				}
				time.Sleep(way / 2) // what is sent is on its way to the proxy
				if sent := p.Counts().Asked - before; sent == 0 {
					quiet++
				} else {
					asked, loud = sent, loud+1
				}
			}
			if loud == 2 {
				return fmt.Errorf("%d bytes were sent to the server", asked)
			}
			return nil
		})
	}
}

// testClosing closes a driver with operations under way.
func testClosing(t *testing.T, s faults) {
	testCloseOfBusy(t, s)
	testCloseOfSilent(t, s)
}

// testCloseOfBusy closes a driver in the middle of operations. None of its connections stays open.
func testCloseOfBusy(t *testing.T, s faults) {
	s.run(t, "Busy", func(t *testing.T) error {
		p, d := s.proxied(t)
		key := s.keys()
		defer s.remove(t, key)
		const callers, before = 16, 10
		ended := make(chan error, callers)
		var begun sync.WaitGroup
		for range callers {
			begun.Add(1)
			go func() {
				ended <- returns("Get", func() error {
					for n := 1; ; n++ {
						_, err := d.Get(t.Context(), key)
						if n == before {
							begun.Done()
						}
						if n >= before && errors.Is(err, drivers.ErrClosed) {
							return nil
						}
					}
				})
			}()
		}
		begun.Wait()
		errs := []error{returns("Close", d.Close)}
		for range callers {
			errs = append(errs, <-ended)
		}
		for end := time.Now().Add(stuck); p.Open() > 0; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				errs = append(errs, fmt.Errorf("%d connections are open %v after Close", p.Open(), stuck))
				break
			}
		}
		return some(errs)
	})
}

// closing is how long a driver may take to close whose server is silent.
const closing = time.Second

// testCloseOfSilent closes a driver whose server is silent, with operations under way.
func testCloseOfSilent(t *testing.T, s faults) {
	s.run(t, "Silent", func(t *testing.T) error {
		p, d := s.proxied(t)
		all := operations(d, s.keys())
		p.Hang()
		before := p.Counts().Asked
		ctx, cancel := context.WithTimeout(t.Context(), 2*ample)
		defer cancel()
		running := make(chan error, len(all))
		for _, op := range all {
			go func() { running <- returns(op.name, func() error { _ = op.call(ctx); return nil }) }()
		}
		for p.Counts().Asked == before {
			time.Sleep(time.Millisecond)
		}
		began := time.Now()
		errs := []error{returns("Close", d.Close)}
		if took := time.Since(began); took > closing {
			errs = append(errs, fmt.Errorf("it has waited in Close for a silent server for %v, want %v at most", took, closing))
		}
		cancel()
		for range all {
			errs = append(errs, <-running)
		}
		return some(errs)
	})
}
