package pickle_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/pickle"
)

func decodeAny(data string) (any, error) {
	var got any = "old"
	err := pickle.New().Decode([]byte(data), &got)
	return got, err
}

func global(module, name string) string {
	return fmt.Sprintf("\x8c%c%s\x8c%c%s\x93", len(module), module, len(name), name)
}

// TestDataOnly: whatever asks for more than data is an error that names it.
func TestDataOnly(t *testing.T) {
	tests := map[string]string{ // what the error names, for data
		"cos\nsystem\n(S'true'\ntR.":                                            "STRING",
		"cos\nsystem\n(Vtrue\ntR.":                                              "os.system",
		"cos\nsystem\n(Vtrue\ntR}b.":                                            "os.system",
		"](cos\nsystem\n(Vtrue\ntRe.":                                           "os.system",
		"\x80\x04" + global("__main__", "A") + ")\x81.":                         "__main__.A",
		"\x80\x04" + global("__main__", "A") + ")}\x92.":                        "__main__.A",
		"\x80\x04" + global("__main__", "A") + ")\x81}\x8c\x01aK\x01sb.":        "__main__.A",
		"\x80\x04" + global("__main__", "A") + ")\x81(K\x01K\x02e(K\x01K\x02u.": "__main__.A",
		"\x80\x04" + global("datetime", "datetime") + "C\x0a\x07\xe8\x02\x1d\x00\x00\x00\x00\x00\x00" + global("__main__", "A") + ")R\x86R.": "__main__.A",
		"ccopyreg\n_reconstructor\n(c__main__\nA\nc__builtin__\nobject\nNtR.":                                                                "__main__.A",
		"\x80\x04}" + global("__main__", "A") + "Ns.":                                                                                        "__main__.A",
		"\x80\x04\x8f(" + global("__main__", "A") + "\x90.":                                                                                  "__main__.A",
		"\x80\x04" + global("collections", "Counter") + global("__main__", "A") + "\x85R.":                                                   "__main__.A",
		"\x80\x04" + global("datetime", "time") + "C\x06\x0c\x1e\x00\x00\x00\x00" + global("datetime", "timezone") +
			global("datetime", "timedelta") + "K\x00K\x00K\x00\x87R\x85R\x86R.": "datetime.time with a zone",
		"\x80\x04" + global("numpy", "dtype") + "\x8c\x02M8\x89\x88\x87R.": "numpy.dtype of M8",
		"\x80\x04" + global("numpy", "dtype") + "\x8c\x02f8\x89\x88\x87R.": "numpy.dtype",
		"cos\nsystem\n.": "os.system",
		"\x80\x04" + global("posix", "system") + "\x8c\x02id\x85R.": "posix.system",
		"\x80\x04" + global("nt", "system") + ".":                   "nt.system",
		"\x80\x04" + global("builtins", "eval") + "\x8c\x011\x85R.": "builtins.eval",
		"\x80\x04" + global("builtins", "exec") + ".":               "builtins.exec",
		"c__builtin__\neval\n.":                                     "__builtin__.eval",
		"c__builtin__\nobject\n.":                                   "__builtin__.object",
		"ccopy_reg\n_reconstructor\n.":                              "a Python class",
		"ccopyreg\n_reconstructor\n.":                               "a Python class",
		"csubprocess\nPopen\n.":                                     "subprocess.Popen",
		"\x80\x04" + global("collections", "defaultdict") + ".":     "a Python class",
		"\x80\x04" + global("datetime", "time") + ".":               "a Python class",
		"\x80\x04" + global("decimal", "Decimal.from_float") + ".":  "decimal.Decimal.from_float",
		"\x80\x04" + global("", "") + ".":                           "global",
		"\x80\x04" + global("os\n", "sys\x1b[m") + ".":              `"os\nsys`[:3],

		"\x80\x04" + global("builtins", "getattr") + global("builtins", "set") + "\x8c\x03pop\x86R.":            "builtins.getattr",
		"\x80\x04" + global("builtins", "getattr") + global("zoneinfo", "ZoneInfo") + "\x8c\x08no_cache\x86R.":  "builtins.getattr",
		"\x80\x04" + global("builtins", "getattr") + "N\x8c\x09_unpickle\x86R.":                                 "builtins.getattr",
		"\x80\x04" + global("builtins", "getattr") + ")R.":                                                      "builtins.getattr",
		"\x80\x04" + global("builtins", "getattr") + global("zoneinfo", "ZoneInfo") + "\x8c\x09_unpickle\x86R.": "a Python class",

		"Pid\n.": "PERSID", "NQ.": "BINPERSID", "N}b.": "BUILD", "(ios\nsystem\n.": "INST", "(cos\nsystem\no.": "OBJ",
		"(o.":                               "OBJ",
		"\x80\x02c__builtin__\nset\n)\x81.": "NEWOBJ", "\x80\x02c__builtin__\nset\n)}\x92.": "NEWOBJ_EX", "N)\x81.": "NEWOBJ", "N)}\x92.": "NEWOBJ_EX",
		"\x80\x02cuuid\nUUID\n)}\x92.": "NEWOBJ_EX", "}}b.": "BUILD", "]Nb.": "BUILD", "c__builtin__\nset\n}b.": "BUILD",
		"\x82\x01.": "EXT1", "\x83\x01\x00.": "EXT2", "\x84\x01\x00\x00\x00.": "EXT4", "\x80\x05\x97.": "NEXT_BUFFER",
		"\x80\x05C\x00\x98.": "READONLY_BUFFER",
		"S'a'\n.":            "STRING", "T\x00\x00\x00\x00.": "BINSTRING", "U\x00.": "SHORT_BINSTRING", "NN0.": "POP", "(1.": "POP_MARK",
		"N2.":   "DUP",
		"\x07.": "0x07", "\xff.": "0xff",
	}
	for data, want := range tests {
		got, err := decodeAny(data)
		if err == nil || !strings.Contains(err.Error(), want) || got != "old" {
			t.Errorf("%q gave %v, %v, want %s in the error", data, got, err, want)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%q gave an error with control characters: %q", data, err)
		}
	}
}

