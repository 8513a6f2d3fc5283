package flight_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/internal/flight"
)

// TestOneOfSeveralLeaves holds that a fill whose client has left goes on as long as one of several that wait is there.
func TestOneOfSeveralLeaves(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		client, leave := context.WithCancel(t.Context())
		leader := join(g)
		ctx := leader.Context(client)
		done := ctx.Done()
		var give []context.CancelFunc
		for range 3 {
			wait, stop := context.WithCancel(t.Context())
			give = append(give, stop)
			waiting.wait(wait, join(g))
		}
		synctest.Wait()
		leave()
		for i, stop := range give {
			synctest.Wait()
			select {
			case <-done:
				t.Errorf("it ends with %d that wait", len(give)-i)
			default:
			}
			stop()
		}
		synctest.Wait()
		select {
		case <-done:
		default:
			t.Error("it goes on for nobody")
		}
		leader.Fail()
	})
}

// TestNextLeaves holds that one that has asked for a later fill, and leaves, is not waited for: the later fill would have no leader.
func TestNextLeaves(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		leader := join(g)
		ctx, leave := context.WithCancel(t.Context())
		waiting.wait(ctx, next(g))
		synctest.Wait()
		leave()
		waiting.expect(t, map[flight.Ending]int{flight.Left: 1})
		leader.Share("result")
		s, leads := g.Join("k", nil)
		if !leads {
			t.Fatal("the next waits for one that has left")
		}
		s.Share("result")
	})
}

// TestNextAreImpatient holds that of those which have asked for a later fill one more leads when its first leader takes long.
func TestNextAreImpatient(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		leader := join(g)
		for range 3 {
			waiting.wait(t.Context(), next(g))
		}
		synctest.Wait()
		leader.Share("result")
		leads := waiting.take()
		if len(leads) != 1 {
			t.Fatalf("%d lead", len(leads))
		}
		time.Sleep(patience)
		if more := waiting.take(); len(more) != 1 {
			t.Errorf("after the patience, %d more lead", len(more))
		}
		leads[0].Share("result")
	})
}

// TestEndsOnce holds that a flight of two leaders ends once, whichever way the second one ends.
func TestEndsOnce(t *testing.T) {
	for name, end := range map[string]func(seat){
		"shared": func(s seat) { s.Share("another") }, "for one client": seat.Part, "failed": seat.Fail, "given up": seat.Pass,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g group, waiting *crowd) {
				leader := join(g)
				waiting.join(t, g, 2)
				time.Sleep(patience)
				second := waiting.take()
				leader.Share("result")
				end(second[0])
				if n := g.Ended(); n != 1 {
					t.Errorf("%d flights have ended", n)
				}
			})
		})
	}
}

// TestPassing holds that a lead which was given up without a fill is no failure: one leads at a time, as before.
func TestPassing(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		leader := join(g)
		waiting.join(t, g, 20)
		for range 5 {
			leader.Pass()
			leads := waiting.take()
			if len(leads) != 1 {
				t.Fatalf("%d lead", len(leads))
			}
			leader = leads[0]
		}
		leader.Share("result")
	})
}

// TestPassingAmongFew is the same once two have failed, and a few lead at a time.
func TestPassingAmongFew(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		leader := join(g)
		waiting.join(t, g, 50)
		leader.Fail()
		waiting.take()[0].Fail()
		leads := waiting.take()
		few := len(leads)
		for range 20 {
			leads[0].Pass()
			more := waiting.take()
			if len(more) != 1 {
				t.Fatalf("%d lead in the place of one, beside %d", len(more), few-1)
			}
			leads = append(leads[1:], more...)
		}
		leads[0].Share("result")
	})
}

// TestWidthGrows holds that it is the time since the second failure by which more lead at a time, whatever fails, or is given up,
// later.
func TestWidthGrows(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		leader := join(g)
		waiting.join(t, g, 100)
		leader.Fail()
		waiting.take()[0].Fail()
		leads := waiting.take()
		time.Sleep(2*patience + time.Second)
		leads = append(leads, waiting.take()...)
		for _, end := range []func(seat){seat.Pass, seat.Fail} {
			end(leads[0])
			leads = append(leads[1:], waiting.take()...)
			if len(leads) != 16 {
				t.Errorf("%d lead at a time, want 16: four, doubled twice", len(leads))
			}
		}
		leads[0].Share("result")
	})
}

// TestDeadline holds that a fill has as much longer than its client as requests wait for it before another leads.
func TestDeadline(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		client, stop := context.WithTimeout(t.Context(), patience/2)
		defer stop()
		want, _ := client.Deadline()
		leader := join(g)
		ctx := leader.Context(client)
		waiting.join(t, g, 2) // of which one leads after the patience
		if got, ok := ctx.Deadline(); !ok || !got.Equal(want.Add(patience)) {
			t.Errorf("the deadline is %v, want %v", got, want.Add(patience))
		}
		<-ctx.Done()
		if late := time.Since(want); late != patience {
			t.Errorf("it ends %v behind its client's deadline, want %v", late, patience)
		}
		leader.Share("result")
	})
}

// TestValues holds that the values of a leader's client are there from the beginning, and that contexts made of the one that it runs on
// cost no goroutine each: the standard library finds what ends it among its values.
func TestValues(t *testing.T) {
	bubble(t, func(t *testing.T, g group, _ *crowd) {
		type key struct{}
		leader := join(g)
		ctx := leader.Context(context.WithValue(t.Context(), key{}, "value"))
		if ctx.Value(key{}) != "value" {
			t.Error("it has not the client's values")
		}
		ctx.Done()
		const children = 100
		before := runtime.NumGoroutine()
		for range children {
			_, stop := context.WithCancel(ctx)
			defer stop()
		}
		if more := runtime.NumGoroutine() - before; more >= children {
			t.Errorf("%d contexts cost %d goroutines", children, more)
		}
		leader.Fail()
	})
}

// TestBoards holds from when until when requests join a flight without looking for a result first, and that no flight with several leaders is such a one.
func TestBoards(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		want := func(when string, want bool) {
			t.Helper()
			if got := g.Boards("k"); got != want {
				t.Errorf("%s: %t, want %t", when, got, want)
			}
		}
		want("without a flight", false)
		leader := join(g)
		want("under way", false)
		leader.Board()
		want("boarding", true)
		if g.Boards("another") {
			t.Error("so is another")
		}
		leader.TakeOff()
		want("taken off", false)
		leader.Board()
		for range 3 {
			waiting.wait(t.Context(), join(g))
		}
		leader.Fail()
		waiting.take()[0].Fail()
		last := waiting.take()
		last[0].Board()
		want("with few at a time", false)
		last[0].Share("result")
		want("over", false)
	})
}
