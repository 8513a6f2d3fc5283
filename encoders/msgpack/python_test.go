package msgpack_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/encoders/msgpack"
	"github.com/gin-cachette/cachette/internal/testservers"
)

type record struct {
	Name  string   `json:"name"`
	Price float64  `msgpack:"price"`
	Tags  []string `json:"tags,omitempty"`
	Raw   []byte   `json:"raw"`
}

// shared are the values of testdata/make.py: what Go stores for each, and what it fetches into an any.
var shared = []struct {
	name  string
	value any
	want  any // nil means value
}{
	{name: "none"}, {name: "true", value: true}, {name: "false", value: false},
	{"zero", 0, int64(0)}, {"127", int8(127), int64(127)}, {"128", uint8(128), int64(128)}, {"255", uint8(255), int64(255)},
	{"256", int16(256), int64(256)}, {"65535", uint16(65535), int64(65535)}, {"65536", int32(65536), int64(65536)},
	{"2^32-1", uint32(math.MaxUint32), int64(math.MaxUint32)}, {"2^32", int64(1 << 32), nil},
	{"2^63-1", int64(math.MaxInt64), nil}, {"2^63", uint64(1 << 63), nil}, {"2^64-1", uint64(math.MaxUint64), nil},
	{"-1", int8(-1), int64(-1)}, {"-32", -32, int64(-32)}, {"-33", -33, int64(-33)}, {"-128", int8(-128), int64(-128)},
	{"-129", -129, int64(-129)}, {"-32768", int16(-32768), int64(-32768)}, {"-32769", -32769, int64(-32769)},
	{"-2^31", int32(math.MinInt32), int64(math.MinInt32)}, {"-2^31-1", int64(math.MinInt32 - 1), nil},
	{"-2^63", int64(math.MinInt64), nil},
	{"float", 1.5, nil}, {"float one", 1.0, nil}, {"float -0", math.Copysign(0, -1), nil}, {"float max", math.MaxFloat64, nil},
	{"float tiny", math.SmallestNonzeroFloat64, nil}, {"float inf", math.Inf(1), nil}, {"float nan", math.NaN(), nil},
	{"text", "text", nil}, {"text empty", "", nil}, {"text 31", strings.Repeat("a", 31), nil},
	{"text 32", strings.Repeat("a", 32), nil}, {"text 255", strings.Repeat("b", 255), nil},
	{"text 256", strings.Repeat("b", 256), nil}, {"text wide", "Grüße, 世界 \U0001F600\x00", nil},
	{"bytes", []byte{0, 255}, nil}, {"bytes empty", []byte{}, nil}, {"bytes 256", bytes.Repeat([]byte("c"), 256), nil},
	{"list", []any{int8(1), "a", nil, 1.5, []byte("x"), []bool{true}}, []any{int64(1), "a", nil, 1.5, []byte("x"), []any{true}}},
	{"list empty", []int{}, []any{}},
	{"list 16", [16]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, integers(16)},
	{"dict", map[string]any{"b": []map[string]*int{{"c": nil}}, "a": uint(1)},
		map[string]any{"a": int64(1), "b": []any{map[string]any{"c": nil}}}},
	{"dict empty", struct{}{}, map[string]any{}},
	{"dict 16", numbered(16), anyOf(numbered(16))},
	{"record", &record{"a", 1.5, []string{"x"}, []byte{1}},
		map[string]any{"name": "a", "price": 1.5, "tags": []any{"x"}, "raw": []byte{1}}},
	{"time", time.Date(2024, 2, 29, 13, 0, 0, 5, time.FixedZone("", 3600)), time.Date(2024, 2, 29, 12, 0, 0, 5, time.UTC)},
	{"time seconds", time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC), nil},
	{"time early", time.Time{}, nil},
	{"time late", time.Unix(1<<34, 999999999).UTC(), nil},
	{"dict of numbers", map[int]string{1: "a", -1: "b"}, map[any]any{int64(1): "a", int64(-1): "b"}},
	{"dict of many keys", map[any]any{"a": 1, 2: "b", nil: 3, true: 4, 1.5: 5},
		map[any]any{"a": int64(1), int64(2): "b", nil: int64(3), true: int64(4), 1.5: int64(5)}},
}

