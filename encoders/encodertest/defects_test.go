package encodertest

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/json"
)

type point struct {
	X, Y int
	Tags []string `json:",omitempty"`
}

// suite is one that the json codec passes, for another encoder.
func suite(encoder encoders.Encoder) Suite {
	return Suite{
		Encoder: encoder,
		Cases: []Case{
			{Value: "text", Data: []byte(`"text"`)},
			{Value: ""},
			{Value: []byte{1, 2, 3}},
			{Value: stdjson.RawMessage(`{"a":"b"}`)},
			{Value: stdjson.RawMessage(`{"a":"c"}`)},
			{Value: map[string]int{"a": 1, "b": 2, "c": 3}},
			{Value: map[string]int{"d": 4}},
			{Value: []int{1, 2, 3}},
			{Value: []int{4}},
			{Value: point{1, 2, []string{"a"}}},
			{Value: point{3, 0, nil}},
			{Name: "a number in an any", Value: 5, Into: new(any), Want: stdjson.Number("5")},
			{Value: nil},
		},
		Refuses:     []any{make(chan int)},
		RefusesInto: []Into{{Value: "text", Dst: ptr(7), Holds: "string"}, {Data: []byte(`[1]`), Dst: ptr("old")}},
	}
}

func ptr[T any](v T) *T { return &v }

// broken is the json codec, but for what a defect replaces.
type broken struct {
	name   func() string
	encode func(value any) ([]byte, error)
	decode func(data []byte, dst any) error
}

var good = json.New()

func (b broken) Name() string {
	if b.name != nil {
		return b.name()
	}
	return good.Name()
}

func (b broken) Encode(value any) ([]byte, error) {
	if b.encode != nil {
		return b.encode(value)
	}
	return good.Encode(value)
}

func (b broken) Decode(data []byte, dst any) error {
	if b.decode != nil {
		return b.decode(data, dst)
	}
	return good.Decode(data, dst)
}

// failures runs the check of that name and returns what it reports.
func failures(t *testing.T, name string, s Suite) (reports []string) {
	i := slices.IndexFunc(checks, func(c check) bool { return c.name == name })
	if i < 0 {
		t.Fatalf("there is no check %q", name)
	}
	checks[i].run(s, func(format string, args ...any) { reports = append(reports, fmt.Sprintf(format, args...)) })
	return reports
}

// TestAGoodEncoderPasses: a defect is found by its check because of the defect.
func TestAGoodEncoderPasses(t *testing.T) {
	for _, check := range checks {
		if reports := failures(t, check.name, suite(broken{})); reports != nil {
			t.Errorf("the check %q fails: %q", check.name, reports)
		}
	}
}

func TestRun(t *testing.T) { Run(t, suite(good)) }

// isDst reports whether dst is a pointer to decode into, as the json codec takes it.
func isDst(dst any) bool {
	v := reflect.ValueOf(dst)
	return v.Kind() == reflect.Pointer && !v.IsNil()
}

