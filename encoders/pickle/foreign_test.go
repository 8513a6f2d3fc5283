package pickle_test

import (
	"bytes"
	"encoding/base64"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/encoders/pickle"
)

// later are those of types that Go has none for.
func later() map[string]any {
	id := pickle.UUID{0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0}
	top := pickle.UUID(bytes.Repeat([]byte{255}, 16))
	late, brief := pickle.TimeOfDay{Hour: 23, Minute: 59, Second: 59, Microsecond: 999999}, pickle.TimeDelta{Days: -1, Seconds: 86399, Microseconds: 999000}
	counter, deque := map[string]any{"a": int64(1), "b": int64(1)}, []any{int64(1)}
	return map[string]any{
		"time": pickle.TimeOfDay{Hour: 12, Minute: 30}, "time max": late, "time min": pickle.TimeOfDay{},
		"time fold": pickle.TimeOfDay{Hour: 1, Minute: 30},
		"timedelta": pickle.TimeDelta{Days: 1, Seconds: 2, Microseconds: 3}, "timedelta 0": pickle.TimeDelta{}, "timedelta -": brief,
		"timedelta max": pickle.TimeDelta{Days: 999999999, Seconds: 86399, Microseconds: 999999}, "timedelta min": pickle.TimeDelta{Days: -999999999},
		"uuid": id, "uuid 0": pickle.UUID{}, "uuid max": top, "uuid safe": pickle.UUID{15: 5},
		"defaultdict": map[string]any{"a": []any{int64(1)}, "b": []any{}}, "defaultdict of ints": map[string]any{},
		"defaultdict of none": map[string]any{"a": int64(1)},
		"counter":             map[string]any{"a": int64(2), "b": int64(1), "c": int64(1)}, "counter empty": map[string]any{},
		"deque": []any{int64(1), "a"}, "deque empty": []any{}, "deque bounded": []any{int64(1), int64(2)}, "deque bounded empty": []any{},
		"dict of ids": map[any]any{id: int64(1), late: int64(2), brief: int64(3)}, "set of ids": pickle.Set{id, top},
		"shared ids": []any{id, id, late, late, brief, brief}, "shared counters": []any{counter, counter, deque, deque},
	}
}

// TestScalars: a scalar of numpy is read as the Python type that it has.
func TestScalars(t *testing.T) {
	values := map[string]any{
		"float64": 0.1, "float64 nan": math.NaN(), "float32": float64(float32(0.1)), "float16": 0.0999755859375, "float16 max": 65504.0,
		"float16 tiny": math.Ldexp(1, -24), "float16 inf": math.Inf(-1), "float16 -0": math.Copysign(0, -1), "bool": true,
		"int8": int64(-128), "int16": int64(-300), "int32": int64(-70000), "int64": int64(math.MinInt64),
		"uint8": int64(255), "uint16": int64(65535), "uint32": int64(math.MaxUint32), "uint64": bigInt("18446744073709551615"),
		"str": "Gr\u00fc\u00dfe \U0001f600", "str empty": "", "bytes": []byte("a\xff"), "big-endian": 1.5, "mean": 1.5,
	}
	all := map[string]any{}
	for name, value := range values {
		all[name] = value
	}
	values["all"] = all
	want := map[string]any{}
	for name, value := range values {
		for _, protocol := range []string{"0", "2", "5"} {
			want[protocol+" "+name] = value
		}
	}
	for _, file := range []string{"testdata/numpy1.txt", "testdata/numpy2.txt"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, text, want)
	}
}

// TestForeign: an object that only a program could make is skipped where a struct has no field for it, and is an error that
// names it anywhere else.
func TestForeign(t *testing.T) {
	text, err := os.ReadFile("testdata/foreign.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(text)) {
		name, coded, _ := strings.Cut(strings.TrimSpace(line), "\t")
		data, err := base64.StdEncoding.DecodeString(coded)
		if err != nil {
			t.Fatal(name, err)
		}
		var known struct {
			Name string
			Age  int
		}
		if err := pickle.New().Decode(data, &known); err != nil || known.Name != "Ada" || known.Age != 36 {
			t.Errorf("%s: %+v, %v", name, known, err)
		}
		for _, dst := range []any{new(any), new(map[string]any), new(struct{ Other any }), new(pickle.Dict)} {
			err := pickle.New().Decode(data, dst)
			if err == nil || !strings.Contains(err.Error(), "the global ") || !strings.HasSuffix(err.Error(), " is not taken: this codec reads data alone") {
				t.Errorf("%s into %T: %+v, %v", name, dst, dst, err)
			}
		}
		seen++
	}
	if few := 90; seen < few {
		t.Errorf("%d objects, want more", seen)
	}
}

// TestCopiesOfAContainer: what a Counter, a deque and a set are made of is theirs alone, or is an error.
func TestCopiesOfAContainer(t *testing.T) {
	for name, data := range map[string]string{
		"Counter":     "\x80\x04](}(K\x01K\x02u\x85\x94" + strings.Repeat(global("collections", "Counter")+"h\x00R", 2) + "e.",
		"deque":       "\x80\x04](](K\x01K\x02e\x85\x94" + strings.Repeat(global("collections", "deque")+"h\x00R", 2) + "e.",
		"set":         "\x80\x04](](K\x01K\x02e\x85\x94" + strings.Repeat(global("builtins", "set")+"h\x00R", 2) + "e.",
		"dict before": "\x80\x04](}(K\x01K\x02u\x94" + global("collections", "Counter") + "h\x00\x85Re.",
	} {
		if got, err := decodeAny(data); err == nil || !strings.Contains(err.Error(), "arguments") {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestForeignPath: the error tells where the object is.
func TestForeignPath(t *testing.T) {
	data := "\x80\x04}(\x8c\x04name\x8c\x03Ada\x8c\x07friends](}\x8c\x04name" + global("__main__", "Name") + ")\x81}bseu."
	err := pickle.New().Decode([]byte(data), new(person))
	want := "cachette: codec pickle cannot decode into *pickle_test.person: in friends[0].name the global __main__.Name is not taken: this codec reads data alone"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
