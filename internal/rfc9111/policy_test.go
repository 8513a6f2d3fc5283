package rfc9111_test

import (
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// TestWithin holds what a route inside of another one takes from it: all that it does not say itself, but for the lifetimes of statuses
// which its own ttl is for.
func TestWithin(t *testing.T) {
	type ttls = map[int]time.Duration
	outer := rfc9111.Policy{
		TTL: time.Hour, StatusTTL: ttls{200: time.Hour, 404: time.Hour, 410: time.Hour}, Heuristic: true, SetCookie: true,
		StaleWhileRevalidate: time.Hour, StaleIfError: time.Hour, Patience: time.Hour, Jitter: 0.5, EarlyRefresh: 2,
	}
	for _, test := range []struct {
		name               string
		inner, outer, want rfc9111.Policy
	}{
		{"nothing in nothing", rfc9111.Policy{}, rfc9111.Policy{}, rfc9111.Policy{}},
		{"nothing in all", rfc9111.Policy{}, outer, rfc9111.Policy{
			StatusTTL: ttls{404: time.Hour, 410: time.Hour}, Heuristic: true, SetCookie: true,
			StaleWhileRevalidate: time.Hour, StaleIfError: time.Hour, Patience: time.Hour, Jitter: 0.5, EarlyRefresh: 2,
		}},
		{"all in nothing", outer, rfc9111.Policy{}, outer},
		{"a ttl in another", rfc9111.Policy{TTL: time.Minute}, rfc9111.Policy{TTL: time.Hour}, rfc9111.Policy{TTL: time.Minute}},
		{"a status's ttl in another", rfc9111.Policy{StatusTTL: ttls{404: time.Minute}}, rfc9111.Policy{StatusTTL: ttls{404: time.Hour, 410: time.Hour}},
			rfc9111.Policy{StatusTTL: ttls{404: time.Minute, 410: time.Hour}}},
		{"stale windows, patience, jitter and early refresh in others", rfc9111.Policy{StaleWhileRevalidate: time.Minute, StaleIfError: time.Second, Patience: 1, Jitter: 0.1, EarlyRefresh: 1}, outer, rfc9111.Policy{
			StatusTTL: ttls{404: time.Hour, 410: time.Hour}, Heuristic: true, SetCookie: true,
			StaleWhileRevalidate: time.Minute, StaleIfError: time.Second, Patience: 1, Jitter: 0.1, EarlyRefresh: 1,
		}},
		{"one stale window beside the other", rfc9111.Policy{StaleIfError: time.Second}, rfc9111.Policy{StaleWhileRevalidate: time.Hour, StaleIfError: time.Hour},
			rfc9111.Policy{StaleWhileRevalidate: time.Hour, StaleIfError: time.Second}},
		{"heuristics inside", rfc9111.Policy{Heuristic: true}, rfc9111.Policy{}, rfc9111.Policy{Heuristic: true}},
		{"cookies inside", rfc9111.Policy{SetCookie: true}, rfc9111.Policy{}, rfc9111.Policy{SetCookie: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inner, out := maps.Clone(test.inner.StatusTTL), maps.Clone(test.outer.StatusTTL)
			if got := test.inner.Within(&test.outer); !reflect.DeepEqual(got, test.want) {
				t.Errorf("%+v, want %+v", got, test.want)
			}
			if !maps.Equal(inner, test.inner.StatusTTL) || !maps.Equal(out, test.outer.StatusTTL) {
				t.Error("it has changed what it was given")
			}
		})
	}
}
