package csv

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

// nulls are the texts that pandas reads as null.
var nulls = map[string]bool{
	"": true, "#N/A": true, "#N/A N/A": true, "#NA": true, "-1.#IND": true, "-1.#QNAN": true, "-NaN": true, "-nan": true,
	"1.#IND": true, "1.#QNAN": true, "<NA>": true, "N/A": true, "NA": true, "NULL": true, "NaN": true, "None": true,
	"n/a": true, "nan": true, "null": true,
}

var booleans = map[string]bool{
	"True": true, "TRUE": true, "true": true, "False": false, "FALSE": false, "false": false,
}

// inferred makes a table whose types are found in the data.
func (s *sheet) inferred(mem *frame.Memory) arrow.Table {
	var fields []arrow.Field
	var columns []arrow.Column
	for c, name := range s.names {
		data := s.infer(c, mem)
		if c == 0 && name == frame.IndexName && isCount(data) {
			continue
		}
		field := arrow.Field{Name: name, Type: data.DataType(), Nullable: true}
		fields = append(fields, field)
		columns = append(columns, *arrow.NewColumn(field, arrow.NewChunked(field.Type, []arrow.Array{data})))
	}
	schema := arrow.NewSchema(fields, nil)
	if len(fields) == len(s.names) {
		schema = frame.WithIndex(schema, s.names[:1])
	}
	return array.NewTable(schema, columns, int64(s.len()))
}

// isCount reports whether a column holds 0, 1, 2 and so on, or nothing at all.
func isCount(data arrow.Array) bool {
	numbers, ok := data.(*array.Int64)
	if !ok {
		return data.Len() == 0
	}
	for i := range numbers.Len() {
		if numbers.IsNull(i) || numbers.Value(i) != int64(i) {
			return false
		}
	}
	return true
}

type columnType func(s *sheet, column int, mem *frame.Memory) (arrow.Array, bool)

var (
	readsFloats = tryColumn(arrow.PrimitiveTypes.Float64, readFloat, (*array.Float64Builder).Append)
	columnTypes = []columnType{
		tryColumn(arrow.PrimitiveTypes.Int64, readInt, (*array.Int64Builder).Append),
		tryColumn(arrow.PrimitiveTypes.Uint64, readUint, (*array.Uint64Builder).Append),
		readsFloats,
		tryColumn(arrow.FixedWidthTypes.Boolean, readBool, (*array.BooleanBuilder).Append),
	}
	onlyNulls = []columnType{readsFloats} // as pandas has it; of no rows it has objects
)

// infer finds a column's type: the first one that all of its values have.
func (s *sheet) infer(column int, mem *frame.Memory) arrow.Array {
	tries := columnTypes
	if _, any := s.first(column); !any {
		tries = onlyNulls[:min(1, s.len())]
	}
	for _, try := range tries {
		if data, ok := try(s, column, mem); ok {
			return data
		}
	}
	builder := array.NewStringBuilder(mem)
	defer builder.Release()
	builder.Reserve(s.len())
	for row := range s.len() {
		c, ok := s.at(row, column)
		text := s.value(c)
		if !ok || nulls[text] && !(text == "" && c.quoted) {
			builder.AppendNull()
			continue
		}
		builder.Append(text)
	}
	return builder.NewArray()
}

func tryColumn[B array.Builder, T any](t arrow.DataType, read func(string) (T, bool), add func(B, T)) columnType {
	return func(s *sheet, column int, mem *frame.Memory) (arrow.Array, bool) {
		if first, any := s.first(column); any {
			if _, isOne := read(first); !isOne {
				return nil, false // most columns that are of another type show it at once
			}
		}
		builder := array.NewBuilder(mem, t)
		defer builder.Release()
		typed := builder.(B)
		builder.Reserve(s.len())
		for row := range s.len() {
			c, ok := s.at(row, column)
			text := s.value(c)
			if value, isOne := read(text); isOne {
				add(typed, value)
			} else if !ok || nulls[text] {
				builder.AppendNull()
			} else {
				return nil, false
			}
		}
		return builder.NewArray(), true
	}
}

// first returns the first value of a column that is not null.
func (s *sheet) first(column int) (text string, any bool) {
	for row := range s.len() {
		if c, ok := s.at(row, column); ok {
			if text := s.value(c); !nulls[text] {
				return text, true
			}
		}
	}
	return "", false
}

func readInt(text string) (int64, bool) {
	n, err := strconv.ParseInt(trim(text), 10, 64)
	return n, err == nil
}

func readUint(text string) (uint64, bool) {
	n, err := strconv.ParseUint(strings.TrimPrefix(trim(text), "+"), 10, 64)
	return n, err == nil
}

// readFloat reads what Python reads as a float: none of Go's hexadecimal digits and underscores.
func readFloat(text string) (float64, bool) {
	text = trim(text)
	for i := range len(text) {
		if b := text[i]; (b < '0' || b > '9') && b != '.' && b != '-' && b != '+' && b != 'e' && b != 'E' {
			return readInfinity(text)
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil || errors.Is(err, strconv.ErrRange)
}

func readInfinity(text string) (float64, bool) {
	sign := 1
	if text != "" && (text[0] == '-' || text[0] == '+') {
		if text[0] == '-' {
			sign = -1
		}
		text = text[1:]
	}
	if strings.EqualFold(text, "inf") || strings.EqualFold(text, "infinity") {
		return math.Inf(sign), true
	}
	return 0, false
}

func readBool(text string) (value, ok bool) {
	value, ok = booleans[text]
	return value, ok
}

func trim(text string) string { return strings.Trim(text, " \t") }

// typed makes a table of the columns that a destination asks for and that the data has.
func (s *sheet) typed(dest *frame.Dest, mem *frame.Memory) (arrow.Table, error) {
	var fields []arrow.Field
	var columns []arrow.Column
	wanted := dest.Columns()
	for c, name := range s.names {
		places := wanted.FieldIndices(name)
		if places == nil {
			continue
		}
		field := wanted.Field(places[0])
		data, err := s.column(c, field.Type, dest.IsText(places[0]), mem)
		if err != nil {
			return nil, fmt.Errorf("column %q, %w", name, err)
		}
		fields = append(fields, field)
		columns = append(columns, *arrow.NewColumn(field, arrow.NewChunked(field.Type, []arrow.Array{data})))
	}
	return array.NewTable(arrow.NewSchema(fields, nil), columns, int64(s.len())), nil
}

// column reads a column of a type. Where it has no nulls, it is one of texts, and what would be null is an empty one.
func (s *sheet) column(column int, t arrow.DataType, noNulls bool, mem *frame.Memory) (arrow.Array, error) {
	builder := array.NewBuilder(mem, t)
	defer builder.Release()
	builder.Reserve(s.len())
	read := reader(builder, t)
	isText := t.ID() == arrow.STRING || t.ID() == arrow.DICTIONARY
	for row := range s.len() {
		c, ok := s.at(row, column)
		text := s.value(c)
		isNull := !ok || text == "" && !(isText && c.quoted) || !isText && nulls[text]
		switch {
		case isNull && !noNulls:
			builder.AppendNull()
		case !read(text):
			return nil, fmt.Errorf("row %d: its text is no %s", row, t)
		}
	}
	return builder.NewArray(), nil
}
