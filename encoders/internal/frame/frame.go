// Package frame is what the codecs of tables share: which Go values are a table, how a slice of structs becomes columns
// and comes back, where pandas keeps a table's index, and how memory is bounded while a table is decoded.
package frame

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders"
)

// Source is a value that is to be encoded: one of Record and Table is set.
type Source struct {
	Record arrow.Record
	Table  arrow.Table
}

// From takes a value as a table, with pandas' index marked in its schema.
func From(codec string, value any) (source Source, err error) {
	defer Guard(codec, "encode", value, &err) // a record may be the program's own type, and broken
	if source, err = from(value); err == nil {
		err = source.checkText()
	}
	if err != nil {
		return Source{}, Refuse(codec, "encode", value, "", err.Error())
	}
	return source, nil
}

func from(value any) (Source, error) {
	switch v := value.(type) {
	case arrow.Record:
		if isNil(v) {
			break
		}
		return Source{Record: markRecord(cutToRows(v))}, nil
	case arrow.Table:
		if isNil(v) {
			break
		}
		return Source{Table: markTable(v)}, nil
	}
	record, err := fromRows(value)
	return Source{Record: record}, err
}

// cutToRows leaves out what columns hold beyond the rows of a record. Arrow allows it to be there, and its writer writes
// it, so that no reader takes the record again.
func cutToRows(record arrow.Record) arrow.Record {
	longer := func(column arrow.Array) bool { return int64(column.Len()) > record.NumRows() }
	if !slices.ContainsFunc(record.Columns(), longer) {
		return record
	}
	columns := make([]arrow.Array, record.NumCols())
	for i, column := range record.Columns() {
		columns[i] = array.NewSlice(column, 0, record.NumRows())
	}
	return array.NewRecord(record.Schema(), columns, record.NumRows())
}

const wantTable = "give an arrow.Record, an arrow.Table or a slice of structs"

// fromRows makes a record of a slice of structs, or of a pointer to one.
func fromRows(value any) (arrow.Record, error) {
	rows := reflect.ValueOf(value)
	if rows.Kind() == reflect.Pointer && rows.Type().Elem().Kind() == reflect.Slice {
		if rows.IsNil() {
			return nil, errors.New("it is a nil pointer: " + wantTable)
		}
		rows = rows.Elem()
	}
	if !rows.IsValid() {
		return nil, errors.New(wantTable)
	}
	row, pointers, ok := rowType(rows.Type())
	switch {
	case !ok && otherArrow(rows.Type()):
		return nil, errors.New(otherArrowReason)
	case !ok:
		return nil, errors.New(wantTable)
	}
	p, err := planOf(row)
	if err != nil {
		return nil, err
	}
	return p.build(rows, pointers)
}

// AsTable gives the source as a table.
func (s Source) AsTable() arrow.Table {
	if s.Table != nil {
		return s.Table
	}
	return TableOf(s.Record.Schema(), []arrow.Record{s.Record})
}

// TableOf makes a table of records. Unlike the library's function it keeps the rows of a table without columns.
func TableOf(schema *arrow.Schema, records []arrow.Record) arrow.Table {
	columns := make([]arrow.Column, schema.NumFields())
	for i := range columns {
		chunks := make([]arrow.Array, len(records))
		for k, record := range records {
			chunks[k] = record.Column(i)
		}
		columns[i] = *arrow.NewColumn(schema.Field(i), arrow.NewChunked(schema.Field(i).Type, chunks))
	}
	rows := int64(0)
	for _, record := range records {
		rows += record.NumRows()
	}
	return array.NewTable(schema, columns, rows)
}

// Schema is the schema of what is to be encoded.
func (s Source) Schema() *arrow.Schema {
	if s.Table != nil {
		return s.Table.Schema()
	}
	return s.Record.Schema()
}

