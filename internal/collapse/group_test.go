package collapse_test

import (
	"context"
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/internal/collapse"
)

// long is more patience than any of these tests needs.
const long = time.Hour

// endings counts how flights ended for those who waited.
type endings map[collapse.Ending]int

// followers are those who wait, and what came of it.
type followers struct {
	sync.WaitGroup
	mu    sync.Mutex
	ended endings
}

// follow has n wait for a flight, each with a context and patience of his own.
func (f *followers) follow(ctx context.Context, n int, flight *collapse.Flight[string], patience time.Duration) {
	for range n {
		f.Go(func() {
			result, ending := flight.Wait(ctx, patience)
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.ended == nil {
				f.ended = endings{}
			}
			if (result == "result") == (ending == collapse.Shared) && (result == "result" || result == "") {
				f.ended[ending]++
			}
		})
	}
}

// sofar returns what came of those who do not wait any more.
func (f *followers) sofar() endings {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.ended)
}

// expect waits for all and holds what came of them.
func (f *followers) expect(t *testing.T, want endings) {
	t.Helper()
	f.Wait()
	if got := f.sofar(); !maps.Equal(got, want) {
		t.Errorf("flights ended so for those who waited: %v, want %v", got, want)
	}
}

// TestEndings holds what those who follow get out of each way in which a flight can end.
func TestEndings(t *testing.T) {
	type flight = *collapse.Flight[string]
	for _, test := range []struct {
		name string
		end  func(flight)
		want collapse.Ending
	}{
		{"shared", func(f flight) { f.Share("result") }, collapse.Shared},
		{"abandoned", flight.Abandon, collapse.Apart},
		{"failed", flight.Fail, collapse.Failed},
		{"shared, then abandoned and failed", func(f flight) { f.Share("result"); f.Abandon(); f.Fail() }, collapse.Shared},
		{"abandoned, then failed and shared", func(f flight) { f.Abandon(); f.Fail(); f.Share("result") }, collapse.Apart},
		{"failed, then shared and abandoned", func(f flight) { f.Fail(); f.Share("result"); f.Abandon() }, collapse.Failed},
		{"shared twice", func(f flight) { f.Share("result"); f.Share("another") }, collapse.Shared},
		{"panicked", func(f flight) {
			defer func() { _ = recover() }()
			defer f.Fail()
			panic("in the handler")
		}, collapse.Failed},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var group collapse.Group[string]
				var waiting followers
				flight, leads := group.Join("k")
				if !leads {
					t.Fatal("the first does not lead")
				}
				for range 4 {
					same, leads := group.Join("k")
					if leads || same != flight {
						t.Fatal("another does not follow")
					}
					waiting.follow(t.Context(), 1, same, long)
				}
				synctest.Wait()
				test.end(flight)
				waiting.follow(t.Context(), 1, flight, 0) // who comes to wait too late waits for nothing
				waiting.expect(t, endings{test.want: 5})
				if n := group.Ended(); n != 1 {
					t.Errorf("%d flights have ended", n)
				}
				if next, leads := group.Join("k"); !leads || next == flight {
					t.Error("the next does not lead a flight of his own")
				}
			})
		})
	}
}

// TestKeysApart holds that flights for different keys have nothing to do with one another.
func TestKeysApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var group collapse.Group[string]
		var waiting followers
		one, _ := group.Join("one")
		other, leads := group.Join("other")
		if !leads {
			t.Fatal("the first of another key does not lead")
		}
		if same, leads := group.Join("one"); leads || same != one {
			t.Error("the first flight is over")
		}
		waiting.follow(t.Context(), 2, one, long)
		waiting.follow(t.Context(), 3, other, long)
		synctest.Wait()
		other.Abandon()
		synctest.Wait()
		if got := waiting.sofar(); !maps.Equal(got, endings{collapse.Apart: 3}) {
			t.Errorf("once one has ended: %v", got)
		}
		one.Share("result")
		waiting.expect(t, endings{collapse.Apart: 3, collapse.Shared: 2})
		if n := group.Ended(); n != 2 {
			t.Errorf("%d flights have ended", n)
		}
	})
}

