package msgpack_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	lib "github.com/vmihailenco/msgpack/v5"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/encodertest"
	"github.com/gin-cachette/cachette/encoders/msgpack"
)

func TestWhatIsNotOneValueIsAnError(t *testing.T) {
	tests := []struct {
		name, data, want string
	}{
		{"nothing", "", "cut short"},
		{"trailing bytes", "\x01\x02", "more bytes follow"},
		{"a code that is not used", "\xc1", "c1"},
		{"one within", "\x91\xc1", "c1"},
		{"half a number", "\xcd\x01", "cut short"},
		{"half a string", "\xa5hell", "cut short"},
		{"half an array", "\x92\x01", "cut short"},
		{"half a map", "\x81\xa1a", "cut short"},
		{"half an extension", "\xc7\x0c\xff", "cut short"},
		{"an extension without its type", "\xd4", "cut short"},
		{"a string of 4 GiB", "\xdb\xff\xff\xff\xff", "cut short"},
		{"bytes of 4 GiB", "\xc6\xff\xff\xff\xff", "cut short"},
		{"an array of 4 Gi elements", "\xdd\xff\xff\xff\xff", "cut short"},
		{"a map of 4 Gi entries", "\xdf\xff\xff\xff\xff", "cut short"},
		{"an extension of 4 GiB", "\xc9\xff\xff\xff\xff\x01", "cut short"},
		{"each of many promises all", strings.Repeat("\xdc\x02\x00", 500) + strings.Repeat("\xc0", 512), "cut short"},
		{"text that is not UTF-8", "\xa1\xff", "not UTF-8"},
		{"a key that is not UTF-8", "\x81\xa1\xff\x01", "not UTF-8"},
		{"nested arrays", strings.Repeat("\x91", 100_000) + "\x01", "deeper"},
		{"nested maps", strings.Repeat("\x81\xa1a", 100_000) + "\x01", "deeper"},
		{"a timestamp of 1 byte", "\xd4\xff\x01", "timestamp"},
		{"a timestamp with too many nanoseconds", "\xd7\xff\xff\xff\xff\xff\x00\x00\x00\x00", "timestamp"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var dst any = "old"
			err := msgpack.New().Decode([]byte(test.data), &dst)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "*interface {}") {
				t.Errorf("the error is %v, want %q and the type in it", err, test.want)
			}
			if dst != "old" {
				t.Errorf("the value changed to %v", dst)
			}
		})
	}
}

// TestDepthEndsWherePythonEnds: 1024 levels and no more, in every way that leads down.
func TestDepthEndsWherePythonEnds(t *testing.T) {
	for _, n := range []int{1024, 1025} {
		arrays := append(bytes.Repeat([]byte{0x91}, n), 0x90)[1:]
		fields := append(bytes.Repeat([]byte("\x81\xa4Next"), n), 0xC0)
		unknown := append([]byte("\x81\xa1?"), arrays...)
		for _, test := range []struct {
			name string
			data []byte
			dst  any
			deep int
		}{
			{"any", arrays, new(any), n}, {"a type of lists", arrays, new(list), n}, {"a type of structs", fields, new(node), n},
			{"an unknown field", unknown, new(node), n + 1}, {"a raw message", arrays, new(lib.RawMessage), n},
			{"a type that reads itself", arrays, new(custom), n},
		} {
			err := msgpack.New().Decode(test.data, test.dst)
			if tooDeep := err != nil && strings.Contains(err.Error(), "deeper"); tooDeep != (test.deep > 1024) {
				t.Errorf("%s, %d levels: %v", test.name, test.deep, err)
			}
		}
		if _, err := msgpack.New().Encode(deep(n)); (err != nil) != (n > 1024) {
			t.Errorf("Encode of %d levels: %v", n, err)
		}
	}
}

