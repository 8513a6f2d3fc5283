package guard_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/inmemory"
	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/guard"
)

// told is a driver that can do all that one can, and has the same answers always. What becomes of an operation is told to it before.
type told struct {
	fault   func(ctx context.Context) error // nil for none
	missing bool                            // nothing is there
	asked   atomic.Int64
}

func (d *told) begin(ctx context.Context) error {
	d.asked.Add(1)
	if d.fault == nil {
		return nil
	}
	return d.fault(ctx)
}

// number returns n, or the fault and 0.
func (d *told) number(ctx context.Context, n int) (int, error) {
	if err := d.begin(ctx); err != nil {
		return 0, err
	}
	return n, nil
}

// list returns values, or the fault and none.
func (d *told) list(ctx context.Context, values ...[]byte) ([][]byte, error) {
	if err := d.begin(ctx); err != nil {
		return nil, err
	}
	return values, nil
}

func (d *told) Get(ctx context.Context, _ string) (drivers.Item, error) {
	if err := d.begin(ctx); err != nil {
		return drivers.Item{}, err
	}
	if d.missing {
		return drivers.Item{}, drivers.ErrMiss
	}
	return drivers.Item{Value: []byte("12345"), ExpiresAt: time.Now().Add(time.Hour)}, nil
}

func (d *told) GetValues(ctx context.Context, _ ...string) ([][]byte, error) {
	if d.missing {
		return d.list(ctx, nil, nil, nil)
	}
	return d.list(ctx, []byte("1234"), nil, []byte{})
}

func (d *told) Add(ctx context.Context, _ time.Duration, word func() []byte, _ ...string) ([][]byte, error) {
	return d.list(ctx, word(), word())
}

func (d *told) SetValues(ctx context.Context, _ time.Duration, keys []string, _ [][]byte) []error {
	return slices.Repeat([]error{d.begin(ctx)}, len(keys))
}

func (d *told) Insert(ctx context.Context, _ string, _ []byte, _ time.Duration) (bool, error) {
	err := d.begin(ctx)
	return err == nil, err
}

func (d *told) Since(ctx context.Context, _ string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
	records, err := d.list(ctx, []byte("1"), []byte("23"))
	return records, from, err == nil, err
}

func (d *told) End(ctx context.Context, _ string, _ time.Duration) (drivers.Position, error) {
	return "end", d.begin(ctx)
}

func (d *told) Append(ctx context.Context, _ string, _ int, _ time.Duration, _ ...[]byte) error {
	return d.begin(ctx)
}

func (d *told) Purge(ctx context.Context, _ string, _ int, _ time.Duration, _ [][]byte, _ ...string) error {
	return d.begin(ctx)
}

func (d *told) Set(ctx context.Context, _ string, _ []byte, _ time.Duration) error {
	return d.begin(ctx)
}
func (d *told) Delete(ctx context.Context, keys ...string) (int, error) {
	return d.number(ctx, len(keys))
}
func (d *told) Clear(ctx context.Context, _ string) (int, error) { return d.number(ctx, 5) }
func (d *told) Sweep(ctx context.Context) (int, error)           { return d.number(ctx, 6) }
func (d *told) Ping(ctx context.Context) error                   { return d.begin(ctx) }
func (d *told) Close() error                                     { return nil }

