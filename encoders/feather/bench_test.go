package feather_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"

	"github.com/gin-cachette/cachette/encoders/feather"
)

// seeker is the least that the library can write to.
type seeker struct{ bytes.Buffer }

func (s *seeker) Seek(int64, int) (int64, error) { return int64(s.Len()), nil }

var compressions = map[feather.Compression]struct {
	name    string
	options []ipc.Option
}{
	feather.LZ4: {"lz4", []ipc.Option{ipc.WithLZ4()}}, feather.ZSTD: {"zstd", []ipc.Option{ipc.WithZstd()}}, feather.None: {"none", nil},
}

func each(b *testing.B, run func(b *testing.B, c feather.Compression, options []ipc.Option, record arrow.Record)) {
	for _, rows := range []int{16, 16 << 10} { // 1 KB and 1 MB
		record := wide(rows)
		for _, c := range []feather.Compression{feather.LZ4, feather.ZSTD, feather.None} {
			b.Run(fmt.Sprintf("%d/%s", rows*64, compressions[c].name), func(b *testing.B) {
				b.SetBytes(int64(rows * 64))
				b.ReportAllocs()
				run(b, c, compressions[c].options, record)
			})
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	each(b, func(b *testing.B, c feather.Compression, options []ipc.Option, record arrow.Record) {
		b.Run("codec", func(b *testing.B) {
			codec := feather.New(feather.Options{Compression: c})
			for b.Loop() {
				if _, err := codec.Encode(record); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("library", func(b *testing.B) {
			for b.Loop() {
				var file seeker
				writer, err := ipc.NewFileWriter(&file, append(options, ipc.WithSchema(record.Schema()))...)
				if err != nil {
					b.Fatal(err)
				}
				if err := writer.Write(record); err != nil {
					b.Fatal(err)
				}
				if err := writer.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func library(b *testing.B, data []byte) {
	for b.Loop() {
		reader, err := ipc.NewFileReader(bytes.NewReader(data))
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := reader.Read(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	each(b, func(b *testing.B, c feather.Compression, options []ipc.Option, record arrow.Record) {
		data := encode(b, c, record)
		codec := feather.New(feather.Options{})
		for name, decode := range map[string]func([]byte, any) error{"codec": codec.Decode, "take": codec.Take} {
			b.Run(name, func(b *testing.B) {
				for b.Loop() {
					var got arrow.Record
					if err := decode(data, &got); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run("library", func(b *testing.B) { library(b, data) })
	})
}

// BenchmarkMillion is a fetch of 1,000,000 rows and 8 columns.
func BenchmarkMillion(b *testing.B) {
	data := encode(b, feather.None, wide(1_000_000))
	codec := feather.New(feather.Options{})
	b.Run("take", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var got arrow.Record
			if err := codec.Take(data, &got); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var got arrow.Record
			if err := codec.Decode(data, &got); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("library", func(b *testing.B) { b.ReportAllocs(); library(b, data) })
}
