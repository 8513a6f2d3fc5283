package parquet

import (
	"errors"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// values are what a leaf gets of a chunk of a column: levels for each value and for what is missing in the place of one, and an
// array that has a value, or null, for each that is not missing because a list is null or empty.
type values struct {
	definition, repetition []int16
	array                  arrow.Array
	nullable               bool
}

// A path goes from the rows of an array to values within, by the same entries as [values]. The library has such paths too, and
// refuses lists that are null and have elements, and misreads lists of a fixed size and those of a slice.
type path struct {
	definition, repetition []int16
	at                     []int // where an entry is in the array that has been reached, or ended
	levels                       // of an entry that has not ended
	kept                   int   // entries of at least this definition level have a place in the array of a leaf
}

const ended = -1

// shred takes an array apart into what its leaves get.
func shred(arr arrow.Array, nullable bool) ([]values, error) {
	p := path{definition: make([]int16, arr.Len()), repetition: make([]int16, arr.Len()), at: make([]int, arr.Len())}
	for i := range p.at {
		p.at[i] = i
	}
	if hasTexts(arr.DataType()) {
		return []values{{p.within(arr, nullable).definition, p.repetition, arr, nullable}}, nil
	}
	return p.shred(nil, arr, nullable)
}

func (p path) shred(leaves []values, arr arrow.Array, nullable bool) (_ []values, err error) {
	if encoded, ok := arr.(*array.Dictionary); ok {
		return p.values(encoded).shred(leaves, encoded.Dictionary(), nullable)
	}
	switch typed := arr.(type) {
	case *array.Struct:
		p = p.within(arr, nullable)
		for i := range typed.NumField() {
			if leaves, err = p.shred(leaves, typed.Field(i), true); err != nil {
				return nil, err
			}
		}
		return leaves, nil
	case *array.Map:
		p = p.within(arr, nullable).elements(typed)
		if leaves, err = p.shred(leaves, typed.Keys(), false); err != nil {
			return nil, err
		}
		return p.shred(leaves, typed.Items(), true)
	case array.ListLike:
		return p.within(arr, nullable).elements(typed).shred(leaves, typed.ListValues(), true)
	}
	leaf := values{repetition: p.repetition, nullable: nullable, array: p.leaf(arr)}
	if !fits(leaf.array) {
		return nil, errDigits
	}
	if !nullable && leaf.array.NullN() > 0 {
		return nil, errors.New("a map has a null as a key")
	}
	leaf.array = array.MakeFromData(retype(leaf.array.Data(), disguisedType(arr.DataType())))
	leaf.definition = p.within(arr, nullable).definition
	return append(leaves, leaf), nil
}

// values goes on to the values of a dictionary.
func (p path) values(encoded *array.Dictionary) path {
	next := p
	next.at = slices.Clone(p.at)
	for i, at := range p.at {
		if at == ended || encoded.IsNull(at) {
			next.at[i] = ended
		} else {
			next.at[i] = encoded.GetValueIndex(at)
		}
	}
	return next
}

// within goes on to what is not null.
func (p path) within(arr arrow.Array, nullable bool) path {
	if !nullable {
		return p
	}
	next := path{make([]int16, len(p.at)), p.repetition, make([]int, len(p.at)), p.levels.and(optional), p.kept}
	for i, at := range p.at {
		next.definition[i], next.at[i] = p.definition[i], at
		switch {
		case at == ended:
		case arr.IsNull(at) || arr.DataType().ID() == arrow.NULL:
			next.at[i] = ended
		default:
			next.definition[i]++
		}
	}
	return next
}

// elements goes on to the elements of lists.
func (p path) elements(lists array.ListLike) path {
	next := path{levels: p.levels.and(repeated)}
	next.kept = next.levels.definition
	add := func(definition, repetition int16, at int) {
		next.definition, next.repetition, next.at = append(next.definition, definition), append(next.repetition, repetition), append(next.at, at)
	}
	for i, at := range p.at {
		start, end := int64(0), int64(0)
		if at != ended {
			start, end = lists.ValueOffsets(at)
		}
		if start == end {
			add(p.definition[i], p.repetition[i], ended)
			continue
		}
		repetition := p.repetition[i]
		for ; start < end; start++ {
			add(p.definition[i]+1, repetition, int(start))
			repetition = int16(next.levels.repetition)
		}
	}
	return next
}

// leaf returns the values of an array that the entries lead to, in their order.
func (p path) leaf(arr arrow.Array) arrow.Array {
	places := make([]int, 0, len(p.at))
	for i, at := range p.at {
		if at != ended || int(p.definition[i]) >= p.kept {
			places = append(places, at)
		}
	}
	if isRun(places) {
		first := 0
		if len(places) > 0 {
			first = places[0]
		}
		return array.NewSlice(arr, int64(first), int64(first+len(places)))
	}
	return gathered(arr, places)
}

// gathered returns the values of a flat array that are in places. The library's function for that works on a goroutine of its
// own, and panics there if the array is one of no texts.
func gathered(arr arrow.Array, places []int) arrow.Array {
	var builder array.Builder
	var add func(at int)
	switch typed := arr.(type) {
	case *array.Null:
		return array.NewNull(len(places))
	case *array.Boolean:
		b := array.NewBooleanBuilder(memory.DefaultAllocator)
		builder, add = b, func(at int) { b.Append(typed.Value(at)) }
	case array.BinaryLike:
		b := array.NewBinaryBuilder(memory.DefaultAllocator, arr.DataType().(arrow.BinaryDataType))
		builder, add = b, func(at int) { b.AppendString(textOf(arr, at)) }
	default:
		width := arr.DataType().(arrow.FixedWidthDataType).BitWidth() / 8
		b := array.NewFixedSizeBinaryBuilder(memory.DefaultAllocator, &arrow.FixedSizeBinaryType{ByteWidth: width})
		builder, add = b, func(at int) {
			at += arr.Data().Offset()
			b.Append(arr.Data().Buffers()[1].Bytes()[at*width : (at+1)*width])
		}
	}
	defer builder.Release()
	builder.Reserve(len(places))
	for _, at := range places {
		if at == ended || arr.IsNull(at) {
			builder.AppendNull()
		} else {
			add(at)
		}
	}
	return array.MakeFromData(retype(builder.NewArray().Data(), arr.DataType()))
}

// isRun reports whether places are one after the other.
func isRun(places []int) bool {
	for i, at := range places {
		if at == ended || at != places[0]+i {
			return false
		}
	}
	return true
}

var errDigits = errors.New("it holds a decimal of more digits than its type has")

// fits reports whether decimals have no more digits than their type says: the library would cut them.
func fits(arr arrow.Array) bool {
	decimals, ok := arr.(*array.Decimal128)
	if !ok {
		return true
	}
	precision := arr.DataType().(*arrow.Decimal128Type).Precision
	for i := range arr.Len() {
		if arr.IsValid(i) && !decimals.Value(i).FitsInPrecision(precision) {
			return false
		}
	}
	return true
}

// textOf returns a text, or bytes, of an array.
func textOf(arr arrow.Array, i int) string {
	if texts, ok := arr.(interface{ Value(int) string }); ok {
		return texts.Value(i)
	}
	return string(arr.(interface{ Value(int) []byte }).Value(i))
}

// encoded gives the chunks of a column of texts or bytes, which are dictionaries, one dictionary, in the order that it has.
func encoded(column *arrow.Chunked) *arrow.Chunked {
	t := column.DataType().(*arrow.DictionaryType)
	places := map[string]int32{}
	builder := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	defer builder.Release()
	all := make([]arrow.Array, len(column.Chunks()))
	for i, chunk := range column.Chunks() {
		dictionary := chunk.(*array.Dictionary)
		at := make([]int32, dictionary.Dictionary().Len()) // of the chunk's values in the one dictionary
		for k := range at {
			at[k] = ended
			if dictionary.Dictionary().IsValid(k) {
				value := textOf(dictionary.Dictionary(), k)
				place, known := places[value]
				if !known {
					place = int32(len(places))
					places[value] = place
					builder.AppendString(value)
				}
				at[k] = place
			}
		}
		indexes := array.NewInt32Builder(memory.DefaultAllocator)
		defer indexes.Release()
		for k := range dictionary.Len() {
			if dictionary.IsNull(k) || at[dictionary.GetValueIndex(k)] == ended {
				indexes.AppendNull()
			} else {
				indexes.Append(at[dictionary.GetValueIndex(k)])
			}
		}
		all[i] = indexes.NewArray()
	}
	value := arrow.BinaryTypes.Binary
	if id := t.ValueType.ID(); id == arrow.STRING || id == arrow.LARGE_STRING {
		value = arrow.BinaryTypes.String
	}
	t = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: value, Ordered: t.Ordered}
	dictionary := array.MakeFromData(retype(builder.NewArray().Data(), value))
	for i, indexes := range all {
		all[i] = array.NewDictionaryArray(t, indexes, dictionary)
	}
	return arrow.NewChunked(t, all)
}
