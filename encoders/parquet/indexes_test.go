package parquet

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

// TestIndexesAreChecked: those that name no value of the dictionary are refused, wherever the page has them.
func TestIndexesAreChecked(t *testing.T) {
	const fine = ""
	v1 := page{kind: pageData, encoding: encodingRLEDictionary, definition: encodingRLE, repetition: encodingRLE, values: 10}
	v2 := page{kind: pageDataV2, encoding: encodingPlainDictionary, values: 10}
	bitPacked := v1
	bitPacked.definition = encodingBitPacked
	noLevels := v1
	noLevels.definition = 7
	tests := []struct {
		name   string
		page   page
		data   string
		bounds levels
		named  int64
		want   string // a part of the error, or fine
	}{
		{"no indexes", v1, "", levels{}, 0, fine},
		{"no runs", v1, "\x09", levels{}, 300, fine},
		{"few that there can be", v1, "\x08\x14\xff", levels{}, 1, fine},
		{"one index many times", v1, "\x09\x14\x2b\x01", levels{}, 300, fine}, // 299
		{"one too large", v1, "\x09\x14\x2c\x01", levels{}, 300, "damaged"},
		{"one of more bits than there are", v1, "\x09\x14\x00\x80", levels{}, 512, "damaged"},
		{"of 32 bits", v1, "\x20\x14\xff\xff\xff\xff", levels{}, 300, "damaged"},
		{"of 33 bits", v1, "\x21\x14\x00\x00\x00\x00\x00", levels{}, 300, "damaged"},
		{"behind another run", v1, "\x09\x04\x00\x00\x14\x2c\x01", levels{}, 300, "damaged"},
		{"behind the last value", v1, "\x09\x14\x00\x00\x14\x2c\x01", levels{}, 300, fine},
		{"packed", v1, "\x09\x03\x2b\x01" + strings.Repeat("\x00", 7), levels{}, 300, fine},
		{"packed, too large", v1, "\x09\x03\x2c\x01" + strings.Repeat("\x00", 7), levels{}, 300, "damaged"},
		{"the last that is packed", v1, "\x10\x03" + strings.Repeat("\x00", 15) + "\xff", levels{}, 300, "damaged"},
		{"packed behind packed", v1, "\x10\x03" + strings.Repeat("\x00", 16) + "\x03\x00\x00\xff\xff" + strings.Repeat("\x00", 12), levels{}, 300, "damaged"},
		{"packed of 32 bits", v1, "\x20\x03" + strings.Repeat("\x00", 28) + "\x00\x00\x00\x80", levels{}, 300, "damaged"},
		{"packed, and cut", v1, "\x10\x03\x00\x00", levels{}, 300, "damaged"},
		{"packed, and cut within an index", v1, "\x1f\x03" + strings.Repeat("\x00", 30), levels{}, 300, "damaged"},
		{"packed in few bits, and cut", v1, "\x08\x05\x00\x00", levels{}, 300, "damaged"},
		{"packed in no bits", v1, "\x00\x05", levels{}, 300, fine},
		{"a run cut within its index", v1, "\x09\x14\x00", levels{}, 300, "damaged"},
		{"packed behind the last value", v1, "\x10\x05" + strings.Repeat("\x00", 20) + strings.Repeat("\xff", 12), levels{}, 300, fine},
		{"a run of none", v1, "\x09\x00\x2c\x01", levels{}, 300, fine},
		{"behind levels", v1, "\x02\x00\x00\x00\x14\x01\x09\x14\x2c\x01", levels{definition: 1}, 300, "damaged"},
		{"behind levels of lists", v1, "\x01\x00\x00\x00\x08\x02\x00\x00\x00\x14\x01\x09\x14\x2c\x01", levels{3, 1}, 300, "damaged"},
		{"behind packed levels", bitPacked, "\xff\x03\x09\x14\x2c\x01", levels{definition: 1}, 300, "damaged"},
		{"behind packed levels of two bits", bitPacked, "\xff\xff\x03\x09\x14\x2c\x01", levels{definition: 2}, 300, "damaged"},
		{"levels longer than the page", v1, "\x09\x00\x00\x00\x14\x01", levels{definition: 1}, 300, "damaged"},
		{"no length of levels", v1, "\x09\x00", levels{definition: 1}, 300, "damaged"},
		{"levels of another encoding", noLevels, "\x09\x00", levels{definition: 1}, 300, "damaged"},
		{"version 2", v2, "\x09\x14\x2c\x01", levels{definition: 1}, 300, "damaged"},
		{"version 2, fine", v2, "\x09\x14\x2b\x01", levels{definition: 1}, 300, fine},
	}
	for _, test := range tests {
		err := func() (err error) {
			defer frame.Guard(name, "decode", nil, &err)
			return test.page.checkIndexes([]byte(test.data), test.bounds, test.named)
		}()
		if test.want == fine && err != nil || test.want != fine && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: the error is %v, want %q", test.name, err, test.want)
		}
	}
}

// indexPage finds the first page of 300 different integers in a file from a place on: their indexes of 9 bits, in 38 groups.
func indexPage(t *testing.T, file []byte, from int) (page []byte) {
	t.Helper()
	const header = "\x09\x4d"
	at := bytes.Index(file[from:], []byte(header))
	if at < 0 {
		t.Fatal("the indexes are not where the library writes them")
	}
	return file[from+at:][:len(header)+38*9]
}

// runs are runs of one index of four bytes, which is 0, that take n bytes.
func runs(n int) string {
	long := 0 // runs with a length of two bytes
	for (n-6*long)%5 != 0 {
		long++
	}
	return strings.Repeat("\x82\x00\x00\x00\x00\x00", long) + strings.Repeat("\x02\x00\x00\x00\x00", (n-6*long)/5)
}

// TestLargeIndexTakesNoMemory: the library takes memory for as many values as the index of a page says, though the
// dictionary has 300: 128 MiB at least for each of these, and for larger ones more than there is.
func TestLargeIndexTakesNoMemory(t *testing.T) {
	rows := make([]struct{ A, B int64 }, 300)
	for i := range rows {
		rows[i].A, rows[i].B = int64(i)<<32, int64(i)<<33
	}
	file, err := New(Options{Compression: None}).Encode(rows)
	if err != nil {
		t.Fatal(err)
	}
	for name, alter := range map[string]func(first, second []byte){
		"a run": func(page, _ []byte) { copy(page, "\x20\xd8\x04\xff\xff\xff\x00") },
		// The last of seven indexes of 31 bits has 30 of them.
		"packed, and cut": func(page, _ []byte) {
			last := slices.Concat(make([]byte, 23), []byte{0xfc, 0xff, 0xff, 0x03})
			copy(page, "\x1f"+runs(len(page)-2-len(last))+"\x4d"+string(last))
		},
		// What is missing in the second page the library finds in a buffer that had the first one.
		"packed, and left in a buffer": func(first, second []byte) {
			first[0] = 8
			copy(first[2:], bytes.Repeat([]byte{3}, len(first)-2))
			copy(second, "\x20"+runs(len(second)-3)+"\x11\x03")
		},
	} {
		altered := bytes.Clone(file)
		first := indexPage(t, altered, 0)
		alter(first, indexPage(t, altered, bytes.Index(altered, first)+len(first)))
		took, err := allocated(func() error { return New(Options{Limit: 1 << 20}).Decode(altered, &rows) })
		if err == nil || took > 16<<20 {
			t.Errorf("%s: the error is %v, after %d bytes", name, err, took)
		}
	}
}
