package rfc9111

import (
	"math"
	"time"
)

// Use is what may be done with a stored response that matches a request.
type Use int

const (
	// Serve it: it is fresh, or the client takes a stale one.
	Serve Use = iota
	// Serve it and refresh it in the background (RFC 5861 §3).
	ServeAndRefresh
	// Validate it before any use, because it is stale.
	Validate
	// ValidateAsked is Validate because the client asks for it, fresh or not.
	ValidateAsked
)

// Age returns a stored response's current_age (RFC 9111 §4.2.3).
func (m *Metadata) Age(now time.Time) time.Duration {
	return m.InitialAge + min(max(0, now.Sub(m.ResponseTime)), maxDelta)
}

// Fresh returns for how long a stored response is still fresh; 0 or less when it is stale.
func (m *Metadata) Fresh(now time.Time) time.Duration { return m.Lifetime - m.Age(now) }

// Ended returns what is known of a stored response whose lifetime ends at a moment, unless it has ended before.
func (m Metadata) Ended(now time.Time) Metadata {
	m.Lifetime = min(m.Lifetime, m.Age(now))
	return m
}

// Shorten takes a part, which is less than 1, of the time away for which a response that was just received is fresh. What it says itself is
// for other caches, and is the most for this one: to validate a response sooner is always allowed (RFC 9111 §4.2).
func (m *Metadata) Shorten(part float64) {
	m.Lifetime -= time.Duration(part * float64(max(0, m.Lifetime-m.InitialAge)))
}

// Lingers tells whether a stored response may be used stale without a request that asks for it (RFC 5861, [Metadata.ServableLate]).
func (m *Metadata) Lingers() bool {
	return !m.NoCache && !m.MustRevalidate && (m.StaleWhileRevalidate > 0 || m.StaleIfError > 0 || m.Patience > 0)
}

// Judge decides what may be done with a stored response, from what the request asks and the time (RFC 9111 §4).
func (m *Metadata) Judge(asked *RequestDirectives, now time.Time) Use {
	age := m.Age(now)
	fresh := m.Lifetime - age // response_is_fresh = (freshness_lifetime > current_age), §4.2
	switch {
	case asked.NoCache:
		return ValidateAsked
	case m.NoCache:
		return Validate
	// max-age=0 asks for validation even of what was stored this very instant.
	case asked.MaxAge.Set && (age > asked.MaxAge.Value || asked.MaxAge.Value == 0):
		return ValidateAsked
	case asked.MinFresh.Set && fresh < asked.MinFresh.Value:
		return ValidateAsked
	case fresh > 0:
		return Serve
	case m.MustRevalidate:
		return Validate
	case asked.AnyStale || asked.MaxStale.Set && -fresh <= asked.MaxStale.Value:
		return Serve
	// A max-age without max-stale says that the client wants nothing stale (§5.2.1.1), a max-stale that it wants nothing
	// that is more stale than that (§5.2.1.2).
	case -fresh <= m.StaleWhileRevalidate && m.StaleWhileRevalidate > 0 && !asked.MaxAge.Set && !asked.MaxStale.Set:
		return ServeAndRefresh
	}
	return Validate
}

// TakesStale tells whether a request may be served what is stale (RFC 9111 §5.2.1.2).
func (d *RequestDirectives) TakesStale() bool { return d.AnyStale || d.MaxStale.Set }

// ServableOnError tells whether a stored response may stand in for an error of its handler (RFC 5861 §4).
func (m *Metadata) ServableOnError(asked *RequestDirectives, now time.Time) bool {
	if m.NoCache || asked.NoCache {
		return false
	}
	fresh := m.Fresh(now)
	if fresh > 0 {
		return true
	}
	allowed := m.StaleIfError
	if asked.StaleIfError.Set {
		allowed = max(allowed, asked.StaleIfError.Value)
	}
	return !m.MustRevalidate && allowed > 0 && -fresh <= allowed
}

// ServableLate tells whether a stored response may be served stale to a request for which the handler has taken longer than the cache waits:
// within either window. One that is late is an error by which a gateway would answer 504, so stale-if-error covers it (RFC 5861 §4). Where
// neither is said, it may be for a minute, which RFC 9111 §4.2.4 leaves to the configuration. What a client asks of the age counts as it does
// for stale-while-revalidate.
func (m *Metadata) ServableLate(asked *RequestDirectives, now time.Time) bool {
	if m.NoCache || m.MustRevalidate || asked.NoCache || asked.MaxAge.Set || asked.MaxStale.Set || asked.MinFresh.Set {
		return false
	}
	window := max(m.StaleWhileRevalidate, m.StaleIfError)
	if asked.StaleIfError.Set {
		window = max(window, asked.StaleIfError.Value)
	}
	if window == 0 {
		window = keepForStale
	}
	return -m.Fresh(now) <= window
}

// keepForStale is for how long a stale response that cannot be validated stays worth its room: only a client's max-stale can
// use it, or a route that waits for a fresh one no longer than so long.
const keepForStale = time.Minute

// Retention returns for how long after now a response is to be kept: while it is fresh, and while it may be of use stale.
// toValidate is for how long it may be so because it can be freshened; 0 where it has no validator.
func (m *Metadata) Retention(now time.Time, toValidate time.Duration) time.Duration {
	stale := max(m.StaleWhileRevalidate, m.StaleIfError)
	switch {
	case toValidate > 0:
		stale = max(stale, toValidate)
	case !m.MustRevalidate && !m.NoCache:
		stale = max(stale, keepForStale)
	}
	fresh := max(0, m.Fresh(now))
	if fresh > math.MaxInt64-stale {
		return math.MaxInt64
	}
	return fresh + stale
}
