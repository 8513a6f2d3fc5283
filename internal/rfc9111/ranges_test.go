package rfc9111_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// TestRanges reads Range for bodies of many lengths (RFC 9110 §14.1.2 and §14.2). "Ignored" means that the whole is served.
func TestRanges(t *testing.T) {
	type ranges = []rfc9111.Range
	many := func(n int) string { return "Range: bytes=" + strings.TrimSuffix(strings.Repeat("0-0,", n), ",") }
	ones := slices.Repeat(ranges{{Start: 0, Length: 1}}, 16)
	for _, test := range []struct {
		name          string
		rule          string
		size          int64
		lines         []string
		want          ranges
		unsatisfiable bool
	}{
		{"no range", "9110 §14.2", 10000, nil, nil, false},
		{"the first 500 bytes", "9110 §14.1.2", 10000, []string{"Range: bytes=0-499"}, ranges{{0, 500}}, false},
		{"the second 500 bytes", "9110 §14.1.2", 10000, []string{"Range: bytes=500-999"}, ranges{{500, 500}}, false},
		{"the final 500 bytes", "9110 §14.1.2", 10000, []string{"Range: bytes=-500"}, ranges{{9500, 500}}, false},
		{"the final 500 bytes, from their first", "9110 §14.1.2", 10000, []string{"Range: bytes=9500-"},
			ranges{{9500, 500}}, false},
		{"the first and last bytes", "9110 §14.1.2", 10000, []string{"Range: bytes=0-0,-1"},
			ranges{{0, 1}, {9999, 1}}, false},
		{"the first, middle and last 1000", "9110 §14.1.2", 10000, []string{"Range: bytes= 0-999, 4500-5499, -1000"},
			ranges{{0, 1000}, {4500, 1000}, {9000, 1000}}, false},
		{"the second 500 bytes in two", "9110 §14.1.2", 10000, []string{"Range: bytes=500-600,601-999"},
			ranges{{500, 101}, {601, 399}}, false},
		{"the second 500 bytes in two that overlap", "9110 §14.1.2", 10000, []string{"Range: bytes=500-700,601-999"},
			ranges{{500, 201}, {601, 399}}, false},
		{"everything", "9110 §14.1.2", 10, []string{"Range: bytes=0-"}, ranges{{0, 10}}, false},
		{"one byte", "9110 §14.1.2", 10, []string{"Range: bytes=9-9"}, ranges{{9, 1}}, false},
		{"leading zeros", "9110 §14.1.1", 10, []string{"Range: bytes=0001-0002"}, ranges{{1, 2}}, false},
		{"order is kept", "9110 §14.2", 10, []string{"Range: bytes=5-6,0-1"}, ranges{{5, 2}, {0, 2}}, false},

		{"beyond the end", "9110 §14.1.2", 10, []string{"Range: bytes=5-99"}, ranges{{5, 5}}, false},
		{"a suffix longer than the body", "9110 §14.1.2", 10, []string{"Range: bytes=-99"}, ranges{{0, 10}}, false},
		{"a suffix as long as the body", "9110 §14.1.2", 10, []string{"Range: bytes=-10"}, ranges{{0, 10}}, false},
		{"positions too large to count", "9110 §14.1.1", 10, []string{"Range: bytes=5-99999999999999999999"},
			ranges{{5, 5}}, false},
		{"a suffix too long to count", "9110 §14.1.1", 10, []string{"Range: bytes=-99999999999999999999"},
			ranges{{0, 10}}, false},
		{"the end of the longest body", "9110 §14.1.1", math.MaxInt64, []string{"Range: bytes=-1"},
			ranges{{math.MaxInt64 - 1, 1}}, false},

		{"from the end", "9110 §15.5.17", 10, []string{"Range: bytes=10-"}, nil, true},
		{"from behind the end", "9110 §15.5.17", 10, []string{"Range: bytes=11-20"}, nil, true},
		{"from a position too large to count", "9110 §15.5.17", 10, []string{"Range: bytes=99999999999999999999-"},
			nil, true},
		{"a suffix of nothing", "9110 §14.1.2", 10, []string{"Range: bytes=-0"}, nil, true},
		{"several, none satisfiable", "9110 §15.5.17", 10, []string{"Range: bytes=10-,-0,20-30"}, nil, true},
		{"several, one satisfiable", "9110 §14.2", 10, []string{"Range: bytes=10-,1-1,-0"}, ranges{{1, 1}}, false},
		{"of an empty body", "9110 §15.5.17", 0, []string{"Range: bytes=0-"}, nil, true},
		{"a suffix of nothing of an empty body", "9110 §14.1.2", 0, []string{"Range: bytes=-0"}, nil, true},
		{"the last byte of an empty body", "9110 §14.1.2", 0, []string{"Range: bytes=-1"}, nil, false},
		{"a suffix of an empty body", "9110 §14.1.2", 0, []string{"Range: bytes=-5"}, nil, false},

		{"another unit", "9110 §14.2", 10, []string{"Range: lines=0-1"}, nil, false},
		{"no unit", "9110 §14.2", 10, []string{"Range: 0-1"}, nil, false},
		{"an empty unit", "9110 §14.2", 10, []string{"Range: =0-1"}, nil, false},
		{"the unit in another case", "9110 §14.1", 10, []string{"Range: BYTES=0-1"}, ranges{{0, 2}}, false},
		{"no set", "9110 §14.1.1", 10, []string{"Range: bytes="}, nil, false},
		{"a set of commas", "9110 §14.1.1", 10, []string{"Range: bytes=, ,"}, nil, false},
		{"empty members", "9110 §5.6.1.2", 10, []string{"Range: bytes=,0-1, ,5-6,"}, ranges{{0, 2}, {5, 2}}, false},
		{"two lines", "9110 §5.3", 10, []string{"Range: bytes=0-1", "Range: bytes=5-6"}, nil, false},
		{"last before first", "9110 §14.1.1", 10, []string{"Range: bytes=5-4"}, nil, false},
		{"last before first, among others", "9110 §14.1.1", 10, []string{"Range: bytes=0-1,5-4"}, nil, false},
		{"last before first, behind the end", "9110 §14.1.1", 10, []string{"Range: bytes=50-40"}, nil, false},
		{"a dash alone", "9110 §14.1.1", 10, []string{"Range: bytes=-"}, nil, false},
		{"no dash", "9110 §14.1.1", 10, []string{"Range: bytes=5"}, nil, false},
		{"two dashes", "9110 §14.1.1", 10, []string{"Range: bytes=1-2-3"}, nil, false},
		{"a negative suffix", "9110 §14.1.1", 10, []string{"Range: bytes=--1"}, nil, false},
		{"a sign", "9110 §14.1.1", 10, []string{"Range: bytes=+1-2"}, nil, false},
		{"letters", "9110 §14.1.1", 10, []string{"Range: bytes=a-b"}, nil, false},
		{"hexadecimal", "9110 §14.1.1", 10, []string{"Range: bytes=0x1-0x2"}, nil, false},
		{"white space around the dash", "9110 §14.1.1", 10, []string{"Range: bytes=1 - 2"}, nil, false},

		{"two that add up to the whole", "9110 §14.2", 10, []string{"Range: bytes=0-4,5-9"}, ranges{{0, 5}, {5, 5}}, false},
		{"two that add up to more", "9110 §14.2", 10, []string{"Range: bytes=0-5,5-9"}, nil, false},
		{"the whole, over and over", "9110 §17.15", 10, []string{"Range: bytes=0-,0-,0-"}, nil, false},
		{"sixteen", "9110 §17.15", 100, []string{many(16)}, ones, false},
		{"seventeen", "9110 §17.15", 100, []string{many(17)}, nil, false},
		{"seventeen, none satisfiable", "9110 §17.15", 0, []string{many(17)}, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, unsatisfiable := rfc9111.Ranges(fields(t, test.lines...), test.size)
			if !slices.Equal(got, test.want) || unsatisfiable != test.unsatisfiable {
				t.Errorf("RFC %s: %q of %d bytes is %v, unsatisfiable %t; want %v, %t",
					test.rule, test.lines, test.size, got, unsatisfiable, test.want, test.unsatisfiable)
			}
		})
	}
}

