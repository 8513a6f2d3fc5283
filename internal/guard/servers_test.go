package guard_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/guard"
)

var quiet = slog.New(slog.DiscardHandler)

// onOne are one each of the operations on a key of one server.
var onOne = map[string]func(ctx context.Context, s *guard.Store, key string) error{
	"Get": func(ctx context.Context, s *guard.Store, key string) error {
		_, err := s.Get(ctx, key)
		return miss(err)
	},
	"GetValues": func(ctx context.Context, s *guard.Store, key string) error {
		_, err := s.GetValues(ctx, key, key)
		return err
	},
	"Set": func(ctx context.Context, s *guard.Store, key string) error { return s.Set(ctx, key, nil, time.Minute) },
	"Add": func(ctx context.Context, s *guard.Store, key string) error {
		_, err := s.Add(ctx, time.Minute, func() []byte { return []byte("word") }, key)
		return err
	},
	"Delete": func(ctx context.Context, s *guard.Store, key string) error { _, err := s.Delete(ctx, key); return err },
}

// A server that hangs costs three operation timeouts, however many operations there are of its keys and whatever others do in between;
// the others go on, and when it is back, so does it.
func TestServersFailApart(t *testing.T) {
	for name, do := range onOne {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				d := &several{values: map[string]string{}, fault: faults(map[string]func(context.Context) error{"a": hangs1})}
				s := guard.New(adding{d}, timeout, slog.New(slog.NewTextHandler(&log, nil)))
				began := time.Now()
				for i := range 40 {
					err := do(t.Context(), s, "a:k")
					if err == nil || !strings.HasPrefix(err.Error(), "a: ") && !strings.HasSuffix(err.Error(), ": a") {
						t.Errorf("the one that hangs: %v, want an error that names it", err)
					}
					if errors.Is(err, guard.ErrUnavailable) != (i >= 3) {
						t.Errorf("operation %d: %v", i, err)
					}
					if err := do(t.Context(), s, "b:k"); err != nil {
						t.Errorf("another one: %v", err)
					}
					if err := do(t.Context(), s, "k"); err != nil {
						t.Errorf("one that is not known: %v", err)
					}
				}
				if took := time.Since(began); took != 3*timeout {
					t.Errorf("it took %v", took)
				}
				if !strings.Contains(log.String(), "server=a") || strings.Count(log.String(), "level=WARN") != 1 {
					t.Errorf("the log says %q", log.String())
				}
				d.fault = nil
				time.Sleep(time.Second)
				if err := do(t.Context(), s, "a:k"); err != nil || !s.Available() {
					t.Errorf("when it is back: %v", err)
				}
			})
		})
	}
}

// onSeveral are the operations on keys of several servers. Each tells for which keys it has done what it should, besides its error.
var onSeveral = map[string]func(ctx context.Context, s *guard.Store, keys []string) (done []bool, err error){
	"GetValues": func(ctx context.Context, s *guard.Store, keys []string) ([]bool, error) {
		values, err := s.GetValues(ctx, keys...)
		return are(values, keys, "old "), err
	},
	"Add": func(ctx context.Context, s *guard.Store, keys []string) ([]bool, error) {
		values, err := s.Add(ctx, time.Minute, func() []byte { return []byte("new") }, keys...)
		return are(values, keys, "old "), err
	},
}

func are(values [][]byte, keys []string, before string) []bool {
	done := make([]bool, len(keys))
	for i, key := range keys {
		done[i] = string(values[i]) == before+key
	}
	return done
}

// Of keys on several servers those are read, added and removed whose servers answer, in one operation timeout; the error says which are not.
func TestParts(t *testing.T) {
	keys := []string{"a:1", "b:1", "a:2", "c:1", "b:2", "b:1"}
	ways := []func(context.Context) error{nil, fails, hangs1}
	for _, adds := range []bool{true, false} {
		for name, do := range onSeveral {
			for n := range 27 {
				how := map[string]int{"a": n % 3, "b": n / 3 % 3, "c": n / 9}
				t.Run(fmt.Sprint(name, ", adds: ", adds, ", ", how), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						d := &several{values: map[string]string{}}
						for _, key := range keys {
							d.values[key] = "old " + key
						}
						faulty := map[string]func(context.Context) error{}
						hung := false
						for server, way := range how {
							faulty[server] = ways[way]
							hung = hung || way == 2
						}
						d.fault = faults(faulty)
						var driver drivers.Driver = d
						if adds {
							driver = adding{d}
						}
						s := guard.New(driver, timeout, quiet)
						began := time.Now()
						done, err := do(t.Context(), s, keys)
						if took := time.Since(began); took > timeout || took == timeout != hung {
							t.Errorf("it took %v", took)
						}
						wantParts(t, d, keys, done, err, func(server string) bool { return how[server] == 0 })
					})
				})
			}
		}
	}
}

