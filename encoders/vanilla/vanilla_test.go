package vanilla_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/encodertest"
	"github.com/gin-cachette/cachette/encoders/internal/null/nulltest"
	"github.com/gin-cachette/cachette/encoders/vanilla"
)

type (
	named    string
	bytes    []byte
	count    int
	ratio    float32
	flag     bool
	shouting string // with a String method that changes it
	color    int    // with a String method that names it, or panics
	hex      int    // with a String method that another integer reads as its own
	written  int    // with MarshalText and no UnmarshalText
	failing  struct{}
	behind   struct{ text string } // with a pointer receiver
)

func (s shouting) String() string              { return strings.ToUpper(string(s)) }
func (c color) String() string                 { return []string{"red", "green", "blue"}[c] }
func (h hex) String() string                   { return strconv.FormatInt(int64(h), 16) }
func (w written) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "written %d", int(w)), nil }
func (failing) MarshalText() ([]byte, error)   { return nil, errors.New("no ink") }
func (failing) UnmarshalText([]byte) error     { return errors.New("no glasses") }
func (b *behind) MarshalText() ([]byte, error) { return []byte(b.text), nil }

// half reads what it can, and then fails.
type half struct{ Text string }

func (h *half) UnmarshalText(text []byte) error {
	h.Text = string(text)
	return errors.New("the end is missing")
}

// loop is a pointer that may point to itself.
type loop *loop

func ptr[T any](v T) *T { return &v }

