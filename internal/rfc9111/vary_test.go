package rfc9111_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// names returns a list of n field names, in order.
func names(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("X-%03d", i)
	}
	return strings.Join(list, ",")
}

// TestVaryFields reads Vary (RFC 9110 §12.5.5).
func TestVaryFields(t *testing.T) {
	for _, test := range []struct {
		name  string
		lines []string
		want  []string
		any   bool
	}{
		{"none", nil, nil, false},
		{"empty", []string{""}, nil, false},
		{"empty members", []string{", ,"}, nil, false},
		{"one", []string{"Accept"}, []string{"Accept"}, false},
		{"several, in order", []string{"Cookie, Accept", "Accept-Language"},
			[]string{"Accept", "Accept-Language", "Cookie"}, false},
		{"one twice, in another case", []string{"ACCEPT, cookie", "accept"}, []string{"Accept", "Cookie"}, false},
		{"one twice, and another behind it", []string{"Accept, accept, Cookie"}, []string{"Accept", "Cookie"}, false},
		{"everything", []string{"*"}, nil, true},
		{"everything, among others", []string{"Accept", "Cookie , * , Accept"}, nil, true},
		{"no star", []string{"Accept*"}, []string{"Accept*"}, false},
		{"64 names", []string{names(64)}, strings.Split(names(64), ","), false},
		{"64 names, each twice", []string{names(64), strings.ToLower(names(64))}, strings.Split(names(64), ","), false},
		{"more than 64 names", []string{names(65)}, nil, true},
		{"more than 64 names on two lines", []string{names(64), "Cookie"}, nil, true},
		{"what is no field name", []string{"Cookie; Accept"}, nil, true},
		{"what is no field name, in quotes", []string{`Accept, "Cookie"`}, nil, true},
		{"what is no field name, with white space", []string{"Accept Cookie"}, nil, true},
		{"what is no field name, beyond ASCII", []string{"Äccept"}, nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, any := rfc9111.VaryFields(http.Header{"Vary": test.lines})
			if !slices.Equal(got, test.want) || any != test.any {
				t.Errorf("RFC 9110 §12.5.5: %q is %q, %t; want %q, %t", test.lines, got, any, test.want, test.any)
			}
		})
	}
}

