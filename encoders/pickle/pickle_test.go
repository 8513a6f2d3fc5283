package pickle_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/encodertest"
	"github.com/gin-cachette/cachette/encoders/internal/null/nulltest"
	"github.com/gin-cachette/cachette/encoders/pickle"
)

type (
	label   string
	count   int16
	colors  map[label]struct{}
	base    struct{ ID int }
	Address struct {
		Street string `pickle:"street"`
		City   string `json:"city,omitempty"`
	}
	person struct {
		base
		*Address
		Name    string             `pickle:"name" json:"other"`
		Age     uint8              `json:"age"`
		Height  float32            `pickle:",omitempty"`
		Born    pickle.Date        `pickle:"born"`
		Seen    time.Time          `pickle:"seen,omitzero"`
		Price   pickle.Decimal     `pickle:"price,omitempty"`
		Tags    colors             `pickle:"tags"`
		Friends []*person          `pickle:"friends,omitempty"`
		Extra   map[label]any      `pickle:"extra,omitempty"`
		Grid    [2][2]count        `pickle:"grid"`
		Whole   *big.Int           `pickle:"whole,omitempty"`
		Pair    pickle.Tuple       `pickle:"pair,omitempty"`
		Peer    netip.Addr         `pickle:"peer,omitzero"`
		Note    *string            `pickle:"note"`
		Secret  string             `pickle:"-"`
		Naive   *pickle.LocalTime  `pickle:"naive,omitempty"`
		Table   map[[2]int]float64 `pickle:"table,omitempty"`
		//lint:ignore U1000 it is not to be stored
		private int
	}
	hiding struct{ *base }
	Within struct {
		*Within
		X int
	}
	node    struct{ Next *node }
	self    *self
	spelled struct{ text string } // writes and reads itself
)

func (s spelled) MarshalText() ([]byte, error) { return []byte(s.text), nil }
func (s *spelled) UnmarshalText(text []byte) error {
	s.text = string(text)
	return nil
}

var ada = person{
	base: base{ID: 7}, Address: &Address{"Main Street 1", "London"}, Name: "Ada", Age: 36, Height: 1.5,
	Born: pickle.Date{Year: 1815, Month: 12, Day: 10}, Seen: time.Date(2024, 2, 29, 12, 30, 0, 1000, time.UTC), Price: "1.10",
	Tags: colors{"b": {}, "a": {}}, Friends: []*person{{Name: "Charles", Born: leapDay}}, Extra: map[label]any{"x": int64(1)},
	Grid: [2][2]count{{1, -2}, {3, 4}}, Whole: pow2(70), Pair: pickle.Tuple{int64(1), "x"}, Peer: netip.MustParseAddr("::1"),
	Note: ptr("note"), Naive: &pickle.LocalTime{Date: leapDay}, Table: map[[2]int]float64{{1, 2}: 0.5, {0, 9}: 1},
}