func TestConformance(t *testing.T) {
	var looped loop
	looped = &looped

	into := func(data string, dst any) encodertest.Into {
		holds := fmt.Sprintf("a text of %d byte", len(data))
		return encodertest.Into{Name: fmt.Sprintf("%q into %T", data, dst), Data: []byte(data), Dst: dst, Holds: holds}
	}
	encodertest.Run(t, encodertest.Suite{
		Encoder: vanilla.New(),
		Cases: []encodertest.Case{
			{Value: "hello", Data: []byte("hello")},
			{Value: "", Data: []byte{}},
			{Value: "Grüße, 世界 \U0001F600\x00\n", Data: []byte("Grüße, 世界 \U0001F600\x00\n")},
			{Name: "not UTF-8", Value: "\xff\xfe", Data: []byte("\xff\xfe")},
			{Value: named("n"), Data: []byte("n")},
			{Value: []byte("raw\x00\xff"), Data: []byte("raw\x00\xff")},
			{Value: []byte{}, Data: []byte{}},
			{Name: "nil bytes", Value: []byte(nil), Want: []byte{}, Data: []byte{}},
			{Value: bytes("named"), Data: []byte("named")},
			{Value: true, Data: []byte("True")},
			{Value: false, Data: []byte("False")},
			{Value: flag(true), Data: []byte("True")},
			{Value: 5, Data: []byte("5")},
			{Value: -5, Data: []byte("-5")},
			{Value: count(7), Data: []byte("7")},
			{Value: int8(math.MinInt8)},
			{Value: int16(math.MinInt16)},
			{Value: int32(math.MinInt32)},
			{Value: int64(math.MinInt64), Data: []byte("-9223372036854775808")},
			{Value: uint(5)},
			{Value: uint8(math.MaxUint8)},
			{Value: uint16(math.MaxUint16)},
			{Value: uint32(math.MaxUint32)},
			{Value: uint64(math.MaxUint64), Data: []byte("18446744073709551615")},
			{Value: 1.0, Data: []byte("1.0")},
			{Value: 1e22, Data: []byte("1e+22")},
			{Value: math.Inf(1), Data: []byte("inf")},
			{Value: math.Inf(-1), Data: []byte("-inf")},
			{Value: math.NaN(), Data: []byte("nan")},
			{Value: math.Copysign(0, -1), Data: []byte("-0.0")},
			{Value: float32(0.1), Data: []byte("0.1")},
			{Value: ratio(2.5), Data: []byte("2.5")},
			{Value: ptr(color(1)), Data: []byte("1")},
			{Value: ptr("pointed at"), Data: []byte("pointed at")},
			{Value: ptr(ptr(5)), Data: []byte("5")},
			{Value: ptr(any(5)), Into: new(int), Want: 5},
			{Name: "a number into an any", Value: 5, Into: new(any), Want: "5"},
			{Name: "a number into a string", Value: 5, Into: new(string), Want: "5"},
			{Name: "an integer into a float", Value: 5, Into: new(float64), Want: 5.0},

			{Value: time.Date(2024, 2, 29, 12, 0, 0, 5, time.UTC), Data: []byte("2024-02-29T12:00:00.000000005Z")},
			{Value: 90 * time.Second, Data: []byte("1m30s")},
			{Value: netip.MustParseAddr("::1"), Data: []byte("::1")},
			{Value: big.NewInt(5), Data: []byte("5")},
			{Value: *big.NewInt(6), Data: []byte("6")},
			{Name: "String leaves a string alone", Value: shouting("quiet"), Data: []byte("quiet")},
			{Name: "and a number", Value: color(2), Data: []byte("2")},
			{Name: "one that it has no name for too", Value: color(3), Data: []byte("3")},
			{Name: "and one that it writes as another", Value: hex(16), Data: []byte("16")},
			{Value: time.March, Data: []byte("3")},
			{Value: nulltest.UUID{ID: [16]byte{1}, Valid: true}}, {Value: nulltest.Decimal{Valid: true}, Data: []byte("0")},
			{Value: nulltest.Price{}, Data: []byte("0")},
			{Value: written(1), Into: new(string), Want: "written 1"},
			{Name: "pointer receiver, value", Value: behind{"b"}, Into: new(string), Want: "b"},
			{Name: "pointer receiver, pointer", Value: &behind{"b"}, Into: new(string), Want: "b"},
		},
		Refuses: []any{
			nil, (*int)(nil), (*big.Int)(nil), (*behind)(nil), ptr((*int)(nil)), looped, &looped,
			map[string]int{"a": 1}, []string{"a"}, []int{1}, [2]byte{1, 2}, struct{ A int }{1}, &struct{ A int }{1},
			make(chan int), func() {}, complex(1, 2), uintptr(1),
			nulltest.UUID{}, &nulltest.UUID{}, nulltest.Decimal{}, nulltest.Decimal{Number: 5}, &url.URL{Host: "a"}, url.URL{Host: "a"}, []color{1}, errors.New("an error has no text of its own kind"),
		},
		RefusesInto: []encodertest.Into{
			into("abc", ptr(7)),
			into("", ptr(7)),
			into("5.0", ptr(7)),
			into(" 5", ptr(7)),
			into("1_000", ptr(7)),
			into("0x10", ptr(7)),
			into("None", ptr(7)),
			into("True", ptr(7)),
			into("128", ptr(int8(7))),
			into("9223372036854775808", ptr(int64(7))),
			into("-1", ptr(uint(7))),
			into("256", ptr(uint8(7))),
			into("1e400", ptr(7.5)),
			into("1e39", ptr(float32(7.5))),
			into("1,5", ptr(7.5)),
			into("yes", ptr(true)),
			into("2", ptr(true)),
			into("", ptr(true)),
			into("90", ptr(time.Hour)),
			into("blue", ptr(color(1))),
			into("5", ptr(written(1))),
			into("a", ptr(map[string]int{"b": 1})),
			into("a", ptr([]string{"b"})),
			into("a", ptr(struct{ A int }{1})),
			into("a", ptr(fmt.Stringer(color(1)))),
			into("a", ptr(make(chan int))),
			into("5", new(loop)),
			into("5", ptr(complex(1, 1))),
		},
	})
}