// TestVariantKey holds when two requests have the same variant: when each field that selects by matches (RFC 9111 §4.1).
func TestVariantKey(t *testing.T) {
	lines := func(lines ...string) []string { return lines }
	for _, test := range []struct {
		name string
		rule string
		vary string
		a, b []string
		same bool
	}{
		{"equal", "9111 §4.1", "Accept", lines("Accept: a/b"), lines("Accept: a/b"), true},
		{"unequal", "9111 §4.1", "Accept", lines("Accept: a/b"), lines("Accept: a/c"), false},
		{"absent in both", "9111 §4.1", "Accept", nil, lines("Cookie: a=b"), true},
		{"absent in one", "9111 §4.1", "Accept", nil, lines("Accept: a/b"), false},
		{"absent in one and empty in the other", "9111 §4.1", "Accept", nil, lines("Accept:"), false},
		{"absent in one and empty in the other, a list in order", "9111 §4.1", "Accept-Encoding", nil,
			lines("Accept-Encoding: ,"), false},
		{"absent in one and so named in the other", "9111 §4.1", "Accept", nil, lines("Accept: absent"), false},
		{"another field", "9111 §4.1", "Accept", lines("Cookie: a=b"), lines("Cookie: a=c"), true},
		{"one of two fields", "9111 §4.1", "Accept, Cookie", lines("Accept: a/b", "Cookie: a=b"),
			lines("Accept: a/b", "Cookie: a=c"), false},
		{"the values of two fields swapped", "9111 §4.1", "X-A, X-B", lines("X-A: 1", "X-B: 2"),
			lines("X-A: 2", "X-B: 1"), false},
		{"the value of one field in the other", "9111 §4.1", "X-A, X-B", lines("X-A: 1"), lines("X-B: 1"), false},
		{"one of two fields, the other absent", "9111 §4.1", "X-A, X-B", lines("X-B: 1"), lines("X-B: 2"), false},
		{"values that run together", "9111 §4.1", "X-A, X-B", lines("X-A: 12", "X-B: 3"), lines("X-A: 1", "X-B: 23"),
			false},

		{"equal lines", "9111 §4.1", "X-A", lines("X-A: 1", "X-A: 2"), lines("X-A: 1", "X-A: 2"), true},
		{"lines joined, which a handler that reads the first one tells apart", "9111 §4.1", "X-A", lines("X-A: 1", "X-A: 2"),
			lines("X-A: 1, 2"), false},
		{"an empty line before another", "9111 §4.1", "X-A", lines("X-A:", "X-A: 1"), lines("X-A: 1"), false},
		{"an empty line behind another", "9111 §4.1", "X-A", lines("X-A: 1", "X-A:"), lines("X-A: 1"), false},
		{"the order of lines", "9111 §4.1", "X-A", lines("X-A: 1", "X-A: 2"), lines("X-A: 2", "X-A: 1"), false},
		{"where lines end", "9111 §4.1", "X-A", lines("X-A: 12", "X-A: 3"), lines("X-A: 1", "X-A: 23"), false},
		{"an empty line before languages", "9111 §4.1", "Accept-Language", lines("Accept-Language:", "Accept-Language: en"),
			lines("Accept-Language: en"), false},
		{"a language on two lines", "9111 §4.1", "Accept-Language", lines("Accept-Language: en", "Accept-Language: en"),
			lines("Accept-Language: en"), false},
		{"the lines of codings", "9111 §4.1", "Accept-Encoding", lines("Accept-Encoding: br", "Accept-Encoding: gzip"),
			lines("Accept-Encoding: br, gzip"), false},
		{"the order of the lines of codings", "9111 §4.1", "Accept-Encoding", lines("Accept-Encoding: br", "Accept-Encoding: gzip"),
			lines("Accept-Encoding: gzip", "Accept-Encoding: br"), false},
		{"white space around commas", "9111 §4.1", "X-A", lines("X-A: 1 ,\t2 "), lines("X-A: 1,2"), true},
		{"white space in a member", "9111 §4.1", "X-A", lines("X-A: 1 2"), lines("X-A: 1  2"), false},
		{"order", "9111 §4.1", "X-A", lines("X-A: 1, 2"), lines("X-A: 2, 1"), false},
		{"case", "9111 §4.1", "X-A", lines("X-A: a"), lines("X-A: A"), false},
		{"one member twice", "9111 §4.1", "X-A", lines("X-A: 1, 1"), lines("X-A: 1"), false},
		{"an empty member", "9111 §4.1", "X-A", lines("X-A: 1,"), lines("X-A: 1"), false},
		{"a comma in a string", "9110 §5.6.4", "X-A", lines(`X-A: "1, 2"`), lines(`X-A: "1,2"`), false},
		{"a comma behind a quoted pair", "9110 §5.6.4", "X-A", lines(`X-A: "1\", 2"`), lines(`X-A: "1\",2"`), false},
		{"a comma behind a string", "9110 §5.6.4", "X-A", lines(`X-A: "1" , 2`), lines(`X-A: "1",2`), true},

		{"the order of languages", "9110 §12.5.4", "Accept-Language", lines("Accept-Language: fr, en"),
			lines("Accept-Language: en, fr"), false},
		{"the order of languages that have weights", "9110 §12.5.4", "Accept-Language",
			lines("Accept-Language: fr;q=0.9, en;q=0.8"), lines("Accept-Language: en;q=0.8, fr;q=0.9"), false},
		{"the order of the lines of languages", "9110 §12.5.4", "Accept-Language",
			lines("Accept-Language: fr", "Accept-Language: en"), lines("Accept-Language: en", "Accept-Language: fr"), false},
		{"the case of languages", "9110 §12.5.4", "Accept-Language", lines("Accept-Language: de-AT"),
			lines("Accept-Language: DE-at"), true},
		{"the lines of languages", "9110 §12.5.4", "Accept-Language", lines("Accept-Language: de", "Accept-Language: en"),
			lines("Accept-Language: de, en"), false},
		{"white space in languages", "9110 §12.4.2", "Accept-Language", lines("Accept-Language: de ; q=0.5"),
			lines("Accept-Language: de;q=0.5"), true},
		{"the weight of languages", "9110 §12.4.2", "Accept-Language", lines("Accept-Language: de, en;q=0.5"),
			lines("Accept-Language: de;q=0.5, en"), false},
		{"a language twice", "9110 §12.5.4", "Accept-Language", lines("Accept-Language: de, en, DE"),
			lines("Accept-Language: de,, en"), true},
		{"a language twice, with another weight", "9110 §12.4.2", "Accept-Language", lines("Accept-Language: de, de;q=0.5"),
			lines("Accept-Language: de"), false},
		{"letters beyond ASCII have no case", "9110 §12.5.4", "Accept-Language", lines("Accept-Language: \u212a"),
			lines("Accept-Language: k"), false},
		{"fewer languages", "9110 §12.5.4", "Accept-Language", lines("Accept-Language: de, en"),
			lines("Accept-Language: de"), false},
		{"languages that run together", "9110 §12.5.4", "Accept-Language", lines("Accept-Language: de, en"),
			lines("Accept-Language: de en"), false},
		{"the order and case of codings", "9110 §12.5.3", "Accept-Encoding", lines("Accept-Encoding: gzip, br"),
			lines("Accept-Encoding: BR,,GZIP"), true},
		{"the order of codings that have weights", "9110 §12.5.3", "Accept-Encoding",
			lines("Accept-Encoding: gzip;q=0.5, br"), lines("Accept-Encoding: br, gzip; Q=0.5"), true},
		{"a coding twice", "9110 §12.5.3", "Accept-Encoding", lines("Accept-Encoding: gzip, br, gzip"),
			lines("Accept-Encoding: gzip, br"), true},
		{"the weight of codings", "9110 §12.5.3", "Accept-Encoding", lines("Accept-Encoding: gzip;q=0"),
			lines("Accept-Encoding: gzip"), false},
		{"the order of media types", "9111 §4.1", "Accept", lines("Accept: a/b, c/d"), lines("Accept: c/d, a/b"), false},

		{"white space in a cookie", "6265 §5.4", "Cookie", lines("Cookie: a=1, 2"), lines("Cookie: a=1,2"), false},
		{"cookies on two lines", "6265 §5.4", "Cookie", lines("Cookie: a=1", "Cookie: b=2"), lines("Cookie: a=1,b=2"),
			false},
		{"white space in credentials", "9110 §11.6.2", "Authorization", lines("Authorization: Basic a, b"),
			lines("Authorization: Basic a,b"), false},
		{"white space in an address", "9110 §10.1.3", "Referer", lines("Referer: /?a, b"), lines("Referer: /?a,b"), false},
		{"white space in a product's comment", "9110 §10.1.5", "User-Agent", lines("User-Agent: x (a, b)"),
			lines("User-Agent: x (a,b)"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			vary, _ := rfc9111.VaryFields(http.Header{"Vary": {test.vary}})
			a, b := rfc9111.VariantKey(vary, fields(t, test.a...)), rfc9111.VariantKey(vary, fields(t, test.b...))
			if same := a == b; same != test.same {
				t.Errorf("RFC %s: by %s, %q and %q are one variant: %t, want %t",
					test.rule, test.vary, test.a, test.b, same, test.same)
			}
		})
	}
}

