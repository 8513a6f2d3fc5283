// Package csv is the codec that stores tables as CSV, as pandas' DataFrame.to_csv writes them and read_csv reads them with
// index_col=0: the first column is the index. CSV knows no types: use it for what people and other programs are to
// read, and the codecs feather and parquet for the rest.
//
// It takes and gives an arrow.Record, an arrow.Table, and slices of structs whose fields are columns, by the rules of the
// codec feather; it takes pointers to such slices too. A column is of booleans, numbers, strings, timestamps, dates,
// decimals, or a dictionary of those. Lists, bytes, durations and all else is refused, and texts that are not UTF-8.
//
// # What is written
//
// The header, then a line for each row. The columns that are the index of pandas come first; where there are none, an
// unnamed column with the numbers of the rows does. Booleans are True and False, floats are as Python's repr has them,
// null and NaN are empty, and an empty string is "". Times are as pandas has them, 2024-01-02 03:04:05.5+00:00.
//
// # What is read
//
// A slice of structs says what each column is. Null is what is empty, and for other types than strings also what pandas
// takes for it: NA, NaN, null and the like. A missing text and an empty one are the same in CSV, and pandas writes nothing
// for either: a field that is a string takes nothing as "". One that is a *string takes it as nil, and "" in quotes as an
// empty text. A float takes null as NaN; a number of another type, a boolean or a time that is no pointer refuses it.
// Times come back in UTC, whatever zone they are written in.
//
// Else the types are found as pandas finds them: of a column whose values are all integers, floats or booleans that type,
// else strings. Times remain strings. Integers and booleans beside nulls remain what they are, where pandas makes floats of
// them. The first column, where it is unnamed and holds the numbers of the rows, is left out; else it is marked as the
// index, and named __index_level_0__ where it has no name.
//
// A table of one column, which can only be its index, has null where a text is empty: its line would be empty, and is "".
//
// A line that is shorter than the header has nulls at its end; where most of the fields are missing it is an error.
//
// # What pandas makes of texts
//
// The reader of pandas takes an empty text, NA, N/A, NaN, nan, null, NULL, None and the like for null, in quotes or not:
// such a text that Go writes is NaN in Python. This is a limit of that reader, and befalls what pandas itself wrote as
// well; feather and parquet have none.
package csv

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

const name = "csv"

func init() { encoders.Register(New(Options{})) }

// Options are the options of the codec.
type Options struct {
	// Limit bounds the memory, in bytes, that one Decode may use beside its data. Zero means 256 MiB, and for large data
	// 64 times its length.
	Limit int64
}

// Codec is the csv codec.
type Codec struct{ options Options }

// New returns the csv codec.
func New(options Options) *Codec { return &Codec{options} }

// Name returns "csv".
func (*Codec) Name() string { return name }

// Encode returns a table as CSV.
func (c *Codec) Encode(value any) (data []byte, err error) {
	source, err := frame.From(name, value)
	if err != nil {
		return nil, err
	}
	if err := carries(source.Schema()); err != nil {
		return nil, frame.Refuse(name, "encode", value, "", err.Error())
	}
	defer func() {
		if err != nil {
			data = nil
		}
	}()
	defer frame.Guard(name, "encode", value, &err)
	data, err = write(source.AsTable())
	if err != nil {
		return nil, frame.Refuse(name, "encode", value, "", err.Error())
	}
	return data, nil
}

// Decode stores the table that data holds.
func (c *Codec) Decode(data []byte, dst any) (err error) {
	dest, err := frame.To(name, dst)
	if err != nil {
		return err
	}
	wanted := dest.Columns()
	if wanted != nil {
		if err := carries(wanted); err != nil {
			return frame.Refuse(name, "decode", dst, "a table", err.Error())
		}
	}
	defer frame.Guard(name, "decode", dst, &err)
	mem := frame.NewMemory(frame.Limit(c.options.Limit, len(data)))
	sheet, err := parse(data, mem)
	if err != nil {
		return frame.Failure(name, "decode", dst, err)
	}
	if wanted == nil {
		return dest.Set(sheet.inferred(mem), mem)
	}
	table, err := sheet.typed(dest, mem)
	if err != nil {
		return frame.Refuse(name, "decode", dst, "a table", err.Error())
	}
	return dest.Set(table, mem)
}

// carries reports a column that CSV cannot carry.
func carries(schema *arrow.Schema) error {
	for _, field := range schema.Fields() {
		t := field.Type
		if dictionary, ok := t.(*arrow.DictionaryType); ok {
			t = dictionary.ValueType
		}
		switch t.ID() {
		case arrow.NULL, arrow.BOOL, arrow.STRING, arrow.LARGE_STRING, arrow.TIMESTAMP, arrow.DATE32, arrow.DATE64,
			arrow.DECIMAL128, arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64,
			arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64, arrow.FLOAT32, arrow.FLOAT64:
		default:
			return fmt.Errorf("column %q is %s, which CSV cannot carry", field.Name, t)
		}
	}
	return nil
}
