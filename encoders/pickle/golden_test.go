package pickle_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/gin-cachette/cachette/encoders/pickle"
	"github.com/gin-cachette/cachette/internal/testservers"
)

func ptr[T any](v T) *T { return &v }

func bigInt(text string) *big.Int {
	n, ok := new(big.Int).SetString(text, 0)
	if !ok {
		panic(text)
	}
	return n
}

func pow2(exponent uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), exponent) }

func neg(n *big.Int) *big.Int { return new(big.Int).Neg(n) }

func berlin(month time.Month, day, hour, minute int) time.Time {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return time.Date(2024, month, day, hour, minute, 0, 0, zone)
}

func offset(seconds int) time.Time {
	return time.Date(2024, 2, 29, 12, 30, 0, 0, time.FixedZone("", seconds))
}

func naive(hour, minute, second, microsecond int) pickle.LocalTime {
	return pickle.LocalTime{Date: leapDay, Hour: hour, Minute: minute, Second: second, Microsecond: microsecond}
}

var leapDay = pickle.Date{Year: 2024, Month: 2, Day: 29}

// golden are the values of testdata/make.py, as they are decoded into an any.
func golden() map[string]any {
	allBytes := make([]byte, 256)
	for i := range allBytes {
		allBytes[i] = byte(i)
	}
	last := pickle.Date{Year: 9999, Month: 12, Day: 31}
	first := pickle.Date{Year: 1, Month: 1, Day: 1}
	twice := berlin(10, 27, 1, 30)

	values := map[string]any{
		"none": nil, "true": true, "false": false,
		"int 2**2100": pow2(2100), "int -2**2039": neg(pow2(2039)), "int -2**2040-1": neg(new(big.Int).Add(pow2(2040), big.NewInt(1))),
		"float 0": 0.0, "float -0": math.Copysign(0, -1), "float 1.5": 1.5, "float 0.1": 0.1, "float inf": math.Inf(1),
		"float -inf": math.Inf(-1), "float nan": math.NaN(), "float max": math.MaxFloat64, "float tiny": 5e-324,
		"str empty": "", "str": "hello", "str wide": "Gr\u00fc\u00dfe, \u4e16\u754c \U0001f600 \u00ff",
		"str escapes": "\\u0041 \\\\u0041 \\ \n \r \x00 \x1a \t '\"", "str 300": strings.Repeat("\u00e4b", 150),
		"bytes empty": []byte{}, "bytes": allBytes, "bytes 300": bytes.Repeat([]byte("ab"), 150),
		"bytearray empty": []byte{}, "bytearray": []byte{0, 255},
		"list empty": []any{}, "list 1": []any{int64(1)},
		"list":    []any{int64(1), "a", nil, []any{int64(2), []any{true}}, 1.5},
		"tuple 0": pickle.Tuple{}, "tuple 1": pickle.Tuple{int64(1)}, "tuple 2": pickle.Tuple{int64(1), "a"},
		"tuple 3": pickle.Tuple{int64(1), int64(2), int64(3)}, "tuple 4": pickle.Tuple{int64(1), int64(2), int64(3), int64(4)},
		"tuple nested": pickle.Tuple{pickle.Tuple{}, pickle.Tuple{int64(1), pickle.Tuple{int64(2)}}, []any{int64(3)}},
		"dict empty":   map[string]any{}, "dict 1": map[string]any{"a": int64(1)},
		"dict":         map[string]any{"a": int64(1), "b": []any{int64(2), map[string]any{"c": nil}}},
		"dict of ints": map[any]any{int64(1): "a", int64(2): "b"},
		"dict of all": map[any]any{
			nil: int64(1), 1.5: "x", "k": []any{int64(1)}, pickle.Decimal("2.50"): int64(3), leapDay: int64(4),
		},
		"dict of tuples":     pickle.Dict{{Key: pickle.Tuple{int64(1), int64(2)}, Value: "x"}, {Key: pickle.Tuple{}, Value: "y"}},
		"dict of bytes":      pickle.Dict{{Key: []byte("k"), Value: int64(1)}},
		"dict of frozensets": pickle.Dict{{Key: pickle.FrozenSet{int64(1)}, Value: int64(2)}},
		"ordered dict":       map[string]any{"a": int64(2), "b": int64(1)}, "ordered dict empty": map[string]any{},
		"set empty": pickle.Set{}, "set": pickle.Set{int64(3), int64(1), int64(2)}, "set of str": pickle.Set{"b", "a"},
		"set of all":      pickle.Set{pickle.Tuple{int64(1), "a"}, pickle.FrozenSet{int64(2), int64(1)}, nil, []byte("b")},
		"frozenset empty": pickle.FrozenSet{}, "frozenset": pickle.FrozenSet{int64(1), "a", pickle.Tuple{int64(2)}},
		"sets": []any{pickle.Set{int64(1)}, pickle.FrozenSet{int64(1)}, pickle.Set{pickle.FrozenSet{}}},
		"date": leapDay, "date min": first, "date max": last,
		"naive": naive(12, 30, 59, 123456), "naive min": pickle.LocalTime{Date: first},
		"naive max":  pickle.LocalTime{Date: last, Hour: 23, Minute: 59, Second: 59, Microsecond: 999999},
		"naive fold": pickle.LocalTime{Date: pickle.Date{Year: 2024, Month: 10, Day: 27}, Hour: 2, Minute: 30},
		"utc":        time.Date(2024, 2, 29, 12, 30, 0, 5000, time.UTC), "utc min": time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
		"utc max":      time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		"offset +5:30": offset(19800), "offset -3": offset(-10800), "offset -0:00:30": offset(-30), "offset named": offset(3600),
		"berlin winter": berlin(1, 15, 12, 30), "berlin summer": berlin(7, 15, 12, 30),
		"berlin twice 0": twice.Add(time.Hour), "berlin twice 1": twice.Add(2 * time.Hour), "berlin after twice": berlin(10, 27, 3, 0),
		"berlin never 0": berlin(3, 31, 3, 30), "berlin never 1": berlin(3, 31, 1, 30),
		"zoneinfo utc": time.Date(2024, 1, 15, 12, 30, 0, 0, time.UTC),
	}
	for _, n := range []int64{
		0, 1, 255, 256, 65535, 65536, 1<<31 - 1, 1 << 31, 1 << 32, math.MaxInt64, -1, -128, -129, -32768, -32769,
		math.MinInt32, math.MinInt32 - 1, math.MinInt64,
	} {
		values[fmt.Sprintf("int %d", n)] = n
	}
	large := "10000000000000000000000000000000000000000"
	for _, n := range []string{
		"9223372036854775808", "18446744073709551615", "18446744073709551616", "-9223372036854775809", large, "-" + large,
	} {
		values["int "+n] = bigInt(n)
	}
	for _, text := range []string{"1.10", "0", "-0", "0E-10", "1E+400", "NaN", "sNaN", "-NaN123", "Infinity", "-Infinity"} {
		values["decimal "+text] = pickle.Decimal(text)
	}

	list, tuple := []any{int64(1), []any{int64(2)}}, pickle.Tuple{int64(1), []any{int64(2)}}
	dict, million := map[string]any{"a": []any{int64(1)}}, bigInt("1000000000000000000000000000000")
	values["shared"] = []any{list, list, map[string]any{"x": list}, tuple, tuple, dict, dict,
		[]byte("abcabcabc"), []byte("abcabcabc"), million, million, "text", "text"}
	var times []any
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("", 7200), berlin(1, 1, 0, 0).Location()} {
		t := time.Date(2024, 1, 1, 0, 0, 0, 0, zone)
		times = append(times, t, t)
	}
	values["shared zone"] = times
	var rows []any
	for i := range 3 {
		rows = append(rows, map[string]any{"id": int64(i), "name": fmt.Sprint("n", i), "price": pickle.Decimal("9.90"),
			"on": pickle.Date{Year: 2024, Month: 1, Day: i + 1}, "tags": pickle.Set{"x"}})
	}
	values["rows"] = rows
	for name, value := range later() {
		values[name] = value
	}
	return values
}

