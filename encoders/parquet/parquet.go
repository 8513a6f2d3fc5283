// Package parquet is the codec that stores tables as Parquet files: what pandas' DataFrame.to_parquet writes and
// read_parquet reads, and most tools for data with them. Its files are the smallest of the codecs of tables.
//
// It takes and gives what the codec feather does, by the same rules: an arrow.Record, an arrow.Table, and slices of
// structs whose fields are columns; see there for the fields' types and tags, and for what pandas knows. It does not
// take intervals, dates of 64 bits, decimals of more than 38 digits, of a negative scale or of a scale above their
// precision, structs without fields, maps with null as a key, and extension types. What a struct has no field for may be
// of any type.
//
// These come back as another type: seconds as milliseconds, a dictionary of strings or bytes with indexes of int32, a
// dictionary of other values, and any within lists, structs and maps, as those values, a column that says it has no nulls
// and has some, and all that is within others, as one that may have them. Rows without columns are not counted. The Arrow
// schema is stored in the file, so that other types, the zones of times and the metadata come back as they were. A duration
// is an integer for readers that do not know that schema, as pandas writes it. A dictionary of strings keeps its values, and
// their order, which are the categories of pandas.
//
// This codec links much more than feather does, Arrow's compute kernels and gRPC among it.
//
// Decode reads pages that are plain, encoded with a dictionary, as DELTA_BINARY_PACKED or as DELTA_LENGTH_BYTE_ARRAY, of
// versions 1 and 2, and not compressed or by Snappy, Gzip, Brotli or ZSTD; the Arrow library has no others, or they cannot
// be checked. It reads on the caller's goroutine alone. Before it lets the library read a file it walks over all of
// its metadata; pages of Gzip, Brotli and ZSTD it decompresses once to see how large they become, and pages of indexes to
// see that the dictionary has what they name. JSON and enumerations are strings, UUIDs binaries of 16 bytes.
package parquet

import (
	"bytes"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

const name = "parquet"

func init() { encoders.Register(New(Options{})) }

// Compression is how pages are compressed. Decode reads all of them, whatever is set.
type Compression int

// The compressions that Encode has.
const (
	Snappy Compression = iota // what pandas writes
	ZSTD
	Gzip
	None
)

var compressions = map[Compression]compress.Compression{
	Snappy: compress.Codecs.Snappy, ZSTD: compress.Codecs.Zstd, Gzip: compress.Codecs.Gzip, None: compress.Codecs.Uncompressed,
}

// Options are the options of the codec. Their zero value is what pandas does.
type Options struct {
	// Compression is what Encode uses.
	Compression Compression

	// Limit bounds the memory, in bytes, that one Decode may use beside its data. Zero means 256 MiB, and for large data
	// 64 times its length.
	Limit int64
}

// Codec is the parquet codec.
type Codec struct {
	limit      int64
	properties *parquet.WriterProperties
	serialized serializedSchemas
}

// New returns the parquet codec. It panics if the options say a compression that there is not.
func New(options Options) *Codec {
	method, ok := compressions[options.Compression]
	if !ok {
		panic(fmt.Sprintf("cachette: parquet.New: there is no compression %d", options.Compression))
	}
	return &Codec{limit: options.Limit, properties: parquet.NewWriterProperties(
		parquet.WithCompression(method),
		// The library's default, repeated, is against the format, and strict readers refuse it.
		parquet.WithRootRepetition(parquet.Repetitions.Required),
		parquet.WithRootName("schema"),
		parquet.WithVersion(parquet.V2_LATEST),
		parquet.WithAllocator(memory.DefaultAllocator),
	)}
}

// Name returns "parquet".
func (*Codec) Name() string { return name }

// Encode returns a table as a Parquet file.
func (c *Codec) Encode(value any) (data []byte, err error) {
	source, err := frame.From(name, value)
	if err != nil {
		return nil, err
	}
	for _, field := range source.Schema().Fields() {
		if bad := unsupported(field.Type); bad != nil {
			return nil, frame.Refuse(name, "encode", value, "", fmt.Sprintf("column %q has a type that is not stored: %s", field.Name, bad))
		}
	}
	defer func() {
		if err != nil {
			data = nil
		}
	}()
	defer frame.Guard(name, "encode", value, &err)

	var file bytes.Buffer
	if err := c.write(&file, source.AsTable()); err != nil {
		return nil, frame.Failure(name, "encode", value, err)
	}
	return file.Bytes(), nil
}

// Decode stores the table that data holds.
func (c *Codec) Decode(data []byte, dst any) (err error) {
	dest, err := frame.To(name, dst)
	if err != nil {
		return err
	}
	defer frame.Guard(name, "decode", dst, &err)
	mem := frame.NewMemory(frame.Limit(c.limit, len(data)))
	wanted := func(string) bool { return true }
	if columns := dest.Columns(); columns != nil {
		wanted = columns.HasField
	}
	table, err := read(data, mem, wanted)
	if err != nil {
		return frame.Failure(name, "decode", dst, err)
	}
	return dest.Set(table, mem)
}
