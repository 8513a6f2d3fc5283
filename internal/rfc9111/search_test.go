package rfc9111_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// The examples of draft-ietf-httpbis-no-vary-search §4.2 and §4.3, and what RFC 9651 adds to them.
func TestParseSearch(t *testing.T) {
	type search = rfc9111.Search
	for _, row := range []struct {
		name  string
		lines []string
		want  search
	}{
		{"§4.2 params", []string{`params=("a")`}, search{Names: []string{"a"}}},
		{"§4.2 except", []string{`except=("x")`}, search{Names: []string{"x"}, Except: true}},
		{"§4.2 no params", []string{`params=()`}, search{}},
		{"§4.2 all", []string{`except=()`}, search{Except: true}},
		{"§4.2 key-order of another type", []string{`key-order="not a boolean"`}, search{}},
		{"§4.2 params of another type", []string{`params="not an inner list"`}, search{}},
		{"§4.2 a token in params", []string{`params=(not-a-string)`}, search{}},
		{"§4.2 params false", []string{`params=?0`}, search{}},
		{"§4.2 params true", []string{`params=?1`}, search{}},
		{"§4.2 params true, and except", []string{`params=?1, except=("x")`}, search{}},
		{"§4.2 both", []string{`params=("a"), except=("x")`}, search{}},
		{"§4.2 both, empty", []string{`params=(), except=()`}, search{}},
		{"§4.2 except of another type", []string{`except="not an inner list"`}, search{}},
		{"§4.2 a token in except", []string{`except=(not-a-string)`}, search{}},
		{"§4.2 except true", []string{`except=?1`}, search{}},
		{"§4.2 key-order true", []string{`key-order=?1`}, search{AnyOrder: true}},
		{"§4.2 except first", []string{`except=("x"), key-order`}, search{Names: []string{"x"}, Except: true, AnyOrder: true}},
		{"§4.2 key-order false", []string{`key-order=?0`}, search{}},
		{"§4.3 a key beyond ASCII", []string{`params=("%C3%A9+%E6%B0%97")`}, search{Names: []string{"é 気"}}},
		{"§3 key-order alone", []string{`key-order`}, search{AnyOrder: true}},
		{"§3 a member that is not known", []string{`params=("a"), other=(1 2.5 :YQ==:);x="y"`}, search{Names: []string{"a"}}},
		{"RFC 9651 §4.2.9: a date", []string{`params=("a"), other=@1659578233`}, search{Names: []string{"a"}}},
		{"RFC 9651 §4.2.9: a date that is a decimal", []string{`params=("a"), other=@1.5`}, search{}},
		{"RFC 9651 §4.2.9: a date of nothing", []string{`params=("a"), other=@`}, search{}},
		{"RFC 9651 §4.2.10: a display string", []string{`params=("a"), other=%"f%c3%bc \ x", key-order`}, search{Names: []string{"a"}, AnyOrder: true}},
		{"RFC 9651 §4.2.10: in capitals", []string{`params=("a"), other=%"f%C3%BC"`}, search{}},
		{"RFC 9651 §4.2.10: what is no UTF-8", []string{`params=("a"), other=%"%ff"`}, search{}},
		{"RFC 9651 §4.2.10: that does not end", []string{`params=("a"), other=%"a`}, search{}},
		{"RFC 9651 §4.2.10: an escape that is cut", []string{`params=("a"), other=%"%c"`}, search{}},
		{"RFC 9651 §4.2.10: a display string in params", []string{`params=(%"a")`}, search{}},
		{"none", nil, search{}},
		{"empty", []string{""}, search{}},
		{"params without a value", []string{`params`}, search{}},
		{"several lines", []string{`params=("b" "a" "b")`, `key-order`}, search{Names: []string{"a", "b"}, AnyOrder: true}},
		{"RFC 9651 §3.2: the last of two", []string{`params=("a"), params=("b")`}, search{Names: []string{"b"}}},
		{"RFC 9651 §3.2: the last key-order", []string{`params=("a"), key-order, key-order=()`}, search{}},
		{"RFC 9651 §3.1.1: parameters", []string{`params=("a";x "b");y=1, key-order;z`}, search{Names: []string{"a", "b"}, AnyOrder: true}},
		{"RFC 9651 §4.2: no dictionary", []string{`("a")`}, search{}},
		{"RFC 9651 §4.2: a comma at the end", []string{`params=("a"),`}, search{}},
		{"RFC 9651 §4.2: a list that does not end", []string{`params=("a"`}, search{}},
		{"RFC 9651 §4.2.1.2: no blank between", []string{`params=("a""b")`}, search{}},
		{"RFC 9651 §4.2.3.3: a key in capitals", []string{`Params=("a")`}, search{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, ok := rfc9111.ParseSearch(row.lines)
			says := slices.Contains([]string{"§4.2 no params", "§4.2 key-order false", "none", "empty"}, row.name) || !reflect.DeepEqual(row.want, search{})
			if ok != says {
				t.Errorf("%q parses: %t", row.lines, ok)
			}
			if len(got.Names) == 0 {
				got.Names = nil
			}
			if !reflect.DeepEqual(got, row.want) {
				t.Errorf("%q is %+v, want %+v", row.lines, got, row.want)
			}
			if (reflect.DeepEqual(row.want, search{})) != got.Default() {
				t.Errorf("it is the default: %t", got.Default())
			}
		})
	}
}

