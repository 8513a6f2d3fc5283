package frame_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

// column makes a table of one column of values that are JSON.
func column(t *testing.T, typ arrow.DataType, values string) arrow.Table {
	t.Helper()
	data, _, err := array.FromJSON(memory.DefaultAllocator, typ, strings.NewReader(values), array.WithUseNumber())
	if err != nil {
		t.Fatal(err)
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: typ, Nullable: true}}, nil)
	return frame.TableOf(schema, []arrow.Record{array.NewRecord(schema, []arrow.Array{data}, -1)})
}

type field[T any] struct {
	A T `arrow:"a"`
}

// into decodes a table into fields of a type, and returns them.
func into[T any](table arrow.Table) (any, error) {
	rows := []field[T]{}
	dest, err := frame.To("test", &rows)
	if err != nil {
		return nil, err
	}
	if err := dest.Set(table, frame.NewMemory(1<<20)); err != nil {
		if len(rows) > 0 {
			panic("the destination changed")
		}
		return nil, err
	}
	values := []T{}
	for _, row := range rows {
		values = append(values, row.A)
	}
	return values, nil
}

func ptr[T any](v T) *T { return &v }

func TestValuesLandInOtherTypes(t *testing.T) {
	types := arrow.PrimitiveTypes
	texts := &arrow.DictionaryType{IndexType: types.Int8, ValueType: arrow.BinaryTypes.String}
	tests := []struct {
		name   string
		typ    arrow.DataType
		values string
		into   func(arrow.Table) (any, error)
		want   any // the values, or a part of the error
	}{
		{"wider", types.Int8, `[-128,127]`, into[int64], []int64{-128, 127}},
		{"narrower", types.Int64, `[-128,127]`, into[int8], []int8{-128, 127}},
		{"too narrow", types.Int64, `[1,128]`, into[int8], `column "a", row 1: its value does not fit`},
		{"signed to unsigned", types.Int64, `[0,255]`, into[uint8], []uint8{0, 255}},
		{"negative to unsigned", types.Int64, `[-1]`, into[uint8], "does not fit"},
		{"too large for unsigned", types.Int64, `[256]`, into[uint8], "does not fit"},
		{"unsigned to signed", types.Uint64, `[9223372036854775807]`, into[int64], []int64{math.MaxInt64}},
		{"too large for signed", types.Uint64, `[9223372036854775808]`, into[int64], "does not fit"},
		{"whole floats", types.Float64, `[1,-2]`, into[int], []int{1, -2}},
		{"fractions", types.Float64, `[1.5]`, into[int], "not a whole number"},
		{"large floats", types.Float64, `[9223372036854775808]`, into[int64], "not a whole number"},
		{"whole floats, unsigned", types.Float64, `[3]`, into[uint16], []uint16{3}},
		{"negative floats, unsigned", types.Float64, `[-3]`, into[uint16], "not a whole number"},
		{"integers to floats", types.Int64, `[9007199254740992]`, into[float64], []float64{1 << 53}},
		{"integers that floats lack", types.Int64, `[9007199254740993]`, into[float64], "loses digits"},
		{"the largest integer", types.Int64, `[9223372036854775807]`, into[float64], "loses digits"},
		{"floats to narrow ones", types.Float64, `[0.5]`, into[float32], []float32{0.5}},
		{"floats that narrow ones lack", types.Float64, `[0.1]`, into[float32], "loses digits"},
		{"null to a pointer", types.Int64, `[null,5]`, into[*int], []*int{nil, ptr(5)}},
		{"null to a value", types.Int64, `[5,null]`, into[int], `column "a", row 1: it is null`},
		{"null to a string", arrow.BinaryTypes.String, `[null]`, into[string], "it is null"},
		{"null to a slice", arrow.BinaryTypes.Binary, `[null,""]`, into[[]byte], [][]byte{nil, {}}},
		{"a column of nulls", arrow.Null, `[null]`, into[*string], []*string{nil}},
		{"a column of nulls to a value", arrow.Null, `[null]`, into[string], "it is null"},
		{"a dictionary", texts, `["x",null,"y"]`, into[*string], []*string{ptr("x"), nil, ptr("y")}},
		{"text to bytes", arrow.BinaryTypes.String, `["x"]`, into[[]byte], `column "a" is utf8, and the field is []uint8`},
		{"bytes to text", arrow.BinaryTypes.Binary, `["eA=="]`, into[string], "is binary, and the field is string"},
		{"text to numbers", arrow.BinaryTypes.String, `["1"]`, into[int], "is utf8, and the field is int"},
		{"numbers to text", types.Int64, `[1]`, into[string], "is int64, and the field is string"},
		{"booleans", arrow.FixedWidthTypes.Boolean, `[true]`, into[bool], []bool{true}},
		{"booleans to numbers", arrow.FixedWidthTypes.Boolean, `[true]`, into[int], "is bool, and the field is int"},
		{"lists", arrow.LargeListOf(types.Int8), `[[1,2],null,[]]`, into[[]int], [][]int{{1, 2}, nil, {}}},
		{"null in a list", arrow.ListOf(types.Int8), `[[1,null]]`, into[[]int], "it is null"},
		{"lists of fixed size", arrow.FixedSizeListOf(2, types.Int8), `[[1,2],[3,4]]`, into[[]int], [][]int{{1, 2}, {3, 4}}},
		{"dates to times", arrow.FixedWidthTypes.Date32, `["1969-12-31"]`, into[time.Time], []time.Time{time.Unix(-86400, 0).UTC()}},
		{"times before 1970", &arrow.TimestampType{Unit: arrow.Millisecond}, `["1969-12-31 23:59:59.5"]`, into[time.Time],
			[]time.Time{time.UnixMilli(-500).UTC()}},
		{"a zone that there is not", &arrow.TimestampType{Unit: arrow.Second, TimeZone: "Nowhere"}, `[5]`, into[time.Time],
			[]time.Time{time.Unix(5, 0).UTC()}},
		{"durations", &arrow.DurationType{Unit: arrow.Second}, `["5s"]`, into[time.Duration], []time.Duration{5 * time.Second}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.into(column(t, test.typ, test.values))
			if want, isError := test.want.(string); isError {
				if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, encoders.ErrUnsupportedType) {
					t.Errorf("the error is %v, want %q; %v", err, want, got)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("it is %v, %v, want %v", got, err, test.want)
			}
		})
	}
	got, err := into[float64](column(t, types.Float64, `[null]`))
	if err != nil || !math.IsNaN(got.([]float64)[0]) {
		t.Errorf("null in a float is %v, %v, want NaN", got, err)
	}
}

