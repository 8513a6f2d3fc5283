package feather_test

import (
	"bytes"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders/feather"
)

// category is a column of three rows with a dictionary of three values. The last row's index is 0xFF…, which is none.
func category(width int, index arrow.DataType, valid byte) arrow.Record {
	values := array.NewStringBuilder(memory.DefaultAllocator)
	values.AppendValues([]string{"a", "b", "c"}, nil)
	indexes := make([]byte, 3*width)
	indexes[width] = 2
	copy(indexes[2*width:], bytes.Repeat([]byte{0xFF}, width))
	nulls := 0
	if valid != 7 {
		nulls = 1
	}
	buffers := []*memory.Buffer{memory.NewBufferBytes([]byte{valid}), memory.NewBufferBytes(indexes)}
	typ := &arrow.DictionaryType{IndexType: index, ValueType: arrow.BinaryTypes.String}
	return rows(array.NewDataWithDictionary(typ, 3, buffers, nulls, 0, values.NewArray().Data().(*array.Data)))
}

// TestIndexesAreChecked: one that leads out of the dictionary is an error, except where the row is null.
func TestIndexesAreChecked(t *testing.T) {
	for index, width := range map[arrow.DataType]int{
		arrow.PrimitiveTypes.Int8: 1, arrow.PrimitiveTypes.Uint8: 1, arrow.PrimitiveTypes.Int16: 2, arrow.PrimitiveTypes.Uint16: 2,
		arrow.PrimitiveTypes.Int32: 4, arrow.PrimitiveTypes.Uint32: 4, arrow.PrimitiveTypes.Int64: 8, arrow.PrimitiveTypes.Uint64: 8,
	} {
		var got arrow.Record
		if err := feather.New(feather.Options{}).Decode(encode(t, feather.None, category(width, index, 7)), &got); err == nil {
			t.Errorf("%s: an index that there is not is no error", index)
		}
		err := feather.New(feather.Options{}).Decode(encode(t, feather.None, category(width, index, 3)), &got)
		if err != nil {
			t.Errorf("%s: the index of a null: %v", index, err)
			continue
		}
		column := got.Column(0).(*array.Dictionary)
		if column.ValueStr(0) != "a" || column.ValueStr(1) != "c" || column.IsValid(2) {
			t.Errorf("%s: it is %v", index, column)
		}
	}
}
