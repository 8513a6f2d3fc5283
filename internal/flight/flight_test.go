package flight_test

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/internal/flight"
)

const patience = 10 * time.Second

type (
	group = *flight.Group
	seat  = *flight.Seat
)

// crowd is the requests that wait, and what came of it.
type crowd struct {
	sync.WaitGroup
	mu    sync.Mutex
	ended map[flight.Ending]int
	leads []seat // those that came to lead
}

// wait has a seat wait with a context.
func (c *crowd) wait(ctx context.Context, s seat) {
	c.Go(func() {
		given, ending := s.Wait(ctx)
		result, _ := given.(string)
		c.mu.Lock()
		defer c.mu.Unlock()
		if (result == "result") != (ending == flight.Shared) || result != "result" && result != "" {
			panic("a result of " + result)
		}
		if c.ended == nil {
			c.ended = map[flight.Ending]int{}
		}
		c.ended[ending]++
		if ending == flight.Leads {
			c.leads = append(c.leads, s)
		}
	})
}

// join has n requests join the flight of k, and wait.
func (c *crowd) join(t *testing.T, g group, n int) {
	t.Helper()
	for range n {
		s, leads := g.Join("k", nil)
		if leads {
			t.Error("another leads at once")
		}
		c.wait(t.Context(), s)
	}
	synctest.Wait()
}

func join(g group) seat { s, _ := g.Join("k", nil); return s }
func next(g group) seat { s, _ := g.JoinNext("k", nil); return s }

// take returns the seats that came to lead since the last call.
func (c *crowd) take() (leads []seat) {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	leads, c.leads = c.leads, nil
	return leads
}

func (c *crowd) expect(t *testing.T, want map[flight.Ending]int) {
	t.Helper()
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !maps.Equal(c.ended, want) {
		t.Errorf("what came of those that waited: %v, want %v", c.ended, want)
	}
}

func bubble(t *testing.T, test func(t *testing.T, g group, waiting *crowd)) {
	synctest.Test(t, func(t *testing.T) {
		var waiting crowd
		test(t, flight.NewGroup(patience), &waiting)
		waiting.Wait()
	})
}

// TestEndings holds what those that wait get out of each way in which a leader's fill can end.
func TestEndings(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(seat)
		want map[flight.Ending]int
	}{
		{"shared", func(s seat) { s.Share("result") }, map[flight.Ending]int{flight.Shared: 4}},
		{"for one client", seat.Part, map[flight.Ending]int{flight.Apart: 4}},
		{"failed", seat.Fail, map[flight.Ending]int{flight.Leads: 1}},
		{"given up", seat.Pass, map[flight.Ending]int{flight.Leads: 1}},
		{"shared, then all others", func(s seat) { s.Share("result"); s.Part(); s.Fail(); s.Pass() }, map[flight.Ending]int{flight.Shared: 4}},
		{"for one client, then all others", func(s seat) { s.Part(); s.Share("result"); s.Fail() }, map[flight.Ending]int{flight.Apart: 4}},
		{"failed, then all others", func(s seat) { s.Fail(); s.Share("result"); s.Part() }, map[flight.Ending]int{flight.Leads: 1}},
		{"shared twice", func(s seat) { s.Share("result"); s.Share("another") }, map[flight.Ending]int{flight.Shared: 4}},
		{"panicked", func(s seat) {
			defer func() { _ = recover() }()
			defer s.Fail()
			panic("in the handler")
		}, map[flight.Ending]int{flight.Leads: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g group, waiting *crowd) {
				leader, leads := g.Join("k", nil)
				if !leads {
					t.Fatal("the first does not lead")
				}
				waiting.join(t, g, 4)
				test.end(leader)
				waiting.expect(t, test.want)
				for _, s := range waiting.take() {
					s.Share("result")
				}
				if n := g.Ended(); n != 1 {
					t.Errorf("%d flights have ended", n)
				}
				if _, leads := g.Join("k", nil); !leads {
					t.Error("the next does not lead a flight of its own")
				}
			})
		})
	}
}

// TestKeysApart holds that flights for different keys have nothing to do with one another.
func TestKeysApart(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		for i := range 1000 {
			if _, leads := g.Join(strconv.Itoa(i), nil); !leads {
				t.Fatalf("%d follows another key's", i)
			}
		}
	})
}