func integers(n int) (all []any) {
	for i := range n {
		all = append(all, int64(i))
	}
	return all
}

func numbered(n int) map[string]uint8 {
	all := map[string]uint8{}
	for i := range n {
		all[fmt.Sprintf("k%02d", i)] = uint8(i)
	}
	return all
}

func anyOf(m map[string]uint8) map[string]any {
	all := map[string]any{}
	for key, value := range m {
		all[key] = int64(value)
	}
	return all
}

// golden is what Python wrote.
func golden(t *testing.T) map[string]string {
	table, err := os.ReadFile("testdata/python.tsv")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for line := range strings.Lines(string(table)) {
		name, data, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		lines[name] = data
	}
	if len(lines) != len(shared) {
		t.Fatalf("Python wrote %d values, and there are %d", len(lines), len(shared))
	}
	return lines
}

func TestGoReadsWhatPythonWrote(t *testing.T) {
	lines := golden(t)
	for _, test := range shared {
		data, err := hex.DecodeString(lines[test.name])
		if err != nil || len(data) == 0 {
			t.Fatalf("%s: %v, %d bytes", test.name, err, len(data))
		}
		var got any
		if err := msgpack.New().Decode(data, &got); err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		want := test.want
		if want == nil {
			want = test.value
		}
		f, isFloat := want.(float64)
		if g, ok := got.(float64); isFloat && ok && math.Float64bits(f) == math.Float64bits(g) || isFloat && f != f && g != g {
			continue
		}
		if isFloat || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %T %v, want %T %v", test.name, got, got, want, want)
		}
	}
}

// TestGoWritesWhatPythonWrote: the same value is the same bytes in both languages, so that stores can compare them.
func TestGoWritesWhatPythonWrote(t *testing.T) {
	lines := golden(t)
	for _, test := range shared {
		switch test.name {
		case "record", "dict of many keys", "dict of numbers", "float nan":
			continue // Python has the order of a dict as it was made, and another NaN
		}
		data, err := msgpack.New().Encode(test.value)
		if err != nil || hex.EncodeToString(data) != lines[test.name] {
			t.Errorf("%s: Go writes %x (%v), and Python %s", test.name, data, err, lines[test.name])
		}
	}
}

func TestARecordOfPythonFitsAStruct(t *testing.T) {
	data, _ := hex.DecodeString(golden(t)["record"])
	var got record
	want := record{"a", 1.5, []string{"x"}, []byte{1}}
	if err := msgpack.New().Decode(data, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestExchangeWithPython runs both sides now. It wants a Python with fastapi-cachette and msgpack.
func TestExchangeWithPython(t *testing.T) {
	python := testservers.Python(t)
	written, err := exec.Command(python, "testdata/make.py").CombinedOutput()
	if table, _ := os.ReadFile("testdata/python.tsv"); err != nil || !bytes.Equal(written, table) {
		t.Errorf("Python writes other bytes than those in testdata: %v\n%s", err, written)
	}

	var lines bytes.Buffer
	n := 0
	for _, test := range shared {
		if strings.HasPrefix(test.name, "dict of ") {
			continue
		}
		data, err := msgpack.New().Encode(test.value)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		fmt.Fprintf(&lines, "%s\t%x\n", test.name, data)
		n++
	}
	command := exec.Command(python, "testdata/make.py", "read")
	command.Stdin = &lines
	if output, err := command.CombinedOutput(); err != nil || strings.TrimSpace(string(output)) != fmt.Sprint(n) {
		t.Errorf("Python does not read what Go wrote: %v\n%s", err, output)
	}
}
