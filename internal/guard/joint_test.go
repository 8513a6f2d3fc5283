package guard_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/guard"
)

// versions is a driver of one value, which is read as it was when the store was asked, and arrives later.
type versions struct {
	drivers.Driver
	takes time.Duration
	fault func(n int) error // of the reading with that number

	mu      sync.Mutex
	version int
	asked   []time.Time
}

func (v *versions) GetValues(ctx context.Context, keys ...string) ([][]byte, error) {
	v.mu.Lock()
	value, n := fmt.Sprint(v.version), len(v.asked)
	v.asked = append(v.asked, time.Now())
	v.mu.Unlock()
	if v.fault != nil {
		if err := v.fault(n); err != nil {
			return nil, err
		}
	}
	select {
	case <-time.After(v.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	values := make([][]byte, len(keys))
	for i := range values {
		values[i] = []byte(value)
	}
	return values, nil
}

// change has what begins to be read from now on be another version, and returns that.
func (v *versions) change() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.version++
	return v.version
}

func (v *versions) readings() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.asked)
}

// Callers that want the same at the same time have few readings made, and none gets one that had begun before it came.
func TestGetTogether(t *testing.T) {
	for takes, most := range map[time.Duration]int{time.Millisecond: 12, 20 * time.Millisecond: 20} {
		t.Run(takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &versions{takes: takes}
				s := guard.New(v, timeout, slog.New(slog.DiscardHandler))
				var callers sync.WaitGroup
				for range 10 {
					version := v.change()
					for range 100 {
						callers.Go(func() {
							got, err := s.GetTogether(t.Context(), "page", "mark")
							if err != nil || len(got) != 2 {
								t.Errorf("%q, %v", got, err)
							} else if had, _ := strconv.Atoi(string(got[0])); had < version {
								t.Errorf("got version %d, which was over when version %d was asked for", had, version)
							}
						})
					}
					time.Sleep(time.Millisecond)
				}
				callers.Wait()
				if n := v.readings(); n > most {
					t.Errorf("%d readings for a thousand callers, want %d at most", n, most)
				}
				if _, err := s.GetTogether(t.Context(), "page", "mark"); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A store that is slow gets few readings at a time, however many want the same, and yet a caller does not wait for much longer than one takes.
func TestGetTogetherFromASlowStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const takes = 100 * time.Millisecond
		v := &versions{takes: takes}
		s := guard.New(v, time.Second, slog.New(slog.DiscardHandler))
		var callers sync.WaitGroup
		for range 1000 {
			callers.Go(func() {
				began := time.Now()
				if _, err := s.GetTogether(t.Context(), "page", "mark"); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took > takes*7/4 {
					t.Errorf("a caller waited for %v", took)
				}
			})
			time.Sleep(time.Millisecond)
		}
		callers.Wait()
		if n := v.readings(); n > 50 {
			t.Errorf("%d readings in a second, want four at a time", n)
		}
	})
}

// A caller that leaves takes nothing from the others, whatever it was: the one whose reading is under way, or the first that waits. Those that want other
// keys are no part of it, and a reading that hangs holds up no other for long.
func TestGetTogetherLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &versions{takes: time.Millisecond, fault: func(n int) error {
			if n == 0 {
				time.Sleep(timeout / 2)
			}
			return nil
		}}
		s := guard.New(v, timeout, slog.New(slog.DiscardHandler))
		ctx, leave := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		ask := func(ctx context.Context, left bool, keys ...string) {
			callers.Go(func() {
				if got, err := s.GetTogether(ctx, keys...); left != errors.Is(err, context.Canceled) || !left && len(got) != len(keys) {
					t.Errorf("%v: %q, %v", keys, got, err)
				}
			})
			synctest.Wait()
		}
		ask(ctx, true, "page", "mark")
		ask(ctx, true, "page", "mark")
		began := time.Now()
		ask(t.Context(), false, "page", "mark")
		leave()
		time.Sleep(5 * time.Millisecond) // by now it has its own
		ask(t.Context(), false, "page", "mark", "another")
		ask(t.Context(), false, "other page")
		callers.Wait()
		if took := time.Since(began); took > timeout {
			t.Errorf("it took %v", took)
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		late := slices.DeleteFunc(slices.Clone(v.asked), func(at time.Time) bool { return at.Sub(began) <= 10*time.Millisecond })
		if len(late) > 0 || len(v.asked) != 4 {
			t.Errorf("%d readings, want 4, of which %v began behind 10 ms that another one hung", len(v.asked), late)
		}
	})
}

// What a reading fails with, all that wait for it get, also where the driver panics, and the next one is another.
func TestGetTogetherFails(t *testing.T) {
	for name, fail := range map[string]func() error{"an error": func() error { return errNo }, "a panic": func() error { panic("driver") }} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &versions{takes: time.Millisecond}
				v.fault = func(n int) error {
					if n == 1 {
						return fail()
					}
					return nil
				}
				s := guard.New(v, timeout, slog.New(slog.DiscardHandler))
				var callers sync.WaitGroup
				failed := 0
				var mu sync.Mutex
				for range 50 {
					callers.Go(func() {
						if _, err := s.GetTogether(t.Context(), "page"); err != nil {
							mu.Lock()
							failed++
							mu.Unlock()
						}
					})
				}
				callers.Wait()
				if failed != 49 {
					t.Errorf("%d callers failed, want all but the first", failed)
				}
				if _, err := s.GetTogether(t.Context(), "page"); err != nil {
					t.Errorf("then %v", err)
				}
			})
		})
	}
}
