package sim

import (
	"context"
	"strconv"
	"time"
)

// Arrangements is how keys are spread over the servers of a store, as the servers know it: see drivers.Arranged. It is what a driver must
// come to, and not how.
type Arrangements struct {
	number int       // of the arrangement
	list   string    // how keys are spread
	since  time.Time // when it began
}

// Teller tells the arrangement to one process, which spreads keys in one way.
type Teller struct {
	World        *World
	Arrangements *Arrangements
	List         string        // how the process spreads keys
	Every        time.Duration // how long it remembers what the servers know
	Fails        func() bool   // decides whether a server does not answer that must

	word string
	at   time.Time
}

// Arrangement does what drivers.Arranged says.
func (t *Teller) Arrangement(ctx context.Context) (string, error) {
	a := t.Arrangements
	for range 3 {
		if t.word != "" && t.World.Now().Sub(t.at) < t.Every {
			return t.word, nil
		}
		at := t.World.Now()
		t.World.Yield()
		if t.World.Stopped() {
			return "", ErrStopped
		}
		if t.Fails() {
			t.World.Say("the arrangement cannot be told")
			return "", errFailed
		}
		if a.list != t.List {
			a.number++
			a.list, a.since = t.List, t.World.Now()
			t.World.Say("arrangement %d: %s", a.number, t.List)
		}
		found := a.number
		if over := t.Every - t.World.Now().Sub(a.since); over > 0 { // others may remember the one before
			if err := t.World.Wait(ctx, over); err != nil {
				return "", err
			}
			at = t.World.Now()
		}
		if a.number == found {
			t.word, t.at = strconv.Itoa(found), at
		}
	}
	return "", errFailed
}
