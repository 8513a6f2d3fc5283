package frame

import (
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Join makes one array of a column's chunks. Chunks with dictionaries get one that has the values of all.
func Join(column *arrow.Chunked, mem memory.Allocator) (arrow.Array, error) {
	all := column.Chunks()
	if len(all) == 0 {
		return array.MakeFromData(empty(column.DataType())), nil
	}
	chunks := slices.DeleteFunc(slices.Clone(all), func(chunk arrow.Array) bool { return chunk.Len() == 0 })
	switch len(chunks) {
	case 0:
		return all[0], nil
	case 1:
		return chunks[0], nil
	}
	// The library joins dictionaries too, and has null rows overwrite the indexes of others. What it gets has one already.
	data := make([]arrow.ArrayData, len(chunks))
	for i, chunk := range chunks {
		data[i] = chunk.Data()
	}
	if err := unify(data, mem); err != nil {
		return nil, err
	}
	for i := range chunks {
		if data[i] != chunks[i].Data() {
			chunks[i] = array.MakeFromData(data[i])
		}
	}
	encoded, ok := chunks[0].(*array.Dictionary)
	if !ok {
		for _, chunk := range chunks {
			// The library compares the dictionary of each chunk with that of the first, value by value: a small file can have a
			// large one, and thousands of chunks.
			take(mem, inDictionaries(chunk.Data()), 1)
		}
		return array.Concatenate(chunks, mem)
	}
	for i, chunk := range chunks {
		chunks[i] = chunk.(*array.Dictionary).Indices()
	}
	indexes, err := array.Concatenate(chunks, mem)
	if err != nil {
		return nil, err
	}
	return array.NewDictionaryArray(column.DataType(), indexes, encoded.Dictionary()), nil
}

// empty returns an array of a type without values. The library has no builder for some types, and its arrays of nulls have
// bytes in their buffers, at which its writer fails.
func empty(t arrow.DataType) *array.Data {
	buffers := make([]*memory.Buffer, len(storage(t).Layout().Buffers))
	switch s := storage(t).(type) {
	case *arrow.DictionaryType:
		return array.NewDataWithDictionary(t, 0, buffers, 0, 0, empty(s.ValueType))
	case arrow.NestedType:
		children := make([]arrow.ArrayData, len(s.Fields()))
		for i, field := range s.Fields() {
			children[i] = empty(field.Type)
		}
		return array.NewData(t, 0, buffers, children, 0, 0)
	}
	return array.NewData(t, 0, buffers, nil, 0, 0)
}
