package rfc9111_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// TestRankedByWeight puts the languages of Accept-Language in the order of their weights (RFC 9110 §12.5.4, §12.4.2).
func TestRankedByWeight(t *testing.T) {
	for _, test := range []struct {
		name  string
		lines []string
		want  string // "" for a field that stays as it is
	}{
		{"none", nil, ""},
		{"empty", []string{""}, ""},
		{"one", []string{"de"}, ""},
		{"in order", []string{"de, en"}, ""},
		{"in order, with other white space", []string{"de,en"}, ""},
		{"in another order", []string{"en, de"}, "de, en"},
		{"by weight", []string{"de;q=0.5, en"}, "en, de;q=0.5"},
		{"a weight of 1 is none", []string{"en;q=1.0, de"}, "de, en;q=1.0"},
		{"to the thousandth", []string{"de;q=0.899, en;q=0.9"}, "en;q=0.9, de;q=0.899"},
		{"what is not wanted comes last", []string{"de;q=0, en;q=0.001"}, "en;q=0.001, de;q=0"},
		{"a weight in upper case", []string{"de;Q=0.5, en"}, "en, de;Q=0.5"},
		{"white space around a weight", []string{"de ;\tq=0.5, en"}, "en, de ;\tq=0.5"},
		{"case does not count for the order", []string{"EN, de"}, "de, EN"},
		{"subtags", []string{"zh-Hant-TW, de-1996, de"}, "de, de-1996, zh-Hant-TW"},
		{"any", []string{"de, *"}, "*, de"},
		{"empty members", []string{",en,, de,"}, "de, en"},
		{"several lines", []string{"de", "en"}, "de, en"},
		{"several lines in another order", []string{"en", "de"}, "de, en"},
		{"a weight over 1", []string{"en;q=1.001, de"}, ""},
		{"a weight of four digits", []string{"en;q=0.1234, de"}, ""},
		{"a weight that is none", []string{"en;q=x, de"}, ""},
		{"a weight without its dot", []string{"en;q=05, de"}, ""},
		{"an empty weight", []string{"en;q=, de"}, ""},
		{"another parameter", []string{"en;level=1, de"}, ""},
		{"a parameter behind the weight", []string{"en;q=0.5;x=1, de"}, ""},
		{"no language", []string{"en_US, de"}, ""},
		{"no language in quotes", []string{`"en, de"`}, ""},
		{"a first subtag of digits", []string{"en, 1996"}, ""},
		{"a subtag of nine", []string{"en-abcdefghi, de"}, ""},
		{"an empty subtag", []string{"en-, de"}, ""},
		{"64 members", []string{strings.Repeat("en,", 63) + "de"}, "de" + strings.Repeat(", en", 63)},
		{"65 members", []string{strings.Repeat("en,", 64) + "de"}, ""},
		{"more than 4 KiB", []string{strings.Repeat(" ", 4<<10) + "en, de"}, ""},
		{"more than 4 KiB of lines", []string{strings.Repeat(" ", 2<<10) + "en", strings.Repeat(" ", 2<<10) + "de"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := rfc9111.RankedByWeight(test.lines)
			if got != test.want || ok != (test.want != "") {
				t.Errorf("RFC 9110 §12.5.4: %q is %q, %t; want %q", test.lines, got, ok, test.want)
			}
			if _, again := rfc9111.RankedByWeight([]string{got}); again {
				t.Errorf("%q is not in order", got)
			}
		})
	}
}

// All orders of the same members come to one.
func TestRankedByWeightIsOneOrder(t *testing.T) {
	members := []string{"de", "en-GB", "en", "fr;q=0.9", "it;q=0.90", "EN", "*;q=0.1", "nl;q=0"}
	const want = "de, en, en-gb, fr;q=0.9, it;q=0.90, *;q=0.1, nl;q=0"
	for range 1000 {
		rand.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		line := strings.Join(members, ",")
		ranked, ok := rfc9111.RankedByWeight([]string{line})
		if !ok {
			ranked = line
		}
		own, one := fields(t, "Accept-Language: "+ranked), fields(t, "Accept-Language: "+want)
		if by := []string{"Accept-Language"}; rfc9111.VariantKey(by, own) != rfc9111.VariantKey(by, one) {
			t.Fatalf("%q comes to %q", line, ranked)
		}
	}
}