// A request with several lines of a field matches one with those joined (RFC 9111 §4.1), where it may be a list.
func TestJoinedVariantKey(t *testing.T) {
	lines := func(l ...string) []string { return l }
	for _, row := range []struct {
		name        string
		lines, same []string // of X-A unless the name of the field is given; no lines for no match
		field       string
	}{
		{name: "no line"},
		{name: "one line", lines: lines("1, 2")},
		{name: "two lines", lines: lines("1", "2"), same: lines("1, 2")},
		{name: "white space", lines: lines("1 ", " 2"), same: lines("1 ,2")},
		{name: "an empty line", lines: lines("", "2"), same: lines(", 2")},
		{name: "languages", field: "Accept-Language", lines: lines("", "en", "DE"), same: lines("en,de")},
		{name: "codings in another order", field: "Accept-Encoding", lines: lines("gzip", "br"), same: lines("br, gzip")},
		{name: "64 lines", lines: slices.Repeat(lines("1"), 64), same: lines(strings.Repeat(",1", 64)[1:])},
		{name: "65 lines", lines: slices.Repeat(lines("1"), 65)},
		{name: "no list", field: "Authorization", lines: lines("1", "2")},
		{name: "cookies", field: "Cookie", lines: lines("1", "2")},
	} {
		t.Run(row.name, func(t *testing.T) {
			field := row.field
			if field == "" {
				field = "X-A"
			}
			fields := []string{field, "X-B"}
			got := rfc9111.JoinedVariantKey(fields, http.Header{field: row.lines, "X-B": {"b"}})
			want := ""
			if row.same != nil {
				want = rfc9111.VariantKey(fields, http.Header{field: row.same, "X-B": {"b"}})
			}
			if got != want {
				t.Errorf("%q is joined to %q, not to that of %q", row.lines, got, row.same)
			}
			if other := rfc9111.JoinedVariantKey(fields, http.Header{field: row.lines, "X-B": {"c"}}); got != "" && other == got {
				t.Error("another value of another field matches")
			}
		})
	}
}