// TestEachDefectIsFound breaks one promise at a time, and wants the check that is meant for it to fail.
func TestEachDefectIsFound(t *testing.T) {
	var calls atomic.Int64
	scratch := make([]byte, 1<<20)

	tests := []struct {
		defect  string
		encoder func() broken
		want    string // the check that finds it
	}{
		{"no name", func() broken {
			return broken{name: func() string { return "" }}
		}, "name"},
		{"another name each time", func() broken {
			return broken{name: func() string { return fmt.Sprint("n", calls.Add(1)) }}
		}, "name"},
		{"Encode fails for a type that is claimed", func() broken {
			return broken{encode: func(value any) ([]byte, error) {
				if _, ok := value.(point); ok {
					return nil, fmt.Errorf("not today")
				}
				return good.Encode(value)
			}}
		}, "round trip"},
		{"Encode panics for a type that is claimed", func() broken {
			return broken{encode: func(value any) ([]byte, error) {
				if _, ok := value.(point); ok {
					panic("point")
				}
				return good.Encode(value)
			}}
		}, "round trip"},
		{"other bytes than promised", func() broken {
			return broken{encode: func(value any) ([]byte, error) {
				data, err := good.Encode(value)
				return append([]byte(" "), data...), err
			}}
		}, "round trip"},
		{"a value is lost", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				err := good.Decode(data, dst)
				if p, ok := dst.(*point); ok && p != nil {
					p.Y = 0
				}
				return err
			}}
		}, "round trip"},
		{"a type is lost", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				err := good.Decode(data, dst)
				if p, ok := dst.(*any); ok && p != nil {
					if number, ok := (*p).(stdjson.Number); ok {
						*p, _ = number.Float64()
					}
				}
				return err
			}}
		}, "round trip"},
		{"other bytes each time", func() broken {
			return broken{encode: func(value any) ([]byte, error) {
				data, err := good.Encode(value)
				if _, ok := value.(map[string]int); ok && calls.Add(1)%50 == 0 {
					data = append(data, ' ')
				}
				return data, err
			}}
		}, "same value same bytes"},
		{"one buffer for all", func() broken {
			return broken{encode: func(value any) ([]byte, error) {
				data, err := good.Encode(value)
				return scratch[:copy(scratch, data)], err
			}}
		}, "bytes are the caller's"},
		{"Encode gives out the value's own bytes", func() broken {
			return broken{encode: func(value any) ([]byte, error) {
				if raw, ok := value.(stdjson.RawMessage); ok {
					return raw, nil
				}
				return good.Encode(value)
			}}
		}, "bytes are the caller's"},
		{"Decode keeps its data", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				if raw, ok := dst.(*stdjson.RawMessage); ok && isDst(dst) && stdjson.Valid(data) {
					*raw = data
					return nil
				}
				return good.Decode(data, dst)
			}}
		}, "bytes are the caller's"},
		{"Decode changes its data", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				err := good.Decode(data, dst)
				if len(data) > 0 {
					data[0] = '!'
				}
				return err
			}}
		}, "bytes are the caller's"},
		{"Decode merges", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				fresh := point{}
				if p, ok := dst.(*point); ok && isDst(dst) && good.Decode(data, &fresh) == nil {
					fresh.Tags = append(fresh.Tags, p.Tags...)
					*p = fresh
					return nil
				}
				return good.Decode(data, dst)
			}}
		}, "the old value is replaced"},
		{"Decode writes into the old value's array", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				var fresh []int
				if p, ok := dst.(*[]int); ok && isDst(dst) && good.Decode(data, &fresh) == nil {
					*p = append((*p)[:0], fresh...)
					return nil
				}
				return good.Decode(data, dst)
			}}
		}, "the old value is replaced"},
		{"Encode takes anything", func() broken {
			return broken{encode: func(value any) ([]byte, error) {
				if data, err := good.Encode(value); err == nil {
					return data, nil
				}
				return []byte("null"), nil
			}}
		}, "refused values"},
		{"Encode panics at what it cannot take", func() broken {
			return broken{encode: func(value any) ([]byte, error) {
				data, err := good.Encode(value)
				if err != nil {
					panic(err)
				}
				return data, nil
			}}
		}, "refused values"},
		{"Encode refuses with an error of another kind", func() broken {
			return broken{encode: func(value any) ([]byte, error) {
				data, err := good.Encode(value)
				if err != nil {
					err = fmt.Errorf("%v", err)
				}
				return data, err
			}}
		}, "refused values"},
		{"the refusal names another type", func() broken {
			return broken{encode: func(value any) ([]byte, error) {
				data, err := good.Encode(value)
				if err != nil {
					err = &encoders.UnsupportedTypeError{Codec: "json", Op: "encode", Type: "something"}
				}
				return data, err
			}}
		}, "refused values"},
		{"Encode gives bytes beside an error", func() broken {
			return broken{encode: func(value any) ([]byte, error) {
				data, err := good.Encode(value)
				if err != nil {
					data = []byte("half")
				}
				return data, err
			}}
		}, "refused values"},
		{"Decode panics at a nil pointer", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				_ = reflect.ValueOf(dst).Elem().Interface()
				return good.Decode(data, dst)
			}}
		}, "bad destinations"},
		{"Decode into no pointer is no error", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				if !isDst(dst) {
					return nil
				}
				return good.Decode(data, dst)
			}}
		}, "bad destinations"},
		{"Decode leaves a zero where the type does not fit", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				if err := good.Decode(data, dst); err != nil && !strings.Contains(err.Error(), "*int") {
					return err
				}
				return nil
			}}
		}, "refused destinations"},
		{"the refusal does not say what the data holds", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				err := good.Decode(data, dst)
				if unsupported, ok := err.(*encoders.UnsupportedTypeError); ok {
					unsupported.Holds = ""
				}
				return err
			}}
		}, "refused destinations"},
		{"the refusal does not name the destination", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				err := good.Decode(data, dst)
				if unsupported, ok := err.(*encoders.UnsupportedTypeError); ok {
					unsupported.Type = "something"
				}
				return err
			}}
		}, "refused destinations"},
		{"a refused destination is changed", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				err := good.Decode(data, dst)
				if p, ok := dst.(*int); ok && p != nil && err != nil {
					*p = 0
				}
				return err
			}}
		}, "refused destinations"},
		{"not for concurrent use", func() broken {
			entered := make(chan struct{})
			var busy atomic.Bool
			return broken{encode: func(value any) ([]byte, error) {
				if !busy.CompareAndSwap(false, true) {
					select {
					case entered <- struct{}{}:
					default:
					}
					return nil, fmt.Errorf("two at once")
				}
				defer busy.Store(false)
				if calls.Add(1)%100 == 0 {
					// Now and then, give a second caller the time to come in.
					select {
					case <-entered:
					case <-time.After(20 * time.Millisecond):
					}
				}
				return good.Encode(value)
			}}
		}, "concurrent use"},
		{"Decode panics at data that is cut short", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				if len(data) > 0 && data[0] == '{' && data[len(data)-1] != '}' {
					panic("index out of range")
				}
				return good.Decode(data, dst)
			}}
		}, "hostile bytes"},
		{"Decode panics at no data", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				_ = data[0]
				return good.Decode(data, dst)
			}}
		}, "hostile bytes"},
		{"Decode panics at one changed byte", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				if bytes.HasPrefix(data, []byte("\"te\x78\xF4")) {
					panic("a byte that is not ASCII")
				}
				return good.Decode(data, dst)
			}}
		}, "hostile bytes"},
		{"an error leaves half of the new value", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				err := good.Decode(data, dst)
				if p, ok := dst.(*point); ok && p != nil && err != nil {
					p.X = 12345
				}
				return err
			}}
		}, "hostile bytes"},
		{"Decode believes a length", func() broken {
			return broken{decode: func(data []byte, dst any) error {
				if len(data) == 5 && data[0] == 0xDB {
					scratch = make([]byte, 1<<20)
				}
				return good.Decode(data, dst)
			}}
		}, "bounded memory"},
	}
	found := make(map[string]bool)
	for _, test := range tests {
		found[test.want] = true
		t.Run(test.defect, func(t *testing.T) {
			if failures(t, test.want, suite(test.encoder())) == nil {
				t.Errorf("the check %q passes", test.want)
			}
		})
	}
	for _, check := range checks {
		if !found[check.name] {
			t.Errorf("no defect shows that the check %q can fail", check.name)
		}
	}
}
