package jsontest

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/encoders"
)

func refuseWhatIsNotOneValue(t *testing.T, codec encoders.Encoder) {
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
			err := codec.Decode([]byte(test.data), &dst)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "*interface {}") {
				t.Errorf("the error is %v, want %q and the type in it", err, test.want)
			}
			if dst != "old" {
				t.Errorf("the value changed to %v", dst)
			}
		})
	}
	var dst int
	if err := codec.Decode([]byte(" \r\n\t5 \r\n\t"), &dst); err != nil || dst != 5 {
		t.Errorf("with space around it, 5 came back as %d, %v", dst, err)
	}
}

// refuseWhatIsNoText: encoding/json reads U+FFFD in its place, so that keys which differ become one.
func refuseWhatIsNoText(t *testing.T, codec encoders.Encoder) {
	for _, data := range []string{
		`"\ud800"`, `"\uD800"`, `"\udc00"`, `"\uDFFF"`, `"\udbff"`, `"a\ud800"`, `"\ud800a"`, `"\ud800\n"`, `"\ud800\\udc00"`,
		`"\ud800\ud800"`, `"\ud800\u0041"`, `"\udc00\ud800"`, `"\ud83d\ude00\ud83d"`, `"\\\ud800"`, `{"\ud800":1,"\ud801":2}`,
		`{"unknown":["\ud800"]}`, "\"\xff\"", "{\"\xff\":1,\"\xfe\":2}", "\"\xed\xa0\x80\"", "{\"unknown\":\"\xff\"}",
	} {
		for _, dst := range []any{new(any), new(string), new(map[string]int), new(product), new(stdjson.RawMessage)} {
			err := codec.Decode([]byte(data), dst)
			if got := reflect.ValueOf(dst).Elem(); err == nil || !got.IsZero() {
				t.Errorf("%q into %T: it is fetched as %q (%v)", data, dst, got, err)
			}
		}
	}
	for data, want := range map[string]string{
		`"\ud83d\ude00"`: "\U0001F600", `"\uD83D\uDE00\u00e9"`: "\U0001F600é", `"\\ud800"`: `\ud800`, `"\\\\ud800"`: `\\ud800`,
		`"\ud7ff\ue000"`: "\ud7ff\ue000", `"\ufffd"`: "\ufffd", "\"\xf0\x9f\x98\x80\"": "\U0001F600",
	} {
		var got string
		if err := codec.Decode([]byte(data), &got); err != nil || got != want {
			t.Errorf("%q: it is fetched as %q (%v), want %q", data, got, err, want)
		}
	}
}

