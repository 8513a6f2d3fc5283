package frame

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// unify gives chunks of one type one dictionary for each place that has one, at any depth. The chunks that change are
// replaced in data.
func unify(data []arrow.ArrayData, mem memory.Allocator) error {
	if dictionaryOf(data[0]) != nil {
		return unifyDictionary(data, mem)
	}
	for place := range data[0].Children() {
		children := make([]arrow.ArrayData, len(data))
		for i := range data {
			children[i] = data[i].Children()[place]
		}
		if err := unify(children, mem); err != nil {
			return err
		}
		for i := range data {
			data[i] = withChild(data[i], place, children[i])
		}
	}
	return nil
}

func withChild(data arrow.ArrayData, place int, child arrow.ArrayData) arrow.ArrayData {
	if data.Children()[place] == child {
		return data
	}
	children := slices.Clone(data.Children())
	children[place] = child
	return array.NewData(data.DataType(), data.Len(), data.Buffers(), children, data.NullN(), data.Offset())
}

// unifyDictionary replaces chunks by such as have the values of all in one dictionary, each value once.
func unifyDictionary(data []arrow.ArrayData, mem memory.Allocator) error {
	first := dictionaryOf(data[0])
	if !slices.ContainsFunc(data, func(chunk arrow.ArrayData) bool { return dictionaryOf(chunk) != first }) {
		return nil
	}
	values := union{mem: mem, places: map[string]int{}}
	known := map[*array.Data][]int{} // where the values of a dictionary are among all values
	for _, chunk := range data {
		if dictionary := dictionaryOf(chunk); known[dictionary] == nil {
			known[dictionary] = values.add(array.MakeFromData(dictionary))
		}
	}
	index := storage(data[0].DataType()).(*arrow.DictionaryType).IndexType.(arrow.FixedWidthDataType)
	bits := index.BitWidth()
	if arrow.IsSignedInteger(index.ID()) {
		bits--
	}
	if bits < 32 && values.n > 1<<bits {
		return fmt.Errorf("the dictionaries of its chunks have %d values together, and indexes of type %s can name %d",
			values.n, index, 1<<bits)
	}
	joined, err := Join(arrow.NewChunked(values.runs[0].DataType(), values.runs), mem) // they may have dictionaries within
	if err != nil {
		return err
	}
	for i, chunk := range data {
		buffers := []*memory.Buffer{validity(chunk, mem), indexes(chunk, index, known[dictionaryOf(chunk)], mem)}
		data[i] = array.NewDataWithDictionary(chunk.DataType(), chunk.Len(), buffers, array.UnknownNullCount, 0, joined.Data().(*array.Data))
	}
	return nil
}

func storage(t arrow.DataType) arrow.DataType {
	if extension, ok := t.(arrow.ExtensionType); ok {
		return extension.StorageType()
	}
	return t
}

// validity returns which rows of a chunk are no nulls, or nil if none is.
func validity(chunk arrow.ArrayData, mem memory.Allocator) *memory.Buffer {
	bitmap := chunk.Buffers()[0]
	if bitmap == nil {
		return nil
	}
	copied := memory.NewResizableBuffer(mem)
	copied.Resize(int(bitutil.BytesForBits(int64(chunk.Len()))))
	bitutil.CopyBitmap(bitmap.Bytes(), chunk.Offset(), chunk.Len(), copied.Bytes(), 0)
	return copied
}

// indexes returns the indexes of a chunk with the places that the values of its dictionary have now. Indexes that no row has,
// those of nulls among them, may be of no value: they become 0.
func indexes(chunk arrow.ArrayData, t arrow.FixedWidthDataType, places []int, mem memory.Allocator) *memory.Buffer {
	width := t.BitWidth() / 8
	buffer := memory.NewResizableBuffer(mem)
	buffer.Resize(chunk.Len() * width)
	dictionary := array.NewData(storage(chunk.DataType()), chunk.Len(), chunk.Buffers(), nil, chunk.NullN(), chunk.Offset())
	dictionary.SetDictionary(dictionaryOf(chunk))
	encoded := array.NewDictionaryData(dictionary)
	for i := range encoded.Len() {
		place := 0
		if old := encoded.GetValueIndex(i); encoded.IsValid(i) && old >= 0 && old < len(places) {
			place = places[old]
		}
		to := buffer.Bytes()[i*width:]
		switch width {
		case 1:
			to[0] = byte(place)
		case 2:
			binary.LittleEndian.PutUint16(to, uint16(place))
		case 4:
			binary.LittleEndian.PutUint32(to, uint32(place))
		default:
			binary.LittleEndian.PutUint64(to, uint64(place))
		}
	}
	return buffer
}

// A union is the values of dictionaries, each once if it has a key.
type union struct {
	mem    memory.Allocator
	places map[string]int
	n      int           // how many values there are
	runs   []arrow.Array // of values that are new, in the order of their places
}

// add adds the values of a dictionary, and returns where they are.
func (u *union) add(dictionary arrow.Array) []int {
	const perValue = 128 // in the map, about
	take(u.mem, int64(dictionary.Len()), perValue)
	take(u.mem, BytesOf(dictionary.Data()), 1)
	at := make([]int, dictionary.Len())
	start := 0 // of the run of new values
	for i := range at {
		key, hasKey := keyOf(dictionary, i)
		if place, old := u.places[key]; old && hasKey {
			u.end(dictionary, start, i)
			start = i + 1
			at[i] = place
			continue
		}
		if hasKey {
			u.places[key] = u.n
		}
		at[i] = u.n
		u.n++
	}
	u.end(dictionary, start, len(at))
	return at
}

func (u *union) end(dictionary arrow.Array, start, end int) {
	if start < end || u.runs == nil { // one of no values says of which type they are
		u.runs = append(u.runs, array.NewSlice(dictionary, int64(start), int64(end)))
	}
}

// keyOf tells a value from all others of its type. Those of nested types have no key: their text is not theirs alone.
func keyOf(values arrow.Array, i int) (key string, ok bool) {
	if values.IsNull(i) {
		return "null", true
	}
	switch values := values.(type) {
	case interface{ Value(int) string }:
		return "=" + values.Value(i), true
	case interface{ Value(int) []byte }:
		return "=" + string(values.Value(i)), true
	case *array.Boolean:
		return values.ValueStr(i), true
	}
	if t, ok := values.DataType().(arrow.FixedWidthDataType); ok && t.BitWidth()%8 == 0 && len(values.Data().Buffers()) == 2 && dictionaryOf(values.Data()) == nil {
		at, width := values.Data().Offset()+i, t.BitWidth()/8
		return "=" + string(values.Data().Buffers()[1].Bytes()[at*width:(at+1)*width]), true
	}
	return "", false
}

func dictionaryOf(data arrow.ArrayData) *array.Data {
	dictionary, _ := data.Dictionary().(*array.Data)
	return dictionary
}

// BytesOf is how long the buffers of an array are.
func BytesOf(data arrow.ArrayData) (n int64) {
	for _, buffer := range data.Buffers() {
		if buffer != nil {
			n += int64(buffer.Len())
		}
	}
	for _, child := range data.Children() {
		n += BytesOf(child)
	}
	return n
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
