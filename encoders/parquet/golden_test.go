package parquet_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	library "github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
	"github.com/gin-cachette/cachette/encoders/parquet"
)

// TestPandasFiles: internal/frame/frametest/make.py made them.
func TestPandasFiles(t *testing.T) {
	codec := parquet.New(parquet.Options{})
	frametest.CheckGolden(t, codec, "testdata/pandas.parquet", true, nil)
	frametest.CheckGolden(t, codec, "testdata/indexed.parquet", false, []string{"p", "q", "r"})
}

// TestMetadataSurvives: pandas has its index and its dtypes there.
func TestMetadataSurvives(t *testing.T) { frametest.CheckMetadata(t, parquet.New(parquet.Options{})) }

// TestFieldNumbersAreNotKept: a file without an Arrow schema has no metadata of fields but the numbers.
func TestFieldNumbersAreNotKept(t *testing.T) {
	metadata := arrow.NewMetadata([]string{"PARQUET:field_id"}, []string{"5"})
	record := frametest.Record(1, frametest.Flat[0])
	field := record.Schema().Field(0)
	field.Metadata = metadata
	table := array.NewTableFromRecords(arrow.NewSchema([]arrow.Field{field}, nil), []arrow.Record{record})
	var out bytes.Buffer
	if err := pqarrow.WriteTable(table, &out, 10, nil, pqarrow.DefaultWriterProps()); err != nil {
		t.Fatal(err)
	}
	var got arrow.Record
	if err := parquet.New(parquet.Options{}).Decode(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Schema().Field(0).HasMetadata() || got.Schema().HasMetadata() {
		t.Errorf("it is %v", got.Schema())
	}
}

// TestNoColumns: pandas has such tables, and its index is in the metadata.
func TestNoColumns(t *testing.T) {
	metadata := arrow.NewMetadata([]string{"pandas"}, []string{"{}"})
	data, err := parquet.New(parquet.Options{}).Encode(array.NewRecord(arrow.NewSchema(nil, &metadata), nil, 0))
	if err != nil {
		t.Fatal(err)
	}
	var got arrow.Record
	if err := parquet.New(parquet.Options{}).Decode(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.NumCols() != 0 || got.NumRows() != 0 || !got.Schema().Metadata().Equal(metadata) {
		t.Errorf("it came back as %v", got)
	}
}

// TestASchemaOfAnotherIsNotKept: the file's own schema counts, not one that was in the metadata before.
func TestASchemaOfAnotherIsNotKept(t *testing.T) {
	metadata := arrow.NewMetadata([]string{"ARROW:schema", "mine"}, []string{"bm9uZQ==", "yes"})
	source := frametest.Record(1, frametest.Flat[0])
	record := array.NewRecord(arrow.NewSchema(source.Schema().Fields(), &metadata), source.Columns(), source.NumRows())
	data, err := parquet.New(parquet.Options{}).Encode(record)
	if err != nil {
		t.Fatal(err)
	}
	var got arrow.Record
	if err := parquet.New(parquet.Options{}).Decode(data, &got); err != nil {
		t.Fatal(err)
	}
	if keys := got.Schema().Metadata().Keys(); len(keys) != 1 || keys[0] != "mine" || !array.RecordEqual(got, record) {
		t.Errorf("it came back as %v", got)
	}
}

// TestColumns: each column type comes back as it was, or is refused, or is one of those that are known to change.
func TestColumns(t *testing.T) {
	changes := map[string]string{"ts_s": "timestamp[ms, tz=+02:00]", "time32_s": "time32[ms]", "dictionary_int": "int64", "list_dictionary": "list<item: utf8, nullable>"}
	refused := 0
	for _, column := range slices.Concat(frametest.Flat, frametest.Nested, frametest.Deep) {
		t.Run(column.Name, func(t *testing.T) {
			for _, compression := range []parquet.Compression{parquet.Snappy, parquet.ZSTD, parquet.Gzip, parquet.None} {
				whole := frametest.Record(5, column)
				data, err := parquet.New(parquet.Options{Compression: compression}).Encode(whole)
				if errors.Is(err, encoders.ErrUnsupportedType) && strings.Contains(err.Error(), "a type that is not stored") {
					refused++
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				var got arrow.Record
				if err := limited.Decode(data, &got); err != nil {
					t.Fatal(err)
				}
				if want, changed := changes[column.Name]; changed {
					if typ := got.Schema().Field(0).Type.String(); typ != want {
						t.Errorf("it came back as %s, want %s", typ, want)
					}
					continue
				}
				if !got.Schema().Equal(whole.Schema()) || !array.RecordEqual(got, whole) {
					t.Errorf("it came back as %v, want %v", got, whole)
				}
			}
		})
	}
	if refused != 2 { // dates of 64 bits, and decimals of 256
		t.Errorf("%d types were refused", refused)
	}
}

func TestTable(t *testing.T) {
	record := frametest.Record(100, frametest.Flat[:len(frametest.Flat)-1]...)
	table := array.NewTableFromRecords(record.Schema(), []arrow.Record{record, record.NewSlice(1, 5), record.NewSlice(7, 20)})
	data, err := parquet.New(parquet.Options{}).Encode(table)
	if err != nil {
		t.Fatal(err)
	}
	var got arrow.Table
	if err := parquet.New(parquet.Options{}).Decode(data, &got); err != nil {
		t.Fatal(err)
	}
	if !array.TableEqual(got, table) {
		t.Errorf("it came back as %v", got)
	}
}

// TestTheRootIsRequired: strict readers refuse a root that is repeated, which the library's default is.
func TestTheRootIsRequired(t *testing.T) {
	data, err := parquet.New(parquet.Options{}).Encode(frametest.Record(1, frametest.Flat[0]))
	if err != nil {
		t.Fatal(err)
	}
	reader, err := file.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if root := reader.MetaData().Schema.Root(); root.RepetitionType() != library.Repetitions.Required {
		t.Errorf("the root is %v", root.RepetitionType())
	}
}

func TestWhatIsNoFileIsAnError(t *testing.T) {
	good, err := parquet.New(parquet.Options{}).Encode(frametest.Record(1, frametest.Flat...))
	if err != nil {
		t.Fatal(err)
	}
	footer := func(size uint32) []byte {
		data := bytes.Clone(good)
		binary.LittleEndian.PutUint32(data[len(data)-8:], size)
		return data
	}
	tests := map[string]struct {
		data []byte
		want string
	}{
		"nothing":      {nil, "no Parquet file"},
		"cut short":    {good[:len(good)-1], "no Parquet file"},
		"long footer":  {footer(1 << 31), "damaged"},
		"short footer": {footer(10), "damaged"},
		"no footer":    {footer(0), "damaged"},
		"no data":      {append([]byte("PAR1"), good[len(good)-8-int(binary.LittleEndian.Uint32(good[len(good)-8:])):]...), "damaged"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var record arrow.Record
			err := parquet.New(parquet.Options{}).Decode(test.data, &record)
			if err == nil || !strings.Contains(err.Error(), test.want) || record != nil {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

// TestTheLimitHolds: a small file that becomes large needs a higher limit.
func TestTheLimitHolds(t *testing.T) {
	rows := make([]struct{ A int64 }, 100_000)
	for _, compression := range []parquet.Compression{parquet.Snappy, parquet.ZSTD, parquet.Gzip} {
		data, err := parquet.New(parquet.Options{Compression: compression}).Encode(rows)
		if err != nil {
			t.Fatal(err)
		}
		var record arrow.Record
		err = parquet.New(parquet.Options{Limit: 500_000}).Decode(data, &record)
		if err == nil || !strings.Contains(err.Error(), "500000 bytes") {
			t.Errorf("%d bytes were decoded under a limit: %v", len(data), err)
		}
		if err := parquet.New(parquet.Options{Limit: 20_000_000}).Decode(data, &record); err != nil {
			t.Error(err)
		}
	}
}

// TestZonesOfDictionaries: the values of a dictionary of times come back in its zone, and without one where it has none.
func TestZonesOfDictionaries(t *testing.T) {
	for _, zone := range []string{"", "UTC", "Europe/Berlin"} {
		values := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: zone}
		column := frametest.Column{Name: "a", Type: values, JSON: [3]string{`1`, `null`, `2`}}
		want := frametest.Record(1, column)
		column.Type = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: values}
		data, err := parquet.New(parquet.Options{}).Encode(frametest.Record(1, column))
		if err != nil {
			t.Fatal(err)
		}
		var got arrow.Record
		if err := parquet.New(parquet.Options{}).Decode(data, &got); err != nil {
			t.Fatal(err)
		}
		if !array.RecordEqual(got, want) || !got.Schema().Equal(want.Schema()) {
			t.Errorf("zone %q: it came back as %v", zone, got.Schema())
		}
	}
}

// TestZones: other readers, which know Parquet alone, tell times in a zone from those without. The library mixes them up.
func TestZones(t *testing.T) {
	us := arrow.Microsecond
	column := func(name, zone string) frametest.Column {
		return frametest.Column{Name: name, Type: &arrow.TimestampType{Unit: us, TimeZone: zone}, JSON: [3]string{`1`, `null`, `2`}}
	}
	among := func(c frametest.Column) frametest.Column {
		c.Type = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: c.Type}
		return c
	}
	record := frametest.Record(1, column("none", ""), column("utc", "UTC"), column("berlin", "Europe/Berlin"),
		among(column("dictionary", "")), among(column("dictionary_berlin", "Europe/Berlin")))
	data, err := parquet.New(parquet.Options{}).Encode(record)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := file.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true, true, false, true} {
		column := reader.MetaData().Schema.Column(i)
		if typ, ok := column.LogicalType().(*schema.TimestampLogicalType); !ok || typ.IsAdjustedToUTC() != want {
			t.Errorf("column %s is %v", column.Name(), column.LogicalType())
		}
	}
}
