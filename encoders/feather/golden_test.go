package feather_test

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/endian"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/feather"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

// TestPandasFiles: internal/frame/frametest/make.py made them.
func TestPandasFiles(t *testing.T) {
	frametest.CheckGolden(t, feather.New(feather.Options{}), "testdata/pandas.feather", true, nil)
}

// TestPolarsFiles: polars leaves out how long the file's first message is. write_ipc of these columns made the file, with
// CompatLevel.oldest().
func TestPolarsFiles(t *testing.T) {
	data := frametest.Read(t, "testdata", "polars.feather")
	var rows []struct {
		A int     `arrow:"a"`
		B *string `arrow:"b"`
		C string  `arrow:"c"`
	}
	if err := feather.New(feather.Options{}).Decode(data, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || rows[0].A != 1 || *rows[0].B != "x" || rows[0].C != "u" || rows[1].A != 2 || rows[1].B != nil || rows[1].C != "v" {
		t.Errorf("it is %v", rows)
	}
}

// TestBigEndian: such a file is whole, and is not read.
func TestBigEndian(t *testing.T) {
	schema := arrow.NewSchemaWithEndian([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}}, nil, endian.BigEndian)
	var file seeker
	writer, err := ipc.NewFileWriter(&file, ipc.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	var record arrow.Record
	if err := feather.New(feather.Options{}).Decode(file.Bytes(), &record); err == nil || !strings.Contains(err.Error(), "it is big-endian, ") {
		t.Errorf("the error is %v", err)
	}
}

// TestMetadataSurvives: pandas has its index and its dtypes there.
func TestMetadataSurvives(t *testing.T) { frametest.CheckMetadata(t, feather.New(feather.Options{})) }

// TestColumns: each column type comes back as it was, alone, cut out of a longer one, and in several records.
func TestColumns(t *testing.T) {
	for _, column := range slices.Concat(frametest.Flat, frametest.Nested, frametest.Deep) {
		t.Run(column.Name, func(t *testing.T) {
			whole := frametest.Record(5, column)
			for _, compression := range []feather.Compression{feather.LZ4, feather.ZSTD, feather.None} {
				for _, record := range []arrow.Record{whole, whole.NewSlice(4, 9), whole.NewSlice(0, 4), whole.NewSlice(3, 3)} {
					var got arrow.Record
					if err := feather.New(feather.Options{}).Decode(encode(t, compression, record), &got); err != nil {
						t.Fatal(err)
					}
					if !got.Schema().Equal(record.Schema()) || !array.RecordEqual(got, record) {
						t.Errorf("it came back as %v, want %v", got, record)
					}
				}
			}
			table := array.NewTableFromRecords(whole.Schema(), []arrow.Record{whole, whole.NewSlice(2, 4)})
			var got arrow.Table
			if err := feather.New(feather.Options{}).Decode(encode(t, feather.LZ4, table), &got); err != nil {
				t.Fatal(err)
			}
			if !array.TableEqual(got, table) {
				t.Errorf("as a table it came back as %v, want %v", got, table)
			}
		})
	}
}

// TestTypesThatAreNotStored are refused alone and within others, and so is a file of the library's that has them.
func TestTypesThatAreNotStored(t *testing.T) {
	number := []arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}
	const views, runs = "CompatLevel.oldest()", "run_end_decode"
	for typ, remedy := range map[arrow.DataType]string{
		arrow.SparseUnionOf(number, []arrow.UnionTypeCode{0}): "", arrow.DenseUnionOf(number, []arrow.UnionTypeCode{0}): "",
		arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64): runs,
		arrow.BinaryTypes.StringView: views, arrow.BinaryTypes.BinaryView: views,
		arrow.ListViewOf(arrow.PrimitiveTypes.Int64): views, arrow.LargeListViewOf(arrow.PrimitiveTypes.Int64): views,
	} {
		within := arrow.StructOf(arrow.Field{Name: "x", Type: arrow.ListOf(typ), Nullable: true})
		for _, typ := range []arrow.DataType{typ, within} {
			t.Run(typ.String(), func(t *testing.T) {
				builder := array.NewBuilder(memory.DefaultAllocator, typ)
				column := builder.NewArray()
				record := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "a", Type: typ}}, nil), []arrow.Array{column}, 0)
				data, err := feather.New(feather.Options{}).Encode(record)
				if !errors.Is(err, encoders.ErrUnsupportedType) || data != nil || !strings.Contains(err.Error(), `column "a"`) || !strings.Contains(err.Error(), remedy) {
					t.Errorf("the error is %v", err)
				}

				var file seeker
				writer, err := ipc.NewFileWriter(&file, ipc.WithSchema(record.Schema()))
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(writer.Write(record), writer.Close()); err != nil {
					t.Fatal(err)
				}
				var got arrow.Record
				if err := feather.New(feather.Options{}).Decode(file.Bytes(), &got); err == nil || !strings.Contains(err.Error(), `column "a"`) || !strings.Contains(err.Error(), remedy) {
					t.Errorf("of a file the error is %v", err)
				}
			})
		}
	}
}

