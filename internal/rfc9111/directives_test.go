package rfc9111_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// TestParseResponse reads the cache control of responses. Where a directive cannot be read, the reading is the one that
// caches less: RFC 9111 §4.2.1 encourages it, and what a handler forbids badly is forbidden all the same.
func TestParseResponse(t *testing.T) {
	type directives = rfc9111.ResponseDirectives
	for _, test := range []struct {
		name  string
		rule  string
		lines []string
		want  directives
	}{
		{"nothing", "9111 §5.2", nil, directives{}},
		{"an empty line", "9111 §5.2", []string{""}, directives{}},
		{"max-age", "9111 §5.2.2.1", []string{"max-age=60"}, directives{MaxAge: seconds(60)}},
		{"s-maxage", "9111 §5.2.2.10", []string{"s-maxage=60"}, directives{SMaxAge: seconds(60)}},
		{"must-revalidate", "9111 §5.2.2.2", []string{"must-revalidate"}, directives{MustRevalidate: true}},
		{"proxy-revalidate", "9111 §5.2.2.8", []string{"proxy-revalidate"}, directives{ProxyRevalidate: true}},
		{"must-understand", "9111 §5.2.2.3", []string{"must-understand"}, directives{MustUnderstand: true}},
		{"no-store", "9111 §5.2.2.5", []string{"no-store"}, directives{NoStore: true}},
		{"public", "9111 §5.2.2.9", []string{"public"}, directives{Public: true}},
		{"stale-while-revalidate", "5861 §3", []string{"stale-while-revalidate=9"},
			directives{StaleWhileRevalidate: seconds(9)}},
		{"stale-if-error", "5861 §4", []string{"stale-if-error=9"}, directives{StaleIfError: seconds(9)}},

		{"names in any case", "9111 §5.2", []string{"No-Store, MAX-AGE=1"}, directives{NoStore: true, MaxAge: seconds(1)}},
		{"white space around commas", "9110 §5.6.1", []string{" \tno-store\t ,\t public "},
			directives{NoStore: true, Public: true}},
		{"empty list members", "9110 §5.6.1.2", []string{",, no-store, ,public,"}, directives{NoStore: true, Public: true}},
		{"several lines", "9110 §5.2", []string{"no-store", "max-age=1"}, directives{NoStore: true, MaxAge: seconds(1)}},
		{"an unknown extension", "9111 §5.2.3", []string{`community="UCI", max-age=1`}, directives{MaxAge: seconds(1)}},
		{"an unknown one with a comma in its string", "9110 §5.6.4", []string{`x="no-store, private", max-age=1`},
			directives{MaxAge: seconds(1)}},
		{"white space before a string", "9110 §5.6.4", []string{`x= "a, no-store, b", max-age=1`},
			directives{MaxAge: seconds(1)}},
		{"a quoted pair in a string", "9110 §5.6.4", []string{`x="a\"no-store, \\", max-age=1`},
			directives{MaxAge: seconds(1)}},
		{"a directive in the name of another", "9111 §5.2", []string{"x-no-store, no-storex, private-ish"}, directives{}},
		{"a quoted name is none", "9111 §5.2", []string{`"no-store"`}, directives{}},

		{"quoted seconds", "9111 §5.2", []string{`max-age="60"`}, directives{MaxAge: seconds(60)}},
		{"quoted seconds with a quoted pair", "9110 §5.6.4", []string{`max-age="6\0"`}, directives{MaxAge: seconds(60)}},
		{"quoted seconds of quoted pairs alone", "9110 §5.6.4", []string{`max-age="\6\0"`},
			directives{MaxAge: seconds(60)}},
		{"zero", "9111 §1.2.2", []string{"max-age=0"}, directives{MaxAge: seconds(0)}},
		{"leading zeros", "9111 §1.2.2", []string{"max-age=0060"}, directives{MaxAge: seconds(60)}},
		{"2^31", "9111 §1.2.2", []string{"max-age=2147483648"}, directives{MaxAge: seconds(1 << 31)}},
		{"over 2^31", "9111 §1.2.2", []string{"max-age=2147483649"}, directives{MaxAge: seconds(1 << 31)}},
		{"over 2^64", "9111 §1.2.2", []string{"max-age=99999999999999999999999"}, directives{MaxAge: seconds(1 << 31)}},

		{"over 2^64, by one", "9111 §1.2.2", []string{"max-age=18446744073709551617"},
			directives{MaxAge: seconds(1 << 31)}},

		{"no argument", "9111 §4.2.1", []string{"max-age"}, directives{MaxAge: unreadable}},
		{"an empty argument", "9111 §4.2.1", []string{"max-age="}, directives{MaxAge: unreadable}},
		{"an empty string", "9111 §4.2.1", []string{`max-age=""`}, directives{MaxAge: unreadable}},
		{"a negative number", "9111 §4.2.1", []string{"max-age=-1"}, directives{MaxAge: unreadable}},
		{"a signed number", "9111 §4.2.1", []string{"max-age=+1"}, directives{MaxAge: unreadable}},
		{"a decimal", "9111 §4.2.1", []string{"max-age=1.0"}, directives{MaxAge: unreadable}},
		{"letters", "9111 §4.2.1", []string{"max-age=1h"}, directives{MaxAge: unreadable}},
		{"other digits", "9111 §4.2.1", []string{"max-age=١"}, directives{MaxAge: unreadable}},
		{"white space before =", "9111 §5.2", []string{"max-age =60"}, directives{MaxAge: unreadable}},
		{"white space behind =", "9111 §5.2", []string{"max-age= 60"}, directives{MaxAge: unreadable}},
		{"two =", "9111 §5.2", []string{"max-age==60"}, directives{MaxAge: unreadable}},
		{"single quotes", "9111 §5.2", []string{"max-age='60'"}, directives{MaxAge: unreadable}},
		{"something behind a string", "9111 §5.2", []string{`max-age="60"0`}, directives{MaxAge: unreadable}},
		{"white space behind a string", "9110 §5.6.1", []string{`max-age="60" , public`},
			directives{MaxAge: seconds(60), Public: true}},
		{"an unterminated string", "9110 §5.6.4", []string{`max-age="60`}, directives{MaxAge: unreadable}},
		{"a string that ends in a backslash", "9110 §5.6.4", []string{`max-age="60\`}, directives{MaxAge: unreadable}},

		{"twice the same", "9111 §4.2.1", []string{"max-age=60, max-age=60"}, directives{MaxAge: seconds(60)}},
		{"two that disagree", "9111 §4.2.1", []string{"max-age=60, max-age=1"}, directives{MaxAge: unreadable}},
		{"two that disagree, on two lines", "9111 §4.2.1", []string{"max-age=1", "max-age=60"},
			directives{MaxAge: unreadable}},
		{"an unreadable one and one that is not", "9111 §4.2.1", []string{"max-age=x, max-age=1"},
			directives{MaxAge: unreadable}},
		{"one that is not and an unreadable one", "9111 §4.2.1", []string{"max-age=1, max-age=x"},
			directives{MaxAge: unreadable}},
		{"an unreadable one and 0", "9111 §4.2.1", []string{"max-age=x, max-age=0"}, directives{MaxAge: unreadable}},
		{"0 and an unreadable one", "9111 §4.2.1", []string{"max-age=0, max-age=x"}, directives{MaxAge: unreadable}},
		{"three, the last two the same", "9111 §4.2.1", []string{"max-age=1, max-age=2, max-age=2"},
			directives{MaxAge: unreadable}},

		{"no-cache", "9111 §5.2.2.4", []string{"no-cache"}, directives{NoCache: true}},
		{"private", "9111 §5.2.2.7", []string{"private"}, directives{Private: true}},
		{"no-cache of one field", "9111 §5.2.2.4", []string{`no-cache="set-cookie"`},
			directives{NoCacheFields: []string{"Set-Cookie"}}},
		{"private of several fields", "9111 §5.2.2.7", []string{`private="x-a, ,X-B"`},
			directives{PrivateFields: []string{"X-A", "X-B"}}},
		{"a field name as a token", "9111 §5.2.2.7", []string{`private=x-a`}, directives{PrivateFields: []string{"X-A"}}},
		{"of a field, and of the whole", "9111 §5.2.2.7", []string{`private=x-a, private`},
			directives{Private: true, PrivateFields: []string{"X-A"}}},
		{"of fields, twice", "9111 §5.2.2.4", []string{`no-cache=x-a`, `no-cache="x-b"`},
			directives{NoCacheFields: []string{"X-A", "X-B"}}},
		{"private of nothing", "9111 §5.2.2.7", []string{`private=""`}, directives{Private: true}},
		{"private of commas", "9111 §5.2.2.7", []string{`private=", ,"`}, directives{Private: true}},
		{"no-cache with an empty argument", "9111 §5.2.2.4", []string{`no-cache=`}, directives{NoCache: true}},
		{"private of what is no field name", "9111 §5.2.2.7", []string{`private="the whole page"`},
			directives{Private: true}},
		{"private with something behind its string", "9111 §5.2.2.7", []string{`private="x-a" x-b`},
			directives{Private: true}},

		{"an unterminated string hides nothing", "9110 §5.6.4", []string{`x="a, no-store, private`},
			directives{NoStore: true, Private: true}},
		{"64 fields", "9111 §5.2.2.7", []string{`private="` + names(40) + `"`, `private="` + names(24) + `"`},
			directives{PrivateFields: append(strings.Split(names(40), ","), strings.Split(names(24), ",")...)}},
		{"more than 64 fields are the whole response", "9111 §5.2.2.7", []string{`private="` + names(65) + `", no-cache`},
			directives{Private: true, NoCache: true}},
		{"more than 64 fields on two lines", "9111 §5.2.2.4", []string{`no-cache="` + names(64) + `"`, "no-cache=x-a"},
			directives{NoCache: true, NoCacheFields: strings.Split(names(64), ",")}},
		{"an empty string hides nothing", "9110 §5.6.4", []string{`x="", no-store, y="z"`}, directives{NoStore: true}},
		{"quoted pairs", "9110 §5.6.4", []string{`private="x-\a,\ \x-b", max-age="\6\0"`},
			directives{PrivateFields: []string{"X-A", "X-B"}, MaxAge: seconds(60)}},
		{"a quoted pair of a quote", "9110 §5.6.4", []string{`x="a\", no-store, b=\\", private`}, directives{Private: true}},
		{"an unterminated string that ends in a backslash", "9110 §5.6.4", []string{`x="a, no-store\`}, directives{}},
		{"a string that ends in an escaped backslash", "9110 §5.6.4", []string{`x="\\", no-store`}, directives{NoStore: true}},
		{"names that fold to ASCII only beyond it", "9111 §5.2", []string{"no-\u017ftore, \u017f-maxage=1"}, directives{}},
		{"an unterminated string qualifies nothing", "9110 §5.6.4", []string{`private="x-a, no-cache`},
			directives{Private: true, NoCache: true}},

		{"no-store with an argument", "9111 §5.2.2.5", []string{"no-store=0"}, directives{NoStore: true}},
		{"must-revalidate with an argument", "9111 §5.2.2.2", []string{"must-revalidate=x"},
			directives{MustRevalidate: true}},
		{"proxy-revalidate with an argument", "9111 §5.2.2.8", []string{"proxy-revalidate=x"},
			directives{ProxyRevalidate: true}},
		{"public with an argument permits nothing", "9111 §5.2.2.9", []string{"public=0"}, directives{}},
		{"public with an empty one", "9111 §5.2.2.9", []string{`public=""`}, directives{}},
		{"public with and without", "9111 §5.2.2.9", []string{"public=0, public, public=0"}, directives{Public: true}},
		{"must-understand with an argument permits nothing", "9111 §5.2.2.3", []string{"must-understand=0, no-store"},
			directives{NoStore: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := rfc9111.ParseResponse(test.lines)
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("RFC %s: %q is\n%+v, want\n%+v", test.rule, test.lines, got, test.want)
			}
		})
	}
}

// TestParseRequest reads what clients ask. Of a wish that cannot be read, nothing is left; of two, the stricter counts.
func TestParseRequest(t *testing.T) {
	type directives = rfc9111.RequestDirectives
	for _, test := range []struct {
		name  string
		rule  string
		lines []string
		want  directives
	}{
		{"nothing", "9111 §5.2.1", nil, directives{}},
		{"no-cache", "9111 §5.2.1.4", []string{"Cache-Control: no-cache"}, directives{NoCache: true}},
		{"no-store", "9111 §5.2.1.5", []string{"Cache-Control: no-store"}, directives{NoStore: true}},
		{"only-if-cached", "9111 §5.2.1.7", []string{"Cache-Control: only-if-cached"}, directives{OnlyIfCached: true}},
		{"max-age", "9111 §5.2.1.1", []string{"Cache-Control: max-age=0"}, directives{MaxAge: seconds(0)}},
		{"min-fresh", "9111 §5.2.1.3", []string{"Cache-Control: min-fresh=5"}, directives{MinFresh: seconds(5)}},
		{"min-fresh of 0", "9111 §5.2.1.3", []string{"Cache-Control: min-fresh=0"}, directives{MinFresh: seconds(0)}},
		{"max-stale", "9111 §5.2.1.2", []string{"Cache-Control: max-stale=5"}, directives{MaxStale: seconds(5)}},
		{"any max-stale", "9111 §5.2.1.2", []string{"Cache-Control: max-stale"}, directives{AnyStale: true}},
		{"stale-if-error", "5861 §4", []string{"Cache-Control: stale-if-error=5"}, directives{StaleIfError: seconds(5)}},
		{"any case, several lines", "9111 §5.2", []string{"Cache-Control: NO-Cache", "Cache-Control: Max-Age=1"},
			directives{NoCache: true, MaxAge: seconds(1)}},
		{"response directives mean nothing", "9111 §5.2.1",
			[]string{"Cache-Control: private, s-maxage=1, must-revalidate, stale-while-revalidate=1"}, directives{}},
		{"no-cache with an argument", "9111 §5.2.1.4", []string{`Cache-Control: no-cache="x"`}, directives{NoCache: true}},

		{"an unreadable max-age", "9111 §5.2.1.1", []string{"Cache-Control: max-age=x"}, directives{}},
		{"an unreadable min-fresh", "9111 §5.2.1.3", []string{"Cache-Control: min-fresh= 5"}, directives{}},
		{"an unreadable max-stale", "9111 §5.2.1.2", []string{"Cache-Control: max-stale=x"}, directives{}},
		{"an empty max-stale", "9111 §5.2.1.2", []string{"Cache-Control: max-stale="}, directives{}},
		{"an empty quoted max-stale", "9111 §5.2.1.2", []string{`Cache-Control: max-stale=""`}, directives{}},
		{"a quoted max-stale", "9111 §5.2.1.2", []string{`Cache-Control: max-stale="5"`}, directives{MaxStale: seconds(5)}},
		{"an overflow", "9111 §1.2.2", []string{"Cache-Control: max-age=99999999999"},
			directives{MaxAge: seconds(1 << 31)}},

		{"two of max-age", "9111 §5.2.1.1", []string{"Cache-Control: max-age=5, max-age=3, max-age=4"},
			directives{MaxAge: seconds(3)}},
		{"two of min-fresh", "9111 §5.2.1.3", []string{"Cache-Control: min-fresh=3, min-fresh=5, min-fresh=4"},
			directives{MinFresh: seconds(5)}},
		{"two of max-stale", "9111 §5.2.1.2", []string{"Cache-Control: max-stale=5, max-stale=3"},
			directives{MaxStale: seconds(3)}},
		{"any max-stale, then so much", "9111 §5.2.1.2", []string{"Cache-Control: max-stale, max-stale=3"},
			directives{MaxStale: seconds(3)}},
		{"so much max-stale, then any", "9111 §5.2.1.2", []string{"Cache-Control: max-stale=3, max-stale"},
			directives{MaxStale: seconds(3)}},

		{"Pragma", "9111 §5.4", []string{"Pragma: no-cache"}, directives{NoCache: true}},
		{"Pragma in any case, among others", "9111 §5.4", []string{"Pragma: x, No-Cache"}, directives{NoCache: true}},
		{"Pragma with something else", "9111 §5.4", []string{"Pragma: no-store, max-age=0"}, directives{}},
		{"Pragma beside Cache-Control", "9111 §5.4", []string{"Pragma: no-cache", "Cache-Control: max-age=9"},
			directives{MaxAge: seconds(9)}},
		{"Pragma beside an empty Cache-Control", "9111 §5.4", []string{"Pragma: no-cache", "Cache-Control:"}, directives{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := rfc9111.ParseRequest(fields(t, test.lines...)); got != test.want {
				t.Errorf("RFC %s: %q is\n%+v, want\n%+v", test.rule, test.lines, got, test.want)
			}
		})
	}
}
