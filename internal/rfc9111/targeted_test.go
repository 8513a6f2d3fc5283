package rfc9111_test

import (
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// TestParseTargeted reads CDN-Cache-Control, a Dictionary. What does not parse is ignored as a whole; what parses and
// has the wrong type is read as its like in Cache-Control is, so that what forbids goes on forbidding.
func TestParseTargeted(t *testing.T) {
	type directives = rfc9111.ResponseDirectives
	for _, test := range []struct {
		name  string
		rule  string
		lines []string
		want  directives
	}{
		{"every directive", "9213 §2.1",
			[]string{"no-store, must-revalidate, proxy-revalidate, must-understand, public, no-cache, private, " +
				"max-age=1, s-maxage=2, stale-while-revalidate=3, stale-if-error=4"},
			directives{
				NoStore: true, MustRevalidate: true, ProxyRevalidate: true, MustUnderstand: true, Public: true,
				NoCache: true, Private: true, MaxAge: seconds(1), SMaxAge: seconds(2),
				StaleWhileRevalidate: seconds(3), StaleIfError: seconds(4),
			}},
		{"an unknown one", "9213 §2.1", []string{"max-age=1, x=y"}, directives{MaxAge: seconds(1)}},
		{"several lines", "8941 §4.2", []string{"max-age=1", "no-store"}, directives{MaxAge: seconds(1), NoStore: true}},
		{"white space around it and its commas", "8941 §4.2.2", []string{"  max-age=1 \t,\t no-store \t"},
			directives{MaxAge: seconds(1), NoStore: true}},
		{"keys of all kinds", "8941 §3.1.2", []string{"*a=1, b_-.*9=2, no-store"}, directives{NoStore: true}},
		{"the last of two with one key", "8941 §3.2", []string{"max-age=1, max-age=2, no-store, no-store=?0"},
			directives{MaxAge: seconds(2)}},
		{"true and false", "8941 §3.3.6", []string{"no-store=?0, must-revalidate=?1, private=?0, no-cache=?0, public=?1"},
			directives{MustRevalidate: true, Public: true}},

		{"parameters", "9213 §2.1", []string{`max-age=1;a;b=2;c="d, no-store";*e=?0, no-store; x=:YQ==:`},
			directives{MaxAge: seconds(1), NoStore: true}},
		{"parameters of a key without a value", "8941 §3.2", []string{"no-store;a=1"}, directives{NoStore: true}},
		{"an inner list", "8941 §3.1.1", []string{`x=(a "b";c 1 );d, y=(), max-age=1`}, directives{MaxAge: seconds(1)}},
		{"a token with its odd characters", "8941 §3.3.4", []string{"x=aZ!#$%&'*+-.^_`|~:/9, y=*, z=Z, no-store"},
			directives{NoStore: true}},
		{"a string with its escapes", "8941 §3.3.3", []string{`x=" ~\"\\, no-cache", no-store`}, directives{NoStore: true}},
		{"bytes", "8941 §3.3.5", []string{"x=:aGk+/w==:, no-store"}, directives{NoStore: true}},
		{"decimals", "8941 §3.3.2", []string{"x=-123456789012.123, no-store"}, directives{NoStore: true}},

		{"the longest integer", "8941 §3.3.1", []string{"max-age=999999999999999"}, directives{MaxAge: seconds(1 << 31)}},
		{"minus zero", "8941 §3.3.1", []string{"max-age=-0"}, directives{MaxAge: seconds(0)}},
		{"a negative number of seconds", "9111 §4.2.1", []string{"max-age=-1"}, directives{MaxAge: unreadable}},
		{"a decimal of seconds", "9111 §4.2.1", []string{"max-age=1.0"}, directives{MaxAge: unreadable}},
		{"a string of seconds", "9213 §2.1", []string{`max-age="1"`}, directives{MaxAge: unreadable}},
		{"seconds without a value", "9213 §2.1", []string{"s-maxage"}, directives{SMaxAge: unreadable}},
		{"a list of seconds", "9213 §2.1", []string{"stale-if-error=(1)"}, directives{StaleIfError: unreadable}},

		{"of fields, as a string", "9213 §2.1", []string{`private="x-a, X-B", no-cache="set-cookie"`},
			directives{PrivateFields: []string{"X-A", "X-B"}, NoCacheFields: []string{"Set-Cookie"}}},
		{"of a field, as a token", "9213 §2.1", []string{"private=x-a"}, directives{PrivateFields: []string{"X-A"}}},
		{"of no field", "9111 §5.2.2.7", []string{`private=""`}, directives{Private: true}},
		{"of what is no field", "9111 §5.2.2.7", []string{`private="x\\-a"`}, directives{Private: true}},
		{"of a number", "9111 §5.2.2.7", []string{"private=1"}, directives{Private: true}},
		{"of an inner list", "9111 §5.2.2.4", []string{`no-cache=("x-a" "x-b")`}, directives{NoCache: true}},
		{"of bytes", "9111 §5.2.2.4", []string{"no-cache=:eC1h:"}, directives{NoCache: true}},
		{"the last of two that qualify", "8941 §3.2", []string{"private, private=x-a"},
			directives{PrivateFields: []string{"X-A"}}},
		{"what forbids, with a value", "9213 §2.1", []string{`no-store=1, must-revalidate="x", proxy-revalidate=y`},
			directives{NoStore: true, MustRevalidate: true, ProxyRevalidate: true}},
		{"a date", "9651 §4.2.9", []string{"max-age=@1, no-store"}, directives{NoStore: true, MaxAge: unreadable}},
		{"what permits, with a value", "9213 §2.1", []string{"public=1, must-understand=true"}, directives{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := rfc9111.ParseTargeted(test.lines)
			if !ok || !reflect.DeepEqual(got, test.want) {
				t.Errorf("RFC %s: %q is, %t,\n%+v, want\n%+v", test.rule, test.lines, ok, got, test.want)
			}
		})
	}
}

// TestParseTargetedIgnores holds that a field that is empty or does not parse is as good as none (RFC 9213 §2.1).
func TestParseTargetedIgnores(t *testing.T) {
	for _, test := range []struct {
		name  string
		rule  string
		lines []string
	}{
		{"empty", "9213 §2.1", []string{""}},
		{"blank", "8941 §4.2", []string{"   "}},
		{"no line", "9213 §2.1", nil},
		{"an empty line among others", "8941 §4.2", []string{"max-age=1", "", "no-store"}},
		{"a tab in front", "8941 §4.2", []string{"\tmax-age=1"}},
		{"an upper-case key", "8941 §4.2.3.3", []string{"Max-Age=1"}},
		{"an upper-case letter in a key", "8941 §4.2.3.3", []string{"max-Age=1"}},
		{"a key that begins with a digit", "8941 §4.2.3.3", []string{"9max=1"}},
		{"a trailing comma", "8941 §4.2.2", []string{"max-age=1,"}},
		{"an empty member", "8941 §4.2.2", []string{"max-age=1,,no-store"}},
		{"a leading comma", "8941 §4.2.2", []string{",max-age=1"}},
		{"no comma", "8941 §4.2.2", []string{"max-age=1 no-store"}},
		{"no value", "8941 §4.2.3.1", []string{"max-age="}},
		{"no value, among others", "8941 §4.2.3.1", []string{"max-age=,no-store"}},
		{"white space before =", "8941 §4.2.2", []string{"max-age =1"}},
		{"white space behind =", "8941 §4.2.3.1", []string{"max-age= 1"}},
		{"too long an integer", "8941 §4.2.4", []string{"max-age=1000000000000000"}},
		{"a sign alone", "8941 §4.2.4", []string{"max-age=-"}},
		{"a plus", "8941 §4.2.3.1", []string{"max-age=+1"}},
		{"a decimal without a fraction", "8941 §4.2.4", []string{"max-age=1."}},
		{"a decimal with a long fraction", "8941 §4.2.4", []string{"max-age=1.1234"}},
		{"a decimal with a long whole", "8941 §4.2.4", []string{"max-age=1234567890123.1"}},
		{"an unterminated string", "8941 §4.2.5", []string{`private="x-a`}},
		{"a string that ends in a backslash", "8941 §4.2.5", []string{`private="x-a\`}},
		{"an escape that is none", "8941 §4.2.5", []string{`private="x\a"`}},
		{"a control character in a string", "8941 §4.2.5", []string{"private=\"x\ta\""}},
		{"a control character in a string that does not end", "8941 §4.2.5", []string{"private=\"x\t, no-store"}},
		{"a letter beyond ASCII in a string", "8941 §4.2.5", []string{`private="ä"`}},
		{"a boolean that is none", "8941 §4.2.8", []string{"no-store=?2"}},
		{"a boolean without its value", "8941 §4.2.8", []string{"no-store=?"}},
		{"unterminated bytes", "8941 §4.2.7", []string{"x=:aGk=, max-age=1"}},
		{"bytes that are none", "8941 §4.2.7", []string{"x=:a-b:"}},
		{"an unterminated inner list", "8941 §4.2.1.2", []string{"x=(a b"}},
		{"an inner list that ends in white space", "8941 §4.2.1.2", []string{"x=(a "}},
		{"an inner list without white space", "8941 §4.2.1.2", []string{`x=(a"b")`}},
		{"an inner list with commas", "8941 §4.2.1.2", []string{"x=(a,b)"}},
		{"a wrong item in an inner list", "8941 §4.2.1.2", []string{"x=(a (b))"}},
		{"a wrong parameter in an inner list", "8941 §4.2.1.2", []string{"x=(a;B)"}},
		{"a parameter without a key", "8941 §4.2.3.2", []string{"max-age=1;"}},
		{"a parameter without a value", "8941 §4.2.3.2", []string{"max-age=1;a="}},
		{"white space before a parameter", "8941 §4.2.3.2", []string{"max-age=1 ;a"}},
		{"a date without a number", "9651 §4.2.9", []string{"max-age=@"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, ok := rfc9111.ParseTargeted(test.lines); ok || !reflect.DeepEqual(got, rfc9111.ResponseDirectives{}) {
				t.Errorf("RFC %s: %q is, %t, %+v, want it to be ignored", test.rule, test.lines, ok, got)
			}
		})
	}
}

// TestTargetedField holds that a valid CDN-Cache-Control takes the place of Cache-Control and Expires, and no other does
// (RFC 9213 §2.2).
func TestTargetedField(t *testing.T) {
	const declared = "Expires: Sun, 15 Jun 2025 12:00:30 GMT"
	for _, test := range []struct {
		name  string
		rule  string
		lines []string
		want  time.Duration
		why   rfc9111.Refusal
	}{
		{"it goes before Cache-Control", "9213 §2.2",
			[]string{"CDN-Cache-Control: max-age=10", "Cache-Control: max-age=20"}, 10 * time.Second, rfc9111.Stored},
		{"it goes before s-maxage", "9213 §2.2",
			[]string{"CDN-Cache-Control: max-age=10", "Cache-Control: s-maxage=20"}, 10 * time.Second, rfc9111.Stored},
		{"it permits what Cache-Control forbids", "9213 §2.2",
			[]string{"CDN-Cache-Control: max-age=10", "Cache-Control: no-store, private"}, 10 * time.Second, rfc9111.Stored},
		{"it forbids what Cache-Control permits", "9213 §2.2",
			[]string{"CDN-Cache-Control: no-store", "Cache-Control: max-age=20"}, 0, rfc9111.RefusedNoStore},
		{"it goes before Expires", "9213 §2.2", []string{"CDN-Cache-Control: max-age=10", declared}, 10 * time.Second,
			rfc9111.Stored},
		{"Expires does not count beside it", "9213 §2.2", []string{"CDN-Cache-Control: must-revalidate", declared},
			time.Minute, rfc9111.Stored},
		{"an unreadable number in it is stale", "9111 §4.2.1",
			[]string{"CDN-Cache-Control: max-age=10.5", "Cache-Control: max-age=20"}, 0, rfc9111.RefusedStale},
		{"an empty one", "9213 §2.1", []string{"CDN-Cache-Control:", "Cache-Control: max-age=20"}, 20 * time.Second,
			rfc9111.Stored},
		{"one that does not parse", "9213 §2.1",
			[]string{"CDN-Cache-Control: max-age=10,", "Cache-Control: max-age=20"}, 20 * time.Second, rfc9111.Stored},
		{"one that does not parse and forbids", "9213 §2.1",
			[]string{"CDN-Cache-Control: No-Store", "Cache-Control: max-age=20"}, 20 * time.Second, rfc9111.Stored},
		{"one that does not parse, and Expires", "9213 §2.1", []string{"CDN-Cache-Control: a b", declared},
			30 * time.Second, rfc9111.Stored},
		{"another CDN's", "9213 §2.2", []string{"Other-CDN-Cache-Control: max-age=10", "Cache-Control: max-age=20"},
			20 * time.Second, rfc9111.Stored},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, _, why := rfc9111.Storable(get(t, http.StatusOK, test.lines...), &rfc9111.Policy{TTL: time.Minute})
			if why != test.why || why == rfc9111.Stored && m.Lifetime != test.want {
				t.Errorf("RFC %s: %q is fresh for %v, refused %q; want %v, %q",
					test.rule, test.lines, m.Lifetime, why, test.want, test.why)
			}
		})
	}
}