// TestOffsetsNeedNotBeginAtZero: the library's writer takes it for granted.
func TestOffsetsNeedNotBeginAtZero(t *testing.T) {
	values := array.NewData(arrow.BinaryTypes.String, 2, []*memory.Buffer{nil,
		memory.NewBufferBytes(arrow.Int32Traits.CastToBytes([]int32{2, 3, 5})), memory.NewBufferBytes([]byte("__abc"))}, nil, 0, 0)
	lists := array.NewData(arrow.ListOf(arrow.BinaryTypes.String), 1, []*memory.Buffer{nil,
		memory.NewBufferBytes(arrow.Int32Traits.CastToBytes([]int32{1, 2}))}, []arrow.ArrayData{values}, 0, 0)
	for _, data := range []*array.Data{values, lists} {
		column := array.MakeFromData(data)
		record := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "a", Type: data.DataType()}}, nil), []arrow.Array{column}, -1)
		var got arrow.Record
		if err := feather.New(feather.Options{}).Decode(encode(t, feather.None, record), &got); err != nil {
			t.Fatal(err)
		}
		if !array.Equal(got.Column(0), column) {
			t.Errorf("it came back as %v, want %v", got.Column(0), column)
		}
	}
}

func TestWhatIsNoFileIsAnError(t *testing.T) {
	good := encode(t, feather.None, frametest.Record(1, frametest.Flat...))
	tests := map[string]struct {
		data []byte
		want string
	}{
		"nothing":       {nil, "no Feather file"},
		"version 1":     {append([]byte("FEA1"), make([]byte, 100)...), "version 1"},
		"a stream":      {good[8:], "no Feather file"},
		"cut short":     {good[:len(good)-10], "no Feather file"},
		"long footer":   {append(append([]byte{}, good[:len(good)-10]...), "\xff\xff\xff\x7fARROW1"...), "damaged"},
		"no footer":     {append(append([]byte{}, good[:len(good)-10]...), "\x00\x00\x00\x00ARROW1"...), "damaged"},
		"other content": {append([]byte("ARROW1\x00\x00"), good[1000:]...), "damaged"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var record arrow.Record
			err := feather.New(feather.Options{}).Decode(test.data, &record)
			if err == nil || !strings.Contains(err.Error(), test.want) || record != nil || errors.Is(err, encoders.ErrUnsupportedType) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

// TestTheLimitHolds: a small file that becomes large needs a higher limit.
func TestTheLimitHolds(t *testing.T) {
	rows := make([]struct{ A int64 }, 100_000)
	for _, compression := range []feather.Compression{feather.LZ4, feather.ZSTD} {
		data := encode(t, compression, rows)
		var record arrow.Record
		err := feather.New(feather.Options{Limit: 100_000}).Decode(data, &record)
		if err == nil || !strings.Contains(err.Error(), "100000 bytes") {
			t.Errorf("%d bytes were decoded under a limit: %v", len(data), err)
		}
		if err := feather.New(feather.Options{Limit: 1_000_000}).Decode(data, &record); err != nil {
			t.Error(err)
		}
		var back []struct{ A int64 }
		if err := feather.New(feather.Options{Limit: 1_200_000}).Decode(data, &back); err == nil {
			t.Error("the rows themselves are not counted")
		}
	}
	var record arrow.Record
	data := encode(t, feather.None, rows)
	codec := feather.New(feather.Options{Limit: 200_000})
	if err := codec.Decode(data, &record); err == nil {
		t.Error("a copy of what is not compressed is not counted")
	}
	if err := codec.Take(data, &record); err != nil {
		t.Errorf("what is not copied is counted: %v", err)
	}
}

// TestItLinksNoCompute: Arrow's compute kernels are large, and feather does without.
func TestItLinksNoCompute(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skip("go list: ", err)
	}
	deps := strings.Fields(string(out))
	linked := false
	for _, dep := range deps {
		linked = linked || strings.HasSuffix(dep, "/arrow/ipc")
		for _, heavy := range []string{"/arrow/compute", "/parquet", "google.golang.org/grpc", "encoders/internal/frame/frametest"} {
			if strings.Contains(dep, heavy) && !strings.HasPrefix(dep, "github.com/gin-cachette/cachette/encoders/parquet") {
				t.Errorf("it links %s", dep)
			}
		}
	}
	if !linked {
		t.Errorf("arrow/ipc is not among %d packages", len(deps))
	}
}
