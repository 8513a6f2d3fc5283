package encodertest

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestEqual(t *testing.T) {
	now := time.Now()
	berlin := time.FixedZone("", 3600)
	a, b := 5, 5
	tests := []struct {
		name      string
		got, want any
		equal     bool
	}{
		{"nil", nil, nil, true},
		{"nil and a value", nil, 0, false},
		{"types", int32(1), int64(1), false},
		{"strings", "a", "b", false},
		{"NaN", math.NaN(), math.NaN(), true},
		{"NaN and a number", math.NaN(), 1.0, false},
		{"NaN inside", map[string]any{"a": []float64{math.NaN()}}, map[string]any{"a": []float64{math.NaN()}}, true},
		{"minus zero", math.Copysign(0, -1), 0.0, false},
		{"complex", complex(1, math.NaN()), complex(1, math.NaN()), true},
		{"pointers", &a, &b, true},
		{"nil and empty slice", []int(nil), []int{}, false},
		{"nil and empty map", map[string]int(nil), map[string]int{}, false},
		{"slices", []int{1, 2}, []int{1, 3}, false},
		{"lengths", []int{1, 2}, []int{1}, false},
		{"arrays", [2]int{1, 2}, [2]int{1, 2}, true},
		{"map keys", map[string]int{"a": 1}, map[string]int{"b": 1}, false},
		{"map sizes", map[string]int{"a": 1}, map[string]int{"a": 1, "b": 2}, false},
		{"structs", point{1, 2, nil}, point{1, 3, nil}, false},
		{"times", now, now.Round(0).UTC().In(now.Location()), true},
		{"time zones", now.UTC(), now.In(berlin), false},
		{"instants", now, now.Add(1), false},
		{"big zero", big.NewInt(0), new(big.Int).Sub(big.NewInt(1), big.NewInt(1)), true},
		{"big integers", big.NewInt(1), big.NewInt(2), false},
		{"nil pointer with a method", (*big.Int)(nil), big.NewInt(0), false},
		{"functions", func() {}, func() {}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := equal(test.got, test.want); got != test.equal {
				t.Errorf("equal(%#v, %#v) = %v", test.got, test.want, got)
			}
			if got := equal(test.want, test.got); got != test.equal {
				t.Errorf("equal(%#v, %#v) = %v", test.want, test.got, got)
			}
		})
	}
}

func TestMutations(t *testing.T) {
	data := []byte("abc")
	var got []string
	for _, changed := range mutations(data, 100) {
		got = append(got, string(changed))
	}
	for _, want := range []string{"", "a", "ab", "`bc", "a\xe2c", "ab\x9c", "abcabc", "abc\x00"} {
		if !strings.Contains(fmt.Sprintf("%q", got), fmt.Sprintf("%q", want)) {
			t.Errorf("%q is not among %q", want, got)
		}
	}
	if string(data) != "abc" {
		t.Errorf("the data were changed to %q", data)
	}
	if n := len(mutations(make([]byte, 100_000), 256)); n > 3000 {
		t.Errorf("long data gave %d mutations, want at most 3000", n)
	}
}

func TestFuzzFindsDefects(t *testing.T) {
	tests := []struct {
		name  string
		data  string
		codec broken
		want  string
	}{
		{"panic", `x`, broken{decode: func([]byte, any) error { panic("x") }}, "panicked"},
		{"changed data", `"x"`, broken{decode: func(data []byte, dst any) error { data[0] = 0; return nil }}, "changed its data"},
		{"changed destination", `x`, broken{decode: func(data []byte, dst any) error {
			*dst.(*string) = "half"
			return fmt.Errorf("cut short")
		}}, "gave an error"},
		{"memory", `x`, broken{decode: func([]byte, any) error {
			return fmt.Errorf("%d bytes", len(make([]byte, 100<<20)))
		}}, "allocated 1"},
		{"cannot be carried", `"x"`, broken{encode: func(any) ([]byte, error) { return nil, fmt.Errorf("no") }}, "cannot take"},
		{"comes back changed", `"x"`, broken{encode: func(any) ([]byte, error) { return []byte(`"y"`), nil }}, "came back as"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var reports []string
			report := func(format string, args ...any) { reports = append(reports, fmt.Sprintf(format, args...)) }

			Suite{Encoder: good}.fuzzOne(Suite{Encoder: good}, []byte(test.data), reflect.TypeFor[string](), report)
			if reports != nil {
				t.Errorf("a good encoder fails: %q", reports)
			}
			Suite{Encoder: test.codec}.fuzzOne(Suite{Encoder: test.codec}, []byte(test.data), reflect.TypeFor[string](), report)
			if got := strings.Join(reports, "\n"); !strings.Contains(got, test.want) {
				t.Errorf("it reported %q, want %q in it", got, test.want)
			}
		})
	}
}
