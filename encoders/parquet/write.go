package parquet

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	parquetfile "github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

// rowGroup is how many rows a row group has, as pandas has it.
const rowGroup = 1 << 20

// write writes a table. The library writes the leaves of its columns, and gets them in a disguise, for it has mistakes that
// the disguise avoids:
//
//   - A timestamp without a zone it writes as one in UTC, and one in a zone that is not UTC as one without: it gets UTC
//     for any zone, and a zone that there is not for none.
//   - Durations it does not know: it gets their numbers, as pyarrow writes them.
//   - At dictionaries without nulls, or with nulls among their values, it fails: it gets others; see [encoded].
//   - Nulls in a column that says it has none it writes as zeros: such a column, and all within others, may have nulls.
//
// The schema without the disguise goes into the file's metadata.
func (c *Codec) write(w io.Writer, table arrow.Table) error {
	schema := table.Schema()
	fields := slices.Clone(schema.Fields())
	columns := make([]*arrow.Chunked, len(fields))
	for i, field := range fields {
		columns[i] = table.Column(i).Data()
		if !field.Nullable && (columns[i].NullN() > 0 || field.Type.ID() == arrow.NULL || field.Type.ID() == arrow.DICTIONARY) {
			field.Nullable = true
			schema = withField(schema, i, field)
		}
		if hasTexts(field.Type) {
			columns[i] = encoded(columns[i])
		}
		field.Type = disguisedType(columns[i].DataType())
		fields[i] = field
	}
	serialized, err := c.serialized.of(schema)
	if err != nil {
		return err
	}
	root, err := pqarrow.ToParquet(arrow.NewSchema(fields, nil), c.properties, pqarrow.DefaultWriterProps())
	if err != nil {
		return err
	}
	writer := parquetfile.NewParquetWriter(w, root.Root(), parquetfile.WithWriterProps(c.properties), parquetfile.WithWriteMetadata(stored(schema.Metadata(), serialized)))
	ctx := pqarrow.NewArrowWriteContext(context.Background(), nil)
	for first := int64(0); first == 0 || first < table.NumRows(); first += rowGroup {
		group := writer.AppendRowGroup()
		for i, field := range fields {
			slice := array.NewChunkedSlice(columns[i], first, min(first+rowGroup, table.NumRows()))
			if err := writeColumn(ctx, group, slice, field.Nullable); err != nil {
				return fmt.Errorf("column %q: %w", field.Name, err)
			}
		}
		if err := group.Close(); err != nil {
			return err
		}
	}
	return writer.Close()
}

// writeColumn writes a column into a row group, which may be several columns there.
func writeColumn(ctx context.Context, group parquetfile.SerialRowGroupWriter, column *arrow.Chunked, nullable bool) error {
	chunks := make([][]values, len(column.Chunks()))
	for i, chunk := range column.Chunks() {
		var err error
		if chunks[i], err = shred(chunk, nullable); err != nil {
			return err
		}
	}
	for leaf := range leavesOf(column.DataType()) {
		writer, err := group.NextColumn()
		if err != nil {
			return err
		}
		for _, chunk := range chunks {
			v := chunk[leaf]
			if len(v.definition) == 0 {
				continue
			}
			if encoded, ok := v.array.(*array.Dictionary); ok {
				err = writeEncoded(writer, encoded, v.definition)
			} else {
				err = pqarrow.WriteArrowToColumn(ctx, writer, v.array, v.definition, v.repetition, v.nullable)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// writeEncoded writes indexes, before the first ones their dictionary. The library's function for dictionaries works on
// goroutines of its own, where it panics at an empty one. What it would have found out, the least and the largest value, is
// left out.
func writeEncoded(writer parquetfile.ColumnChunkWriter, column *array.Dictionary, definition []int16) error {
	encoder, ok := writer.CurrentEncoder().(interface {
		NumEntries() int
		PutDictionary(values arrow.Array) error
	})
	if !ok {
		return errors.New("it has no dictionary") // the codec's properties say that it has
	}
	if encoder.NumEntries() == 0 {
		if err := encoder.PutDictionary(column.Dictionary()); err != nil {
			return err
		}
	}
	nulls := int64(column.NullN())
	writer.PageStatistics().IncNulls(nulls)
	writer.PageStatistics().IncNumValues(int64(column.Len()) - nulls)
	return writer.WriteDictIndices(column.Indices(), definition, nil)
}

// leavesOf counts the columns in the file that a column is.
func leavesOf(t arrow.DataType) (n int) {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return leavesOf(t.ValueType)
	case *arrow.MapType:
		return leavesOf(t.KeyType()) + leavesOf(t.ItemType())
	case arrow.ListLikeType:
		return leavesOf(t.Elem())
	case *arrow.StructType:
		for _, field := range t.Fields() {
			n += leavesOf(field.Type)
		}
		return n
	}
	return 1
}

func withField(schema *arrow.Schema, i int, field arrow.Field) *arrow.Schema {
	fields := slices.Clone(schema.Fields())
	fields[i] = field
	metadata := schema.Metadata()
	return arrow.NewSchema(fields, &metadata)
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
	case *arrow.MapType:
		return arrow.MapOf(disguisedType(t.KeyType()), disguisedType(t.ItemType()))
	case arrow.ListLikeType:
		return arrow.ListOf(disguisedType(t.Elem()))
	case *arrow.StructType:
		fields := slices.Clone(t.Fields())
		for i, field := range fields {
			fields[i] = arrow.Field{Name: field.Name, Type: disguisedType(field.Type), Nullable: true}
		}
		return arrow.StructOf(fields...)
	}
	return t
}

// hasTexts reports whether a type is that of a dictionary of texts or bytes.
func hasTexts(t arrow.DataType) bool {
	dictionary, ok := t.(*arrow.DictionaryType)
	return ok && arrow.IsBaseBinary(dictionary.ValueType.ID())
}

// retype gives an array a type of the same layout.
func retype(data arrow.ArrayData, t arrow.DataType) arrow.ArrayData {
	typed := array.NewData(t, data.Len(), data.Buffers(), data.Children(), data.NullN(), data.Offset())
	if dictionary, ok := data.Dictionary().(*array.Data); ok && dictionary != nil {
		typed.SetDictionary(dictionary)
	}
	return typed
}
