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
// transit delayed it, and its age is 0 however long the handler took. valid is false for an Age that cannot be read.
func initialAge(x *Exchange) (age time.Duration, valid bool) {
	value, hasAge, valid := ageField(x.Header)
	_, dated := x.Header["Date"]
	date, hasDate := dateField(x.Header, "Date", x.ResponseTime)
	if hasDate {
		age = max(0, x.ResponseTime.Sub(date).Truncate(time.Second)) // Date has whole seconds
	}
	if hasAge || dated {
		age = max(age, value+max(0, x.ResponseTime.Sub(x.RequestTime)))
	}
	return age, valid
}

// ageField reads Age (RFC 9111 §5.1): of a list, the first member counts.
//
// RFC 9111 would have a cache ignore an Age that is no number. This one reads such a response, and one whose Age was
// sent twice (in two field lines, or as a list that repeats a value), as stale, the stricter reading that §4.2
// encourages for invalid freshness information: it has been in another cache for nobody knows how long.
func ageField(h http.Header) (age time.Duration, present, valid bool) {
	lines, ok := h["Age"]
	if !ok {
		return 0, false, true
	}
	if len(lines) != 1 {
		return 0, true, false
	}
	first, rest, _ := strings.Cut(lines[0], ",")
	first = strings.Trim(first, " \t")
	for member := range strings.SplitSeq(rest, ",") {
		if strings.Trim(member, " \t") == first {
			return 0, true, false
		}
	}
	age, valid = parseDelta(first)
	return age, true, valid
}
