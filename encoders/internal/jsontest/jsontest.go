// Package jsontest is what the tests of the codecs json and orjson share: what holds for both of them.
package jsontest

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/encodertest"
	"github.com/gin-cachette/cachette/encoders/internal/null/nulltest"
)

// Run tests a codec. allocBase is the AllocBase of its [encodertest.Suite].
func Run(t *testing.T, codec encoders.Encoder, allocBase int) {
	t.Run("conformance", func(t *testing.T) { conform(t, codec, allocBase) })
	t.Run("what is not one JSON value", func(t *testing.T) { refuseWhatIsNotOneValue(t, codec) })
	t.Run("what is no text", func(t *testing.T) { refuseWhatIsNoText(t, codec) })
	t.Run("errors", func(t *testing.T) { sayWhatIsWrong(t, codec) })
	t.Run("nothing is merged", func(t *testing.T) { mergeNothing(t, codec) })
	t.Run("numbers keep their digits", func(t *testing.T) { keepDigits(t, codec) })
	t.Run("it is registered", func(t *testing.T) {
		if encoder, ok := encoders.Lookup(codec.Name()); !ok || encoder != codec {
			t.Errorf("%s is not registered under its name", codec.Name())
		}
	})
}

// Fuzz looks for bytes that break a codec.
func Fuzz(f *testing.F, codec encoders.Encoder) {
	encodertest.Fuzz(f, codec, "hello", 5, 1.5, true, []int{1, 2}, map[string]any{"a": []any{nil, 1}},
		product{Name: "a", Tags: []string{"b"}}, time.Unix(0, 0).UTC(), []byte{1, 2})
}

