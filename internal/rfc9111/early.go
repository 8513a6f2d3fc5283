package rfc9111

import (
	"math"
	"time"
)

// TakeEarly notes what the fill of a response took, which by beta says how early it may be refreshed.
func (m *Metadata) TakeEarly(took time.Duration, beta float64) {
	m.Early = time.Duration(min(beta*float64(max(0, took)), float64(maxDelta)))
}

// farthest is the most that -ln(random) can be: random is a multiple of 2^-53, as math/rand/v2 has them.
const farthest = 37

// EndsEarly tells whether a request for a response that is still fresh has it refreshed: the sooner it ends, and the longer its fill took, the
// more probably. It is XFetch, of Vattani, Chierichetti and Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015:
//
//	now - delta * beta * ln(random) >= expiry
//
// random returns a number from 0 to below 1. It is asked near the end alone.
func (m *Metadata) EndsEarly(now time.Time, random func() float64) bool {
	if m.Early <= 0 {
		return false
	}
	left := m.Fresh(now)
	return left/farthest <= m.Early && -float64(m.Early)*math.Log(1-random()) >= float64(left)
}
