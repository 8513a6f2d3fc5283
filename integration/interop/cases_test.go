package interop_test

import (
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"slices"
	"time"

	"github.com/gin-cachette/cachette/encoders/pickle"
)

// A testCase is a value that both sides put, and both fetch. cases.py has the counterpart under the same name.
type testCase struct {
	name  string
	put   any
	want  any // what Go fetches, if it is not what it puts
	holes []hole
}

// A direction is who puts and who fetches.
type direction string

const (
	fromPython direction = "Python to Go"
	fromGo     direction = "Go to Python"
)

// A hole is what the two cannot share. The tests check that it is one, and for that reason.
type hole struct {
	backend   string    // empty for each
	direction direction // empty for both
	shows     string    // a regular expression of the error that shows it
	reason    string
}

func (h hole) covers(backend string, d direction) bool {
	return (h.backend == "" || h.backend == backend) && (h.direction == "" || h.direction == d)
}

// miss is what shows that Python finds nothing.
var miss = errPythonMiss.Error()

const (
	noneReason = "Python's `fetch` returns None for a miss, and so cannot tell a None that is stored from one."
	jsonFloat  = "JSON has no infinity: Go refuses it, Python's json writes `Infinity`, which is not JSON and which Go does not read."
	wholeFloat = "Go writes the float 1.0 as `1`, as encoding/json does, and Python reads that as an int; to it the two are equal."
	orFloat    = "JSON has no infinity: Go refuses it, and Python's orjson writes null in its place."
)

// cases returns the cases of a codec.
func cases(codec string) []testCase {
	switch codec {
	case "vanilla":
		return vanillaCases()
	case "json", "orjson":
		return jsonCases(codec)
	case "msgpack":
		return msgpackCases()
	case "pickle":
		return pickleCases()
	}
	return frameCases(codec)
}

var codecs = append([]string{"vanilla", "json", "orjson", "msgpack", "pickle"}, frameCodecs...)

// scalars are the values that every codec but those of tables has.
func scalars() []testCase {
	return []testCase{
		{name: "text", put: "plain text"},
		{name: "unicode", put: "Grüße, 世界 🌍"},
		{name: "int", put: int64(-42)},
		{name: "int-large", put: int64(1<<53 + 1)},
		{name: "float", put: 0.1},
		{name: "float-whole", put: 1.0},
		{name: "float-large", put: 1e22},
		{name: "bool", put: true},
	}
}

func vanillaCases() []testCase {
	empty := "Python's `fetch` takes a value without a byte for a miss on this backend."
	return append(scalars(),
		testCase{name: "text-empty", put: "", holes: []hole{{"redis", fromGo, miss, empty}, {"memcached", fromGo, miss, empty}}},
		testCase{name: "none", put: nil, want: "None", holes: []hole{{direction: fromGo, shows: "cannot encode <nil>",
			reason: "Go refuses nil, for text has none. What Python puts is the text `None`."}}},
		testCase{name: "bytes", put: []byte("raw"), holes: []hole{{shows: `python fetches 'raw'|go fetches \[\]uint8`,
			reason: "Python puts the text `b'raw'` in place of the bytes, and fetches text always; Go puts and fetches the bytes themselves."}}},
	)
}

func noneCase() testCase {
	return testCase{name: "none", put: nil, holes: []hole{{direction: fromGo, shows: miss, reason: noneReason}}}
}

func bigInt() *big.Int { return new(big.Int).Lsh(big.NewInt(1), 100) }

func jsonCases(codec string) []testCase {
	big := testCase{name: "int-big", put: bigInt()}
	infinity := testCase{name: "infinity", put: math.Inf(1), holes: []hole{{
		shows: `JSON has no form for it: \+Inf|invalid character 'I'|cannot decode null into \*float64`, reason: jsonFloat}}}
	if codec == "orjson" {
		big.holes = []hole{{shows: `Integer exceeds 64-bit range|equal true, of equal type false`,
			reason: "Python's orjson refuses to write an integer beyond 64 bits, and reads one as a float."}}
		infinity.holes[0].reason = orFloat
	}
	n := func(digits string) any { return json.Number(digits) }
	simple := scalars()
	whole := slices.IndexFunc(simple, func(c testCase) bool { return c.name == "float-whole" })
	simple[whole].holes = []hole{{direction: fromGo, shows: "fetches 1: equal true, of equal type false", reason: wholeFloat}}
	return append(simple, noneCase(), big, infinity,
		testCase{name: "nested", put: nested(int64(1), 2.5), want: nested(n("1"), n("2.5"))},
		testCase{name: "list", put: list(int64(1), 3.5), want: list(n("1"), n("3.5"))},
		testCase{name: "list-empty", put: []any{}},
		testCase{name: "dict-empty", put: map[string]any{}},
	)
}

