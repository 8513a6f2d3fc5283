package orjson_test

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/encodertest"
	"github.com/gin-cachette/cachette/encoders/orjson"
)

type product struct {
	Name   string            `json:"name"`
	Price  float64           `json:"price,omitempty"`
	Tags   []string          `json:"tags"`
	More   map[string]any    `json:"more,omitempty"`
	Parent *product          `json:"parent,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
	Hidden string            `json:"-"`
}

type node struct{ Next *node }

func ptr[T any](v T) *T { return &v }

func TestConformance(t *testing.T) {
	cycle := &node{}
	cycle.Next = cycle

	into := func(data string, dst any, holds string) encodertest.Into {
		return encodertest.Into{Name: fmt.Sprintf("%q into %T", data, dst), Data: []byte(data), Dst: dst, Holds: holds}
	}
	encodertest.Run(t, encodertest.Suite{
		Encoder: orjson.New(),
		// sonic's decoder is 105 KB of stack, from a pool that may be empty: with the race detector it often is.
		AllocBase: 384 << 10,
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
			{Name: "an integer of 19 digits in an any", Value: int64(9007199254740993), Into: new(any),
				Want: stdjson.Number("9007199254740993")},
			{Name: "an any", Value: map[string]any{"a": []any{1, "b", nil, true}}, Into: new(any),
				Want: map[string]any{"a": []any{stdjson.Number("1"), "b", nil, true}}},
			{Value: map[string]any{"a": 1.10}, Want: map[string]any{"a": stdjson.Number("1.1")}},
		},
		Refuses: []any{
			make(chan int), func() {}, complex(1, 2), cycle, map[string]any{"a": make(chan int)}, []any{func() {}},
			struct{ C complex64 }{1}, map[bool]int{true: 1}, math.NaN(), math.Inf(1), []float64{math.Inf(-1)},
			"\xff", []string{"ok", "\xff"}, map[string]any{"a": "\xff"}, map[string]int{"\xff": 1}, ptr("\xff"),
			product{Name: "\xff"}, product{Parent: &product{Name: "\xff"}}, [1]any{"\xff"},
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

func TestWhatIsNotOneJSONValueIsAnError(t *testing.T) {
	tests := []struct{ data, want string }{
		{``, "cut short"},
		{` `, "cut short"},
		{`{`, "cut short"},
		{`{"a":1`, "cut short"},
		{`"abc`, "cut short"},
		{`5 6`, "1 bytes follow"},
		{`{}{}`, "2 bytes follow"},
		{`{}]`, "1 bytes follow"},
		{`nullx`, "1 bytes follow"},
		{`nulx`, "invalid character"},
		{`NaN`, "invalid character"},
		{`{"a":Infinity}`, "invalid character"},
		{`{'a':1}`, "invalid character"},
		{`[1,]`, "invalid character"},
		{"\ufeff5", "invalid character"},
	}
	for _, test := range tests {
		t.Run(test.data, func(t *testing.T) {
			var dst any = "old"
			err := orjson.New().Decode([]byte(test.data), &dst)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "*interface {}") {
				t.Errorf("the error is %v, want %q and the type in it", err, test.want)
			}
			if dst != "old" {
				t.Errorf("the value changed to %v", dst)
			}
		})
	}
	var dst int
	if err := orjson.New().Decode([]byte(" \r\n\t5 \r\n\t"), &dst); err != nil || dst != 5 {
		t.Errorf("with space around it, 5 came back as %d, %v", dst, err)
	}
}

func TestErrorsAreReadable(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"mismatch", orjson.New().Decode([]byte(`"a"`), new(int)),
			"cachette: codec orjson cannot decode a JSON string into *int: string stands where the Go type has int"},
		{"in a field", orjson.New().Decode([]byte(`{"parent":{"name":5}}`), new(product)),
			"cachette: codec orjson cannot decode a JSON object into *orjson_test.product: " +
				"in field parent.name number stands where the Go type has string"},
		{"numbers are not shown", orjson.New().Decode(bytes.Repeat([]byte("9"), 5000), new(int)),
			"cachette: codec orjson cannot decode a JSON number into *int: " +
				"number stands where the Go type has int"},
		{"null", orjson.New().Decode([]byte(`null`), new(int)),
			"cachette: codec orjson cannot decode null into *int: fetch into a pointer or an any"},
		{"a channel within", second(orjson.New().Encode(map[string]any{"a": make(chan int)})),
			"cachette: codec orjson cannot encode map[string]interface {}: JSON has no form for chan int"},
		{"NaN", second(orjson.New().Encode(math.NaN())),
			"cachette: codec orjson cannot encode float64: JSON has no form for it: NaN"},
		{"not UTF-8", second(orjson.New().Encode("\xff")),
			"cachette: codec orjson cannot encode string: it has a string that is not UTF-8, which JSON cannot hold: store bytes as []byte"},
		{"a type's own error is kept", second(orjson.New().Encode(stdjson.RawMessage("{"))),
			"cachette: codec orjson cannot encode json.RawMessage: json: error calling MarshalJSON for type json.RawMessage: unexpected end of JSON input"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.err == nil || test.err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", test.err, test.want)
			}
		})
	}
}

func second(_ []byte, err error) error { return err }

// TestNothingIsMerged: what hides in an old value does not come out of a fetch.
func TestNothingIsMerged(t *testing.T) {
	dst := product{Name: "old", Hidden: "old", Tags: []string{"old"}, More: map[string]any{"old": 1}}
	if err := orjson.New().Decode([]byte(`{"price":1}`), &dst); err != nil {
		t.Fatal(err)
	}
	if dst.Name != "" || dst.Hidden != "" || dst.Tags != nil || dst.More != nil || dst.Price != 1 {
		t.Errorf("something of the old value is left: %+v", dst)
	}
}

func TestItIsRegistered(t *testing.T) {
	if encoder, ok := encoders.Lookup("orjson"); !ok || encoder.Name() != "orjson" {
		t.Error("orjson is not registered under its name")
	}
}

func FuzzDecode(f *testing.F) {
	encodertest.Fuzz(f, orjson.New(), "hello", 5, 1.5, true, []int{1, 2}, map[string]any{"a": []any{nil, 1}},
		product{Name: "a", Tags: []string{"b"}}, time.Unix(0, 0).UTC(), []byte{1, 2})
}
