package all_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/gin-cachette/cachette/encoders"
)

// tableShape has the methods by which a table of Arrow is known, and writes itself as text as those do.
type tableShape struct{ text string }

func (t *tableShape) NumRows() int64 { return 1 }
func (t *tableShape) NumCols() int64 { return 1 }
func (t *tableShape) Retain()        {}
func (t *tableShape) Release()       {}
func (t *tableShape) String() string { return t.text }

type (
	// otherTable and otherRecord are what another version of Arrow has.
	otherTable  struct{ tableShape }
	otherRecord struct{ otherTable }
	otherSchema struct{}
	oddTable    struct{ tableShape }
	bareRecord  struct{ tableShape }
)

func (t *otherTable) Schema() *otherSchema           { return nil }
func (t *otherSchema) Fields() []arrow.Field         { return nil }
func (r *otherRecord) MarshalJSON() ([]byte, error)  { return json.Marshal(r.text) }
func (r *bareRecord) MarshalJSON() ([]byte, error)   { return json.Marshal(r.text) }
func (t *oddTable) Schema(map[string]any) arrow.Type { return 0 }

// TestAnotherArrow: the codecs of tables say that it is another one, and do not send the caller from one to the next.
func TestAnotherArrow(t *testing.T) {
	const other = "values of another version of Arrow are other types: give those of github.com/apache/arrow/go/v15"
	const noTable = "give an arrow.Record, an arrow.Table or a slice of structs"
	for _, name := range strings.Fields(tables) {
		encoder, _ := encoders.Lookup(name)
		for _, test := range []struct {
			value any
			want  string
		}{
			{&otherTable{}, other}, {&otherRecord{}, other},
			{&tableShape{}, noTable}, {&oddTable{}, noTable},
		} {
			if _, err := encoder.Encode(test.value); err == nil || !strings.HasSuffix(err.Error(), ": "+test.want) {
				t.Errorf("codec %s, %T: the error is %v, want %q", name, test.value, err, test.want)
			}
		}
		dst := &otherTable{}
		if err := encoder.Decode(nil, &dst); err == nil || !strings.HasSuffix(err.Error(), ": "+other) {
			t.Errorf("codec %s: the error is %v, want %q", name, err, other)
		}
	}
}

// TestNullsOfRequiredColumns: a field is not nullable unless it says so, and its column may hold nulls all the same: they
// are stored.
func TestNullsOfRequiredColumns(t *testing.T) {
	int64s := arrow.PrimitiveTypes.Int64
	for _, test := range []struct {
		typ    arrow.DataType
		column string
		codecs string
	}{
		{int64s, `[1,null,3]`, tables},
		{arrow.BinaryTypes.String, `["a",null,""]`, tables},
		{arrow.Null, `[null,null]`, tables},
		{arrow.ListOf(int64s), `[[1],null,[2,null]]`, "feather parquet"},
		{arrow.ListOfNonNullable(int64s), `[[1],null,[2,null]]`, "feather parquet"},
		{arrow.ListOfNonNullable(arrow.Null), `[[null],null,[]]`, "feather parquet"},
		{&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, `["a",null,"c"]`, "feather parquet"},
	} {
		nullable := record(test.typ, test.column)
		column := nullable.Column(0)
		field := arrow.Field{Name: "a", Type: test.typ}
		value := array.NewRecord(arrow.NewSchema([]arrow.Field{field}, nil), []arrow.Array{column}, int64(column.Len()))
		for _, name := range strings.Fields(test.codecs) {
			encoder, _ := encoders.Lookup(name)
			var got arrow.Record
			data, err := encoder.Encode(value)
			if err == nil {
				err = encoder.Decode(data, &got)
			}
			if err != nil || got.Column(0).String() != column.String() {
				t.Errorf("codec %s: a required column %v of %v came back as %v (%v)", name, column, test.typ, got, err)
			}
		}
	}
}

// TestColumnsBeyondRows: a record may have columns longer than it has rows. What is beyond is not stored.
func TestColumnsBeyondRows(t *testing.T) {
	column := record(arrow.PrimitiveTypes.Int64, `[1,null,3]`).Column(0)
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: column.DataType(), Nullable: true}}, nil)
	whole := arrow.NewColumn(schema.Field(0), arrow.NewChunked(column.DataType(), []arrow.Array{column}))
	for shape, value := range map[string]any{
		"record": array.NewRecord(schema, []arrow.Array{column}, 2),
		"table":  array.NewTable(schema, []arrow.Column{*whole}, 2),
	} {
		for _, name := range strings.Fields(tables) {
			encoder, _ := encoders.Lookup(name)
			var got arrow.Record
			data, err := encoder.Encode(value)
			if err == nil {
				err = encoder.Decode(data, &got)
			}
			if err != nil || got.NumRows() != 2 || got.Column(0).String() != "[1 (null)]" {
				t.Errorf("codec %s: a %s of two rows came back as %v (%v)", name, shape, got, err)
			}
		}
	}
}