// wantParts looks whether an operation has been done for the keys of the servers that answer, and its error is of the others.
func wantParts(t *testing.T, d *several, keys []string, done []bool, err error, answers func(server string) bool) {
	t.Helper()
	for i, key := range keys {
		server := d.ServerOf(key)
		of := guard.ErrorOf(err, i)
		if done[i] != answers(server) || (of == nil) != answers(server) {
			t.Errorf("%s: done: %t, %v; its server answers: %t", key, done[i], of, answers(server))
		}
		if of != nil && (!strings.HasPrefix(of.Error(), server+": ") || !strings.Contains(err.Error(), of.Error()) || !errors.Is(err, errors.Unwrap(of))) {
			t.Errorf("%s: %v, which is a part of %v", key, of, err)
		}
	}
}

// Of keys on several servers those are removed whose servers answer, and they alone count.
func TestDeleteParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &several{values: map[string]string{"a:1": "", "a:2": "", "b:1": "", "c:1": ""}}
		d.fault = faults(map[string]func(context.Context) error{"b": hangs1})
		s := guard.New(d, timeout, quiet)
		keys := []string{"c:1", "a:1", "b:1", "a:none", "a:2"}
		n, err := s.Delete(t.Context(), keys...)
		wantParts(t, d, keys, []bool{true, true, false, true, true}, err, func(server string) bool { return server != "b" })
		if left := slices.Collect(maps.Keys(d.values)); n != 3 || !slices.Equal(left, []string{"b:1"}) {
			t.Errorf("%d are removed, and %q are left", n, left)
		}
		d.fault = nil
		if n, err := s.Delete(t.Context(), keys...); n != 1 || err != nil {
			t.Errorf("once all answer: %d, %v", n, err)
		}
	})
}

// An error that is of one server, or of none, is one of all keys.
func TestErrorOf(t *testing.T) {
	for _, err := range []error{nil, errNo, guard.ErrUnavailable} {
		if got := guard.ErrorOf(err, 7); got != err {
			t.Errorf("of %v: %v", err, got)
		}
	}
	s := guard.New(&several{fault: faults(map[string]func(context.Context) error{"a": fails, "b": nil})}, timeout, quiet)
	_, err := s.GetValues(t.Context(), "b:1", "a:1")
	wrapped := fmt.Errorf("purge: %w", err)
	if guard.ErrorOf(wrapped, 0) != nil || !errors.Is(guard.ErrorOf(wrapped, 1), errNo) {
		t.Errorf("of an error around it: %v, %v", guard.ErrorOf(wrapped, 0), guard.ErrorOf(wrapped, 1))
	}
}

// Each part is an operation with an event of its own, which names the server; keys of one server are one.
func TestEventsOfParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &several{values: map[string]string{"a:1": "1234"}}
		d.fault = faults(map[string]func(context.Context) error{"c": hangs1})
		s := guard.New(adding{d}, timeout, quiet)
		var mu sync.Mutex
		var events []event.Operation
		s.Observe(func(_ context.Context, o event.Operation) {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, o)
		})
		is := func(what string, want ...event.Operation) {
			t.Helper()
			slices.SortFunc(events, func(a, b event.Operation) int { return strings.Compare(a.Server, b.Server) })
			if !slices.Equal(events, want) {
				t.Errorf("%s: %+v, want %+v", what, events, want)
			}
			events = nil
		}
		_, _ = s.GetValues(t.Context(), "b:1", "a:1", "c:1", "a:2", "k")
		is("of three servers, and one that is not known",
			event.Operation{Kind: event.Read, Keys: 1, Result: event.Missed}, event.Operation{Kind: event.Read, Server: "a", Keys: 2, Bytes: 4},
			event.Operation{Kind: event.Read, Server: "b", Keys: 1, Result: event.Missed},
			event.Operation{Kind: event.Read, Server: "c", Keys: 1, Result: event.TimedOut, Took: timeout})
		_, _ = s.GetValues(t.Context(), "a:1", "a:2")
		is("of one", event.Operation{Kind: event.Read, Server: "a", Keys: 2, Bytes: 4})
		_, _ = s.Add(t.Context(), time.Hour, func() []byte { return []byte("word") }, "a:1", "b:1")
		is("added", event.Operation{Kind: event.Add, Server: "a", Keys: 1, Bytes: 4}, event.Operation{Kind: event.Add, Server: "b", Keys: 1, Bytes: 4})
		_, _ = s.Delete(t.Context(), "a:1", "b:1")
		is("removed", event.Operation{Kind: event.Removal, Server: "a", Keys: 1}, event.Operation{Kind: event.Removal, Server: "b", Keys: 1})
	})
}

