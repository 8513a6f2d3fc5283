// Package sim runs processes that share a store in an order that a seed decides: step by step, each operation on the store being a
// step, with a store that loses, refuses, delays and repeats. The same seed gives the same run.
package sim

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// ErrStopped is what a store answers to an actor whose process is gone.
var ErrStopped = errors.New("sim: the process is gone")

// World is one run: its actors, its clock and its store. One goroutine uses it, and only one actor runs at a time.
type World struct {
	Store
	Choose  func(n int) int // decides: a number from 0 to n-1
	Step    int             // counts what has happened
	Clock   time.Time
	Sticky  int                      // of a hundred steps, how many are taken by the actor that took the last one, if it can
	Tracing bool                     // keeps what happened
	Tick    func() time.Duration     // how long a step takes; nil for no time at all
	Every   func() (violated string) // is asked after each step; nil for nothing
	Events  []func()                 // things that happen by themselves, each once, at any time

	actors  []*Actor
	running *Actor
	last    int      // the number of the actor that took the last step
	late    []func() // commands whose callers have given up
	trace   strings.Builder
	pool    []*routine
}

// Actor is what takes steps: a request, a purge, a background job.
type Actor struct {
	Name    string
	w       *World
	body    func()
	routine *routine
	ready   func() bool
	wake    time.Time
	stopped bool
	done    bool
}

// routine is a coroutine that runs the bodies of actors, one after the other: to make one costs more than a run's steps.
type routine struct {
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	body  func()
	idle  bool
}

func newRoutine() *routine {
	r := &routine{idle: true}
	r.next, r.stop = iter.Pull(func(yield func(struct{}) bool) {
		r.yield = yield
		for {
			r.body()
			r.idle = true
			if !yield(struct{}{}) {
				return
			}
		}
	})
	return r
}

// Reset makes a world as new, and keeps what it costs to make.
func (w *World) Reset() {
	w.finish()
	*w = World{pool: w.pool, actors: w.actors[:0], late: w.late[:0], Events: w.Events[:0], Store: w.Store}
	w.Store.reset(w)
	w.Clock = time.Unix(1_000_000_000, 0)
}

// Close ends the coroutines.
func (w *World) Close() {
	w.finish()
	for _, r := range w.pool {
		r.stop()
	}
	w.pool = nil
}

// finish has all actors run to their ends, with a store that answers nothing.
func (w *World) finish() {
	for _, a := range w.actors {
		a.stopped = true
		for a.routine != nil {
			w.run(a)
		}
	}
}

// Go adds an actor.
func (w *World) Go(name string, body func()) *Actor {
	a := &Actor{Name: name, w: w, body: body}
	w.actors = append(w.actors, a)
	return a
}

// Stop has an actor take no further step.
func (a *Actor) Stop() { a.stopped = true }

// Running is the actor that runs.
func (w *World) Running() *Actor { return w.running }

// Stopped tells whether the actor that runs was stopped. Nothing that it does then counts.
func (w *World) Stopped() bool { return w.running != nil && w.running.stopped }

// Yield ends a step of the actor that runs.
func (w *World) Yield() {
	if a := w.running; a != nil && !a.stopped {
		a.routine.yield(struct{}{})
	}
}

// Until ends a step of the actor that runs, whose next one comes when ready tells true.
func (w *World) Until(ready func() bool) {
	if a := w.running; a != nil && !a.stopped {
		a.ready = ready
		w.Yield()
		a.ready = nil
	}
}

// Wait ends a step of the actor that runs, whose next one comes when d is over.
func (w *World) Wait(_ context.Context, d time.Duration) error {
	a := w.running
	if a == nil || a.stopped {
		return ErrStopped
	}
	a.wake = w.Clock.Add(d)
	w.Yield()
	a.wake = time.Time{}
	if a.stopped {
		return ErrStopped
	}
	return nil
}

// Now is the time.
func (w *World) Now() time.Time { return w.Clock }

// Say notes what happens, if that is kept.
func (w *World) Say(format string, args ...any) {
	if w.Tracing {
		name := "-"
		if w.running != nil {
			name = w.running.Name
		}
		fmt.Fprintf(&w.trace, "%4d %-14s %s\n", w.Step, name, fmt.Sprintf(format, args...))
	}
}

// Trace is what happened.
func (w *World) Trace() string { return w.trace.String() }

// run has an actor take a step.
func (w *World) run(a *Actor) {
	if a.routine == nil {
		if a.done || a.stopped {
			a.done = true
			return
		}
		a.routine = w.routine()
		a.routine.body, a.routine.idle = a.body, false
	}
	w.running = a
	a.routine.next()
	w.running = nil
	if a.routine.idle {
		w.pool = append(w.pool, a.routine)
		a.routine, a.done = nil, true
	}
}

func (w *World) routine() *routine {
	if n := len(w.pool); n > 0 {
		r := w.pool[n-1]
		w.pool = w.pool[:n-1]
		return r
	}
	return newRoutine()
}

// can tells whether an actor can take a step now.
func (w *World) can(a *Actor) bool {
	return !a.done && !a.stopped && !w.Clock.Before(a.wake) && (a.ready == nil || a.ready())
}

// Run takes steps until there are none left, or Every tells what was violated.
func (w *World) Run() (violated string) {
	choices := make([]int, 0, 16)
	for {
		choices = choices[:0]
		for i, a := range w.actors {
			if w.can(a) {
				choices = append(choices, i)
			}
		}
		actors := len(choices)
		n := actors + len(w.late) + len(w.Events)
		if actors == 0 && !w.sleep() {
			if n == 0 {
				return ""
			}
		} else if actors == 0 {
			continue
		}
		w.Step++
		if w.Tick != nil {
			w.Clock = w.Clock.Add(w.Tick())
		}
		switch k := w.pick(n, choices); {
		case k < actors:
			w.last = choices[k]
			w.run(w.actors[choices[k]])
		case k < actors+len(w.late):
			w.Say("a late command")
			take(&w.late, k-actors)()
		default:
			take(&w.Events, k-actors-len(w.late))()
		}
		if w.Every != nil {
			if violated = w.Every(); violated != "" {
				return violated
			}
		}
	}
}

// pick decides which of n comes next. The first are the actors with the numbers that can take a step.
func (w *World) pick(n int, can []int) int {
	if n == 1 {
		return 0
	}
	if w.Sticky > 0 && w.Choose(100) < w.Sticky {
		if k := slices.Index(can, w.last); k >= 0 {
			return k
		}
	}
	return w.Choose(n)
}

// sleep moves the clock to where the first actor that waits wakes.
func (w *World) sleep() bool {
	var first time.Time
	for _, a := range w.actors {
		if !a.done && !a.stopped && w.Clock.Before(a.wake) && (first.IsZero() || a.wake.Before(first)) {
			first = a.wake
		}
	}
	if first.IsZero() {
		return false
	}
	w.Clock = first
	return true
}

func take(list *[]func(), k int) func() {
	one := (*list)[k]
	*list = append((*list)[:k], (*list)[k+1:]...)
	return one
}
