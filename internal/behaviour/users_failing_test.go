package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette"
)

const storeLimit = 300 * time.Millisecond

func onDepot(c *cachette.Config) { c.Driver, c.OperationTimeout = newDepot(), storeLimit }

// eachOnDepot runs a test for pages and for values of two processes.
func eachOnDepot(t *testing.T, made func(context.Context, int64) (string, error), test func(t *testing.T, p *processes), options ...cachette.SharedOption) {
	t.Helper()
	configure := func(c *cachette.Config) { c.OperationTimeout = storeLimit }
	setUp{number: 2, store: onDepot, configure: configure, made: made, options: append(options, cachette.WithTags("tag"))}.each(t, test)
}

func atOnce(_ context.Context, n int64) (string, error) { return fmt.Sprint("run ", n), nil }

// A store that fails or hangs keeps none from what is asked for, nor for longer than its operations may take; and when it is back things are kept again.
func TestStoreFails(t *testing.T) {
	fails := func(context.Context, call) error { return errors.New("connection refused") }
	for name, fault := range map[string]func(context.Context, call) error{
		"fails": fails, "hangs": hangs, "fails to read": only("get", fails), "hangs on reading": only("get", hangs),
		"fails to write": only("set", fails), "hangs on writing": only("set", hangs), "fails to add": only("add", fails), "hangs on adding": only("add", hangs),
		"takes no writes": refusing,
	} {
		for _, warm := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", warm: ", warm), func(t *testing.T) {
				eachOnDepot(t, atOnce, func(t *testing.T, p *processes) {
					if warm {
						p.want(t, 0, "run 1", 0)
					}
					p.store.breakdown(fault)
					slow := 0
					for i := range 40 {
						began := time.Now()
						if got := p.ask(t.Context(), i%2); !strings.HasPrefix(got, "run ") {
							t.Errorf("got %q", got)
						}
						took := time.Since(began)
						if took > 2*storeLimit { // a look-up, and the marks of a fill
							t.Errorf("it took %v", took)
						}
						if took > 0 {
							slow++
						}
					}
					if slow > 12 {
						t.Errorf("%d of 40 waited for the store", slow)
					}
					p.store.breakdown(nil)
					time.Sleep(5 * time.Second) // until it is tried again
					for range 3 {
						p.ask(t.Context(), 0)
						p.settle()
					}
					before := p.runs.Load()
					for i := range 4 {
						p.ask(t.Context(), i)
						p.settle()
					}
					if n := p.runs.Load() - before; n > 0 {
						t.Errorf("once the store is back there were %d runs more", n)
					}
				})
			})
		}
	}
}

// What is stale stands in for an error for as long as stale-if-error says (RFC 5861 §4).
func TestStaleInPlaceOfAnError(t *testing.T) {
	made := func(_ context.Context, n int64) (string, error) {
		if n > 1 {
			return "", errors.New("broken")
		}
		return "run 1", nil
	}
	setUp{number: 2, made: made, options: []cachette.SharedOption{cachette.WithStaleIfError(time.Minute)}}.eachStore(t, func(t *testing.T, p *processes) {
		p.want(t, 0, "run 1", 0)
		for _, behind := range []time.Duration{90 * time.Second, 29 * time.Second} {
			time.Sleep(behind)
			for i := range 2 {
				p.want(t, i, "run 1", 0)
			}
		}
		time.Sleep(2 * time.Second)
		p.want(t, 0, "broken", 0)
		p.want(t, 1, "broken", 0)
	})
}

// A removal that the store does not take is owed, and its error says so. Nothing of what it removes is given out by its process until then; and once the
// store is back, by no other.
func TestOwedRemovals(t *testing.T) {
	for name, fault := range map[string]func(context.Context, call) error{
		"fails": func(context.Context, call) error { return errors.New("connection refused") }, "hangs": hangs, "takes no writes": refusing,
	} {
		for i := range ways {
			t.Run(name+"/"+ways[i].name, func(t *testing.T) {
				eachOnDepot(t, atOnce, func(t *testing.T, p *processes) {
					remove, leaves := ways[i].of(t, p)
					if remove == nil || leaves == kept {
						return
					}
					p.want(t, 0, "run 1", 0)
					p.want(t, 1, "run 1", 0)
					p.store.breakdown(fault)
					if err := remove(0); ways[i].name != "by a write" && !errors.Is(err, cachette.ErrOwed) {
						t.Errorf("the error is %v", err)
					}
					for range 3 {
						if got := p.ask(t.Context(), 0); got == "run 1" || !strings.HasPrefix(got, "run ") {
							t.Errorf("while it is owed: %q", got)
						}
					}
					time.Sleep(20 * time.Second)
					p.store.breakdown(nil)
					time.Sleep(15 * time.Second) // until it is tried again, and carried out
					if n := p.sites[0].cache.Stats().Owed; n > 0 {
						t.Errorf("%d are owed", n)
					}
					for i := range 2 {
						if got := p.ask(t.Context(), i); got == "run 1" || !strings.HasPrefix(got, "run ") {
							t.Errorf("once it is carried out: process %d has %q", i, got)
						}
						p.settle()
					}
				})
			})
		}
	}
}
