package orjson_test

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/json"
	"github.com/gin-cachette/cachette/encoders/orjson"
)

type (
	base  struct{ A, B int }
	outer struct {
		base
		*Inner
		Name  string         `json:"name,omitempty"`
		N     int            `json:",string"`
		Text  string         `json:",string"`
		Zero  time.Time      `json:"zero,omitzero"`
		Any   any            `json:"any"`
		M     map[int]string `json:"m"`
		Bytes []byte
		F     float64
		Raw   stdjson.RawMessage
		Big   *big.Int
		Num   stdjson.Number
		D     time.Duration
		I     fmt.Stringer
		Skip  int `json:"-"`
		//lint:ignore SA5008 this is how a field is named "-"
		Dash int `json:"-,"`
		B    bool
		X    struct{} `json:",omitempty"`
		E    [0]int   `json:",omitempty"`
		less int
	}
	Inner struct {
		C float32 `json:"c,omitempty"`
		A string
	}
	text  struct{ s string }
	whole struct{ s string }
	tree  struct{ L, R *tree }
	some  struct{ A, B any }
	sick  struct{}
	mad   struct{}
)

func (t text) MarshalText() ([]byte, error)     { return []byte(t.s), nil }
func (t *text) UnmarshalText(data []byte) error { t.s = string(data); return nil }
func (w *whole) MarshalJSON() ([]byte, error)   { return []byte(` { "x" : "<` + w.s + `>" } `), nil }
func (w *whole) UnmarshalJSON(data []byte) error {
	w.s = string(data)
	return nil
}
func (sick) MarshalJSON() ([]byte, error) { return nil, errors.New("no ink") }
func (*sick) UnmarshalJSON([]byte) error  { return errors.New("no glasses") }
func (mad) MarshalJSON() ([]byte, error)  { panic("secret") }
func (*mad) UnmarshalJSON([]byte) error   { panic("secret") }

func values() []any {
	cycle := &tree{}
	cycle.L = cycle
	return []any{
		nil, true, "", "a<b>&'\"\\/", "\x00\x1f\x7f\b\f\n\r\t", "Grüße \u2028\u2029\ufffd \U0001F600", "\xff", "a\xc3", "\xed\xa0\x80",
		0.0, math.Copysign(0, -1), 1.0, 1.5, 1e20, 1e21, 1e-6, 1e-7, 123456789.125, 5e-324, math.MaxFloat64, 0.1 + 0.2, 100.0,
		float32(0.1), float32(1e21), float32(1e-7), float32(math.MaxFloat32), float32(16777216), math.NaN(), math.Inf(1), float32(math.Inf(-1)),
		int8(-128), int64(math.MinInt64), uint64(math.MaxUint64), uintptr(5), time.Second,
		[]byte{}, []byte(nil), []byte{1, 2, 255}, [2]byte{1, 2}, []int(nil), []int{}, [3]int{1, 2}, []*int{nil}, [][]string{{"a"}, nil},
		map[string]int(nil), map[string]int{}, map[string]int{"b": 1, "a": 2, "": 3, "a\"<": 4}, map[int]string{10: "a", 9: "b", -1: "c"},
		map[uint8]bool{200: true, 30: false}, map[text]int{{"b"}: 1, {"a"}: 2}, map[bool]int{true: 1}, map[float64]int{1: 1},
		map[any]any{"a": 1}, map[[2]int]int{{1, 2}: 3}, map[string]string{"\xff": "a"}, map[string]any{"z": 1, "a": []any{nil, 1.5, "x"}},
		struct{}{}, outer{}, &outer{}, outer{Num: "12.50"}, outer{Num: "twelve"}, outer{less: 1, I: time.Second},
		outer{base: base{1, 2}, Inner: &Inner{1.5, "x"}, Text: `q"<`, N: -5, M: map[int]string{1: "a"}, Big: big.NewInt(7),
			Raw: stdjson.RawMessage(` { "a" : [ 1 , "<" ] } `), Any: map[string]any{"x": []int{1}}, Zero: time.Unix(0, 5).UTC()},
		(*outer)(nil), whole{"q"}, &whole{"q"}, []whole{{"z"}}, map[string]*whole{"a": {"z"}, "b": nil}, text{"<t>"}, &text{"t"},
		stdjson.RawMessage("{"), stdjson.RawMessage(""), stdjson.RawMessage(nil), stdjson.RawMessage(" [ 1 ] "),
		stdjson.Number(""), stdjson.Number("1e5"), stdjson.Number("x"), stdjson.Number("-0.0"), time.Unix(1, 0).UTC(),
		time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), big.NewInt(3), *big.NewInt(3), big.NewFloat(1.5), errors.New("an error"),
		make(chan int), func() {}, complex(1, 2), []any{make(chan int)}, struct{ C func() }{}, struct{ C chan int }{}, cycle,
		[]any{deep(5000), "\xff"}, tree{&tree{&tree{nil, nil}, nil}, nil}, sick{}, &sick{}, []any{sick{}}, some{1, "x"}, deep(5000), deep(500),
	}
}