// sayWhatIsWrong: NAME stands for the codec's name.
func sayWhatIsWrong(t *testing.T, codec encoders.Encoder) {
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"mismatch", codec.Decode([]byte(`"a"`), new(int)),
			"cachette: codec NAME cannot decode a JSON string into *int: string stands where the Go type has int"},
		{"in a field", codec.Decode([]byte(`{"parent":{"name":5}}`), new(product)),
			"cachette: codec NAME cannot decode a JSON object into *jsontest.product: " +
				"in field parent.name number stands where the Go type has string"},
		{"numbers are not shown", codec.Decode(bytes.Repeat([]byte("9"), 5000), new(int)),
			"cachette: codec NAME cannot decode a JSON number into *int: " +
				"number stands where the Go type has int"},
		{"a type's own error is not shown", codec.Decode([]byte(`"s3cr3t"`), new(time.Time)),
			"cachette: codec NAME cannot decode a JSON string into *time.Time: the Go type, or one within it, refuses what stands there"},
		{"a type's own error is not shown with what it wraps", codec.Decode([]byte(`"s3cr3t"`), new(wrapping)),
			"cachette: codec NAME cannot decode a JSON string into *jsontest.wrapping: the Go type, or one within it, refuses what stands there"},
		{"a type's own mismatch is not shown", codec.Decode([]byte(`["s3cr3t"]`), new([]quoting)),
			"cachette: codec NAME cannot decode a JSON array into *[]jsontest.quoting: the Go type, or one within it, refuses what stands there"},
		{"a panic is not shown", codec.Decode([]byte(`["s3cr3t"]`), new([]panicking)),
			"cachette: codec NAME cannot decode into *[]jsontest.panicking: a method of a type panicked"},
		{"null", codec.Decode([]byte(`null`), new(int)),
			"cachette: codec NAME cannot decode null into *int: fetch into a pointer or an any"},
		{"a channel within", second(codec.Encode(map[string]any{"a": make(chan int)})),
			"cachette: codec NAME cannot encode map[string]interface {}: JSON has no form for chan int"},
		{"NaN", second(codec.Encode(math.NaN())),
			"cachette: codec NAME cannot encode float64: JSON has no form for it: NaN"},
		{"not UTF-8", second(codec.Encode("\xff")),
			"cachette: codec NAME cannot encode string: it has a string that is not UTF-8, which JSON cannot hold: store bytes as []byte"},
		{"nothing exported", second(codec.Encode(errors.New("no ink"))),
			"cachette: codec NAME cannot encode *errors.errorString: errors.errorString has no exported fields, so that nothing of it would be stored"},
		{"nothing exported within", second(codec.Encode(map[string]any{"a": []any{1, &sync.Mutex{}}})),
			"cachette: codec NAME cannot encode map[string]interface {}: sync.Mutex has no exported fields, so that nothing of it would be stored"},
		{"half of a pair that is written", second(codec.Encode(stdjson.RawMessage(`"\ud800"`))),
			"cachette: codec NAME cannot encode json.RawMessage: a method of a type writes " +
				`an escape that is half of a surrogate pair, such as \ud800, which is no character`},
		{"half of a pair", codec.Decode([]byte(`"\udc00"`), new(string)),
			"cachette: codec NAME cannot decode into *string: the data has " +
				`an escape that is half of a surrogate pair, such as \ud800, which is no character`},
		{"no text", codec.Decode([]byte("\"caf\xe9\""), new(string)),
			"cachette: codec NAME cannot decode into *string: the data is not UTF-8"},
		{"a channel that a method meets", second(codec.Encode(inVain{})),
			"cachette: codec NAME cannot encode jsontest.inVain: JSON has no form for chan int"},
		{"no number", second(codec.Encode([]stdjson.Number{"s3cr3t"})),
			"cachette: codec NAME cannot encode []json.Number: it has a json.Number that is no number"},
		{"a type's own error is kept", second(codec.Encode(stdjson.RawMessage("{"))),
			"cachette: codec NAME cannot encode json.RawMessage: json: error calling MarshalJSON for type json.RawMessage: unexpected end of JSON input"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if want := strings.ReplaceAll(test.want, "NAME", codec.Name()); test.err == nil || test.err.Error() != want {
				t.Errorf("got  %v\nwant %s", test.err, want)
			}
		})
	}
}

// inVain has a method that writes what JSON has no form for.
type inVain struct{ N int }

func (inVain) MarshalJSON() ([]byte, error) {
	return stdjson.Marshal([]any{make(chan int)})
}

// These quote the value in what they return, or panic with it.
type (
	wrapping  struct{}
	quoting   struct{}
	panicking struct{}
)

func (*wrapping) UnmarshalJSON(data []byte) error {
	return fmt.Errorf("%s: %w", data, stdjson.Unmarshal([]byte("{x"), new(any)))
}

func (*quoting) UnmarshalJSON(data []byte) error {
	return &stdjson.UnmarshalTypeError{Value: string(data), Type: reflect.TypeFor[int]()}
}

func (*panicking) UnmarshalJSON(data []byte) error { panic(string(data)) }

func second(_ []byte, err error) error { return err }

// mergeNothing: what hides in an old value does not come out of a fetch.
func mergeNothing(t *testing.T, codec encoders.Encoder) {
	dst := product{Name: "old", Hidden: "old", Tags: []string{"old"}, More: map[string]any{"old": 1}}
	if err := codec.Decode([]byte(`{"price":1}`), &dst); err != nil {
		t.Fatal(err)
	}
	if dst.Name != "" || dst.Hidden != "" || dst.Tags != nil || dst.More != nil || dst.Price != 1 {
		t.Errorf("something of the old value is left: %+v", dst)
	}
}

// keepDigits: in every any, wherever in a type it lies.
func keepDigits(t *testing.T, codec encoders.Encoder) {
	type (
		leaf  struct{ N any }
		inner struct{ L []map[string]*leaf }
		ring  struct {
			Next *ring
			In   [1]inner
		}
	)
	const digits = "12345678901234567890.5"
	number := stdjson.Number(digits)
	var one any
	var two map[string]any
	var three []any
	var four ring
	tests := []struct {
		data string
		dst  any
		got  func() any
	}{
		{digits, &one, func() any { return one }},
		{`{"a":` + digits + `}`, &two, func() any { return two["a"] }},
		{`[` + digits + `]`, &three, func() any { return three[0] }},
		{`{"Next":{"In":[{"L":[{"a":{"N":` + digits + `}}]}]}}`, &four, func() any { return four.Next.In[0].L[0]["a"].N }},
	}
	for _, test := range tests {
		if err := codec.Decode([]byte(test.data), test.dst); err != nil || test.got() != any(number) {
			t.Errorf("into %T: got %v, %v", test.dst, test.got(), err)
		}
	}
}
