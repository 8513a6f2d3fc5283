package parquet_test

import (
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/gin-cachette/cachette/encoders/encodertest"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
	"github.com/gin-cachette/cachette/encoders/parquet"
)

type small struct {
	A int     `arrow:"a"`
	B *string `json:"b,omitempty"`
	C []int16
}

func ptr[T any](v T) *T { return &v }

// limited bounds a decoding to 1 MiB, so that the suite's bound can be small.
var limited = frametest.Boxed{Encoder: parquet.New(parquet.Options{Limit: 1 << 20})}

func TestConformance(t *testing.T) {
	encodertest.Run(t, encodertest.Suite{
		Encoder: limited,
		Cases: []encodertest.Case{
			{Value: []small{{A: 1, B: ptr("x"), C: []int16{1, -2}}, {C: []int16{}}}},
			{Value: []small{{A: -7}}},
			{Value: []small{}},
			{Value: []*small{{A: 1}, {A: 2, B: ptr("")}}},
			{Value: frametest.Rows(10)},
			{Value: frametest.Mores(10)},
			{Value: frametest.Models(5)},
			{Value: []struct {
				D time.Duration `arrow:"d,ms"`
				L []*time.Duration
			}{{D: -time.Second, L: []*time.Duration{ptr(time.Duration(7)), nil}}}},
			{Name: "flat", Value: frametest.Box{Record: frametest.Record(2, frametest.Flat...)}},
			{Name: "nested", Value: frametest.Box{Record: frametest.Record(2, frametest.Nested...)}},
			{Name: "no rows", Value: frametest.Box{Record: frametest.Record(0, frametest.Flat[:4]...)}},
			{Name: "no rows of nested columns", Value: frametest.Box{Record: frametest.Record(0, frametest.Nested[:4]...)}},
		},
		Refuses: []any{
			nil, 5, "text", []int{1}, small{}, arrow.Record(nil), []*small{nil}, []struct{ A any }{{1}}, []struct{ S string }{{"caf\xe9"}},
			frametest.Record(1, frametest.Column{Name: "date64", Type: arrow.FixedWidthTypes.Date64, JSON: [3]string{"1", "null", "2"}}),
		},
		RefusesInto: []encodertest.Into{
			{Value: []small{{}}, Dst: ptr(7), Holds: "table"},
			{Value: []small{{}}, Dst: ptr(any("old")), Holds: "table"},
			{Name: "missing", Value: []small{{}}, Dst: &[]struct{ Z *int }{{nil}}},
			{Name: "another type", Value: []small{{}}, Dst: &[]struct {
				A string `arrow:"a"`
			}{{"old"}}},
		},
		AllocBase: 8 << 20,
	})
}

func TestArraysOfAnyShape(t *testing.T) { frametest.CheckShapes(t, parquet.New(parquet.Options{})) }
