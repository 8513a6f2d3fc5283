package mongodb

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// TestSenders: each work has a sender at once; few of them wait for more, and none once the driver is closed.
func TestSenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
		const works = 3 * maxIdle
		ended, begin := make(chan struct{}), make(chan struct{})
		s := newSenders(ended)
		for range 2 {
			var running atomic.Int64
			for range works {
				s.run(func() { running.Add(1); <-begin })
			}
			synctest.Wait()
			if n := running.Load(); n != works {
				t.Errorf("%d works are under way of %d", n, works)
			}
			close(begin)
			synctest.Wait()
			if n := s.idle.Load(); n != maxIdle {
				t.Errorf("%d senders wait, want %d", n, maxIdle)
			}
			begin = make(chan struct{})
		}
		close(ended)
	})
}
