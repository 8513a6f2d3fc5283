package behaviour_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A thousand that miss something together have it made once, and it is there for them, for another process, and until its time is over.
func TestMadeOnce(t *testing.T) {
	setUp{number: 2, made: secondOf}.eachStore(t, func(t *testing.T, p *processes) {
		began := time.Now()
		answers := together(1000, func(int) string { return p.ask(t.Context(), 0) })
		for range 1000 {
			if got := await(t, "an answer", answers); got != "run 1" {
				t.Errorf("got %q", got)
			}
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %v", took)
		}
		p.settle()
		for _, behind := range []time.Duration{0, time.Minute - time.Second - time.Millisecond} {
			time.Sleep(behind)
			p.want(t, 1, "run 1", 0)
		}
		time.Sleep(time.Second + time.Millisecond)
		p.want(t, 1, "run 2", time.Second)
	})
}

// The first may leave, and what it has begun goes on for those that wait. Where none does, a handler is told that its client has left, and what it makes
// then is not kept; a load is told nothing, and what it makes is there for those that come.
func TestFirstLeaves(t *testing.T) {
	for name, others := range map[string]int{"alone": 0, "others wait": 10} {
		t.Run(name, func(t *testing.T) {
			setUp{number: 2, made: secondOf}.eachStore(t, func(t *testing.T, p *processes) {
				ctx, leave := context.WithTimeout(t.Context(), 500*time.Millisecond)
				defer leave()
				began := time.Now()
				first := later(func() string {
					got := p.ask(ctx, 0)
					if took := time.Since(began); p.value && took != 500*time.Millisecond {
						t.Errorf("the first has gone after %v", took)
					}
					return got
				})
				synctest.Wait()
				answers := together(others, func(int) string { return p.ask(t.Context(), 0) })
				for range others {
					if got := await(t, "an answer", answers); got != "run 1" {
						t.Errorf("one that waits got %q", got)
					}
				}
				if got := await(t, "the first", first); p.value && got != context.DeadlineExceeded.Error() {
					t.Errorf("the first got %q", got)
				}
				then := "run 1"
				if others == 0 && !p.value {
					then = "run 2"
				}
				p.want(t, 0, then, time.Second)
				p.want(t, 1, then, 0)
			})
		})
	}
}

// What fails at first leaves no other without an answer, and nothing is kept of it. A load that fails does so for all that wait for it.
func TestFirstFails(t *testing.T) {
	for name, fail := range map[string]func(context.Context) error{
		"an error": func(context.Context) error { return errors.New("broken") },
		"a panic":  func(context.Context) error { panic("broken") },
	} {
		t.Run(name, func(t *testing.T) {
			made := func(ctx context.Context, n int64) (string, error) {
				got, _ := secondOf(ctx, n)
				if n == 1 {
					return "", fail(ctx)
				}
				return got, nil
			}
			setUp{number: 2, made: made}.eachStore(t, func(t *testing.T, p *processes) {
				began, failed := time.Now(), 0
				answers := together(20, func(int) string { return p.ask(t.Context(), 0) })
				for range 20 {
					if got := await(t, "an answer", answers); !strings.HasPrefix(got, "run ") {
						failed++
					} else if got == "run 1" {
						t.Errorf("got %q", got)
					}
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("it took %v", took)
				}
				if want := map[bool]int{false: 1, true: 20}[p.value]; failed != want {
					t.Errorf("%d have failed, want %d", failed, want)
				}
				p.settle()
				p.want(t, 0, "run 2", time.Second)
				p.want(t, 1, "run 2", 0)
			})
		})
	}
}

// Where it takes longer than is waited for, one more of those that wait makes it each time, and the others go on waiting.
func TestOneMoreBeyondPatience(t *testing.T) {
	made := func(ctx context.Context, n int64) (string, error) {
		time.Sleep(24 * time.Second)
		return secondOf(ctx, n)
	}
	setUp{number: 1, made: made}.eachStore(t, func(t *testing.T, p *processes) {
		answers := together(100, func(int) string { return p.ask(t.Context(), 0) })
		for range 100 {
			if got := await(t, "an answer", answers); !strings.HasPrefix(got, "run ") {
				t.Errorf("got %q", got)
			}
		}
		if n := p.runs.Load(); n != 3 {
			t.Errorf("it was made %d times in 25 s, with a patience of 10 s", n)
		}
		time.Sleep(time.Minute)
	})
}