// every is one of each operation of the guard, and the event of it where it works.
var every = []struct {
	name string
	do   func(ctx context.Context, s *guard.Store) error
	want event.Operation
}{
	{"Get", func(ctx context.Context, s *guard.Store) error { _, err := s.Get(ctx, "k"); return err }, event.Operation{Kind: event.Read, Keys: 1, Bytes: 5}},
	{"GetValues", func(ctx context.Context, s *guard.Store) error { _, err := s.GetValues(ctx, "a", "b", "c"); return err }, event.Operation{Kind: event.Read, Keys: 3, Bytes: 4}},
	{"Since", func(ctx context.Context, s *guard.Store) error { _, _, _, err := s.Since(ctx, "k", "p"); return err }, event.Operation{Kind: event.Read, Keys: 1, Bytes: 3}},
	{"Set", func(ctx context.Context, s *guard.Store) error { return s.Set(ctx, "k", []byte("1234567"), time.Hour) }, event.Operation{Kind: event.Write, Keys: 1, Bytes: 7}},
	{"Add", func(ctx context.Context, s *guard.Store) error {
		_, err := s.Add(ctx, time.Hour, func() []byte { return []byte("word") }, "a", "b")
		return err
	}, event.Operation{Kind: event.Add, Keys: 2, Bytes: 8}},
	{"SetValues", func(ctx context.Context, s *guard.Store) error {
		return s.SetValues(ctx, time.Hour, []string{"a", "b"}, [][]byte{[]byte("1234"), []byte("5")})
	}, event.Operation{Kind: event.Write, Keys: 2, Bytes: 5}},
	{"Insert", func(ctx context.Context, s *guard.Store) error {
		_, err := s.Insert(ctx, "k", []byte("1234567"), time.Hour)
		return err
	}, event.Operation{Kind: event.Add, Keys: 1, Bytes: 7}},
	{"Append", func(ctx context.Context, s *guard.Store) error {
		return s.Append(ctx, "k", 9, time.Hour, []byte("12"), []byte("3"))
	}, event.Operation{Kind: event.Append, Keys: 1, Bytes: 3}},
	{"Purge", func(ctx context.Context, s *guard.Store) error {
		return s.Purge(ctx, "k", 9, time.Hour, [][]byte{[]byte("12"), []byte("3")}, "a", "b")
	}, event.Operation{Kind: event.Append, Keys: 3, Bytes: 3}},
	{"End", func(ctx context.Context, s *guard.Store) error { _, err := s.End(ctx, "k", time.Hour); return err }, event.Operation{Kind: event.Append, Keys: 1}},
	{"Delete", func(ctx context.Context, s *guard.Store) error { _, err := s.Delete(ctx, "a", "b"); return err }, event.Operation{Kind: event.Removal, Keys: 2}},
	{"Clear", func(ctx context.Context, s *guard.Store) error { _, err := s.Clear(ctx, "p"); return err }, event.Operation{Kind: event.Clearing, Keys: 5}},
	{"Sweep", func(ctx context.Context, s *guard.Store) error { _, err := s.Sweep(ctx); return err }, event.Operation{Kind: event.Sweep, Keys: 6}},
	{"Ping", func(ctx context.Context, s *guard.Store) error { return s.Ping(ctx, "k") }, event.Operation{Kind: event.Ping}},
}

// outside tells whether operations of a kind go by no breaker, and goesThroughAll whether no operation timeout bounds them.
func outside(kind event.Kind) bool        { return kind == event.Ping || goesThroughAll(kind) }
func goesThroughAll(kind event.Kind) bool { return kind == event.Clearing || kind == event.Sweep }

// takes has an operation take a while, and then end with err.
func takes(while time.Duration, err error) func(context.Context) error {
	return func(context.Context) error { time.Sleep(while); return err }
}

