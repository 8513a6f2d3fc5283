package serve

import (
	"math"
	"testing"
)

// Of many hits the part is audited that was asked for, also where hits of routes with other rates come in between.
func TestAuditRate(t *testing.T) {
	const hits = 200_000
	rates := []*AuditRate{NewAuditRate(0), NewAuditRate(0.001), NewAuditRate(0.1), NewAuditRate(0.5), NewAuditRate(1)}
	inRoom, alone := make([]int, len(rates)), make([]int, len(rates))
	room := &room{way: 1}
	for range hits {
		for i, rate := range rates {
			if room.passes(rate) {
				inRoom[i]++
			}
			if rate.audits() {
				alone[i]++
			}
		}
	}
	for i, rate := range rates {
		for _, n := range []int{inRoom[i], alone[i]} {
			if deviation := math.Sqrt(hits * rate.Part * (1 - rate.Part)); math.Abs(float64(n)-hits*rate.Part) > 6*deviation {
				t.Errorf("of a rate of %v, %d of %d hits are audited", rate.Part, n, hits)
			}
		}
	}
}
