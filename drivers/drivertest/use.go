package drivertest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

func testContext(t *testing.T, _ Harness, d drivers.Driver) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()

	set(t, d, "key", "value", long)
	for _, op := range operations(d, "") {
		t.Run(op.name+"Cancelled", func(t *testing.T) {
			if err := op.call(cancelled); !errors.Is(err, context.Canceled) {
				t.Errorf("%s with a cancelled context: %v, want an error that wraps context.Canceled", op.name, err)
			}
		})
		t.Run(op.name+"PastDeadline", func(t *testing.T) {
			if err := op.call(expired); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s past its deadline: %v, want an error that wraps context.DeadlineExceeded", op.name, err)
			}
		})
	}
	t.Run("AndGoOn", func(t *testing.T) {
		set(t, d, "key", "new value", long)
		wantValue(t, d, "key", "new value")
		wantDeleted(t, d, 1, "key")
	})
}

func testConcurrency(t *testing.T, h Harness, d drivers.Driver) {
	const goroutines = 64

	// A value that says which goroutine wrote it and repeats that, so that a mixture of two gives itself away.
	compose := func(author string) string { return strings.Repeat(author+" ", 20+len(author)*30) }

	t.Run("OneKey", func(t *testing.T) {
		together(goroutines, func(g int) {
			for round := range h.rounds() {
				value := compose(fmt.Sprintf("%d.%d", g*g*g, round))
				if err := d.Set(t.Context(), "shared", []byte(value), long); err != nil {
					t.Errorf("Set: %v", err)
					return
				}
				runtime.Gosched() // or a fast driver hands back what this goroutine has just set
				item, err := d.Get(t.Context(), "shared")
				if err != nil {
					t.Errorf("Get of a key that is only ever replaced: %v", err)
					return
				}
				author, _, _ := strings.Cut(string(item.Value), " ")
				if string(item.Value) != compose(author) {
					t.Errorf("Get returned a value that was never written: %s", show(string(item.Value)))
					return
				}
			}
		})
	})
	t.Run("DistinctKeys", func(t *testing.T) {
		together(goroutines, func(g int) {
			key := fmt.Sprintf("own:%d", g)
			for round := range h.rounds() {
				value := compose(fmt.Sprintf("%d.%d", g, round))
				setErr := d.Set(t.Context(), key, []byte(value), long)
				item, getErr := d.Get(t.Context(), key)
				n, deleteErr := d.Delete(t.Context(), key)
				if err := errors.Join(setErr, getErr, deleteErr); err != nil || string(item.Value) != value || n != 1 {
					t.Errorf("key %q: Get returned %s, Delete %d, errors %v, want %s, 1",
						key, show(string(item.Value)), n, err, show(value))
					return
				}
			}
		})
	})
}

func testClose(t *testing.T, h Harness, d drivers.Driver) {
	set(t, d, "key", "value", long)

	// Close overtakes operations under way. What they return is their own affair, but they must return.
	var running sync.WaitGroup
	for _, op := range operations(d, "") {
		running.Go(func() {
			for range 1000 {
				if err := op.call(t.Context()); errors.Is(err, drivers.ErrClosed) {
					return
				}
			}
		})
	}
	if err := d.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	running.Wait()

	for _, op := range operations(d, "") {
		t.Run(op.name+"After", func(t *testing.T) {
			if err := op.call(t.Context()); !errors.Is(err, drivers.ErrClosed) {
				t.Errorf("%s after Close: %v, want ErrClosed", op.name, err)
			}
		})
	}
	if d, ok := d.(drivers.Objects); ok {
		t.Run("ObjectsAfter", func(t *testing.T) {
			if d.PutObject("object", new(int), 8, long) {
				t.Error("PutObject after Close reported that it kept the object")
			}
			if object, ok := d.GetObject([]byte("object"), time.Now()); object != nil || ok {
				t.Errorf("GetObject after Close = %v, %t, want nil, false", object, ok)
			}
		})
	}
	t.Run("Twice", func(t *testing.T) {
		if err := d.Close(); err != nil {
			t.Errorf("a second Close: %v", err)
		}
	})
	t.Run("AtOnce", func(t *testing.T) {
		d := h.open(t)
		together(8, func(int) {
			if err := d.Close(); err != nil {
				t.Errorf("one Close of several at once: %v", err)
			}
		})
	})
}
