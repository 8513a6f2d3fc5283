package parquet

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/parquet"
	parquetfile "github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

// reader reads a file that has been checked. It reads leaf by leaf on this goroutine: the library's ways to read a whole
// table, and a column of structs, start others, whatever they are told, and a panic there ends the program.
type reader struct {
	*file
	library *pqarrow.FileReader
	schema  *schema.Schema
}

// read reads the columns that are wanted.
func read(data []byte, mem *frame.Memory, wanted func(name string) bool) (arrow.Table, error) {
	checked, err := check(data, mem, wanted)
	if err != nil {
		return nil, err
	}
	origin := checked.originSchema()
	if checked.hasRoot && len(checked.leaves) == 0 { // the library fails at some of these
		return array.NewTable(arrow.NewSchema(nil, schemaMetadata(checked, origin)), nil, checked.rows), nil
	}
	raw, err := parquetfile.NewParquetReader(bytes.NewReader(data), parquetfile.WithReadProps(parquet.NewReaderProperties(mem)))
	if err != nil {
		return nil, errDamaged
	}
	for _, pair := range raw.MetaData().KeyValueMetadata() {
		if pair.Key == schemaKey {
			pair.Key = "" // the library would believe all that it says
		}
	}
	library, err := pqarrow.NewFileReader(raw, pqarrow.ArrowReadProperties{}, mem)
	if err != nil {
		return nil, errors.New("its schema is damaged, or has a type that the Arrow library does not know")
	}
	columns := library.Manifest.Fields
	library.Manifest = &pqarrow.SchemaManifest{Fields: leavesIn(columns, make([]pqarrow.SchemaField, len(checked.leaves)))}
	if origin != nil && origin.NumFields() != len(columns) {
		origin = nil // it is that of another file
	}
	r := reader{checked, library, raw.MetaData().Schema}
	var fields []arrow.Field
	var chunks []arrow.Column
	for i, column := range columns {
		field := *column.Field
		if !wanted(field.Name) {
			continue
		}
		if bad := unsupported(field.Type); bad != nil {
			return nil, fmt.Errorf("column %.100q has a type that the codec does not read: %.500s", field.Name, bad)
		}
		original := arrow.Field{Metadata: fileMetadata(field.Metadata)}
		if origin != nil {
			original = origin.Field(i)
		}
		data, err := r.column(column, original.Type)
		if err != nil {
			return nil, fmt.Errorf("column %.100q: %w", field.Name, err)
		}
		field = arrow.Field{Name: field.Name, Type: data.DataType(), Nullable: field.Nullable || field.Type.ID() == arrow.NULL, Metadata: original.Metadata}
		fields = append(fields, field)
		chunks = append(chunks, *arrow.NewColumn(field, data))
	}
	return array.NewTable(arrow.NewSchema(fields, schemaMetadata(checked, origin)), chunks, checked.rows), nil
}

// leavesIn puts the leaves within fields in their places.
func leavesIn(fields, leaves []pqarrow.SchemaField) []pqarrow.SchemaField {
	for _, field := range fields {
		if _, nested := field.Field.Type.(arrow.NestedType); !nested {
			leaves[field.ColIndex] = field
		}
		leavesIn(field.Children, leaves)
	}
	return leaves
}

// column reads a column. origin is the type that it had before it was written, or nil.
func (r *reader) column(field pqarrow.SchemaField, origin arrow.DataType) (*arrow.Chunked, error) {
	if len(field.Children) == 0 {
		column, _, err := r.leaf(field, origin)
		if err == nil && int64(column.Len()) != r.rows {
			err = errDamaged
		}
		return column, err
	}
	p, err := r.part(field, origin)
	if err != nil {
		return nil, err
	}
	if int64(p.data.Len()) != r.rows {
		return nil, errDamaged
	}
	return arrow.NewChunked(p.data.DataType(), []arrow.Array{array.MakeFromData(p.data)}), nil
}

// entries are the levels of what is in a leaf, and of what is missing there.
type entries struct{ definition, repetition []int16 }