// long are the values that are exchanged, but in no file.
func long() map[string]any {
	var list []any
	dict, set := map[string]any{}, pickle.Set{}
	for i := range int64(2500) {
		list, set = append(list, i), append(set, i)
		dict[fmt.Sprint(i)] = i
	}
	n := new(big.Int).Exp(big.NewInt(10), big.NewInt(6000), nil)
	return map[string]any{
		"list long": list, "dict long": dict, "set long": set,
		"str long": strings.Repeat("\u00e4", 70000), "bytes long": bytes.Repeat([]byte("ab"), 70000),
		"int long":     n.Mul(n, big.NewInt(-7)),
		"list of long": []any{strings.Repeat("a", 70000), bytes.Repeat([]byte("b"), 70000), "c"},
	}
}

// same reports whether two values are equal, in types too.
func same(a, b any) bool {
	if reflect.TypeOf(a) != reflect.TypeOf(b) {
		return false
	}
	switch a := a.(type) {
	case float64:
		return math.Float64bits(a) == math.Float64bits(b.(float64)) || a != a && b != b
	case *big.Int:
		return a.Cmp(b.(*big.Int)) == 0
	case time.Time:
		_, offsetA := a.Zone()
		_, offsetB := b.(time.Time).Zone()
		return a.Equal(b.(time.Time)) && offsetA == offsetB
	case pickle.Set:
		return len(a) == len(b.(pickle.Set)) && a.Equal(b.(pickle.Set))
	case pickle.FrozenSet:
		return len(a) == len(b.(pickle.FrozenSet)) && a.Equal(b.(pickle.FrozenSet))
	case []any:
		return sameItems(a, b.([]any))
	case pickle.Tuple:
		return sameItems(a, b.(pickle.Tuple))
	case map[string]any:
		other := b.(map[string]any)
		for key, value := range a {
			if found, ok := other[key]; !ok || !same(value, found) {
				return false
			}
		}
		return len(a) == len(other)
	}
	return reflect.DeepEqual(a, b)
}

