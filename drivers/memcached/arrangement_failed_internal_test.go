package memcached

import (
	"testing"
	"testing/synctest"
	"time"
)

// Requests are not held up each time that the servers are looked at again, where the last look has failed.
func TestArrangementThatFailedIsLookedForBesideItsCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		w.setDead("b", true)
		a := newArranger(told{w, "a,b", 1})
		defer a.end()
		if _, err := a.arrangement(t.Context()); err == nil {
			t.Fatal("no error without a server that has to answer")
		}
		for range 20 {
			time.Sleep(lookEvery / 2)
			begin := time.Now()
			if _, err := a.arrangement(t.Context()); err == nil {
				t.Fatal("no error without a server that has to answer")
			}
			if waited := time.Since(begin); waited > 0 {
				t.Fatalf("a caller waits for %v behind a look that has failed", waited)
			}
		}
		w.setDead("b", false)
		for range 10 {
			time.Sleep(lookEvery)
			_, _ = a.arrangement(t.Context())
		}
		if _, err := a.arrangement(t.Context()); err != nil {
			t.Errorf("once the server is back: %v", err)
		}
	})
}
