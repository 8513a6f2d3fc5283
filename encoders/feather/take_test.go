package feather_test

import (
	"bytes"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/feather"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

var _ encoders.Taker = (*feather.Codec)(nil)

// wide is a record of 8 columns of numbers.
func wide(rows int) arrow.Record {
	fields := make([]arrow.Field, 8)
	columns := make([]arrow.Array, 8)
	for c := range columns {
		builder := array.NewInt64Builder(memory.DefaultAllocator)
		builder.Reserve(rows)
		for i := range rows {
			builder.Append(int64(i * c))
		}
		columns[c] = builder.NewArray()
		fields[c] = arrow.Field{Name: string(rune('a' + c)), Type: arrow.PrimitiveTypes.Int64, Nullable: true}
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, int64(rows))
}

func encode(tb testing.TB, c feather.Compression, value any) []byte {
	tb.Helper()
	data, err := feather.New(feather.Options{Compression: c}).Encode(value)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// within reports whether a buffer lies in data.
func within(data []byte, buffer *memory.Buffer) bool {
	if buffer == nil || buffer.Len() == 0 {
		return true
	}
	start, at := uintptr(unsafe.Pointer(&data[0])), uintptr(unsafe.Pointer(&buffer.Bytes()[0]))
	return at >= start && at < start+uintptr(len(data))
}

// TestTakeCopiesNothing, and Decode keeps nothing.
func TestTakeCopiesNothing(t *testing.T) {
	codec := feather.New(feather.Options{})
	want := wide(100_000)
	data := encode(t, feather.None, want)
	var taken, decoded arrow.Record

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := codec.Take(data, &taken); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > uint64(len(data)/10) {
		t.Errorf("of %d bytes of data Take allocated %d", len(data), used)
	}
	if err := codec.Decode(data, &decoded); err != nil {
		t.Fatal(err)
	}
	for c := range int(want.NumCols()) {
		for i, buffer := range taken.Column(c).Data().Buffers() {
			if !within(data, buffer) {
				t.Errorf("column %d: buffer %d of what was taken is a copy", c, i)
			}
		}
		for i, buffer := range decoded.Column(c).Data().Buffers() {
			if buffer != nil && within(data, buffer) {
				t.Errorf("column %d: buffer %d of what was decoded is none", c, i)
			}
		}
	}
	if !array.RecordEqual(taken, want) || !array.RecordEqual(decoded, want) {
		t.Error("the values differ")
	}
}

// TestTakeOfUnalignedData: numbers have to be aligned, and data need not be.
func TestTakeOfUnalignedData(t *testing.T) {
	want := frametest.Record(10, slices.Concat(frametest.Flat, frametest.Nested, frametest.Deep)...)
	data := encode(t, feather.None, want)
	for shift := range 9 {
		shifted := append(make([]byte, shift), data...)[shift:]
		var got arrow.Record
		if err := feather.New(feather.Options{}).Take(shifted, &got); err != nil {
			t.Fatal(err)
		}
		if !array.RecordEqual(got, want) {
			t.Errorf("shifted by %d the values differ", shift)
		}
		for c := range int(got.NumCols()) {
			for _, buffer := range got.Column(c).Data().Buffers() {
				if buffer != nil && buffer.Len() > 0 && uintptr(unsafe.Pointer(&buffer.Bytes()[0]))%8 != 0 {
					t.Errorf("shifted by %d column %d is not aligned", shift, c)
				}
			}
		}
	}
}

// TestStructsKeepNoData: strings and bytes are copies, whichever way they come.
func TestStructsKeepNoData(t *testing.T) {
	data := encode(t, feather.None, frametest.Mores(20))
	var got []frametest.More
	if err := feather.New(feather.Options{}).Take(data, &got); err != nil {
		t.Fatal(err)
	}
	clear(data)
	want := frametest.Mores(20)
	for i := range got {
		if !bytes.Equal(got[i].By, want[i].By) || got[i].Cat != want[i].Cat {
			t.Errorf("row %d changed with the data: %v", i, got[i])
		}
	}
}

// TestItReadsWhatTheLibraryReads: the same records as ipc.FileReader.
func TestItReadsWhatTheLibraryReads(t *testing.T) {
	for _, compression := range []feather.Compression{feather.LZ4, feather.ZSTD, feather.None} {
		data := encode(t, compression, frametest.Record(50, slices.Concat(frametest.Flat, frametest.Nested, frametest.Deep)...))
		reader, err := ipc.NewFileReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		want, err := reader.Record(0)
		if err != nil {
			t.Fatal(err)
		}
		var got arrow.Record
		if err := feather.New(feather.Options{}).Decode(data, &got); err != nil {
			t.Fatal(err)
		}
		if !got.Schema().Equal(want.Schema()) || !array.RecordEqual(got, want) {
			t.Errorf("compression %d: it is %v, want %v", compression, got, want)
		}
	}
}
