package serve

import (
	"net/http"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// TestDecide holds what is done with a request, by what is stored for it and what it asks.
func TestDecide(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	of := func(age, lifetime time.Duration, change ...func(*rfc9111.Metadata)) *rfc9111.Metadata {
		m := &rfc9111.Metadata{ResponseTime: now.Add(-age), Lifetime: lifetime}
		for _, c := range change {
			c(m)
		}
		return m
	}
	fresh, stale := of(time.Second, time.Minute), of(time.Hour, time.Minute)
	noCache := of(time.Second, time.Minute, func(m *rfc9111.Metadata) { m.NoCache = true })
	must := of(time.Hour, time.Minute, func(m *rfc9111.Metadata) { m.MustRevalidate = true })
	while := of(2*time.Minute, time.Minute, func(m *rfc9111.Metadata) { m.StaleWhileRevalidate = time.Hour })
	patient := of(2*time.Minute, time.Minute, func(m *rfc9111.Metadata) { m.StaleWhileRevalidate, m.Patience = time.Hour, time.Second })
	onError := of(2*time.Minute, time.Minute, func(m *rfc9111.Metadata) { m.StaleIfError, m.Patience = time.Hour, time.Second })
	calm := of(time.Second, time.Minute, func(m *rfc9111.Metadata) { m.Patience = time.Second })
	const (
		request = rfc9111.ForwardRequest
		old     = rfc9111.ForwardStale
		miss    = rfc9111.ForwardURIMiss
	)
	for _, row := range []struct {
		section string
		asks    string // Cache-Control of the request
		found   *rfc9111.Metadata
		change  func(*situation)
		want    plan
	}{
		{"9111 §4", "", nil, nil, plan{collapse, miss, false}},
		{"9111 §4", "", fresh, nil, plan{step: answer}},
		{"9111 §4.2", "", stale, nil, plan{collapse, old, false}},
		{"9111 §4.2: fresh only while the age is below the lifetime", "", of(time.Minute, time.Minute), nil, plan{collapse, old, false}},
		{"9111 §4.2.4", "", must, nil, plan{collapse, old, false}},
		{"9111 §5.2.2.2", "max-stale", must, nil, plan{collapse, old, false}},
		{"9111 §5.2.2.4", "", noCache, nil, plan{collapse, old, false}},
		{"9111 §5.2.1.1", "max-age=10", fresh, nil, plan{step: answer}},
		{"9111 §5.2.1.1", "max-age=0", fresh, nil, plan{collapse, request, false}},
		{"9111 §5.2.1.1", "max-age=10", while, nil, plan{collapse, old, false}},
		{"9111 §5.2.1.2", "max-stale", stale, nil, plan{step: answer}},
		{"9111 §5.2.1.2", "max-stale=60", stale, nil, plan{collapse, old, false}},
		{"9111 §5.2.1.3", "min-fresh=120", fresh, nil, plan{collapse, request, false}},
		{"9111 §5.2.1.4", "no-cache", fresh, nil, plan{collapse, request, false}},
		{"9111 §5.2.1.4", "no-cache", stale, nil, plan{collapse, old, false}},
		{"9111 §5.2.1.5", "no-store", fresh, func(s *situation) { s.shares = false }, plan{alone, request, true}},
		{"9111 §5.2.1.7", "only-if-cached", nil, nil, plan{refuse, miss, false}},
		{"9111 §5.2.1.7", "only-if-cached", fresh, nil, plan{step: answer}},
		{"9111 §5.2.1.7", "only-if-cached", stale, nil, plan{refuse, old, false}},
		{"9111 §5.2.1.7", "only-if-cached, max-stale", stale, nil, plan{step: answer}},
		{"9111 §3.5", "", fresh, func(s *situation) { s.admitted = false }, plan{collapse, request, true}},
		{"9111 §3.5", "", while, func(s *situation) { s.admitted = false }, plan{collapse, request, true}},
		{"5861 §3", "", while, nil, plan{step: answerAndRefresh}},
		{"5861 §3: the refresh itself", "", while, func(s *situation) { s.refresh = true }, plan{refill, old, false}},
		{"5861 §3: a refresh that another has done meanwhile", "", fresh, func(s *situation) { s.refresh = true }, plan{step: answer}},
		{"a refresh that the program asks for", "no-cache", fresh, func(s *situation) { s.refresh = true }, plan{refill, request, false}},
		{"5861 §3, with patience", "", patient, nil, plan{await, old, false}},
		{"5861 §4, with patience", "", onError, nil, plan{await, old, false}},
		{"5861 §3, behind it", "", patient, func(s *situation) { s.waited = true }, plan{step: answerAndRefresh}},
		{"5861 §4, behind it", "", onError, func(s *situation) { s.waited = true }, plan{collapse, old, false}},
		{"5861 §3, the refresh itself", "", patient, func(s *situation) { s.refresh = true }, plan{refill, old, false}},
		{"9111 §5.2.1.7, with patience", "only-if-cached", patient, nil, plan{step: answerAndRefresh}},
		{"9111 §5.2.1.2, with patience", "max-stale", patient, nil, plan{step: answer}},
		{"9111 §5.2.1.2, with patience", "max-stale=0", patient, nil, plan{collapse, old, false}},
		{"9111 §5.2.1.4, with patience", "no-cache", patient, nil, plan{collapse, old, false}},
		{"9111 §5.2.1.5, with patience", "no-store", patient, nil, plan{collapse, request, true}},
		{"9111 §3.5, with patience", "", patient, func(s *situation) { s.admitted = false }, plan{collapse, request, true}},
		{"9111 §4.2, with patience", "", calm, nil, plan{step: answer}},
		{"9111 §5.2.1.3, with patience", "min-fresh=120", calm, nil, plan{collapse, request, false}},
		{"XFetch", "", fresh, func(s *situation) { s.early = true }, plan{step: answerAndRefresh}},
		{"XFetch: the refresh itself", "", fresh, func(s *situation) { s.early, s.refresh = true, true }, plan{refill, request, false}},
		{"XFetch, 9111 §5.2.1.4", "no-cache", fresh, func(s *situation) { s.early = true }, plan{collapse, request, false}},
		{"XFetch, 9111 §3.5", "", fresh, func(s *situation) { s.early, s.admitted = true, false }, plan{collapse, request, true}},
		{"a response for one client the last time", "", nil, func(s *situation) { s.shares = false }, plan{alone, miss, false}},
		{"9111 §4.1", "", nil, func(s *situation) { s.why = rfc9111.ForwardVaryMiss }, plan{collapse, rfc9111.ForwardVaryMiss, false}},
	} {
		asked := rfc9111.ParseRequest(http.Header{"Cache-Control": {row.asks}})
		s := situation{stored: row.found, asked: &asked, now: now, admitted: true, shares: true}
		if row.found == nil {
			s.why = miss
		}
		if row.change != nil {
			row.change(&s)
		}
		if got := decide(&s); got != row.want {
			t.Errorf("%s, %q: %+v; want %+v", row.section, row.asks, got, row.want)
		}
	}
}
