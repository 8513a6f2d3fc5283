package parquet_test

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
	"github.com/gin-cachette/cachette/encoders/parquet"
)

type keyed struct {
	Key string `arrow:"__index_level_0__"`
	A   int    `arrow:"a"`
}

// TestPythonReads: pandas, through fastapi-cachette, and pyarrow read what is written.
func TestPythonReads(t *testing.T) {
	folder, codec := t.TempDir(), parquet.New(parquet.Options{})
	frametest.Write(t, codec, folder, "rows", frametest.Rows(frametest.N))
	frametest.Write(t, codec, folder, "more", frametest.Mores(frametest.N))
	frametest.Write(t, codec, folder, "indexed", []keyed{{"x0", 0}, {"x1", 1}, {"x2", 2}})
	frametest.Write(t, codec, folder, "flat", frametest.Record(10, frametest.Flat...))
	frametest.Write(t, codec, folder, "models", frametest.Models(4))
	frametest.Write(t, codec, folder, "nested", frametest.Record(10, frametest.Nested...))
	for name, compression := range map[string]parquet.Compression{"none": parquet.None, "zstd": parquet.ZSTD, "gzip": parquet.Gzip} {
		frametest.Write(t, parquet.New(parquet.Options{Compression: compression}), folder, "rows-"+name, frametest.Rows(frametest.N))
	}
	t.Log(frametest.Python(t, "check", "parquet", folder))
}

// TestPythonWrites: what pandas writes, through fastapi-cachette, is read.
func TestPythonWrites(t *testing.T) {
	folder, codec := t.TempDir(), parquet.New(parquet.Options{})
	frametest.Python(t, "make", "parquet", folder)
	frametest.Same(t, codec, folder, "rows", frametest.Rows(frametest.N))
	frametest.Same(t, codec, folder, "more", frametest.Mores(frametest.N))
	variants, err := filepath.Glob(folder + "/*-*")
	if err != nil || len(variants) < 20 {
		t.Fatalf("there are %d variants, %v", len(variants), err)
	}
	for _, path := range variants {
		file := filepath.Base(path)
		kind, _, _ := strings.Cut(file, "-")
		var rows []frametest.Row
		var more []frametest.More
		got, want := any(&rows), any(frametest.Rows(frametest.N))
		if kind == "more" {
			got, want = &more, frametest.Mores(frametest.N)
		}
		if err := codec.Decode(frametest.Read(t, folder, file), got); err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if !reflect.DeepEqual(reflect.ValueOf(got).Elem().Interface(), want) {
			t.Errorf("%s: the rows differ", file)
		}
	}

	var naive arrow.Record
	if err := codec.Decode(frametest.Read(t, folder, "naive"), &naive); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"timestamp[us]", "timestamp[us, tz=Europe/Berlin]", "list<item: timestamp[us, tz=Europe/Berlin], nullable>"} {
		if got := naive.Schema().Field(i).Type.String(); got != want {
			t.Errorf("column %s is %s, want %s", naive.ColumnName(i), got, want)
		}
	}
}

// TestTheIndexSurvives: a table of pandas is stored again by Go, and its index is the same for pandas.
func TestTheIndexSurvives(t *testing.T) {
	folder, codec := t.TempDir(), parquet.New(parquet.Options{})
	frametest.Python(t, "make", "parquet", folder)
	var record arrow.Record
	if err := codec.Decode(frametest.Read(t, folder, "indexed"), &record); err != nil {
		t.Fatal(err)
	}
	frametest.Write(t, codec, folder, "again", record)
	frametest.Python(t, "same", "parquet", folder)

	var rows []keyed64
	if err := codec.Decode(frametest.Read(t, folder, "again"), &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != frametest.N || rows[1].Key != "x1" {
		t.Errorf("the rows are %v…", rows[:2])
	}
}

type keyed64 struct {
	Key string `arrow:"__index_level_0__"`
	A   int64  `arrow:"i64"`
}

// TestFramesSurvive: what pandas keeps beside the columns is there after Go stored a frame again.
func TestFramesSurvive(t *testing.T) { frametest.Exchange(t, parquet.New(parquet.Options{})) }

// TestNestedColumnsSurvive: structs, maps and lists of pyarrow and DuckDB are the same after Go stored them again.
func TestNestedColumnsSurvive(t *testing.T) {
	frametest.ExchangeNested(t, parquet.New(parquet.Options{}))
}
