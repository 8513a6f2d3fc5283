package orjson_test

import (
	"bytes"
	"encoding/hex"
	stdjson "encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/encoders/orjson"
	"github.com/gin-cachette/cachette/internal/testservers"
)

type record struct {
	Name  string   `json:"name"`
	Price float64  `json:"price"`
	Tags  []string `json:"tags"`
}

// shared are the values of testdata/make.py: what Go stores for each, and what it fetches into a variable of that type.
var shared = []struct {
	name  string
	value any
}{
	{"none", (*int)(nil)}, {"true", true}, {"false", false}, {"zero", 0}, {"-5", int8(-5)}, {"2^63-1", int64(math.MaxInt64)},
	{"2^64-1", uint64(math.MaxUint64)}, {"-2^63", int64(math.MinInt64)}, {"float", 1.5}, {"float one", 1.0},
	{"float small", 1e-7}, {"float large", 1e22}, {"float max", math.MaxFloat64}, {"float tiny", math.SmallestNonzeroFloat64},
	{"text", "text"}, {"text empty", ""}, {"text wide", "Grüße, 世界 \U0001F600"},
	{"text html", "<a href='x'>&</a>\u2028\u2029"}, {"text escapes", "\x00\b\f\n\r\t\"\\/\x1f\x7f"},
	{"list", []any{stdjson.Number("1"), "a", nil, stdjson.Number("1.5"), []any{true}}}, {"list empty", []int{}},
	{"dict", map[string]any{"b": []any{map[string]any{"c": nil}}, "a": stdjson.Number("1")}},
	{"dict empty", map[string]int{}}, {"record", record{"a", 1.5, []string{"x"}}},
}

func TestGoReadsWhatPythonWrote(t *testing.T) {
	table, err := os.ReadFile("testdata/python.tsv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(table), "\n"), "\n")
	if len(lines) != len(shared) {
		t.Fatalf("Python wrote %d values, and there are %d", len(lines), len(shared))
	}
	for i, test := range shared {
		name, digits, _ := strings.Cut(lines[i], "\t")
		data, err := hex.DecodeString(digits)
		if err != nil || name != test.name {
			t.Fatalf("%s stands where %s should: %v", name, test.name, err)
		}
		got := reflect.New(reflect.TypeOf(test.value))
		if err := orjson.New().Decode(data, got.Interface()); err != nil || !reflect.DeepEqual(got.Elem().Interface(), test.value) {
			t.Errorf("%s: %s came back as %v, %v; want %v", name, data, got.Elem(), err, test.value)
		}
	}
}

// TestExchangeWithPython runs both sides now. It wants a Python with fastapi-cachette and orjson.
func TestExchangeWithPython(t *testing.T) {
	python := testservers.Python(t)
	written, err := exec.Command(python, "testdata/make.py").CombinedOutput()
	if table, _ := os.ReadFile("testdata/python.tsv"); err != nil || !bytes.Equal(written, table) {
		t.Errorf("Python writes other bytes than those in testdata: %v\n%s", err, written)
	}

	var lines bytes.Buffer
	for _, test := range shared {
		data, err := orjson.New().Encode(test.value)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		fmt.Fprintf(&lines, "%s\t%x\n", test.name, data)
	}
	command := exec.Command(python, "testdata/make.py", "read")
	command.Stdin = &lines
	if output, err := command.CombinedOutput(); err != nil || strings.TrimSpace(string(output)) != fmt.Sprint(len(shared)) {
		t.Errorf("Python does not read what Go wrote: %v\n%s", err, output)
	}
}
