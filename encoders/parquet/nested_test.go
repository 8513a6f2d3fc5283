package parquet_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
	"github.com/gin-cachette/cachette/encoders/parquet"
)

// TestRequiredWithinOthers: what must not be null is missing all the same where what is around it is. frametest/make.py made
// the file.
func TestRequiredWithinOthers(t *testing.T) {
	var got arrow.Record
	codec := parquet.New(parquet.Options{})
	if err := codec.Decode(frametest.Read(t, "testdata", "nested.parquet"), &got); err != nil {
		t.Fatal(err)
	}
	const one, two = `{"x":1,"y":"a"}`, `{"x":2,"y":null}`
	want := []string{
		one + " null " + two, two + " " + one + " " + two, "[" + one + ",null," + two + "] null []",
		`[{"key":"p","value":` + one + `},{"key":"q","value":null}] null []`, "[[1,null],[]] [] [[2]]",
	}
	for range 2 {
		for i, column := range got.Columns() {
			if have := strings.Join(frametest.Values(t, column), " "); have != want[i] {
				t.Errorf("column %s is %s, want %s", got.ColumnName(i), have, want[i])
			}
		}
		data, err := codec.Encode(got)
		if err != nil {
			t.Fatal(err)
		}
		if err := codec.Decode(data, &got); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDeltas: DuckDB writes them in its version 2, in blocks that lists are read across. frametest/make.py made the file.
func TestDeltas(t *testing.T) {
	type row struct {
		A int       `arrow:"a"`
		B *string   `arrow:"b"`
		L []*int64  `arrow:"l"`
		D time.Time `arrow:"d"`
		J string    `arrow:"j"`
		E string    `arrow:"e"`
	}
	var got []row
	if err := parquet.New(parquet.Options{}).Decode(frametest.Read(t, "testdata", "deltas.parquet"), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1500 {
		t.Fatalf("there are %d rows", len(got))
	}
	for i, have := range got {
		want := row{A: i, L: []*int64{ptr(int64(i)), nil, ptr(int64(-i))}, D: time.Date(2024, 1, 1+i, 0, 0, 0, 0, time.UTC), J: `{"a":1}`, E: "y"}
		if i%3 > 0 {
			want.B = ptr(fmt.Sprint("s", i))
		}
		if !reflect.DeepEqual(have, want) {
			t.Fatalf("row %d is %v, want %v", i, have, want)
		}
	}
}

// categories makes a column of indexes and a dictionary in JSON.
func categories(t *testing.T, ordered bool, indexes, values string) arrow.Array {
	t.Helper()
	made := func(typ arrow.DataType, text string) arrow.Array {
		data, _, err := array.FromJSON(memory.DefaultAllocator, typ, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String, Ordered: ordered}
	return array.NewDictionaryArray(typ, made(typ.IndexType, indexes), made(typ.ValueType, values))
}

// TestCategoriesSurvive: the order of a dictionary is that of its values for pandas, and those that no row has are its too.
func TestCategoriesSurvive(t *testing.T) {
	const sizes = `["low","mid","high","max"]`
	tests := []struct {
		name         string
		chunks       [][2]string // indexes and dictionary
		values, want string
	}{
		{"as pandas has them", [][2]string{{`[2,0,null,1,0]`, sizes}}, `["high" "low" (null) "mid" "low"]`, `["low" "mid" "high" "max"]`},
		{"without nulls", [][2]string{{`[2,0]`, sizes}}, `["high" "low"]`, `["low" "mid" "high" "max"]`},
		{"no rows", [][2]string{{`[]`, sizes}}, `[]`, `[]`},
		{"nothing but nulls", [][2]string{{`[null]`, sizes}}, `[(null)]`, `["low" "mid" "high" "max"]`},
		{"no values", [][2]string{{`[null,null]`, `[]`}}, `[(null) (null)]`, `[]`},
		{"several chunks", [][2]string{{`[2]`, sizes}, {`[0]`, sizes}}, `["high" "low"]`, `["low" "mid" "high" "max"]`},
		{"chunks that differ", [][2]string{{`[1]`, `["b","a"]`}, {`[0,1]`, `["c","b"]`}}, `["a" "c" "b"]`, `["b" "a" "c"]`},
		{"null among the values", [][2]string{{`[0,1,2]`, `["b",null,"a"]`}}, `["b" (null) "a"]`, `["b" "a"]`},
		{"a value twice", [][2]string{{`[2,1,0]`, `["b","b","a"]`}}, `["a" "b" "b"]`, `["b" "a"]`},
	}
	codec := parquet.New(parquet.Options{})
	for _, test := range tests {
		for _, ordered := range []bool{true, false} {
			var chunks []arrow.Array
			for _, chunk := range test.chunks {
				chunks = append(chunks, categories(t, ordered, chunk[0], chunk[1]))
			}
			field := arrow.Field{Name: "a", Type: chunks[0].DataType(), Nullable: true}
			column := arrow.NewColumn(field, arrow.NewChunked(field.Type, chunks))
			value := any(array.NewTable(arrow.NewSchema([]arrow.Field{field}, nil), []arrow.Column{*column}, -1))
			for range 2 {
				data, err := codec.Encode(value)
				if err != nil {
					t.Fatalf("%s: %v", test.name, err)
				}
				var got arrow.Record
				if err := codec.Decode(data, &got); err != nil {
					t.Fatalf("%s: %v", test.name, err)
				}
				encoded := got.Column(0).(*array.Dictionary)
				if have := encoded.Dictionary().String(); have != test.want || encoded.DataType().(*arrow.DictionaryType).Ordered != ordered {
					t.Errorf("%s: the dictionary came back as %s of %s, want %s", test.name, have, encoded.DataType(), test.want)
				}
				if have := texts(encoded); have != test.values {
					t.Errorf("%s: it came back as %s, want %s", test.name, have, test.values)
				}
				value = got
			}
		}
	}
}

func texts(encoded *array.Dictionary) string {
	values := make([]string, encoded.Len())
	for i := range values {
		values[i] = "(null)"
		if encoded.IsValid(i) {
			values[i] = fmt.Sprintf("%q", encoded.ValueStr(i))
		}
	}
	return "[" + strings.Join(values, " ") + "]"
}

// TestCategoriesOfPandas: frametest/make.py made the file.
func TestCategoriesOfPandas(t *testing.T) {
	codec := parquet.New(parquet.Options{})
	data := frametest.Read(t, "testdata", "ordered.parquet")
	for range 2 {
		var got arrow.Record
		if err := codec.Decode(data, &got); err != nil {
			t.Fatal(err)
		}
		encoded := got.Column(0).(*array.Dictionary)
		if have := encoded.Dictionary().String() + texts(encoded); have != `["low" "mid" "high" "max"]["high" "low" (null) "low"]` ||
			!encoded.DataType().(*arrow.DictionaryType).Ordered {
			t.Errorf("it is %s of %s", have, encoded.DataType())
		}
		var err error
		if data, err = codec.Encode(got); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKeysOfMapsAreNotNull: Parquet has no way to say it. A dictionary of the library's may have null among its values.
func TestKeysOfMapsAreNotNull(t *testing.T) {
	keys := categories(t, false, `[0,1,0]`, `["a",null]`)
	typ := arrow.MapOf(keys.DataType(), arrow.PrimitiveTypes.Int64)
	items := frametest.Record(1, frametest.Column{Name: "v", Type: typ.ItemType(), JSON: [3]string{`1`, `2`, `3`}}).Column(0)
	pairs := array.NewData(typ.Elem(), 3, []*memory.Buffer{nil}, []arrow.ArrayData{keys.Data(), items.Data()}, 0, 0)
	maps := func(offsets ...int32) arrow.Record {
		buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(offsets))}
		column := array.MakeFromData(array.NewData(typ, len(offsets)-1, buffers, []arrow.ArrayData{pairs}, 0, 0))
		return array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "a", Type: typ}}, nil), []arrow.Array{column}, -1)
	}
	codec := parquet.New(parquet.Options{})
	if data, err := codec.Encode(maps(0, 3)); err == nil || data != nil || !strings.Contains(err.Error(), `column "a": a map has a null as a key`) {
		t.Errorf("the error is %v", err)
	}
	data, err := codec.Encode(maps(2, 3))
	var got arrow.Record
	if err == nil {
		err = codec.Decode(data, &got)
	}
	if err != nil || !slices.Equal(frametest.Values(t, got.Column(0)), []string{`[{"key":"a","value":3}]`}) {
		t.Errorf("beside a null that no map has, it is %v, %v", got, err)
	}
}
