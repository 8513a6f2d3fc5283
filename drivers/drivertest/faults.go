package drivertest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
)

// Faults is what the suite of faults needs to know of a driver whose server is reached through the network.
type Faults struct {
	// Server is the host and port of a real server.
	Server string

	// Open returns a driver whose server is at a host and port: at Server, or at a proxy before it. It is called about thirty times.
	// All drivers that it returns keep their entries in the same place, such as one table, so that each sees what another has
	// written. Keys of other tests may be there too. The suite closes the drivers.
	Open func(t testing.TB, addr string) drivers.Driver

	// Prefix is what all keys begin with that the suite uses. Where there are several servers, it has their keys lie on Server, as a tag
	// does: see [drivers.Sharded]. It may be empty.
	Prefix string

	// Repeats is for how long a client of the store may go on by itself with what its caller has given up: the sum of its timeouts and
	// pauses. 0 means two seconds. The suite waits for it once.
	Repeats time.Duration

	// Once are the operations that the driver promises to send once, of Set, SetValues, Delete, Clear, Add, Insert, Append and Purge: also while
	// their callers wait. The others may be repeated until a caller has gone.
	Once []string

	// MaxValue is the size in bytes of the largest value that the store takes. 0 means 1 MiB.
	MaxValue int

	// Apart returns an Open whose drivers keep their entries in a place of their own, such as a database. It is for a server that disturbs
	// what runs in a place where an operation is given up: the groups of subtests run one after the other, and those of GaveUp, LargeOnce
	// and Answers, which wait most of their time, have a place each and run beside each other. Nil has all run in one place.
	Apart func(t testing.TB) (open func(t testing.TB, addr string) drivers.Driver)

	// Excused are the subtests that the driver need not pass, by name, such as GaveUp/Cancelled, each with the reason. They run all
	// the same, and the log tells what they have found.
	Excused map[string]string
}

// RunFaults runs the suite of faults, as subtests of t: what a driver does when its server, or the network before it, is silent, slow, cut
// off, or dead. It takes some ten seconds. These are its subtests:
//
//   - LateWrites: nothing is sent once its caller has given up, since it would undo what another has written since; and no word of Add
//     is sent twice, since it would bring back one that was removed.
//
//   - HalfOpen: of 40 connections that have died while they were idle, at most three may make operations fail in a row.
//
//   - GaveUp: a connection whose caller has given up is kept: of 60, at most twenty are dialled anew.
//
//   - LargeOnce: a large value that comes slowly is read once.
//
//   - Recovery: operations of a server that is down fail within their contexts, and a server that is back is used.
//
//   - Waits: one that waits for records of a log is told of them, or gets an error, and waits on when the server is back.
//
//   - Answers: of answers that end in the middle, or that their callers do not wait for, none is told to another, and none is a miss.
//
//   - Ended: a context that has ended when it is given to an operation asks the server nothing.
//
//   - Close: it does not wait for a silent server, and leaves no connection open, of operations under way either.
//
// A driver's tests call it so:
//
//	func TestFaults(t *testing.T) {
//		drivertest.RunFaults(t, drivertest.Faults{
//			Server: "127.0.0.1:6379",
//			Open:   func(t testing.TB, addr string) drivers.Driver { return open(t, "redis://"+addr) },
//		})
//	}
func RunFaults(t *testing.T, f Faults) {
	if f.Repeats == 0 {
		f.Repeats = 2 * time.Second
	}
	if f.MaxValue == 0 {
		f.MaxValue = 1 << 20
	}
	s := faults{Faults: f, root: t.Name() + "/", all: f.Prefix + "faults:" + rand.Text() + ":"}
	s.direct = s.open(t, s.Server)
	t.Cleanup(func() { s.clear(t) })
	type group struct {
		name string
		test func(t *testing.T, s faults)
	}
	// The first two wait most of their time. What the others hold to a time would be late beside more.
	lanes := [][]group{
		{{"LateWrites", testLateWrites}, {"GaveUp", testGaveUp}},
		{
			{"HalfOpen", testHalfOpen}, {"LargeOnce", testLargeOnce}, {"Recovery", testRecovery}, {"Waits", testWaits},
			{"Answers", testAnswers}, {"Ended", testEnded}, {"Close", testClosing},
		},
	}
	if f.Apart != nil {
		lanes = [][]group{slices.Concat(lanes...)}
	}
	together(len(lanes), func(i int) {
		for _, group := range lanes[i] {
			t.Run(group.name, func(t *testing.T) { group.test(t, s) })
		}
	})
}

