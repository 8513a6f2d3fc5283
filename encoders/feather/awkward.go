package feather

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// writeRecord writes a record, with copies of the columns that the library would write wrongly.
func writeRecord(writer *ipc.FileWriter, record arrow.Record) error {
	columns := record.Columns()
	changed := false
	for i, column := range columns {
		if !awkward(column.Data()) {
			continue
		}
		if !changed {
			columns, changed = append([]arrow.Array{}, columns...), true
		}
		whole, err := copied(column)
		if err != nil {
			return err
		}
		columns[i] = whole
	}
	if changed {
		record = array.NewRecord(record.Schema(), columns, record.NumRows())
	}
	return writer.Write(record)
}

// copied returns a copy of an array, and of its dictionary.
func copied(column arrow.Array) (arrow.Array, error) {
	encoded, ok := column.(*array.Dictionary)
	if !ok {
		return array.Concatenate([]arrow.Array{column}, memory.DefaultAllocator)
	}
	dictionary, err := copied(encoded.Dictionary())
	if err != nil {
		return nil, err
	}
	return array.NewDictionaryArray(encoded.DataType(), encoded.Indices(), dictionary), nil
}

// awkward reports whether an array is one that the library's writer fails at: one that is a slice of no values, or has none
// though there is text in its buffer, or whose offsets begin above 0 though it is no slice.
func awkward(data arrow.ArrayData) bool {
	if typ, ok := data.DataType().(arrow.OffsetsDataType); ok && len(data.Buffers()) > 1 {
		first, last := ofBuffer(data, typ)
		if first > 0 && (data.Offset() == 0 || first == last) || data.Len() == 0 && hasText(data) {
			return true
		}
	}
	if dictionary, ok := data.Dictionary().(*array.Data); ok && dictionary != nil && awkward(dictionary) {
		return true
	}
	for _, child := range data.Children() {
		if awkward(child) {
			return true
		}
	}
	return false
}

// hasText reports whether an array of texts or bytes has any in its buffer, whether or not a value is made of them.
func hasText(data arrow.ArrayData) bool {
	const values = 2
	return len(data.Buffers()) > values && data.Buffers()[values] != nil && data.Buffers()[values].Len() > 0
}

// ofBuffer returns where an array's first value begins, and where its last one ends.
func ofBuffer(data arrow.ArrayData, typ arrow.OffsetsDataType) (first, last int64) {
	buffer := data.Buffers()[1]
	start, end := data.Offset(), data.Offset()+data.Len()
	if buffer == nil {
		return 0, 0
	}
	if typ.OffsetTypeTraits().BytesRequired(1) == arrow.Int32SizeBytes {
		if offsets := arrow.Int32Traits.CastFromBytes(buffer.Bytes()); end < len(offsets) {
			return int64(offsets[start]), int64(offsets[end])
		}
	} else if offsets := arrow.Int64Traits.CastFromBytes(buffer.Bytes()); end < len(offsets) {
		return offsets[start], offsets[end]
	}
	return 0, 0
}