// TestFailures holds that the requests that wait lead one after the other while their handlers fail, and a few at a time from the
// third on, also those that come then; and that they all get what one of them shares.
func TestFailures(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		leader := join(g)
		waiting.join(t, g, 20)
		leader.Fail()
		second := waiting.take()
		if len(second) != 1 {
			t.Fatalf("%d lead behind one that failed", len(second))
		}
		second[0].Fail()
		few := waiting.take()
		if len(few) != 4 {
			t.Fatalf("%d lead at a time", len(few))
		}
		for range 5 {
			few[0].Fail()
			few = append(few[1:], waiting.take()...)
			if len(few) != 4 {
				t.Fatalf("%d lead at a time, further on", len(few))
			}
		}
		few[0].Pass()
		few = append(few[1:], waiting.take()...)
		waiting.join(t, g, 1)
		few[0].Share("result")
		waiting.expect(t, map[flight.Ending]int{flight.Leads: 11, flight.Shared: 10})
		for _, s := range few[1:] {
			s.Fail()
		}
		if _, leads := g.Join("k", nil); !leads {
			t.Error("the next follows a flight that has ended")
		}
	})
}

// TestForgone holds that of requests whose handlers answer, and have nothing to share, more lead each time.
func TestForgone(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		leads := []seat{join(g)}
		waiting.join(t, g, 100)
		var widths []int
		for len(leads) > 0 {
			widths = append(widths, len(leads))
			for _, s := range leads {
				s.Forgo()
			}
			leads = waiting.take()
		}
		if want := []int{1, 1, 4, 6, 12, 24, 48, 5}; !slices.Equal(widths, want) {
			t.Errorf("so many lead at a time: %v, want %v", widths, want)
		}
	})
}

// TestFewWhoCome holds that of a key whose handler fails, those that come when all others have led lead as well, a few at a time.
func TestFewWhoCome(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		leader := join(g)
		waiting.join(t, g, 2)
		leader.Fail()
		waiting.take()[0].Fail()
		last := waiting.take()
		var come []seat
		for range 3 {
			s, leads := g.Join("k", nil)
			if !leads {
				t.Fatal("one that comes waits, with nobody to wait for")
			}
			come = append(come, s)
		}
		if s, leads := g.Join("k", nil); leads {
			t.Error("a fifth leads")
		} else {
			waiting.wait(t.Context(), s)
		}
		last[0].Share("result")
		for _, s := range come {
			s.Share("another")
		}
		waiting.expect(t, map[flight.Ending]int{flight.Leads: 2, flight.Shared: 1})
	})
}

// TestPatience holds that each time a leader takes longer than the patience one more leads, and all get what the first of them shares.
func TestPatience(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		first := join(g)
		time.Sleep(patience - time.Second)
		waiting.join(t, g, 5)
		if n := len(waiting.take()); n != 0 {
			t.Errorf("%d lead before the patience is over", n)
		}
		time.Sleep(time.Second)
		second := waiting.take()
		if len(second) != 1 {
			t.Fatalf("%d lead when it is over", len(second))
		}
		time.Sleep(patience)
		if n := len(waiting.take()); n != 1 {
			t.Fatalf("%d more lead when it is over again", n)
		}
		second[0].Share("result")
		first.Share("too late")
		waiting.expect(t, map[flight.Ending]int{flight.Leads: 2, flight.Shared: 3})
	})
}

// TestLead holds that a refresh leads where no flight is under way, or one that takes longer than the patience.
func TestLead(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		if g.Lead("k") == nil {
			t.Fatal("it does not lead where nothing is under way")
		}
		if g.Lead("k") != nil {
			t.Error("it leads beside another")
		}
		waiting.join(t, g, 1)
		time.Sleep(patience - time.Nanosecond)
		if g.Lead("k") != nil {
			t.Error("it leads before the patience is over")
		}
		time.Sleep(time.Nanosecond)
		waiting.take()
		if g.Lead("k") != nil {
			t.Error("it leads, and so does one that waited")
		}
		time.Sleep(patience)
		s := g.Lead("k")
		if s == nil {
			t.Fatal("it does not lead where two hang")
		}
		s.Share("result")
		if next := g.Lead("k"); next == nil {
			t.Error("the next does not lead behind a flight that has ended")
		}
	})
}

// TestNext holds that those that ask for a later fill share one that begins when the one under way has ended, however it ended, and
// that others may share it too.
func TestNext(t *testing.T) {
	for name, end := range map[string]func(seat){"shared": func(s seat) { s.Share("result") }, "for one client": seat.Part, "failed": seat.Fail} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g group, waiting *crowd) {
				first, leads := g.JoinNext("k", nil)
				if !leads {
					t.Fatal("the first does not lead")
				}
				for range 3 {
					waiting.wait(t.Context(), next(g))
				}
				if n := len(waiting.take()); n != 0 {
					t.Fatalf("%d lead at once", n)
				}
				end(first)
				second := waiting.take()
				if len(second) != 1 {
					t.Fatalf("%d lead behind it", len(second))
				}
				waiting.join(t, g, 1)
				last := next(g)
				waiting.wait(t.Context(), last)
				second[0].Share("result")
				waiting.expect(t, map[flight.Ending]int{flight.Leads: 2, flight.Shared: 3})
				if lead := waiting.take(); len(lead) != 1 || lead[0] != last {
					t.Error("the last one does not lead")
				}
			})
		})
	}
}

