package feather_test

import (
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"

	"github.com/gin-cachette/cachette/encoders/encodertest"
	"github.com/gin-cachette/cachette/encoders/feather"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

type small struct {
	A int     `arrow:"a"`
	B *string `json:"b,omitempty"`
	C []int16
	D time.Duration `arrow:"D,ms"`
	e int
	F string `arrow:"-"`
}

type named []small

func ptr[T any](v T) *T { return &v }

// limited bounds a decoding to 1 MiB, so that the suite's bound can be small.
func limited(c feather.Compression) frametest.Boxed {
	return frametest.Boxed{Encoder: feather.New(feather.Options{Compression: c, Limit: 1 << 20})}
}

func TestConformance(t *testing.T) {
	t.Run("lz4", func(t *testing.T) { encodertest.Run(t, suite(limited(feather.LZ4))) })
	// What the others change is only how bytes are packed.
	for name, compression := range map[string]feather.Compression{"zstd": feather.ZSTD, "none": feather.None} {
		t.Run(name, func(t *testing.T) {
			all := suite(limited(compression))
			all.Cases = all.Cases[:4]
			encodertest.Run(t, all)
		})
	}
}

func suite(encoder frametest.Boxed) encodertest.Suite {
	cases := []encodertest.Case{
		{Value: []small{{A: 1, B: ptr("x"), C: []int16{1, -2}, D: time.Second}, {C: []int16{}, D: -5 * time.Millisecond}}},
		{Value: []small{{A: -7}}},
		{Value: []small{}},
		{Name: "nil is empty", Value: []small(nil), Want: []small{}},
		{Name: "what is left out", Value: []small{{A: 1, e: 5, F: "x"}}, Want: []small{{A: 1}}},
		{Value: []*small{{A: 1}, {A: 2, B: ptr("")}}},
		{Value: named{{A: 5}}},
		{Value: frametest.Rows(10)},
		{Value: frametest.Mores(10)},
		{Value: frametest.Models(5)},
		{Name: "other type", Value: []struct{ A int8 }{{5}}, Want: []struct{ A float32 }{{5}}},
	}
	cases = append(cases,
		encodertest.Case{Name: "flat", Value: frametest.Box{Record: frametest.Record(2, frametest.Flat...)}},
		encodertest.Case{Name: "nested", Value: frametest.Box{Record: frametest.Record(2, frametest.Nested...)}},
		encodertest.Case{Name: "deep", Value: frametest.Box{Record: frametest.Record(2, frametest.Deep...)}},
		encodertest.Case{Name: "no rows", Value: frametest.Box{Record: frametest.Record(0, frametest.Flat...)}},
	)
	return encodertest.Suite{
		Encoder: encoder,
		Cases:   cases,
		Refuses: []any{
			nil, 5, "text", []byte("x"), []int{1}, map[string]int{"a": 1}, small{}, &small{}, []any{1}, []time.Time{{}},
			arrow.Record(nil), (*[]small)(nil), []*small{nil}, []struct{ A any }{{1}}, []struct{ a int }{{1}}, []struct{}{{}},
			[]struct{ A map[string]int }{{}}, []struct{ *small }{{}}, []struct{ A **int }{{}}, []struct{ A [0]int }{{}},
			[]struct{ A small }{{}}, []struct{ S string }{{"caf\xe9"}}, []struct{ A complex64 }{{}}, []struct{ A decimal128.Num }{{}}, []frametest.Box{{}},
			[]struct {
				A int `arrow:"a,nonsense"`
			}{{}},
			[]struct {
				A int `arrow:"a,date"`
			}{{}},
			[]struct {
				A int `arrow:"a"`
				B int `arrow:"a"`
			}{{}},
			[]struct {
				T time.Time `arrow:"t,ns"`
			}{{}}, // the year 1
			[]struct {
				D decimal128.Num `arrow:"d,decimal(3,2)"`
			}{{decimal128.FromI64(12345)}},
		},
		RefusesInto: []encodertest.Into{
			{Value: []small{{}}, Dst: ptr(7), Holds: "table"},
			{Value: []small{{}}, Dst: ptr([]int{1}), Holds: "table"},
			{Value: []small{{}}, Dst: ptr(any("old")), Holds: "table"},
			{Value: []small{{}}, Dst: &[]struct{ A string }{{"old"}}, Holds: "table"},
			{Name: "another type", Value: []small{{}}, Dst: &[]struct {
				A string `arrow:"a"`
			}{{"old"}}},
			{Name: "null", Value: []small{{}}, Dst: &[]struct {
				B string `arrow:"b"`
			}{{"old"}}},
			{Name: "too large", Value: []small{{A: 300}}, Dst: &[]struct {
				A uint8 `arrow:"a"`
			}{{1}}},
			{Name: "missing", Value: []small{{}}, Dst: &[]struct {
				A int `arrow:"a"`
				Z *int
			}{{1, nil}}},
		},
		AllocBase: 4 << 20,
	}
}

func TestTable(t *testing.T) {
	record := frametest.Record(100, frametest.Flat...)
	other := frametest.Record(7, frametest.Flat...)
	table := array.NewTableFromRecords(record.Schema(), []arrow.Record{record, other, record.NewSlice(1, 5)})
	codec := feather.New(feather.Options{})
	data, err := codec.Encode(table)
	if err != nil {
		t.Fatal(err)
	}
	var got arrow.Table
	if err := codec.Decode(data, &got); err != nil {
		t.Fatal(err)
	}
	if !array.TableEqual(got, table) {
		t.Errorf("it came back as %v", got)
	}
	var joined arrow.Record
	if err := codec.Decode(data, &joined); err != nil {
		t.Fatal(err)
	}
	if joined.NumRows() != table.NumRows() {
		t.Errorf("as a record it has %d rows, want %d", joined.NumRows(), table.NumRows())
	}
	again := array.NewTableFromRecords(joined.Schema(), []arrow.Record{joined})
	if !array.TableEqual(again, table) {
		t.Errorf("as a record it came back as %v", joined)
	}
}

func TestArraysOfAnyShape(t *testing.T) {
	for _, compression := range []feather.Compression{feather.None, feather.LZ4} {
		frametest.CheckShapes(t, feather.New(feather.Options{Compression: compression}))
	}
}