// TestPythonWritesTheSame compares floats with what Python's str gives for them; testdata/python_str.py wrote the table.
func TestPythonWritesTheSame(t *testing.T) {
	table, err := os.ReadFile("testdata/python_str.tsv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")
	if len(lines) < 200 {
		t.Fatalf("the table has %d lines", len(lines))
	}
	for _, line := range lines {
		digits, want, _ := strings.Cut(line, "\t")
		bits, err := strconv.ParseUint(digits, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		var value any = math.Float64frombits(bits)
		if len(digits) == 8 {
			value = math.Float32frombits(uint32(bits))
		}
		got, err := vanilla.New().Encode(value)
		if err != nil || string(got) != want {
			t.Errorf("%s: Encode = %q, %v, and Python writes %q", digits, got, err, want)
		}

		switch value := value.(type) { // and reads back as the same
		case float64:
			var back float64
			if err := vanilla.New().Decode([]byte(want), &back); err != nil || back != value && !math.IsNaN(value) {
				t.Errorf("%q came back as %v, %v", want, back, err)
			}
		case float32:
			var back float32
			if err := vanilla.New().Decode([]byte(want), &back); err != nil || back != value && value == value {
				t.Errorf("%q came back as %v, %v", want, back, err)
			}
		}
	}
}

func TestDecodeReadsWhatOthersWrite(t *testing.T) {
	tests := []struct {
		data string
		dst  any
		want any
	}{
		{"True", new(bool), true},
		{"true", new(bool), true},
		{"1", new(bool), true},
		{"False", ptr(true), false},
		{"false", ptr(true), false},
		{"0", ptr(true), false},
		{"+5", new(int), 5},
		{"007", new(int), 7},
		{"5", new(float64), 5.0},
		{"1E5", new(float64), 1e5},
		{"Infinity", new(float64), math.Inf(1)},
		{"0.1000000001", new(float32), float32(0.1)},
		{"None", new(string), "None"},
		{"None", new(any), "None"},
		{"90s", new(time.Duration), 90 * time.Second},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s into %T", test.data, test.dst), func(t *testing.T) {
			if err := vanilla.New().Decode([]byte(test.data), test.dst); err != nil {
				t.Fatal(err)
			}
			var got any
			switch dst := test.dst.(type) {
			case *bool:
				got = *dst
			case *int:
				got = *dst
			case *float64:
				got = *dst
			case *float32:
				got = *dst
			case *string:
				got = *dst
			case *any:
				got = *dst
			case *time.Duration:
				got = *dst
			}
			if got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestErrorsAreReadable(t *testing.T) {
	long := strings.Repeat("€", 5000)
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"no number", vanilla.New().Decode([]byte("abc"), new(int)),
			`cachette: codec vanilla cannot decode a text of 3 bytes into *int: it is not a decimal integer`},
		{"too large", vanilla.New().Decode([]byte("300"), new(uint8)),
			`cachette: codec vanilla cannot decode a text of 3 bytes into *uint8: the number does not fit`},
		{"no boolean", vanilla.New().Decode([]byte("maybe"), new(bool)),
			`cachette: codec vanilla cannot decode a text of 5 bytes into *bool: it is not a boolean`},
		{"long data", vanilla.New().Decode([]byte(long), new(int)),
			`cachette: codec vanilla cannot decode a text of 15000 bytes into *int: it is not a decimal integer`},
		{"a type's own error is not shown", vanilla.New().Decode([]byte("a"), &failing{}),
			`cachette: codec vanilla cannot decode a text of 1 byte into *vanilla_test.failing: its UnmarshalText method refuses it`},
		{"nor what its method panics with", vanilla.New().Decode([]byte("a"), new(panicking)),
			`cachette: codec vanilla cannot decode a text of 1 byte into *vanilla_test.panicking: its UnmarshalText method refuses it`},
		{"and where it cannot be written", second(vanilla.New().Encode(failing{})),
			`cachette: codec vanilla cannot encode vanilla_test.failing: no ink`},
		{"a value that cannot be", second(vanilla.New().Encode([]int{1})),
			`cachette: codec vanilla cannot encode []int: it takes text, numbers and booleans, and types with a MarshalText method`},
		{"a null", second(vanilla.New().Encode(nulltest.UUID{})),
			`cachette: codec vanilla cannot encode nulltest.UUID: it is null, for which text has no form: give a value that is not`},
		{"a type that prints itself", second(vanilla.New().Encode(&url.URL{})),
			`cachette: codec vanilla cannot encode *url.URL: nothing reads what its String method returns: put that string, ` +
				`or give the type the methods MarshalText and UnmarshalText`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.err == nil || test.err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", test.err, test.want)
			}
		})
	}
}