// A driver that panics in one part does so to the caller, who may recover.
func TestPanicInAPart(t *testing.T) {
	for _, server := range []string{"a", "b"} {
		d := &several{fault: faults(map[string]func(context.Context) error{server: func(context.Context) error { panic("driver") }})}
		func() {
			defer func() {
				if recover() != "driver" {
					t.Errorf("a panic of %s did not reach the caller", server)
				}
			}()
			_, _ = guard.New(d, timeout, quiet).GetValues(t.Context(), "a:1", "b:1")
		}()
	}
}

// What the breakers do can be read, by server. As a whole the store is as its server that is worst off.
func TestServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &several{values: map[string]string{}, fault: faults(map[string]func(context.Context) error{"a": fails})}
		s := guard.New(d, timeout, quiet)
		for range 3 {
			_ = s.Set(t.Context(), "a:1", nil, time.Minute)
			_ = s.Set(t.Context(), "b:1", nil, time.Minute)
			_, _ = s.Get(t.Context(), "b:1")
		}
		want := map[string]guard.ServerState{
			"a": {Reads: "closed", Writes: "open", Removals: "closed"}, "b": {Reads: "closed", Writes: "closed", Removals: "closed"},
		}
		if got := s.Servers(); !maps.Equal(got, want) {
			t.Errorf("%+v, want %+v", got, want)
		}
		if c := s.Counts(event.Add); c.State != "open" || time.Until(c.RetryAt) != time.Second || s.Available() {
			t.Errorf("as a whole: %s, %v; available: %t", c.State, c.RetryAt, s.Available())
		}
		if c := s.Counts(event.Read); c.State != "closed" || !c.RetryAt.IsZero() || s.Counts(event.Ping).State != "closed" {
			t.Errorf("reads: %s, %v", c.State, c.RetryAt)
		}
	})
	if s := guard.New(&told{}, timeout, quiet); s.Servers() != nil || s.Sharded() {
		t.Errorf("of a driver that has one server: %+v", s.Servers())
	}
}

// Servers come and go: what is remembered of them is bounded, and those that nothing was for are forgotten.
func TestServersAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := guard.New(&several{values: map[string]string{}}, timeout, quiet)
		for i := range 5000 {
			_, _ = s.Get(t.Context(), fmt.Sprint(i, ":k"))
		}
		if n := len(s.Servers()); n > 1000 {
			t.Errorf("%d servers are remembered", n)
		}
		for range 3 {
			time.Sleep(time.Hour)
			_, _ = s.Get(t.Context(), "a:k")
			_ = s.Servers()
		}
		if got := slices.Collect(maps.Keys(s.Servers())); !slices.Equal(got, []string{"a"}) {
			t.Errorf("hours later these are: %q", got)
		}
	})
}

// one says that it has one server.
type one struct{ *told }

func (one) Sharded() bool          { return false }
func (one) ServerOf(string) string { panic("it has one") }

// A driver that could have several servers and has one is not asked for the servers of keys.
func TestOneServer(t *testing.T) {
	for _, operation := range every {
		if err := operation.do(t.Context(), guard.New(one{&told{}}, timeout, quiet)); err != nil {
			t.Errorf("%s: %v", operation.name, err)
		}
	}
}