// TestContentRange writes Content-Range (RFC 9110 §14.4).
func TestContentRange(t *testing.T) {
	for _, test := range []struct {
		part rfc9111.Range
		size int64
		want string
	}{
		{rfc9111.Range{Start: 42, Length: 1192}, 1234, "bytes 42-1233/1234"},
		{rfc9111.Range{Start: 0, Length: 1}, 1, "bytes 0-0/1"},
		{rfc9111.Range{Start: math.MaxInt64 - 1, Length: 1}, math.MaxInt64,
			"bytes 9223372036854775806-9223372036854775806/9223372036854775807"},
	} {
		if got := test.part.ContentRange(test.size); got != test.want {
			t.Errorf("%+v of %d is %q, want %q", test.part, test.size, got, test.want)
		}
	}
}

// TestReadPart reads where the content of a 206 lies in the whole (RFC 9110 §14.4 and §15.3.7).
func TestReadPart(t *testing.T) {
	for _, test := range []struct {
		name  string
		lines []string
		part  rfc9111.Range
		size  int64
		ok    bool
	}{
		{"a part", []string{"Content-Range: bytes 42-1233/1234"}, rfc9111.Range{Start: 42, Length: 1192}, 1234, true},
		{"all of it", []string{"Content-Range: bytes 0-9/10"}, rfc9111.Range{Start: 0, Length: 10}, 10, true},
		{"the unit in another case", []string{"Content-Range: Bytes 0-0/10"}, rfc9111.Range{Start: 0, Length: 1}, 10, true},
		{"a very long whole", []string{"Content-Range: bytes 0-0/9223372036854775807"}, rfc9111.Range{Length: 1}, 1<<63 - 1, true},
		{"one that is not as long", []string{"Content-Range: bytes 0-0/9223372036854775806"}, rfc9111.Range{Length: 1}, 1<<63 - 2, true},
		{"a tenth of it", []string{"Content-Range: bytes 0-0/922337203685477580"}, rfc9111.Range{Length: 1}, (1<<63 - 1) / 10, true},
		{"none", nil, rfc9111.Range{}, 0, false},
		{"two", []string{"Content-Range: bytes 0-0/10", "Content-Range: bytes 0-0/10"}, rfc9111.Range{}, 0, false},
		{"the whole's length unknown", []string{"Content-Range: bytes 42-1233/*"}, rfc9111.Range{}, 0, false},
		{"of a 416", []string{"Content-Range: bytes */1234"}, rfc9111.Range{}, 0, false},
		{"several parts", []string{"Content-Type: multipart/byteranges; boundary=x"}, rfc9111.Range{}, 0, false},
		{"another unit", []string{"Content-Range: lines 0-1/10"}, rfc9111.Range{}, 0, false},
		{"last before first", []string{"Content-Range: bytes 5-4/10"}, rfc9111.Range{}, 0, false},
		{"beyond the whole", []string{"Content-Range: bytes 5-10/10"}, rfc9111.Range{}, 0, false},
		{"of an empty whole", []string{"Content-Range: bytes 0-0/0"}, rfc9111.Range{}, 0, false},
		{"too large to count", []string{"Content-Range: bytes 0-99999999999999999999/99999999999999999999"},
			rfc9111.Range{}, 0, false},
		{"no length", []string{"Content-Range: bytes 0-1"}, rfc9111.Range{}, 0, false},
		{"a last position that is none", []string{"Content-Range: bytes 0-x/10"}, rfc9111.Range{}, 0, false},
		{"a first position that is none", []string{"Content-Range: bytes x-1/10"}, rfc9111.Range{}, 0, false},
		{"a length that is none", []string{"Content-Range: bytes 0-1/x"}, rfc9111.Range{}, 0, false},
		{"no positions", []string{"Content-Range: bytes -/10"}, rfc9111.Range{}, 0, false},
		{"a suffix", []string{"Content-Range: bytes -5/10"}, rfc9111.Range{}, 0, false},
		{"an equals sign", []string{"Content-Range: bytes=0-1/10"}, rfc9111.Range{}, 0, false},
		{"white space", []string{"Content-Range: bytes 0 - 1/10"}, rfc9111.Range{}, 0, false},
		{"something behind it", []string{"Content-Range: bytes 0-1/10/10"}, rfc9111.Range{}, 0, false},
		{"empty", []string{"Content-Range:"}, rfc9111.Range{}, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			part, size, ok := rfc9111.ReadPart(fields(t, test.lines...))
			if part != test.part || size != test.size || ok != test.ok {
				t.Errorf("RFC 9110 §14.4: %q is %+v of %d, %t; want %+v of %d, %t",
					test.lines, part, size, ok, test.part, test.size, test.ok)
			}
		})
	}
}
