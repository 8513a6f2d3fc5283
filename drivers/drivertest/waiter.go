package drivertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
)

// waiting is a Waiter in a test.
type waiting struct {
	logging
	drivers.Waiter
}

// aMoment is how long something has to be awaited before it is taken to wait.
const aMoment = 50 * time.Millisecond

func testWaiter(t *testing.T, h Harness, d drivers.Driver) {
	w, ok := waitingOn(d)
	if !ok {
		t.Skip("not a drivers.Waiter, or no drivers.Log")
	}
	t.Run("Told", func(t *testing.T) { w.told(t) })
	t.Run("Behind", func(t *testing.T) { w.behind(t) })
	t.Run("Unknown", func(t *testing.T) { w.unknown(t) })
	t.Run("Follows", func(t *testing.T) { w.follows(t, h) })
	t.Run("Ended", func(t *testing.T) { w.ended(t) })
	t.Run("LeftMany", func(t *testing.T) { w.leftMany(t) })
	t.Run("Beside", func(t *testing.T) { w.beside(t) })
	t.Run("Closed", func(t *testing.T) {
		own := h.open(t)
		w, _ := waitingOn(own)
		done := w.begin(t.Context(), "closed", w.end(t, "closed"))
		stays(t, done)
		if err := own.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := ends(done); !errors.Is(err, drivers.ErrClosed) {
			t.Errorf("Wait of a driver that was closed meanwhile: %v, want ErrClosed", err)
		}
	})
}

func waitingOn(d drivers.Driver) (waiting, bool) {
	waiter, ok := d.(drivers.Waiter)
	log, isLog := d.(drivers.Log)
	return waiting{logging{d, log}, waiter}, ok && isLog
}

// begin begins to wait, and returns where the outcome comes.
func (w waiting) begin(ctx context.Context, key string, from drivers.Position) <-chan error {
	done := make(chan error, 1)
	go func() { done <- w.Wait(ctx, key, from) }()
	return done
}

// until waits, again if that has returned with nothing behind from, and returns where the outcome comes.
func (w waiting) until(ctx context.Context, key string, from drivers.Position) <-chan error {
	done := make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			if err := w.Wait(ctx, key, from); err != nil {
				done <- err
				return
			}
			if n == 100 {
				done <- fmt.Errorf("it returns again and again, with nothing behind %q", from)
				return
			}
			if records, _, complete, err := w.Since(ctx, key, from); err != nil || !complete || len(records) > 0 {
				done <- err
				return
			}
		}
	}()
	return done
}

// stays wants something to wait.
func stays(t *testing.T, done <-chan error) {
	t.Helper()
	select {
	case err := <-done:
		t.Fatalf("Wait has returned, with nothing to tell: %v", err)
	case <-time.After(aMoment):
	}
}

// ends waits for the outcome of something that is to end.
func ends(done <-chan error) error {
	return returns("Wait", func() error { return <-done })
}

func (w waiting) wantTold(t *testing.T, what string, done <-chan error) {
	t.Helper()
	if err := ends(done); err != nil {
		t.Fatalf("Wait, %s: %v", what, err)
	}
}

// told has what waits told of what comes, however it comes.
func (w waiting) told(t *testing.T) {
	at := w.end(t, "{w}told")
	appending := map[string]func() error{
		"Append": func() error { return w.Append(t.Context(), "{w}told", keep, long, []byte("record")) },
	}
	if purger, ok := w.Driver.(drivers.Purger); ok {
		appending["Purge"] = func() error {
			return purger.Purge(t.Context(), "{w}told", keep, long, [][]byte{[]byte("record")}, "{w}mark")
		}
	}
	for name, do := range appending {
		for range 3 { // so that a position is one of a log that has records, too
			done := w.until(t.Context(), "{w}told", at)
			stays(t, done)
			if err := do(); err != nil {
				t.Fatal(err)
			}
			w.wantTold(t, "of "+name, done)
			at = w.wantSince(t, "{w}told", at, "record")
		}
	}
}

// behind has records behind a position already.
func (w waiting) behind(t *testing.T) {
	var positions []drivers.Position
	for i := range 20 {
		positions = append(positions, w.end(t, "behind"))
		w.append(t, "behind", keep, fmt.Sprint("record ", i))
	}
	waits := w.until(t.Context(), "behind", w.end(t, "behind")) // others wait for what comes later
	for _, at := range positions {
		w.wantTold(t, "of what is there already", w.begin(t.Context(), "behind", at))
	}
	stays(t, waits)
	w.append(t, "behind", keep, "last")
	w.wantTold(t, "of what comes then", waits)
}

// unknown waits from what is no position: Since says so.
func (w waiting) unknown(t *testing.T) {
	old := w.end(t, "begun anew")
	w.append(t, "begun anew", keep, "record")
	at := w.end(t, "begun anew")
	wantDeleted(t, w.Driver, 1, "begun anew")
	w.wantTold(t, "in a log that is not there", w.begin(t.Context(), "begun anew", at))
	wantDeleted(t, w.Driver, 0, "begun anew") // it has begun none
	w.end(t, "begun anew")
	for _, from := range []drivers.Position{old, at, "", "0", "no position", "1-1", "1-1/", "x/y"} {
		w.wantTold(t, fmt.Sprintf("from %q, which is no position", from), w.begin(t.Context(), "begun anew", from))
	}
}