// Each operation ends in one event, which says what became of it, and is counted by it.
func TestOneEventAnOperation(t *testing.T) {
	const while = 10 * time.Millisecond
	fixed := func(result event.Result) func(event.Operation) event.Operation {
		return func(works event.Operation) event.Operation {
			works.Result, works.Took, works.Bytes = result, while, 0
			if goesThroughAll(works.Kind) {
				works.Keys = 0
			}
			return works
		}
	}
	for name, row := range map[string]struct {
		prepare func(d *told, s *guard.Store)
		fault   func(ctx context.Context) error
		leave   time.Duration // when the caller leaves; 0 for not
		want    func(works event.Operation) event.Operation
	}{
		"works":                      {fault: takes(while, nil), want: func(works event.Operation) event.Operation { works.Took = while; return works }},
		"fails":                      {fault: takes(while, errNo), want: fixed(event.Failed)},
		"too large":                  {fault: takes(while, fmt.Errorf("driver: %w", drivers.ErrTooLarge)), want: fixed(event.TooLarge)},
		"closed":                     {fault: takes(while, drivers.ErrClosed), want: fixed(event.Closed)},
		"unsupported":                {fault: takes(while, fmt.Errorf("driver: %w", errors.ErrUnsupported)), want: fixed(event.Unsupported)},
		"times out by its client":    {fault: takes(while, fmt.Errorf("driver: %w", os.ErrDeadlineExceeded)), want: fixed(event.TimedOut)},
		"panics":                     {fault: func(context.Context) error { time.Sleep(while); panic("driver") }, want: fixed(event.Failed)},
		"the caller leaves":          {fault: hangs1, leave: while, want: fixed(event.Canceled)},
		"the caller leaves, unheard": {fault: takes(while, errNo), leave: while / 2, want: fixed(event.Canceled)},
		"hangs": {fault: hangs1, leave: time.Hour, want: func(works event.Operation) event.Operation {
			if works = fixed(event.TimedOut)(works); goesThroughAll(works.Kind) {
				works.Result, works.Took = event.Canceled, time.Hour
			} else {
				works.Took = timeout
			}
			return works
		}},
		"has been failing": {prepare: failing, fault: takes(while, errNo), want: func(works event.Operation) event.Operation {
			if works = fixed(event.Failed)(works); !outside(works.Kind) {
				works.Result, works.Took = event.Refused, 0
			}
			return works
		}},
		"has been failing, and is asked insistently": {prepare: func(d *told, s *guard.Store) { failing(d, s); *s = *s.Insistent() }, fault: takes(while, errNo), want: fixed(event.Failed)},
	} {
		for _, operation := range every {
			t.Run(name+"/"+operation.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := &told{}
					s := guard.New(d, timeout, slog.New(slog.DiscardHandler))
					if row.prepare != nil {
						row.prepare(d, s)
					}
					ctx := t.Context()
					if row.leave > 0 {
						left, leave := context.WithTimeout(ctx, row.leave)
						defer leave()
						ctx = left
					}
					var events []event.Operation
					s.Observe(func(_ context.Context, o event.Operation) { events = append(events, o) })
					before := total(s)
					d.fault = row.fault
					d.asked.Store(0)
					func() {
						defer func() { _ = recover() }()
						_ = operation.do(ctx, s)
					}()
					want := row.want(operation.want)
					if len(events) != 1 || events[0] != want {
						t.Errorf("%+v, want %+v", events, want)
					}
					if n := total(s) - before; n != 1 {
						t.Errorf("it is counted %d times", n)
					}
					if asked := d.asked.Load(); asked == 1 == (want.Result == event.Refused) {
						t.Errorf("the driver was asked %d times, and the event is %+v", asked, want)
					}
				})
			})
		}
	}
}

// A reading that finds nothing under any of its keys is a miss; what a log does not tell is none.
func TestMissesAreEvents(t *testing.T) {
	for _, row := range []struct {
		missing bool
		want    map[string]event.Result
	}{
		{true, map[string]event.Result{"Get": event.Missed, "GetValues": event.Missed, "Since": event.Done, "Ping": event.Done}},
		{false, map[string]event.Result{"Get": event.Done, "GetValues": event.Done, "Since": event.Done, "Ping": event.Done}},
	} {
		for _, operation := range every {
			want, ok := row.want[operation.name]
			if !ok {
				continue
			}
			s := guard.New(&told{missing: row.missing}, timeout, slog.New(slog.DiscardHandler))
			var events []event.Operation
			s.Observe(func(_ context.Context, o event.Operation) { events = append(events, o) })
			if err := operation.do(t.Context(), s); err != nil && !errors.Is(err, drivers.ErrMiss) || (err != nil) != (row.missing && operation.name == "Get") {
				t.Errorf("%s: %v", operation.name, err)
			}
			if len(events) != 1 || events[0].Result != want || want == event.Missed && events[0].Bytes != 0 {
				t.Errorf("%s, of which nothing is there: %t: %+v, want %d", operation.name, row.missing, events, want)
			}
		}
	}
}