func sameItems(a, b []any) bool {
	for i := range min(len(a), len(b)) {
		if !same(a[i], b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}

// compare decodes lines of make.py, and holds them against what is wanted.
func compare(t *testing.T, text []byte, want map[string]any) {
	t.Helper()
	seen := 0
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, coded, _ := strings.Cut(lines.Text(), "\t")
		data, err := base64.StdEncoding.DecodeString(coded)
		if err != nil {
			t.Fatal(name, err)
		}
		value, known := want[name]
		if !known {
			t.Errorf("%s: not known here", name)
		}
		seen++
		for _, decode := range []func([]byte, any) error{pickle.New().Decode, pickle.New().Take} {
			var got any
			if err := decode(data, &got); err != nil {
				t.Errorf("%s: %v", name, err)
			} else if !same(got, value) {
				t.Errorf("%s: %T %.200v, want %T %.200v", name, got, got, value, value)
			}
		}
	}
	if seen != len(want) {
		t.Errorf("%d values, want %d", seen, len(want))
	}
}

func TestGolden(t *testing.T) {
	for protocol := range 6 {
		t.Run(fmt.Sprint("protocol ", protocol), func(t *testing.T) {
			text, err := os.ReadFile(fmt.Sprintf("testdata/protocol%d.txt", protocol))
			if err != nil {
				t.Fatal(err)
			}
			want := golden()
			if protocol < 4 { // these have no fold: Python loses it too
				want["berlin twice 1"], want["berlin never 1"] = want["berlin twice 0"], want["berlin never 0"]
			}
			compare(t, text, want)
		})
	}
}

// TestGoldenAgain: what was decoded is written and read again without a change.
func TestGoldenAgain(t *testing.T) {
	for name, value := range golden() {
		data, err := pickle.New().Encode(value)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got any
		if err := pickle.New().Decode(data, &got); err != nil || !same(got, value) {
			t.Errorf("%s: %T %.200v (%v), want %T %.200v", name, got, got, err, value, value)
		}
	}
}

// python runs testdata/make.py, or skips the test.
func python(t *testing.T, command string, input []byte) []byte {
	t.Helper()
	cmd := exec.Command(testservers.Python(t), "testdata/make.py", command)
	cmd.Stdin = bytes.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, output, stderr.Bytes())
	}
	return output
}

