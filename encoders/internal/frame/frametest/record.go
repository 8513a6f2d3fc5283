package frametest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders"
)

// A Column is a column type and three of its values as JSON, the second of which is null.
type Column struct {
	Name string
	Type arrow.DataType
	JSON [3]string
}

// Flat are the column types that feather and parquet both carry unchanged.
var Flat = []Column{
	{"bool", arrow.FixedWidthTypes.Boolean, [3]string{`true`, `null`, `false`}},
	{"i8", arrow.PrimitiveTypes.Int8, [3]string{`-128`, `null`, `127`}},
	{"i16", arrow.PrimitiveTypes.Int16, [3]string{`-32768`, `null`, `32767`}},
	{"i32", arrow.PrimitiveTypes.Int32, [3]string{`-2147483648`, `null`, `2147483647`}},
	{"i64", arrow.PrimitiveTypes.Int64, [3]string{`-9223372036854775808`, `null`, `9223372036854775807`}},
	{"u8", arrow.PrimitiveTypes.Uint8, [3]string{`0`, `null`, `255`}},
	{"u16", arrow.PrimitiveTypes.Uint16, [3]string{`0`, `null`, `65535`}},
	{"u32", arrow.PrimitiveTypes.Uint32, [3]string{`0`, `null`, `4294967295`}},
	{"u64", arrow.PrimitiveTypes.Uint64, [3]string{`0`, `null`, `18446744073709551615`}},
	{"f16", arrow.FixedWidthTypes.Float16, [3]string{`1.5`, `null`, `-2`}},
	{"f32", arrow.PrimitiveTypes.Float32, [3]string{`1.5`, `null`, `-0.1`}},
	{"f64", arrow.PrimitiveTypes.Float64, [3]string{`1.5`, `null`, `-0.1`}},
	{"string", arrow.BinaryTypes.String, [3]string{`"grün"`, `null`, `""`}},
	{"large_string", arrow.BinaryTypes.LargeString, [3]string{`"世界"`, `null`, `""`}},
	{"binary", arrow.BinaryTypes.Binary, [3]string{`"AAH/"`, `null`, `""`}},
	{"large_binary", arrow.BinaryTypes.LargeBinary, [3]string{`"AAH/"`, `null`, `""`}},
	{"fixed", &arrow.FixedSizeBinaryType{ByteWidth: 3}, [3]string{`"AAH/"`, `null`, `"////"`}},
	{"ts_ms", &arrow.TimestampType{Unit: arrow.Millisecond}, [3]string{`"1969-12-31 23:59:59.5"`, `null`, `"2024-02-29 12:00:00.001"`}},
	{"ts_us", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"},
		[3]string{`"0001-01-01 00:00:00Z"`, `null`, `"2024-02-29 12:00:00.000001Z"`}},
	{"ts_ns", &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "Europe/Berlin"},
		[3]string{`"1970-01-01 00:00:00Z"`, `null`, `"2024-02-29 12:00:00.000000001Z"`}},
	{"date32", arrow.FixedWidthTypes.Date32, [3]string{`"1969-12-31"`, `null`, `"2024-02-29"`}},
	{"time32", arrow.FixedWidthTypes.Time32ms, [3]string{`"00:00:00.001"`, `null`, `"23:59:59.999"`}},
	{"time64", arrow.FixedWidthTypes.Time64us, [3]string{`"00:00:00.000001"`, `null`, `"23:59:59.999999"`}},
	{"decimal", &arrow.Decimal128Type{Precision: 38, Scale: 3}, [3]string{`"-1.500"`, `null`, `"12345678901234567890123.456"`}},
	{"decimal_short", &arrow.Decimal128Type{Precision: 5, Scale: 2}, [3]string{`"-1.50"`, `null`, `"999.99"`}},
	{"list", arrow.ListOf(arrow.PrimitiveTypes.Int64), [3]string{`[1,null,3]`, `null`, `[]`}},
	{"list_string", arrow.ListOf(arrow.BinaryTypes.String), [3]string{`["a",null,""]`, `null`, `[]`}},
	{"dictionary", &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String},
		[3]string{`"red"`, `null`, `"blue"`}},
}

