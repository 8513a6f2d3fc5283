package guard_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/guard"
)

// awaited is a driver of several servers that waits as it is told.
type awaited struct {
	onServers
	wait func(ctx context.Context) error
}

func (d awaited) Wait(ctx context.Context, _ string, _ drivers.Position) error { return d.wait(ctx) }

// waitingOn puts a guard before such a driver.
func waitingOn(wait func(ctx context.Context) error) (*guard.Store, *told) {
	d := &told{}
	return guard.New(awaited{onServers{d}, wait}, timeout, slog.New(slog.DiscardHandler)), d
}

func TestWaits(t *testing.T) {
	if s, _ := waitingOn(nil); !s.Waits() {
		t.Error("the guard has not seen that the driver waits")
	}
	d := &told{}
	if s := guard.New(logger{d, d}, timeout, slog.New(slog.DiscardHandler)); s.Waits() {
		t.Error("the guard takes a driver for one that waits")
	}
}

// What waits is bounded by its caller alone.
func TestWaitTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := waitingOn(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		if err := s.Wait(ctx, "a log", "position"); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Hour {
			t.Errorf("Wait, for an hour: %v, after %v", err, time.Since(began))
		}
	})
}

// What waits is no operation: however often it fails, or the driver panics in it, the store counts as one that works, and nothing is told. Nor is what
// waits refused when the store has failed at what else it is asked.
func TestWaitSaysNothing(t *testing.T) {
	for name, wait := range map[string]func(context.Context) error{
		"fails":  func(context.Context) error { return errNo },
		"panics": func(context.Context) error { panic(errNo) },
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := waitingOn(wait)
			s.Observe(func(_ context.Context, o event.Operation) { t.Errorf("told of %+v", o) })
			for range 10 {
				err := s.Wait(t.Context(), "a log", "position")
				if err == nil || !strings.Contains(err.Error(), "a: ") || !strings.Contains(err.Error(), errNo.Error()) || name == "fails" && !errors.Is(err, errNo) {
					t.Fatalf("Wait: %v, want an error that names the server", err)
				}
			}
			if !s.Available() || s.Failures() != 0 {
				t.Errorf("available: %t, %d failures", s.Available(), s.Failures())
			}
		})
	}
}

func TestWaitOfAStoreThatIsLeftAlone(t *testing.T) {
	s, d := waitingOn(func(context.Context) error { return nil })
	d.fault = func(context.Context) error { return errNo }
	for range 10 {
		_, _ = s.Get(t.Context(), "a log")
	}
	if _, err := s.Get(t.Context(), "a log"); !errors.Is(err, guard.ErrUnavailable) {
		t.Fatalf("Get: %v", err)
	}
	if err := s.Wait(t.Context(), "a log", "position"); err != nil {
		t.Errorf("Wait: %v", err)
	}
}