// TestLateEndingOfAnOldFlight holds that a leader who ends his flight a second time does not end the next one.
func TestLateEndingOfAnOldFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var group collapse.Group[string]
		var waiting followers
		old, _ := group.Join("k")
		old.Abandon()
		next, _ := group.Join("k")
		waiting.follow(t.Context(), 2, next, long)
		synctest.Wait()
		old.Abandon()
		old.Share("old")
		synctest.Wait()
		if same, leads := group.Join("k"); leads || same != next {
			t.Error("the next flight is over")
		}
		next.Share("result")
		waiting.expect(t, endings{collapse.Shared: 2})
	})
}

// TestLeaving holds that who waits can leave with his own client, and that it concerns nobody else.
func TestLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var group collapse.Group[string]
		var leaving, staying followers
		flight, _ := group.Join("k")
		ctx, leave := context.WithCancel(t.Context())
		leaving.follow(ctx, 3, flight, long)
		staying.follow(t.Context(), 2, flight, long)
		synctest.Wait()
		leave()
		leaving.expect(t, endings{collapse.TooLong: 3})
		if got := staying.sofar(); len(got) != 0 {
			t.Errorf("others left, too: %v", got)
		}
		leaving.follow(ctx, 1, flight, long) // who has left already does not begin to wait
		leaving.expect(t, endings{collapse.TooLong: 4})
		if _, leads := group.Join("k"); leads || group.Ended() != 0 {
			t.Error("the flight is over")
		}
		flight.Share("result")
		staying.expect(t, endings{collapse.Shared: 2})
	})
}

// TestPatience holds that nobody waits for longer than he wants to, as for a leader that streams.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var group collapse.Group[string]
		var impatient, patient followers
		flight, _ := group.Join("k")
		begun := time.Now()
		impatient.follow(t.Context(), 3, flight, 5*time.Second)
		patient.follow(t.Context(), 2, flight, long)
		impatient.expect(t, endings{collapse.TooLong: 3})
		if waited := time.Since(begun); waited != 5*time.Second {
			t.Errorf("they waited for %v", waited)
		}
		flight.Share("result")
		patient.expect(t, endings{collapse.Shared: 2})
		if waited := time.Since(begun); waited != 5*time.Second {
			t.Errorf("the others waited for %v", waited)
		}
	})
}

// TestEnded holds what Ended promises: who reads it before he looks for a result, finds none, and then leads a flight with
// Ended unchanged, is the only one to make the result.
func TestEnded(t *testing.T) {
	const requests, keys = 8, 200
	var group collapse.Group[string]
	var stored sync.Map
	var made [keys]atomic.Int32
	request := func(i int) {
		key := strconv.Itoa(i)
		for {
			ended := group.Ended()
			if _, ok := stored.Load(key); ok {
				return
			}
			flight, leads := group.Join(key)
			if !leads {
				if _, ending := flight.Wait(t.Context(), long); ending == collapse.Shared {
					return
				}
				continue
			}
			if group.Ended() != ended {
				flight.Abandon() // somebody may have left it by now
				continue
			}
			made[i].Add(1)
			stored.Store(key, true)
			flight.Share("result")
			return
		}
	}
	var clients sync.WaitGroup
	for range requests {
		clients.Go(func() {
			for i := range keys {
				request(i)
			}
		})
	}
	clients.Wait()
	for i := range made {
		if n := made[i].Load(); n != 1 {
			t.Errorf("result %d was made %d times", i, n)
		}
	}
}

// TestConcurrentEndings holds that a flight ends once, with one outcome for all, however many end it at the same time.
func TestConcurrentEndings(t *testing.T) {
	var group collapse.Group[string]
	for range 200 {
		flight, _ := group.Join("k")
		before := group.Ended()
		var waiting followers
		waiting.follow(t.Context(), 4, flight, long)
		var enders sync.WaitGroup
		for range 2 {
			enders.Go(func() { flight.Share("result") })
			enders.Go(flight.Abandon)
			enders.Go(flight.Fail)
		}
		enders.Wait()
		waiting.Wait()
		got := waiting.sofar()
		for ending, n := range got {
			if ending == collapse.TooLong || n != 4 {
				t.Fatalf("for those who waited it ended in different ways: %v", got)
			}
		}
		if n := group.Ended() - before; n != 1 {
			t.Fatalf("it ended %d times", n)
		}
	}
}
