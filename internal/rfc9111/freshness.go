package rfc9111

import (
	"net/http"
	"strings"
	"time"
)

// heuristicFraction and heuristicMax bound a heuristic lifetime: a tenth of the time since Last-Modified, as RFC 9111
// §4.2.2 suggests, and never over a day.
const (
	heuristicFraction = 10
	heuristicMax      = 24 * time.Hour
)

// cacheControl returns what governs a response's caching: the first valid targeted field, which then replaces
// Cache-Control and Expires (RFC 9213 §2.2), or Cache-Control.
func cacheControl(h http.Header) (d ResponseDirectives, targeted bool) {
	for _, field := range TargetedFields {
		if lines, ok := h[field]; ok {
			if d, ok := ParseTargeted(lines); ok {
				return d, true
			}
		}
	}
	if lines, ok := h["Cache-Control"]; ok {
		return ParseResponse(lines), false
	}
	return ResponseDirectives{}, false
}

// Declares tells whether a response has a field that may say for how long it is fresh (RFC 9111 §5.2.2, §5.3, RFC 9213 §2).
func Declares(h http.Header) bool {
	for _, field := range TargetedFields {
		if _, ok := h[field]; ok {
			return true
		}
	}
	_, control := h["Cache-Control"]
	_, expires := h["Expires"]
	return control || expires
}

// declaredLifetime is the freshness lifetime that a response declares (RFC 9111 §4.2.1): s-maxage, else max-age, else
// Expires less Date. What cannot be read declares a response stale. declared is false where the response says nothing.
func declaredLifetime(x *Exchange, d *ResponseDirectives, targeted bool) (lifetime time.Duration, declared bool) {
	switch {
	case d.SMaxAge.Set:
		return d.SMaxAge.Value, true
	case d.MaxAge.Set:
		return d.MaxAge.Value, true
	case targeted:
		return 0, false
	}
	if _, ok := x.Header["Expires"]; !ok {
		return 0, false
	}
	expires, ok := dateField(x.Header, "Expires", x.ResponseTime)
	if !ok {
		return 0, true // RFC 9111 §5.3: an invalid date, especially "0", is in the past
	}
	date, ok := dateField(x.Header, "Date", x.ResponseTime)
	if !ok {
		date = x.ResponseTime.Truncate(time.Second) // RFC 9110 §6.6.1: Date is then when it was received
	}
	return max(0, expires.Sub(date)), true
}

// heuristicLifetime is the lifetime of a response that declares none but says when it was last modified (RFC 9111
// §4.2.2). It is 0 for a status that may have none, unless the response is marked public.
func heuristicLifetime(x *Exchange, d *ResponseDirectives) time.Duration {
	if !heuristicallyCacheable(x.Status) && !d.Public {
		return 0
	}
	modified, ok := dateField(x.Header, "Last-Modified", x.ResponseTime)
	if !ok {
		return 0
	}
	date, ok := dateField(x.Header, "Date", x.ResponseTime)
	if !ok {
		date = x.ResponseTime
	}
	return min(max(0, date.Sub(modified)/heuristicFraction), heuristicMax)
}

// initialAge is a response's age when it was received (RFC 9111 §4.2.3):
//
//	apparent_age = max(0, response_time - date_value)
//	corrected_age_value = age_value + response_delay
//	corrected_initial_age = max(apparent_age, corrected_age_value)
//
// A response that carries neither Age nor Date was made by this very handler, at the moment it was committed: no
// transit delayed it, and its age is 0 however long the handler took.
func initialAge(x *Exchange) (age time.Duration) {
	value, hasAge := ageField(x.Header)
	_, dated := x.Header["Date"]
	if dated {
		if date, ok := dateField(x.Header, "Date", x.ResponseTime); ok {
			age = max(0, x.ResponseTime.Sub(date).Truncate(time.Second)) // Date has whole seconds
		}
	}
	if hasAge || dated {
		age = max(age, value+max(0, x.ResponseTime.Sub(x.RequestTime)))
	}
	return age
}

// ageField reads Age (RFC 9111 §5.1): the first member counts, of several lines or of a list, and one that is no
// non-negative integer is ignored. What is left of it then is that it is there: the response came by way of a cache.
func ageField(h http.Header) (age time.Duration, present bool) {
	lines, present := h["Age"]
	for _, line := range lines {
		for member := range strings.SplitSeq(line, ",") {
			if member = trim(member); member != "" { // empty members do not count (RFC 9110 §5.6.1.2)
				age, _ = parseDelta(member)
				return age, true
			}
		}
	}
	return 0, present
}
