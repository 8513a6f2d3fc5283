package rfc9111

import "net/http"

// Canonical returns a field's name as net/http spells it: what http.CanonicalHeaderKey returns. Most names are spelled so
// already, and are told sooner here.
func Canonical(name string) string {
	switch name { // what nearly all responses are made of is told at once
	case "Cache-Control", "Content-Type", "Content-Length", "Content-Encoding", "Date", "Etag", "Last-Modified", "Vary", "Expires",
		"Set-Cookie", "Cache-Status", "Age":
		return name
	}
	if canonical(name) {
		return name
	}
	return http.CanonicalHeaderKey(name)
}

// canonical tells whether a name is letters and hyphens alone, in the canonical spelling.
func canonical(name string) bool {
	upper := true // the letter that comes is to be a capital
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '-':
			upper = true
			continue
		case upper && 'A' <= c && c <= 'Z', !upper && 'a' <= c && c <= 'z':
		default:
			return false
		}
		upper = false
	}
	return true
}
