package feather

import (
	"slices"

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
		if !awkward(column) {
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

// copied returns a copy of an array, and of its dictionaries.
func copied(column arrow.Array) (arrow.Array, error) {
	whole, err := array.Concatenate([]arrow.Array{column}, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	data, err := withDictionaries(whole.Data())
	if err != nil {
		return nil, err
	}
	return array.MakeFromData(data), nil
}

// withDictionaries returns data with copies of its dictionaries, at any depth: the library copies all but those.
func withDictionaries(data arrow.ArrayData) (arrow.ArrayData, error) {
	if old, ok := data.Dictionary().(*array.Data); ok && old != nil {
		dictionary, err := copied(array.MakeFromData(old))
		if err != nil {
			return nil, err
		}
		return array.NewDataWithDictionary(data.DataType(), data.Len(), data.Buffers(), data.NullN(), data.Offset(), dictionary.Data().(*array.Data)), nil
	}
	children := slices.Clone(data.Children())
	for i, child := range children {
		var err error
		if children[i], err = withDictionaries(child); err != nil {
			return nil, err
		}
	}
	return array.NewData(data.DataType(), data.Len(), data.Buffers(), children, data.NullN(), data.Offset()), nil
}

// awkward reports whether the library's writer fails at an array, or writes it wrongly: one of no texts that is a slice or
// has bytes in its buffer, or whose offsets begin above 0 though it is no slice. The writer goes down to what it has cut out
// of the children.
func awkward(arr arrow.Array) bool {
	data := arr.Data()
	if typ, ok := data.DataType().(arrow.OffsetsDataType); ok && len(data.Buffers()) > 1 {
		first, last := ofBuffer(data, typ)
		if first > 0 && (data.Offset() == 0 || first == last) || data.Len() == 0 && cutsText(data) {
			return true
		}
	}
	switch arr := arr.(type) {
	case array.ExtensionArray:
		return awkward(arr.Storage())
	case *array.Dictionary:
		return awkward(arr.Dictionary())
	case *array.Struct:
		for i := range arr.NumField() {
			if awkward(arr.Field(i)) {
				return true
			}
		}
	case *array.FixedSizeList:
		n := int64(arr.DataType().(*arrow.FixedSizeListType).Len())
		start := int64(data.Offset()) * n
		return isAwkwardSlice(arr.ListValues(), start, start+int64(arr.Len())*n)
	case array.ListLike:
		if arr.Len() == 0 {
			return isAwkwardSlice(arr.ListValues(), 0, 0)
		}
		start, _ := arr.ValueOffsets(0)
		_, end := arr.ValueOffsets(arr.Len() - 1)
		return isAwkwardSlice(arr.ListValues(), start, end)
	}
	return false
}

func isAwkwardSlice(values arrow.Array, start, end int64) bool {
	if start == 0 && end == int64(values.Len()) {
		return awkward(values)
	}
	slice := array.NewSlice(values, start, end)
	defer slice.Release()
	return awkward(slice)
}

// cutsText reports whether the writer would cut the bytes of an array of texts or bytes out of its buffer.
func cutsText(data arrow.ArrayData) bool {
	const values = 2
	return len(data.Buffers()) > values && data.Buffers()[values] != nil && (data.Offset() > 0 || data.Buffers()[values].Len() > 0)
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
