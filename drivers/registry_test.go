package drivers_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gin-cachette/cachette/drivers"
)

// runs tells the names of one run from those of the next: nothing is ever unregistered.
var runs atomic.Int64

func unique(name string) string { return fmt.Sprintf("%s-%d", name, runs.Add(1)) }

// opener returns an opener that can be told from others by its error.
func opener(name string) (drivers.Opener, error) {
	err := errors.New("opened " + name)
	return func(context.Context, drivers.Settings) (drivers.Driver, error) { return nil, err }, err
}

func TestRegistered(t *testing.T) {
	names := []string{unique("registered-b"), unique("registered-c"), unique("registered-a")}
	opened := map[string]error{}
	for _, name := range names {
		open, err := opener(name)
		opened[name] = err
		drivers.Register(name, drivers.Backend{Open: open})
	}

	t.Run("Lookup", func(t *testing.T) {
		for _, name := range names {
			backend, ok := drivers.Lookup(name)
			if !ok {
				t.Errorf("Lookup(%q) finds nothing", name)
				continue
			}
			if _, err := backend.Open(t.Context(), drivers.Settings{}); err != opened[name] {
				t.Errorf("Lookup(%q) returned another opener (%v)", name, err)
			}
		}
	})
	t.Run("LookupAbsent", func(t *testing.T) {
		for _, name := range []string{"", "absent", strings.ToUpper(names[0]), names[0][:12]} {
			if backend, ok := drivers.Lookup(name); ok || backend.Open != nil {
				t.Errorf("Lookup(%q) finds something", name)
			}
		}
	})
	t.Run("Linked", func(t *testing.T) {
		linked := drivers.Linked()
		if !slices.IsSorted(linked) {
			t.Errorf("Linked() is not sorted: %q", linked)
		}
		for _, name := range names {
			if !slices.Contains(linked, name) {
				t.Errorf("Linked() lacks %q: %q", name, linked)
			}
		}
	})
	t.Run("LinkedIsACopy", func(t *testing.T) {
		clear(drivers.Linked())
		if slices.Contains(drivers.Linked(), "") {
			t.Error("a caller's change to what Linked returned is seen by others")
		}
	})
}

func TestRegisterPanics(t *testing.T) {
	taken := unique("taken")
	first, opened := opener("first")
	second, _ := opener("second")
	drivers.Register(taken, drivers.Backend{Open: first, Schemes: []string{taken}})

	for _, row := range []struct {
		test, name string
		backend    drivers.Backend
		want       string // a part of the message
	}{
		{"EmptyName", "", drivers.Backend{Open: first}, "name is empty"},
		{"NilOpener", "without-opener", drivers.Backend{}, `"without-opener" has no Open`},
		{"Taken", taken, drivers.Backend{Open: second}, fmt.Sprintf("%q is registered already", taken)},
		{"SchemeTaken", "other", drivers.Backend{Open: second, Schemes: []string{"own", taken}}, fmt.Sprintf("the scheme %q of \"other\" is that of %[1]q already", taken)},
	} {
		t.Run(row.test, func(t *testing.T) {
			before := drivers.Linked()
			message := panicOf(func() { drivers.Register(row.name, row.backend) })
			if !strings.Contains(message, row.want) || !strings.HasPrefix(message, "cachette: ") {
				t.Errorf("the panic is %q, want cachette's, about %q", message, row.want)
			}
			if after := drivers.Linked(); !slices.Equal(before, after) {
				t.Errorf("Linked() is %q, was %q", after, before)
			}
		})
	}
	if backend, _ := drivers.Lookup(taken); backend.Open == nil {
		t.Error("the first opener is gone")
	} else if _, err := backend.Open(t.Context(), drivers.Settings{}); err != opened {
		t.Error("the second opener has replaced the first")
	}
}

func panicOf(do func()) (message string) {
	defer func() { message = fmt.Sprint(recover()) }()
	do()
	return ""
}

// TestConcurrentRegistration is for the race detector.
func TestConcurrentRegistration(t *testing.T) {
	var running sync.WaitGroup
	for range 16 {
		running.Go(func() {
			name := unique("concurrent")
			open, _ := opener(name)
			drivers.Register(name, drivers.Backend{Open: open})
			if _, ok := drivers.Lookup(name); !ok || !slices.Contains(drivers.Linked(), name) {
				t.Errorf("%q is not registered", name)
			}
		})
	}
	running.Wait()
}
