package rfc9111_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

func TestParseGroups(t *testing.T) {
	var many, list []string
	for i := range 32 { // each of 32 characters
		many = append(many, fmt.Sprintf("%032d", i))
		list = append(list, fmt.Sprintf("%q", many[i]))
	}
	for _, test := range []struct {
		section string
		lines   []string
		want    []string
		ok      bool
	}{
		{"9875 §2: none", nil, nil, true},
		{"9875 §2", []string{`"scripts"`}, []string{"scripts"}, true},
		{"9875 §2: several", []string{`"scripts", "images" ,"fonts"`}, []string{"scripts", "images", "fonts"}, true},
		{"9875 §2: on several lines (RFC 9110 §5.3)", []string{`"scripts"`, `"images"`}, []string{"scripts", "images"}, true},
		{"9875 §2: 32 groups of 32 characters", []string{strings.Join(list, ", ")}, many, true},
		{"9875 §2.1: case counts", []string{`"Eurovision-results", "eurovision-results"`}, []string{"Eurovision-results", "eurovision-results"}, true},
		{"9875 §2: once is enough", []string{`"a", "b", "a"`}, []string{"a", "b"}, true},
		{"9875 §2: parameters say nothing", []string{`"a";x=1, "b";y;z="c"`}, []string{"a", "b"}, true},
		{"9651 §3.3.3: escapes", []string{`"a\\b\"c"`}, []string{`a\b"c`}, true},
		{"9651 §3.3.3: the empty String", []string{`""`}, []string{""}, true},
		{"9651 §4.2: an empty List", []string{""}, nil, true},
		{"9651 §4.2: a token", []string{`scripts`}, nil, false},
		{"9651 §4.2: one token", []string{`"a", scripts`}, nil, false},
		{"9651 §4.2: an integer", []string{`1`}, nil, false},
		{"9651 §4.2: an inner list", []string{`("a" "b")`}, nil, false},
		{"9651 §4.2: bytes", []string{`:YQ==:`}, nil, false},
		{"9651 §4.2.1: a trailing comma", []string{`"a",`}, nil, false},
		{"9651 §4.2.1: no comma", []string{`"a" "b"`}, nil, false},
		{"9651 §4.2.5: no end", []string{`"a`}, nil, false},
		{"9651 §4.2.5: no ASCII", []string{`"é"`}, nil, false},
		{"9651 §4.2.5: a control character", []string{"\"a\tb\""}, nil, false},
	} {
		got, ok := rfc9111.ParseGroups(test.lines)
		if !slices.Equal(got, test.want) || ok != test.ok {
			t.Errorf("%s: %q: got %q, %t; want %q, %t", test.section, test.lines, got, ok, test.want, test.ok)
		}
	}
}
