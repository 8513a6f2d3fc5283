package guard_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/guard"
)

// set is a plain driver of several servers: it has Set alone, which takes no value that is "large".
type set struct{ *several }

func (d set) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if string(value) == "large" {
		return drivers.ErrTooLarge
	}
	return d.several.Set(ctx, key, value, ttl)
}

// Of values on several servers those are stored whose servers answer; what one key is refused with, it is alone.
func TestSetValuesParts(t *testing.T) {
	for name, driver := range map[string]func(*several) drivers.Driver{
		"several at once": func(d *several) drivers.Driver { return storing{d} }, "one after the other": func(d *several) drivers.Driver { return set{d} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &several{values: map[string]string{}, fault: faults(map[string]func(context.Context) error{"b": hangs1, "d": fails})}
				s := guard.New(driver(d), timeout, quiet)
				keys := []string{"c:1", "a:1", "b:1", "a:large", "d:1", "a:2", "b:2"}
				values := [][]byte{[]byte("1"), []byte("2"), []byte("3"), []byte("large"), []byte("5"), []byte(""), []byte("7")}
				err := s.SetValues(t.Context(), time.Hour, keys, values)
				for i, key := range keys {
					value, there := d.values[key]
					of, good := guard.ErrorOf(err, i), strings.HasPrefix(key, "a:") || strings.HasPrefix(key, "c:")
					large := key == "a:large"
					if (of == nil) != (good && !large) || there != (good && !large) || value != string(values[i]) && there || errors.Is(of, drivers.ErrTooLarge) != large {
						t.Errorf("%s: %q, %v", key, value, of)
					}
				}
				if !errors.Is(guard.ErrorOf(err, 4), errNo) || !errors.Is(guard.ErrorOf(err, 2), context.DeadlineExceeded) {
					t.Errorf("the error is %v", err)
				}
				d.fault = nil
				if err := s.SetValues(t.Context(), time.Hour, keys[:3], values[:3]); err != nil {
					t.Errorf("once all answer: %v", err)
				}
			})
		})
	}
}

// A value that is too large tells nothing of the store; another error beside it does.
func TestSetValuesTellsTheBreaker(t *testing.T) {
	for name, row := range map[string]struct {
		errs []error
		want event.Result
	}{
		"none":      {nil, event.Done},
		"all nil":   {[]error{nil, nil}, event.Done},
		"too large": {[]error{nil, drivers.ErrTooLarge}, event.TooLarge},
		"failed":    {[]error{errNo, nil}, event.Failed},
		"both":      {[]error{drivers.ErrTooLarge, errNo}, event.Failed},
		"another":   {[]error{errNo, drivers.ErrTooLarge}, event.Failed},
	} {
		s := guard.New(answering{&told{}, row.errs}, timeout, quiet)
		var got event.Operation
		s.Observe(func(_ context.Context, o event.Operation) { got = o })
		err := s.SetValues(t.Context(), time.Hour, []string{"a", "b"}, make([][]byte, 2))
		if got.Result != row.want || got.Kind != event.Write || got.Keys != 2 {
			t.Errorf("%s: %+v, want %v", name, got, row.want)
		}
		for i := range row.errs {
			if of := guard.ErrorOf(err, i); !errors.Is(of, row.errs[i]) || (of == nil) != (row.errs[i] == nil) {
				t.Errorf("%s: the error of %d is %v, want %v", name, i, of, row.errs[i])
			}
		}
	}
}

// answering is a driver whose SetValues has the same answer always.
type answering struct {
	*told
	errs []error
}

func (d answering) SetValues(context.Context, time.Duration, []string, [][]byte) []error {
	return d.errs
}

// A driver that cannot insert is not asked for what could be done twice.
func TestInsertUnsupported(t *testing.T) {
	d := &several{values: map[string]string{}}
	inserted, err := guard.New(d, timeout, quiet).Insert(t.Context(), "a:1", []byte("value"), time.Hour)
	if inserted || !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(fmt.Sprint(err), "drivers.Inserter") || len(d.values) > 0 {
		t.Errorf("Insert = %t, %v", inserted, err)
	}
}