// TestNextIsImpatient holds that those that ask for a later fill begin theirs when the one under way takes too long, and that those
// that wait for that one still get what it shares.
func TestNextIsImpatient(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		first := join(g)
		waiting.join(t, g, 2)
		for range 2 {
			waiting.wait(t.Context(), next(g))
		}
		time.Sleep(patience)
		lead := waiting.take()
		if len(lead) != 2 { // one of each
			t.Fatalf("%d lead", len(lead))
		}
		first.Share("result")
		waiting.expect(t, map[flight.Ending]int{flight.Leads: 2, flight.Shared: 1})
		if s, leads := g.Join("k", nil); leads {
			t.Error("one that comes then leads beside the later fill")
		} else {
			waiting.wait(t.Context(), s)
		}
		for _, s := range lead {
			s.Share("result")
		}
		waiting.expect(t, map[flight.Ending]int{flight.Leads: 2, flight.Shared: 3})
	})
}

// TestBitByBit holds that a response that is sent bit by bit is waited for a while, and no longer.
func TestBitByBit(t *testing.T) {
	for name, test := range map[string]struct {
		after time.Duration
		want  flight.Ending
	}{"it ends in time": {time.Second - 1, flight.Shared}, "it goes on": {time.Second + 1, flight.Apart}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g group, waiting *crowd) {
				leader := join(g)
				waiting.join(t, g, 3)
				leader.PartWithin(time.Second)
				leader.PartWithin(time.Hour)
				time.Sleep(test.after)
				leader.Share("result")
				waiting.expect(t, map[flight.Ending]int{test.want: 3})
			})
		})
	}
}

// TestLeaving holds that a request whose context is done does not wait, and that a lead that comes to it at that moment goes to another.
func TestLeaving(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		leader := join(g)
		ctx, leave := context.WithCancel(t.Context())
		waiting.wait(ctx, join(g))
		waiting.wait(ctx, next(g))
		waiting.join(t, g, 1)
		leave()
		waiting.expect(t, map[flight.Ending]int{flight.Left: 2})
		gone := join(g) // it does not even wait
		leader.Fail()
		if n := len(waiting.take()); n != 1 {
			t.Errorf("%d lead", n)
		}
		if _, ending := gone.Wait(ctx); ending != flight.Left {
			t.Error("one that has left waits")
		}
	})
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		leader := join(g)
		gone := join(g)
		waiting.join(t, g, 1)
		leader.Fail() // which hands the lead to the one that has left
		ctx, leave := context.WithCancel(t.Context())
		leave()
		if _, ending := gone.Wait(ctx); ending != flight.Left {
			t.Error("one that has left leads")
		}
		if n := len(waiting.take()); n != 1 {
			t.Errorf("%d lead", n)
		}
	})
}

// TestMany holds that whatever many requests do at once, each of them is told an ending and none leads beside others but by rule.
func TestMany(t *testing.T) {
	g := flight.NewGroup(time.Hour)
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			for j := range 500 {
				ctx, leave := context.WithCancel(t.Context())
				join := g.Join
				if (i+j)%3 == 0 {
					join = g.JoinNext
				}
				s, leads := join(strconv.Itoa(j%3), nil)
				if (i+j)%7 == 0 {
					go leave()
				}
				if !leads {
					if _, ending := s.Wait(ctx); ending != flight.Leads {
						leave()
						continue
					}
				}
				held := s.Context(ctx)
				held.Done()
				switch (i * j) % 5 {
				case 0:
					s.Fail()
				case 1:
					s.Part()
				case 2:
					s.Pass()
				case 3:
					leave()
					s.Share("result")
				default:
					s.Share("result")
				}
				leave()
			}
		})
	}
	all.Wait()
	for i := range 3 {
		if _, leads := g.Join(strconv.Itoa(i), nil); !leads {
			t.Errorf("a flight of %d is left over", i)
		}
	}
}

// A flight that lies in a request's room is as good as one of its own, and a room that is taken already is not used twice.
func TestRoomIsUsedOnce(t *testing.T) {
	g := flight.NewGroup(time.Hour)
	var room flight.Room
	first, leads := g.Join("a", &room)
	second, leadsToo := g.Join("b", &room)
	follower, follows := g.Join("a", &room)
	if !leads || !leadsToo || follows {
		t.Fatalf("leads %t and %t, and leads beside the first: %t", leads, leadsToo, follows)
	}
	second.Share("of b")
	again, leads := g.Join("b", &room)
	if !leads {
		t.Fatal("the flight of b is over, and one that comes later does not lead")
	}
	again.Share("of b")
	first.Share("of a")
	if result, ending := follower.Wait(t.Context()); ending != flight.Shared || result != "of a" {
		t.Errorf("the follower got %v, %v", result, ending)
	}
}
