package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	arrowcsv "github.com/apache/arrow/go/v15/arrow/csv"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/bytedance/sonic"
	ogorek "github.com/kisielk/og-rek"
	"github.com/vmihailenco/msgpack/v5"
)

// A library is what a program without cachette would call for what a codec does.
type library struct {
	encode func(value any) ([]byte, error)
	decode func(data []byte, dst any) error
}

// bareText is a conversion, which is all that there is to do.
var bareText = library{
	func(value any) ([]byte, error) { return []byte(value.(string)), nil },
	func(data []byte, dst any) error { *dst.(*string) = string(data); return nil },
}

var bareBytes = library{
	func(value any) ([]byte, error) { return bytes.Clone(value.([]byte)), nil },
	func(data []byte, dst any) error { *dst.(*[]byte) = bytes.Clone(data); return nil },
}

// bareJSON is encoding/json as it is mostly called.
var bareJSON = library{json.Marshal, json.Unmarshal}

// bareNumbers is encoding/json where a number in an any keeps its digits.
var bareNumbers = library{json.Marshal, func(data []byte, dst any) error {
	reader := json.NewDecoder(bytes.NewReader(data))
	reader.UseNumber()
	return reader.Decode(dst)
}}

// bareSonic has what the codec promises: sorted keys, numbers that keep their digits, strings that are UTF-8 and that do not
// lie in the data.
var bareSonic = func() library {
	api := sonic.Config{
		SortMapKeys: true, CompactMarshaler: true, UseNumber: true, CopyString: true, ValidateString: true,
	}.Froze()
	return library{api.Marshal, api.Unmarshal}
}()

// bareMsgpack writes the bytes that the codec writes, and reads integers into an any as int64, as it does.
var bareMsgpack = library{
	func(value any) ([]byte, error) {
		var buffer bytes.Buffer
		encoder := msgpack.GetEncoder()
		defer msgpack.PutEncoder(encoder)
		encoder.Reset(&buffer)
		encoder.SetSortMapKeys(true)
		encoder.UseCompactInts(true)
		encoder.SetCustomStructTag("json")
		err := encoder.Encode(value)
		return buffer.Bytes(), err
	},
	func(data []byte, dst any) error {
		decoder := msgpack.GetDecoder()
		defer msgpack.PutDecoder(decoder)
		decoder.UsePreallocateValues(true)
		decoder.Reset(bytes.NewReader(data))
		decoder.SetCustomStructTag("json")
		decoder.UseLooseInterfaceDecoding(true)
		return decoder.Decode(dst)
	},
}

// barePickle is og-rek: of the two libraries for pickle it is the faster one, and the one that writes.
var barePickle = library{
	func(value any) ([]byte, error) {
		var buffer bytes.Buffer
		err := ogorek.NewEncoderWithConfig(&buffer, &ogorek.EncoderConfig{Protocol: 4}).Encode(value)
		return buffer.Bytes(), err
	},
	func(data []byte, dst any) (err error) {
		*dst.(*any), err = ogorek.NewDecoder(bytes.NewReader(data)).Decode()
		return err
	},
}

// bareCSV is told the types that the codec finds out, and the column of the row numbers, which it leaves out afterwards.
var bareCSV = library{
	func(value any) ([]byte, error) {
		record := value.(arrow.Record)
		var buffer bytes.Buffer
		writer := arrowcsv.NewWriter(&buffer, record.Schema(), arrowcsv.WithHeader(true))
		if err := writer.Write(record); err != nil {
			return nil, err
		}
		err := writer.Flush()
		return buffer.Bytes(), err
	},
	func(data []byte, dst any) error {
		fields := []arrow.Field{{Name: "", Type: arrow.PrimitiveTypes.Int64}}
		for _, k := range flat {
			fields = append(fields, arrow.Field{Name: k.name, Type: k.typ, Nullable: true})
		}
		schema := arrow.NewSchema(fields, nil)
		reader := arrowcsv.NewReader(bytes.NewReader(data), schema,
			arrowcsv.WithHeader(true), arrowcsv.WithChunk(-1), arrowcsv.WithNullReader(true))
		for reader.Next() {
			record := reader.Record()
			*dst.(*arrow.Record) = array.NewRecord(arrow.NewSchema(fields[1:], nil), record.Columns()[1:], record.NumRows())
		}
		return reader.Err()
	},
}

// seeker is the least that the library writes a file to.
type seeker struct{ bytes.Buffer }

func (s *seeker) Seek(int64, int) (int64, error) { return int64(s.Len()), nil }

func bareFeather(compression ...ipc.Option) library {
	return library{
		func(value any) ([]byte, error) {
			record := value.(arrow.Record)
			var file seeker
			options := append([]ipc.Option{ipc.WithSchema(record.Schema())}, compression...)
			writer, err := ipc.NewFileWriter(&file, options...)
			if err != nil {
				return nil, err
			}
			if err := writer.Write(record); err != nil {
				return nil, err
			}
			err = writer.Close()
			return file.Bytes(), err
		},
		readIPC,
	}
}

// readIPC reads a file of one record.
func readIPC(data []byte, dst any) error {
	reader, err := ipc.NewFileReader(bytes.NewReader(data))
	if err != nil {
		return err
	}
	record, err := reader.Read()
	if err != nil {
		return err
	}
	record.Retain() // the reader lets go of it when it reads on
	*dst.(*arrow.Record) = record
	if _, err := reader.Read(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one record")
	}
	return nil
}

var bareParquet = func() library {
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy))
	return library{
		func(value any) ([]byte, error) {
			record := value.(arrow.Record)
			var file bytes.Buffer
			table := array.NewTableFromRecords(record.Schema(), []arrow.Record{record})
			err := pqarrow.WriteTable(table, &file, 1<<20, properties,
				pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
			return file.Bytes(), err
		},
		func(data []byte, dst any) (err error) {
			*dst.(*arrow.Table), err = pqarrow.ReadTable(context.Background(), bytes.NewReader(data), nil,
				pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
			return err
		},
	}
}()
