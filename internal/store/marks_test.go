package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// What is owed stays owed until it is paid: by a payment that began behind it.
func TestDebts(t *testing.T) {
	var m marks
	if m.owed(1) != 0 || m.count() != 0 {
		t.Error("something is owed from the beginning")
	}
	m.owe(1)
	first := m.owed(1)
	m.owe(2)
	m.owe(1) // once more, while the first is being paid
	m.paid(1, first)
	if m.owed(1) == 0 {
		t.Error("a payment paid for what came behind it")
	}
	m.paid(1, m.owed(1))
	if m.owed(1) != 0 || m.owed(2) == 0 {
		t.Errorf("owed: %d, %d", m.owed(1), m.owed(2))
	}
	before := m.count()
	m.owe(3)
	m.forget(before)
	if m.owed(2) != 0 || m.owed(3) == 0 {
		t.Errorf("owed behind a flush: %d, %d", m.owed(2), m.owed(3))
	}
	m.forget(m.count())
	if len(m.pending) != 0 {
		t.Errorf("%d are left", len(m.pending))
	}
}

// fails makes operations of one kind fail.
func fails(kinds ...string) func(context.Context, string, string) error {
	return func(_ context.Context, op, _ string) error {
		if slices.Contains(kinds, op) {
			return errors.New("no")
		}
		return nil
	}
}

// A purge that could not be carried out holds in this process, is carried out before anything of its path is served, and
// is not forgotten over a flush that fails.
func TestPurgeOwed(t *testing.T) {
	for _, flush := range []string{"none", "failed"} {
		t.Run("flush: "+flush, func(t *testing.T) {
			s, f := open(t, false)
			keep(t, s, "/a", "", "old", nil)
			f.breakdown(fails("set", "delete"))
			if err := s.PurgePath(t.Context(), "/a"); err == nil {
				t.Fatal("the purge succeeded")
			}
			if got := s.Get(t.Context(), at("/a", ""), nil, time.Now()); got.Entry != nil || got.Err == nil {
				t.Errorf("while the store takes nothing: %+v", got)
			}
			if flush == "failed" {
				f.breakdown(fails("clear"))
				if err := s.Flush(t.Context()); err == nil {
					t.Fatal("the flush succeeded")
				}
			}
			f.breakdown(nil)
			if got := found(t, s, "/a", nil); got != "" {
				t.Errorf("once the store is back: %q", got)
			}
			other, _ := open(t, false)
			other.far = s.far // another process
			if got := found(t, other, "/a", nil); got != "" {
				t.Errorf("in another process: %q", got)
			}
			keep(t, s, "/a", "", "new", nil)
			if got := found(t, s, "/a", nil); got != "new" {
				t.Errorf("afterwards: %q", got)
			}
		})
	}
}

// A store that is full takes no mark, and removes the one that is there, which is as good, in all processes: nothing is owed.
func TestPurgeOfAFullStore(t *testing.T) {
	for name, purge := range map[string]func(s *Responses) error{
		"a path":      func(s *Responses) error { return s.PurgePath(context.Background(), "/a") },
		"a namespace": func(s *Responses) error { _, err := s.ClearNamespace(context.Background(), "n"); return err },
		"an own path": func(s *Responses) error {
			ticket := s.Begin(context.Background(), &Found{}, at("/a", "n"))
			return s.PurgeOwn(context.Background(), "/a", &ticket, at("/a", "n"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, f := open(t, false)
			other, _ := open(t, false)
			other.far = s.far // another process
			keep(t, s, "/a", "n", "old", nil)
			if got := foundIn(t, other, "/a", "n", nil); got != "old" {
				t.Fatalf("before: %q", got)
			}
			f.breakdown(fails("set"))
			for range 5 { // more than the guard has patience for
				if err := purge(s); err != nil {
					t.Error(err)
				}
			}
			for name, s := range map[string]*Responses{"this process": s, "another": other} {
				if got := foundIn(t, s, "/a", "n", nil); got != "" {
					t.Errorf("in %s: %q", name, got)
				}
			}
			f.breakdown(nil)
			if s.owes() {
				t.Error("something is owed")
			}
		})
	}
}

// A purge that fails while another one of the same slot succeeds is owed all the same: the other began before it.
func TestPurgeOwedBesideAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := open(t, false)
		inSet, goOn := make(chan struct{}), make(chan struct{})
		first := true
		f.breakdown(func(_ context.Context, op, _ string) error {
			if op == "get" {
				return nil
			}
			if !first {
				return errors.New("no")
			}
			first = false
			close(inSet)
			<-goOn
			return nil
		})
		done := make(chan error, 1)
		go func() { done <- s.PurgePath(t.Context(), "/a") }()
		<-inSet
		if err := s.PurgePath(t.Context(), "/a"); err == nil {
			t.Fatal("the second purge succeeded")
		}
		close(goOn)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if s.marks.owed(markSlot("/a")) == 0 {
			t.Error("nothing is owed")
		}
	})
}

// There is a bounded number of marks, and so of debts, however many paths there are; a purge of one path that shares a
// mark costs the others a miss and nothing else.
func TestMarksAreBounded(t *testing.T) {
	s, f := open(t, false)
	f.breakdown(fails("set"))
	for i := range 3 * markSlots {
		s.marks.owe(markSlot(fmt.Sprintf("/%d", i)))
	}
	if n := len(s.marks.pending); n > markSlots {
		t.Errorf("%d are owed", n)
	}
	f.breakdown(nil)
	s.marks.forget(s.marks.count())
	twin := ""
	for i := 0; twin == ""; i++ {
		if path := fmt.Sprintf("/%d", i); markSlot(path) == markSlot("/a") {
			twin = path
		}
	}
	keep(t, s, "/a", "", "body", nil)
	if err := s.PurgePath(t.Context(), twin); err != nil {
		t.Fatal(err)
	}
	if got := found(t, s, "/a", nil); got != "" {
		t.Logf("the purge of %s left %q", twin, got)
	}
	keep(t, s, "/a", "", "body", nil)
	if got := found(t, s, "/a", nil); got != "body" {
		t.Errorf("stored again: %q", got)
	}
}

// Fills that find no mark at the same time agree on one, and none of them is lost.
func TestOneMarkForAll(t *testing.T) {
	s, _ := open(t, false)
	var fills sync.WaitGroup
	marks := make([]string, 50)
	for i := range marks {
		fills.Go(func() {
			ticket := s.Begin(t.Context(), &Found{}, at("/a", ""))
			if marks[i] = ticket.mark; ticket.err != nil {
				t.Error(ticket.err)
			}
		})
	}
	fills.Wait()
	if slices.Sort(marks); marks[0] == "" || marks[0] != marks[len(marks)-1] {
		t.Errorf("the fills have the marks %q", slices.Compact(marks))
	}
}
