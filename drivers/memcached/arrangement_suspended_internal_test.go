package memcached

import (
	"testing"
	"testing/synctest"
	"time"
)

// A suspendable is the notes of a process that stands still for a while before it looks again, as one that its machine does not let run.
type suspendable struct {
	told
	before func() // is called before each look
}

func (n suspendable) servers() ([]string, string, error) {
	n.before()
	return n.told.servers()
}

func (w *world) noteOn(server string) note {
	w.mu.Lock()
	defer w.mu.Unlock()
	return parseNote(w.texts[server])
}

// A process that stood still for as long as another list takes to settle does not go on without the server where that may have settled: it
// has not asked it all that time.
func TestArrangementSuspendedBesideAnotherList(t *testing.T) {
	for _, suspended := range []time.Duration{2500 * time.Millisecond, 4 * time.Second, 8 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(1)
			runs := make(chan struct{}, 1) // is empty while the process stands still
			runs <- struct{}{}
			a := newArranger(suspendable{told{w, "a,b", 1}, func() { runs <- <-runs }})
			defer a.end()
			word, err := a.arrangement(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			<-runs
			begin := time.Now()
			other, _ := w.begun(t, "a", 2)
			defer other.end()
			time.Sleep(suspended - time.Since(begin))
			w.setDead("a", true)
			runs <- struct{}{}
			for begin := time.Now(); time.Since(begin) < 3*time.Second; time.Sleep(10 * time.Millisecond) {
				if w.ask(a) == word {
					t.Fatalf("suspended for %v: it goes on with its word when another list has settled", suspended)
				}
			}
		})
	}
}

// A note settles only while its servers answer all the time: while one does not, a process goes on without it, and hears of the note only
// when the server is back. So one that stood still meanwhile, and has found its note there before and after, waits anew.
func TestArrangementSuspendedWhileItSettles(t *testing.T) {
	heldOut := 0 // worlds in which a process went on without the server
	for phase := range 10 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(1)
			a, word := w.begun(t, "a,b", 1)
			defer a.end()
			time.Sleep(time.Duration(phase) * 43 * time.Millisecond)
			on, seen := make(chan struct{}), 0
			other := newArranger(suspendable{told{w, "a", 2}, func() {
				if w.noteOn("a").digest != "a" {
					return
				}
				if seen++; seen == 2 { // it has seen its note once
					w.setDead("a", true)
					<-on
				}
			}})
			defer other.end()
			other.look(false)
			time.Sleep(settling + time.Duration(100+200*phase)*time.Millisecond)
			if w.ask(a) == word {
				heldOut++
			}
			w.setDead("a", false)
			close(on)
			for begin, settled := time.Now(), false; !settled; time.Sleep(10 * time.Millisecond) {
				if time.Since(begin) > chaosLasts {
					t.Fatalf("phase %d: the other list does not settle", phase)
				}
				last := other.current.Load()
				other.look(false)
				settled = last != nil && last.word != ""
				if now := w.ask(a); settled && now == word {
					t.Errorf("phase %d: a process goes on with its word when another list has settled", phase)
				}
			}
		})
	}
	if heldOut == 0 {
		t.Error("no process went on without the server: that proves nothing")
	}
	t.Logf("%d of 10 went on without the server", heldOut)
}
