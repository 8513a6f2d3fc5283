package memcached

import (
	"strings"
	"testing"
)

func TestNameOf(t *testing.T) {
	long := strings.Repeat("k", 251)
	for _, row := range []struct{ key, want string }{
		{"cachette:greeting", "cachette:greeting"},
		{"cachette:~r:hq//host/path?query=a%20b", "cachette:~r:hq//host/path?query=a%20b"},
		{"жé\xff\x80", "жé\xff\x80"},
		{long[:250], long[:250]},
		{"cachette%", "cachette%=cachette%25"},
		{"cachette%=a", "cachette%=cachette%25=a"},
		{"", "cachette%="},
		{"a b", "cachette%=a%20b"},
		{"a%20b c", "cachette%=a%2520b%20c"},
		{"a\r\n\x00\x7fb", "cachette%=a%0D%0A%00%7Fb"},
		{strings.Repeat("k", 239) + " ", "cachette%#" + "<hash>" + strings.Repeat("k", 197)},
		{strings.Repeat("k", 237) + " ", "cachette%=" + strings.Repeat("k", 237) + "%20"},
		{long, "cachette%#" + "<hash>" + long[:197]},
		{strings.Repeat(" ", 300), "cachette%#" + "<hash>" + strings.Repeat("%20", 65)},
	} {
		got := nameOf(row.key)
		shown := got.text
		if got.hashed {
			shown = hashedMark + "<hash>" + shown[len(hashedMark)+hashLength:]
		}
		if shown != row.want || got.hashed != strings.Contains(row.want, "<hash>") {
			t.Errorf("the name of %.40q… is %q, want %q", row.key, shown, row.want)
		}
	}
}

// FuzzNameOf checks that a name is legal, that it tells its key, or the beginning of it, and that a name that is taken
// for a key has another name.
func FuzzNameOf(f *testing.F) {
	for _, key := range []string{"", "a", "a b", "cachette%=a", "cachette%#" + strings.Repeat("x", 50), "%41", "\xff\x00",
		strings.Repeat("k", 250), strings.Repeat("k", 251), strings.Repeat(" ", 80), strings.Repeat("%", 81)} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		n := nameOf(key)
		if len(n.text) == 0 || len(n.text) > maxKey || strings.ContainsFunc(n.text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			t.Fatalf("the name of %q is not legal: %q", key, n.text)
		}
		origin, ok := originOf(n.text)
		switch {
		case !ok:
			t.Fatalf("%q, the name of %q, is taken for no name", n.text, key)
		case origin.whole == n.hashed:
			t.Fatalf("%q, the name of %q: whole is %t, hashed %t", n.text, key, origin.whole, n.hashed)
		case origin.whole && origin.head != key:
			t.Fatalf("%q, the name of %q, is said to be of %q", n.text, key, origin.head)
		case !strings.HasPrefix(key, origin.head):
			t.Fatalf("%q, the name of %q, is said to begin with %q", n.text, key, origin.head)
		}
		if n.text != key && nameOf(n.text).text == n.text {
			t.Fatalf("%q is the name of %q, and of itself", n.text, key)
		}
		if n.hashed {
			if stored, value, ok := splitFront(append(front(key), "value"...)); !ok || string(stored) != key || string(value) != "value" {
				t.Fatalf("the key %q and a value are split into %q, %q, %t", key, stored, value, ok)
			}
		}
	})
}

// TestOriginOf holds names that no key has.
func TestOriginOf(t *testing.T) {
	for _, text := range []string{
		"", "a b", "a\x01", "cachette%", "cachette%x", "cachette%=a", // a is its own name
		"cachette%=a%2", "cachette%=a%zz", "cachette%=%20%41", "cachette%=%20%0d", "cachette%#short",
		"cachette%#" + strings.Repeat("h", 43) + "%", strings.Repeat("k", 251),
	} {
		if origin, ok := originOf(text); ok {
			t.Errorf("%q is taken for the name of %+v", text, origin)
		}
	}
}

func TestSplitFront(t *testing.T) {
	for _, data := range []string{"", "\x05four", "\xff",
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"} {
		if key, value, ok := splitFront([]byte(data)); ok {
			t.Errorf("%q is split into %q and %q", data, key, value)
		}
	}
}