// leaf reads a leaf.
func (r *reader) leaf(field pqarrow.SchemaField, origin arrow.DataType) (*arrow.Chunked, entries, error) {
	var e entries
	field.Field.Type = r.asked(field, origin)
	if dictionary, ok := origin.(*arrow.DictionaryType); ok {
		origin = dictionary.ValueType
	}
	column, err := r.library.GetColumn(context.Background(), field.ColIndex)
	if err == nil {
		err = column.LoadBatch(r.entriesOf(field.ColIndex))
	}
	if err == nil && r.leaves[field.ColIndex].definition > 0 {
		e.definition, err = column.GetDefLevels()
	}
	if err == nil && r.leaves[field.ColIndex].repetition > 0 {
		e.repetition, err = column.GetRepLevels()
	}
	if err != nil {
		return nil, e, errDamaged
	}
	data, err := column.BuildArray(r.rows)
	if err != nil {
		return nil, e, errDamaged
	}
	t := r.meant(field, origin)
	chunks := make([]arrow.Array, len(data.Chunks()))
	for i, chunk := range data.Chunks() {
		chunks[i] = array.MakeFromData(retype(chunk.Data(), t))
		if encoded, ok := chunks[i].(*array.Dictionary); ok && !namesValues(encoded) {
			return nil, e, errDamaged
		}
		if !fits(chunks[i]) {
			return nil, e, errDigits
		}
	}
	return arrow.NewChunked(t, chunks), e, nil
}

// entriesOf is how many values of a leaf are read at once, which is all of them: the library loses its place in differences
// of 64 bits if it is asked for some, and reads no more rows than there are.
func (r *reader) entriesOf(leaf int) (n int64) {
	for i := leaf; i < len(r.chunks); i += len(r.leaves) {
		n += r.chunks[i].values
	}
	return max(n, r.rows)
}

// asked is the type that the library is to read a leaf as. It reads dictionaries of texts and of bytes.
func (r *reader) asked(field pqarrow.SchemaField, origin arrow.DataType) arrow.DataType {
	t := field.Field.Type
	switch r.schema.Column(field.ColIndex).LogicalType().(type) {
	case schema.JSONLogicalType, schema.EnumLogicalType:
		t = arrow.BinaryTypes.String
	}
	if origin == nil || !arrow.IsBaseBinary(t.ID()) {
		return t
	}
	switch typ := origin.(type) {
	case *arrow.DictionaryType:
		return &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: t, Ordered: typ.Ordered}
	case *arrow.LargeStringType:
		if t.ID() == arrow.STRING {
			return typ
		}
	case *arrow.LargeBinaryType:
		if t.ID() == arrow.BINARY {
			return typ
		}
	}
	return t
}

// meant is the type of a leaf with the zones that its timestamps have, and with its durations. The library takes each timestamp
// for one in UTC, and a duration for its number.
func (r *reader) meant(field pqarrow.SchemaField, origin arrow.DataType) arrow.DataType {
	switch t := field.Field.Type.(type) {
	case *arrow.Int64Type:
		if origin, ok := origin.(*arrow.DurationType); ok {
			return origin
		}
	case *arrow.TimestampType:
		logical, ok := r.schema.Column(field.ColIndex).LogicalType().(*schema.TimestampLogicalType)
		if !ok {
			return t
		}
		zone := ""
		if original, ok := origin.(*arrow.TimestampType); ok {
			zone = original.TimeZone
		} else if logical.IsAdjustedToUTC() && !logical.IsFromConvertedType() {
			zone = "UTC"
		}
		return &arrow.TimestampType{Unit: t.Unit, TimeZone: zone}
	}
	return field.Field.Type
}

func namesValues(encoded *array.Dictionary) bool {
	n := encoded.Dictionary().Len()
	for i := range encoded.Len() {
		if encoded.IsValid(i) && (encoded.GetValueIndex(i) < 0 || encoded.GetValueIndex(i) >= n) {
			return false
		}
	}
	return true
}

// unsupported returns what in a type is not stored, or nil.
func unsupported(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.ListType, *arrow.LargeListType, *arrow.FixedSizeListType:
		return unsupported(t.(arrow.ListLikeType).Elem())
	case *arrow.MapType:
		if bad := unsupported(t.KeyType()); bad != nil {
			return bad
		}
		return unsupported(t.ItemType())
	case *arrow.StructType:
		for _, field := range t.Fields() {
			if bad := unsupported(field.Type); bad != nil {
				return bad
			}
		}
		if t.NumFields() == 0 {
			return t
		}
	case *arrow.DictionaryType:
		if t.ValueType.ID() == arrow.DICTIONARY {
			return t
		}
		return unsupported(t.ValueType)
	case *arrow.Decimal128Type:
		if t.Precision < 1 || t.Precision > 38 || t.Scale < 0 || t.Scale > t.Precision {
			return t // Arrow has such decimals, Parquet has not
		}
	case *arrow.Decimal256Type, *arrow.Date64Type, arrow.ExtensionType, arrow.NestedType,
		*arrow.MonthIntervalType, *arrow.DayTimeIntervalType, *arrow.MonthDayNanoIntervalType,
		arrow.BinaryViewDataType, *arrow.RunEndEncodedType:
		return t
	}
	return nil
}
