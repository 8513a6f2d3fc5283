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

// read reads a file that has been checked. It reads column by column on this goroutine: the library's ways to read a
// whole table start others, whatever they are told, and a panic there ends the program.
func read(data []byte, mem *frame.Memory, wanted func(name string) bool) (arrow.Table, error) {
	checked, err := check(data, mem, wanted)
	if err != nil {
		return nil, err
	}
	if checked.hasRoot && len(checked.leaves) == 0 { // the library fails at some of these
		schema := arrow.NewSchema(nil, schemaMetadata(checked, nil))
		return array.NewTable(schema, nil, checked.rows), nil
	}
	raw, err := parquetfile.NewParquetReader(bytes.NewReader(data), parquetfile.WithReadProps(parquet.NewReaderProperties(mem)))
	if err != nil {
		return nil, errDamaged
	}
	reader, err := pqarrow.NewFileReader(raw, pqarrow.ArrowReadProperties{}, mem)
	if err != nil {
		return nil, errors.New("its schema is damaged, or has a type that the Arrow library does not know")
	}

	groups := make([]int, raw.NumRowGroups())
	for i := range groups {
		groups[i] = i
	}
	leaves := make(map[int]bool, len(checked.leaves))
	for i := range len(checked.leaves) {
		leaves[i] = true
	}
	var fields []arrow.Field
	var columns []arrow.Column
	for i := range reader.Manifest.Fields {
		field := *reader.Manifest.Fields[i].Field
		if !wanted(field.Name) {
			continue
		}
		if bad := unsupported(field.Type); bad != nil {
			return nil, fmt.Errorf("column %.100q has a type that the codec does not read: %.500s", field.Name, bad)
		}
		column, err := reader.GetFieldReader(context.Background(), i, leaves, groups)
		if err != nil {
			return nil, errDamaged
		}
		chunks, err := column.NextBatch(checked.rows)
		if err != nil || int64(chunks.Len()) != checked.rows || !sound(chunks.Chunks()) {
			return nil, errDamaged
		}
		if err := checkDigits(field.Name, chunks); err != nil {
			return nil, err
		}
		chunks = retyped(chunks, trueType(raw.MetaData().Schema, reader.Manifest, i))
		nullable := field.Nullable || field.Type.ID() == arrow.NULL
		field = arrow.Field{Name: field.Name, Type: chunks.DataType(), Nullable: nullable, Metadata: fieldMetadata(reader.Manifest, i)}
		fields = append(fields, field)
		columns = append(columns, *arrow.NewColumn(field, chunks))
	}
	metadata := schemaMetadata(checked, reader.Manifest.OriginSchema)
	return array.NewTable(arrow.NewSchema(fields, metadata), columns, checked.rows), nil
}

// sound reports whether the lists in arrays end where their elements do, and dictionaries have what indexes name. The library
// makes them of levels, indexes and values in pages that need not agree with one another.
func sound(arrays []arrow.Array) bool {
	for _, data := range arrays {
		switch data := data.(type) { // structs and maps are not read
		case *array.List:
			if !endsWithin(data) || !sound([]arrow.Array{data.ListValues()}) {
				return false
			}
		case *array.Dictionary:
			if !namesValues(data) {
				return false
			}
		}
	}
	return true
}

func endsWithin(list *array.List) bool {
	if list.Len() == 0 {
		return true
	}
	last := int32(0)
	for _, offset := range list.Offsets()[:list.Len()+1] {
		if offset < last {
			return false
		}
		last = offset
	}
	return int(last) <= list.ListValues().Len()
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

// trueType is the type of a column with the zones that its timestamps have, and with its durations. The library takes
// each timestamp for one in UTC, and a duration for its number.
func trueType(file *schema.Schema, manifest *pqarrow.SchemaManifest, i int) arrow.DataType {
	field := manifest.Fields[i]
	var origin arrow.DataType
	if manifest.OriginSchema != nil {
		origin = manifest.OriginSchema.Field(i).Type
	}
	return trueTypeOf(file, field, field.Field.Type, origin)
}

func trueTypeOf(file *schema.Schema, field pqarrow.SchemaField, t, origin arrow.DataType) arrow.DataType {
	if dictionary, ok := origin.(*arrow.DictionaryType); ok {
		origin = dictionary.ValueType
	}
	switch typ := t.(type) {
	case *arrow.ListType:
		if len(field.Children) != 1 {
			return t
		}
		var element arrow.DataType
		if list, ok := origin.(arrow.ListLikeType); ok {
			element = list.Elem()
		}
		if known := trueTypeOf(file, field.Children[0], typ.Elem(), element); known != typ.Elem() {
			return listOf(typ, known)
		}
	case *arrow.Int64Type:
		if origin, ok := origin.(*arrow.DurationType); ok {
			return origin
		}
	case *arrow.TimestampType:
		logical, ok := file.Column(field.ColIndex).LogicalType().(*schema.TimestampLogicalType)
		if !ok {
			return t
		}
		zone := ""
		if original, ok := origin.(*arrow.TimestampType); ok {
			zone = original.TimeZone
		} else if logical.IsAdjustedToUTC() && !logical.IsFromConvertedType() {
			zone = "UTC"
		}
		if zone != typ.TimeZone {
			return &arrow.TimestampType{Unit: typ.Unit, TimeZone: zone}
		}
	}
	return t
}

func retyped(column *arrow.Chunked, t arrow.DataType) *arrow.Chunked {
	if arrow.TypeEqual(t, column.DataType()) {
		return column
	}
	chunks := make([]arrow.Array, len(column.Chunks()))
	for i, chunk := range column.Chunks() {
		chunks[i] = array.MakeFromData(retype(chunk.Data(), t))
	}
	return arrow.NewChunked(t, chunks)
}

// unwritable returns what in a type Encode does not take, or nil.
func unwritable(t arrow.DataType) arrow.DataType {
	switch typ := t.(type) {
	case *arrow.ListType:
		if typ.Elem().ID() == arrow.DICTIONARY {
			return t
		}
		return unwritable(typ.Elem())
	case *arrow.DictionaryType:
		switch typ.ValueType.(type) {
		case *arrow.DurationType, *arrow.DictionaryType, arrow.NestedType:
			return t
		}
	case *arrow.Date64Type:
		return t
	}
	return unsupported(t)
}

// unsupported returns what in a type is not stored, or nil.
func unsupported(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.ListType:
		return unsupported(t.Elem())
	case *arrow.DictionaryType:
		return unsupported(t.ValueType)
	case *arrow.Decimal128Type:
		if t.Precision < 1 || t.Precision > 38 || t.Scale < 0 || t.Scale > t.Precision {
			return t // Arrow has such decimals, Parquet has not
		}
	case *arrow.Float16Type, *arrow.Decimal256Type, arrow.ExtensionType, arrow.NestedType,
		*arrow.MonthIntervalType, *arrow.DayTimeIntervalType, *arrow.MonthDayNanoIntervalType,
		arrow.BinaryViewDataType, *arrow.RunEndEncodedType:
		return t
	}
	return nil
}
