package feather

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders/internal/flat"
)

// loader makes arrays of a batch's buffers. It checks all that the arrays rely on, so that nothing that is done with
// them later leads out of their buffers. It panics with flat.ErrDamaged.
type loader struct {
	*reader
	body    []byte
	copied  bool   // the body is a copy already
	nodes   []byte // what is left of the fields' lengths and null counts
	buffers []byte // what is left of the buffers' offsets and lengths
	unpack  *decompress
}

const pairSize = 16 // two integers of 64 bits

func newLoader(r *reader, body []byte, batch flat.Table) (*loader, error) {
	l := &loader{reader: r, body: body}
	_, l.nodes = batch.Structs(1, pairSize)
	_, l.buffers = batch.Structs(2, pairSize)
	if compression, ok := batch.Table(3); ok {
		var err error
		if l.unpack, err = decompressor(compression.Byte(0), compression.Byte(1)); err != nil {
			return nil, err
		}
	}
	if l.copies && l.unpack == nil {
		// One copy is quicker than one of each buffer, and there is nothing else in the body.
		l.mem.Take(int64(len(body)))
		l.body, l.copied = bytes.Clone(body), true
	}
	return l, nil
}

func (l *loader) pair(from *[]byte) (first, second int64) {
	if len(*from) < pairSize {
		panic(flat.ErrDamaged)
	}
	l.once(pairSize)
	first = int64(binary.LittleEndian.Uint64(*from))
	second = int64(binary.LittleEndian.Uint64((*from)[8:]))
	*from = (*from)[pairSize:]
	return first, second
}

// node returns the next field's length and its number of nulls.
func (l *loader) node() (length int, nulls int64) {
	n, nulls := l.pair(&l.nodes)
	// More rows than this are not counted in an int of bits.
	if n < 0 || n > 1<<40 || nulls < 0 || nulls > n {
		panic(flat.ErrDamaged)
	}
	return int(n), nulls
}

// buffer returns the next buffer.
func (l *loader) buffer() []byte {
	offset, length := l.pair(&l.buffers)
	size := int64(len(l.body))
	if offset < 0 || offset > size || length < 0 || length > size-offset {
		panic(flat.ErrDamaged)
	}
	raw := l.body[offset : offset+length : offset+length]
	if length == 0 {
		return nil
	}
	l.once(length)
	if l.unpack != nil {
		return l.unpacked(raw)
	}
	return l.own(raw)
}

// own copies a buffer where it may not lie in the data, or cannot, for numbers have to be aligned.
func (l *loader) own(raw []byte) []byte {
	if len(raw) == 0 || (!l.copies || l.copied) && uintptr(unsafe.Pointer(unsafe.SliceData(raw)))%8 == 0 {
		return raw
	}
	buffer := l.mem.Allocate(len(raw))
	copy(buffer, raw)
	return buffer
}

// atLeast returns the next buffer, which must have n bytes.
func (l *loader) atLeast(n int) *memory.Buffer {
	buffer := l.buffer()
	if len(buffer) < n {
		panic(flat.ErrDamaged)
	}
	return memory.NewBufferBytes(buffer)
}

// validity returns the next buffer as the bits that tell nulls, and how many nulls they tell.
func (l *loader) validity(length int, nulls int64) (*memory.Buffer, int) {
	if nulls == 0 {
		l.pair(&l.buffers)
		return nil, 0
	}
	bits := l.atLeast(int(bitutil.BytesForBits(int64(length))))
	return bits, length - bitutil.CountSetBits(bits.Bytes(), 0, length)
}

// load makes the next field's array.
func (l *loader) load(t arrow.DataType, node flat.Node) *array.Data {
	switch typ := t.(type) {
	case *arrow.NullType:
		length, _ := l.node()
		return array.NewData(typ, length, []*memory.Buffer{nil}, nil, length, 0)
	case arrow.ExtensionType:
		return l.extension(typ, node)
	case *arrow.DictionaryType:
		return l.dictionary(typ, node)
	case *arrow.BooleanType:
		return l.fixed(typ, 1)
	case *arrow.StringType, *arrow.BinaryType:
		return l.binary(t, 4)
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		return l.binary(t, 8)
	case *arrow.ListType:
		return l.list(typ, typ.Elem(), node, 4)
	case *arrow.MapType:
		return l.list(typ, typ.Elem(), node, 4)
	case *arrow.LargeListType:
		return l.list(typ, typ.Elem(), node, 8)
	case *arrow.FixedSizeListType:
		return l.fixedList(typ, node)
	case *arrow.StructType:
		return l.structs(typ, node)
	case arrow.FixedWidthDataType:
		if typ.BitWidth()%8 != 0 || typ.BitWidth() < 0 {
			panic(flat.ErrDamaged)
		}
		return l.fixed(typ, typ.BitWidth())
	}
	panic(flat.ErrDamaged) // the schema was checked
}

func (l *loader) fixed(t arrow.DataType, bits int) *array.Data {
	length, count := l.node()
	validity, nulls := l.validity(length, count)
	if bits > 0 && length > (1<<56)/bits {
		panic(flat.ErrDamaged)
	}
	values := l.atLeast(int(bitutil.BytesForBits(int64(length) * int64(bits))))
	return array.NewData(t, length, []*memory.Buffer{validity, values}, nil, nulls, 0)
}

func (l *loader) binary(t arrow.DataType, width int) *array.Data {
	length, count := l.node()
	validity, nulls := l.validity(length, count)
	offsets := l.offsets(length, width)
	first, last := checkOffsets(offsets.Bytes(), length, width)
	values := l.atLeast(last)
	if first > 0 {
		offsets, values = l.rebase(offsets, length, width, first), memory.NewBufferBytes(values.Bytes()[first:])
	}
	return array.NewData(t, length, []*memory.Buffer{validity, offsets, values}, nil, nulls, 0)
}