// What stands in for what a driver cannot do is made of operations that it can, and has the events of these.
func TestEventsOfStandIns(t *testing.T) {
	read, write, missed := event.Operation{Kind: event.Read, Keys: 1, Bytes: 4}, event.Operation{Kind: event.Write, Keys: 1, Bytes: 4}, event.Operation{Kind: event.Read, Result: event.Missed, Keys: 1}
	for name, row := range map[string]struct {
		do   func(ctx context.Context, s *guard.Store)
		want []event.Operation
	}{
		"Add": {func(ctx context.Context, s *guard.Store) {
			_, _ = s.Add(ctx, time.Hour, func() []byte { return []byte("word") }, "a")
		}, []event.Operation{missed, write, read}},
		"GetValues": {func(ctx context.Context, s *guard.Store) { _, _ = s.GetValues(ctx, "a", "b") }, []event.Operation{{Kind: event.Read, Keys: 2, Result: event.Missed}}},
		"Ping":      {func(ctx context.Context, s *guard.Store) { _ = s.Ping(ctx, "a") }, []event.Operation{{Kind: event.Ping}}},
		"Sweep":     {func(ctx context.Context, s *guard.Store) { _, _ = s.Sweep(ctx) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := open(t)
				var events []event.Operation
				s.Observe(func(_ context.Context, o event.Operation) { events = append(events, o) })
				if row.do(t.Context(), s); !slices.Equal(events, row.want) {
					t.Errorf("%+v, want %+v", events, row.want)
				}
			})
		})
	}
}

// What lives in this process is counted like any store. It does not wait, so it is not asked how long it took; and live objects are taken
// past the guard.
func TestLocalEvents(t *testing.T) {
	memory, err := inmemory.New(inmemory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	s := guard.New(memory, timeout, slog.New(slog.DiscardHandler))
	var events []event.Operation
	s.Observe(func(_ context.Context, o event.Operation) { events = append(events, o) })
	_ = s.Set(t.Context(), "k", []byte("value"), time.Minute)
	_, _ = s.Get(t.Context(), "k")
	_, _ = s.Get(t.Context(), "none")
	_, _ = s.Delete(t.Context(), "k")
	_, _ = s.Clear(t.Context(), "")
	s.Objects().PutObject("o", 1, 1, time.Minute)
	s.Objects().GetObject([]byte("o"), time.Now())
	want := []event.Operation{
		{Kind: event.Write, Keys: 1, Bytes: 5}, {Kind: event.Read, Keys: 1, Bytes: 5}, {Kind: event.Read, Result: event.Missed, Keys: 1},
		{Kind: event.Removal, Keys: 1}, {Kind: event.Clearing},
	}
	if !slices.Equal(events, want) || total(s) != uint64(len(want)) {
		t.Errorf("%+v, want %+v; and %d are counted", events, want, total(s))
	}
	if c := s.Counts(event.Read); c.State != "closed" || c.Done != 1 || c.Missed != 1 || c.Bytes != 5 || c.Took != 0 {
		t.Errorf("%+v", c)
	}
}

// The state of the breakers can be read: from when on an operation tries, and that one does.
func TestState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &told{}
		s := guard.New(d, timeout, slog.New(slog.DiscardHandler))
		is := func(when, want string, in time.Duration) {
			t.Helper()
			for _, kind := range []event.Kind{event.Write, event.Add, event.Append} { // which go by one breaker
				c := s.Counts(kind)
				if left := time.Until(c.RetryAt); c.State != want || (want == "closed") != c.RetryAt.IsZero() || want != "closed" && left != in {
					t.Errorf("%s: kind %d is %s, and the next tries in %v; want %s, %v", when, kind, c.State, left, want, in)
				}
			}
			if c := s.Counts(event.Read); c.State != "closed" || !c.RetryAt.IsZero() {
				t.Errorf("%s: reads: %+v", when, c)
			}
		}
		set := func() { _ = s.Set(t.Context(), "k", nil, time.Minute) }
		d.fault = func(context.Context) error { return errNo }
		set()
		set()
		is("it failed twice", "closed", 0)
		set()
		is("it failed three times", "open", time.Second)
		time.Sleep(time.Second)
		is("the pause is over", "open", 0)
		set()
		is("it failed once more", "open", 2*time.Second)
		time.Sleep(2 * time.Second)
		d.fault = hangs1
		go set()
		synctest.Wait()
		is("one tries", "trying", 2*time.Second)
		time.Sleep(timeout)
		synctest.Wait()
		is("which timed out", "open", 4*time.Second)
		time.Sleep(4 * time.Second)
		left, leave := context.WithCancel(t.Context())
		leave()
		_ = s.Set(left, "k", nil, time.Minute)
		is("one tried whose caller had left", "open", 0)
		func() {
			defer func() { _ = recover() }()
			d.fault = func(context.Context) error { panic("driver") }
			set()
		}()
		is("one tried and panicked", "open", 4*time.Second)
		time.Sleep(4 * time.Second)
		d.fault = nil
		set()
		is("it is back", "closed", 0)
	})
}

