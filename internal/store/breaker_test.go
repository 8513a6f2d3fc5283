package store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// A store that keeps failing is left alone for a while; then one operation tries whether it is back.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := open(t, false)
		failure := errors.New("no")
		look := func() error { return s.Get(t.Context(), at("/", ""), nil, time.Now()).Err }
		f.breakdown(func(context.Context, string, string) error { return failure })
		for i := range breakerFailures {
			if err := look(); !errors.Is(err, failure) {
				t.Errorf("failure %d: %v", i, err)
			}
		}
		f.asked()
		for range 100 {
			if err := look(); !errors.Is(err, errUnavailable) {
				t.Fatalf("left alone: %v", err)
			}
		}
		if n := f.asked(); n != 0 {
			t.Errorf("it was asked %d times", n)
		}
		time.Sleep(breakerPause)
		for range 100 {
			_ = look()
		}
		if n := f.asked(); n != 1 {
			t.Errorf("behind the pause it was asked %d times", n)
		}
		f.breakdown(nil)
		if err := look(); !errors.Is(err, errUnavailable) {
			t.Errorf("within the next pause: %v", err)
		}
		time.Sleep(breakerPause)
		for range 100 {
			if err := look(); err != nil {
				t.Fatalf("once it is back: %v", err)
			}
		}
		if n := f.asked(); n != 100 {
			t.Errorf("once it is back it was asked %d times", n)
		}
	})
}

// Only failures in a row count, a miss is none, and neither is a request whose client left or whose time is over.
func TestNoFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := open(t, false)
		failing := false
		f.breakdown(func(ctx context.Context, _, _ string) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if failing = !failing; failing {
				return errors.New("no")
			}
			return nil
		})
		for range 50 {
			s.Get(t.Context(), at("/", ""), nil, time.Now())
		}
		if n := f.asked(); n != 50 {
			t.Errorf("failing every other time, it was asked %d times of 50", n)
		}
		left, leave := context.WithCancel(t.Context())
		leave()
		late, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		defer cancel()
		time.Sleep(time.Second)
		for _, ctx := range []context.Context{left, late} {
			for range 10 {
				s.Get(ctx, at("/", ""), nil, time.Now())
			}
		}
		if n := f.asked(); n != 20 {
			t.Errorf("for clients that left it was asked %d times of 20", n)
		}
	})
}

// A client that leaves while its request is the one that tries does not use up the try.
func TestTryIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := open(t, false)
		f.breakdown(func(context.Context, string, string) error { return errors.New("no") })
		for range breakerFailures {
			s.Get(t.Context(), at("/", ""), nil, time.Now())
		}
		time.Sleep(breakerPause)
		f.breakdown(func(ctx context.Context, _, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		})
		ctx, leave := context.WithTimeout(t.Context(), time.Millisecond)
		defer leave()
		s.Get(ctx, at("/", ""), nil, time.Now())
		f.breakdown(nil)
		if err := s.Get(t.Context(), at("/", ""), nil, time.Now()).Err; err != nil {
			t.Errorf("the next one: %v", err)
		}
	})
}

// Reads and writes fail apart: a store that takes no writes is not written to, and goes on to be read.
func TestKindsFailApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := open(t, false)
		keep(t, s, "/", "", "body", nil)
		f.breakdown(func(ctx context.Context, op, key string) error {
			if op == "set" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		began := time.Now()
		for range 100 {
			ticket := s.Begin(t.Context(), &Found{}, at("/", ""))
			_, _ = s.Put(t.Context(), "key /new", entry("new"), http.Header{}, ticket, time.Now())
			if got := found(t, s, "/", nil); got != "body" {
				t.Fatalf("read: %q", got)
			}
		}
		if took := time.Since(began); took > breakerFailures*timeout {
			t.Errorf("100 writes took %v", took)
		}
	})
}

// A response that is too large for the store says nothing of the store.
func TestTooLargeIsNoFailure(t *testing.T) {
	s, f := open(t, false)
	f.breakdown(func(_ context.Context, op, key string) error {
		if op == "set" && strings.HasPrefix(key, "key /large") {
			return fmt.Errorf("driver: %w", drivers.ErrTooLarge)
		}
		return nil
	})
	for range 10 {
		ticket := s.Begin(t.Context(), &Found{}, at("/large", ""))
		if kept, err := s.Put(t.Context(), "key /large", entry("large"), nil, ticket, time.Now()); kept || err == nil {
			t.Errorf("kept %v, %v", kept, err)
		}
	}
	keep(t, s, "/small", "", "small", nil)
	if got := found(t, s, "/small", nil); got != "small" {
		t.Errorf("a small one: %q", got)
	}
}
