package csv_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

// A chunked column, each chunk as JSON.
type chunked struct {
	name   string
	typ    arrow.DataType
	chunks []string
}

func arrayOf(t *testing.T, typ arrow.DataType, values string) arrow.Array {
	t.Helper()
	arr, _, err := array.FromJSON(memory.DefaultAllocator, typ, strings.NewReader(values), array.WithUseNumber())
	if err != nil {
		t.Fatal(err)
	}
	return arr
}

// tableOf makes a table of columns.
func tableOf(t *testing.T, columns ...chunked) arrow.Table {
	t.Helper()
	var fields []arrow.Field
	var made []arrow.Column
	for _, c := range columns {
		field := arrow.Field{Name: c.name, Type: c.typ, Nullable: true}
		var chunks []arrow.Array
		for _, values := range c.chunks {
			chunks = append(chunks, arrayOf(t, c.typ, values))
		}
		fields = append(fields, field)
		made = append(made, *arrow.NewColumn(field, arrow.NewChunked(c.typ, chunks)))
	}
	return array.NewTable(arrow.NewSchema(fields, nil), made, -1)
}

func TestTablesAreWritten(t *testing.T) {
	ints, texts := arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String
	colors := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: texts}
	tests := []struct {
		name  string
		table arrow.Table
		want  string
	}{
		{"one chunk", tableOf(t, chunked{"a", ints, []string{`[1,2]`}}), ",a\n0,1\n1,2\n"},
		{"several chunks", tableOf(t, chunked{"a", ints, []string{`[1,2]`, `[3]`, `[4,5]`}}), ",a\n0,1\n1,2\n2,3\n3,4\n4,5\n"},
		{"differently chunked columns", tableOf(t, chunked{"a", ints, []string{`[1,2]`, `[null,4]`}},
			chunked{"s", texts, []string{`["x"]`, `[null,""]`, `["y"]`}}, chunked{"c", ints, []string{`[5,6,7,8]`}}),
			",a,s,c\n0,1,x,5\n1,2,,6\n2,,\"\",7\n3,4,y,8\n"},
		{"empty chunks", tableOf(t, chunked{"a", ints, []string{`[]`, `[1]`, `[]`, `[2]`, `[]`}}), ",a\n0,1\n1,2\n"},
		{"only empty chunks", tableOf(t, chunked{"a", ints, []string{`[]`, `[]`}}), ",a\n"},
		{"no chunks", tableOf(t, chunked{"a", ints, nil}, chunked{"s", texts, nil}), ",a,s\n"},
		{"the index in chunks", tableOf(t, chunked{"a", ints, []string{`[1]`, `[2]`}},
			chunked{"__index_level_0__", texts, []string{`["x","y"]`}}), ",a\nx,1\ny,2\n"},
		{"dictionaries that differ", tableOf(t, chunked{"c", colors, []string{`["red",null]`, `["blue","red"]`}}),
			",c\n0,red\n1,\n2,blue\n3,red\n"},
		{"no columns", array.NewTable(arrow.NewSchema(nil, nil), nil, 2), "\"\"\n0\n1\n"},
		{"slices", sliced(t), ",a\n0,1\n1,2\n2,3\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			data, err := limited.Encode(test.table)
			if err != nil || string(data) != test.want {
				t.Errorf("it is %q, %v, want %q", data, err, test.want)
			}
		})
	}
}

// sliced has chunks that are parts of longer arrays.
func sliced(t *testing.T) arrow.Table {
	field := arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int64}
	chunks := []arrow.Array{
		array.NewSlice(arrayOf(t, field.Type, `[9,1,2,9]`), 1, 3),
		array.NewSlice(arrayOf(t, field.Type, `[9,9,3]`), 2, 3),
	}
	column := arrow.NewColumn(field, arrow.NewChunked(field.Type, chunks))
	return array.NewTable(arrow.NewSchema([]arrow.Field{field}, nil), []arrow.Column{*column}, -1)
}

// TestEveryTypeInChunks: a table has the bytes that a record of the same rows has, whatever its chunks are.
func TestEveryTypeInChunks(t *testing.T) {
	count := 0
	for _, column := range slices.Concat(frametest.Flat, frametest.Nested, frametest.Deep) {
		want, err := limited.Encode(frametest.Record(2, column))
		if err != nil {
			continue // CSV does not carry it
		}
		count++
		all := strings.Join(column.JSON[:], ",")
		chunks := []string{"[" + column.JSON[0] + "]", "[" + column.JSON[1] + "," + column.JSON[2] + "]", "[]", "[" + all + "]"}
		tall := tableOf(t, chunked{"a", column.Type, chunks})
		if data, err := limited.Encode(tall); err != nil || string(data) != strings.Replace(string(want), column.Name, "a", 1) {
			t.Errorf("%s: it is %q, %v, want %q", column.Name, data, err, want)
		}
		if data, err := limited.Encode(tableOf(t, chunked{"a", column.Type, nil})); err != nil || string(data) != ",a\n" {
			t.Errorf("%s without chunks: it is %q, %v", column.Name, data, err)
		}
	}
	if count != 24 {
		t.Errorf("CSV carries %d of the types, want 24", count)
	}
}

func TestTablesAreRead(t *testing.T) {
	for _, data := range []string{",a,s\n0,1,x\n1,,\"\"\n2,3,\n", ",a,s\nx,1,True\ny,2,False\n", ",a\n", "\"\"\n0\n1\n"} {
		var table arrow.Table
		if err := limited.Decode([]byte(data), &table); err != nil {
			t.Errorf("%q: %v", data, err)
			continue
		}
		if want := int64(strings.Count(data, "\n") - 1); table.NumRows() != want {
			t.Errorf("%q: the table has %d rows, want %d", data, table.NumRows(), want)
		}
		if again, err := limited.Encode(table); err != nil || string(again) != data {
			t.Errorf("%q came back as %q, %v", data, again, err)
		}
		old := table
		if err := limited.Decode([]byte(",a\n0,1,2\n"), &table); err == nil || table != old {
			t.Errorf("after the error %v the table is %v", err, table)
		}
	}

	var table arrow.Table
	if err := limited.Decode([]byte(",a,s\n0,1,x\n1,,\n"), &table); err != nil {
		t.Fatal(err)
	}
	a, s := table.Column(0).Data().Chunk(0).(*array.Int64), table.Column(1).Data().Chunk(0).(*array.String)
	if table.NumCols() != 2 || a.Value(0) != 1 || !a.IsNull(1) || s.Value(0) != "x" || !s.IsNull(1) {
		t.Errorf("the columns are %v and %v", a, s)
	}
}
