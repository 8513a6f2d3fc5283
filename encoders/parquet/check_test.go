package parquet

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/gin-cachette/cachette/encoders/internal/frame"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

// TestPagesAreChecked: what a page says of itself is held to what it can be.
func TestPagesAreChecked(t *testing.T) {
	tests := []struct {
		name   string
		page   page
		codec  int64
		packed string
		want   string // a part of the error, or nothing
	}{
		{"a page", page{kind: pageData, size: 4, compressed: 4, values: 4}, codecNone, "abcd", ""},
		{"one value many times", page{kind: pageData, size: 4, compressed: 4, values: 1000}, codecNone, "abcd", ""},
		{"one value too many times", page{kind: pageData, size: 4, compressed: 4, values: 1 << 30}, codecNone, "abcd", "Limit"},
		{"a dictionary", page{kind: pageDictionary, size: 4, compressed: 4, values: 4}, codecNone, "abcd", ""},
		{"a dictionary of more than its bytes", page{kind: pageDictionary, size: 4, compressed: 4, values: 5}, codecNone, "abcd", "damaged"},
		{"fewer than none", page{kind: pageData, size: 4, compressed: 4, values: -1}, codecNone, "abcd", "damaged"},
		{"a large page", page{kind: pageData, size: 1 << 30, compressed: 4}, codecNone, "abcd", "Limit"},
		{"another size", page{kind: pageData, size: 5, compressed: 4}, codecNone, "abcd", "damaged"},
		{"snappy", page{kind: pageData, size: 4, compressed: 6, packed: true}, codecSnappy, "\x04\x0cabcd", ""},
		{"snappy of another size", page{kind: pageData, size: 4, compressed: 6, packed: true}, codecSnappy, "\x05\x0cabcd", "damaged"},
		{"no snappy", page{kind: pageData, size: 4, compressed: 6, packed: true}, codecSnappy, "\xff\xff\xff\xff\xff\xff", "damaged"},
		{"snappy of more than it can become", page{kind: pageData, size: 1 << 19, compressed: 4, packed: true}, codecSnappy,
			"\x80\x80\x20\x00", "damaged"},
		{"zstd of more than it can become", page{kind: pageData, size: 600 << 10, compressed: 9, packed: true}, codecZSTD,
			"\x28\xb5\x2f\xfd\x00\x58\x01\x00\x00", "damaged"}, // and not the Limit: no memory is taken for it
		{"no gzip", page{kind: pageData, size: 4, compressed: 4, packed: true}, codecGzip, "abcd", "damaged"},
		{"no zstd", page{kind: pageData, size: 4, compressed: 4, packed: true}, codecZSTD, "abcd", "damaged"},
		{"an encoding that is not read", page{kind: pageData, size: 4, compressed: 4, encoding: 9}, codecNone, "abcd", "BYTE_STREAM_SPLIT"},
		{"an unknown encoding", page{kind: pageData, size: 4, compressed: 4, encoding: 42}, codecNone, "abcd", "of number 42"},
		{"levels of more than the page", page{kind: pageDataV2, size: 4, compressed: 4, levels: 5}, codecNone, "abcd", "damaged"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := &file{mem: frame.NewMemory(1 << 20)}
			err := func() (err error) {
				defer frame.Guard(name, "decode", nil, &err)
				test.page.packed = test.page.packed || test.codec != codecNone
				_, err = f.page(test.page, chunk{codec: test.codec}, []byte(test.packed))
				return err
			}()
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

// allocated measures how many bytes a decoding allocates.
func allocated(decode func() error) (n uint64, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = decode()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

// TestPathsAreCounted: each column has the names of all that it is in, and a file can say a long one once.
func TestPathsAreCounted(t *testing.T) {
	const columns, long = 1000, 100 << 10
	element := func(repetition, name, children string) string {
		return "\x35" + repetition + "\x18" + name + children + "\x00"
	}
	footer := "\x15\x02\x19\xfc\xea\x07" + // a version, and a list of 1002
		element("\x00", "\x01s", "\x15\x02") +
		element("\x00", "\x80\xa0\x06"+strings.Repeat("a", long), "\x15\xd0\x0f") +
		strings.Repeat("\x15\x02\x25\x00\x18\x01c\x00", columns) + // integers
		"\x16\x00\x19\x0c\x00" // no rows in no groups
	size := binary.LittleEndian.AppendUint32(nil, uint32(len(footer)))
	file := magic + footer + string(size) + magic
	var table arrow.Table
	took, err := allocated(func() error { return New(Options{Limit: 16 << 20}).Decode([]byte(file), &table) })
	if err == nil || !strings.Contains(err.Error(), "Limit") || took > 16<<20 {
		t.Errorf("the error is %v, after %d bytes", err, took)
	}
}

// TestOneDictionary: the library goes on with the first of two.
func TestOneDictionary(t *testing.T) {
	dictionary := "\x15\x04\x15\x02\x15\x02\x4c\x15\x02\x15\x00\x00\x00a"                  // of one value, a byte
	data := "\x15\x00\x15\x04\x15\x04\x2c\x15\x02\x15\x10\x15\x06\x15\x06\x00\x00\x00\x02" // of one index of no bits
	for pages, fine := range map[string]bool{dictionary + data: true, dictionary + dictionary + data: false} {
		err := func() (err error) {
			defer frame.Guard(name, "decode", nil, &err)
			f := &file{data: []byte(pages), mem: frame.NewMemory(1 << 20)}
			return f.checkPages(chunk{size: int64(len(pages)), values: 1})
		}()
		if (err == nil) != fine {
			t.Errorf("%q: the error is %v", pages, err)
		}
	}
}

// TestListsAreOfTheirKind: the library reads the elements that it expects, whatever a list says that they are, and would
// find another file in the same bytes.
func TestListsAreOfTheirKind(t *testing.T) {
	const list, end = kindList, "\x00"
	element := func(id int, kind byte) string { // a list of one element, which is a byte for each of the kinds
		return string([]byte{byte(id)<<4 | list, 1<<4 | kind, 0})
	}
	rowGroup := func(fields string) string { return footer("\x49\x1c" + fields + end) }
	column := func(fields string) string { // of a schema of one column
		return footer("\x29\x2c\x55\x02" + end + end + "\x29\x1c\x19\x1c\x3c" + fields + end + end + end)
	}
	for name, lists := range map[string]struct {
		file  func(fields string) string
		kinds map[int]byte // of the elements of the lists that have a number
	}{
		"the file":   {footer, map[int]byte{2: kindStruct, 4: kindStruct, 5: kindStruct, 7: kindStruct}},
		"row groups": {rowGroup, map[int]byte{4: kindStruct}},
		"columns":    {column, map[int]byte{2: kindI32, 3: kindBinary, 8: kindStruct, 13: kindStruct}},
	} {
		for id, right := range lists.kinds {
			for _, kind := range []byte{kindI32, kindBinary, kindStruct} {
				err := func() (err error) {
					defer frame.Guard("", "decode", nil, &err)
					_, err = check([]byte(lists.file(element(id, kind))), frame.NewMemory(1<<20), everything)
					return err
				}()
				if (err == nil) != (kind == right) {
					t.Errorf("in %s, list %d of kind %d, not %d: the error is %v", name, id, kind, right, err)
				}
			}
		}
	}
}

// TestNumbersOfFieldsEnd: the library's are of 16 bits, and begin again.
func TestNumbersOfFieldsEnd(t *testing.T) {
	defer func() {
		if recover() != errDamaged {
			t.Error("a field of number 32768 was read")
		}
	}()
	fields := &thrift{data: append(bytes.Repeat([]byte{0xF1}, 1<<15/15+1), 0)}
	fields.fields(func(int, byte) bool { return false })
}

// TestDecimalsAreNotCut: the library writes as many bytes as the type says.
func TestDecimalsAreNotCut(t *testing.T) {
	wide := frametest.Record(1, frametest.Column{Name: "a", Type: &arrow.Decimal128Type{Precision: 20, Scale: 0}, JSON: [3]string{`"99999"`, `null`, `"1"`}})
	typ := &arrow.Decimal128Type{Precision: 3, Scale: 0}
	cut := array.MakeFromData(retype(wide.Column(0).Data(), typ))
	record := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "a", Type: typ, Nullable: true}}, nil), []arrow.Array{cut}, -1)
	if data, err := New(Options{}).Encode(record); err == nil || data != nil || !strings.Contains(err.Error(), "more digits") {
		t.Errorf("the error is %v", err)
	}
}