func deep(n int) (value any) {
	for range n {
		value = []any{value}
	}
	return value
}

// TestValuesAreStoredAsByJSON: both codecs refuse a value, or one reads what the other wrote as the same.
func TestValuesAreStoredAsByJSON(t *testing.T) {
	for i, value := range values() {
		label := fmt.Sprintf("%d: %T", i, value)
		want, wantErr := json.New().Encode(value)
		got, err := orjson.New().Encode(value)
		if !sameError(err, wantErr) {
			t.Errorf("%s: orjson says %v, and json says %v", label, err, wantErr)
			continue
		}
		if err != nil {
			continue
		}
		if i := bytes.IndexAny(want, "\u2028\u2029\\"); i < 0 && !bytes.Equal(got, want) {
			t.Errorf("%s: orjson writes %.300s, and json writes %.300s", label, got, want)
		}
		var one, two any
		if err := json.New().Decode(got, &one); err != nil {
			t.Errorf("%s: json cannot read %.300s: %v", label, got, err)
		}
		if err := json.New().Decode(want, &two); err != nil || !reflect.DeepEqual(one, two) {
			t.Errorf("%s: %.300s means another thing than %.300s", label, got, want)
		}
		if len(got) > len(want) && !strings.Contains(string(got), `\u00`) {
			t.Errorf("%s: %.300s is longer than %.300s", label, got, want)
		}
	}
}

// sameError reports whether two codecs said the same: both nothing, or the same but for their names.
func sameError(err, want error) bool {
	if err == nil || want == nil {
		return err == nil && want == nil
	}
	if errors.Is(err, encoders.ErrUnsupportedType) != errors.Is(want, encoders.ErrUnsupportedType) {
		return false
	}
	return strings.ReplaceAll(err.Error(), "codec orjson", "codec json") == want.Error()
}