// An operation that tries, and ends when what insists has found the store well, tries no more.
func TestTriesNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &told{}
		s := guard.New(d, timeout, slog.New(slog.DiscardHandler))
		fail := func() {
			d.fault = func(context.Context) error { return errNo }
			for range 3 {
				_ = s.Set(t.Context(), "k", nil, time.Minute)
			}
		}
		fail()
		time.Sleep(time.Second)
		d.fault = takes(time.Millisecond, nil)
		go func() { _ = s.Set(t.Context(), "k", nil, time.Minute) }()
		synctest.Wait()
		d.fault = nil
		_ = s.Insistent().Set(t.Context(), "k", nil, time.Minute)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		fail()
		if c := s.Counts(event.Write); c.State != "open" {
			t.Errorf("it is %s", c.State)
		}
	})
}

// A driver that panics has failed, and the log says how.
func TestPanicsAreFailures(t *testing.T) {
	var text strings.Builder
	s := guard.New(&told{fault: func(context.Context) error { panic("driver") }}, timeout, slog.New(slog.NewTextHandler(&text, nil)))
	for range 3 {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic did not reach its caller")
				}
			}()
			_, _ = s.Get(t.Context(), "k")
		}()
	}
	if _, err := s.Get(t.Context(), "k"); !errors.Is(err, guard.ErrUnavailable) || !strings.Contains(text.String(), "the driver panicked") || s.Failures() != 3 {
		t.Errorf("%v, %d failures; the log says %q", err, s.Failures(), text.String())
	}
}

// An event costs no memory, and neither does telling it, nor finding the server.
func TestEventsAllocateNothing(t *testing.T) {
	for name, driver := range map[string]drivers.Driver{"one server": idle{}, "several": idles{}} {
		s := guard.New(driver, timeout, slog.New(slog.DiscardHandler))
		ctx, cancel := s.Step(t.Context())
		defer cancel()
		for _, f := range []func(context.Context, event.Operation){nil, func(context.Context, event.Operation) {}} {
			s.Observe(f)
			if n := testing.AllocsPerRun(100, func() { _, _ = s.Get(ctx, "k") }); n != 0 {
				t.Errorf("%s: %v allocations, with an observer: %t", name, n, f != nil)
			}
		}
	}
}