func everything() map[string]any {
	all := long()
	for name, value := range golden() {
		all[name] = value
	}
	return all
}

func TestPythonWritesGoReads(t *testing.T) { compare(t, python(t, "write", nil), everything()) }

func TestGoWritesPythonReads(t *testing.T) {
	var text bytes.Buffer
	for name, value := range everything() {
		data, err := pickle.New().Encode(value)
		if err != nil {
			t.Fatal(name, err)
		}
		fmt.Fprintf(&text, "%s\t%s\n", name, base64.StdEncoding.EncodeToString(data))
	}
	python(t, "read", text.Bytes())
}

// TestPythonShowsWhatGoWrites: Go types that are not what is decoded into an any.
func TestPythonShowsWhatGoWrites(t *testing.T) {
	tests := []struct {
		value any
		want  string
	}{
		{ada, "{'ID': 7, 'street': 'Main Street 1', 'city': 'London', 'name': 'Ada', 'age': 36, 'Height': 1.5, " +
			"'born': datetime.date(1815, 12, 10), 'seen': datetime.datetime(2024, 2, 29, 12, 30, 0, 1, tzinfo=datetime.timezone.utc), " +
			"'price': Decimal('1.10'), 'tags': SET, 'friends': [{'ID': 0, 'name': 'Charles', 'age': 0, " +
			"'born': datetime.date(2024, 2, 29), 'tags': None, 'grid': [[0, 0], [0, 0]], 'note': None}], 'extra': {'x': 1}, " +
			"'grid': [[1, -2], [3, 4]], 'whole': 1180591620717411303424, 'pair': (1, 'x'), 'peer': '::1', 'note': 'note', " +
			"'naive': datetime.datetime(2024, 2, 29, 0, 0), 'table': {(0, 9): 1.0, (1, 2): 0.5}}"},
		{map[int]string{10: "b", 9: "a", -1: "c"}, "{-1: 'c', 9: 'a', 10: 'b'}"},
		{map[string]bool{"b": true, "a": false}, "{'a': False, 'b': True}"},
		{map[uint8]struct{}{5: {}}, "{5}"}, {pickle.Set{}, "set()"}, {pickle.FrozenSet{pickle.FrozenSet{}}, "frozenset({frozenset()})"},
		{[3]byte{1, 2, 3}, `b'\x01\x02\x03'`}, {[2]any{int8(-1), uint64(math.MaxUint64)}, "[-1, 18446744073709551615]"},
		{float32(0.5), "0.5"}, {time.Second, "1000000000"}, {label("x"), "'x'"}, {(*person)(nil), "None"}, {struct{}{}, "{}"},
		{map[string]any{"d": pickle.TimeDelta{Days: -1, Seconds: 5}, "t": pickle.TimeOfDay{Hour: 1}, "u": pickle.UUID{15: 1}},
			"{'d': datetime.timedelta(days=-1, seconds=5), 't': datetime.time(1, 0), 'u': UUID('00000000-0000-0000-0000-000000000001')}"},
		{offset(-1800), "datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=84600)))"},
		{pickle.Dict{{Key: [2]int{1, 2}, Value: 1}, {Key: "a", Value: nil}}, "{(1, 2): 1, 'a': None}"},
	}
	var text bytes.Buffer
	for _, test := range tests {
		data, err := pickle.New().Encode(test.value)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&text, base64.StdEncoding.EncodeToString(data))
	}
	shown := strings.Split(strings.TrimSpace(string(python(t, "show", text.Bytes()))), "\n")
	if len(shown) != len(tests) {
		t.Fatalf("Python shows %d values, want %d", len(shown), len(tests))
	}
	for i, got := range shown {
		got = strings.NewReplacer("{'a', 'b'}", "SET", "{'b', 'a'}", "SET").Replace(got) // in any order
		if got != tests[i].want {
			t.Errorf("%T is\n%s, want\n%s", tests[i].value, got, tests[i].want)
		}
	}
}