// Nested are the column types that have others within. Feather and parquet carry them.
var Nested = []Column{
	{"large_list", arrow.LargeListOf(arrow.PrimitiveTypes.Float64), [3]string{`[1.5,null]`, `null`, `[]`}},
	{"list_list", arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int8)), [3]string{`[[1],null,[2,3]]`, `null`, `[[]]`}},
	{"fixed_list", arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int32), [3]string{`[1,null]`, `null`, `[3,4]`}},
	{"struct", arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		arrow.Field{Name: "b", Type: arrow.BinaryTypes.String, Nullable: true}), [3]string{`{"a":1,"b":"x"}`, `null`, `{"a":null,"b":"y"}`}},
	{"map", arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64),
		[3]string{`[{"key":"a","value":1}]`, `null`, `[]`}},
	{"list_struct", arrow.ListOf(arrow.StructOf(arrow.Field{Name: "n", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		arrow.Field{Name: "l", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true})),
		[3]string{`[{"n":1,"l":["a",null]},null,{"n":null,"l":[]}]`, `null`, `[]`}},
	{"map_list", arrow.MapOf(arrow.PrimitiveTypes.Int16, arrow.ListOf(arrow.PrimitiveTypes.Float64)),
		[3]string{`[{"key":1,"value":[1.5]},{"key":2,"value":null}]`, `null`, `[{"key":3,"value":[]}]`}},
	{"struct_struct", arrow.StructOf(arrow.Field{Name: "s", Type: arrow.StructOf(arrow.Field{Name: "at", Type: arrow.FixedWidthTypes.Timestamp_us,
		Nullable: true}), Nullable: true}), [3]string{`{"s":{"at":"2024-02-29 12:00:00Z"}}`, `null`, `{"s":null}`}},
}

// Deep are the column types that only feather carries as they are.
var Deep = []Column{
	{"null", arrow.Null, [3]string{`null`, `null`, `null`}},
	{"ts_s", &arrow.TimestampType{Unit: arrow.Second, TimeZone: "+02:00"}, [3]string{`"1970-01-01 00:00:00Z"`, `null`, `"2024-02-29 12:00:00Z"`}},
	{"date64", arrow.FixedWidthTypes.Date64, [3]string{`"1969-12-31"`, `null`, `"2024-02-29"`}},
	{"time32_s", arrow.FixedWidthTypes.Time32s, [3]string{`"00:00:00"`, `null`, `"23:59:59"`}},
	{"time64_ns", arrow.FixedWidthTypes.Time64ns, [3]string{`"00:00:00.000000001"`, `null`, `"23:59:59.999999999"`}},
	{"duration", arrow.FixedWidthTypes.Duration_ns, [3]string{`"5ns"`, `null`, `"-7ns"`}},
	{"decimal256", &arrow.Decimal256Type{Precision: 60, Scale: 2}, [3]string{`"-1.50"`, `null`, `"123456789012345678901234567890123456789012345.67"`}},
	{"dictionary_int", &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint8, ValueType: arrow.PrimitiveTypes.Int64},
		[3]string{`5`, `null`, `-7`}},
	{"list_dictionary", arrow.ListOf(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}),
		[3]string{`["red","blue"]`, `null`, `["red"]`}},
}

// Record makes a record of three rows, times n.
func Record(n int, columns ...Column) arrow.Record {
	fields := make([]arrow.Field, len(columns))
	arrays := make([]arrow.Array, len(columns))
	for i, column := range columns {
		fields[i] = arrow.Field{Name: column.Name, Type: column.Type, Nullable: true}
		text := strings.Repeat(strings.Join(column.JSON[:], ",")+",", n)
		text = "[" + strings.TrimSuffix(text, ",") + "]"
		arr, _, err := array.FromJSON(memory.DefaultAllocator, column.Type, strings.NewReader(text), array.WithUseNumber())
		if err != nil {
			panic(fmt.Sprintf("%s: %v", column.Name, err))
		}
		arrays[i] = arr
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), arrays, int64(3*n))
}

