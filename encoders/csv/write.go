package csv

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

// A writer adds the text of a row's value.
type writer func(to []byte, row int) []byte

func write(table arrow.Table) ([]byte, error) {
	names, writers, err := columnsOf(table)
	if err != nil {
		return nil, err
	}
	const perValue = 8 // a guess, so that what is written grows less often
	to := make([]byte, 0, 64+int(table.NumRows())*len(writers)*perValue)
	for i, name := range names {
		if i > 0 {
			to = append(to, ',')
		}
		if name == "" && len(names) == 1 {
			to = append(to, `""`...) // not an empty line
		} else if name != "" {
			to = appendText(to, name)
		}
	}
	to = append(to, '\n')
	for row := range int(table.NumRows()) {
		start := len(to)
		for i, w := range writers {
			if i > 0 {
				to = append(to, ',')
			}
			to = w(to, row)
		}
		if len(to) == start {
			to = append(to, `""`...)
		}
		to = append(to, '\n')
	}
	return to, nil
}

// columnsOf puts the index first.
func columnsOf(table arrow.Table) (names []string, writers []writer, err error) {
	schema := table.Schema()
	index := frame.Index(schema)
	var order []int
	for _, name := range index {
		order = append(order, schema.FieldIndices(name)[0])
	}
	if index == nil {
		names = append(names, "")
		writers = append(writers, func(to []byte, row int) []byte { return strconv.AppendInt(to, int64(row), 10) })
	}
	for i := range schema.NumFields() {
		if !slices.Contains(order, i) {
			order = append(order, i)
		}
	}
	for _, i := range order {
		column, err := frame.Join(table.Column(i).Data(), memory.DefaultAllocator)
		if err != nil {
			return nil, nil, err
		}
		w := writerOf(column)
		if w == nil {
			return nil, nil, fmt.Errorf("column %q has a year beyond 9999 or before 0, which no reader knows", schema.Field(i).Name)
		}
		name := schema.Field(i).Name
		if name == frame.IndexName && len(names) == 0 {
			name = ""
		}
		names = append(names, name)
		writers = append(writers, w)
	}
	return names, writers, nil
}

func writerOf(column arrow.Array) writer {
	value := valueWriter(column)
	if value == nil || column.NullN() == 0 && column.DataType().ID() != arrow.NULL {
		return value
	}
	return func(to []byte, row int) []byte {
		if column.IsNull(row) || column.DataType().ID() == arrow.NULL {
			return to
		}
		return value(to, row)
	}
}

func valueWriter(column arrow.Array) writer {
	switch c := column.(type) {
	case *array.Null:
		return func(to []byte, _ int) []byte { return to }
	case *array.Boolean:
		return func(to []byte, row int) []byte {
			if c.Value(row) {
				return append(to, "True"...)
			}
			return append(to, "False"...)
		}
	case *array.Int8:
		return integers(c.Int8Values())
	case *array.Int16:
		return integers(c.Int16Values())
	case *array.Int32:
		return integers(c.Int32Values())
	case *array.Int64:
		return integers(c.Int64Values())
	case *array.Uint8:
		return integers(c.Uint8Values())
	case *array.Uint16:
		return integers(c.Uint16Values())
	case *array.Uint32:
		return integers(c.Uint32Values())
	case *array.Uint64:
		values := c.Uint64Values()
		return func(to []byte, row int) []byte { return strconv.AppendUint(to, values[row], 10) }
	case *array.Float32:
		return func(to []byte, row int) []byte { return appendFloat(to, float64(c.Value(row)), 32) }
	case *array.Float64:
		return func(to []byte, row int) []byte { return appendFloat(to, c.Value(row), 64) }
	case *array.String:
		return func(to []byte, row int) []byte { return appendText(to, c.Value(row)) }
	case *array.LargeString:
		return func(to []byte, row int) []byte { return appendText(to, c.Value(row)) }
	case *array.Decimal128:
		scale := int(c.DataType().(*arrow.Decimal128Type).Scale)
		return func(to []byte, row int) []byte { return appendDecimal(to, c.Value(row).BigInt().String(), scale) }
	case *array.Dictionary:
		value := writerOf(c.Dictionary())
		if value == nil {
			return nil
		}
		return func(to []byte, row int) []byte { return value(to, c.GetValueIndex(row)) }
	}
	return timeWriter(column)
}

func integers[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32](values []T) writer {
	return func(to []byte, row int) []byte { return strconv.AppendInt(to, int64(values[row]), 10) }
}

// appendText quotes a text where it needs it, and where it is empty, so that it is not null.
func appendText(to []byte, text string) []byte {
	if text == "" {
		return append(to, `""`...)
	}
	if !strings.ContainsAny(text, ",\"\r\n") {
		return append(to, text...)
	}
	to = append(to, '"')
	for {
		i := strings.IndexByte(text, '"')
		if i < 0 {
			break
		}
		to = append(to, text[:i+1]...)
		to = append(to, '"')
		text = text[i+1:]
	}
	to = append(to, text...)
	return append(to, '"')
}

// appendFloat writes a float as Python's repr does. NaN is null to pandas, and empty.
func appendFloat(to []byte, f float64, bits int) []byte {
	if f != f {
		return to
	}
	if f > maxFloat {
		return append(to, "inf"...)
	}
	if f < -maxFloat {
		return append(to, "-inf"...)
	}
	if magnitude := max(f, -f); f == 0 || magnitude >= 1e-4 && magnitude < 1e16 {
		start := len(to)
		to = strconv.AppendFloat(to, f, 'f', -1, bits)
		if !slices.Contains(to[start:], '.') {
			to = append(to, ".0"...)
		}
		return to
	}
	return strconv.AppendFloat(to, f, 'e', -1, bits)
}

const maxFloat = 1.79769313486231570814527423731704356798070e+308

// appendDecimal writes a decimal from its digits.
func appendDecimal(to []byte, digits string, scale int) []byte {
	if digits[0] == '-' {
		to, digits = append(to, '-'), digits[1:]
	}
	if scale < 0 {
		digits, scale = digits+strings.Repeat("0", -scale), 0
	}
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	to = append(to, digits[:len(digits)-scale]...)
	if scale > 0 {
		to = append(to, '.')
		to = append(to, digits[len(digits)-scale:]...)
	}
	return to
}
