package event_test

import (
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// What Cache-Status says of each outcome (RFC 9211 §2).
func TestCacheStatus(t *testing.T) {
	for name, row := range map[string]struct {
		request event.Request
		want    string
	}{
		"a hit (§2.1, §2.4)":                     {event.Request{Outcome: event.Hit, TTL: time.Minute, Forward: "request"}, "cachette; hit; ttl=60"},
		"a stale one (§2.4)":                     {event.Request{Outcome: event.StaleHit, TTL: -time.Second}, "cachette; hit; ttl=-1"},
		"a hit whose key is shown (§2.7)":        {event.Request{Outcome: event.Hit, Key: "k"}, `cachette; hit; ttl=0; key="k"`},
		"a miss that is stored (§2.2, §2.5)":     {event.Request{Outcome: event.Miss, Forward: rfc9111.ForwardURIMiss, Stored: true}, "cachette; fwd=uri-miss; stored"},
		"a miss that is not (§2.8)":              {event.Request{Outcome: event.Miss, Forward: rfc9111.ForwardStale, Refusal: rfc9111.RefusedNoStore}, "cachette; fwd=stale; detail=no-store"},
		"validated (§2.3)":                       {event.Request{Outcome: event.Validated, Forward: rfc9111.ForwardStale, Answered: 304, Stored: true}, "cachette; fwd=stale; fwd-status=304; stored"},
		"stood in for an error (§2.3, §2.4)":     {event.Request{Outcome: event.StoodIn, Forward: rfc9111.ForwardStale, Answered: 500, TTL: -3 * time.Second}, "cachette; fwd=stale; fwd-status=500; ttl=-3"},
		"collapsed (§2.6)":                       {event.Request{Outcome: event.Collapsed, Forward: rfc9111.ForwardURIMiss}, "cachette; fwd=uri-miss; collapsed"},
		"past the cache (§2.8)":                  {event.Request{Outcome: event.Bypassed, Forward: rfc9111.ForwardBypass, Bypass: "skip"}, "cachette; fwd=bypass; detail=skip"},
		"a store that is away goes first (§2.8)": {event.Request{Outcome: event.Miss, Forward: rfc9111.ForwardURIMiss, Refusal: rfc9111.RefusedNoStore, Unavailable: true}, "cachette; fwd=uri-miss; detail=store-unavailable"},
		"unsatisfiable (RFC 9111 §5.2.1.7)":      {event.Request{Outcome: event.Unsatisfiable, Forward: rfc9111.ForwardURIMiss}, "cachette; detail=only-if-cached"},
	} {
		t.Run(name, func(t *testing.T) {
			status := row.request.CacheStatus()
			if got := status.String(); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}
