package once

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var errAway = errors.New("away")

// TestOneAttempt: whoever asks while it is being made waits for the same attempt, and no longer than its context.
func TestOneAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		v := New(t.Context(), time.Minute, func(error) time.Duration { return 0 }, func(context.Context) (*int, error) {
			attempts++
			time.Sleep(time.Second)
			return &attempts, nil
		})
		var asking sync.WaitGroup
		for range 8 {
			asking.Go(func() {
				if got, err := v.Get(t.Context()); got != &attempts || err != nil {
					t.Errorf("got %v, %v", got, err)
				}
			})
		}
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if got, err := v.Get(short); got != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("within a millisecond: %v, %v", got, err)
		}
		asking.Wait()
		if attempts != 1 || v.Ready() != &attempts || v.Begin() != nil || v.Wait(t.Context()) != nil {
			t.Errorf("%d attempts, and it is %v", attempts, v.Ready())
		}
		v.Forget(new(int))
		if v.Ready() == nil {
			t.Error("it was forgotten for another one")
		}
		v.Forget(&attempts)
		if _, err := v.Get(t.Context()); err != nil || attempts != 2 {
			t.Errorf("once forgotten, %d attempts, %v", attempts, err)
		}
	})
}

// TestPause: a failure is told to all that ask until the pause is over, and then it is tried again.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		v := New(t.Context(), time.Minute, func(error) time.Duration { return time.Second }, func(context.Context) (*int, error) {
			attempts++
			return nil, errAway
		})
		for range 3 {
			if got, err := v.Get(t.Context()); got != nil || err != errAway || v.Outcome() != errAway {
				t.Errorf("got %v, %v", got, err)
			}
		}
		if attempts != 1 {
			t.Errorf("%d attempts within the pause", attempts)
		}
		time.Sleep(time.Second)
		if _, err := v.Get(t.Context()); err != errAway || attempts != 2 {
			t.Errorf("behind the pause %d attempts, %v", attempts, err)
		}
	})
}

// TestEnd: an attempt ends with its time, and with the life of what it is for.
func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		life, end := context.WithCancel(t.Context())
		v := New(life, time.Minute, func(error) time.Duration { return 0 }, func(ctx context.Context) (*int, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if _, err := v.Get(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("behind a minute: %v", err)
		}
		v.Begin()
		end()
		if err := v.Wait(t.Context()); err != nil || !errors.Is(v.Outcome(), context.Canceled) {
			t.Errorf("behind the end: %v, %v", err, v.Outcome())
		}
	})
}
