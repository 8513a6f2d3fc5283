// Package audit finds out whether responses depend on what is no part of their key. It compares responses, knows what of a request may be the
// cause of a difference, and keeps what was seen of each route.
package audit

import (
	"bytes"
	"maps"
	"net/http"
	"slices"

	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Response is what handlers have answered, or what is stored, as far as the two are to be the same.
type Response struct {
	Status int
	Header http.Header // by canonical names; a field that the handlers have taken off has no values
	Body   []byte
}

// Normaliser takes out of a response what may differ. It may change the header, and returns the body to compare.
type Normaliser = func(header http.Header, body []byte) []byte

// ignored are the fields that say when, or by which run, a response was made, or that a cache answers for. A response that sets cookies is not
// stored, or, where the route allows it, for all.
var ignored = []string{
	"Age", "Cache-Status", "Content-Length", "Date", "Expires", "Request-Id", "Server-Timing", "Set-Cookie", "Traceparent", "Tracestate", "Vary",
	"X-Amzn-Trace-Id", "X-Correlation-Id", "X-Request-Id", "X-Response-Time", "X-Runtime", "X-Trace-Id",
}

// Of makes a response to compare. The normalisers get copies.
func Of(status int, fields []response.Field, body []byte, normalisers []Normaliser) Response {
	r := Response{Status: status, Header: make(http.Header, len(fields)), Body: body}
	for i := range fields {
		name := rfc9111.Canonical(fields[i].Name)
		if _, skip := slices.BinarySearch(ignored, name); !skip {
			r.Header[name] = append(r.Header[name], fields[i].Values...)
		}
	}
	for _, normalise := range normalisers {
		r.Body = normalise(r.Header, bytes.Clone(r.Body))
	}
	return r
}

// Difference says in what two responses differ, and nothing of what they have there.
type Difference struct {
	Names     []string // status, names of fields, and body
	FirstByte int      // of the body; -1 where it is the same
}

// None tells that they do not differ.
func (d *Difference) None() bool { return len(d.Names) == 0 }

// maxNames bounds the names of a difference.
const maxNames = 16

// Compare returns in what two responses differ.
func Compare(a, b *Response) Difference {
	d := Difference{FirstByte: -1}
	if a.Status != b.Status {
		d.Names = append(d.Names, "status")
	}
	all := maps.Clone(a.Header)
	maps.Copy(all, b.Header)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		one, inOne := a.Header[name]
		other, inOther := b.Header[name]
		if inOne != inOther || !slices.Equal(one, other) {
			d.Names = append(d.Names, name)
		}
	}
	if len(d.Names) > maxNames {
		d.Names = d.Names[:maxNames]
	}
	if !bytes.Equal(a.Body, b.Body) {
		d.Names, d.FirstByte = append(d.Names, "body"), firstDifference(a.Body, b.Body)
	}
	return d
}

// firstDifference returns the index of the first byte in which two bodies differ, which is behind the end of one of them where that is the other's
// beginning.
func firstDifference(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
