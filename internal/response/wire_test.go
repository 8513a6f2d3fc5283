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
