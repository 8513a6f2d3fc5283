package rfc9111

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"net/http"
	"slices"
	"strings"
)

// VaryFields returns the request fields that a response's Vary names (RFC 9110 §12.5.5), canonical, sorted and without
// repetition. any is true for a Vary that holds "*", which no request ever matches (RFC 9111 §4.1), for one that holds
// what is no field name, since it is not known what it was to tell apart, and for one that names more than 64 fields.
func VaryFields(h http.Header) (fields []string, any bool) {
	for _, line := range h["Vary"] {
		for name, ok := range fieldNames(line) {
			if !ok || name == "*" {
				return nil, true
			}
			if slices.ContainsFunc(fields, func(f string) bool { return strings.EqualFold(f, name) }) {
				continue
			}
			if len(fields) == maxNames {
				return nil, true
			}
			fields = append(fields, Canonical(name))
		}
	}
	slices.Sort(fields)
	return fields, false
}

// VariantKey returns what distinguishes a request among those that fields select by: two requests have the same key
// only when each selecting field matches by RFC 9111 §4.1. Values enter it through SHA-256 only, since they can be
// credentials. No fields give an empty key.
func VariantKey(fields []string, request http.Header) string {
	if len(fields) == 0 {
		return ""
	}
	d := digest{hash: sha256.New()}
	var room [8]string
	for _, field := range fields {
		d.text(field)
		lines := request[field]
		if len(lines) == 0 {
			d.text("absent") // a field that is there has another word in this place, and matches no absent one
			continue
		}
		if len(lines) == 1 {
			if members, ok := normalise(room[:0], field, lines[0]); ok {
				d.texts("members", members)
				continue
			}
		}
		// A handler that reads the first line alone, as http.Header.Get does, tells several lines from one.
		d.texts("lines", lines)
	}
	return base64.RawURLEncoding.EncodeToString(d.sum())
}

// JoinedVariantKey returns the VariantKey of the same request with the lines of each selecting field on one, and nothing
// where that is no other. RFC 9111 §4.1 has both match, and a request of several lines is given what is stored for one. It
// is not so the other way round: what a handler that reads the first line alone made of several is for no other request.
func JoinedVariantKey(fields []string, request http.Header) string {
	var joined http.Header
	for _, field := range fields {
		lines := request[field]
		if len(lines) < 2 {
			continue
		}
		if !isList(field) || len(lines) > maxListMembers {
			return ""
		}
		if joined == nil {
			joined = make(http.Header, len(fields))
		}
		joined[field] = []string{strings.Join(lines, ", ")}
	}
	if joined == nil {
		return ""
	}
	for _, field := range fields {
		if _, ok := joined[field]; !ok && request[field] != nil {
			joined[field] = request[field]
		}
	}
	return VariantKey(fields, joined)
}

// isList tells whether a field may be one: those that are known to be none say who is asking.
func isList(field string) bool {
	switch field {
	case "Authorization", "Cookie", "Referer", "User-Agent":
		return false
	}
	return true
}

// What is compared as a list (RFC 9111 §4.1): a field that is longer, or that has more members, is compared as it is.
// Clients of which one spells such a field otherwise than another then have a variant each, and reading it costs no more
// than its length.
const (
	maxListLength  = 4 << 10 // bytes
	maxListMembers = 64
)

// normalise appends to members those of a field's only line, in a form that is equal for all lines that mean the same
// (RFC 9111 §4.1): whatever the white space around their commas. Codings and languages are compared without regard to
// case, and one that is repeated says nothing new. Codings have their rank from their weights alone, so they are put in
// order (RFC 9110 §12.5.3); languages may also have it from their order (§12.5.4). ok is false for what is no list, or
// too long a one.
func normalise(into []string, field, line string) (list []string, ok bool) {
	if !isList(field) || len(line) > maxListLength {
		return nil, false
	}
	folds := field == "Accept-Encoding" || field == "Accept-Language"
	list = into
	for member := range members(line, true) {
		if folds {
			member = fold(member)
			if member == "" || slices.Contains(list, member) {
				continue
			}
		}
		if len(list) == maxListMembers {
			return nil, false
		}
		list = append(list, member)
	}
	if field == "Accept-Encoding" {
		slices.Sort(list)
	}
	return list, true
}

// fold returns a member in lower case and without white space, neither of which means anything in it. Only ASCII has
// case here.
func fold(member string) string {
	plain := func(c byte) bool { return !isUpper(c) && c != ' ' && c != '\t' }
	i := 0
	for i < len(member) && plain(member[i]) {
		i++
	}
	if i == len(member) {
		return member
	}
	b := append(make([]byte, 0, len(member)), member[:i]...)
	for ; i < len(member); i++ {
		switch c := member[i]; {
		case isUpper(c):
			b = append(b, c+'a'-'A')
		case plain(c):
			b = append(b, c)
		}
	}
	return string(b)
}

// digest hashes texts, each preceded by its length, so that no two lists of them run into one another. It has a buffer,
// since a text would be copied as a whole to be hashed.
type digest struct {
	hash hash.Hash
	buf  [256]byte
	n    int // how much of buf waits to be hashed
}

// texts writes a word, and then a list of texts by their number.
func (d *digest) texts(word string, list []string) {
	d.text(word)
	d.number(len(list))
	for _, s := range list {
		d.text(s)
	}
}

func (d *digest) text(s string) {
	d.number(len(s))
	for len(s) > 0 {
		if d.n == len(d.buf) {
			d.flush()
		}
		n := copy(d.buf[d.n:], s)
		d.n, s = d.n+n, s[n:]
	}
}

func (d *digest) number(n int) {
	if d.n > len(d.buf)-binary.MaxVarintLen64 {
		d.flush()
	}
	d.n += binary.PutUvarint(d.buf[d.n:], uint64(n))
}

func (d *digest) flush() {
	d.hash.Write(d.buf[:d.n])
	d.n = 0
}

func (d *digest) sum() []byte {
	d.flush()
	return d.hash.Sum(nil)
}
