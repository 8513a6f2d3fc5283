package frametest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders"
)

// arrayMaker makes arrays of any shape that the format allows: slices, with more before and behind, of buffers whose offsets
// begin anywhere, and of children that are longer. Builders make none of those.
type arrayMaker struct{ *rand.Rand }

func (m arrayMaker) typ(depth int) arrow.DataType {
	flat := []arrow.DataType{arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.FixedWidthTypes.Boolean,
		&arrow.FixedSizeBinaryType{ByteWidth: 3}, arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Int8, arrow.Null}
	n := len(flat)
	if depth > 0 {
		n += 8
	}
	switch k := m.IntN(n) - len(flat); k {
	case 0, 1:
		value := m.typ(depth - 1)
		for value.ID() == arrow.DICTIONARY || value.ID() == arrow.NULL {
			value = m.typ(depth - 1)
		}
		index := []arrow.DataType{arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Uint64}
		return &arrow.DictionaryType{IndexType: index[m.IntN(len(index))], ValueType: value}
	case 2:
		return arrow.ListOf(m.typ(depth - 1))
	case 3:
		return arrow.LargeListOf(m.typ(depth - 1))
	case 4:
		return arrow.FixedSizeListOf(1+m.Int32N(3), m.typ(depth-1))
	case 5:
		return arrow.MapOf(arrow.BinaryTypes.String, m.typ(depth-1))
	case 6, 7:
		fields := make([]arrow.Field, 1+m.IntN(3))
		for i := range fields {
			fields[i] = arrow.Field{Name: fmt.Sprint("f", i), Type: m.typ(depth - 1), Nullable: true}
		}
		return arrow.StructOf(fields...)
	default:
		return flat[k+len(flat)]
	}
}

// some returns less than n, and 0 as often as not.
func (m arrayMaker) some(n int) int { return m.IntN(2) * m.IntN(n) }

func (m arrayMaker) bytes(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(m.IntN(2))
	}
	return data
}

// validity returns a bitmap for n values, or none.
func (m arrayMaker) validity(n int) (bitmap *memory.Buffer, nulls int) {
	if m.IntN(2) == 0 {
		return nil, 0
	}
	data := make([]byte, n/8+1)
	for i := range data {
		data[i] = byte(m.Uint32())
	}
	return memory.NewBufferBytes(data), array.UnknownNullCount
}

// offsets returns those of n values, and where the last one ends.
func (m arrayMaker) offsets(n int, wide bool) (*memory.Buffer, int) {
	narrow, long := make([]int32, n+1), make([]int64, n+1)
	at := m.some(4)
	for i := range narrow {
		narrow[i], long[i] = int32(at), int64(at)
		if i < n {
			at += m.IntN(3)
		}
	}
	if wide {
		return memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(long)), at
	}
	return memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(narrow)), at
}

