package orjson_test

import (
	"bytes"
	stdjson "encoding/json"
	"reflect"
	"testing"

	"github.com/gin-cachette/cachette/encoders/orjson"
)

// A raw is a type that keeps what its method is given.
type raw struct{ data []byte }

func (r *raw) UnmarshalJSON(data []byte) error { r.data = data; return nil }

// A rawText does so with text.
type rawText struct{ data []byte }

func (r *rawText) UnmarshalText(data []byte) error { r.data = data; return nil }

type holder[T any] struct {
	Other string       `json:"other"`
	One   T            `json:"one"`
	List  []T          `json:"list"`
	Map   map[string]T `json:"map"`
	To    *T           `json:"to"`
}

// TestNothingOfTheDataIsKept: what is decoded stays what it is when the data changes, whatever sonic leaves in it.
func TestNothingOfTheDataIsKept(t *testing.T) {
	texts := `{"other":"other","one":"one","list":["two","three"],"map":{"key":"four"},"to":"five"}`
	numbers := `{"other":"other","one":1.25,"list":[22,-33],"map":{"key":4e4},"to":55}`
	for _, test := range []struct {
		data string
		dst  func() any
	}{
		{`"a text of some length"`, func() any { return new(string) }},
		{`"a text of some length"`, func() any { return new(any) }},
		{`12345`, func() any { return new(any) }},
		{`12345`, func() any { return new(stdjson.Number) }},
		{`{"key":"value"}`, func() any { return new(map[string]string) }},
		{`{"12":"value"}`, func() any { return new(map[int]string) }},
		{`{"key":"value"}`, func() any { return new(map[rank]string) }},
		{`{"other":"` + "\\u00e9" + `","one":"aGVsbG8=","list":["aGVsbG8="]}`, func() any { return new(holder[[]byte]) }},
		{texts, func() any { return new(holder[string]) }},
		{texts, func() any { return new(holder[any]) }},
		{texts, func() any { return new(holder[raw]) }},
		{texts, func() any { return new(holder[rawText]) }},
		{texts, func() any { return new(holder[stdjson.RawMessage]) }},
		{numbers, func() any { return new(holder[float64]) }},
		{numbers, func() any { return new(holder[any]) }},
		{numbers, func() any { return new(holder[raw]) }},
		{numbers, func() any { return new(holder[stdjson.Number]) }},
		{numbers, func() any { return new(holder[stdjson.RawMessage]) }},
		{numbers, func() any { return new(any) }},
	} {
		want, got := test.dst(), test.dst()
		if err := orjson.New().Decode([]byte(test.data), want); err != nil {
			t.Errorf("%T: %v", want, err)
			continue
		}
		data := []byte(test.data)
		if err := orjson.New().Decode(data, got); err != nil {
			t.Errorf("%T: %v", got, err)
		}
		copy(data, bytes.Repeat([]byte("#"), len(data)))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%T: %s changed with its data", got, test.data)
		}
	}
}

// A rank is a text of a type of its own.
type rank string

// TestAnErrorLeavesTheValue: what is decoded before the error is found is not left behind, in a zero value neither.
func TestAnErrorLeavesTheValue(t *testing.T) {
	for _, data := range []string{
		`{"other":"other","one":1,"list":[1,2],"map":{"key":1},"to":"five"}`,
		`{"other":"other","one":1,"list":[1,2`,
		`{"other":"other","one":1} 2`,
	} {
		var zero holder[int]
		if err := orjson.New().Decode([]byte(data), &zero); err == nil {
			t.Errorf("%s: there is no error", data)
		}
		if !reflect.DeepEqual(zero, holder[int]{}) {
			t.Errorf("%s: it left %+v", data, zero)
		}
		old := holder[int]{Other: "before", List: []int{1}}
		if err := orjson.New().Decode([]byte(data), &old); err == nil {
			t.Errorf("%s: there is no error", data)
		}
		if !reflect.DeepEqual(old, holder[int]{Other: "before", List: []int{1}}) {
			t.Errorf("%s: it left %+v", data, old)
		}
	}
}
