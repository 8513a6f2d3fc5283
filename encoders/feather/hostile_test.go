package feather_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders/feather"
	"github.com/gin-cachette/cachette/encoders/internal/frame"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

// walk looks at every value of a record. A panic says which column's arrays lead out of their buffers.
func walk(t *testing.T, record arrow.Record, place int) {
	t.Helper()
	for c, column := range record.Columns() {
		func() {
			defer func() {
				if cause := recover(); cause != nil {
					t.Errorf("byte %d: column %s: %v", place, record.ColumnName(c), cause)
				}
			}()
			for i := range min(column.Len(), 1000) {
				_ = column.ValueStr(i)
			}
		}()
	}
}

// TestWhatIsDecodedIsWhole: whatever was changed in a file, no value of what could be decoded leads out of its buffers.
func TestWhatIsDecodedIsWhole(t *testing.T) {
	codec := feather.New(feather.Options{Limit: 1 << 20})
	for _, column := range slices.Concat(frametest.Flat, frametest.Nested, frametest.Deep) {
		switch column.Type.ID() {
		case arrow.TIMESTAMP, arrow.DATE32, arrow.DATE64, arrow.TIME32, arrow.TIME64:
			continue // the library prints some of them by a panic
		}
		good := encode(t, feather.None, frametest.Record(2, column))
		for place := 0; place < len(good); place++ {
			for _, change := range []byte{0x01, 0x04, 0x80} {
				data := bytes.Clone(good)
				data[place] ^= change
				var record arrow.Record
				if codec.Take(data, &record) == nil {
					walk(t, record, place)
				}
			}
		}
	}
}

// rows makes a record of one column.
func rows(data arrow.ArrayData) arrow.Record {
	column := array.MakeFromData(data)
	schema := arrow.NewSchema([]arrow.Field{{Name: "A", Type: data.DataType(), Nullable: true}}, nil)
	return array.NewRecord(schema, []arrow.Array{column}, int64(data.Len()))
}

// TestNullsAreCounted: they take no bytes, and become rows all the same.
func TestNullsAreCounted(t *testing.T) {
	const many = 1 << 25
	nulls := array.NewData(arrow.Null, many, []*memory.Buffer{nil}, nil, many, 0)
	offsets := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes([]int32{0, many}))
	list := array.NewData(arrow.ListOf(arrow.Null), 1, []*memory.Buffer{nil, offsets}, []arrow.ArrayData{nulls}, 0, 0)

	codec := feather.New(feather.Options{Limit: 1 << 20})
	var record arrow.Record
	var structs []struct{ A []*int }
	for name, test := range map[string]struct {
		data arrow.ArrayData
		dst  any
	}{"rows": {nulls, &record}, "elements": {list, &structs}} {
		err := codec.Decode(encode(t, feather.LZ4, rows(test.data)), test.dst)
		if limit := new(frame.LimitError); !errors.As(err, &limit) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

// TestLinkedBlocks: pyarrow compresses a large buffer in blocks that refer to those before them.
func TestLinkedBlocks(t *testing.T) {
	var got []struct {
		A int64 `arrow:"a"`
	}
	if err := feather.New(feather.Options{}).Decode(frametest.Read(t, "testdata", "linked.feather"), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 20_000 {
		t.Fatalf("there are %d rows", len(got))
	}
	for i, row := range got {
		if want := int64(i * i % 1009); row.A != want {
			t.Fatalf("row %d is %d, want %d", i, row.A, want)
		}
	}
}

// TestOffsetsAreRebased: what is decoded can be written by the library, which takes it that offsets begin at 0.
func TestOffsetsAreRebased(t *testing.T) {
	values := array.NewData(arrow.BinaryTypes.String, 2, []*memory.Buffer{nil,
		memory.NewBufferBytes(arrow.Int32Traits.CastToBytes([]int32{0, 70, 77})), memory.NewBufferBytes(bytes.Repeat([]byte("ab"), 40))}, nil, 0, 0)
	data := encode(t, feather.None, rows(values))
	old, changed := arrow.Int32Traits.CastToBytes([]int32{0, 70, 77}), arrow.Int32Traits.CastToBytes([]int32{68, 70, 77})
	if bytes.Count(data, old) != 1 {
		t.Fatal("the offsets are not found")
	}
	var got arrow.Record
	if err := feather.New(feather.Options{}).Take(bytes.Replace(data, old, changed, 1), &got); err != nil {
		t.Fatal(err)
	}
	texts := got.Column(0).(*array.String)
	if texts.ValueOffset(0) != 0 || texts.Value(0) != "ab" || texts.Value(1) != "abababa" {
		t.Errorf("it is %v, and begins at %d", texts, texts.ValueOffset(0))
	}
}
