package rfc9111

import (
	"net/http"
	"strings"
)

// PreferredCoding returns which of some content codings a request likes best by its lines of Accept-Encoding (RFC 9110 §12.5.3): its place in
// codings, where those that are preferred among equals come first. It is -1 where the request likes the content better as it is, or
// says nothing.
func PreferredCoding(lines []string, codings []string) int {
	if len(lines) == 0 {
		return -1
	}
	best, most := -1, max(0, weightOf(lines, "identity", false))
	for i, coding := range codings {
		if weight := weightOf(lines, coding, true); weight > 0 && (weight > most || best < 0 && weight == most) {
			best, most = i, weight
		}
	}
	return best
}

// weightOf returns the weight that a list gives a coding, by its name or, where that counts, by "*"; -1 for none. What is named twice has the first weight.
func weightOf(lines []string, coding string, any bool) int {
	others := -1
	for _, line := range lines {
		for member := range members(line, true) {
			name, parameters, weighed := strings.Cut(member, ";")
			switch name = trim(name); {
			case sameCoding(name, coding):
				return codingWeight(parameters, weighed)
			case any && name == "*" && others < 0:
				others = codingWeight(parameters, weighed)
			}
		}
	}
	return others
}

// sameCoding tells whether a name is that of a coding: x-gzip is gzip (RFC 9110 §8.4.1.3).
func sameCoding(name, coding string) bool {
	return strings.EqualFold(name, coding) || coding == "gzip" && strings.EqualFold(name, "x-gzip")
}

// codingWeight reads the weight of a member by what follows its first semicolon, in thousandths. One that is none stands for 0: what it was to say is not
// known, and the content as it is suits everybody.
func codingWeight(parameters string, weighed bool) int {
	if !weighed {
		return 1000
	}
	weight, ok := parseWeight(trim(parameters))
	if !ok {
		return 0
	}
	return weight
}

// NoTransform tells whether a message asks for its content to be left as it is (RFC 9111 §5.2.1.6, §5.2.2.6).
func NoTransform(h http.Header) (asked bool) {
	for _, line := range h["Cache-Control"] {
		scan(line, func(name, _ string, _ bool) { asked = asked || name == "no-transform" })
	}
	return asked
}

// HeldTag returns the first entity tag in the lines of If-None-Match that is, by weak comparison (RFC 9110 §8.8.3.2), one of those that is tells.
func HeldTag(lines []string, is func(tag string) bool) (tag string, held bool) {
	for _, line := range lines {
		for member := range members(line, false) {
			if member = opaque(member); is(member) {
				return member, true
			}
		}
	}
	return "", false
}
