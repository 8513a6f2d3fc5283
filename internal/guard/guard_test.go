package guard_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/inmemory"
	"github.com/gin-cachette/cachette/internal/guard"
)

const timeout = 500 * time.Millisecond

var errNo = errors.New("no")

// bare is a driver that can do no more than a driver must, and whose operations can be made to fail.
type bare struct {
	drivers.Driver
	fault func(ctx context.Context, op string) error // asked before each operation; nil for none
	asked int
}

func (b *bare) begin(ctx context.Context, op string) error {
	b.asked++
	if b.fault == nil {
		return nil
	}
	return b.fault(ctx, op)
}

func (b *bare) Get(ctx context.Context, key string) (drivers.Item, error) {
	if err := b.begin(ctx, "get"); err != nil {
		return drivers.Item{}, err
	}
	return b.Driver.Get(ctx, key)
}

func (b *bare) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := b.begin(ctx, "set"); err != nil {
		return err
	}
	return b.Driver.Set(ctx, key, value, ttl)
}

func (b *bare) Delete(ctx context.Context, keys ...string) (int, error) {
	if err := b.begin(ctx, "delete"); err != nil {
		return 0, err
	}
	return b.Driver.Delete(ctx, keys...)
}

// since returns how many operations there were since it was called last.
func (b *bare) since() int {
	n := b.asked
	b.asked = 0
	return n
}

// open puts a guard before a driver that must fail as it is told.
func open(t *testing.T) (*guard.Store, *bare) {
	t.Helper()
	memory, err := inmemory.New(inmemory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = memory.Close() })
	b := &bare{Driver: memory}
	return guard.New(b, timeout, slog.New(slog.DiscardHandler)), b
}

func hangs(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

// operations are one each of those that a store may be left alone for.
var operations = map[string]func(ctx context.Context, s *guard.Store) error{
	"Get":       func(ctx context.Context, s *guard.Store) error { _, err := s.Get(ctx, "k"); return miss(err) },
	"GetValues": func(ctx context.Context, s *guard.Store) error { _, err := s.GetValues(ctx, "k"); return err },
	"Set":       func(ctx context.Context, s *guard.Store) error { return s.Set(ctx, "k", nil, time.Minute) },
	"Delete":    func(ctx context.Context, s *guard.Store) error { _, err := s.Delete(ctx, "k"); return err },
}

// miss takes a miss for the answer that it is.
func miss(err error) error {
	if errors.Is(err, drivers.ErrMiss) {
		return nil
	}
	return err
}

// each runs a test, in a bubble of time, for each operation.
func each(t *testing.T, test func(t *testing.T, s *guard.Store, b *bare, do func(context.Context) error)) {
	for name, operation := range operations {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, b := open(t)
				test(t, s, b, func(ctx context.Context) error { return operation(ctx, s) })
			})
		})
	}
}

// A store that keeps failing is left alone for a while; then one operation tries whether it is back. Each time that it is not, the next
// while is longer, up to a bound.
func TestLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, s *guard.Store, b *bare, do func(context.Context) error) {
		b.fault = func(context.Context, string) error { return errNo }
		for i := range 3 {
			if !s.Available() {
				t.Errorf("it is left alone after %d failures", i)
			}
			if err := do(t.Context()); !errors.Is(err, errNo) {
				t.Errorf("failure %d: %v", i, err)
			}
		}
		b.since()
		for _, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second} {
			time.Sleep(pause - 1)
			for range 100 {
				if err := do(t.Context()); !errors.Is(err, guard.ErrUnavailable) || s.Available() {
					t.Fatalf("left alone: %v", err)
				}
			}
			if n := b.since(); n != 0 {
				t.Errorf("left alone, it was asked %d times", n)
			}
			time.Sleep(time.Nanosecond)
			for range 100 {
				_ = do(t.Context())
			}
			if n := b.since(); n != 1 {
				t.Errorf("after %v it was asked %d times", pause, n)
			}
		}
		b.fault = nil
		time.Sleep(4 * time.Second)
		for range 100 {
			if err := do(t.Context()); err != nil || !s.Available() {
				t.Fatalf("once it is back: %v", err)
			}
		}
		if n := s.Failures(); n != 3+4 {
			t.Errorf("%d failures are counted", n)
		}
	})
}

// A store that hangs costs callers three operation timeouts in all, however many there are.
func TestHangs(t *testing.T) {
	each(t, func(t *testing.T, s *guard.Store, b *bare, do func(context.Context) error) {
		b.fault = hangs
		began := time.Now()
		for range 20 {
			if err := do(t.Context()); err == nil {
				t.Error("no error")
			}
		}
		if took := time.Since(began); took != 3*timeout {
			t.Errorf("20 operations took %v", took)
		}
	})
}

// Several operations of one step have one operation timeout.
func TestStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := open(t)
		b.fault = func(ctx context.Context, _ string) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(timeout / 2):
				return nil
			}
		}
		ctx, cancel := s.Step(t.Context())
		defer cancel()
		began := time.Now()
		_, _ = s.Get(ctx, "k")
		_ = s.Set(ctx, "k", nil, time.Minute)
		_, err := s.Delete(ctx, "k")
		if took := time.Since(began); took != timeout || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the step took %v: %v", took, err)
		}
	})
}

