package all_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

// flatTypes are types of columns, each with how a random value of it is written in JSON.
var flatTypes = []struct {
	typ   arrow.DataType
	value func(*rand.Rand) any
}{
	{arrow.Null, func(*rand.Rand) any { return nil }},
	{arrow.FixedWidthTypes.Boolean, func(r *rand.Rand) any { return r.IntN(2) == 0 }},
	{arrow.PrimitiveTypes.Int8, func(r *rand.Rand) any { return r.IntN(256) - 128 }},
	{arrow.PrimitiveTypes.Uint16, func(r *rand.Rand) any { return r.IntN(65536) }},
	{arrow.PrimitiveTypes.Int32, func(r *rand.Rand) any { return r.Int32() }},
	{arrow.PrimitiveTypes.Int64, func(r *rand.Rand) any { return r.Int64() }},
	{arrow.PrimitiveTypes.Uint64, func(r *rand.Rand) any { return r.Uint64() }},
	{arrow.PrimitiveTypes.Float32, func(r *rand.Rand) any { return r.Float32() }},
	{arrow.PrimitiveTypes.Float64, func(r *rand.Rand) any { return r.NormFloat64() }},
	{arrow.BinaryTypes.String, randomText},
	{arrow.BinaryTypes.LargeString, randomText},
	{arrow.BinaryTypes.Binary, func(r *rand.Rand) any { return randomBytes(r, 1+r.IntN(5)) }},
	{arrow.BinaryTypes.LargeBinary, func(r *rand.Rand) any { return randomBytes(r, 1+r.IntN(5)) }},
	{&arrow.FixedSizeBinaryType{ByteWidth: 3}, func(r *rand.Rand) any { return randomBytes(r, 3) }},
	{arrow.FixedWidthTypes.Date32, func(r *rand.Rand) any { return fmt.Sprintf("%04d-02-%02d", 1900+r.IntN(200), 1+r.IntN(28)) }},
	{arrow.FixedWidthTypes.Time32ms, func(r *rand.Rand) any { return fmt.Sprintf("%02d:00:00.%03d", r.IntN(24), r.IntN(1000)) }},
	{arrow.FixedWidthTypes.Time64ns, func(r *rand.Rand) any { return fmt.Sprintf("%02d:00:00.%09d", r.IntN(24), r.IntN(1e9)) }},
	{arrow.FixedWidthTypes.Timestamp_us, randomTime},
	{&arrow.TimestampType{Unit: arrow.Nanosecond}, randomTime},
	{&arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "Europe/Paris"}, randomTime},
	{arrow.FixedWidthTypes.Duration_ms, func(r *rand.Rand) any { return r.Int32() }},
	{&arrow.Decimal128Type{Precision: 9, Scale: 2}, func(r *rand.Rand) any { return fmt.Sprintf("%d.%02d", r.IntN(1e7), r.IntN(100)) }},
}

func randomText(r *rand.Rand) any { return []string{"", "a", "b,\"c\"", "d\ne", "é\u2028"}[r.IntN(5)] }
func randomTime(r *rand.Rand) any {
	return fmt.Sprintf("20%02d-06-01T12:00:00.%03dZ", r.IntN(90), r.IntN(1000))
}

func randomBytes(r *rand.Rand, n int) any {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(r.IntN(256))
	}
	return base64.StdEncoding.EncodeToString(data)
}

// noDictionaries are the types that the library makes no dictionaries of.
var noDictionaries = []arrow.Type{arrow.NULL, arrow.BOOL, arrow.LARGE_STRING, arrow.LARGE_BINARY}

// columnMaker makes random types of columns and values of them.
type columnMaker struct{ *rand.Rand }

func (m columnMaker) column(depth int) (arrow.DataType, func(*rand.Rand) any) {
	if depth > 2 || m.IntN(3) > 0 {
		flat := flatTypes[m.IntN(len(flatTypes))]
		return flat.typ, flat.value
	}
	element, value := m.column(depth + 1)
	nullable := m.IntN(2) == 0
	field := arrow.Field{Name: "item", Type: element, Nullable: nullable}
	values := func(n func(*rand.Rand) int) func(*rand.Rand) any {
		return func(r *rand.Rand) any {
			all := make([]any, n(r))
			for i := range all {
				all[i] = orNull(r, nullable, value)
			}
			return all
		}
	}
	switch m.IntN(6) {
	case 0, 1:
		return arrow.ListOfField(field), values(func(r *rand.Rand) int { return r.IntN(4) })
	case 2:
		return arrow.LargeListOfField(field), values(func(r *rand.Rand) int { return r.IntN(4) })
	case 3:
		return arrow.FixedSizeListOf(2, element), values(func(*rand.Rand) int { return 2 })
	case 4:
		another, anotherValue := m.column(depth + 1)
		return arrow.StructOf(field, arrow.Field{Name: "other", Type: another, Nullable: true}), func(r *rand.Rand) any {
			return map[string]any{"item": orNull(r, nullable, value), "other": orNull(r, true, anotherValue)}
		}
	default:
		flat := flatTypes[m.IntN(len(flatTypes))]
		for slices.Contains(noDictionaries, flat.typ.ID()) {
			flat = flatTypes[m.IntN(len(flatTypes))]
		}
		index := []arrow.DataType{arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Int32}[m.IntN(3)]
		few := make([]any, 1+m.IntN(4)) // an index of a byte has room for them
		for i := range few {
			few[i] = flat.value(m.Rand)
		}
		return &arrow.DictionaryType{IndexType: index, ValueType: flat.typ}, func(r *rand.Rand) any { return few[r.IntN(len(few))] }
	}
}

