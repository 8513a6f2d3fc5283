package mongodb

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// odd are the pieces of which the keys of these tests are made: the first and the last rune of each length, those
// around the surrogates, and bytes that are none.
var odd = []string{
	"\x00", "a", "\x7f", "\u0080", "é", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010fffe", marker,
	"\x80", "\xc0", "\xc3", "\xe0\xa0", "\xed", "\xed\xa0", "\xf0\x90", "\xf4\x8f", "\xf4\x8f\xbf", "\xf4\x90", "\xff", "66", "6",
}

func oddKeys() []string {
	keys := []string{""}
	for _, a := range odd {
		keys = append(keys, a)
		for _, b := range odd {
			keys = append(keys, a+b)
			for _, c := range odd {
				keys = append(keys, a+b+c)
			}
		}
	}
	return keys
}

func TestEncodeKey(t *testing.T) {
	keyOf := make(map[string]string)
	for _, key := range oddKeys() {
		name := encodeKey(key)
		if !utf8.ValidString(name) {
			t.Fatalf("encodeKey(%q) = %q, which is not UTF-8", key, name)
		}
		if utf8.ValidString(key) && !strings.HasPrefix(key, marker) && name != key {
			t.Fatalf("encodeKey(%q) = %q, want it as it is", key, name)
		}
		if other, taken := keyOf[name]; taken && other != key {
			t.Fatalf("encodeKey gives %q and %q the same name %q", key, other, name)
		}
		keyOf[name] = key
		if back, ok := decodeKey(name); !ok || back != key {
			t.Fatalf("decodeKey(%q) = %q, %t, want %q", name, back, ok, key)
		}
	}
}

func TestDecodeKeyOfNone(t *testing.T) {
	for _, name := range []string{
		marker,          // of an empty key, which needs no marker
		marker + "6",    // half a byte
		marker + "FF",   // of another spelling
		marker + "xx",   // no digits
		marker + "61",   // of a key that is stored as it is
		"\xff", "a\xc3", // no UTF-8
		marker + "ff" + marker, // more than digits
	} {
		if key, ok := decodeKey(name); ok {
			t.Errorf("decodeKey(%q) = %q, want none", name, key)
		}
	}
}

// Every key that begins with a prefix lies in the prefix's spans, and no plain one that does not lies in its plain span.
func TestSpans(t *testing.T) {
	t.Parallel()
	keys := oddKeys()
	random := rand.New(rand.NewPCG(1, 2))
	prefixes := map[string]bool{"": true}
	for range 700 {
		key := keys[random.IntN(len(keys))]
		prefixes[key[:random.IntN(len(key)+1)]] = true
	}
	within := func(name string, s span) bool { return s.from <= name && (s.to == "" || name < s.to) }
	for prefix := range prefixes {
		all := spans(prefix)
		plain, some := plainSpan(prefix)
		for _, s := range append(all, plain) {
			if !utf8.ValidString(s.from) || !utf8.ValidString(s.to) {
				t.Fatalf("spans(%q) has %q, which BSON cannot hold", prefix, s)
			}
		}
		// A sample, and what is close to the prefix.
		for i := random.IntN(7); i < len(keys); i += 7 {
			for _, key := range []string{keys[i], prefix + keys[i]} {
				name := encodeKey(key)
				found := 0
				for _, s := range all {
					if within(name, s) {
						found++
					}
				}
				if strings.HasPrefix(key, prefix) && found == 0 {
					t.Fatalf("the key %q, stored as %q, is in none of the spans %q of %q", key, name, all, prefix)
				}
				if utf8.ValidString(key) && some && within(key, plain) && !strings.HasPrefix(key, prefix) {
					t.Fatalf("the key %q is in the plain span %q of %q", key, plain, prefix)
				}
			}
		}
	}
}

func TestAfter(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"", ""},
		{"a", "b"},
		{"a\x7f", "a\u0080"},
		{"\u07ff", "\u0800"},
		{"a\ud7ff", "a\ue000"},
		{"\uffff", "\U00010000"},
		{"a\U0010fffe", "a\U0010ffff"},
		{"a\U0010ffff\U0010ffff", "b"},
		{"\U0010ffff\U0010ffff", ""},
	} {
		if got := after(row.text); got != row.want {
			t.Errorf("after(%q) = %q, want %q", row.text, got, row.want)
		}
	}
}

func TestPlainSpanOfHalfRunes(t *testing.T) {
	for _, row := range []struct {
		prefix   string
		from, to string
		none     bool
	}{
		{"x\xc3", "x\u00c0", "x\u0100", false},
		{"\xc2", "\u0080", "\u00c0", false},
		{"\xe0", "\u0800", "\u1000", false},
		{"\xed", "\ud000", "\ue000", false}, // up to the surrogates
		{"\xed\x9f", "\ud7c0", "\ue000", false},
		{"\xef\xbf", "\uffc0", "\U00010000", false},
		{"\xf0", "\U00010000", "\U00040000", false},
		{"a\xf4", "a\U00100000", "b", false},
		{"\xf4\x8f\xbf", "\U0010ffc0", "", false},
		{"\xc0", "", "", true},         // too short an encoding
		{"\xe0\x80", "", "", true},     // likewise
		{"\xed\xa0", "", "", true},     // surrogates
		{"\xf4\x90", "", "", true},     // past the last rune
		{"\xf5", "", "", true},         // likewise
		{"\x80", "", "", true},         // no beginning
		{"\xc3(", "", "", true},        // not continued
		{"\xe2\x82(", "", "", true},    // likewise
		{"\xffabc", "", "", true},      // never part of UTF-8
		{"\xc3\x28\xc3", "", "", true}, // likewise
	} {
		got, ok := plainSpan(row.prefix)
		if ok == row.none || got != (span{row.from, row.to}) {
			t.Errorf("plainSpan(%q) = %q, %t, want %q to %q, %t", row.prefix, got, ok, row.from, row.to, !row.none)
		}
	}
}