func isNil(v any) bool {
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// rowType takes []struct and []*struct apart.
func rowType(t reflect.Type) (row reflect.Type, pointers, ok bool) {
	if t.Kind() != reflect.Slice {
		return nil, false, false
	}
	row = t.Elem()
	if row.Kind() == reflect.Pointer {
		row, pointers = row.Elem(), true
	}
	return row, pointers, row.Kind() == reflect.Struct && row != timeType && row != decimalType
}

// Dest is where a table is to be decoded into.
type Dest struct {
	codec    string
	dst      any
	plan     *plan         // for a slice of structs
	slice    reflect.Value // the slice itself
	pointers bool
}

// To checks dst. What it refuses needs no decoding.
func To(codec string, dst any) (*Dest, error) {
	d := &Dest{codec: codec, dst: dst}
	pointer := reflect.ValueOf(dst)
	if pointer.Kind() != reflect.Pointer || pointer.IsNil() {
		return nil, Refuse(codec, "decode", dst, "", "give a pointer that is not nil")
	}
	switch dst.(type) {
	case *arrow.Record, *arrow.Table:
		return d, nil
	}
	row, pointers, ok := rowType(pointer.Type().Elem())
	switch {
	case !ok && otherArrow(pointer.Type().Elem()):
		return nil, Refuse(codec, "decode", dst, "a table", otherArrowReason)
	case !ok:
		return nil, Refuse(codec, "decode", dst, "a table", "give a pointer to an arrow.Record, an arrow.Table or a slice of structs")
	}
	p, err := planOf(row)
	if err != nil {
		return nil, Refuse(codec, "decode", dst, "a table", err.Error())
	}
	d.plan, d.slice, d.pointers = p, pointer.Elem(), pointers
	return d, nil
}

// Columns are the columns that the destination asks for, or nil where it takes what there is.
func (d *Dest) Columns() *arrow.Schema {
	if d.plan == nil {
		return nil
	}
	return d.plan.schema
}

// IsText reports whether the field of the i-th of these columns is a string, which has no value for null.
func (d *Dest) IsText(i int) bool { return d.plan.columns[i].goType.Kind() == reflect.String }

// KeepsBuffers reports whether the destination keeps the table's own memory.
func (d *Dest) KeepsBuffers() bool { return d.plan == nil }

// SetRecords stores a table that consists of records.
func (d *Dest) SetRecords(schema *arrow.Schema, records []arrow.Record, mem memory.Allocator) error {
	if dst, ok := d.dst.(*arrow.Record); ok && len(records) == 1 {
		*dst = records[0]
		return nil
	}
	return d.Set(TableOf(schema, records), mem)
}

// Set stores a table. An error leaves the destination as it was.
func (d *Dest) Set(table arrow.Table, mem memory.Allocator) error {
	switch dst := d.dst.(type) {
	case *arrow.Table:
		*dst = table
		return nil
	case *arrow.Record:
		record, err := one(table, mem)
		if err != nil {
			return fmt.Errorf("cachette: codec %s cannot decode into %T: %w", d.codec, d.dst, err)
		}
		*dst = record
		return nil
	}
	rows, err := d.plan.fill(table, d.slice.Type(), d.pointers, mem)
	if err != nil {
		unsupported := encoders.Unsupported(d.codec, "decode", d.dst, "a table", err.Error())
		if own := new(refusal); errors.As(err, &own) {
			unsupported.Err = own.err
		}
		return unsupported
	}
	d.slice.Set(rows)
	return nil
}

// one joins the chunks of each column.
func one(table arrow.Table, mem memory.Allocator) (arrow.Record, error) {
	columns := make([]arrow.Array, table.NumCols())
	for i := range columns {
		column, err := Join(table.Column(i).Data(), mem)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", table.Schema().Field(i).Name, err)
		}
		columns[i] = column
	}
	return array.NewRecord(table.Schema(), columns, table.NumRows()), nil
}

// Refuse is the error for a type that does not fit.
func Refuse(codec, op string, value any, holds, reason string) error {
	return encoders.Unsupported(codec, op, value, holds, reason)
}
