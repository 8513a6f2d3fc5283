package bounded_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/internal/bounded"
)

// Whatever ends it, it ends as a context of the standard library does, whether somebody waits for it or not.
func TestEnds(t *testing.T) {
	type key struct{}
	for _, row := range []struct {
		name    string
		parent  func(context.Context) (context.Context, context.CancelFunc)
		end     func(parent context.CancelFunc, c *bounded.Context)
		err     error
		expired bool
	}{
		{"not at all", context.WithCancel, func(context.CancelFunc, *bounded.Context) { time.Sleep(time.Second - 1) }, nil, false},
		{"by its timeout", context.WithCancel, func(context.CancelFunc, *bounded.Context) { time.Sleep(time.Second) },
			context.DeadlineExceeded, true},
		{"by its caller", context.WithCancel, func(parent context.CancelFunc, _ *bounded.Context) { parent() }, context.Canceled, false},
		{"by its caller's deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Millisecond)
		}, func(context.CancelFunc, *bounded.Context) { time.Sleep(time.Millisecond) }, context.DeadlineExceeded, false},
		{"by its caller, of a later deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Hour)
		}, func(parent context.CancelFunc, _ *bounded.Context) { parent() }, context.Canceled, false},
		{"by being cancelled", context.WithCancel, func(_ context.CancelFunc, c *bounded.Context) { c.Cancel() }, context.Canceled, false},
	} {
		for _, wait := range []string{"before", "after", "by a child", "by a function", "never"} {
			t.Run(row.name+", waited for "+wait, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					parent, cancel := row.parent(context.WithValue(t.Context(), key{}, "value"))
					defer cancel()
					c := bounded.New(parent, time.Second)
					defer c.Cancel()
					if c.Err() != nil || c.Value(key{}) != "value" || c.Caller() != parent {
						t.Errorf("at first: %v, %v", c.Err(), c.Value(key{}))
					}
					waited, called := context.Context(c), false
					switch wait {
					case "before":
						_ = c.Done()
					case "by a child":
						child, end := context.WithCancel(c)
						defer end()
						waited = child
					case "by a function":
						defer context.AfterFunc(c, func() { called = true })()
					}
					row.end(cancel, c)
					synctest.Wait()
					if err := c.Err(); !errors.Is(err, row.err) || c.Expired() != row.expired {
						t.Errorf("ended by %v, expired: %t, want %v, %t", err, c.Expired(), row.err, row.expired)
					}
					if err := waited.Err(); !errors.Is(err, row.err) {
						t.Errorf("its child ended by %v, want %v", err, row.err)
					}
					if called != (wait == "by a function" && row.err != nil) {
						t.Errorf("the function was called: %t", called)
					}
					if wait != "never" {
						select {
						case <-waited.Done():
							if row.err == nil {
								t.Error("it is done")
							}
						default:
							if row.err != nil {
								t.Error("it is not done")
							}
						}
					}
				})
			})
		}
	}
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hour, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		for parent, want := range map[context.Context]time.Duration{t.Context(): time.Minute, hour: time.Minute} {
			if got, ok := bounded.New(parent, time.Minute).Deadline(); !ok || time.Until(got) != want {
				t.Errorf("in %v, %t, want in %v", time.Until(got), ok, want)
			}
		}
		if got, ok := bounded.New(hour, 2*time.Hour).Deadline(); !ok || time.Until(got) != time.Hour {
			t.Errorf("in %v, %t, want in an hour", time.Until(got), ok)
		}
	})
}

// Without a caller that waits there is one allocation.
func TestAllocations(t *testing.T) {
	ctx := t.Context()
	n := testing.AllocsPerRun(100, func() {
		c := bounded.New(ctx, time.Second)
		if c.Err() != nil {
			t.Error("it has ended")
		}
		c.Cancel()
	})
	if n > 1 {
		t.Errorf("%v allocations", n)
	}
}