// offsets returns the next buffer as the length+1 offsets of as many values. For none, the buffer may be empty.
func (l *loader) offsets(length, width int) *memory.Buffer {
	if length == 0 {
		l.buffer()
		return memory.NewBufferBytes(make([]byte, width))
	}
	return l.atLeast((length + 1) * width)
}

// checkOffsets returns where the first value begins, and where the last one ends.
func checkOffsets(raw []byte, length, width int) (first, last int) {
	if width == 4 {
		return ends(arrow.Int32Traits.CastFromBytes(raw)[:length+1])
	}
	return ends(arrow.Int64Traits.CastFromBytes(raw)[:length+1])
}

func ends[T int32 | int64](offsets []T) (first, last int) {
	previous := T(0)
	for _, offset := range offsets {
		if offset < previous {
			panic(flat.ErrDamaged)
		}
		previous = offset
	}
	return int(offsets[0]), int(previous)
}

// rebase makes offsets begin at 0. The format does not say that they do, but the library's writer takes it for granted.
func (l *loader) rebase(offsets *memory.Buffer, length, width, first int) *memory.Buffer {
	rebased := l.mem.Allocate((length + 1) * width)
	if width == 4 {
		shift(arrow.Int32Traits.CastFromBytes(rebased), arrow.Int32Traits.CastFromBytes(offsets.Bytes()), int32(first))
	} else {
		shift(arrow.Int64Traits.CastFromBytes(rebased), arrow.Int64Traits.CastFromBytes(offsets.Bytes()), int64(first))
	}
	return memory.NewBufferBytes(rebased)
}

func shift[T int32 | int64](to, from []T, by T) {
	for i := range to {
		to[i] = from[i] - by
	}
}

func (l *loader) list(t, element arrow.DataType, node flat.Node, width int) *array.Data {
	length, count := l.node()
	validity, nulls := l.validity(length, count)
	offsets := l.offsets(length, width)
	var values arrow.ArrayData = l.load(element, node.Children[0])
	first, last := checkOffsets(offsets.Bytes(), length, width)
	if values.Len() < last {
		panic(flat.ErrDamaged)
	}
	if first > 0 {
		offsets = l.rebase(offsets, length, width, first)
		values = array.NewSliceData(values, int64(first), int64(last))
	}
	return array.NewData(t, length, []*memory.Buffer{validity, offsets}, []arrow.ArrayData{values}, nulls, 0)
}

func (l *loader) fixedList(t *arrow.FixedSizeListType, node flat.Node) *array.Data {
	length, count := l.node()
	validity, nulls := l.validity(length, count)
	values := l.load(t.Elem(), node.Children[0])
	if t.Len() < 0 || t.Len() > 0 && length > values.Len()/int(t.Len()) {
		panic(flat.ErrDamaged)
	}
	return array.NewData(t, length, []*memory.Buffer{validity}, []arrow.ArrayData{values}, nulls, 0)
}

func (l *loader) structs(t *arrow.StructType, node flat.Node) *array.Data {
	length, count := l.node()
	validity, nulls := l.validity(length, count)
	children := make([]arrow.ArrayData, len(node.Children))
	for i, field := range t.Fields() {
		child := l.load(field.Type, node.Children[i])
		if child.Len() < length {
			panic(flat.ErrDamaged)
		}
		children[i] = child
	}
	return array.NewData(t, length, []*memory.Buffer{validity}, children, nulls, 0)
}

func (l *loader) extension(t arrow.ExtensionType, node flat.Node) *array.Data {
	data := l.load(t.StorageType(), node).Copy()
	typed := array.NewData(t, data.Len(), data.Buffers(), data.Children(), data.NullN(), 0)
	if dictionary, ok := data.Dictionary().(*array.Data); ok && dictionary != nil {
		typed.SetDictionary(dictionary)
	}
	return typed
}

func (l *loader) dictionary(t *arrow.DictionaryType, node flat.Node) *array.Data {
	values := l.dictionaries[node.Dictionary]
	if values == nil || !arrow.TypeEqual(values.DataType(), t.ValueType) {
		panic(flat.ErrDamaged)
	}
	width, ok := t.IndexType.(arrow.FixedWidthDataType)
	if !ok {
		panic(flat.ErrDamaged)
	}
	indexes := l.fixed(t.IndexType, width.BitWidth())
	typed := array.NewDataWithDictionary(t, indexes.Len(), indexes.Buffers(), indexes.NullN(), 0, values)
	checkIndexes(array.MakeFromData(typed).(*array.Dictionary), values.Len())
	return typed
}

// checkIndexes looks at the indexes of nulls, which are any, only where one is out of range.
func checkIndexes(column *array.Dictionary, n int) {
	if column.Len() == 0 || highest(column) < uint64(n) {
		return
	}
	for i := range column.Len() {
		if column.IsValid(i) {
			if index := column.GetValueIndex(i); index < 0 || index >= n {
				panic(flat.ErrDamaged)
			}
		}
	}
}

// highest returns the highest index. Indexes are taken without a sign, as the library takes them.
func highest(column *array.Dictionary) uint64 {
	raw, length := column.Data().Buffers()[1].Bytes(), column.Len()
	switch column.Indices().DataType().(arrow.FixedWidthDataType).BitWidth() {
	case 8:
		return uint64(slices.Max(raw[:length]))
	case 16:
		return uint64(slices.Max(arrow.Uint16Traits.CastFromBytes(raw)[:length]))
	case 32:
		return uint64(slices.Max(arrow.Uint32Traits.CastFromBytes(raw)[:length]))
	}
	return slices.Max(arrow.Uint64Traits.CastFromBytes(raw)[:length])
}
