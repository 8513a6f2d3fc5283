package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// sizes are how long a value is, about, in the JSON of a document or in the buffers of a frame.
var sizes = []struct {
	name  string
	bytes int
}{{"1KB", 1 << 10}, {"1MB", 1 << 20}}

// An order is what a service has in its cache: nested, with strings, numbers, and lists of both.
type order struct {
	Number   int64   `json:"number"`
	Customer string  `json:"customer"`
	Note     string  `json:"note"`
	Total    float64 `json:"total"`
	Paid     bool    `json:"paid"`
	Lines    []line  `json:"lines"`
}

type line struct {
	Article string   `json:"article"`
	Count   int64    `json:"count"`
	Price   float64  `json:"price"`
	Tags    []string `json:"tags"`
}

// orders returns a document of about size bytes.
func orders(size int) []order {
	const each = 330 // as JSON
	all := make([]order, max(1, size/each))
	for i := range all {
		all[i] = order{
			Number: int64(1_000_000 + i), Customer: fmt.Sprintf("Customer %d & Sons", i),
			Note: "leave it with the neighbour, please", Total: float64(i%1000) + 0.95, Paid: i%2 == 0,
		}
		for k := range 2 {
			all[i].Lines = append(all[i].Lines, line{
				Article: fmt.Sprintf("article-%d", i*7+k), Count: int64(k + i%100), Price: float64(k) + 19.99,
				Tags: []string{"red", "large", "new"},
			})
		}
	}
	return all
}

// tree returns the same document as maps and slices.
func tree(size int) any {
	data, err := json.Marshal(orders(size))
	if err != nil {
		panic(err)
	}
	var value any
	reader := json.NewDecoder(bytes.NewReader(data))
	reader.UseNumber()
	if err := reader.Decode(&value); err != nil {
		panic(err)
	}
	return plain(value)
}

// plain turns integers into int64, other numbers into float64, and maps with keys of any type into such with strings.
func plain(value any) any {
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case uint64:
		return int64(v)
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = plain(v[key])
		}
	case map[any]any:
		m := make(map[string]any, len(v))
		for key, element := range v {
			m[fmt.Sprint(key)] = plain(element)
		}
		return m
	}
	return value
}

// text returns prose of about size bytes.
func text(size int) string {
	const sentence = "Whatever else the machine does meets both of them. "
	return strings.Repeat(sentence, size/len(sentence)+1)[:size]
}

// A kind is a column of a frame: its type, and how its i-th value is added.
type kind struct {
	name string
	typ  arrow.DataType
	add  func(b array.Builder, i int)
}

// flat are the columns that CSV has types for.
var flat = []kind{
	{"id", arrow.PrimitiveTypes.Int64, func(b array.Builder, i int) { b.(*array.Int64Builder).Append(int64(i)) }},
	{"price", arrow.PrimitiveTypes.Float64, func(b array.Builder, i int) {
		b.(*array.Float64Builder).Append(float64(i%1000) + 0.95)
	}},
	{"paid", arrow.FixedWidthTypes.Boolean, func(b array.Builder, i int) { b.(*array.BooleanBuilder).Append(i%3 == 0) }},
	{"name", arrow.BinaryTypes.String, func(b array.Builder, i int) {
		b.(*array.StringBuilder).Append(fmt.Sprintf("name %d", i%5000))
	}},
}

// typed are the columns that Parquet has types for.
var typed = append(flat[:len(flat):len(flat)],
	kind{"at", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, func(b array.Builder, i int) {
		b.(*array.TimestampBuilder).Append(arrow.Timestamp(time.Date(2024, 1, 1, 0, 0, i, 0, time.UTC).UnixMicro()))
	}},
	kind{"count", arrow.PrimitiveTypes.Int32, func(b array.Builder, i int) { b.(*array.Int32Builder).Append(int32(i % 100)) }},
	kind{"discount", arrow.PrimitiveTypes.Float64, func(b array.Builder, i int) {
		if i%4 == 0 {
			b.AppendNull()
			return
		}
		b.(*array.Float64Builder).Append(float64(i%7) / 8)
	}},
)

// eight are the columns of a frame as pandas has it, a category among them.
var eight = append(typed[:len(typed):len(typed)],
	kind{"colour", &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String},
		func(b array.Builder, i int) {
			if err := b.(*array.BinaryDictionaryBuilder).AppendString([]string{"red", "green", "blue"}[i%3]); err != nil {
				panic(err)
			}
		}},
)

// frameOf returns a frame of so many rows.
func frameOf(rows int, kinds []kind) arrow.Record {
	fields := make([]arrow.Field, len(kinds))
	columns := make([]arrow.Array, len(kinds))
	for c, k := range kinds {
		builder := array.NewBuilder(memory.DefaultAllocator, k.typ)
		builder.Reserve(rows)
		for i := range rows {
			k.add(builder, i)
		}
		fields[c] = arrow.Field{Name: k.name, Type: k.typ, Nullable: true}
		columns[c] = builder.NewArray()
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, int64(rows))
}

// frame returns a frame of about size bytes.
func frame(size int, kinds []kind) arrow.Record {
	const each = 7 // bytes of a value
	return frameOf(size/each/len(kinds), kinds)
}