// Equivalence (draft-ietf-httpbis-no-vary-search §5, with the examples of §5.1).
func TestSearchForm(t *testing.T) {
	for _, row := range []struct {
		name, field, a, b string
		same              bool
	}{
		{"§5.1 percent-decoding", "key-order", "a=x", "%61=%78", true},
		{"§5.1 beyond ASCII", "key-order", "a=é", "a=%C3%A9", true},
		{"§6 what is no UTF-8, where handlers see its bytes", "key-order", "a=%f6", "a=%ef%bf%bd", false},
		{"§6 the same twice", "key-order", "a=%f6", "a=%f6", true},
		{"§6 in what does not count", `params=("x")`, "a=1&x=%f6", "a=1", false},
		{"§6 a character that is cut", "key-order", "a=%e2%82", "a=%ff%ff", false},
		{"§5.1 empty ones", "key-order", "a=x&&&&", "a=x", true},
		{"§5.1 no value", "key-order", "a=", "a", true},
		{"§5.1 a space", "key-order", "a=%20", "a= &", true},
		{"§5.1 a plus", "key-order", "a=+", "a= &", true},
		{"§4.3 spellings of a key", `params=("%C3%A9+%E6%B0%97")`, "é 気=1", "%C3%A9+%E6%B0%97=4", true},
		{"§4.3 others", `params=("%C3%A9+%E6%B0%97")`, "é+気=2&a=1", "%C3%A9%20気=3&a=2", false},
		{"order", "key-order", "b=1&a=2", "a=2&b=1", true},
		{"order of values", "key-order", "a=1&a=2", "a=2&a=1", false},
		{"order counts", `params=("x")`, "b=1&a=2&x=1", "a=2&b=1", false},
		{"params", `params=("x")`, "x=1&a=2&x", "a=2", true},
		{"except", `except=("x")`, "a=1&x=2&b", "x=2&c=3", true},
		{"except, another value", `except=("x")`, "x=1", "x=2", false},
		{"except nothing", `except=()`, "x=1", "", true},
		{"case", `params=("x")`, "X=1", "", false},
		{"an escaped ampersand", "key-order", "a=1%26b=2", "a=1&b=2", false},
		{"an escaped equals sign", "key-order", "a%3D1=2", "a=1%3D2", false},
		{"§6 an escape that is none, for which handlers see no parameter", "key-order", "a=%zz", "a=%25zz", false},
		{"§6 an escape that is cut", "key-order", "a=%2", "a=%252", false},
		{"§6 a semicolon, for which handlers see no parameter", "key-order", "a=1;2", "a=1%3B2", false},
		{"§6 a semicolon in what does not count", `params=("x")`, "a=1&x=;", "a=1", false},
		{"§6 one that stands for itself is like no other", "key-order", "a=1;2", "!a%3D1%3B2", false},
		{"§6 more parameters than handlers may be given", `params=("x")`, "a=1" + strings.Repeat("&x", 100), "a=1", false},
		{"§6 as many as that", `params=("x")`, "a=1" + strings.Repeat("&x", 99), "a=1", true},
		{"a semicolon is no separator", `params=("x")`, "a=1;x=2", "a=1", false},
		{"a plus that is escaped", "key-order", "a=%2B", "a=+", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, _ := rfc9111.ParseSearch([]string{row.field})
			if a, b := string(s.AppendForm(nil, row.a)), string(s.AppendForm(nil, row.b)); (a == b) != row.same {
				t.Errorf("the forms of %q and %q are %q and %q", row.a, row.b, a, b)
			}
		})
	}
}