// TestVariantKeyOfLongFields holds that a field beyond 4 KiB or 64 members is compared as it is, and still exactly.
func TestVariantKeyOfLongFields(t *testing.T) {
	list := func(members, length int) string {
		return strings.Repeat(strings.Repeat("a", length-1)+",", members-1) + "b"
	}
	numbered := func(n int) string {
		members := make([]string, n)
		for i := range members {
			members[i] = fmt.Sprint("x-", i)
		}
		return strings.Join(members, ",")
	}
	spaced := func(s string) string { return strings.ReplaceAll(s, ",", ", ") }
	for _, test := range []struct {
		name  string
		field string
		a, b  []string
		same  bool
	}{
		{"64 members are a list", "X-A", []string{list(64, 2)}, []string{spaced(list(64, 2))}, true},
		{"65 members are not", "X-A", []string{list(65, 2)}, []string{spaced(list(65, 2))}, false},
		{"65 members on two lines", "X-A", []string{list(33, 2), list(32, 2)}, []string{list(33, 2) + " ", list(32, 2)}, false},
		{"64 codings are a list", "Accept-Encoding", []string{numbered(64)}, []string{spaced(numbered(64))}, true},
		{"65 codings are not", "Accept-Encoding", []string{numbered(65)}, []string{spaced(numbered(65))}, false},
		{"repeated codings do not count", "Accept-Encoding", []string{strings.Repeat("br,", 99)}, []string{"br"}, true},
		{"4096 bytes are a list", "X-A", []string{strings.Repeat("a", 4094) + " ,"}, []string{strings.Repeat("a", 4094) + ","}, true},
		{"4097 bytes are not", "X-A", []string{strings.Repeat("a", 4095) + " ,"}, []string{strings.Repeat("a", 4095) + ","}, false},
		{"4097 bytes on two lines are not", "X-A", []string{strings.Repeat("a", 4095), " b"}, []string{strings.Repeat("a", 4095), "b"},
			false},
		{"two lines are not", "X-A", []string{"a", "b"}, []string{"a", "b "}, false},
		{"65 equal lines", "X-A", slices.Repeat([]string{"a"}, 65), slices.Repeat([]string{"a"}, 65), true},
		{"65 empty lines", "Accept-Encoding", make([]string, 65), make([]string, 66), false},

		{"long and equal", "X-A", []string{list(9999, 3)}, []string{list(9999, 3)}, true},
		{"long and equal on two lines", "X-A", []string{list(99, 3), "x"}, []string{list(99, 3), "x"}, true},
		{"another byte", "X-A", []string{list(9999, 3)}, []string{list(9999, 3)[1:] + "b"}, false},
		{"another order of lines", "X-A", []string{list(99, 3), "x"}, []string{"x", list(99, 3)}, false},
		{"lines that run together", "X-A", []string{list(99, 3), "xy"}, []string{list(99, 3) + "x", "y"}, false},
		{"one line more", "X-A", []string{list(99, 3)}, []string{list(99, 3), ""}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := func(lines []string) string {
				return rfc9111.VariantKey([]string{test.field, "X-Z"}, http.Header{test.field: lines, "X-Z": {"1"}})
			}
			if same := key(test.a) == key(test.b); same != test.same {
				t.Errorf("RFC 9111 §4.1: they are one variant: %t, want %t", same, test.same)
			}
		})
	}
}

