package memcached

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// ask returns the word that a process is told within half a second; empty for none.
func (w *world) ask(a *arranger) string {
	ctx, cancel := context.WithTimeout(a.life, 500*time.Millisecond)
	defer cancel()
	word, _ := a.arrangement(ctx)
	return word
}

// begun returns a process that goes on, and its word.
func (w *world) begun(t *testing.T, list string, process int) (*arranger, string) {
	t.Helper()
	a := newArranger(told{w, list, process})
	t.Cleanup(a.end)
	word, err := a.arrangement(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a, word
}

// A server that is slower than an operation may take is heard all the same: what settles there ends the word of this process.
func TestArrangementOnASlowServer(t *testing.T) {
	for _, delay := range []time.Duration{20, 80, 120, 140} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(1)
			a, word := w.begun(t, "a,b", 1)
			defer a.end()
			w.setDelay("a", delay*time.Millisecond)
			time.Sleep(2 * lookEvery)
			other := newArranger(told{w, "a", 2})
			defer other.end()
			for begin, settled := time.Now(), false; !settled; time.Sleep(10 * time.Millisecond) {
				if time.Since(begin) > chaosLasts {
					t.Fatalf("%v each way: the other list does not settle", delay*time.Millisecond)
				}
				last := other.current.Load()
				other.look(false)
				settled = last != nil && last.word != ""
				if now := w.ask(a); settled && now == word {
					t.Errorf("%v each way: a process goes on with its word when another list has settled", delay*time.Millisecond)
				}
			}
		})
	}
}

// A note that a server lost while this process did not hear it is not written again: another one may have been there meanwhile.
func TestArrangementLostWhileSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		a, word := w.begun(t, "a,b", 1)
		defer a.end()
		w.setDead("a", true)
		for begin := time.Now(); time.Since(begin) < 5*time.Second; time.Sleep(50 * time.Millisecond) {
			if now := w.ask(a); now != word {
				t.Fatalf("without a server the word is %q, want %q", now, word)
			}
		}
		w.lose("a")
		w.setDead("a", false)
		time.Sleep(askEvery + 100*time.Millisecond)
		for begin := time.Now(); time.Since(begin) < 5*time.Second; time.Sleep(50 * time.Millisecond) {
			if w.ask(a) == word {
				t.Fatal("the note is written again")
			}
		}
		if now := w.ask(a); now == "" {
			t.Error("there is no new word")
		}
	})
}

// An answer that comes beside a look ends the word, also where that look is under way and has not seen it.
func TestArrangementDoubtedWithinALook(t *testing.T) {
	for phase := range 10 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(0)
			a, word := w.begun(t, "a,b", 1)
			defer a.end()
			on := make(chan struct{})
			w.mu.Lock()
			w.stopped["a"] = on
			w.mu.Unlock()
			w.setDelay("b", 150*time.Millisecond) // so that a look is under way most of the time
			for begin, least := time.Now(), 3*time.Second+time.Duration(phase)*43*time.Millisecond; time.Since(begin) < least; time.Sleep(time.Millisecond) {
				if now := w.ask(a); now != word {
					t.Fatalf("without a server the word is %q, want %q", now, word)
				}
			}
			w.mu.Lock()
			w.texts["a"] = note{"a", "another", true}.String()
			delete(w.stopped, "a")
			close(on)
			w.mu.Unlock()
			time.Sleep(20 * time.Millisecond)
			for begin := time.Now(); time.Since(begin) < 2*time.Second; time.Sleep(time.Millisecond) {
				if w.ask(a) == word {
					t.Fatalf("phase %d: it goes on with its word, %v after another one was heard", phase, time.Since(begin))
				}
			}
		})
	}
}
