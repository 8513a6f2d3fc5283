package parquet

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	parquetfile "github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"

	"github.com/gin-cachette/cachette/encoders/internal/frame"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

// FuzzCheckAgrees: of a file that has passed, the library's own reader of metadata sees what was checked, and nothing else.
func FuzzCheckAgrees(f *testing.F) {
	all := append(frametest.Flat, frametest.Nested...)
	for i, column := range append(all, frametest.Column{}) {
		columns := []frametest.Column{column}
		if column.Type == nil {
			columns = all[i-5 : i]
		}
		data, err := New(Options{Compression: []Compression{None, Snappy, ZSTD, Gzip}[i%4]}).Encode(frametest.Record(3, columns...))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} { // in row groups of two rows
		properties := parquet.NewWriterProperties(parquet.WithDataPageVersion(version), parquet.WithCompression(compress.Codecs.Snappy),
			parquet.WithMaxRowGroupLength(2))
		rows := frametest.Record(4, frametest.Flat[1], frametest.Deep[0])
		var out bytes.Buffer
		if err := pqarrow.WriteTable(array.NewTableFromRecords(rows.Schema(), []arrow.Record{rows}), &out, 2, properties, pqarrow.DefaultWriterProps()); err != nil {
			f.Fatal(err)
		}
		f.Add(out.Bytes())
	}
	for _, file := range []string{"deltas", "nested", "ordered"} {
		f.Add(frametest.Read(f, "testdata", file+".parquet"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checked, err := checkGuarded(data)
		if err != nil {
			return
		}
		want := checkedText(checked)
		have, all := libraryText(data) // what the library refuses it does not read
		if have != want && (all || !strings.HasPrefix(want, have)) {
			t.Errorf("%q was checked as\n%s\nand is read as\n%s", data, want, have)
		}
	})
}

func checkGuarded(data []byte) (f *file, err error) {
	defer frame.Guard(name, "decode", nil, &err)
	return check(data, frame.NewMemory(16<<20), everything)
}

func everything(string) bool { return true }

// checkedText writes what was checked.
func checkedText(f *file) string {
	var text strings.Builder
	all := make([]levels, len(f.leaves))
	for i, l := range f.leaves {
		all[i] = l.levels
	}
	fmt.Fprintln(&text, "levels", all)
	for _, c := range f.chunks {
		fmt.Fprintln(&text, "chunk", c.start(), c.size, c.values, c.codec, c.levels)
		f.pages(c, func(p page, _ []byte) error {
			fmt.Fprintln(&text, "page", p.kind, p.size, p.values, p.encoding)
			switch p.kind {
			case pageData:
				fmt.Fprintln(&text, "encodings", p.repetition, p.definition)
			case pageDataV2:
				fmt.Fprintln(&text, "of levels", p.levels, p.packed)
			}
			return nil
		})
	}
	return text.String()
}

// libraryText writes the same of what the library reads, up to where it fails.
func libraryText(data []byte) (written string, whole bool) {
	var text strings.Builder
	defer func() { written = text.String() }()
	defer func() { recover() }()
	reader, err := parquetfile.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		return "", false
	}
	file := reader.MetaData()
	all := make([]levels, file.Schema.NumColumns())
	for i := range all {
		column := file.Schema.Column(i)
		all[i] = levels{int(column.MaxDefinitionLevel()), int(column.MaxRepetitionLevel())}
	}
	fmt.Fprintln(&text, "levels", all)
	for i := range reader.NumRowGroups() {
		group := file.RowGroup(i)
		for k := range group.NumColumns() {
			c, err := group.ColumnChunk(k)
			if err != nil {
				return "", false
			}
			start := c.DataPageOffset()
			if c.HasDictionaryPage() && c.DictionaryPageOffset() > 0 && start > c.DictionaryPageOffset() {
				start = c.DictionaryPageOffset()
			}
			fmt.Fprintln(&text, "chunk", start, c.TotalCompressedSize(), c.NumValues(), int(c.Compression()), all[k])
			pages, err := reader.RowGroup(i).GetColumnPageReader(k)
			if err != nil {
				return "", false
			}
			for pages.Next() {
				page := pages.Page()
				fmt.Fprintln(&text, "page", int(page.Type()), len(page.Data()), page.NumValues(), int(page.Encoding()))
				switch page := page.(type) {
				case *parquetfile.DataPageV1:
					fmt.Fprintln(&text, "encodings", int(page.RepetitionLevelEncoding()), int(page.DefinitionLevelEncoding()))
				case *parquetfile.DataPageV2:
					fmt.Fprintln(&text, "of levels", page.DefinitionLevelByteLen()+page.RepetitionLevelByteLen(), page.IsCompressed())
				}
			}
			if pages.Err() != nil {
				return "", false
			}
		}
	}
	return "", true
}
