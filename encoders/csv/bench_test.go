package csv_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	library "github.com/apache/arrow/go/v15/arrow/csv"

	"github.com/gin-cachette/cachette/encoders/csv"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

// Benchmark compares with Arrow's own csv, which is told the types that the codec finds out.
func Benchmark(b *testing.B) {
	codec := csv.New(csv.Options{})
	for _, rows := range []int{5, 5 << 10} { // 1 KB and 1 MB
		var columns []frametest.Column
		for _, column := range frametest.Flat {
			switch column.Type.ID() {
			case arrow.INT64, arrow.FLOAT64, arrow.STRING, arrow.BOOL:
				columns = append(columns, column)
			}
		}
		record := frametest.Record(rows, columns...)
		data, err := codec.Encode(record)
		if err != nil {
			b.Fatal(err)
		}
		run := func(name string, f func() error) {
			b.Run(fmt.Sprintf("%s/%d", name, len(data)), func(b *testing.B) {
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
			writer := library.NewWriter(&file, record.Schema(), library.WithHeader(true))
			if err := writer.Write(record); err != nil {
				return err
			}
			return writer.Flush()
		})
		run("decode/codec", func() error { var got arrow.Record; return codec.Decode(data, &got) })
		fields := append([]arrow.Field{{Name: "", Type: arrow.PrimitiveTypes.Int64}}, record.Schema().Fields()...)
		schema := arrow.NewSchema(fields, nil)
		run("decode/library", func() error {
			reader := library.NewReader(bytes.NewReader(data), schema, library.WithHeader(true), library.WithChunk(-1), library.WithNullReader(true))
			for reader.Next() {
			}
			return reader.Err()
		})
	}
}