var texts = []string{
	``, ` `, `null`, " null\n", `nullx`, `nul`, `true`, `tru`, `True`, `1`, `-0`, `-0.0`, `-0e5`, ` -0 `, `[-0,-0]`, `{"F":-0}`, `"-0"`, `1.5`, `01`, `1.`, `.5`, `+1`, `-`, `1e5`, `1E+5`, `1e`,
	`1e400`, `-1e400`, `300`, `-1`, `9223372036854775808`, `18446744073709551616`, `12345678901234567890123`, `1.0`, `0.1`, `4.9e-324`, `1e-400`,
	`123456789.123456789123456789`, `0x10`, `NaN`, `Infinity`, `-Infinity`, "1\x00", "1\v", "\u00a01", "\ufeff1",
	`"a"`, `"\u0041"`, `"\ud800"`, `"\udc00"`, `"\ud83d\ude00"`, `"\ude00\ud83d"`, `"\ud\ude00\ud83d83d"`, `{"unknown":"\ud\ude00\ud83d83d"}`, `{"Raw":"\ud\ude00\ud83d83d"}`, `"\ud800x"`, `"\ud800\n"`, `"\ud800\u0041"`, "\"\x01\"", "\"\n\"",
	"\"\x7f\"", `"\x"`, `"\/"`, `"\u00"`, `"\u00zz"`, `"abc`, `"\`, `'a'`, "\"a\x00b\"", `"\u0000"`, `"AQI="`, `"AQI"`, `"AQ\nI="`, `"!!"`,
	`"2024-02-29T12:00:00Z"`, `"2024-02-30T12:00:00Z"`, `"5"`, `[]`, `[1,]`, `[,1]`, `[1 2]`, `[1,2,3]`, `[1,2,3,]`, `[1,2,3 , ]`, `[1,2,3,4]`, `[[1,2],]`, `[[1,2,],[3,4]]`, `{"a":[1,2,]}`, `[null]`, `["a"]`, `[1]]`, `[`, `[1`,
	`{}`, `{"a":1}`, `{"a":1,"a":2}`, `{"A":1}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{1:1}`, `{"a":"x","b":"y"}`, `{"B":true}`, `{"b":1}`,
	`{"name":null}`, `{"NAME":"x"}`, `{"Name":"x","name":"y"}`, `{"ſkip":1,"Skip":2}`, `{"N":"5"}`, `{"N":5}`, `{"N":"x"}`, `{"n":"5"}`, `{"N":"5 "}`,
	`{"N":null}`, `{"Text":"\"a\""}`, `{"Text":"a"}`, `{"any":1.50}`, `{"any":{"x":12345678901234567890}}`, `{"m":{"1":"a"}}`, `{"m":{"x":"a"}}`,
	`{"m":{"1.0":"a"}}`, `{"m":{"99999999999999999999":"a"}}`, `{"Bytes":"AQI="}`, `{"Bytes":"!!"}`, `{"Bytes":[1,2]}`, `{"F":1e400}`, `{"F":"1"}`,
	`{"Raw": {"q" : 1 } }`, `{"Raw":null}`, `{"Big":123456789012345678901234567890}`, `{"Big":"12"}`, `{"Big":null}`, `{"Num":"12"}`, `{"Num":12.50}`,
	`{"Num":"x"}`, `{"D":5}`, `{"D":5.5}`, `{"I":null}`, `{"I":1}`, `{"zero":"2024-02-29T12:00:00Z"}`, `{"zero":5}`, `{"c":1.5}`, `{"c":1e39}`, `{"-":5}`,
	`{"L":{"R":{"L":null}}}`, `5 6`, `{}{}`, `{} x`, `{"\u0061":5}`, `{"unknown":{"x":[1,2,"\ud800",{"q":tru}]}}`, `{"unknown":"\x"}`,
	"{\"unknown\":\"\x01\"}", `{"unknown":01}`, `{"unknown":1e999}`, `{"unknown":[1,2}`, `{"less":5}`, `{"A":"1"}`, `{"":1}`, `{"a":{"a":{"a":1}}}`,
	strings.Repeat("[", 500) + strings.Repeat("]", 500), strings.Repeat("[", 9999) + strings.Repeat("]", 9999),
	strings.Repeat("[", 10001) + strings.Repeat("]", 10001), strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000),
	strings.Repeat(`{"L":`, 9000) + "null" + strings.Repeat("}", 9000), strings.Repeat(`{"L":`, 20_000) + "null" + strings.Repeat("}", 20_000),
	`{"unknown":` + strings.Repeat("[", 10001) + strings.Repeat("]", 10001) + "}", strings.Repeat(" ", 100) + "1" + strings.Repeat("\n", 100),
}

var types = []reflect.Type{
	reflect.TypeFor[any](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[uint](), reflect.TypeFor[uint8](),
	reflect.TypeFor[float64](), reflect.TypeFor[float32](), reflect.TypeFor[string](), reflect.TypeFor[bool](), reflect.TypeFor[[]byte](),
	reflect.TypeFor[[]int](), reflect.TypeFor[[3]int](), reflect.TypeFor[[1][2]int](), reflect.TypeFor[map[string]*[2]any](), reflect.TypeFor[*int](), reflect.TypeFor[[]any](), reflect.TypeFor[[]string](),
	reflect.TypeFor[map[string]any](), reflect.TypeFor[map[int]string](), reflect.TypeFor[map[string]int](), reflect.TypeFor[map[text]int](),
	reflect.TypeFor[map[string]string](), reflect.TypeFor[[]float64](), reflect.TypeFor[outer](), reflect.TypeFor[*outer](), reflect.TypeFor[[]outer](), reflect.TypeFor[base](),
	reflect.TypeFor[text](), reflect.TypeFor[whole](), reflect.TypeFor[big.Int](), reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration](),
	reflect.TypeFor[stdjson.Number](), reflect.TypeFor[stdjson.RawMessage](), reflect.TypeFor[some](), reflect.TypeFor[fmt.Stringer](),
	reflect.TypeFor[chan int](), reflect.TypeFor[[][]int](), reflect.TypeFor[[]*int](), reflect.TypeFor[[2]byte](), reflect.TypeFor[tree](),
	reflect.TypeFor[sick](), reflect.TypeFor[struct{}](), reflect.TypeFor[map[bool]int](),
}

// compare decodes a text into a type by both codecs, which must agree.
func compare(t *testing.T, text string, typ reflect.Type) {
	t.Helper()
	want, got := reflect.New(typ), reflect.New(typ)
	wantErr := json.New().Decode([]byte(text), want.Interface())
	err := orjson.New().Decode([]byte(text), got.Interface())
	if !sameError(err, wantErr) {
		t.Errorf("%.200q into %v: orjson says %v, and json says %v", text, typ, err, wantErr)
	} else if !same(got.Elem().Interface(), want.Elem().Interface()) {
		t.Errorf("%.200q into %v: orjson reads %.200v, and json reads %.200v", text, typ, got.Elem(), want.Elem())
	}
}

// same tells -0 from 0 too, which reflect does not.
func same(got, want any) bool {
	one, err := json.New().Encode(got)
	two, wantErr := json.New().Encode(want)
	return reflect.DeepEqual(got, want) && bytes.Equal(one, two) && sameError(err, wantErr)
}

func TestTextsAreReadAsByJSON(t *testing.T) {
	for _, text := range texts {
		for _, typ := range types {
			compare(t, text, typ)
		}
	}
}

// TestBase64 looks at each length with each padding, and at escapes, alone and in a document.
func TestBase64(t *testing.T) {
	for n := range 20 {
		for padding := range 4 {
			text := strings.Repeat("QOx1", 5)[:n] + strings.Repeat("=", padding)
			for _, text := range []string{text, text + "A", `\u0051` + text, text + `\n`, `\n` + text} {
				for _, document := range []string{`"%s"`, `{"a":"%s"}`, `{"b":"Q===","a":"%s","c":"QQ=="}`, `{"a=":"%s"}`} {
					text := fmt.Sprintf(document, text)
					compare(t, text, reflect.TypeFor[[]byte]())
					compare(t, text, reflect.TypeFor[map[string][]byte]())
					compare(t, text, reflect.TypeFor[struct {
						A []byte
						C *[]byte
						B string
					}]())
				}
			}
		}
	}
}

type hidden struct{ Z int }

// TestTheDifferencesThatRemain pins what the package comment says.
func TestTheDifferencesThatRemain(t *testing.T) {
	if !orjson.Fast {
		t.Skip("sonic does not know this processor or version of Go")
	}
	stored := []struct {
		name       string
		value      any
		want, json string // empty means that it is refused
	}{
		{"line separators", "\u2028\u2029", "\"\u2028\u2029\"", `"\u2028\u2029"`},
		{"backspace and form feed", "\b\f", `"\u0008\u000c"`, `"\b\f"`},
		{"boolean keys in an any", []any{map[bool]int{true: 1}}, `[{"true":1}]`, ``},
		{"no keys of a type that JSON has none of", map[float64]int{}, `{}`, ``},
	}
	for _, test := range stored {
		got, err := orjson.New().Encode(test.value)
		if string(got) != test.want || (err != nil) != (test.want == "") {
			t.Errorf("%s: orjson writes %q, %v; want %q", test.name, got, err, test.want)
		}
		got, err = json.New().Encode(test.value)
		if string(got) != test.json || (err != nil) != (test.json == "") {
			t.Errorf("%s: json writes %q, %v; want %q", test.name, got, err, test.json)
		}
	}

	var behind struct{ *hidden }
	if err := orjson.New().Decode([]byte(`{"Z":5}`), &behind); err != nil || behind.hidden == nil || behind.Z != 5 {
		t.Errorf("orjson reads %+v, %v", behind, err)
	}
	if err := json.New().Decode([]byte(`{"Z":5}`), &behind); err == nil {
		t.Error("json reads behind an embedded pointer to what is not exported")
	}
}

// TestAPanicIsAnError: a method of a type that panics takes nothing with it, and does not tell what it panicked with.
func TestAPanicIsAnError(t *testing.T) {
	_, err := orjson.New().Encode(mad{})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("Encode gave the error %v", err)
	}
	if err := orjson.New().Decode([]byte(`5`), &mad{}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("Decode gave the error %v", err)
	}
}

// TestMarshalersAreMadeCompact: as compact as by encoding/json, whatever the type in which it lies.
func TestMarshalersAreMadeCompact(t *testing.T) {
	raw := stdjson.RawMessage(" [ 1 , 2 ] ")
	for _, value := range []any{
		raw, &raw, []stdjson.RawMessage{raw}, []any{raw}, map[string]any{"a": raw}, map[string]*stdjson.RawMessage{"a": &raw},
		struct{ R stdjson.RawMessage }{raw}, [1]struct{ R any }{{raw}}, &whole{"a"}, struct{ W *whole }{&whole{"a"}},
		struct {
			At time.Time
			W  []*whole
		}{W: []*whole{{"a"}}},
	} {
		got, err := orjson.New().Encode(value)
		want, _ := json.New().Encode(value)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%T: orjson writes %s, %v; want %s", value, got, err, want)
		}
	}
}

// FuzzAgainstJSON looks for a text that the two codecs do not read alike.
func FuzzAgainstJSON(f *testing.F) {
	for _, text := range texts {
		if len(text) < 200 {
			f.Add([]byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, typ := range types {
			compare(t, string(data), typ)
		}
	})
}