// CheckMetadata checks that what a record and a table say of themselves, and of their columns, comes back, and is added to
// by nothing.
func CheckMetadata(t *testing.T, encoder encoders.Encoder) {
	t.Helper()
	metadata := arrow.NewMetadata([]string{"pandas", "mine", "not UTF-8"}, []string{`{"index_columns": ["text"]}`, "yes", "\xff"})
	index := slices.IndexFunc(Deep, func(c Column) bool { return c.Name == "dictionary_int" }) // the type that comes back may be another
	record := Record(1, append(slices.Clone(Flat), Deep[index])...)
	fields := record.Schema().Fields()
	for i := range fields {
		fields[i].Metadata = arrow.NewMetadata([]string{"z", "unit"}, []string{fields[i].Name, "kg"})
	}
	record = array.NewRecord(arrow.NewSchema(fields, &metadata), record.Columns(), record.NumRows())
	data, err := encoder.Encode(record)
	if err != nil {
		t.Fatal(err)
	}
	var got arrow.Record
	var table arrow.Table
	if err := errors.Join(encoder.Decode(data, &got), encoder.Decode(data, &table)); err != nil {
		t.Fatal(err)
	}
	if data, err = encoder.Encode(table); err != nil {
		t.Fatal(err)
	}
	var again arrow.Record
	if err := encoder.Decode(data, &again); err != nil {
		t.Fatal(err)
	}
	for name, schema := range map[string]*arrow.Schema{"record": got.Schema(), "table": table.Schema(), "table, encoded": again.Schema()} {
		if !schema.Metadata().Equal(metadata) {
			t.Errorf("the metadata of the %s is %v, want %v", name, schema.Metadata(), metadata)
		}
		for i, field := range schema.Fields() {
			if !field.Metadata.Equal(fields[i].Metadata) {
				t.Errorf("the metadata of the %s's column %s is %v, want %v", name, field.Name, field.Metadata, fields[i].Metadata)
			}
		}
	}
}

// Box holds a record so that the conformance suite can compare it.
type Box struct{ Record arrow.Record }

// Equal reports whether two records have the same schema, its metadata included, and the same values.
func (b Box) Equal(other Box) bool {
	if b.Record == nil || other.Record == nil {
		return b.Record == other.Record
	}
	if !b.Record.Schema().Equal(other.Record.Schema()) || b.Record.NumRows() != other.Record.NumRows() ||
		!b.Record.Schema().Metadata().Equal(other.Record.Schema().Metadata()) {
		return false
	}
	for i, column := range b.Record.Columns() {
		if !equal(column, other.Record.Column(i)) {
			return false
		}
	}
	return true
}

// equal takes NaN for equal to itself, and dictionaries for the values that their rows have.
func equal(a, b arrow.Array) bool {
	if a.DataType().ID() != arrow.DICTIONARY {
		// Infinities of 16 bits are equal by their bits alone: the other comparison subtracts them.
		return array.Equal(a, b) || array.ApproxEqual(a, b, array.WithNaNsEqual(true), array.WithAbsTolerance(0))
	}
	for i := range a.Len() {
		if a.IsNull(i) != b.IsNull(i) || a.IsValid(i) && a.ValueStr(i) != b.ValueStr(i) {
			return false
		}
	}
	return a.Len() == b.Len()
}

// Boxed is an encoder that takes a [Box] too.
type Boxed struct{ encoders.Encoder }

// Encode encodes the record in a box.
func (b Boxed) Encode(value any) ([]byte, error) {
	box, ok := value.(Box)
	if !ok {
		return b.Encoder.Encode(value)
	}
	if box.Record == nil {
		return nil, &encoders.UnsupportedTypeError{Codec: b.Name(), Op: "encode", Type: fmt.Sprintf("%T", value)}
	}
	return b.Encoder.Encode(box.Record)
}

// Decode decodes into the record in a box.
func (b Boxed) Decode(data []byte, dst any) error {
	box, ok := dst.(*Box)
	if !ok || box == nil {
		return b.Encoder.Decode(data, dst)
	}
	err := b.Encoder.Decode(data, &box.Record)
	if unsupported := new(encoders.UnsupportedTypeError); errors.As(err, &unsupported) {
		unsupported.Type = fmt.Sprintf("%T", dst)
	}
	return err
}
