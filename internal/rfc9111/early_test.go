package rfc9111_test

import (
	"math"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// TestEndsEarly holds XFetch to its formula: now - delta * beta * ln(random) >= expiry, of what is fresh for a minute from noon on.
func TestEndsEarly(t *testing.T) {
	const expiry = 60.0
	for _, took := range []float64{0, 0.001, 0.05, 1, 5, 100} {
		for _, beta := range []float64{0, 0.5, 1, 2, 10} {
			m := rfc9111.Metadata{ResponseTime: noon, Lifetime: time.Minute}
			m.TakeEarly(time.Duration(took*float64(time.Second)), beta)
			for _, age := range []float64{0, 10, 30, 50, 59, 59.9, 59.99, 59.999} {
				for _, random := range []float64{0x1p-53, 1e-9, 0.001, 0.1, 0.3, 0.5, 0.9, 0.99, 1} {
					want := age-took*beta*math.Log(random) >= expiry
					got := m.EndsEarly(noon.Add(time.Duration(age*float64(time.Second))), func() float64 { return 1 - random })
					if got != want && took*beta > 0 {
						t.Errorf("delta %v, beta %v, at %v, random %v: %t, want %t", took, beta, age, random, got, want)
					}
					if got && took*beta == 0 {
						t.Errorf("delta %v, beta %v: it ends early", took, beta)
					}
				}
			}
		}
	}
}

// TestEarlyWithoutChance holds that nothing random is asked for far from the end, and that what took very long, or no time, ends in good order.
func TestEarlyWithoutChance(t *testing.T) {
	never := func() float64 { panic("it is asked for") }
	m := rfc9111.Metadata{ResponseTime: noon, Lifetime: time.Hour}
	if m.EndsEarly(noon.Add(time.Hour-1), never) {
		t.Error("what does not end early does")
	}
	m.TakeEarly(time.Second, 1)
	if m.EndsEarly(noon.Add(time.Hour-40*time.Second), never) {
		t.Error("it ends 40 times as early as its fill took")
	}
	for _, took := range []time.Duration{math.MaxInt64, -time.Second} {
		if m.TakeEarly(took, math.MaxFloat64); m.Early < 0 {
			t.Errorf("of a fill that took %v: %v", took, m.Early)
		}
	}
}