// nested returns a tree with the numbers 1 and 2.5 in the form that a codec has for them.
func nested(one, half any) map[string]any {
	return map[string]any{
		"name":  "Ünïcode",
		"tags":  []any{"a", "b"},
		"deep":  map[string]any{"n": one, "list": []any{one, half, true, nil, map[string]any{}}},
		"empty": []any{},
	}
}

func list(one, half any) []any { return []any{one, "two", half, false, nil} }

// trees are the values that msgpack and pickle share.
func trees() []testCase {
	return append(scalars(), noneCase(),
		testCase{name: "infinity", put: math.Inf(1)},
		testCase{name: "bytes", put: []byte("\x00\xff\x80raw")},
		testCase{name: "nested", put: nested(int64(1), 2.5)},
		testCase{name: "list", put: list(int64(1), 3.5)},
		testCase{name: "list-empty", put: []any{}},
		testCase{name: "dict-empty", put: map[string]any{}},
	)
}

func msgpackCases() []testCase {
	return append(trees(),
		testCase{name: "int-big", put: bigInt(), holes: []hole{{shows: `OverflowError|python fetches '1267650600228229401496703205376'`,
			reason: "MessagePack has no integer beyond 64 bits: Python refuses one, and Go writes its digits as text."}}},
		testCase{name: "uint64", put: uint64(math.MaxUint64)},
		testCase{name: "nested-bytes", put: map[string]any{"data": []byte("\x00\xff"), "list": []any{[]byte{}, []byte("x")}}},
		testCase{name: "dict-int-keys", put: map[any]any{int64(1): "one", int64(2): "two"}, holes: []hole{{direction: fromGo, shows: "not allowed for map key",
			reason: "Python's msgpack refuses to read a map whose keys are neither text nor bytes, though it writes one."}}},
		testCase{name: "timestamp", put: time.Unix(1709209815, 123456789).UTC()},
	)
}

func pickleCases() []testCase {
	clock := time.Date(2024, 2, 29, 12, 30, 15, 123456000, time.UTC)
	zone := time.FixedZone("", 5*3600+1800)
	return append(trees(),
		testCase{name: "int-big", put: bigInt()},
		testCase{name: "tuple", put: pickle.Tuple{int64(1), "two", pickle.Tuple{3.5, nil}}},
		testCase{name: "dict-int-keys", put: map[any]any{int64(1): "one", int64(2): "two"}},
		testCase{name: "set", put: pickle.Set{int64(1), int64(2), int64(3)}},
		testCase{name: "frozenset", put: pickle.FrozenSet{"a", "b"}},
		testCase{name: "decimal", put: pickle.Decimal("1234567890.123456789012345678")},
		testCase{name: "date", put: pickle.Date{Year: 2024, Month: 2, Day: 29}},
		testCase{name: "datetime", put: pickle.LocalTimeOf(clock)},
		testCase{name: "datetime-utc", put: clock},
		testCase{name: "datetime-zone", put: time.Date(2024, 2, 29, 12, 30, 15, 123456000, zone)},
		testCase{name: "nested-mixed", put: map[string]any{
			"t": pickle.Tuple{int64(1), []any{int64(2)}}, "d": pickle.Decimal("1.20"),
			"day": pickle.Date{Year: 1999, Month: 12, Day: 31}, "b": []byte("x"),
		}},
	)
}

// wanted returns what Go is to fetch.
func (c testCase) wanted() any {
	if c.want != nil {
		return c.want
	}
	return c.put
}

// destination returns a pointer to what the wanted value is fetched into: its own type.
func (c testCase) destination() any {
	if c.wanted() == nil {
		return new(any)
	}
	return reflect.New(reflect.TypeOf(c.wanted())).Interface()
}

// same tells whether two values are equal and of one type.
func same(got, want any) bool {
	if reflect.TypeOf(got) != reflect.TypeOf(want) {
		return false
	}
	switch want := want.(type) {
	case time.Time:
		_, offset := got.(time.Time).Zone()
		_, wantOffset := want.Zone()
		return want.Equal(got.(time.Time)) && offset == wantOffset
	case *big.Int:
		return want.Cmp(got.(*big.Int)) == 0
	case pickle.Set:
		return want.Equal(got.(pickle.Set))
	case pickle.FrozenSet:
		return want.Equal(got.(pickle.FrozenSet))
	}
	return reflect.DeepEqual(got, want)
}
