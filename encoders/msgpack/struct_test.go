package msgpack_test

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"testing"
	"time"

	lib "github.com/vmihailenco/msgpack/v5"

	"github.com/gin-cachette/cachette/encoders/msgpack"
)

type (
	Point struct{ X, Y int }
	Deep  struct {
		Point
		Z int `json:"z"`
	}
	inner  struct{ V int }
	tagged struct {
		Both  int `msgpack:"m" json:"j"`
		JSON  int `json:"j2"`
		None  int
		Empty int `msgpack:",omitempty" json:"not_this"`
		Out   int `msgpack:"-" json:"o"`
		Out2  int `json:"-"`
		less  int
	}
	omitting struct {
		S string         `json:"s,omitempty"`
		N int            `json:"n,omitempty"`
		L []int          `json:"l,omitempty"`
		M map[string]int `json:"m,omitempty"`
		P *int           `json:"p,omitempty"`
		B bool           `json:"b,omitempty"`
		A any            `json:"a,omitempty"`
		T time.Time      `json:"t,omitempty"`
		Z Point          `json:"z,omitzero"`
		K Point          `json:"k,omitempty"`
	}
	shadowing struct {
		Deep
		X string
		z int
	}
	clash struct {
		Point
		Other
	}
	Other struct{ X, W int }
	named struct {
		Point `json:"point"`
	}
	apart struct {
		Point `msgpack:",noinline"`
	}
	behind  struct{ *Point }
	unseen  struct{ *inner }
	plain   struct{ inner }
	arrayed struct {
		//lint:ignore U1000 its tag counts
		_msgpack struct{} `msgpack:",as_array"`
		A        int
		B        string
	}
	empties struct {
		//lint:ignore U1000 its tag counts
		_msgpack struct{} `msgpack:",omitempty"`
		A        int
		B        string
	}
	aliased struct {
		New string `msgpack:"new,alias:old"`
	}
)

func show(v any) string {
	data, err := msgpack.New().Encode(v)
	if err != nil {
		return err.Error()
	}
	var back any
	if err := msgpack.New().Decode(data, &back); err != nil {
		return err.Error()
	}
	return fmt.Sprint(back)
}