type list []list

type pointer *pointer

func TestTags(t *testing.T) {
	tests := []struct {
		name string
		rows any
		want string
	}{
		{"an unknown option", []struct {
			A int `arrow:"a,decimal(5"`
		}{}, `unknown option "decimal(5"`},
		{"a precision that there is not", []struct {
			A int `arrow:"a,decimal(39,2)"`
		}{}, `unknown option "decimal(39,2)"`},
		{"decimal of another type", []struct {
			A int `arrow:"a,decimal(5,2)"`
		}{}, "not decimal128.Num"},
		{"dictionary of another type", []struct {
			A int `arrow:"a,dictionary"`
		}{}, "neither a string nor one that writes itself as text"},
		{"a unit of another type", []struct {
			A int `arrow:"a,ms"`
		}{}, "option for times"},
		{"a type that holds itself", []struct{ A list }{}, "nested too deeply"},
		{"a pointer to itself", []struct{ A pointer }{}, "no column type"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := frame.From("test", test.rows); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

func TestTheIndex(t *testing.T) {
	type row struct {
		A   int    `arrow:"a"`
		Key string `arrow:"key,index"`
	}
	source, err := frame.From("test", []row{{1, "x"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := frame.Index(source.Schema()); !reflect.DeepEqual(got, []string{"key"}) {
		t.Errorf("the index is %q", got)
	}
	range1 := arrow.NewMetadata([]string{"pandas"}, []string{`{"index_columns": [{"kind": "range", "stop": 3}]}`})
	fields := []arrow.Field{{Name: "a", Type: arrow.Null}, {Name: frame.IndexName, Type: arrow.Null}}
	for want, schema := range map[string]*arrow.Schema{
		"":              arrow.NewSchema(fields[:1], nil),
		frame.IndexName: arrow.NewSchema(fields, nil),
	} {
		if got := strings.Join(frame.Index(schema), " "); got != want {
			t.Errorf("the index is %q, want %q", got, want)
		}
	}
	if got := frame.Index(arrow.NewSchema(fields, &range1)); got != nil {
		t.Errorf("the index is %q, and pandas says that it is a range", got)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	mem := frame.NewMemory(1000)
	use := func(f func()) (err error) {
		defer frame.Guard("test", "decode", nil, &err)
		f()
		return nil
	}
	var buffer []byte
	if err := use(func() { buffer = mem.Allocate(900) }); err != nil {
		t.Error(err)
	}
	limit := new(frame.LimitError)
	if err := use(func() { mem.Reallocate(1900, buffer) }); !errors.As(err, &limit) || limit.Limit != 1000 {
		t.Errorf("beyond the limit the error is %v", err)
	}
	mem = frame.NewMemory(1000)
	for range 10 {
		if err := use(func() { mem.Free(mem.Allocate(900)) }); err != nil {
			t.Error(err)
		}
	}
	for name, f := range map[string]func(){"a negative size": func() { mem.Allocate(-1) }, "a large size": func() { mem.Allocate(math.MaxInt64) }} {
		if err := use(f); err == nil {
			t.Errorf("%s: there is no error", name)
		}
	}
}