func suite() encodertest.Suite {
	cycle, hidden := &node{}, ada
	cycle.Next = cycle
	hidden.Secret = "x"
	list := []any{nil}
	list[0] = list
	dict := pickle.Dict{{}}
	dict[0].Key = dict
	var pointer self
	pointer = self(&pointer)

	into := func(value, dst any, holds string) encodertest.Into {
		return encodertest.Into{Name: fmt.Sprintf("%T into %T", value, dst), Value: value, Dst: dst, Holds: holds}
	}
	cases := []encodertest.Case{
		{Value: nil, Data: []byte("\x80\x04N.")},
		{Value: true, Data: []byte("\x80\x04\x88.")}, {Value: false},
		{Value: 5, Data: []byte("\x80\x04K\x05.")}, {Value: -129},
		{Value: int8(math.MinInt8)}, {Value: int16(math.MinInt16)}, {Value: int32(math.MinInt32)}, {Value: int64(math.MinInt64)},
		{Value: uint(7)}, {Value: uint8(255)}, {Value: uint16(65535)}, {Value: uint32(math.MaxUint32)},
		{Value: uint64(math.MaxUint64)},
		{Value: count(5)}, {Value: time.Second}, {Name: "an int in an any", Value: uint8(5), Into: new(any), Want: int64(5)},
		{Name: "an int beyond int64 in an any", Value: uint64(math.MaxUint64), Into: new(any), Want: bigInt("18446744073709551615")},
		{Value: pow2(200)}, {Value: neg(pow2(2100))}, {Value: big.NewInt(5)}, {Value: *big.NewInt(-5)}, {Value: *pow2(99)},
		{Name: "small in a *big.Int", Value: 5, Want: big.NewInt(5)},
		{Name: "large in an int64", Value: big.NewInt(1 << 40), Want: 1 << 40},
		{Value: 1.5, Data: []byte("\x80\x04G?\xf8\x00\x00\x00\x00\x00\x00.")}, {Value: math.NaN()}, {Value: math.Copysign(0, -1)},
		{Value: math.Inf(-1)}, {Value: float32(0.1)}, {Value: float32(math.Inf(1))}, {Name: "an int in a float", Value: 3, Want: 3.0},
		{Value: "hello", Data: []byte("\x80\x04\x8c\x05hello.")}, {Value: ""}, {Value: strings.Repeat("\u00e4", 200)},
		{Value: label("x")},
		{Value: []byte{0, 255}, Data: []byte("\x80\x04C\x02\x00\xff.")}, {Value: []byte{}}, {Value: make([]byte, 300)},
		{Value: [3]byte{1, 2, 3}}, {Value: []byte(nil)},
		{Value: []int{1, 2, 300}}, {Value: []int{}, Data: []byte("\x80\x04].")}, {Value: []int(nil), Data: []byte("\x80\x04N.")},
		{Value: [2]string{"a", "b"}}, {Value: []any{int64(1), "a", nil}}, {Value: []any{}}, {Value: [][]string{{"a"}, nil, {}}},
		{Name: "a tuple in a slice", Value: pickle.Tuple{1, 2}, Want: []int{1, 2}},
		{Name: "a tuple in an array", Value: pickle.Tuple{1, 2}, Want: [2]int{1, 2}},
		{Value: pickle.Tuple{}}, {Value: pickle.Tuple{int64(1)}}, {Value: pickle.Tuple{int64(1), "a", nil, true}},
		{Value: map[string]int{"b": 2, "a": 1}, Data: []byte("\x80\x04}(\x8c\x01aK\x01\x8c\x01bK\x02u.")},
		{Value: map[string]int{"c": 3}}, {Value: map[string]int{}}, {Value: map[string]int(nil)},
		{Value: map[int]string{10: "b", 9: "a", -1: "c"}}, {Value: map[bool]string{true: "a", false: "b"}},
		{Value: map[float64]int{1.5: 1, 2: 2}},
		{Value: map[int]bool{70000: true, 5: false}, Data: []byte("\x80\x04}(K\x05\x89J\x70\x11\x01\x00\x88u.")},
		{Value: map[uint]bool{70000: true, 5: false}, Data: []byte("\x80\x04}(K\x05\x89J\x70\x11\x01\x00\x88u.")},
		{Value: map[uint8]string{200: "a", 3: "b"}}, {Value: map[pickle.Date]int{leapDay: 1}},
		{Value: map[netip.Addr]int{netip.MustParseAddr("::1"): 1}},
		{Value: map[pickle.Decimal]int{"1.5": 1, "2.5": 2}}, {Value: map[[2]byte]int{{1, 2}: 1}},
		{Value: map[string]any{"a": int64(1), "b": map[string]any{"c": []any{nil}}}},
		{Value: map[any]any{int64(1): "a", "b": 1.5, nil: true}},
		{Value: pickle.Dict{{Key: pickle.Tuple{int64(1)}, Value: "x"}, {Key: "a", Value: int64(1)}}}, {Value: pickle.Dict{}},
		{Value: pickle.Dict(nil)},
		{Name: "map in a Dict", Value: map[string]int{"b": 2, "a": 1},
			Want: pickle.Dict{{Key: "a", Value: int64(1)}, {Key: "b", Value: int64(2)}}},
		{Value: map[string]struct{}{"a": {}, "b": {}}, Data: []byte("\x80\x04\x8f(\x8c\x01a\x8c\x01b\x90.")},
		{Name: "a frozenset in a map", Value: pickle.FrozenSet{3, 4}, Want: map[int]struct{}{3: {}, 4: {}}},
		{Value: colors{}}, {Value: colors(nil)},
		{Value: pickle.Set{int64(2), int64(1), pickle.FrozenSet{"a"}, int64(2)}, Want: pickle.Set{int64(1), int64(2),
			pickle.FrozenSet{"a"}}},
		{Value: pickle.Set{}, Data: []byte("\x80\x04\x8f.")}, {Value: pickle.FrozenSet{}},
		{Value: pickle.FrozenSet{int64(2), int64(1)}}, {Value: pickle.Set(nil)},
		{Value: pickle.Decimal("1.10")}, {Value: pickle.Decimal("-0")}, {Value: pickle.Decimal("NaN")},
		{Value: pickle.Decimal("-Infinity")},
		{Value: leapDay}, {Value: pickle.Date{Year: 9999, Month: 12, Day: 31}},
		{Value: pickle.TimeOfDay{Hour: 23, Minute: 59, Second: 59, Microsecond: 999999}}, {Value: pickle.TimeOfDay{}},
		{Value: pickle.TimeDelta{Days: -999999999}}, {Value: pickle.TimeDelta{Days: 1, Seconds: 2, Microseconds: 3}},
		{Name: "a timedelta in a duration", Value: pickle.TimeDelta{Days: -1, Seconds: 86399, Microseconds: 999999}, Want: -time.Microsecond},
		{Value: pickle.UUID{1, 2, 3}}, {Value: pickle.UUID{15: 1}}, {Name: "a UUID in 16 bytes", Value: pickle.UUID{1, 2}, Want: [16]byte{1, 2}},
		{Name: "and in what reads its text", Value: pickle.UUID{1}, Want: spelled{"01000000-0000-0000-0000-000000000000"}},
		{Value: map[pickle.UUID]pickle.TimeDelta{{1}: {Days: 1}, {2}: {}}}, {Value: map[pickle.TimeOfDay]int{{Hour: 1}: 1, {}: 2}},
		{Value: naive(12, 30, 59, 999999)}, {Value: pickle.LocalTime{Date: leapDay}},
		{Value: time.Date(2024, 2, 29, 12, 30, 0, 1000, time.UTC)}, {Value: offset(19800)}, {Value: offset(-86399)},
		{Value: berlin(7, 1, 12, 0)},
		{Name: "nanoseconds are cut", Value: time.Date(2024, 1, 1, 0, 0, 0, 1999, time.UTC),
			Want: time.Date(2024, 1, 1, 0, 0, 0, 1000, time.UTC)},
		{Value: ada}, {Value: person{Tags: colors{}, Born: leapDay}}, {Name: "hidden is left out", Value: hidden, Want: ada},
		{Value: &ada}, {Value: (*person)(nil)}, {Value: ptr(ptr(5))}, {Value: &node{Next: &node{}}}, {Value: struct{}{}},
		{Value: Within{X: 1}},
		{Name: "no error", Value: struct{ Err error }{}, Data: []byte("\x80\x04}(\x8c\x03ErrNu.")},
		{Name: "a null UUID", Value: nulltest.UUID{}, Data: []byte("\x80\x04N.")},
		{Name: "what stands in it is not kept", Value: nulltest.UUID{ID: [16]byte{1}}, Want: nulltest.UUID{}},
		{Name: "one that is not null", Value: nulltest.UUID{ID: [16]byte{1}, Valid: true}},
		{Name: "a null decimal", Value: nulltest.Decimal{}, Data: []byte("\x80\x04N.")}, {Value: nulltest.Decimal{Valid: true}},
		{Name: "nulls within", Value: []nulltest.UUID{{}, {Valid: true}, {}}},
		{Name: "nulls in a map", Value: map[string]nulltest.Decimal{"a": {}, "b": {Number: 5, Valid: true}}},
		{Name: "a null as a key", Value: map[nulltest.UUID]int{{}: 1, {Valid: true}: 2}},
		{Name: "a pointer to a null is nil", Value: &nulltest.UUID{}, Want: (*nulltest.UUID)(nil)},
		{Value: struct{ U nulltest.UUID }{}}, {Value: nulltest.Price{}},
		{Value: [][40]int{{1}, {39: 2}}}, {Value: [][40]int{}},
		{Value: netip.MustParseAddr("10.0.0.1"), Data: []byte("\x80\x04\x8c\x0810.0.0.1.")}, {Value: big.NewRat(1, 3)},
	}
	return encodertest.Suite{
		Encoder: pickle.New(),
		Cases:   cases,
		Refuses: []any{
			make(chan int), func() {}, complex(1, 2), uintptr(1), []any{make(chan int)}, map[string]any{"a": func() {}},
			struct{ C complex64 }{1},
			cycle, list, dict, pointer, struct{ hidden int }{1}, "\xff", []string{"ok",
				"\xff"}, map[string]any{"\xff": 1}, map[string]any{"a": "\xff"},
			pickle.Decimal(""), pickle.Decimal("1,5"), pickle.Decimal("1E99999999999999999999"), pickle.Decimal("0x10"),
			pickle.Decimal("."),
			pickle.Date{}, pickle.Date{Year: 2023, Month: 2, Day: 29}, pickle.Date{Year: 10000, Month: 1, Day: 1},
			pickle.TimeOfDay{Hour: 24}, pickle.TimeOfDay{Second: 60}, pickle.TimeOfDay{Microsecond: -1}, pickle.TimeDelta{Days: 1e9},
			pickle.TimeDelta{Seconds: 86400}, pickle.TimeDelta{Seconds: -1}, pickle.TimeDelta{Microseconds: 1e6},
			pickle.LocalTime{Date: leapDay, Hour: 24}, pickle.LocalTime{Date: leapDay, Microsecond: 1000000}, pickle.LocalTime{},
			time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), offset(86400), offset(-86400),
			pickle.Set{[]int{1}}, pickle.Set{map[string]int{}}, pickle.Set{pickle.Set{}}, pickle.Set{pickle.Tuple{[]any{}}},
			pickle.FrozenSet{ada},
			pickle.Dict{{Key: []any{1}}}, pickle.Dict{{Key: "a"}, {Key: "a"}}, pickle.Dict{{Key: 1}, {Key: true}},
			map[any]any{1: "a", true: "b"}, map[any]any{1: "a", 1.0: "b"}, map[any]int{1: 1, int8(1): 2},
			map[pickle.Decimal]int{"1": 1, "1.0": 2},
			pickle.Set{1, 1.0}, pickle.Set{pickle.Decimal("sNaN")}, pickle.Set{0, false}, pickle.Set{0.5, pickle.Decimal("0.50")},
			pickle.Set{big.NewInt(2), 2.0},
			map[base]int{{1}: 1}, pickle.Dict{{Key: 1, Value: make(chan int)}}, pickle.Set{make(chan int)},
		},
		RefusesInto: []encodertest.Into{
			into(hiding{&base{1}}, new(hiding), "dict"),
			into(nil, ptr(7), "None"), into(nil, ptr("old"), "None"), into(nil, &person{Name: "old"}, "None"),
			into(nil, ptr(leapDay), "None"),
			into(nil, &[2]int{1, 2}, "None"), into([]any{nil}, &[]int{1}, "list"),
			into(map[string]any{"name": nil}, &person{Name: "old"}, "dict"),
			into(true, ptr(7), "bool"), into(1, ptr(true), "int"), into(300, ptr(uint8(7)), "int"), into(-1, ptr(uint(7)), "int"),
			into(1<<15, ptr(count(7)), "int"), into(pow2(64), ptr(uint64(7)), "int"), into(pow2(63), ptr(7), "int"),
			into(pow2(63), ptr(7.5), "int"),
			into(pow2(64), ptr("old"), "int"), into(math.MaxInt64, ptr(7.5), "int"), into(1<<24+1, ptr(float32(7.5)), "int"),
			into(1.0, ptr(7), "float"), into(1e300, ptr(float32(7)), "float"), into(1.5, ptr("old"), "float"),
			into("5", ptr(7), "str"), into("a", &[]byte{1}, "str"), into("a", &leapDay, "str"),
			into("1.5", ptr(pickle.Decimal("7")), "str"),
			into("a", ptr(time.Now()), "str"), into("5", big.NewInt(7), "str"),
			into([]byte("a"), ptr("old"), "bytes"), into([]byte("abcd"), &[3]byte{7}, "bytes"), into([]byte("ab"), &[]int{7}, "bytes"),
			into(pickle.Decimal("1.5"), ptr(7.5), "Decimal"), into(pickle.Decimal("1.5"), ptr("old"), "Decimal"),
			into(pickle.TimeOfDay{}, ptr(time.Now()), "time"), into(pickle.TimeOfDay{}, ptr(time.Hour), "time"),
			into(pickle.TimeDelta{}, ptr(7), "timedelta"), into(pickle.TimeDelta{}, ptr("old"), "timedelta"),
			into(pickle.TimeDelta{Days: 106752}, ptr(time.Hour), "timedelta"), into(time.Hour, &pickle.TimeDelta{Days: 7}, "int"),
			into(pickle.UUID{}, ptr("old"), "UUID"), into(pickle.UUID{}, &[15]byte{7}, "UUID"), into(pickle.UUID{}, &[]byte{7}, "UUID"),
			into([]byte("0123456789abcdef"), &pickle.UUID{7}, "bytes"), into("a", &pickle.UUID{7}, "str"),
			into(leapDay, ptr(time.Now()), "date"), into(time.Now(), ptr(leapDay), "datetime"),
			into(time.Now(), ptr(naive(1, 2, 3, 4)), "datetime with a zone"),
			into(naive(1, 2, 3, 4), ptr(time.Now()), "datetime without a zone"), into(leapDay, ptr("old"), "date"),
			into([]int{1, 2}, &[3]int{7}, "list"), into([]int{1}, ptr(7), "list"),
			into([]int{1}, &map[string]int{"a": 1}, "list"), into([]int{1}, &pickle.Tuple{7}, "list"),
			into([]string{"a"}, &[]int{7}, "list"), into(pickle.Tuple{1}, ptr("old"), "tuple"), into([]int{1}, &pickle.Set{7}, "list"),
			into(pickle.Set{1}, &[]int{7}, "set"), into(pickle.Set{1}, &pickle.FrozenSet{7}, "set"),
			into(pickle.FrozenSet{1}, &pickle.Set{7}, "frozenset"),
			into(pickle.Set{1}, &map[int]int{7: 7}, "set"), into(map[string]int{"a": 1}, &map[string]struct{}{"x": {}}, "dict"),
			into(map[string]int{"a": 1}, &[]int{7}, "dict"), into(map[string]int{"a": 1}, &map[int]int{7: 7}, "dict"),
			into(map[int]int{1: 1}, &person{Name: "old"}, "dict"),
			into(map[string]int{"a": 1}, &pickle.Tuple{7}, "dict"), into(map[string]int{"a": 1}, &map[string]string{"a": "old"}, "dict"),
			into(pickle.Dict{{Key: pickle.Tuple{1}}}, &map[any]int{7: 7}, "dict"),
			into(pickle.Set{pickle.Tuple{1}}, &map[any]struct{}{7: {}}, "set"),
			into([]int{1}, &pickle.Dict{{Key: 1}}, "list"), into(1, ptr(fmt.Stringer(time.Second)), "int"),
			into(1, ptr(make(chan int)), "int"), into(1, new(self), "int"),
		},
	}
}

