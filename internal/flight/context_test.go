package flight_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/internal/flight"
)

// TestContext holds when the context of what a leader runs ends: with its client's, once no request waits.
func TestContext(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		type key struct{}
		why := errors.New("the reason")
		client, leave := context.WithCancelCause(context.WithValue(t.Context(), key{}, "value"))
		leader := join(g)
		ctx := leader.Context(client)
		child, end := context.WithTimeout(ctx, time.Hour)
		defer end()
		ended := func() []bool {
			synctest.Wait()
			select {
			case <-ctx.Done():
				return []bool{true, ctx.Err() != nil, child.Err() != nil, context.Cause(ctx) == why && context.Cause(child) == why}
			default:
				return []bool{false, ctx.Err() != nil, child.Err() != nil, context.Cause(ctx) == why || context.Cause(child) == why}
			}
		}
		if _, ok := ctx.Deadline(); ok || ctx.Value(key{}) != "value" || child.Value(key{}) != "value" {
			t.Error("it has a deadline, or not the client's values")
		}
		wait, give := context.WithCancel(t.Context())
		waiting.wait(wait, join(g))
		waiting.wait(wait, join(g))
		leave(why)
		if slices.Contains(ended(), true) {
			t.Errorf("it ends with requests that wait: %v", ended())
		}
		give()
		if slices.Contains(ended(), false) {
			t.Errorf("it does not end when the last one has left: %v", ended())
		}
		leader.Fail()
	})
}

// TestContextOfOne holds that the context of a leader for which no request waits, or does any more, ends with its client's at once,
// whether it was asked for before or not.
func TestContextOfOne(t *testing.T) {
	for name, end := range map[string]func(seat){
		"leads": func(seat) {}, "has shared": func(s seat) { s.Share("result") }, "has parted": seat.Part, "has failed": seat.Fail,
	} {
		for _, asked := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T, g group, waiting *crowd) {
					client, leave := context.WithCancel(t.Context())
					leader := join(g)
					ctx := leader.Context(client)
					if asked {
						ctx.Done()
					}
					end(leader)
					if ctx.Err() != nil {
						t.Error("it has ended before its client left")
					}
					if synctest.Wait(); asked {
						select {
						case <-ctx.Done():
							t.Error("to ask whether it has ended ends it")
						default:
						}
					}
					leave()
					if !errors.Is(ctx.Err(), context.Canceled) {
						t.Error("it has not ended")
					}
					<-ctx.Done()
				})
			})
		}
	}
}

// TestLostBefore holds that a lead which ends with its client gone ends what it ran.
func TestLostBefore(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		client, leave := context.WithCancel(t.Context())
		leader := join(g)
		ctx := leader.Context(client)
		ctx.Done()
		waiting.join(t, g, 1)
		leave()
		synctest.Wait()
		if ctx.Err() != nil {
			t.Error("it ends while one waits")
		}
		leader.Part()
		if ctx.Err() == nil {
			t.Error("it goes on for nobody")
		}
		<-ctx.Done()
	})
}

// TestContextWithin holds that a fill within another's, as of a handler that has the engine serve a request of its own, ends with that.
func TestContextWithin(t *testing.T) {
	bubble(t, func(t *testing.T, g group, waiting *crowd) {
		client, leave := context.WithCancel(t.Context())
		ctx := client
		for i := range 200 { // so that some have a shard in common
			outer, _ := g.Join(strconv.Itoa(i), nil)
			ctx = outer.Context(ctx)
		}
		ctx.Done()
		leave()
		synctest.Wait()
		if <-ctx.Done(); ctx.Err() == nil {
			t.Error("it goes on")
		}
	})
}

// A request that waits inside of a fill, whose client then leaves, stops waiting whichever keys the two have: what tells that the client
// has left takes the lock of the fill's key, and keys share locks.
func TestWaitInsideOfAFillThatIsLost(t *testing.T) {
	g := flight.NewGroup(time.Hour)
	outer, _ := g.Join("outer", nil)
	parent, leave := context.WithCancel(t.Context())
	ctx := outer.Context(parent)
	const keys = 1000 // so that some share the lock of the outer one
	left := make(chan flight.Ending, keys)
	for i := range keys {
		key := strconv.Itoa(i)
		g.Join(key, nil)
		inner, _ := g.Join(key, nil)
		go func() {
			_, ending := inner.Wait(ctx)
			left <- ending
		}()
	}
	leave()
	patience := time.NewTimer(30 * time.Second)
	defer patience.Stop()
	for range keys {
		select {
		case ending := <-left:
			if ending != flight.Left {
				t.Errorf("the wait ended with %v", ending)
			}
		case <-patience.C:
			t.Fatal("some wait for ever")
		}
	}
}
