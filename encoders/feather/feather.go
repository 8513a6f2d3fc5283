// Package feather is the codec that stores tables as Feather files, version 2: the Arrow IPC file format. It is what
// pandas' DataFrame.to_feather writes and read_feather reads, and the fastest of the codecs of tables.
//
// Encode takes an arrow.Record, an arrow.Table, a slice of structs or of pointers to structs, or a pointer to one; Decode gives each
// of them back. Records and tables may have columns of every Arrow type but unions, views, run-end-encoded ones, and dictionaries
// of dictionaries. Texts, and the names of columns, must be UTF-8: other readers refuse all of a table where one is not.
//
// # Structs
//
// Each exported field is a column, and each of a struct that is embedded, such as gorm.Model. Its name is that of the tag
// `arrow:"name"`, else of the tag `json:"name"`, else the field's own; "-" leaves it out. Of two fields of one name the less
// deep one counts. Columns are found by their names: one that no field names is left out, and one that is missing is an
// error, unless the field's tag says optional. These types are columns:
//
//	bool, string, all int and uint types, float32, float64
//	[]byte, [N]byte              binary, of a fixed size
//	time.Time                    timestamp[us, UTC], as pandas has it: what is below a microsecond is cut off, and what
//	                             comes back has the zone of its column, which is UTC where a struct wrote it; with the
//	                             option s, ms or ns in that unit, with date a date
//	time.Duration                duration[ns], or with s, ms or us in that unit; with the option time a time of day, since
//	                             midnight: time64[us], or in another unit, of which pandas reads no nanoseconds
//	decimal128.Num               decimal, with the option decimal(precision,scale)
//	with a MarshalText method    string: enumerations, uuid.UUID, decimal.Decimal, *big.Int, net.IP and the like. UnmarshalText
//	                             reads it, and decimals; numbers and bytes land in what such a type is made of
//	string, option dictionary    dictionary, which pandas calls a category; also of types with a MarshalText method
//	slices and arrays of these   list, of a fixed size
//	pointers to these            nil is null
//	sql.NullString, sql.Null[T]  T, or null; as well any struct of a value and Valid that is a driver.Valuer, such as
//	                             gorm.DeletedAt, uuid.NullUUID and those of pgtype
//
// A nil slice is null. Null that lands in a float is NaN, for pandas has one value for both; in another field that cannot
// be null it is an error that names the column and the row. Numbers may land in other number types if they fit exactly.
//
// # What pandas knows
//
// pandas keeps its index, its labels, its dtypes and its attributes in the schema's metadata, which a record and a table
// keep, so that they survive being stored again. Of slices of structs, columns whose fields are integers or bools that may
// be null have pandas' nullable dtypes, Int8 to UInt64 and boolean, whether there are nulls or not: without, pandas makes
// floats of integers beside null, and those beyond 2^53 change. Of an index pandas reads no such dtype.
//
// A table without an index has pandas' default, the row numbers. The column __index_level_0__, or columns whose fields
// have the option index, are the index for pandas.
//
// # Memory
//
// Records and tables that are decoded belong to the caller. Their memory is Go's own, so a Release that is forgotten is
// only garbage. [Codec.Take] copies nothing of data that is not compressed: the arrays lie in the data itself.
//
// What Decode allocates is bounded by Options.Limit. It does not use the Arrow library's reader of files, which believes
// each length and offset that it reads, but checks them all; only the schema is read by the library, after a check.
package feather

