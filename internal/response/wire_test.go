package response

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Texts and lists of each length that has a form of its own are read as they were written. The tests in wiretest hold the
// forms against a library.
func TestLengths(t *testing.T) {
	for _, length := range []int{0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536} {
		var w writer
		list := slices.Repeat([]string{""}, length)
		text := strings.Repeat("x", length)
		w.array(2)
		w.strs(list)
		w.str(text)
		r := reader{text: string(w)}
		r.tuple(2)
		if got := r.strs(); len(got) != length || r.str() != text || !r.complete() {
			t.Errorf("length %d: read as %d strings, broken: %t", length, len(got), r.broken)
		}
	}
}

// What is not what it is read as breaks the reader, and what is read then is zero.
func TestBrokenMetadata(t *testing.T) {
	read := map[string]func(r *reader) any{
		"integer": func(r *reader) any { return r.integer() },
		"boolean": func(r *reader) any { return r.boolean() },
		"str":     func(r *reader) any { return r.str() },
		"strs":    func(r *reader) any { return r.strs() },
		"fields":  func(r *reader) any { return r.fields() },
	}
	for name, row := range map[string]struct {
		text string
		good []string // what it can be read as
	}{
		"nothing":                           {"", nil},
		"nil":                               {"\xc0", []string{"strs", "fields"}},
		"a byte that msgpack never has":     {"\xc1", nil},
		"a float":                           {"\xcb\x00\x00\x00\x00\x00\x00\x00\x00", nil},
		"a map":                             {"\x81\x01\x01", nil},
		"bytes":                             {"\xc4\x01x", nil},
		"an integer above an int64":         {"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", nil},
		"half of an integer":                {"\xd3\x00\x00", nil},
		"a text that is cut off":            {"\xa3ab", nil},
		"a text of 4 GiB":                   {"\xdb\xff\xff\xff\xffab", nil},
		"a list of 4 Gi texts":              {"\xdd\xff\xff\xff\xff\xa0", nil},
		"a list that is cut off":            {"\x92\xa0", nil},
		"a list of numbers":                 {"\x91\x01", nil},
		"a field of two":                    {"\x91\x92\xa0\x90", nil},
		"a field with a text as its change": {"\x91\x93\xa0\x90\xa0", nil},
	} {
		for kind, as := range read {
			r := reader{text: row.text}
			got := as(&r)
			if r.broken == slices.Contains(row.good, kind) {
				t.Errorf("%s, read as %s: broken: %t", name, kind, r.broken)
			}
			if v := reflect.ValueOf(got); r.broken && kind != "strs" && kind != "fields" && !v.IsZero() {
				t.Errorf("%s, read as %s: %v", name, kind, got)
			}
		}
	}
}

// kinds are values of each kind that msgpack has, whatever a writer of today has for it.
func kinds() []string {
	nested := "\x92\x81\xa1a\x92\x01\xc0\xde\x00\x01\x01\xdc\x00\x01\xa0"
	return []string{
		"\x00", "\x7f", "\xe0", "\xff", "\xc0", "\xc2", "\xc3", "\xcc1", "\xcd12", "\xce1234", "\xcf12345678", "\xd01", "\xd112",
		"\xd21234", "\xd312345678", "\xca1234", "\xcb12345678", "\xa0", "\xa3abc", "\xd9\x01a", "\xda\x00\x02ab", "\xdb\x00\x00\x00\x01a",
		"\xc4\x02ab", "\xc5\x00\x01a", "\xc6\x00\x00\x00\x01a", "\x90", "\xdd\x00\x00\x00\x01\x01", "\x80", "\xdf\x00\x00\x00\x01\x01\x01",
		"\xd4x1", "\xd5x12", "\xd6x1234", "\xd7x12345678", "\xd8x1234567812345678", "\xc7\x01xa", "\xc8\x00\x02xab", "\xc9\x00\x00\x00\x01xa", nested,
	}
}

// Each kind of value is skipped as a whole, and no more than that; one that is cut off, or claims to be longer than the text, breaks.
func TestSkip(t *testing.T) {
	for _, kind := range kinds() {
		r := reader{text: kind + "\xa1z"}
		if r.skip(1); r.str() != "z" || !r.complete() {
			t.Errorf("% x: broken: %t, %q is left", kind, r.broken, r.text)
		}
		for n := range kind {
			r := reader{text: kind[:n]}
			if r.skip(1); !r.broken {
				t.Errorf("% x of % x is skipped", kind[:n], kind)
			}
		}
	}
	for _, text := range []string{"\xc1", "\xdd\xff\xff\xff\xff\x01", "\xdf\xff\xff\xff\xff\x01", "\xc6\xff\xff\xff\xff\x01", strings.Repeat("\x91", 1<<16)} {
		r := reader{text: text}
		if r.skip(1); !r.broken {
			t.Errorf("% .20x is skipped", text)
		}
	}
}