// panicking is a type whose UnmarshalText panics with what it is given.
type panicking struct{}

func (*panicking) UnmarshalText(text []byte) error { panic(string(text)) }

func second(_ []byte, err error) error { return err }

func TestAnErrorOfUnmarshalTextLeavesTheValue(t *testing.T) {
	dst := half{"old"}
	if err := vanilla.New().Decode([]byte("new"), &dst); err == nil || dst.Text != "old" {
		t.Errorf("got %q and the error %v, want it unchanged", dst.Text, err)
	}
}

// TestTakeKeepsTheBytes: a *[]byte is the data itself, and appending to it does not write into what follows it.
func TestTakeKeepsTheBytes(t *testing.T) {
	taker := vanilla.New().(encoders.Taker)
	data := []byte("value and more")
	dst := []byte("old")
	if err := taker.Take(data[:5], &dst); err != nil || string(dst) != "value" || &dst[0] != &data[0] {
		t.Fatalf("got %q, %v; want the data itself", dst, err)
	}
	if _ = append(dst, '!'); string(data) != "value and more" {
		t.Errorf("an append wrote into the data: %q", data)
	}
	if n := testing.AllocsPerRun(100, func() { _ = taker.Take(data, &dst) }); n != 0 {
		t.Errorf("it allocates %v times", n)
	}
	for _, empty := range [][]byte{nil, {}} {
		if err := taker.Take(empty, &dst); err != nil || dst == nil || len(dst) != 0 {
			t.Errorf("no bytes came back as %#v, %v", dst, err)
		}
	}
}

// taking is the codec with Take in the place of Decode.
type taking struct{ encoders.Encoder }

func (e taking) Decode(data []byte, dst any) error { return e.Encoder.(encoders.Taker).Take(data, dst) }

// TestTakeDecodes: for the rest Take is Decode, copies included: what is no *[]byte keeps nothing of the data.
func TestTakeDecodes(t *testing.T) {
	encodertest.Run(t, encodertest.Suite{
		Encoder: taking{vanilla.New()},
		Cases: []encodertest.Case{
			{Value: "hello"}, {Value: ""}, {Value: named("n")}, {Value: bytes("named")}, {Value: 5}, {Value: 1.5}, {Value: true},
			{Value: ptr(color(1)), Data: []byte("1")},
			{Value: ptr("pointed at")}, {Value: 5, Into: new(any), Want: "5"}, {Value: time.Unix(0, 0).UTC()},
		},
		Refuses:     []any{[]int{1}},
		RefusesInto: []encodertest.Into{{Data: []byte("abc"), Dst: ptr(7)}, {Data: []byte("a"), Dst: ptr([]string{"b"})}},
	})
	for _, dst := range []any{nil, (*[]byte)(nil), []byte{}} {
		if err := vanilla.New().(encoders.Taker).Take([]byte("a"), dst); !errors.Is(err, encoders.ErrUnsupportedType) {
			t.Errorf("into %T: %v", dst, err)
		}
	}
}

func TestItIsRegistered(t *testing.T) {
	if encoder, ok := encoders.Lookup("vanilla"); !ok || encoder.Name() != "vanilla" {
		t.Error("vanilla is not registered under its name")
	}
}

func FuzzDecode(f *testing.F) {
	encodertest.Fuzz(f, vanilla.New(),
		"hello", []byte("raw"), true, 5, int8(-5), uint64(5), 1.5, float32(1e-7), math.NaN(), 90*time.Second,
		time.Unix(0, 0).UTC(), netip.MustParseAddr("::1"), big.NewInt(5), color(1), named("n"))
}

func BenchmarkEncode(b *testing.B) {
	for _, value := range []any{"a short string", 12345, 1.5} {
		b.Run(fmt.Sprintf("%T", value), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := vanilla.New().Encode(value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