func TestConformance(t *testing.T) { encodertest.Run(t, suite()) }

func TestErrorsAreReadable(t *testing.T) {
	encoded := func(value any) []byte {
		data, err := pickle.New().Encode(value)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	encodeError := func(value any) error { _, err := pickle.New().Encode(value); return err }
	decodeError := func(value, dst any) error { return pickle.New().Decode(encoded(value), dst) }
	tests := []struct {
		err  error
		want string
	}{
		{decodeError("a", new(int)), "cachette: codec pickle cannot decode str into *int: str stands where the Go type has int"},
		{decodeError(map[string]any{"friends": []any{map[string]any{"name": 5}}}, new(person)),
			"cachette: codec pickle cannot decode dict into *pickle_test.person: " +
				"in friends[0].name int stands where the Go type has string"},
		{decodeError(map[string]any{"k": map[int]any{1: "secret"}}, new(map[string]map[int]bool)),
			"cachette: codec pickle cannot decode dict into *map[string]map[int]bool: in […][…] str stands where the Go type has bool"},
		{decodeError(nil, new(int)), "cachette: codec pickle cannot decode None into *int: " +
			"None stands where the Go type has int: fetch into a pointer or an any"},
		{decodeError(pickle.Set{1}, new([]int)), "cachette: codec pickle cannot decode set into *[]int: " +
			"set stands where the Go type has []int: fetch into a pickle.Set, a pickle.FrozenSet or a map[T]struct{}"},
		{encodeError(map[string]any{"a": []any{1, make(chan int)}}),
			"cachette: codec pickle cannot encode map[string]interface {}: in […][1] pickle has no form for chan int"},
		{encodeError(pickle.Set{[]int{1}}), "cachette: codec pickle cannot encode pickle.Set: " +
			"a key of a dict or an element of a set cannot be a list in Python: give a pickle.Tuple"},
		{encodeError("\xff"), "cachette: codec pickle cannot encode string: " +
			"a string is not UTF-8, which Python's str cannot hold: store bytes as []byte"},
		{encodeError(netip.AddrPort{}), "cachette: codec pickle cannot encode netip.AddrPort: "},
	}
	for _, test := range tests {
		if test.err == nil && strings.HasSuffix(test.want, ": ") {
			continue // it writes itself as an empty text
		}
		if test.err == nil || test.err.Error() != test.want {
			t.Errorf("got  %v\nwant %s", test.err, test.want)
		}
	}
}

// TestFields: the rules of encoding/json, with the tag pickle before json.
func TestFields(t *testing.T) {
	type inner struct {
		A int
		B int `json:"b"`
		C int
	}
	type other struct{ C int }
	type outer struct {
		inner
		other
		A    string
		Tag  int `pickle:"tag" json:"no"`
		JSON int `json:"js"`
		//lint:ignore SA5008 this is how a field is named "-"
		Dash  int       `json:"-,"`
		None  int       `json:"-"`
		Empty int       `json:",omitempty"`
		Zero  time.Time `pickle:"zero,omitzero"`
	}
	data, err := pickle.New().Encode(outer{inner: inner{A: 1, B: 2, C: 3}, other: other{4}, A: "x", Tag: 5, JSON: 6, Dash: 7, None: 8})
	if err != nil {
		t.Fatal(err)
	}
	var got pickle.Dict
	if err := pickle.New().Decode(data, &got); err != nil {
		t.Fatal(err)
	}
	want := "[{b 2} {A x} {tag 5} {js 6} {- 7}]"
	if fmt.Sprint(got) != want {
		t.Errorf("it is %v, want %v", got, want)
	}

	var back outer
	for _, dict := range []map[string]any{{"B": 2, "TAG": 5, "unknown": make([]int, 3)}, {"b": 2, "tag": 5, "C": 1, "private": 1}} {
		if data, err = pickle.New().Encode(dict); err != nil {
			t.Fatal(err)
		}
		if err := pickle.New().Decode(data, &back); err != nil || back.B != 2 || back.Tag != 5 || back.inner.C != 0 {
			t.Errorf("%v came back as %+v, %v", dict, back, err)
		}
	}
}

// TestAFieldTwice: the last counts, as in Python, and none of the first is left.
func TestAFieldTwice(t *testing.T) {
	var got person
	err := pickle.New().Decode([]byte("\x80\x04}(\x8c\x04note\x8c\x01x\x8c\x04noteN\x8c\x03age\x4b\x05\x8c\x03age\x4b\x06u."), &got)
	if err != nil || got.Note != nil || got.Age != 6 {
		t.Errorf("it is %v, %d, %v", got.Note, got.Age, err)
	}
}

func TestItIsRegistered(t *testing.T) {
	encoder, ok := encoders.Lookup("pickle")
	if !ok || encoder.Name() != "pickle" {
		t.Fatal("pickle is not registered under its name")
	}
	if _, ok := encoder.(encoders.Taker); !ok {
		t.Error("it is no Taker")
	}
}

type broken struct{}

func (broken) MarshalText() ([]byte, error) { return nil, errors.New("not today") }
func (*broken) UnmarshalText([]byte) error  { panic("text") }

// TestTypesThatWriteThemselves: their errors are passed on, their panics are errors, and neither shows what was stored.
func TestTypesThatWriteThemselves(t *testing.T) {
	if _, err := pickle.New().Encode(broken{}); err == nil || !strings.Contains(err.Error(), "not today") {
		t.Errorf("the error is %v", err)
	}
	data, err := pickle.New().Encode("text")
	if err != nil {
		t.Fatal(err)
	}
	if err := pickle.New().Decode(data, new(broken)); err == nil || !strings.HasSuffix(err.Error(), "panicked") {
		t.Errorf("the error is %v", err)
	}
	err = pickle.New().Decode(data, new(netip.Addr))
	if refusal := new(encoders.UnsupportedTypeError); !errors.As(err, &refusal) || refusal.Err == nil || strings.Contains(err.Error(), `"text"`) {
		t.Errorf("the error is %v", err)
	}
}