import (
	"bytes"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

const name = "feather"

func init() { encoders.Register(New(Options{})) }

// Compression is how buffers are compressed. Decode reads all of them, whatever is set.
type Compression int

// The compressions of the format.
const (
	LZ4  Compression = iota // what pandas writes
	ZSTD                    // smaller, and slower
	None                    // for [Codec.Take] to copy nothing
)

// Options are the options of the codec. Their zero value is what pandas does.
type Options struct {
	// Compression is what Encode uses.
	Compression Compression

	// Limit bounds the memory, in bytes, that one Decode may use beside its data. Zero means 256 MiB, and for large data
	// 64 times its length.
	Limit int64
}

// Codec is the feather codec.
type Codec struct{ options Options }

// New returns the feather codec. It panics if the options say a compression that there is not.
func New(options Options) *Codec {
	if options.Compression < LZ4 || options.Compression > None {
		panic(fmt.Sprintf("cachette: feather.New: there is no compression %d", options.Compression))
	}
	return &Codec{options}
}

// Name returns "feather".
func (*Codec) Name() string { return name }

// Encode returns a table as a Feather file.
func (c *Codec) Encode(value any) (data []byte, err error) {
	source, err := frame.From(name, value)
	if err != nil {
		return nil, err
	}
	schema := source.Schema()
	for _, field := range schema.Fields() {
		if bad := unsupported(field.Type); bad != nil {
			return nil, frame.Refuse(name, "encode", value, "", fmt.Sprintf("column %q has a type that is not stored: %s%s", field.Name, bad, remedy(bad)))
		}
	}
	defer func() {
		if err != nil {
			data = nil
		}
	}()
	defer frame.Guard(name, "encode", value, &err)

	settings := []ipc.Option{ipc.WithSchema(schema)}
	switch c.options.Compression {
	case LZ4:
		settings = append(settings, ipc.WithLZ4())
	case ZSTD:
		settings = append(settings, ipc.WithZstd())
	}
	file := output{make([]byte, 0, size(source, c.options.Compression != None))}
	writer, err := ipc.NewFileWriter(&file, settings...)
	if err != nil {
		return nil, frame.Failure(name, "encode", value, err)
	}
	if err = write(writer, source); err == nil {
		err = writer.Close()
	}
	if err != nil {
		return nil, frame.Failure(name, "encode", value, err)
	}
	return file.data, nil
}

// write writes a record, or a table as one record for each run of rows that no column's chunk ends in.
func write(writer *ipc.FileWriter, source frame.Source) error {
	if source.Record != nil {
		return writeRecord(writer, source.Record)
	}
	table, err := joinDictionaries(source.Table)
	if err != nil {
		return err
	}
	records := array.NewTableReader(table, 0)
	defer records.Release()
	for records.Next() {
		if err := writeRecord(writer, records.Record()); err != nil {
			return err
		}
	}
	return records.Err()
}

// joinDictionaries joins the chunks of columns with dictionaries: the format has one dictionary for each column.
func joinDictionaries(table arrow.Table) (arrow.Table, error) {
	columns := make([]arrow.Column, table.NumCols())
	joined := false
	for i := range columns {
		column := table.Column(i)
		columns[i] = *column
		if !hasDictionary(column.DataType()) || len(column.Data().Chunks()) < 2 {
			continue
		}
		whole, err := frame.Join(column.Data(), memory.DefaultAllocator)
		if err != nil {
			return nil, err
		}
		columns[i] = *arrow.NewColumn(column.Field(), arrow.NewChunked(column.DataType(), []arrow.Array{whole}))
		joined = true
	}
	if !joined {
		return table, nil
	}
	return array.NewTable(table.Schema(), columns, table.NumRows()), nil
}

// Decode stores the table that data holds.
func (c *Codec) Decode(data []byte, dst any) error { return c.decode(data, dst, true) }

// Take is Decode without a copy: the arrays of what is decoded may lie in data.
func (c *Codec) Take(data []byte, dst any) error { return c.decode(data, dst, false) }

func (c *Codec) decode(data []byte, dst any, keepOff bool) (err error) {
	dest, err := frame.To(name, dst)
	if err != nil {
		return err
	}
	defer frame.Guard(name, "decode", dst, &err)
	mem := frame.NewMemory(frame.Limit(c.options.Limit, len(data)))
	if bytes.HasPrefix(data, []byte("FEA1")) {
		return frame.Failure(name, "decode", dst, fmt.Errorf("it is a Feather file of version 1: write version 2"))
	}
	schema, records, err := (&reader{data: data, copies: keepOff && dest.KeepsBuffers(), mem: mem}).read()
	if err != nil {
		return frame.Failure(name, "decode", dst, err)
	}
	return dest.SetRecords(schema, records, mem)
}
