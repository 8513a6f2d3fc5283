package frame_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

func fromJSON(t *testing.T, typ arrow.DataType, text string) arrow.Array {
	t.Helper()
	data, _, err := array.FromJSON(memory.DefaultAllocator, typ, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// encoded makes an array of a dictionary: the values, and the indexes of the rows.
func encoded(t *testing.T, index, value arrow.DataType, values, indexes string) arrow.Array {
	t.Helper()
	typ := &arrow.DictionaryType{IndexType: index, ValueType: value}
	return array.NewDictionaryArray(typ, fromJSON(t, index, indexes), fromJSON(t, value, values))
}

func chunked(chunks ...arrow.Array) *arrow.Chunked {
	return arrow.NewChunked(chunks[0].DataType(), chunks)
}

// TestJoinedDictionaries: each row keeps its value, and each value is in the dictionary once.
func TestJoinedDictionaries(t *testing.T) {
	text, large, flag, number := arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Float64
	for _, index := range []arrow.DataType{arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Uint64} {
		tests := []struct {
			chunks     []arrow.Array
			dictionary string
			rows       string
		}{
			{[]arrow.Array{encoded(t, index, text, `["a","b"]`, `[1,0,null,1]`), encoded(t, index, text, `["c","b"]`, `[0,0,null,null,1,0]`)},
				`["a" "b" "c"]`, "b a (null) b c c (null) (null) b c"},
			{[]arrow.Array{encoded(t, index, text, `["a","b"]`, `[1,0]`), encoded(t, index, text, `["a","b"]`, `[0]`)}, `["a" "b"]`, "b a a"},
			{[]arrow.Array{array.NewSlice(encoded(t, index, text, `["a","b"]`, `[0,0,null,1,1]`), 2, 4), encoded(t, index, text, `["b","x"]`, `[1,0]`)},
				`["a" "b" "x"]`, "(null) b x b"},
			{[]arrow.Array{encoded(t, index, text, `[]`, `[null,null]`), encoded(t, index, text, `["x"]`, `[0]`)}, `["x"]`, "(null) (null) x"},
			{[]arrow.Array{encoded(t, index, large, `["a"]`, `[0]`), encoded(t, index, large, `["","a"]`, `[0,1]`)}, `["a" ""]`, "a  a"},
			{[]arrow.Array{encoded(t, index, flag, `[true]`, `[0]`), encoded(t, index, flag, `[false,true]`, `[0,1]`)}, `[true false]`, "true false true"},
			{[]arrow.Array{encoded(t, index, number, `[0,1.5]`, `[1]`), encoded(t, index, number, `[-0.0,0]`, `[0,1]`)}, `[0 1.5 -0]`, "1.5 -0 0"},
			{[]arrow.Array{encoded(t, index, text, `["a",null]`, `[1,0]`), encoded(t, index, text, `[null,"null"]`, `[0,1]`)},
				`["a" (null) "null"]`, "(null) a (null) null"},
		}
		for _, test := range tests {
			joined, err := frame.Join(chunked(test.chunks...), frame.NewMemory(1<<20))
			if err != nil {
				t.Errorf("indexes of %v, %v: %v", index, test.chunks, err)
				continue
			}
			rows := make([]string, joined.Len())
			for i := range rows {
				rows[i] = joined.ValueStr(i)
			}
			dictionary := fmt.Sprint(joined.(*array.Dictionary).Dictionary())
			if dictionary != test.dictionary || strings.Join(rows, " ") != test.rows {
				t.Errorf("indexes of %v, %v: joined %v of %s, want %s of %s", index, test.chunks, rows, dictionary, test.rows, test.dictionary)
			}
		}
	}
}

// TestJoinedDictionariesWithin: dictionaries in lists and structs are joined too.
func TestJoinedDictionariesWithin(t *testing.T) {
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	list := arrow.ListOf(arrow.StructOf(arrow.Field{Name: "d", Type: dictionary, Nullable: true}))
	first := fromJSON(t, list, `[[{"d":"a"},{"d":"b"}],null,[{"d":null}]]`)
	second := fromJSON(t, list, `[[],[{"d":"c"},{"d":null},{"d":"c"},{"d":"b"}]]`)
	joined, err := frame.Join(chunked(first, second), frame.NewMemory(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	text, err := joined.MarshalJSON()
	if want := `[[{"d":"a"},{"d":"b"}],null,[{"d":null}],[],[{"d":"c"},{"d":null},{"d":"c"},{"d":"b"}]]`; err != nil || strings.Join(strings.Fields(string(text)), "") != want {
		t.Errorf("joined %s (%v), want %s", text, err, want)
	}
}

// TestJoinedDictionariesOfNestedValues: the text of such values is not theirs alone, and they may have dictionaries.
func TestJoinedDictionariesOfNestedValues(t *testing.T) {
	index := arrow.PrimitiveTypes.Uint16
	inner := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	for _, test := range []struct {
		value         arrow.DataType
		first, second string
	}{
		{arrow.ListOf(arrow.PrimitiveTypes.Int8), `[[1],[2,null]]`, `[[3],[1]]`},
		{arrow.ListOf(inner), `[["a","b"],["c"]]`, `[["x"],["b",null,"y"]]`},
		{arrow.StructOf(arrow.Field{Name: "f", Type: inner, Nullable: true}), `[{"f":"a"},{"f":"b"}]`, `[{"f":"x"},{"f":null}]`},
	} {
		first, second := encoded(t, index, test.value, test.first, `[1,null,0]`), encoded(t, index, test.value, test.second, `[0,null,1,0]`)
		joined, err := frame.Join(chunked(first, second), frame.NewMemory(1<<20))
		if err != nil {
			t.Errorf("%v: %v", test.value, err)
			continue
		}
		text := func(data arrow.Array) (all []string) {
			for i := range data.Len() {
				all = append(all, fmt.Sprintf("%s", data.GetOneForMarshal(i)))
			}
			return all
		}
		if want, have := append(text(first), text(second)...), text(joined); !slices.Equal(have, want) {
			t.Errorf("%v: joined %v, want %v", test.value, have, want)
		}
	}
	// Two values whose text is one: fields of one name.
	twins := func(text string) arrow.Array {
		first, same := fromJSON(t, arrow.BinaryTypes.String, text), fromJSON(t, arrow.BinaryTypes.String, `["s"]`)
		values, err := array.NewStructArray([]arrow.Array{first, same}, []string{"f", "f"})
		if err != nil {
			t.Fatal(err)
		}
		return array.NewDictionaryArray(&arrow.DictionaryType{IndexType: index, ValueType: values.DataType()}, fromJSON(t, index, `[0]`), values)
	}
	joined, err := frame.Join(chunked(twins(`["p"]`), twins(`["q"]`)), frame.NewMemory(1<<20))
	if err != nil || joined.(*array.Dictionary).GetValueIndex(1) != 1 {
		t.Errorf("joined %v (%v), want two values", joined, err)
	}
}

// TestTooManyValuesForIndexes: the error names how many there are and how many there can be.
func TestTooManyValuesForIndexes(t *testing.T) {
	index, value := arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int32
	values := func(from int) string {
		all := make([]string, 100)
		for i := range all {
			all[i] = fmt.Sprint(from + i)
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	if _, err := frame.Join(chunked(encoded(t, index, value, values(0), `[99]`), encoded(t, index, value, values(28), `[99]`)), frame.NewMemory(1<<20)); err != nil {
		t.Errorf("128 values: %v", err)
	}
	_, err := frame.Join(chunked(encoded(t, index, value, values(0), `[99]`), encoded(t, index, value, values(29), `[99]`)), frame.NewMemory(1<<20))
	if err == nil || !strings.Contains(err.Error(), "129 values together, and indexes of type int8 can name 128") {
		t.Errorf("129 values: the error is %v", err)
	}
}
