package parquet

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/compute"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

// rowGroup is how many rows a row group has, as pandas has it.
const rowGroup = 1 << 20

// write writes a table. The library gets it in a disguise, for it has mistakes that the disguise avoids:
//
//   - A timestamp without a zone it writes as one in UTC, and one in a zone that is not UTC as one without: it gets UTC
//     for any zone, and a zone that there is not for none.
//   - Durations it does not know: it gets their numbers, as pyarrow writes them.
//   - At dictionaries without nulls it panics: it gets their values, and writes a dictionary of its own.
//   - It refuses lists that are null and have elements: it gets a copy without those.
//   - Nulls in a column that says it has none it writes as zeros: such a column is one that may have nulls.
//
// The schema without the disguise goes into the file's metadata.
func (c *Codec) write(w io.Writer, table arrow.Table) error {
	schema := table.Schema()
	fields := slices.Clone(schema.Fields())
	columns := make([]arrow.Column, table.NumCols())
	for i, field := range fields {
		if err := checkDigits(field.Name, table.Column(i).Data()); err != nil {
			return err
		}
		chunks, err := disguise(table.Column(i).Data())
		if err != nil {
			return err
		}
		if !field.Nullable && (chunks.NullN() > 0 || field.Type.ID() == arrow.NULL) {
			field.Nullable = true
			schema = withField(schema, i, field)
		}
		field.Type = chunks.DataType()
		fields[i] = field
		columns[i] = *arrow.NewColumn(field, chunks)
	}
	serialized, err := c.serialized.of(schema)
	if err != nil {
		return err
	}
	metadata := stored(schema.Metadata(), serialized)
	disguised := array.NewTable(arrow.NewSchema(fields, &metadata), columns, table.NumRows())
	return pqarrow.WriteTable(disguised, w, rowGroup, c.properties, pqarrow.DefaultWriterProps())
}

func withField(schema *arrow.Schema, i int, field arrow.Field) *arrow.Schema {
	fields := slices.Clone(schema.Fields())
	fields[i] = field
	metadata := schema.Metadata()
	return arrow.NewSchema(fields, &metadata)
}

// checkDigits returns an error if a column holds a decimal of more digits than its type says.
func checkDigits(column string, data *arrow.Chunked) error {
	for _, chunk := range data.Chunks() {
		if !fits(chunk) {
			return fmt.Errorf("column %q holds a decimal of more digits than its type has", column)
		}
	}
	return nil
}

// fits reports whether the decimals of a column have no more digits than their type says: the library would cut them.
func fits(arr arrow.Array) bool {
	switch arr := arr.(type) {
	case *array.List:
		return fits(arr.ListValues())
	case *array.Decimal128:
		precision := arr.DataType().(*arrow.Decimal128Type).Precision
		for i := range arr.Len() {
			if arr.IsValid(i) && !arr.Value(i).FitsInPrecision(precision) {
				return false
			}
		}
	}
	return true
}

// serializedSchemas writes schemas as files keep them. The last one is remembered: slices of one type of structs share
// theirs, and programs their own, and for a small table it is a twentieth of the work.
type serializedSchemas struct {
	last atomic.Pointer[serializedSchema]
}

type serializedSchema struct {
	schema *arrow.Schema
	text   string
}

func (s *serializedSchemas) of(schema *arrow.Schema) (string, error) {
	if last := s.last.Load(); last != nil && last.schema == schema {
		return last.text, nil
	}
	var message bytes.Buffer
	writer := ipc.NewWriter(&message, ipc.WithSchema(schema))
	if err := writer.Close(); err != nil {
		return "", err
	}
	text := base64.StdEncoding.EncodeToString(message.Bytes())
	s.last.Store(&serializedSchema{schema, text})
	return text, nil
}

func disguise(column *arrow.Chunked) (*arrow.Chunked, error) {
	disguised := disguisedType(column.DataType())
	if disguised == column.DataType() && !slices.ContainsFunc(column.Chunks(), hidesValues) {
		return column, nil
	}
	chunks := make([]arrow.Array, len(column.Chunks()))
	for i, chunk := range column.Chunks() {
		var err error
		if encoded, ok := chunk.(*array.Dictionary); ok {
			chunk, err = compute.TakeArray(context.Background(), encoded.Dictionary(), encoded.Indices())
		} else if hidesValues(chunk) {
			chunk, err = compute.TakeArray(context.Background(), chunk, allOf(chunk))
		}
		if err != nil {
			return nil, err
		}
		chunks[i] = array.MakeFromData(retype(chunk.Data(), disguised))
	}
	return arrow.NewChunked(disguised, chunks), nil
}

// hidesValues reports whether a list that is null has elements.
func hidesValues(arr arrow.Array) bool {
	list, ok := arr.(*array.List)
	if !ok {
		return false
	}
	for i := range list.Len() {
		if start, end := list.ValueOffsets(i); start != end && list.IsNull(i) {
			return true
		}
	}
	return hidesValues(list.ListValues())
}

// allOf returns the indexes of all values of an array.
func allOf(arr arrow.Array) arrow.Array {
	indexes := array.NewInt64Builder(memory.DefaultAllocator)
	indexes.Reserve(arr.Len())
	for i := range arr.Len() {
		indexes.UnsafeAppend(int64(i))
	}
	return indexes.NewArray()
}

// disguisedType returns t itself where it needs no disguise.
func disguisedType(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.TimestampType:
		if t.TimeZone == "" {
			return &arrow.TimestampType{Unit: t.Unit, TimeZone: "none"}
		}
		return &arrow.TimestampType{Unit: t.Unit, TimeZone: "UTC"}
	case *arrow.DurationType:
		return arrow.PrimitiveTypes.Int64
	case *arrow.DictionaryType:
		return disguisedType(t.ValueType)
	case *arrow.ListType:
		if element := disguisedType(t.Elem()); element != t.Elem() {
			return listOf(t, element)
		}
	}
	return t
}

// listOf is a list type with another type of elements.
func listOf(t *arrow.ListType, element arrow.DataType) arrow.DataType {
	field := t.ElemField()
	field.Type = element
	return arrow.ListOfField(field)
}

// retype gives an array a type of the same layout.
func retype(data arrow.ArrayData, t arrow.DataType) arrow.ArrayData {
	children := slices.Clone(data.Children())
	if list, ok := t.(*arrow.ListType); ok {
		children[0] = retype(children[0], list.Elem())
	}
	typed := array.NewData(t, data.Len(), data.Buffers(), children, data.NullN(), data.Offset())
	if dictionary, ok := data.Dictionary().(*array.Data); ok && dictionary != nil {
		typed.SetDictionary(dictionary)
	}
	return typed
}