// TestDeltasAreChecked: the library takes memory for as many values as the differences say that there are.
func TestDeltasAreChecked(t *testing.T) {
	integers, texts := page{kind: pageDataV2, encoding: encodingDelta, values: 100}, page{kind: pageData, encoding: encodingDeltaLength, definition: encodingRLE, values: 100}
	const fine = true
	block := "\x02" + "\x01\x00\x00\x00" + strings.Repeat("\x55", 4) // 32 differences of one bit, and three parts that are not there
	tests := []struct {
		name   string
		page   page
		data   string
		bounds levels
		fine   bool
	}{
		{"none", integers, "\x80\x01\x04\x00\x00", levels{}, fine},
		{"one", integers, "\x80\x01\x04\x01\x06", levels{}, fine},
		{"a block", integers, "\x80\x01\x04\x21\x06" + block, levels{}, fine},
		{"a block of texts", texts, "\x80\x01\x04\x21\x06" + block + "and the texts", levels{}, fine},
		{"behind levels", texts, "\x02\x00\x00\x00\x14\x01\x80\x01\x04\x21\x06" + block, levels{definition: 1}, fine},
		{"no width that is needed", integers, "\x80\x01\x04\x22\x06" + block, levels{}, fine},
		{"more than the page has", integers, "\x80\x01\x04\x65\x06", levels{}, !fine},
		{"far more", integers, "\x80\x01\x04\xff\xff\xff\xff\x0f\x06", levels{}, !fine},
		{"a block that takes more than the limit", integers, "\x80\x20\x01\x02\x06\x00\x00", levels{}, !fine},
		{"a large block", integers, "\x80\x80\x80\x08\x04\x02\x06", levels{}, !fine},
		{"no block", integers, "\x00\x04\x02\x06", levels{}, !fine},
		{"no parts", integers, "\x80\x01\x00\x02\x06", levels{}, !fine},
		{"more parts than there can be", integers, "\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x06", levels{}, !fine},
		{"parts of an odd length", integers, "\x80\x01\x08\x02\x06", levels{}, !fine},
		{"cut in the head", integers, "\x80\x01\x04", levels{}, !fine},
		{"cut in the widths", integers, "\x80\x01\x04\x02\x06\x02\x01", levels{}, !fine},
		{"cut in a part", integers, "\x80\x01\x04\x21\x06" + block[:8], levels{}, !fine},
		{"a width of 65 bits", integers, "\x80\x01\x04\x02\x06\x02\x41\x00\x00\x00" + strings.Repeat("\x00", 300), levels{}, !fine},
	}
	for _, test := range tests {
		err := func() (err error) {
			defer frame.Guard(name, "decode", nil, &err)
			return (&file{mem: frame.NewMemory(1000)}).checkDeltas(test.page, []byte(test.data), test.bounds)
		}()
		if (err == nil) != test.fine {
			t.Errorf("%s: the error is %v", test.name, err)
		}
	}
}