func TestTagsRuleTheFields(t *testing.T) {
	tests := []struct {
		name  string
		value any
		want  string
	}{
		{"msgpack before json", tagged{1, 2, 3, 4, 5, 6, 7}, "map[Empty:4 None:3 j2:2 m:1]"},
		{"empty by a msgpack tag", tagged{}, "map[None:0 j2:0 m:0]"},
		{"nothing is left", omitting{}, "map[k:map[X:0 Y:0]]"},
		{"all is there", omitting{"s", 1, []int{0}, map[string]int{"a": 0}, ptr(0), true, 0, time.Unix(0, 0), Point{1, 0}, Point{}},
			"map[a:0 b:true k:map[X:0 Y:0] l:[0] m:map[a:0] n:1 p:0 s:s t:1970-01-01 00:00:00 +0000 UTC z:map[X:1 Y:0]]"},
		{"embedded", Deep{Point{1, 2}, 3}, "map[X:1 Y:2 z:3]"},
		{"the less deep field wins", shadowing{Deep: Deep{Point{1, 2}, 3}, X: "x", z: 4}, "map[X:x Y:2 z:3]"},
		{"of two on one level none", clash{Point{1, 2}, Other{3, 4}}, "map[W:4 Y:2]"},
		{"embedded with a name", named{Point{1, 2}}, "map[point:map[X:1 Y:2]]"},
		{"embedded and kept apart", apart{Point{1, 2}}, "map[Point:map[X:1 Y:2]]"},
		{"behind a nil pointer", behind{}, "map[]"},
		{"behind a pointer", behind{&Point{1, 2}}, "map[X:1 Y:2]"},
		{"of a type that is not exported", plain{inner{1}}, "map[V:1]"},
		{"as an array", arrayed{A: 1, B: "b"}, "[1 b]"},
		{"all omitempty", empties{B: "b"}, "map[B:b]"},
	}
	for _, test := range tests {
		if got := show(test.value); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
	for _, value := range []any{
		tagged{Both: 1, JSON: 2, None: 3, Empty: 4}, shadowing{Deep: Deep{Point{0, 2}, 3}, X: "x"}, named{Point{1, 2}},
		apart{Point{1, 2}}, behind{}, behind{&Point{1, 2}}, plain{inner{1}}, arrayed{A: 1, B: "b"}, empties{B: "b"}, aliased{"n"},
		omitting{S: "s", T: time.Unix(5, 0).UTC(), Z: Point{1, 2}},
	} {
		data, _ := msgpack.New().Encode(value)
		back := reflect.New(reflect.TypeOf(value))
		if err := msgpack.New().Decode(data, back.Interface()); err != nil || !reflect.DeepEqual(back.Elem().Interface(), value) {
			t.Errorf("%T: it came back as %+v, %v; want %+v", value, back.Elem(), err, value)
		}
	}

	var old aliased
	if err := msgpack.New().Decode([]byte("\x81\xa3old\xa1a"), &old); err != nil || old.New != "a" {
		t.Errorf("by its alias it came back as %+v, %v", old, err)
	}
	if err := msgpack.New().Decode([]byte("\x81\xa1V\x01"), &unseen{}); err == nil {
		t.Error("a field was set behind an embedded pointer to what is not exported")
	}
	var few arrayed
	if err := msgpack.New().Decode([]byte("\x91\x01"), &few); err == nil || few.A != 0 {
		t.Errorf("an array of another length came back as %+v, %v", few, err)
	}
	var point Point
	err := msgpack.New().Decode([]byte("\x84\xa1x\x09\x05\xa1a\xa1?\x92\x81\xa1X\x07\xc4\x01a\xa1X\x01"), &point)
	if err != nil || point != (Point{1, 0}) {
		t.Errorf("beside unknown fields it came back as %+v, %v", point, err)
	}
}

// TestTheLibraryWritesTheSame: where the library keeps its keys sorted, the bytes are its own, and it reads all of them.
func TestTheLibraryWritesTheSame(t *testing.T) {
	values := []any{
		nil, true, 0, 31, 32, 127, 128, 255, 256, 65535, 65536, int64(1 << 31), int64(1 << 32), int64(math.MaxInt64), -1, -32, -33, -128, -129, -32768,
		-32769, math.MinInt32, int64(math.MinInt32 - 1), int64(math.MinInt64), uint64(math.MaxUint64), 1.5, float32(1.5), math.Inf(1),
		"", "text", string(make([]byte, 31)), string(make([]byte, 32)), string(make([]byte, 256)), string(make([]byte, 1<<16)),
		[]byte{}, []byte(nil), make([]byte, 255), make([]byte, 256), make([]byte, 1<<16), [3]byte{1, 2, 3},
		[]int(nil), []int{}, make([]int, 15), make([]int, 16), make([]string, 1<<16), [2]bool{}, []any{1, "a", nil},
		map[string]any{"b": 1, "a": []any{"x"}, "ccc": nil}, map[string]string{"b": "1", "a": "2"}, map[string]bool{"x": true},
		map[string]int{"a": 1}, map[int]int{5: 6}, manyKeys(16), manyKeys(1 << 16),
		time.Unix(0, 0), time.Unix(1, 5), time.Unix(1<<31, 0), time.Unix(1<<32-1, 0), time.Unix(1<<33, 0), time.Unix(1<<34, 1), time.Unix(-1, 0), time.Time{}, time.Second,
		tagged{1, 2, 3, 4, 5, 6, 7}, tagged{}, Deep{Point{1, 2}, 3}, &Deep{}, []Deep{{}}, omitting{S: "s", Z: Point{1, 1}, K: Point{1, 1}}, arrayed{A: 1, B: "b"}, empties{B: "b"}, aliased{"n"}, apart{Point{1, 2}}, behind{&Point{1, 2}},
		node{&node{}}, whole{"w"}, &custom{"c"}, packed{7}, lib.RawMessage("\x91\x01"), []*int{nil, ptr(5)},
	}
	for i, value := range values {
		got, err := msgpack.New().Encode(value)
		want, wantErr := libEncode(value)
		if err != nil || wantErr != nil || !bytes.Equal(got, want) {
			t.Errorf("%d: %T: the codec writes %.100x, %v; the library %.100x, %v", i, value, got, err, want, wantErr)
		}
	}
	for _, value := range []any{big.NewInt(5), level(3), map[string]int{"b": 1, "a": 2}, map[int]string{2: "a", 1: "b"}} {
		data, err := msgpack.New().Encode(value)
		back := reflect.New(reflect.TypeOf(value))
		if err != nil || libDecode(data, back.Interface()) != nil || fmt.Sprint(back.Elem()) != fmt.Sprint(value) {
			t.Errorf("%T: the library reads %v from %x, %v", value, back.Elem(), data, err)
		}
		data, err = libEncode(value)
		again := reflect.New(reflect.TypeOf(value))
		if err != nil || msgpack.New().Decode(data, again.Interface()) != nil || fmt.Sprint(again.Elem()) != fmt.Sprint(value) {
			t.Errorf("%T: the codec reads %v from %x, %v", value, again.Elem(), data, err)
		}
	}
}

func manyKeys(n int) map[string]any {
	all := map[string]any{}
	for i := range n {
		all[fmt.Sprint("key ", i)] = i
	}
	return all
}