// data makes n values of a type.
func (m arrayMaker) data(t arrow.DataType, n int) *array.Data {
	offset := m.some(4)
	total := offset + n + m.some(4)
	bitmap, nulls := m.validity(total)
	made := func(buffers []*memory.Buffer, children ...arrow.ArrayData) *array.Data {
		return array.NewData(t, n, append([]*memory.Buffer{bitmap}, buffers...), children, nulls, offset)
	}
	switch t := t.(type) {
	case *arrow.NullType:
		return array.NewData(t, n, []*memory.Buffer{nil}, nil, n, offset)
	case *arrow.StringType, *arrow.LargeStringType:
		offsets, end := m.offsets(total, t.ID() == arrow.LARGE_STRING)
		text := m.bytes(end + m.some(3))
		for i := range text {
			text[i] += 'a'
		}
		return made([]*memory.Buffer{offsets, memory.NewBufferBytes(text)})
	case *arrow.MapType:
		offsets, end := m.offsets(total, false)
		end += m.some(3)
		keys := m.data(t.KeyType(), end)
		keys = array.NewData(keys.DataType(), end, append([]*memory.Buffer{nil}, keys.Buffers()[1:]...), nil, 0, keys.Offset())
		pairs := array.NewData(t.Elem(), end, []*memory.Buffer{nil}, []arrow.ArrayData{keys, m.data(t.ItemType(), end)}, 0, 0)
		return made([]*memory.Buffer{offsets}, pairs)
	case *arrow.ListType:
		offsets, end := m.offsets(total, false)
		return made([]*memory.Buffer{offsets}, m.data(t.Elem(), end+m.some(3)))
	case *arrow.LargeListType:
		offsets, end := m.offsets(total, true)
		return made([]*memory.Buffer{offsets}, m.data(t.Elem(), end+m.some(3)))
	case *arrow.FixedSizeListType:
		return made(nil, m.data(t.Elem(), total*int(t.Len())+m.some(3)))
	case *arrow.StructType:
		children := make([]arrow.ArrayData, len(t.Fields()))
		for i, field := range t.Fields() {
			children[i] = m.data(field.Type, total+m.some(3))
		}
		return made(nil, children...)
	case *arrow.DictionaryType:
		values := 1 + m.IntN(5)
		width := t.IndexType.(arrow.FixedWidthDataType).BitWidth() / 8
		indexes := make([]byte, total*width)
		for i := range total {
			indexes[i*width] = byte(m.IntN(values))
		}
		dictionary := m.data(t.ValueType, values)
		return array.NewDataWithDictionary(t, n, []*memory.Buffer{bitmap, memory.NewBufferBytes(indexes)}, nulls, offset, dictionary)
	case arrow.FixedWidthDataType: // booleans have more than they need
		return made([]*memory.Buffer{memory.NewBufferBytes(m.bytes(total * max(1, t.BitWidth()/8)))})
	}
	panic(t)
}

// Values writes each value of arrays in JSON.
func Values(t *testing.T, chunks ...arrow.Array) (all []string) {
	t.Helper()
	for _, chunk := range chunks {
		for i := range chunk.Len() {
			text, err := json.Marshal(chunk.GetOneForMarshal(i))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(text))
		}
	}
	return all
}

// CheckShapes checks that an encoder gives back the values of records and tables whatever their buffers are, if it takes their
// types.
func CheckShapes(t *testing.T, encoder encoders.Encoder) {
	t.Helper()
	m := arrayMaker{rand.New(rand.NewPCG(7, 8))}
	taken := 0
	for range 500 {
		typ := m.typ(3)
		chunks := make([]arrow.Array, 1+m.IntN(4))
		for i := range chunks {
			chunks[i] = array.MakeFromData(m.data(typ, m.IntN(6)))
		}
		schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: typ, Nullable: true}}, nil)
		column := arrow.NewColumn(schema.Field(0), arrow.NewChunked(typ, chunks))
		for value, want := range map[any][]string{
			array.NewRecord(schema, chunks[:1], -1):             Values(t, chunks[0]),
			array.NewTable(schema, []arrow.Column{*column}, -1): Values(t, chunks...),
		} {
			data, err := encoder.Encode(value)
			if errors.Is(err, encoders.ErrUnsupportedType) {
				continue
			}
			taken++
			var table arrow.Table
			var record arrow.Record
			if err == nil {
				err = errors.Join(encoder.Decode(data, &table), encoder.Decode(data, &record))
			}
			if err != nil {
				t.Errorf("%T of %v, %v: %v", value, typ, want, err)
				continue
			}
			for _, have := range [][]string{Values(t, table.Column(0).Data().Chunks()...), Values(t, record.Column(0))} {
				if !slices.Equal(have, want) {
					t.Errorf("%T of %v came back as\n%v, want\n%v", value, typ, have, want)
				}
			}
		}
	}
	if taken < 300 {
		t.Errorf("the encoder took %d of 1000 values: the check needs more", taken)
	}
}
