package entries

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
)

// What is owed stays owed until it is paid: by a payment that began behind it.
func TestDebts(t *testing.T) {
	var l ledger
	if l.owed("a") != 0 || l.count() != 0 {
		t.Error("something is owed from the beginning")
	}
	l.owe("a", 0)
	first := l.owed("a")
	l.owe("b", 0)
	l.owe("a", 0) // once more, while the first is being paid
	l.paid("a", first)
	if l.owed("a") == 0 {
		t.Error("a payment paid for what came behind it")
	}
	l.paid("a", l.owed("a"))
	if l.owed("a") != 0 || l.owed("b") == 0 {
		t.Errorf("owed: %d, %d", l.owed("a"), l.owed("b"))
	}
	before := l.count()
	l.owe("c", 0)
	l.forget(before)
	if l.owed("b") != 0 || l.owed("c") == 0 {
		t.Errorf("owed behind a flush: %d, %d", l.owed("b"), l.owed("c"))
	}
	if l.owe("d", weight("c")+weight("d")-1) || !l.owe("d", weight("c")+weight("d")) {
		t.Error("the limit is not where it should be")
	}
	l.forget(l.count())
	if len(l.pending) != 0 || l.weight != 0 {
		t.Errorf("%d are left, which weigh %d", len(l.pending), l.weight)
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

// A purge that could not be carried out holds in this process, also while what it is of cannot be removed, and in every process
// once it is paid. It is not forgotten over a flush that fails.
func TestPurgeOwed(t *testing.T) {
	for _, flush := range []string{"none", "failed"} {
		t.Run("flush: "+flush, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, f := open(t, false)
				keep(t, s, "/a", "", "old", nil)
				f.breakdown(fails("set", "delete"))
				if err := s.PurgePath(t.Context(), "/a"); err == nil {
					t.Fatal("the purge succeeded")
				}
				if got := s.Get(t.Context(), at("/a", ""), time.Now()); got.Entry != nil {
					t.Errorf("while the store takes nothing: %+v", got)
				}
				if ticket := s.Begin(t.Context(), &Found{}, at("/a", "")); ticket.Usable() {
					t.Error("a fill may keep what it makes with the marks that are to go")
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
				time.Sleep(2 * longestPause)
				if got := found(t, another(t, s), "/a", nil); got != "" {
					t.Errorf("in another process: %q", got)
				}
				keep(t, s, "/a", "", "new", nil)
				if got := found(t, s, "/a", nil); got != "new" {
					t.Errorf("afterwards: %q", got)
				}
			})
		})
	}
}

// A store that is full takes no mark, and removes the one that is there, which is all that a purge needs: nothing is owed.
func TestPurgeOfAFullStore(t *testing.T) {
	for name, purge := range map[string]func(s *Store) error{
		"a path":             func(s *Store) error { return s.PurgePath(context.Background(), "/a") },
		"a path on one host": func(s *Store) error { return s.PurgeHostPath(context.Background(), "h", "/a") },
		"a namespace":        func(s *Store) error { _, err := s.ClearNamespace(context.Background(), "n"); return err },
		"an own path":        own,
		"an own path, at once": func(s *Store) error {
			ticket := Ticket{}
			return s.PurgeOwn(context.Background(), &ticket, purge.OfHostPath("h", "/a"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, f := open(t, false)
			other := another(t, s)
			keep(t, s, "/a", "n", "old", nil)
			settle(t, s)
			if got := foundIn(t, other, "/a", "n", nil); got != "old" {
				t.Fatalf("before: %q", got)
			}
			f.breakdown(fails("set"))
			for range 5 { // more than the guard has patience for
				if err := purge(s); err != nil {
					t.Error(err)
				}
			}
			for name, s := range map[string]*Store{"this process": s, "another": other} {
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

// own has a request change /a whose own response is to outlive that.
func own(s *Store) error {
	ticket := s.BeginOwn(context.Background(), &Found{}, at("/a", "n"))
	return s.PurgeOwn(context.Background(), &ticket, purge.OfHostPath("h", "/a"))
}

// A purge that fails while another one of the same path succeeds is owed all the same: the other began before it.
func TestPurgeOwedBesideAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := open(t, false)
		inDelete, goOn := make(chan struct{}), make(chan struct{})
		first := true
		f.breakdown(func(_ context.Context, op, _ string) error {
			if op != "delete" {
				return nil
			}
			if !first {
				return errors.New("no")
			}
			first = false
			close(inDelete)
			<-goOn
			return nil
		})
		done := make(chan error, 1)
		go func() { done <- s.PurgePath(t.Context(), "/a") }()
		<-inDelete
		if err := s.PurgePath(t.Context(), "/a"); err == nil {
			t.Fatal("the second purge succeeded")
		}
		close(goOn)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if s.shared.Owed() == 0 {
			t.Error("nothing is owed")
		}
	})
}

// Purges of paths that nothing is stored for leave nothing behind, and cost no other path anything.
func TestPurgesElsewhere(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		keep(t, s, "/a", "n", "body", nil)
		for i := range 20_000 {
			path := fmt.Sprintf("/%d", i)
			if err := errors.Join(s.PurgePath(t.Context(), path), s.PurgeHostPath(t.Context(), "h", path)); err != nil {
				t.Fatal(err)
			}
		}
		if got := foundIn(t, s, "/a", "n", nil); got != "body" {
			t.Errorf("it is gone: %q", got)
		}
		if n, err := s.far.Clear(t.Context(), "p:"); n > 9 || err != nil { // a page, two marks for each of three scopes, the pulse, a log
			t.Errorf("%d keys of the cache's own were there (%v)", n, err)
		}
	})
}
