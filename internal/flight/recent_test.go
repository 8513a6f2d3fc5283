package flight_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/flight"
)

// start is a time on a whole second, which is as exact as a Recent is.
var start = time.Date(2025, time.June, 15, 12, 0, 0, 0, time.UTC)

// TestRecent holds for how long a key is remembered.
func TestRecent(t *testing.T) {
	for _, test := range []struct {
		name   string
		before func(*flight.Recent)
		now    time.Duration // since start
		want   bool
	}{
		{"nothing", func(*flight.Recent) {}, 0, false},
		{"a key", func(r *flight.Recent) { r.Add("k", start.Add(5*time.Second)) }, 0, true},
		{"shortly before its time is up", func(r *flight.Recent) { r.Add("k", start.Add(5*time.Second)) },
			5*time.Second - 1, true},
		{"once its time is up", func(r *flight.Recent) { r.Add("k", start.Add(5*time.Second)) }, 5 * time.Second, false},
		{"much later", func(r *flight.Recent) { r.Add("k", start.Add(5*time.Second)) }, 24 * time.Hour, false},
		{"a time that was up already", func(r *flight.Recent) { r.Add("k", start) }, 0, false},
		{"another key", func(r *flight.Recent) { r.Add("other", start.Add(5*time.Second)) }, 0, false},
		{"added for longer", func(r *flight.Recent) {
			r.Add("k", start.Add(5*time.Second))
			r.Add("k", start.Add(9*time.Second))
		}, 8 * time.Second, true},
		{"removed", func(r *flight.Recent) {
			r.Add("k", start.Add(5*time.Second))
			r.Remove("k")
		}, 0, false},
		{"removed and added", func(r *flight.Recent) {
			r.Remove("k")
			r.Add("k", start.Add(5*time.Second))
		}, 0, true},
		{"another key removed", func(r *flight.Recent) {
			r.Add("k", start.Add(5*time.Second))
			r.Remove("other")
		}, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			recent := flight.NewRecent()
			test.before(recent)
			if got := recent.Has("k", start.Add(test.now)); got != test.want {
				t.Errorf("it is remembered: %t, want %t", got, test.want)
			}
		})
	}
}

// TestRecentNotes holds that what is noted of a key is what comes back, with the time at its largest.
func TestRecentNotes(t *testing.T) {
	recent := flight.NewRecent()
	for what := uint8(1); what <= 15; what++ {
		recent.Note("k", what, time.Unix(1<<32-1, 0))
		if got := recent.What("k", start); got != what || !recent.Has("k", start) || recent.What("other", start) != 0 {
			t.Errorf("%d comes back as %d", what, got)
		}
	}
	recent.Remove("k")
	if got := recent.What("k", start); got != 0 {
		t.Errorf("once removed: %d", got)
	}
}

// TestRecentIsBounded holds that a Recent remembers many keys, mixes none of them up with those that it was never told of,
// and takes no room for more than it began with.
func TestRecentIsBounded(t *testing.T) {
	recent := flight.NewRecent()
	until := start.Add(5 * time.Second)
	count := func(prefix string, n int) (has int) {
		for i := range n {
			if recent.Has(prefix+strconv.Itoa(i), start) {
				has++
			}
		}
		return has
	}
	for i := range 100 {
		recent.Add("few"+strconv.Itoa(i), until)
	}
	if n := count("few", 100); n < 80 { // some share a place
		t.Errorf("of 100 keys %d are remembered", n)
	}
	for i := range 100_000 {
		recent.Add("many"+strconv.Itoa(i), until)
	}
	if n := count("many", 100_000); n < 2000 || n > 1<<12 {
		t.Errorf("of 100,000 keys %d are remembered", n)
	}
	if n := count("other", 100_000); n > 10 {
		t.Errorf("%d keys are remembered that were never added", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		recent.Add("k", until)
		recent.Has("k", start)
		recent.Remove("k")
	}); n != 0 {
		t.Errorf("it allocates %v times", n)
	}
}

// TestRecentConcurrently is for the race detector.
func TestRecentConcurrently(t *testing.T) {
	recent := flight.NewRecent()
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			for i := range 2000 {
				key := strconv.Itoa(i % 7)
				switch (i + g) % 3 {
				case 0:
					recent.Add(key, start.Add(time.Duration(i)*time.Second))
				case 1:
					recent.Has(key, start)
				default:
					recent.Remove(key)
				}
			}
		})
	}
	group.Wait()
	recent.Add("k", start.Add(time.Second))
	if !recent.Has("k", start) {
		t.Error("a key that was just added is not remembered")
	}
}
