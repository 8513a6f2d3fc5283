package response

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// What is written is msgpack, as a library for it reads.
func TestMetadataIsMsgpack(t *testing.T) {
	var w writer
	w.entry(full())
	var values []any
	if err := msgpack.Unmarshal(w, &values); err != nil {
		t.Fatal(err)
	}
	if len(values) != entryFields || values[0] != full().Key || values[19].([]any)[1] != "X-B" {
		t.Errorf("a library reads %d values, %v", len(values), values)
	}
	for _, length := range []int{0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536} {
		var w writer
		list := slices.Repeat([]string{""}, length)
		text := strings.Repeat("x", length)
		w.array(2)
		w.strs(list)
		w.str(text)
		var read struct {
			_msgpack struct{} `msgpack:",as_array"`
			List     []string
			Text     string
		}
		if err := msgpack.Unmarshal(w, &read); err != nil || len(read.List) != length || read.Text != text {
			t.Errorf("length %d: %v, %d strings and a text of %d bytes", length, err, len(read.List), len(read.Text))
		}
		r := reader{text: string(w)}
		r.tuple(2)
		if got := r.strs(); len(got) != length || r.str() != text || !r.complete() {
			t.Errorf("length %d: read as %d strings, broken: %t", length, len(got), r.broken)
		}
	}
}

// Whatever form a writer of msgpack gives an integer, it is read.
func TestIntegers(t *testing.T) {
	for _, n := range []int64{0, 1, 127, 128, 255, 256, 65535, 65536, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64,
		-1, -32, -33, -128, -129, -32768, -32769, math.MinInt32, math.MinInt32 - 1, math.MinInt64} {
		var ours writer
		ours.integer(n)
		theirs, err := msgpack.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		var compact strings.Builder
		encoder := msgpack.NewEncoder(&compact)
		encoder.UseCompactInts(true)
		if err := encoder.EncodeInt(n); err != nil {
			t.Fatal(err)
		}
		for form, text := range map[string]string{"ours": string(ours), "a library's": string(theirs), "compact": compact.String()} {
			r := reader{text: text}
			if got := r.integer(); got != n || !r.complete() {
				t.Errorf("%d in the form %s (% x): %d, broken: %t", n, form, text, got, r.broken)
			}
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
