package rfc9111

import (
	"net/http"
	"strings"
	"time"
)

// Validators are what tells two representations of one resource apart (RFC 9110 §8.8).
type Validators struct {
	ETag         string    // as the response has it; empty if it has none
	LastModified time.Time // zero if it has none
	Date         time.Time // the response's Date, or when it was received
}

// ReadValidators reads the validators of a response received at the given time.
func ReadValidators(h http.Header, received time.Time) Validators {
	return ValidatorsOf(h["Etag"], h["Last-Modified"], h["Date"], received)
}

// ValidatorsOf reads the validators of a response received at the given time from the lines of its fields.
func ValidatorsOf(etag, lastModified, date []string, received time.Time) Validators {
	v := Validators{Date: received}
	v.ETag, _ = single(etag)
	if modified, ok := readDate(lastModified, received); ok {
		v.LastModified = modified
	}
	if date, ok := readDate(date, received); ok {
		v.Date = date
	}
	return v
}

// Conditional tells whether a request has a precondition that a cache evaluates against what it has stored (RFC 9111
// §4.3.2).
func Conditional(h http.Header) bool {
	return len(h["If-None-Match"]) > 0 || len(h["If-Modified-Since"]) > 0
}

// ForOrigin tells whether a request has a precondition that only its handler can evaluate (RFC 9111 §4.3.2).
func ForOrigin(h http.Header) bool {
	return len(h["If-Match"]) > 0 || len(h["If-Unmodified-Since"]) > 0
}

// NotModified tells whether a request's preconditions make the answer a 304: the client has what is stored (RFC 9111
// §4.3.2, RFC 9110 §13.1.2 and §13.1.3). If-None-Match goes before If-Modified-Since (§13.2.2).
func NotModified(h http.Header, v *Validators, now time.Time) bool {
	if lines := h["If-None-Match"]; len(lines) > 0 {
		for _, line := range lines {
			if matchesAny(line, v.ETag) {
				return true
			}
		}
		return false
	}
	since, ok := dateField(h, "If-Modified-Since", now)
	if !ok {
		return false
	}
	modified := v.LastModified
	if modified.IsZero() {
		modified = v.Date // §4.3.2: without Last-Modified, Date or the time of receipt stands in
	}
	return !modified.Truncate(time.Second).After(since)
}

// matchesAny compares an If-None-Match field line with an entity tag, by weak comparison (RFC 9110 §8.8.3.2). A backslash
// in an entity tag is a character like any other (§8.8.3).
func matchesAny(line, etag string) bool {
	for member := range members(line, false) {
		if member == "*" || etag != "" && opaque(member) == opaque(etag) {
			return true
		}
	}
	return false
}

// opaque returns an entity tag without its weakness flag.
func opaque(etag string) string { return strings.TrimPrefix(etag, "W/") }

// MethodQuery is the safe method whose requests have content (RFC 10008 §2).
const MethodQuery = "QUERY"

// HasRanges tells whether Range means something in a request with a method (RFC 9110 §14.2, RFC 10008 §2.8).
func HasRanges(method string) bool { return method == http.MethodGet || method == MethodQuery }

// RangeApplies tells whether a request's Range is to be honoured, given its If-Range (RFC 9110 §13.1.5): without one, or
// when its validator is strong and exactly the stored one.
func RangeApplies(h http.Header, v *Validators, now time.Time) bool {
	lines, ok := h["If-Range"]
	if !ok {
		return true
	}
	value, ok := single(lines)
	if !ok {
		return false
	}
	if strings.HasPrefix(value, `"`) {
		return value == v.ETag // a weak tag begins with W/, so an equal one here is strong
	}
	date, ok := parseDate(value, now)
	// A Last-Modified is strong once the response's Date is a second or more behind it (§8.8.2.2).
	return ok && !v.LastModified.IsZero() && date.Equal(v.LastModified) && !v.Date.Before(v.LastModified.Add(time.Second))
}

// fieldsOfContent are those that a 304 or a HEAD does not update: they describe the stored content, which stays as it
// is (RFC 9111 §3.2), or select it.
var fieldsOfContent = map[string]bool{
	"Content-Encoding": true,
	"Content-Length":   true,
	"Content-Md5":      true,
	"Content-Range":    true,
	"Etag":             true,
}

// Updates returns a predicate that tells which fields of a 304, or of a response to HEAD, replace those stored (RFC 9111
// §3.2): all that may be stored, but for those that describe the content. Those that h itself qualifies by private or
// no-cache may not; those that the stored response so qualifies are for the caller to leave out.
func Updates(h http.Header) func(name string) bool {
	d, _ := cacheControl(h)
	unstored := Unstored(h, append(d.PrivateFields, d.NoCacheFields...))
	return func(name string) bool { return !unstored(name) && !fieldsOfContent[Canonical(name)] }
}

// SameRepresentation tells whether a 200 to a HEAD request describes what is stored, so that it may freshen it; else
// what is stored is out of date (RFC 9111 §4.3.5). length is the stored body's.
func SameRepresentation(h http.Header, v *Validators, length string, received time.Time) bool {
	head := ReadValidators(h, received)
	if value, ok := single(h["Content-Length"]); ok && value != length {
		return false
	}
	if head.ETag != "" && head.ETag != v.ETag {
		return false
	}
	return head.LastModified.IsZero() || head.LastModified.Equal(v.LastModified)
}