// TestWhatATypeWritesIsOneValue: a type that writes itself cannot spoil what lies around it.
func TestWhatATypeWritesIsOneValue(t *testing.T) {
	for _, data := range []string{"", "\x01\x02", "\xc1", "\xa5hell", "\xdd\xff\xff\xff\xff", strings.Repeat("\x91", 2000) + "\x01"} {
		for _, value := range []any{broken{[]byte(data)}, []broken{{[]byte(data)}}, []any{1, lib.RawMessage(data)}} {
			if got, err := msgpack.New().Encode(value); err == nil {
				t.Errorf("%T with %.20q was stored as %.40q", value, data, got)
			}
		}
	}
	if got, err := msgpack.New().Encode([]broken{{[]byte("\x93\x01\x02\x03")}}); err != nil || string(got) != "\x91\x93\x01\x02\x03" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestATypeReadsOnlyItself: how much a type's method reads is nothing to what lies behind it.
func TestATypeReadsOnlyItself(t *testing.T) {
	var dst []custom
	if err := msgpack.New().Decode([]byte("\x92\x81\xa1b\xa1x\x82\xa1c\x01\xa1b\xa1y"), &dst); err != nil || len(dst) != 2 || dst[1].text != "y" {
		t.Errorf("got %v, %v", dst, err)
	}
	if err := msgpack.New().Decode([]byte("\x91\xdf\xff\xff\xff\xff"), &dst); err == nil {
		t.Error("a map of 4 Gi entries was read")
	}
}

func TestErrorsAreReadable(t *testing.T) {
	decode := func(data string, dst any) error { return msgpack.New().Decode([]byte(data), dst) }
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"mismatch", decode("\xa6secret", new(int)), "cachette: codec msgpack cannot decode a string of 6 bytes into *int"},
		{"no fit", decode("\xcd\x01\x2c", new(uint8)), "cachette: codec msgpack cannot decode an integer into *uint8: the number does not fit"},
		{"in a field", decode("\x81\xa6parent\x81\xa4name\x05", new(product)),
			"cachette: codec msgpack cannot decode a map of 1 entry into *msgpack_test.product: " +
				"in field parent.name an integer stands where the Go type has string"},
		{"in an element", decode("\x92\x01\xa6secret", new([]int)),
			"cachette: codec msgpack cannot decode an array of 2 elements into *[]int: a string of 6 bytes stands where the Go type has int"},
		{"nil", decode("\xc0", new(int)), "cachette: codec msgpack cannot decode nil into *int: fetch into a pointer or an any"},
		{"binary", decode("\xc4\x01a", new(string)), "cachette: codec msgpack cannot decode binary data of 1 byte into *string: fetch a []byte"},
		{"an extension", decode("\xd4\x05a", new(any)),
			"cachette: codec msgpack cannot decode an extension of type 5 into *interface {}: of extensions it takes timestamps only"},
		{"a channel within", second(msgpack.New().Encode(map[string]any{"a": make(chan int)})),
			"cachette: codec msgpack cannot encode map[string]interface {}: MessagePack has no form for chan int"},
		{"not UTF-8", second(msgpack.New().Encode("\xff")),
			"cachette: codec msgpack cannot encode string: it has a string that is not UTF-8, which MessagePack cannot hold: store bytes as []byte"},
		{"nothing exported", second(msgpack.New().Encode(errors.New("no ink"))),
			"cachette: codec msgpack cannot encode *errors.errorString: errors.errorString has no exported fields, so that nothing of it would be stored"},
		{"a type's own error is kept", second(msgpack.New().Encode(sick{})), "cachette: codec msgpack cannot encode msgpack_test.sick: no ink"},
		{"and in the other direction", decode("\xa6secret", new(sick)),
			"cachette: codec msgpack cannot decode a string of 6 bytes into *msgpack_test.sick: a method of the type refuses it"},
		{"a panic is an error", second(msgpack.New().Encode(mad{})), "cachette: codec msgpack cannot encode msgpack_test.mad: a method of a type panicked"},
		{"and in the other direction, too", decode("\xa6secret", new(mad)),
			"cachette: codec msgpack cannot decode into *msgpack_test.mad: a method of a type panicked"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.err == nil || test.err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", test.err, test.want)
			}
		})
	}
}

func second(_ []byte, err error) error { return err }

func TestAnErrorLeavesTheValue(t *testing.T) {
	for _, dst := range []any{&sick{"old"}, &mad{"old"}} {
		if err := msgpack.New().Decode([]byte("\xa3new"), dst); err == nil || !strings.Contains(fmt.Sprint(dst), "old") {
			t.Errorf("got %v, %v", dst, err)
		}
	}
	if err := msgpack.New().Decode([]byte("\x01"), nil); !errors.Is(err, encoders.ErrUnsupportedType) {
		t.Errorf("into nil: %v", err)
	}
}

// TestNothingIsMerged: what hides in an old value does not come out of a fetch.
func TestNothingIsMerged(t *testing.T) {
	dst := product{Name: "old", Hidden: "old", secret: "old", Tags: []string{"old"}, More: map[string]any{"old": 1}}
	if err := msgpack.New().Decode([]byte("\x81\xa5price\x01"), &dst); err != nil {
		t.Fatal(err)
	}
	if dst.Name != "" || dst.Hidden != "" || dst.secret != "" || dst.Tags != nil || dst.More != nil || dst.Price != 1 {
		t.Errorf("something of the old value is left: %+v", dst)
	}
}

// TestALongListGrows: more elements than there is room for at first.
func TestALongListGrows(t *testing.T) {
	want := make([][64]uint16, 5000)
	for i := range want {
		want[i][63] = uint16(i)
	}
	data, err := msgpack.New().Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	var got [][64]uint16
	if err := msgpack.New().Decode(data, &got); err != nil || len(got) != len(want) || got[4999] != want[4999] || got[200] != want[200] {
		t.Errorf("%d came back, %v", len(got), err)
	}
}

func FuzzDecode(f *testing.F) {
	encodertest.Fuzz(f, msgpack.New(), "hello", []byte("raw"), 5, int8(-5), uint64(5), 1.5, float32(1.5), true, []int{1, 2},
		map[string]any{"a": []any{nil, 1}}, map[any]any{1: "a", nil: true}, map[int]string{1: "a"},
		product{Name: "a", Tags: []string{"b"}, At: time.Unix(1, 0).UTC()}, time.Unix(1, 5).UTC(), arrayed{A: 1}, level(1), packed{1},
		big.NewInt(5), node{&node{}}, list{list{}}, lib.RawMessage("\x01"), &custom{"c"}, whole{"w"})
}