func orNull(r *rand.Rand, nullable bool, value func(*rand.Rand) any) any {
	if nullable && r.IntN(4) == 0 {
		return nil
	}
	return value(r)
}

// array makes n values: those of a slice of a longer array as often as not.
func (m columnMaker) array(t arrow.DataType, value func(*rand.Rand) any, n int) (arrow.Array, error) {
	before, after := m.IntN(2)*m.IntN(10), m.IntN(2)*m.IntN(10)
	values := make([]any, before+n+after)
	for i := range values {
		values[i] = orNull(m.Rand, m.IntN(3) > 0, value)
	}
	text, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	data, _, err := array.FromJSON(memory.DefaultAllocator, t, strings.NewReader(string(text)), array.WithUseNumber())
	if err != nil {
		return nil, fmt.Errorf("%v of %s: %w", t, text, err)
	}
	return array.NewSlice(data, int64(before), int64(before+n)), nil
}

// table makes a table whose columns have chunks of their own, or a record.
func (m columnMaker) table() (any, []arrow.Column, error) {
	rows := m.IntN(1 << m.IntN(9))
	columns := make([]arrow.Column, 1+m.IntN(4))
	fields := make([]arrow.Field, len(columns))
	arrays := make([]arrow.Array, len(columns))
	whole := m.IntN(2) == 0
	for i := range columns {
		t, value := m.column(0)
		var chunks []arrow.Array
		for left := rows; left > 0 || len(chunks) == 0; {
			n := left
			if !whole {
				n = m.IntN(left + 1)
			}
			chunk, err := m.array(t, value, n)
			if err != nil {
				return nil, nil, err
			}
			chunks, left = append(chunks, chunk), left-n
		}
		fields[i] = arrow.Field{Name: fmt.Sprint("c", i), Type: t, Nullable: m.IntN(2) == 0}
		columns[i] = *arrow.NewColumn(fields[i], arrow.NewChunked(t, chunks))
		arrays[i] = chunks[0]
	}
	schema := arrow.NewSchema(fields, nil)
	if whole {
		return array.NewRecord(schema, arrays, int64(rows)), columns, nil
	}
	return array.NewTable(schema, columns, int64(rows)), columns, nil
}

// TestRandomTables: a table comes back from feather and parquet with the values that it had, whatever its types, its
// chunks and the arrays that they are slices of.
func TestRandomTables(t *testing.T) {
	m := columnMaker{rand.New(rand.NewPCG(3, 4))}
	carriedBy := map[string]int{}
	for i := range 300 {
		value, columns, err := m.table()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range takersOf(value) {
			if name != "feather" && name != "parquet" {
				continue
			}
			carriedBy[name]++
			encoder, _ := encoders.Lookup(name)
			var got arrow.Table
			var whole arrow.Record
			data, err := encoder.Encode(value)
			if err == nil {
				err = errors.Join(encoder.Decode(data, &got), encoder.Decode(data, &whole))
			}
			if err != nil {
				t.Errorf("table %d, codec %s, %v: %v", i, name, value.(interface{ Schema() *arrow.Schema }).Schema(), err)
				continue
			}
			for k, column := range columns {
				want := frametest.Values(t, column.Data().Chunks()...)
				for _, chunks := range [][]arrow.Array{got.Column(k).Data().Chunks(), {whole.Column(k)}} {
					if have := frametest.Values(t, chunks...); !slices.Equal(have, want) {
						t.Errorf("table %d, codec %s: %v came back as %v\n%v, want\n%v", i, name, column.DataType(), got.Column(k).DataType(), have, want)
					}
				}
			}
		}
	}
	if carriedBy["feather"] < 300 || carriedBy["parquet"] < 300 {
		t.Errorf("the codecs took %v of the tables: the test needs more", carriedBy)
	}
}