func TestBrokenPickles(t *testing.T) {
	const frame = "\x95\x02\x00\x00\x00\x00\x00\x00\x00"
	tests := map[string]string{
		"": "cut short", "\x80": "cut short", "\x80\x04": "cut short", "\x80\x04N": "cut short", "K": "cut short",
		"\x8c\x05abc.":      "cut short",
		"X\xff\xff\xff\xff": "cut short", "\x8d\xff\xff\xff\xff\xff\xff\xff\xff.": "cut short",
		"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.": "cut short",
		"\x96\x00\x00\x00\x00\x01\x00\x00\x00.": "cut short", "\x8b\xff\xff\xff\x7f.": "cut short",
		"\x8b\xff\xff\xff\xff.": "cut short", "I1": "cut short",
		"cos": "cut short", "cos\nsys": "cut short",
		".": "0 values", "NN.": "2 values", "(N.": "1 values", "(.": "0 values", "N.N": "1 bytes follow", "N..": "1 bytes follow",
		"\x80\x06N.": "protocol 6", "a.": "too little", "]a.": "too little", "](a.": "too little", "](Na.": "too little",
		"Na.": "too little",
		"e.":  "no mark", "(e.": "too little", "N(Ne.": "finds None", "}(NNe.": "finds dict", "](NNu.": "finds list",
		"}(Nu.": "no value", "(Nd.": "no value",
		"}Ns.": "too little", "\x8f(Ne.": "finds set", "](N\x90.": "finds list", "(N\x91(N\x90.": "finds frozenset",
		"\x85.": "too little", "N\x86.": "too little", "(N\x85\x86.": "too little",
		"t.": "no mark", "l.": "no mark", "R.": "too little", "NR.": "too little", "N)R.": "REDUCE", "N\x93.": "too little",
		"NN\x93.": "not a str",
		"\x94.":   "too little", "h\x00.": "memoized", "]q\x01h\x00.": "memoized", "j\xff\xff\xff\x7f.": "memoized",
		"Nr\xff\xff\xff\x7f.": "in the memo", "g9\n.": "memoized", "gx\n.": "no number",
		"Np99\n.": "in the memo", "Ix\n.": "no number", "L\n.": "no number", "I0x10\n.": "no number", "I1_0\n.": "no number",
		"Fx\n.":                                 "no number",
		"I" + strings.Repeat("9", 4301) + "\n.": "4300 digits", "L-" + strings.Repeat("9", 5000) + "L\n.": "4300 digits",
		"V\\u12\n.": "within an escape", "V\\uzzzz\n.": "no character", "V\\U00110000\n.": "no character", "V\\ud83d\n.": "surrogate",
		"\x8c\x03\xed\xa0\x80.": "surrogate", "\x8c\x01\xff.": "UTF-8",
		"\x80\x04" + frame + "N.": "", "\x80\x04]" + frame + ".N": "frame", "\x80\x04" + frame + "\x8c\x02ab.": "frame",
		"\x80\x04\x95\x0c\x00\x00\x00\x00\x00\x00\x00]" + frame + "N.": "frame",
		"\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00N.":               "cut short",
		"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xffN.":               "cut short",

		"c__builtin__\nset\n.": "a Python class", "\x80\x04](" + global("datetime", "date") + "e.": "a Python class",
		"\x80\x04" + global("datetime", "timedelta") + "K\x00J\x80\x51\x01\x00K\x00\x87R.":                                       "timedelta",
		"\x80\x04" + global("datetime", "timedelta") + "K\x00K\x00J\x40\x42\x0f\x00\x87R.":                                       "timedelta",
		"\x80\x04" + global("datetime", "timedelta") + "K\x00J\xff\xff\xff\xffK\x00\x87R.":                                       "timedelta",
		"\x80\x04" + global("datetime", "timedelta") + "J\x00\xca\x9a\x3bK\x00K\x00\x87R.":                                       "arguments",
		"\x80\x04" + global("datetime", "timedelta") + "\x8a\x08\x00\x00\x00\x00\x01\x00\x00\x00K\x00K\x00\x87R.":                "arguments",
		"\x80\x04" + global("datetime", "timedelta") + "K\x00G\x00\x00\x00\x00\x00\x00\x00\x00K\x00\x87R.":                       "arguments",
		"\x80\x04" + global("datetime", "timedelta") + "K\x00K\x00\x86R.":                                                        "arguments",
		"\x80\x04" + global("datetime", "timezone") + global("datetime", "timedelta") + "K\x01K\x00K\x00\x87R\x85R.":             "arguments",
		"\x80\x04" + global("datetime", "timezone") + global("datetime", "timedelta") + "J\xff\xff\xff\xffK\x00K\x00\x87R\x85R.": "arguments",
		"\x80\x04" + global("datetime", "timezone") + global("datetime", "timedelta") + "K\x00K\x00K\x05\x87R\x85R.":             "whole seconds",
		"\x80\x04" + global("datetime", "time") + "C\x06\x18\x00\x00\x00\x00\x00\x85R.":                                          "clock",
		"\x80\x04" + global("datetime", "time") + "C\x06\x00\x00\x00\x0f\x42\x40\x85R.":                                          "clock",
		"\x80\x04" + global("datetime", "time") + "C\x05\x00\x00\x00\x00\x00\x85R.":                                              "clock",
		"\x80\x04" + global("datetime", "time") + ")R.":                                                                          "arguments",
		"\x80\x04" + global("uuid", "UUID") + ")\x81.":                                                                           "UUID where a value",
		"\x80\x04" + global("uuid", "UUID") + ")\x81Nb.":                                                                         "arguments",
		"\x80\x04" + global("uuid", "UUID") + ")\x81}b.":                                                                         "arguments",
		"\x80\x04" + global("uuid", "UUID") + ")\x81}\x8c\x03intJ\xff\xff\xff\xffsb.":                                            "arguments",
		"\x80\x04" + global("uuid", "UUID") + ")\x81}\x8c\x03int\x8c\x015sb.":                                                    "arguments",
		"\x80\x04" + global("uuid", "UUID") + ")\x81}\x8c\x03int\x8a\x11" + strings.Repeat("\x00", 16) + "\x01sb.":               "arguments",
		"\x80\x04" + global("uuid", "UUID") + ")\x81}(\x8c\x01aK\x01\x8c\x01bK\x01\x8c\x03intK\x01ub.":                           "arguments",
		"\x80\x04" + global("uuid", "UUID") + "N\x81.":                                                                           "tuple of arguments",
		"\x80\x04" + global("uuid", "UUID") + ")\x85\x81.":                                                                       "UUID where a value",
		"b.": "too little", "Nb.": "too little", "(Nb.": "too little", "\x81.": "too little", "N)\x92.": "too little",
		"ccopyreg\n_reconstructor\n(cuuid\nUUID\nNNtR.":                            "arguments",
		"ccopyreg\n_reconstructor\n)R.":                                            "arguments",
		"\x80\x04" + global("builtins", "set") + "(NNN" + global("a", "b") + "tR.": "arguments",
		"\x80\x04" + global("collections", "defaultdict") + "NN\x86R.":             "arguments",
		"\x80\x04" + global("collections", "Counter") + "]\x85R.":                  "arguments",
		"\x80\x04" + global("collections", "Counter") + "}}\x86R.":                 "arguments",
		"\x80\x04" + global("collections", "deque") + "N\x85R.":                    "arguments",
		"\x80\x04" + global("numpy", "dtype") + "N\x89\x88\x87R.":                  "arguments",
		"\x80\x04" + global("numpy", "dtype") + ")R.":                              "arguments",
		scalarOf("f8", "<", "1234567"):                                             "arguments", scalarOf("f8", "=", "12345678"): "arguments", scalarOf("U1", "<", "\x00\x00\x11\x00"): "surrogate",
		scalarOf("U1", "<", "\x00\xd8\x00\x00"): "surrogate", scalarOf("S3", "|", "ab"): "arguments", scalarOf("U2", "<", "a\x00\x00\x00"): "arguments",
		scalarOf("i3", "<", "abc"): "dtype of i3", scalarOf("c16", "<", strings.Repeat("a", 16)): "dtype of c16", scalarOf("f", "<", "abcd"): "dtype of f",
		scalarOf("U4611686018427387904", "<", ""): "dtype of", scalarOf("i-1", "<", "a"): "dtype of",
		"\x80\x04" + global("datetime", "timezone") + "N\x85R.":                                                  "arguments",
		"\x80\x04" + global("datetime", "date") + "C\x04\x07\xe7\x02\x1d\x85R.":                                  "calendar",
		"\x80\x04" + global("datetime", "date") + "C\x03\x07\xe7\x02\x85R.":                                      "calendar",
		"\x80\x04" + global("datetime", "date") + "K\x01\x85R.":                                                  "arguments",
		"\x80\x04" + global("datetime", "datetime") + "C\x0a\x07\xe8\x02\x1d\x18\x00\x00\x00\x00\x00\x85R.":      "calendar",
		"\x80\x04" + global("datetime", "datetime") + "C\x0a\x07\xe8\x02\x1d\x00\x00\x00\x00\x00\x00K\x01\x86R.": "arguments",
		"\x80\x04" + global("decimal", "Decimal") + "\x8c\x011\x8c\x011\x86R.":                                   "arguments",
		"\x80\x04" + global("decimal", "Decimal") + "\x8c\x01x\x85R.":                                            "arguments",
		"\x80\x04" + global("builtins", "set") + "N\x85R.":                                                       "arguments",
		"\x80\x04" + global("builtins", "bytes") + "K\x05\x85R.":                                                 "arguments",
		"\x80\x04" + global("builtins", "bytearray") + "J\xff\xff\xff\x7f\x85R.":                                 "arguments",
		"\x80\x04" + global("collections", "OrderedDict") + "]\x85R.":                                            "arguments",
		"\x80\x04" + global("_codecs", "encode") + "\x8c\x01a\x8c\x03hex\x86R.":                                  "arguments",
		"\x80\x04" + global("_codecs", "encode") + "\x8c\x02\xc4\x80\x8c\x06latin1\x86R.":                        "arguments",
		"\x80\x04]\x94" + global("builtins", "set") + "h\x00\x85R\x86.":                                          "arguments",
		"N(N\x86.":                       "too little",
		zoneNamed("../../../etc/passwd"): "arguments",
		zoneNamed("Local"):               "arguments",
		zoneNamed(""):                    "arguments",
		zoneNamed("Nowhere/Land"):        "time zone",

		"}]Ns.": "Python does not allow", "}}Ns.": "Python does not allow", "}]\x85Ns.": "Python does not allow",
		"\x8f(]\x90.": "Python does not allow", "(\x8f\x91.": "Python does not allow",
		"}\x80\x05\x96\x00\x00\x00\x00\x00\x00\x00\x00Ns.": "",
	}
	for data, want := range tests {
		got, err := decodeAny(data)
		if want == "" {
			if err != nil {
				t.Errorf("%q gave %v", data, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || got != "old" {
			t.Errorf("%q gave %v, %v, want %q in the error", data, got, err, want)
		}
	}
}

// scalarOf is a scalar of numpy.
func scalarOf(dtype, order, data string) string {
	return "\x80\x04" + global("numpy._core.multiarray", "scalar") + global("numpy", "dtype") +
		fmt.Sprintf("\x8c%c%s\x89\x88\x87R(K\x03\x8c%c%sNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbC%c%s\x86R.",
			len(dtype), dtype, len(order), order, len(data), data)
}

func zoneNamed(name string) string {
	return "\x80\x04" + global("zoneinfo", "ZoneInfo._unpickle") + fmt.Sprintf("\x8c%c%sK\x01\x86R.", len(name), name)
}

// TestSharedValues: what is one object in Python becomes equal values here, and none of them is part of another.
func TestSharedValues(t *testing.T) {
	got, err := decodeAny("\x80\x04](]\x94h\x00h\x00(K\x01eC\x02ab\x94h\x01\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01\x94h\x02e.")
	if err != nil {
		t.Fatal(err)
	}
	list := got.([]any)
	if text := fmt.Sprint(list); text != "[[1] [1] [1] [97 98] [97 98] 18446744073709551616 18446744073709551616]" {
		t.Fatalf("it is %s", text)
	}
	list[0].([]any)[0] = 7
	list[3].([]byte)[0] = 'X'
	if text := fmt.Sprint(list[1:5]); text != "[[1] [1] [97 98] [97 98]]" {
		if fmt.Sprint(list[1:5]) != "[[1] [1] [88 98] [97 98]]" {
			t.Errorf("a change to one changes another: %s", text)
		}
	}
	if list[5] == list[6] {
		t.Error("an int is there twice as one *big.Int")
	}
}

func TestWhatHoldsItself(t *testing.T) {
	for name, data := range map[string]string{
		"list":           "\x80\x04]\x94h\x00a.",
		"dict":           "\x80\x04}\x94\x8c\x01ah\x00s.",
		"tuple in list":  "\x80\x04]\x94h\x00\x85\x94a.",
		"set":            "\x80\x04\x8f\x94(h\x00\x90.",
		"set in a tuple": "\x80\x04\x8f\x94(h\x00\x85\x90.",
	} {
		for _, dst := range []any{new(any), new([]any), new(map[string]any), new(pickle.Set), new(self), new(deepList)} {
			if err := pickle.New().Decode([]byte(data), dst); err == nil {
				t.Errorf("%s into %T: no error", name, dst)
			}
		}
		_, err := decodeAny(data)
		if text := fmt.Sprint(err); !strings.Contains(text, "itself") && !strings.Contains(text, "Python does not allow") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type deepList []deepList

func TestDepth(t *testing.T) {
	nested := func(depth int) []byte {
		return []byte("\x80\x04" + strings.Repeat("]", depth) + strings.Repeat("a", depth-1) + ".")
	}
	for _, dst := range []any{new(any), new([]any), new(deepList)} {
		if err := pickle.New().Decode(nested(1000), dst); err != nil {
			t.Errorf("1000 deep into %T: %v", dst, err)
		}
		if _, err := pickle.New().Encode(dst); err != nil {
			t.Errorf("1000 deep from %T: %v", dst, err)
		}
		if err := pickle.New().Decode(nested(1001), dst); err == nil || !strings.Contains(err.Error(), "deeper") {
			t.Errorf("1001 deep into %T: %v", dst, err)
		}
	}
	tuples := "\x80\x04)" + strings.Repeat("\x85", 100_000) + "."
	if _, err := decodeAny(tuples); err == nil {
		t.Error("tuples: no error")
	}
}

// TestSetsInSets: to sort an element costs its length once for each set that it is in.
func TestSetsInSets(t *testing.T) {
	var value any = pickle.FrozenSet{}
	for range 15 {
		value = pickle.FrozenSet{value}
	}
	data, err := pickle.New().Encode(value)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decodeAny(string(data)); err != nil || !same(got, value) {
		t.Errorf("16 sets came back as %v, %v", got, err)
	}
	if _, err := pickle.New().Encode(pickle.Set{value}); err == nil || !strings.Contains(err.Error(), "16") {
		t.Errorf("17 sets: %v", err)
	}
	deep := "\x80\x04" + strings.Repeat("(", 17) + strings.Repeat("\x91", 17) + "."
	if _, err := decodeAny(deep); err == nil || !strings.Contains(err.Error(), "16") {
		t.Errorf("17 sets: %v", err)
	}
}

// TestRareForms: what Python writes less often, or its pure Python modules do.
func TestRareForms(t *testing.T) {
	state := "C\x0a\x07\xe8\x07\x0f\x0c\x1e\x00\x00\x00\x00" // 2024-07-15 12:30
	zone := strings.TrimSuffix(strings.TrimPrefix(zoneNamed("Europe/Berlin"), "\x80\x04"), ".")
	for data, want := range map[string]any{
		"\x80\x04" + global("datetime", "datetime") + state + zone + "\x86R.": berlin(7, 15, 12, 30),
		"\x80\x04" + state + "\x94" + global("datetime", "datetime") + "h\x00" + zone + "\x86R\x86.": pickle.Tuple{
			[]byte(state[2:]), berlin(7, 15, 12, 30)},
		"N.": nil, "I01\n.": true, "I5\n.": int64(5), "L5L\n.": int64(5), "L5\n.": int64(5), "F1e400\n.": math.Inf(1), "\x8a\x00.": int64(0),
		"\x80\x04(]q\x00q\x00]\x94K\x01ah\x01l.": []any{[]any{}, []any{int64(1)}, []any{int64(1)}},
		"V\\a\\\\u0041\\u0042\\\n.":              `\a\\u0041B\`,
		"(lp0\nI1\na.":                           []any{int64(1)}, "(dp0\nVa\nI1\ns.": map[string]any{"a": int64(1)}, "(Va\nNd.": map[string]any{"a": nil},
		"\x8a\x09\x05\x00\x00\x00\x00\x00\x00\x00\x00.": int64(5), "\x8b\x02\x00\x00\x00\xff\xff.": int64(-1),
		"\x8d\x01\x00\x00\x00\x00\x00\x00\x00a.": "a", "\x8e\x01\x00\x00\x00\x00\x00\x00\x00a.": []byte("a"),
		"}(\x8c\x01aK\x01\x8c\x01aK\x02u.":                                                                                            map[string]any{"a": int64(2)},
		"}(K\x01K\x01K\x01K\x02u.":                                                                                                    map[any]any{int64(1): int64(2)},
		"}(C\x01aK\x01C\x01aK\x02u.":                                                                                                  pickle.Dict{{Key: []byte("a"), Value: int64(2)}},
		"C\x01a\x94" + global("builtins", "bytearray") + "h\x00\x85R\x86.":                                                            pickle.Tuple{[]byte("a"), []byte("a")},
		"\x80\x02" + global("decimal", "Decimal") + "\x8c\x011\x85R\x94h\x00\x86.":                                                    pickle.Tuple{pickle.Decimal("1"), pickle.Decimal("1")},
		"\x80\x04" + global("datetime", "time") + "C\x06\x81\x02\x03\x00\x00\x04N\x86R.":                                              pickle.TimeOfDay{Hour: 1, Minute: 2, Second: 3, Microsecond: 4},
		"\x80\x04" + global("collections", "deque") + "](K\x01K\x02eK\x05\x86R.":                                                      []any{int64(1), int64(2)}, // by Python 2
		"\x80\x04" + global("collections", "deque") + "](K\x01e\x85RK\x02a.":                                                          []any{int64(1), int64(2)},
		"\x80\x04" + global("collections", "deque") + ")R(K\x01K\x02e.":                                                               []any{int64(1), int64(2)},
		"\x80\x04" + global("collections", "defaultdict") + global("a", "b") + "\x85RK\x01K\x02s.":                                    map[any]any{int64(1): int64(2)},
		"\x80\x04" + global("uuid", "UUID") + ")\x81}(\x8c\x07is_safeK\x00\x8c\x03int\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01ub.": pickle.UUID{7: 1},
		"\x80\x04\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01\x94" + global("uuid", "UUID") + ")\x81}\x8c\x03inth\x00sb\x86.": pickle.Tuple{
			pow2(64), pickle.UUID{7: 1}},
		"\x80\x04" + global("datetime", "datetime") + state + "N\x86R.": pickle.LocalTimeOf(berlin(7, 15, 12, 30)),
	} {
		if got, err := decodeAny(data); err != nil || !same(got, want) {
			t.Errorf("%q is %v (%v), want %v", data, got, err, want)
		}
	}
}

// TestNaNKey: a Go map would not find it again.
func TestNaNKey(t *testing.T) {
	got, err := decodeAny("}G\x7f\xf8\x00\x00\x00\x00\x00\x00Ns.")
	if _, ok := got.(pickle.Dict); !ok || err != nil {
		t.Errorf("it is a %T, %v", got, err)
	}
}

// bombs are short pickles that name huge values.
func bombs() map[string][]byte {
	double := func(open, fill string, each func(i byte) string) []byte {
		var data bytes.Buffer
		data.WriteString("\x80\x04](" + open + "\x94" + fill)
		for i := range byte(40) {
			data.WriteString(each(i))
		}
		data.WriteString("e.")
		return data.Bytes()
	}
	get := func(i byte) string { return string([]byte{'h', i}) }
	text := func(n int) string {
		return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(n))) + strings.Repeat("1", n)
	}
	repeat := func(first, each string) []byte {
		return []byte("\x80\x04](" + first + "\x94" + strings.Repeat(each, 5_000) + "e.")
	}
	long := strings.Repeat("x", 1<<16)
	bytesOf := "B" + string(binary.LittleEndian.AppendUint32(nil, 1<<16)) + long
	scalar := func(dtype, bytes string) []byte { // one, and then others of its parts
		first := global("numpy._core.multiarray", "scalar") + "\x94" + global("numpy", "dtype") + fmt.Sprintf("\x8c%c%s", len(dtype), dtype) +
			"\x89\x88\x87R(K\x03\x8c\x01<NNNNNNtb\x94" + bytes + "\x94\x86R"
		return repeat(first, "h\x00h\x01h\x02\x86R")
	}
	return map[string][]byte{
		"lists":           double("]", "", func(i byte) string { return "](" + get(i) + get(i) + "e\x94" }),
		"tuples":          double(")", "", func(i byte) string { return get(i) + get(i) + "\x86\x94" }),
		"dicts":           double("}", "", func(i byte) string { return "}(\x8c\x01a" + get(i) + "\x8c\x01b" + get(i) + "u\x94" }),
		"bytes":           repeat(bytesOf, "h\x00"),
		"ints":            repeat("\x8b"+string(binary.LittleEndian.AppendUint32(nil, 1<<16))+long, "h\x00"),
		"latin1":          repeat(text(1<<16)+"\x94"+global("_codecs", "encode")+"\x94\x8c\x06latin1", "h\x01h\x00h\x02\x86R"),
		"decimal":         repeat(text(1<<16)+"\x94"+global("decimal", "Decimal"), "h\x01h\x00\x85R"),
		"keys":            repeat(text(1<<16), "}h\x00Ns"),
		"sets":            repeat(text(1<<16), "\x8f(h\x00\x90"),
		"rows":            repeat("]("+strings.Repeat("N", 1000)+"e", "h\x00"),
		"bytes in a list": repeat("]"+bytesOf+"a", "h\x00"),
		"bytearray":       repeat("\x96"+string(binary.LittleEndian.AppendUint64(nil, 1<<16))+long, "h\x00"),
		"odd keys":        repeat(text(1<<16), "}h\x00NsNNs"),
		"wide texts":      scalar("U16384", strings.ReplaceAll(bytesOf, "xxxx", "x\x00\x00\x00")),
		"scalar bytes":    scalar("S65536", bytesOf),
		"far memo":        []byte("\x80\x04]r" + string(binary.LittleEndian.AppendUint32(nil, 5_000)) + strings.Repeat("N", 5_000)),
	}
}

// allocated is how much memory one Decode asks for.
func allocated(data []byte, dst any) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_ = pickle.New().Decode(data, dst)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestMemory: what Decode allocates is a multiple of the pickle's length, whatever is in it.
func TestMemory(t *testing.T) {
	const base, perByte = 128 << 10, 300
	for _, unit := range []string{"]", "}", ")", "\x8f", "N", "\x88", "(", "]\x94", "}\x8c\x00Ns", "}NNs", "K\x01",
		"J\x00\x00\x00\x7f", "\x8c\x00", "C\x00", "(\x91", "G12345678", "M12", "}M12Ns",
		"ca\nb\n", "ca\nb\n)R", "ca\nb\n)\x81Nb", "cuuid\nUUID\n)\x81", "ccollections\nCounter\n}\x85R", "ccollections\nCounter\n)R",
		"cnumpy\ndtype\n\x8c\x02f8\x89\x88\x87R"} {
		data := []byte("\x80\x04](" + strings.Repeat(unit, 5_000) + "e.")
		for _, dst := range []any{new(any), new([][]byte), new([]map[any]any), new([][1000]int)} {
			used := allocated(data, dst)
			if used > uint64(base+perByte*len(data)) {
				t.Errorf("many %q into %T: %d bytes took %d, %d a byte", unit, dst, len(data), used, used/uint64(len(data)))
			}
		}
	}
}

// TestMemoryOfBombs: with an allowance for values that are there several times, that holds for them too.
func TestMemoryOfBombs(t *testing.T) {
	const base, perByte = 12 << 20, 300
	type row struct{ Field, Other []byte }
	for name, data := range bombs() {
		for _, dst := range []any{new(any), new([][]byte), new([]row), new([]map[any]any), new(pickle.Tuple), new([]map[string]string)} {
			if used := allocated(data, dst); used > uint64(base+perByte*len(data)) {
				t.Errorf("%q of %d bytes into %T took %d bytes, %d a byte", name, len(data), dst, used, used/uint64(len(data)))
			}
		}
		if _, err := decodeAny(string(data)); err == nil {
			t.Errorf("%s: no error", name)
		} else if name != "far memo" && !strings.Contains(err.Error(), "several times") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSharedValuesThatAreReal: what a program would store is far from the limit.
func TestSharedValuesThatAreReal(t *testing.T) {
	data := "\x80\x04]((\x8c\x01aK\x01\x8c\x01bK\x02d\x94" + strings.Repeat("h\x00", 10_000) + "e."
	got, err := decodeAny(data)
	if err != nil || len(got.([]any)) != 10_001 {
		t.Fatalf("a list of one dict 10,001 times: %v", err)
	}
}

// TestErrorsOfBytesAreNotOfTypes: broken data is no fault of the destination.
func TestErrorsOfBytesAreNotOfTypes(t *testing.T) {
	for _, data := range []string{"", "\x80\x04(", "cos\nsystem\n."} {
		_, err := decodeAny(data)
		if _, is := err.(*encoders.UnsupportedTypeError); is || err == nil {
			t.Errorf("%q: %v", data, err)
		}
	}
}
