package frame

import (
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Join makes one array of a column's chunks.
func Join(column *arrow.Chunked, mem memory.Allocator) (arrow.Array, error) {
	all := column.Chunks()
	if len(all) == 0 {
		return empty(column.DataType(), mem), nil
	}
	// The library fails at a dictionary's chunk without rows.
	chunks := slices.DeleteFunc(slices.Clone(all), func(chunk arrow.Array) bool { return chunk.Len() == 0 })
	switch len(chunks) {
	case 0:
		return all[0], nil
	case 1:
		return chunks[0], nil
	}
	if indexes := ofOneDictionary(chunks); indexes != nil {
		joined, err := array.Concatenate(indexes, mem)
		if err != nil {
			return nil, err
		}
		return array.NewDictionaryArray(column.DataType(), joined, chunks[0].(*array.Dictionary).Dictionary()), nil
	}
	for _, chunk := range chunks {
		// The library compares the dictionary of each chunk with that of the first, value by value: a small file can have a
		// large one, and thousands of chunks.
		take(mem, inDictionaries(chunk.Data()), 1)
	}
	return array.Concatenate(chunks, mem)
}

// empty returns an array of a type without values: a builder's, where there is one for the type, for those of MakeArrayOfNull
// have bytes in their buffers, at which the library's writer fails.
func empty(t arrow.DataType, mem memory.Allocator) (data arrow.Array) {
	defer func() {
		if recover() != nil {
			data = array.MakeArrayOfNull(mem, t, 0)
		}
	}()
	builder := array.NewBuilder(mem, t)
	defer builder.Release()
	return builder.NewArray()
}

// ofOneDictionary returns the indexes of chunks that share a dictionary, or nil.
func ofOneDictionary(chunks []arrow.Array) []arrow.Array {
	var indexes []arrow.Array
	for _, chunk := range chunks {
		encoded, ok := chunk.(*array.Dictionary)
		if !ok || dictionaryOf(chunk.Data()) == nil || dictionaryOf(chunk.Data()) != dictionaryOf(chunks[0].Data()) {
			return nil
		}
		indexes = append(indexes, encoded.Indices())
	}
	return indexes
}

func dictionaryOf(data arrow.ArrayData) *array.Data {
	dictionary, _ := data.Dictionary().(*array.Data)
	return dictionary
}

// inDictionaries counts the values of the dictionaries in an array.
func inDictionaries(data arrow.ArrayData) (n int64) {
	if dictionary := dictionaryOf(data); dictionary != nil {
		n = int64(dictionary.Len()) + inDictionaries(dictionary)
	}
	for _, child := range data.Children() {
		n += inDictionaries(child)
	}
	return n
}
