package rfc9111

import (
	"maps"
	"time"
)

// Within returns the policy of a route inside of another one, whose policy is outer: what the inner one says goes, and what
// it does not say is as outside. Its ttl always says something, also when it is 0, so the lifetimes that outer gives to the
// statuses which a ttl is for do not count inside.
func (p *Policy) Within(outer *Policy) Policy {
	in := *p
	in.StatusTTL = maps.Clone(p.StatusTTL)
	for status, ttl := range outer.StatusTTL {
		if _, said := in.StatusTTL[status]; said || takesTTL(status) {
			continue
		}
		if in.StatusTTL == nil {
			in.StatusTTL = make(map[int]time.Duration)
		}
		in.StatusTTL[status] = ttl
	}
	in.Heuristic = p.Heuristic || outer.Heuristic
	in.SetCookie = p.SetCookie || outer.SetCookie
	if in.StaleWhileRevalidate == 0 {
		in.StaleWhileRevalidate = outer.StaleWhileRevalidate
	}
	if in.StaleIfError == 0 {
		in.StaleIfError = outer.StaleIfError
	}
	if in.EarlyRefresh == 0 {
		in.EarlyRefresh = outer.EarlyRefresh
	}
	if in.Jitter == 0 {
		in.Jitter = outer.Jitter
	}
	if in.Patience == 0 {
		in.Patience = outer.Patience
	}
	return in
}
