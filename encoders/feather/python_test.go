package feather_test

import (
	"testing"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/gin-cachette/cachette/encoders/feather"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

type keyed struct {
	Key string `arrow:"__index_level_0__"`
	A   int    `arrow:"a"`
}

// TestPythonReads: pandas, through fastapi-cachette, and pyarrow read what is written.
func TestPythonReads(t *testing.T) {
	folder, codec := t.TempDir(), feather.New(feather.Options{})
	frametest.Write(t, codec, folder, "rows", frametest.Rows(frametest.N))
	frametest.Write(t, codec, folder, "more", frametest.Mores(frametest.N))
	frametest.Write(t, codec, folder, "indexed", []keyed{{"x0", 0}, {"x1", 1}, {"x2", 2}})
	frametest.Write(t, codec, folder, "flat", frametest.Record(10, frametest.Flat...))
	frametest.Write(t, codec, folder, "models", frametest.Models(4))
	frametest.Write(t, codec, folder, "nested", frametest.Record(10, frametest.Nested...))
	frametest.Write(t, codec, folder, "deep", frametest.Record(10, frametest.Deep...))
	for name, compression := range map[string]feather.Compression{"none": feather.None, "zstd": feather.ZSTD} {
		frametest.Write(t, feather.New(feather.Options{Compression: compression}), folder, "rows-"+name, frametest.Rows(frametest.N))
	}
	t.Log(frametest.Python(t, "check", "feather", folder))
}

// TestPythonWrites: what pandas writes, through fastapi-cachette, is read.
func TestPythonWrites(t *testing.T) {
	folder, codec := t.TempDir(), feather.New(feather.Options{})
	frametest.Python(t, "make", "feather", folder)
	frametest.Same(t, codec, folder, "rows", frametest.Rows(frametest.N))
	frametest.Same(t, codec, folder, "more", frametest.Mores(frametest.N))
	var record arrow.Record
	if err := codec.Decode(frametest.Read(t, folder, "rows"), &record); err != nil {
		t.Fatal(err)
	}
	t.Log(record.Schema())
}

// TestFramesSurvive: what pandas keeps beside the columns is there after Go stored a frame again.
func TestFramesSurvive(t *testing.T) { frametest.Exchange(t, feather.New(feather.Options{})) }