type product struct {
	Name   string            `json:"name"`
	Price  float64           `json:"price,omitempty"`
	Tags   []string          `json:"tags"`
	More   map[string]any    `json:"more,omitempty"`
	Parent *product          `json:"parent,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
	Hidden string            `json:"-"`
}

type (
	node   struct{ Next *node }
	hidden struct{ n int }
	outer  struct{ hidden }
	lean   struct {
		N int `json:",omitempty"`
	}
	wide   struct{ lean }
	blank  struct{ _ struct{} }
	locked struct {
		Skipped sync.Mutex `json:"-"`
		Omitted sync.Mutex `json:",omitzero"`
		Nil     *hidden    `json:",omitempty"`
		N       int
	}
	partly struct {
		hidden
		N   int
		Err error
	}
	latin  string
	latin2 struct{}
)

// These write a text that is not UTF-8.
func (l latin) MarshalText() ([]byte, error) { return []byte(l), nil }
func (*latin2) MarshalText() ([]byte, error) { return []byte("\xff"), nil }

func ptr[T any](v T) *T { return &v }

// conform holds a codec to the contract of codecs.
func conform(t *testing.T, codec encoders.Encoder, allocBase int) {
	cycle := &node{}
	cycle.Next = cycle

	into := func(data string, dst any, holds string) encodertest.Into {
		return encodertest.Into{Name: fmt.Sprintf("%q into %T", data, dst), Data: []byte(data), Dst: dst, Holds: holds}
	}
	encodertest.Run(t, encodertest.Suite{
		Encoder:   codec,
		AllocBase: allocBase,
		Cases: []encodertest.Case{
			{Value: nil, Data: []byte("null")},
			{Value: "hello", Data: []byte(`"hello"`)},
			{Value: "", Data: []byte(`""`)},
			{Name: "UTF-8 is kept", Value: "Grüße, 世界 \U0001F600", Data: []byte(`"Grüße, 世界 ` + "\U0001F600" + `"`)},
			{Name: "HTML is kept", Value: "<a href='x'>&</a>", Data: []byte(`"<a href='x'>&</a>"`)},
			{Name: "U+FFFD is a character", Value: "\uFFFD \\ufffd", Data: []byte("\"\uFFFD \\\\ufffd\"")},
			{Name: "its escape in raw JSON", Value: stdjson.RawMessage(`["\ufffd"]`), Data: []byte(`["\ufffd"]`)},
			{Name: "its escape in raw JSON within", Value: map[string]any{"a": stdjson.RawMessage(`"\ufffd"`)},
				Want: map[string]any{"a": "\uFFFD"}},
			{Value: true, Data: []byte("true")},
			{Value: 5, Data: []byte("5")},
			{Value: int64(math.MinInt64)},
			{Value: uint64(math.MaxUint64)},
			{Value: 1.5, Data: []byte("1.5")},
			{Value: math.MaxFloat64},
			{Value: math.SmallestNonzeroFloat64},
			{Value: float32(0.1), Data: []byte("0.1")},
			{Value: []byte{0, 1, 255}, Data: []byte(`"AAH/"`)},
			{Value: []int{1, 2, 3}, Data: []byte("[1,2,3]")},
			{Value: []int{4}},
			{Value: []int{}, Data: []byte("[]")},
			{Value: []int(nil), Data: []byte("null")},
			{Value: [2]bool{true, false}},
			{Value: map[string]int{"b": 2, "a": 1}, Data: []byte(`{"a":1,"b":2}`)},
			{Value: map[string]int{"c": 3}},
			{Value: map[int]string{1: "a", 10: "b"}, Data: []byte(`{"1":"a","10":"b"}`)},
			{Value: product{Name: "a", Price: 1.5, Tags: []string{"x"}}, Data: []byte(`{"name":"a","price":1.5,"tags":["x"]}`)},
			{Value: product{Name: "b", Parent: &product{Name: "c", Labels: map[string]string{"k": "v"}}}},
			{Value: product{Name: "hidden is left out", Hidden: "x"}, Want: product{Name: "hidden is left out"}},
			{Value: &product{Name: "pointer"}},
			{Value: (*product)(nil), Data: []byte("null")},
			{Value: time.Date(2024, 2, 29, 12, 0, 0, 5, time.UTC)},
			{Value: new(big.Int).Exp(big.NewInt(10), big.NewInt(40), nil)},
			{Value: stdjson.RawMessage(`{"a":[1,2]}`), Data: []byte(`{"a":[1,2]}`)},
			{Name: "nulls", Value: []nulltest.UUID{{}, {Valid: true}, {}}}, {Value: nulltest.UUID{}, Data: []byte("null")},
			{Name: "an integer of 19 digits in an any", Value: int64(9007199254740993), Into: new(any),
				Want: stdjson.Number("9007199254740993")},
			{Name: "an any", Value: map[string]any{"a": []any{1, "b", nil, true}}, Into: new(any),
				Want: map[string]any{"a": []any{stdjson.Number("1"), "b", nil, true}}},
			{Name: "of no fields nothing is lost", Value: struct{}{}, Data: []byte("{}")},
			{Name: "of empty fields neither", Value: lean{}, Data: []byte("{}")},
			{Name: "nor of those behind an embedded struct", Value: wide{}, Data: []byte("{}")},
			{Name: "where nothing is, nothing hides", Value: []blank{{}}, Data: []byte("[{}]")},
			{Name: "nor what is not written", Value: locked{N: 1}, Data: []byte(`{"N":1}`)},
			{Name: "nor what writes itself", Value: []any{time.Unix(0, 0).UTC(), big.NewInt(5), struct{}{}, map[string]int{}},
				Want: []any{"1970-01-01T00:00:00Z", stdjson.Number("5"), map[string]any{}, map[string]any{}}},
			{Name: "nor what writes itself by its address", Value: []big.Int{*big.NewInt(5)}, Data: []byte("[5]")},
			{Name: "nor what is embedded", Value: partly{hidden{1}, 2, nil}, Want: partly{hidden{}, 2, nil}, Data: []byte(`{"N":2,"Err":null}`)},
			{Value: map[string]any{"a": 1.10}, Want: map[string]any{"a": stdjson.Number("1.1")}},
		},
		Refuses: []any{
			make(chan int), func() {}, complex(1, 2), cycle, map[string]any{"a": make(chan int)}, []any{func() {}},
			struct{ C complex64 }{1}, map[bool]int{true: 1}, math.NaN(), math.Inf(1), []float64{math.Inf(-1)},
			"\xff", []string{"ok", "\xff"}, map[string]any{"a": "\xff"}, map[string]int{"\xff": 1}, ptr("\xff"),
			product{Name: "\xff"}, product{Parent: &product{Name: "\xff"}}, [1]any{"\xff"},
			hidden{1}, &hidden{1}, ptr(any(hidden{1})), outer{hidden{1}}, errors.New("an error"), &sync.Mutex{}, *big.NewInt(5),
			[]hidden{{1}}, [1]hidden{}, []*hidden{{}}, map[string]hidden{"a": {}}, map[string]any{"err": errors.New("an error")},
			[]any{[]any{map[string]any{"a": &sync.Mutex{}}}}, partly{Err: errors.New("an error")}, struct{ Mutex sync.Mutex }{},
			map[string]big.Int{"a": *big.NewInt(5)}, struct{ B big.Int }{*big.NewInt(5)}, struct{ In *outer }{&outer{}},
			struct{ Outer struct{ In map[string][]any } }{struct{ In map[string][]any }{map[string][]any{"a": {hidden{}}}}},
			stdjson.RawMessage(`"\ud800"`), map[string]any{"a": stdjson.RawMessage(`{"\udc00":1}`)}, stdjson.RawMessage("\"\xff\""),
			[]any{stdjson.RawMessage("\"\xff\"")}, latin("\xff"), &latin2{}, map[latin]int{"\xff": 1}, []any{&latin2{}},
		},
		RefusesInto: []encodertest.Into{
			into(`"text"`, ptr(7), "string"),
			into(`5`, ptr("old"), "number"),
			into(`1.5`, ptr(7), "number"),
			into(`300`, ptr(uint8(7)), "number"),
			into(`-1`, ptr(uint(7)), "number"),
			into(`1e400`, ptr(7.5), "number"),
			into(`true`, ptr("old"), "boolean"),
			into(`[1]`, ptr("old"), "array"),
			into(`[1]`, ptr(map[string]int{"a": 1}), "array"),
			into(`{"a":1}`, ptr([]int{1}), "object"),
			into(` {"a":"b"}`, ptr(map[string]int{"a": 1}), "object"),
			into(`{"name":5}`, ptr(product{Name: "old"}), "object"),
			into(`{"price":1,"parent":{"tags":[5]}}`, ptr(product{Name: "old"}), "object"),
			into(`null`, ptr(7), "null"),
			into(" null\n", ptr("old"), "null"),
			into(`null`, ptr(product{Name: "old"}), "null"),
			into(`null`, ptr([1]int{1}), "null"),
			into(`5`, ptr(make(chan int)), "number"),
			into(`5`, ptr(fmt.Stringer(time.Second)), "number"),
		},
	})
}
