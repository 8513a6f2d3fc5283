package frame

import (
	"encoding/json"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// IndexName is the column in which pandas keeps an index that has no name.
const IndexName = "__index_level_0__"

// pandasKey is where a schema keeps what pandas knows about a table.
const pandasKey = "pandas"

// Index returns the names of the columns that are pandas' index. There are none for pandas' default, the row numbers.
func Index(schema *arrow.Schema) []string {
	i := schema.Metadata().FindKey(pandasKey)
	if i < 0 {
		if schema.HasField(IndexName) {
			return []string{IndexName}
		}
		return nil
	}
	var known struct {
		Columns []json.RawMessage `json:"index_columns"`
	}
	if json.Unmarshal([]byte(schema.Metadata().Values()[i]), &known) != nil {
		return nil
	}
	var index []string
	for _, raw := range known.Columns {
		var name string
		if json.Unmarshal(raw, &name) == nil && schema.HasField(name) && !slices.Contains(index, name) {
			index = append(index, name)
		}
	}
	return index
}

type pandasColumn struct {
	Name       *string `json:"name"`
	FieldName  string  `json:"field_name"`
	PandasType string  `json:"pandas_type"`
	NumpyType  string  `json:"numpy_type"`
	Metadata   any     `json:"metadata"`
}

// WithIndex marks columns as pandas' index. What else the schema's metadata holds is kept.
func WithIndex(schema *arrow.Schema, index []string) *arrow.Schema {
	return withPandas(schema, index, nil)
}

// withPandas tells pandas which columns are the index, and which are to have one of its nullable dtypes. It takes the
// others as it likes. Of an index pandas reads no nullable dtype, not even its own.
func withPandas(schema *arrow.Schema, index []string, nullable map[string]dtype) *arrow.Schema {
	known := struct {
		IndexColumns  []string       `json:"index_columns"`
		ColumnIndexes []string       `json:"column_indexes"`
		Columns       []pandasColumn `json:"columns"`
		PandasVersion string         `json:"pandas_version"`
	}{IndexColumns: append([]string{}, index...), ColumnIndexes: []string{}, PandasVersion: "3.0.0"}
	for _, field := range schema.Fields() {
		column := pandasColumn{Name: &field.Name, FieldName: field.Name, PandasType: "object", NumpyType: "object"}
		own, isNullable := nullable[field.Name]
		switch {
		case slices.Contains(index, field.Name):
		case isNullable:
			column.PandasType, column.NumpyType = own.pandas, own.numpy
		default:
			continue
		}
		if field.Name == IndexName {
			column.Name = nil
		}
		known.Columns = append(known.Columns, column)
	}
	text, err := json.Marshal(known)
	if err != nil {
		return schema // strings marshal
	}
	old := schema.Metadata()
	keys, values := slices.Clone(old.Keys()), slices.Clone(old.Values())
	metadata := arrow.NewMetadata(append(keys, pandasKey), append(values, string(text)))
	return arrow.NewSchemaWithEndian(schema.Fields(), &metadata, schema.Endianness())
}

// dtype is how pandas' metadata names a column's dtype: numpy is the one that pandas takes.
type dtype struct{ pandas, numpy string }

// nullableDtypes hold null beside integers and booleans. Without them pandas makes those floats and objects, and not
// every integer is a float.
var nullableDtypes = map[arrow.Type]dtype{
	arrow.INT8: {"int8", "Int8"}, arrow.INT16: {"int16", "Int16"}, arrow.INT32: {"int32", "Int32"}, arrow.INT64: {"int64", "Int64"},
	arrow.UINT8: {"uint8", "UInt8"}, arrow.UINT16: {"uint16", "UInt16"}, arrow.UINT32: {"uint32", "UInt32"},
	arrow.UINT64: {"uint64", "UInt64"}, arrow.BOOL: {"bool", "boolean"},
}

// mark adds pandas' metadata where a column's name says that it is the index.
func mark(schema *arrow.Schema) (*arrow.Schema, bool) {
	if !schema.HasField(IndexName) || schema.Metadata().FindKey(pandasKey) >= 0 {
		return schema, false
	}
	return WithIndex(schema, []string{IndexName}), true
}

func markRecord(record arrow.Record) arrow.Record {
	if schema, changed := mark(record.Schema()); changed {
		return array.NewRecord(schema, record.Columns(), record.NumRows())
	}
	return record
}

func markTable(table arrow.Table) arrow.Table {
	schema, changed := mark(table.Schema())
	if !changed {
		return table
	}
	columns := make([]arrow.Column, table.NumCols())
	for i := range columns {
		columns[i] = *table.Column(i)
	}
	return array.NewTable(schema, columns, table.NumRows())
}