func hangs1(ctx context.Context) error { return hangs(ctx, "") }

// failing has each kind of operation refused.
func failing(d *told, s *guard.Store) {
	time.Sleep(time.Hour)
	d.fault = func(context.Context) error { return errNo }
	for range 3 {
		for _, operation := range every {
			_ = operation.do(context.Background(), s)
		}
	}
}

// total returns how many operations are counted.
func total(s *guard.Store) (n uint64) {
	for kind := range event.Kinds {
		c := s.Counts(kind)
		n += c.Done + c.Missed + c.TooLarge + c.TimedOut + c.Failed + c.Refused + c.Canceled + c.Closed + c.Unsupported
	}
	return n
}

// Of operations at random, by several callers at once, there are as many events as operations, each of the kind and with the result that its
// caller saw; and the counts are what the events add up to.
func TestEventsAtRandom(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { atRandom(t, seed) })
		})
	}
}

func atRandom(t *testing.T, seed uint64) {
	var mu sync.Mutex // of random
	random := rand.New(rand.NewPCG(seed, 0))
	n := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n)
	}
	faults := []func(context.Context) error{takes(0, nil), takes(time.Millisecond, nil), takes(0, errNo), hangs1, takes(0, drivers.ErrTooLarge), takes(0, drivers.ErrClosed)}
	bad := 0 // how often of ten an operation does not work; of some seeds never, of some always
	if seed > 0 {
		bad = n(11)
	}
	s := guard.New(&told{fault: func(ctx context.Context) error {
		if n(10) >= bad {
			return nil
		}
		return faults[n(len(faults))](ctx)
	}}, timeout, slog.New(slog.DiscardHandler))
	var told [event.Kinds][event.Results]atomic.Uint64
	var bytes, took [event.Kinds]atomic.Int64
	s.Observe(func(_ context.Context, o event.Operation) {
		told[o.Kind][o.Result].Add(1)
		bytes[o.Kind].Add(int64(o.Bytes))
		took[o.Kind].Add(int64(o.Took))
	})
	var done [event.Kinds]atomic.Uint64
	var refused, worked [event.Kinds]atomic.Uint64
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for range 200 {
				operation := every[n(len(every))]
				ctx, leave := context.WithTimeout(context.Background(), time.Duration(1+n(2000))*time.Millisecond)
				store := s
				if n(10) == 0 {
					store = s.Insistent()
				}
				err := operation.do(ctx, store)
				leave()
				done[operation.want.Kind].Add(1)
				switch {
				case err == nil:
					worked[operation.want.Kind].Add(1)
				case errors.Is(err, guard.ErrUnavailable):
					refused[operation.want.Kind].Add(1)
				}
				time.Sleep(time.Duration(n(300)) * time.Millisecond)
			}
		})
	}
	callers.Wait()
	for kind := range event.Kinds {
		c := s.Counts(kind)
		counted := [event.Results]uint64{c.Done, c.Missed, c.TooLarge, c.TimedOut, c.Failed, c.Refused, c.Canceled, c.Closed, c.Unsupported}
		var all uint64
		for result := range event.Results {
			if told[kind][result].Load() != counted[result] {
				t.Errorf("kind %d, result %d: %d events, and %d are counted", kind, result, told[kind][result].Load(), counted[result])
			}
			all += counted[result]
		}
		if all != done[kind].Load() || c.Refused != refused[kind].Load() || c.Done != worked[kind].Load() {
			t.Errorf("kind %d: %+v, of %d operations, %d of them done and %d refused", kind, c, done[kind].Load(), worked[kind].Load(), refused[kind].Load())
		}
		if c.Bytes != uint64(bytes[kind].Load()) || c.Took != time.Duration(took[kind].Load()) {
			t.Errorf("kind %d: %+v; the events have %d bytes and took %v", kind, c, bytes[kind].Load(), time.Duration(took[kind].Load()))
		}
	}
}