// TestVariantKeysDiffer holds that the words which tell what follows can be no values: what one field says never looks like
// what another, or two, say.
func TestVariantKeysDiffer(t *testing.T) {
	long := strings.Repeat("a,", 64) + "a"
	names := []string{"X-A", "X-B"}
	seen := make(map[string]http.Header)
	for _, h := range []http.Header{
		{}, {"X-A": {""}}, {"X-A": {"", ""}}, {"X-B": {""}}, {"X-A": {"absent"}}, {"X-A": {"members"}}, {"X-A": {"lines"}},
		{"X-A": {long}}, {"X-A": {long}, "X-B": {"lines"}}, {"X-A": {long, "X-B"}}, {"X-A": {long, "X-B", "absent"}},
		{"X-A": {long, "X-B", "members"}}, {"X-A": {"1,X-B"}}, {"X-A": {"1", "X-B"}}, {"X-A": {"1"}, "X-B": {"2"}}, {"X-A": {"1,X-B,members,2"}},
	} {
		key := rfc9111.VariantKey(names, h)
		if other, ok := seen[key]; ok {
			t.Errorf("%q and %q are one variant", h, other)
		}
		seen[key] = h
	}
}

// TestVariantKeyHides holds that a key gives nothing away of the values that selected, which can be credentials, and that it
// is of the form that a cache key takes.
func TestVariantKeyHides(t *testing.T) {
	if key := rfc9111.VariantKey(nil, fields(t, "Cookie: a=b")); key != "" {
		t.Errorf("without fields the key is %q", key)
	}
	keys := map[string][]string{}
	for _, names := range [][]string{{"Cookie"}, {"Authorization"}, {"Authorization", "Cookie"}, {"X"}} {
		key := rfc9111.VariantKey(names, fields(t, "Cookie: secret", "Authorization: secret"))
		if sum, err := base64.RawURLEncoding.DecodeString(key); err != nil || len(sum) != 32 || strings.Contains(key, "secret") {
			t.Errorf("by %q the key is %q", names, key)
		}
		if other, ok := keys[key]; ok {
			t.Errorf("by %q the key is the same as by %q", names, other)
		}
		keys[key] = names
	}
}

// TestVariantKeyNoLines holds that a field that is in the map without a value is absent, as it is for a handler.
func TestVariantKeyNoLines(t *testing.T) {
	names := []string{"Accept"}
	if rfc9111.VariantKey(names, http.Header{"Accept": {}}) != rfc9111.VariantKey(names, http.Header{}) {
		t.Error("it is not")
	}
}
