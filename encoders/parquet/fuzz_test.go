package parquet_test

import (
	"testing"

	"github.com/gin-cachette/cachette/encoders/encodertest"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
	"github.com/gin-cachette/cachette/encoders/parquet"
)

func FuzzDecode(f *testing.F) {
	for _, compression := range []parquet.Compression{parquet.None, parquet.ZSTD, parquet.Gzip} {
		data, err := parquet.New(parquet.Options{Compression: compression}).Encode(frametest.Record(2, frametest.Flat[8:12]...))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, column := range append(frametest.Flat, frametest.Nested...) {
		data, err := parquet.New(parquet.Options{Compression: parquet.None}).Encode(frametest.Record(1, column))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, file := range []string{"deltas", "nested", "ordered"} {
		f.Add(frametest.Read(f, "testdata", file+".parquet"))
	}
	unbounded := frametest.Boxed{Encoder: parquet.New(parquet.Options{})}
	encodertest.FuzzBounded(f, limited, unbounded, frametest.Box{Record: frametest.Record(1, frametest.Flat[0])},
		frametest.Box{Record: frametest.Record(1, frametest.Nested...)},
		[]small{{A: 1, B: ptr("x"), C: []int16{1}}}, frametest.Mores(2))
}