// faults is a run of the suite.
type faults struct {
	Faults
	root   string         // what the names of subtests begin with
	all    string         // what all keys of this run begin with
	direct drivers.Driver // that reaches the server past all proxies
}

const (
	// short is how long an operation of the suite may take that is to fail, or may.
	short = 200 * time.Millisecond
	// ample is more than enough for any that is to succeed.
	ample = 20 * time.Second
	// stuck is when something has not returned that would have, by its context.
	stuck = 5 * time.Second
	// way is how long what a proxy delays is on its way, so that operations that begin at the same time need a connection each.
	way = 50 * time.Millisecond
)

// open returns a driver at an address, that the test's end closes.
func (s faults) open(t *testing.T, addr string) drivers.Driver {
	t.Helper()
	d := s.Open(t, addr)
	t.Cleanup(func() {
		if err := returns("Close", d.Close); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return d
}

// beside has a subtest run beside the others of its group, in a place of its own, where there are such places.
func (s faults) beside(t *testing.T) faults {
	if s.Apart != nil {
		t.Parallel()
		s.Open = s.Apart(t)
		s.direct = s.open(t, s.Server)
	}
	return s
}

// proxied returns a driver behind a proxy of its own, that has been used already.
func (s faults) proxied(t *testing.T) (*proxy.Proxy, drivers.Driver) {
	t.Helper()
	p := proxy.New(t, s.Server)
	d := s.open(t, p.Addr())
	set(t, d, s.keys(), "value", long)
	return p, d
}

// run runs a subtest, whose error is what is wrong with the driver.
func (s faults) run(t *testing.T, name string, test func(t *testing.T) error) {
	t.Run(name, func(t *testing.T) {
		err := test(t)
		reason, excused := s.Excused[strings.TrimPrefix(t.Name(), s.root)]
		switch {
		case err != nil && excused:
			t.Logf("excused, since %s: %v", reason, err)
		case err != nil:
			t.Error(err)
		}
	})
}

// keys returns a prefix of keys that no other test uses. The end of the run removes them.
func (s faults) keys() string { return s.all + rand.Text() + ":" }

// remove removes keys that a test is done with: a store that looks at all it has, for each operation, would be slower from test to test.
func (s faults) remove(t *testing.T, keys ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), ample)
	defer cancel()
	if _, err := s.direct.Delete(ctx, keys...); err != nil {
		t.Errorf("Delete(%s): %v", show(keys...), err)
	}
}

// numbered returns n keys that begin with a prefix.
func numbered(prefix string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprint(prefix, i)
	}
	return keys
}

// clear removes the keys of all tests at once, as a Clear may go through all that the store has.
func (s faults) clear(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), ample)
	defer cancel()
	if _, err := s.direct.Clear(ctx, s.all); err != nil {
		t.Errorf("Clear(%s): %v", show(s.all), err)
	}
}

// within calls an operation that ends after d.
func within(t *testing.T, d time.Duration, call func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return call(ctx)
}

// crowd calls an operation so often at once, and returns the errors.
func crowd(t *testing.T, n int, d time.Duration, call func(ctx context.Context, i int) error) error {
	errs := make([]error, n)
	together(n, func(i int) {
		errs[i] = within(t, d, func(ctx context.Context) error { return call(ctx, i) })
	})
	return some(errs)
}

// some joins errors, and of many leaves some out.
func some(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if n := len(errs); n > 3 {
		return fmt.Errorf("%w, … %d in all", errors.Join(errs[:3]...), n)
	}
	return errors.Join(errs...)
}

// returns waits for something to return, for long enough that it would have to hang not to.
func returns(what string, call func() error) error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-time.After(stuck):
		return fmt.Errorf("%s has not returned after %v", what, stuck)
	}
}
