package frame_test

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

// TestTextsAreUTF8: no reader takes a table with a text that is not. The error names the column and the row.
func TestTextsAreUTF8(t *testing.T) {
	const fine = ""
	texts := arrow.BinaryTypes.String
	field := func(typ arrow.DataType) arrow.Field { return arrow.Field{Name: "f", Type: typ, Nullable: true} }
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: texts}
	tests := []struct {
		name, values string // BAD is a text that is not UTF-8
		typ          arrow.DataType
		want         string
	}{
		{"texts", `["a",null,"é"]`, texts, fine},
		{"a text", `["a","BAD"]`, texts, `column "a", row 1: its text is not UTF-8: store bytes as []byte`},
		{"behind nulls", `["a",null,null,"BAD"]`, texts, `column "a", row 3: its`},
		{"a large one", `["BAD"]`, arrow.BinaryTypes.LargeString, `column "a", row 0: its`},
		{"bytes", `["YQ=="]`, arrow.BinaryTypes.Binary, fine},
		{"a list", `[["a"],null,[],["b",null,"BAD"]]`, arrow.ListOf(texts), `column "a", row 3: its`},
		{"a list of a fixed size", `[["a","b"],["c","BAD"]]`, arrow.FixedSizeListOf(2, texts), `column "a", row 1: its`},
		{"a struct", `[{"f":"a"},null,{"f":"BAD"}]`, arrow.StructOf(field(texts)), `column "a", row 2: its`},
		{"a list of structs", `[[{"f":"a"}],[{"f":"BAD"}]]`, arrow.ListOf(arrow.StructOf(field(texts))), `column "a", row 1: its`},
		{"a map's key", `[[{"key":"a","value":1}],[{"key":"BAD","value":1}]]`, arrow.MapOf(texts, arrow.PrimitiveTypes.Int8), `column "a", row 1: its`},
		{"a dictionary", `["a",null,"a","BAD"]`, dictionary, `column "a", row 3: its`},
		{"a list of dictionaries", `[["a"],["a","BAD"],["a"]]`, arrow.ListOf(dictionary), `column "a", row 1: its`},
	}
	for _, test := range tests {
		whole := column(t, test.typ, strings.ReplaceAll(test.values, "BAD", "caf_"))
		bad := arrow.NewChunked(test.typ, []arrow.Array{array.MakeFromData(spoilt(whole.Column(0).Data().Chunk(0).Data()))})
		schema := whole.Schema()
		value := array.NewTable(schema, []arrow.Column{*arrow.NewColumn(schema.Field(0), bad)}, -1)
		record := array.NewRecord(schema, bad.Chunks(), -1)
		for _, value := range []any{value, record} {
			_, err := frame.From("test", value)
			if test.want == fine && err != nil || test.want != fine && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%s, %T: the error is %v, want %q", test.name, value, err, test.want)
			}
		}
	}
	if _, err := frame.From("test", []struct{ S string }{{"fine"}, {"caf\xe9"}}); err == nil || !strings.Contains(err.Error(), `column "S", row 1`) {
		t.Errorf("of structs the error is %v", err)
	}
}

// spoilt replaces the underscores in an array's texts by a byte that is not UTF-8.
func spoilt(data arrow.ArrayData) arrow.ArrayData {
	buffers := make([]*memory.Buffer, len(data.Buffers()))
	for i, buffer := range data.Buffers() {
		if buffer != nil {
			buffers[i] = memory.NewBufferBytes([]byte(strings.ReplaceAll(string(buffer.Bytes()), "_", "\xe9")))
		}
	}
	var children []arrow.ArrayData
	for _, child := range data.Children() {
		children = append(children, spoilt(child))
	}
	made := array.NewData(data.DataType(), data.Len(), buffers, children, data.NullN(), data.Offset())
	if dictionary, ok := data.Dictionary().(*array.Data); ok && dictionary != nil {
		made.SetDictionary(spoilt(dictionary).(*array.Data))
	}
	return made
}

// TestTextsThatNoRowHas: a dictionary is stored whole, and a null may have anything in it.
func TestTextsThatNoRowHas(t *testing.T) {
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	encoded := array.MakeFromData(spoilt(column(t, dictionary, `["a","_","a"]`).Column(0).Data().Chunk(0).Data()))
	lists := array.NewData(arrow.ListOf(dictionary), 1, []*memory.Buffer{nil, memory.NewBufferBytes([]byte{0, 0, 0, 0, 1, 0, 0, 0})},
		[]arrow.ArrayData{encoded.Data()}, 0, 0)
	hidden := array.NewData(arrow.ListOf(arrow.BinaryTypes.String), 1, []*memory.Buffer{memory.NewBufferBytes([]byte{0}),
		memory.NewBufferBytes([]byte{0, 0, 0, 0, 1, 0, 0, 0})}, []arrow.ArrayData{spoilt(column(t, arrow.BinaryTypes.String, `["_"]`).Column(0).Data().Chunk(0).Data())}, 1, 0)
	const inDictionary = `column "a" has a dictionary with a text that is not UTF-8`
	for name, test := range map[string]struct {
		column arrow.Array
		want   string
	}{
		"a dictionary":           {array.NewSlice(encoded, 2, 3), inDictionary},
		"a list of dictionaries": {array.MakeFromData(lists), inDictionary},
		"a null":                 {array.MakeFromData(hidden), ""},
	} {
		schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: test.column.DataType(), Nullable: true}}, nil)
		_, err := frame.From("test", array.NewRecord(schema, []arrow.Array{test.column}, -1))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: the error is %v, want %q", name, err, test.want)
		}
	}
}

// TestNamesAreUTF8, those of fields within others too.
func TestNamesAreUTF8(t *testing.T) {
	number := arrow.PrimitiveTypes.Int8
	for _, field := range []arrow.Field{
		{Name: "caf\xe9", Type: number}, {Name: "a", Type: arrow.StructOf(arrow.Field{Name: "caf\xe9", Type: number})},
	} {
		empty := array.NewBuilder(memory.DefaultAllocator, field.Type).NewArray()
		record := array.NewRecord(arrow.NewSchema([]arrow.Field{field}, nil), []arrow.Array{empty}, 0)
		if _, err := frame.From("test", record); err == nil || !strings.Contains(err.Error(), `the name of column "caf\xe9" is not UTF-8`) {
			t.Errorf("%v: the error is %v", field, err)
		}
	}
}
