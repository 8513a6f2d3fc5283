package rfc9111

import (
	"math"
	"net/http"
	"strconv"
	"strings"
)

// Range is a run of bytes of a complete body.
type Range struct {
	Start  int64
	Length int64
}

// ContentRange returns the value of Content-Range for a body of size bytes (RFC 9110 §14.4).
func (r Range) ContentRange(size int64) string {
	return "bytes " + strconv.FormatInt(r.Start, 10) + "-" + strconv.FormatInt(r.Start+r.Length-1, 10) + "/" +
		strconv.FormatInt(size, 10)
}

// maxRanges bounds how many ranges one request may ask for: many small ones cost more than the whole (RFC 9110 §17.15).
const maxRanges = 16

// Ranges reads a request's Range field for a body of size bytes (RFC 9110 §14.2). It returns the ranges that can be
// served, in the order asked; none when the field is to be ignored: absent, malformed, in another unit, or abusive.
// unsatisfiable is true when the field is well formed and no part of it lies in the body, which is a 416.
func Ranges(h http.Header, size int64) (ranges []Range, unsatisfiable bool) {
	value, ok := single(h["Range"])
	if !ok {
		return nil, false
	}
	unit, set, ok := strings.Cut(value, "=")
	if !ok || !strings.EqualFold(trim(unit), "bytes") {
		return nil, false
	}
	asked, total := 0, int64(0)
	for spec := range strings.SplitSeq(set, ",") {
		if spec = trim(spec); spec == "" {
			continue
		}
		r, wellFormed := parseRange(spec, size)
		if !wellFormed {
			return nil, false
		}
		if asked++; asked > maxRanges {
			return nil, false
		}
		if r.Length > 0 {
			ranges = append(ranges, r)
			total += r.Length
		}
	}
	// Overlapping ranges that add up to more than the whole are an attack or a mistake (RFC 9110 §14.2).
	if asked == 0 || len(ranges) > 1 && total > size {
		return nil, false
	}
	return ranges, len(ranges) == 0
}

// parseRange reads one int-range or suffix-range (RFC 9110 §14.1.2). A Length of 0 tells that it is well formed and
// cannot be satisfied.
func parseRange(spec string, size int64) (Range, bool) {
	first, last, ok := strings.Cut(spec, "-")
	if !ok {
		return Range{}, false
	}
	if first == "" {
		suffix, ok := parsePosition(last)
		if !ok {
			return Range{}, false
		}
		if size == 0 && suffix > 0 { // satisfiable (§14.1.2), but nothing that Content-Range could express
			return Range{}, false
		}
		suffix = min(suffix, size)
		return Range{Start: size - suffix, Length: suffix}, true
	}
	start, ok := parsePosition(first)
	if !ok {
		return Range{}, false
	}
	end := size - 1
	if last != "" {
		given, ok := parsePosition(last)
		if !ok || given < start {
			return Range{}, false
		}
		end = min(end, given)
	}
	if start >= size {
		return Range{}, true
	}
	return Range{Start: start, Length: end - start + 1}, true
}

// parsePosition reads 1*DIGIT; a number too large for any body is read as the largest.
func parsePosition(s string) (int64, bool) {
	if s == "" {
		return 0, false
	}
	n := int64(0)
	for i := range len(s) {
		digit := int64(s[i]) - '0'
		switch {
		case !isDigit(s[i]):
			return 0, false
		case n > (math.MaxInt64-digit)/10:
			n = math.MaxInt64
		default:
			n = n*10 + digit
		}
	}
	return n, true
}

// ReadPart reads which part of the whole a 206 carries (RFC 9110 §14.4), and the length of the whole. ok is false when
// there are several parts, or when where this one lies cannot be told.
func ReadPart(h http.Header) (part Range, size int64, ok bool) {
	value, ok := single(h["Content-Range"])
	if !ok {
		return Range{}, 0, false
	}
	unit, rest, _ := strings.Cut(value, " ")
	positions, length, _ := strings.Cut(rest, "/")
	first, last, _ := strings.Cut(positions, "-")
	start, ok1 := parsePosition(first)
	end, ok2 := parsePosition(last)
	size, ok3 := parsePosition(length)
	if !strings.EqualFold(unit, "bytes") || !ok1 || !ok2 || !ok3 || end < start || end >= size {
		return Range{}, 0, false
	}
	return Range{Start: start, Length: end - start + 1}, size, true
}
