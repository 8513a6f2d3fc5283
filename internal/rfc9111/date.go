package rfc9111

import (
	"net/http"
	"strings"
	"time"
)

// The forms of an HTTP-date (RFC 9110 §5.6.7), without the zone that the first two end in.
const (
	imfFixdate  = "Mon, 02 Jan 2006 15:04:05"
	rfc850Date  = "Monday, 02-Jan-06 15:04:05"
	asctime     = "Mon Jan _2 15:04:05 2006"
	asctime2    = "Mon Jan 02 15:04:05 2006" // date3 has a day of two digits, or of a space and one
	zone        = " GMT"
	longestDate = len("Wednesday, 02-Jan-06 15:04:05 GMT")
)

// parseDate reads an HTTP-date in any of its three forms (RFC 9110 §5.6.7). They have fixed widths and single spaces; what
// is written otherwise is no date. Names and zone may be in any case (RFC 9111 §4.2). The day of the week may be another
// than the date's: the form is good, the rest says it all, and recipients are to be robust (RFC 9110 §5.6.7). now places a
// two-digit year: it is the latest that is not more than 50 years ahead.
func parseDate(s string, now time.Time) (time.Time, bool) {
	if len(s) > longestDate {
		return time.Time{}, false
	}
	// A leap second is read as the second before it: time.Time has none, and an Expires may be read as earlier than it
	// is, not as later (RFC 9111 §4.2).
	s = strings.Replace(s, "23:59:60", "23:59:59", 1)
	if at := len(s) - len(zone); at >= 0 && strings.EqualFold(s[at:], zone) {
		if t, err := time.Parse(imfFixdate, s[:at]); err == nil {
			return t, written(t, imfFixdate, s[:at])
		}
		if t, err := time.Parse(rfc850Date, s[:at]); err == nil {
			t = place(t, now)
			return t, written(t, rfc850Date, s[:at])
		}
		return time.Time{}, false
	}
	t, err := time.Parse(asctime, s)
	return t, err == nil && (written(t, asctime, s) || written(t, asctime2, s))
}

// written tells whether s, which time.Parse has read as t, is t in that form but for the day of the week and the case of
// letters. time.Parse also takes more spaces, fewer digits and fractions of seconds.
func written(t time.Time, form, s string) bool {
	var b [longestDate]byte
	w := string(t.AppendFormat(b[:0], form))
	w, s = w[strings.IndexAny(w, ", "):], s[strings.IndexAny(s, ", "):]
	return len(w) == len(s) && strings.EqualFold(w, s) // of one length, so that letters beyond ASCII differ
}

// place returns a time whose year was given by two digits in the latest year that ends in them and does not make it more
// than 50 years ahead of now (RFC 9110 §5.6.7).
func place(t, now time.Time) time.Time {
	latest := now.UTC().AddDate(50, 0, 0)
	year := latest.Year() - latest.Year()%100 + t.Year()%100
	for {
		placed := time.Date(year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
		if !placed.After(latest) {
			return placed
		}
		year -= 100
	}
}

// single returns the value of a field that may be there once, without white space around it (RFC 9110 §5.5), and whether
// it is there just once.
func single(lines []string) (string, bool) {
	if len(lines) != 1 {
		return "", false
	}
	return trim(lines[0]), true
}

// dateField reads a field whose value is one HTTP-date. Several lines are none (RFC 9110 §5.3).
func dateField(h http.Header, name string, now time.Time) (time.Time, bool) {
	return readDate(h[name], now)
}

// readDate reads the lines of a field whose value is one HTTP-date.
func readDate(lines []string, now time.Time) (time.Time, bool) {
	value, ok := single(lines)
	if !ok {
		return time.Time{}, false
	}
	return parseDate(value, now)
}