// Only failures in a row count. None is a miss, a value that is too large, what the store answers of one key, a caller that left or whose
// time is over, or what a driver can never do.
func TestNoFailures(t *testing.T) {
	left, leave := context.WithCancel(context.Background())
	leave()
	for name, row := range map[string]struct {
		ctx   context.Context
		fault func(n int) error
	}{
		"every other one": {context.Background(), func(n int) error {
			if n%2 == 0 {
				return errNo
			}
			return nil
		}},
		"a miss":      {context.Background(), func(int) error { return drivers.ErrMiss }},
		"too large":   {context.Background(), func(int) error { return fmt.Errorf("driver: %w", drivers.ErrTooLarge) }},
		"answered":    {context.Background(), func(int) error { return fmt.Errorf("driver: %w: %w", errNo, drivers.ErrAnswered) }},
		"closed":      {context.Background(), func(int) error { return drivers.ErrClosed }},
		"unsupported": {context.Background(), func(int) error { return errors.ErrUnsupported }},
		"left":        {left, func(int) error { return left.Err() }},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *guard.Store, b *bare, do func(context.Context) error) {
				n := 0
				b.fault = func(context.Context, string) error { n++; return row.fault(n) }
				for range 20 {
					if err := do(row.ctx); errors.Is(err, guard.ErrUnavailable) {
						t.Fatalf("it is left alone: %v", err)
					}
				}
			})
		})
	}
}

// A caller that leaves while its operation is the one that tries does not use up the try.
func TestTryIsTakenBack(t *testing.T) {
	each(t, func(t *testing.T, s *guard.Store, b *bare, do func(context.Context) error) {
		b.fault = func(context.Context, string) error { return errNo }
		for range 3 {
			_ = do(t.Context())
		}
		time.Sleep(time.Second)
		b.fault = hangs
		ctx, leave := context.WithTimeout(t.Context(), time.Millisecond)
		defer leave()
		_ = do(ctx)
		b.fault = nil
		if err := do(t.Context()); err != nil {
			t.Errorf("the next one: %v", err)
		}
	})
}

// Kinds of operation fail apart: a store that takes no writes, since it is full, is not written to, and goes on to be read and to remove.
func TestKindsFailApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := open(t)
		b.fault = func(ctx context.Context, op string) error {
			if op == "set" {
				return errNo
			}
			return nil
		}
		for range 20 {
			_ = s.Set(t.Context(), "k", nil, time.Minute)
			if _, err := s.Get(t.Context(), "k"); !errors.Is(err, drivers.ErrMiss) {
				t.Fatalf("read: %v", err)
			}
		}
		if err := s.Set(t.Context(), "k", nil, time.Minute); !errors.Is(err, guard.ErrUnavailable) {
			t.Errorf("a write: %v", err)
		}
		if _, err := s.Delete(t.Context(), "k"); err != nil {
			t.Errorf("a removal: %v", err)
		}
	})
}

// What insists is carried out whatever has been failing, takes no turn of the others, and tells them when the store is back.
func TestInsistent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := open(t)
		b.fault = func(context.Context, string) error { return errNo }
		for range 3 {
			_ = s.Set(t.Context(), "k", nil, time.Minute)
		}
		b.since()
		for range 10 {
			if err := s.Insistent().Set(t.Context(), "k", nil, time.Minute); !errors.Is(err, errNo) {
				t.Errorf("it was not asked: %v", err)
			}
		}
		time.Sleep(time.Second)
		if err := s.Set(t.Context(), "k", nil, time.Minute); !errors.Is(err, errNo) {
			t.Errorf("the turn to try is gone: %v", err)
		}
		b.fault = nil
		if err := s.Insistent().Set(t.Context(), "k", nil, time.Minute); err != nil {
			t.Error(err)
		}
		if err := s.Set(t.Context(), "k", nil, time.Minute); err != nil {
			t.Errorf("the others do not know that the store is back: %v", err)
		}
	})
}

// What a driver cannot do is stood in for.
func TestStandIns(t *testing.T) {
	s, _ := open(t)
	if err := s.Set(t.Context(), "a", []byte("1"), time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), "empty", nil, time.Minute); err != nil {
		t.Fatal(err)
	}
	values, err := s.GetValues(t.Context(), "a", "none", "empty", "a")
	if err != nil || len(values) != 4 || string(values[0]) != "1" || values[1] != nil || values[2] == nil || string(values[3]) != "1" {
		t.Errorf("%q, %v", values, err)
	}
	if s.Batches() || s.Objects() != nil || s.Dedicated() || s.MaxValue("k") != math.MaxInt {
		t.Error("it can do what its driver cannot")
	}
	if n, err := s.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("a sweep: %d, %v", n, err)
	}
	if err := s.Ping(t.Context(), "none"); err != nil {
		t.Errorf("a ping: %v", err)
	}
	if n, err := s.Clear(t.Context(), "a"); n != 1 || err != nil {
		t.Errorf("a clearing: %d, %v", n, err)
	}
}

// Ping asks, whatever has been failing, and no longer than the operation timeout.
func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := open(t)
		b.fault = hangs
		began := time.Now()
		for range 5 {
			if err := s.Ping(t.Context(), "none"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
		}
		if took := time.Since(began); took != 5*timeout {
			t.Errorf("it took %v", took)
		}
	})
}

// What lives in this process is asked without a timeout, and never left alone.
func TestLocal(t *testing.T) {
	memory, err := inmemory.New(inmemory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := guard.New(memory, timeout, slog.New(slog.DiscardHandler))
	if s.Objects() == nil || !s.Dedicated() {
		t.Error("it does not live here")
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	for range 5 {
		_, _ = s.Get(left, "k")
	}
	if err := s.Set(t.Context(), "k", nil, time.Minute); err != nil || !s.Available() {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