// follows has a reader that only waits and looks see all that writers append, a round of them at a time: the last record of each round
// comes while the reader looks, or begins to wait, and nothing comes behind it that would tell of it.
func (w waiting) follows(t *testing.T, h Harness) {
	const writers = 4
	at := w.end(t, "follows")
	for round := range 5 * h.rounds() {
		done := make(chan error, 1)
		go func() {
			for seen := 0; seen < writers; {
				if err := w.Wait(t.Context(), "follows", at); err != nil {
					done <- err
					return
				}
				records, end, complete, err := w.Since(t.Context(), "follows", at)
				if err != nil || !complete {
					done <- fmt.Errorf("what is behind is complete: %t, %w", complete, err)
					return
				}
				at, seen = end, seen+len(records)
			}
			done <- nil
		}()
		together(writers, func(n int) {
			if err := w.Append(t.Context(), "follows", keep, long, fmt.Append(nil, n, ".", round)); err != nil {
				t.Errorf("Append: %v", err)
			}
		})
		w.wantTold(t, fmt.Sprintf("for all that was appended in round %d", round), done)
	}
}

// ended has callers leave.
func (w waiting) ended(t *testing.T) {
	at := w.end(t, "ended")
	ctx, cancel := context.WithCancel(t.Context())
	done := w.until(ctx, "ended", at)
	stays(t, done)
	cancel()
	if err := ends(done); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait whose caller has left: %v, want an error that wraps context.Canceled", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), aMoment)
	defer cancel()
	if err := ends(w.until(ctx, "ended", at)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait past its deadline: %v, want an error that wraps context.DeadlineExceeded", err)
	}
	done = w.until(t.Context(), "ended", at)
	stays(t, done)
	w.append(t, "ended", keep, "record")
	w.wantTold(t, "after others have left", done)
}

// leftMany has one caller after the other leave, of whom one is there in the end.
func (w waiting) leftMany(t *testing.T) {
	at := w.end(t, "left")
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		done := w.until(ctx, "left", at)
		time.Sleep(time.Millisecond)
		cancel()
		if err := ends(done); !errors.Is(err, context.Canceled) {
			t.Fatalf("Wait whose caller has left: %v, want an error that wraps context.Canceled", err)
		}
	}
	done := w.until(t.Context(), "left", at)
	w.append(t, "left", keep, "record")
	w.wantTold(t, "after a hundred have left", done)
}

// beside has other operations go on while many wait, and each of these told of its own log.
func (w waiting) beside(t *testing.T) {
	const logs = 20
	name := func(i int) string { return fmt.Sprint("beside:", i) }
	waits := make([]<-chan error, logs)
	for i := range logs {
		waits[i] = w.until(t.Context(), name(i), w.end(t, name(i)))
	}
	stays(t, waits[0])
	set(t, w.Driver, "beside", "value", long)
	together(2*logs, func(int) {
		if err := returns("Get beside those that wait", func() error { _, err := w.Get(t.Context(), "beside"); return err }); err != nil {
			t.Error(err)
		}
	})
	for n := range logs {
		i := n / 2 // from both ends, so that it is not the order in which they came
		if n%2 == 1 {
			i = logs - 1 - i
		}
		w.append(t, name(i), keep, "record")
		w.wantTold(t, "of one log of many", waits[i])
		for _, other := range waits[n/2+1 : logs-(n+1)/2] {
			select {
			case err := <-other:
				t.Fatalf("Wait has returned with nothing behind it: %v", err)
			default:
			}
		}
	}
}

// testWaits has what waits told of what another driver appends, while the server or the network fails.
func testWaits(t *testing.T, s faults) {
	if _, ok := waitingOn(s.direct); !ok {
		t.Skip("not a drivers.Waiter, or no drivers.Log")
	}
	failures := []struct {
		name string
		fail func(t *testing.T, p *proxy.Proxy)
	}{
		{"None", func(*testing.T, *proxy.Proxy) {}},
		{"Cut", func(_ *testing.T, p *proxy.Proxy) { p.Cut() }},
		{"Silent", func(_ *testing.T, p *proxy.Proxy) { p.Lose() }},
		{"Killed", func(t *testing.T, p *proxy.Proxy) { p.Die(); time.Sleep(way); p.Revive(t) }},
		{"Stopped", func(_ *testing.T, p *proxy.Proxy) { p.Hang(); time.Sleep(way); p.Resume() }},
	}
	together(len(failures), func(i int) {
		s.run(t, failures[i].name, func(t *testing.T) error {
			p, d := s.proxied(t)
			w, _ := waitingOn(d)
			other, _ := waitingOn(s.direct)
			key := s.keys()
			defer s.remove(t, key)
			at := other.end(t, key)
			done := w.until(t.Context(), key, at)
			stays(t, done)
			failures[i].fail(t, p)
			other.append(t, key, keep, "record")
			return w.comesTo(t, key, at, done)
		})
	})
}

// comesTo wants what waits to be told of a record, or to get an error, upon which it waits anew.
func (w waiting) comesTo(t *testing.T, key string, at drivers.Position, done <-chan error) error {
	end := time.Now().Add(foundOut)
	for {
		var err error
		select {
		case err = <-done:
		case <-time.After(time.Until(end)):
			return fmt.Errorf("it has not returned %v after the record came", foundOut)
		}
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("the server has been back for %v: %w", foundOut, err)
		}
		time.Sleep(10 * time.Millisecond)
		done = w.until(t.Context(), key, at)
	}
}

// foundOut is how long it may take until a connection that waits has been found to be dead.
const foundOut = 15 * time.Second
