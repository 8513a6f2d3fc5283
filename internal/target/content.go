package target

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Content is what a request brings that is keyed by its content (RFC 10008 §2.7).
type Content struct {
	Method   string
	Header   http.Header
	Trailer  http.Header // that came behind the content
	Declared int64       // its length as its sender gives it; -1 where it does not
	Length   int64       // that it has
	Sum      [sha256.Size]byte
	Before   []byte // a digest of what was read of it by others, and is not what is left of it; nil for nothing
}

// describing are the fields of a request that describe its content, beside those whose names begin with "Content-" (RFC 9110 §8, RFC 9530).
var describing = []string{"Digest", "Repr-Digest"}

// Key returns what keys have of the content and of the fields that describe it. Nothing is normalised: a difference that means nothing costs
// a miss, and one that was taken for such would answer one query with the result of another (RFC 10008 §4). It is a digest of 256 bits, so it
// stands for the content where keys are compared: two contents with one digest are not found by whoever looks for them.
func (c *Content) Key() string {
	b := appendText(nil, c.Method)
	b = appendFields(b, c.Header, func(name string) bool {
		return name != "Content-Length" && strings.HasPrefix(name, "Content-") || slices.Contains(describing, name)
	})
	b = appendFields(b, c.Trailer, func(string) bool { return true })
	declared := int64(-1)
	if c.Declared != c.Length { // a middleware has changed the content, and handlers can see by how much
		declared = c.Declared
	}
	b = strconv.AppendInt(b, declared, 10)
	b = appendText(b, string(c.Before))
	b = append(b, c.Sum[:]...)
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// appendFields appends the fields of a header that count, in the order of their names, so that no two lists of them look alike.
func appendFields(b []byte, h http.Header, counts func(name string) bool) []byte {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(h)), func(name string) bool { return !counts(name) })
	b = append(strconv.AppendInt(b, int64(len(names)), 10), ';')
	for _, name := range names {
		b = appendText(b, name)
		b = append(strconv.AppendInt(b, int64(len(h[name])), 10), ';')
		for _, value := range h[name] {
			b = appendText(b, value)
		}
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(append(strconv.AppendInt(b, int64(len(text)), 10), ':'), text...)
}
