package msgpack_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/encoders/msgpack"
)

func TestWhatOthersWriteIsRead(t *testing.T) {
	tests := []struct {
		name, data string
		dst, want  any
	}{
		{"a small number with a sign", "\xd0\x05", new(uint8), uint8(5)},
		{"in an any", "\xd3\x00\x00\x00\x00\x00\x00\x00\x05", new(any), int64(5)},
		{"binary, of a type that has text too", "\xc4\x04\x7f\x00\x00\x01", new(netip.Addr), netip.MustParseAddr("127.0.0.1")},
		{"the last of two fields", "\x82\xa4tags\x92\xa1a\xa1b\xa4tags\x91\xa1c", new(product), product{Tags: []string{"c"}}},
		{"entries share nothing", "\x82\xa1a\x81\xa1X\x01\xa1b\x81\xa1Y\x02", new(map[string]Point), map[string]Point{"a": {X: 1}, "b": {Y: 2}}},
		{"keys share nothing", "\x82\x81\xa1X\x01\x01\x81\xa1Y\x02\x02", new(map[Point]int), map[Point]int{{X: 1}: 1, {Y: 2}: 2}},
		{"many unknown fields", "\xde\x08\x00" + strings.Repeat("\xa1?\x90", 2048), new(Point), Point{}},
	}
	for _, test := range tests {
		err := msgpack.New().Decode([]byte(test.data), test.dst)
		if got := reflect.ValueOf(test.dst).Elem().Interface(); err != nil || fmt.Sprintf("%T %+v", got, got) != fmt.Sprintf("%T %+v", test.want, test.want) {
			t.Errorf("%s: got %+v, %v; want %+v", test.name, got, err, test.want)
		}
	}
}

// TestPromisesInPromisesAllocateNothing: 1000 arrays, one in the other, each of which announces all that follows.
func TestPromisesInPromisesAllocateNothing(t *testing.T) {
	data := []byte(strings.Repeat("\xdc\x10\x00", 1000) + strings.Repeat("\xc0", 4096))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var dst any
	err := msgpack.New().Decode(data, &dst)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; err == nil || used > 4<<20 {
		t.Errorf("%d bytes of data allocated %d, %v", len(data), used, err)
	}
}

// TestATextAloneIsAllThereIs: a string is read in a way of its own, which is as strict as that of the rest.
func TestATextAloneIsAllThereIs(t *testing.T) {
	for data, want := range map[string]string{
		"\xa2ab": "ab", "\xa0": "", "\xd9\x02ab": "ab", "\xda\x00\x02ab": "ab", "\xdb\x00\x00\x00\x02ab": "ab",
		"\xa2abc": "before", "\xa2a": "before", "\xa2\xff\xff": "before", "\xc4\x02ab": "before", "\x05": "before", "": "before",
	} {
		got := "before"
		err := msgpack.New().Decode([]byte(data), &got)
		if got != want || (err != nil) != (want == "before") {
			t.Errorf("%q: it is %q, %v, want %q", data, got, err, want)
		}
	}
}
