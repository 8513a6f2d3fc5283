package rfc9111

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"slices"
	"strings"
)

// VaryFields returns the request fields that a response's Vary names (RFC 9110 §12.5.5), canonical, sorted and without
// repetition. any is true for a Vary that holds "*", which no request ever matches (RFC 9111 §4.1), and for one that
// holds what is no field name: who knows what it was to tell apart.
func VaryFields(h http.Header) (fields []string, any bool) {
	for _, line := range h["Vary"] {
		names, ok := fieldNames(line)
		if !ok {
			return nil, true
		}
		fields = append(fields, names...)
	}
	if slices.Contains(fields, "*") {
		return nil, true
	}
	slices.Sort(fields)
	return slices.Compact(fields), false
}

// VariantKey returns what distinguishes a request among those that fields select by: two requests have the same key
// just when each selecting field matches by RFC 9111 §4.1. Values enter it through SHA-256 only, since they can be
// credentials. No fields give an empty key.
func VariantKey(fields []string, request http.Header) string {
	if len(fields) == 0 {
		return ""
	}
	hash := sha256.New()
	var size [binary.MaxVarintLen64]byte
	write := func(s string) { // preceded by its length, so that no two lists run into one another
		hash.Write(size[:binary.PutUvarint(size[:], uint64(len(s)))])
		hash.Write([]byte(s))
	}
	for _, field := range fields {
		write(field)
		lines := request[field]
		if len(lines) == 0 {
			write("absent") // a field that is there has "present" in this place, and matches no absent one
			continue
		}
		write("present")
		write(normalise(field, lines))
	}
	return base64.RawURLEncoding.EncodeToString(hash.Sum(nil))
}

// normalise brings a field's lines to a form that is equal for all that mean the same (RFC 9111 §4.1): lines joined,
// white space around commas removed, and for the fields whose members carry their rank in a weight and are
// compared without regard to case (RFC 9110 §12.5.3, §12.5.4) also in lower case and in order. Fields that are known to
// be no lists, and say who is asking, stay as they are.
func normalise(field string, lines []string) string {
	switch field {
	case "Authorization", "Cookie", "Referer", "User-Agent":
		return strings.Join(lines, "\n") // which no line holds
	}
	var members []string
	for _, line := range lines {
		for _, member := range splitList(line, true) {
			members = append(members, strings.Trim(member, " \t"))
		}
	}
	switch field {
	case "Accept-Encoding", "Accept-Language":
		for i, member := range members {
			members[i] = strings.ToLower(strings.Map(dropSpace, member))
		}
		members = slices.DeleteFunc(members, func(m string) bool { return m == "" })
		slices.Sort(members)
		members = slices.Compact(members)
	}
	return strings.Join(members, ",")
}

func dropSpace(r rune) rune {
	if r == ' ' || r == '\t' {
		return -1
	}
	return r
}

// splitList splits a field value at its commas, but for those inside of quoted strings. escapes tells whether a
// backslash in them takes away the meaning of what follows.
func splitList(s string, escapes bool) []string {
	var members []string
	quoted := false
	start := 0
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && escapes && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			members = append(members, s[start:i])
			start = i + 1
		}
	}
	return append(members, s[start:])
}
