package rfc9111

import (
	"net/http"
	"strings"
	"time"
)

// parseDate reads an HTTP-date in any of its three forms (RFC 9110 §5.6.7). now places a two-digit year: a date that
// would be more than 50 years ahead is read as the most recent past year with the same last two digits.
func parseDate(s string, now time.Time) (time.Time, bool) {
	if t, err := time.Parse(http.TimeFormat, s); err == nil {
		return t, true
	}
	if t, err := time.Parse(time.ANSIC, s); err == nil {
		return t, true
	}
	// time.Parse takes any zone's abbreviation here and would read it as UTC.
	if t, err := time.Parse(time.RFC850, s); err == nil && strings.HasSuffix(s, " GMT") {
		century := now.UTC().Year() / 100 * 100
		year := century + t.Year()%100
		placed := time.Date(year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
		if placed.After(now.AddDate(50, 0, 0)) {
			placed = placed.AddDate(-100, 0, 0)
		}
		return placed, true
	}
	return time.Time{}, false
}

// single returns the value of a field that may be there once, and whether it is there just once.
func single(h http.Header, name string) (string, bool) {
	lines := h[name]
	if len(lines) != 1 {
		return "", false
	}
	return lines[0], true
}

// dateField reads a field whose value is one HTTP-date.
func dateField(h http.Header, name string, now time.Time) (time.Time, bool) {
	value, ok := single(h, name)
	if !ok {
		return time.Time{}, false
	}
	return parseDate(value, now)
}
