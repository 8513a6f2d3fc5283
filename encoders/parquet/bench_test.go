package parquet_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	library "github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"

	"github.com/gin-cachette/cachette/encoders/parquet"
)

// wide is a record of 8 columns of numbers.
func wide(rows int) arrow.Record {
	fields := make([]arrow.Field, 8)
	columns := make([]arrow.Array, 8)
	for c := range columns {
		builder := array.NewInt64Builder(memory.DefaultAllocator)
		for i := range rows {
			builder.Append(int64(i * c))
		}
		columns[c] = builder.NewArray()
		fields[c] = arrow.Field{Name: string(rune('a' + c)), Type: arrow.PrimitiveTypes.Int64, Nullable: true}
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, int64(rows))
}

func Benchmark(b *testing.B) {
	codec := parquet.New(parquet.Options{})
	properties := library.NewWriterProperties(library.WithCompression(compress.Codecs.Snappy))
	for _, rows := range []int{16, 16 << 10} { // 1 KB and 1 MB
		record := wide(rows)
		data, err := codec.Encode(record)
		if err != nil {
			b.Fatal(err)
		}
		run := func(name string, f func() error) {
			b.Run(fmt.Sprintf("%s/%d", name, rows*64), func(b *testing.B) {
				for b.Loop() {
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("encode/codec", func() error { _, err := codec.Encode(record); return err })
		run("encode/library", func() error {
			var file bytes.Buffer
			table := array.NewTableFromRecords(record.Schema(), []arrow.Record{record})
			return pqarrow.WriteTable(table, &file, 1<<20, properties, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
		})
		run("decode/codec", func() error { var table arrow.Table; return codec.Decode(data, &table) })
		run("decode/library", func() error {
			_, err := pqarrow.ReadTable(context.Background(), bytes.NewReader(data), nil, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
			return err
		})
	}
}
