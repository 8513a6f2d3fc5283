package msgpack_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	lib "github.com/vmihailenco/msgpack/v5"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/encodertest"
	"github.com/gin-cachette/cachette/encoders/internal/null/nulltest"
	"github.com/gin-cachette/cachette/encoders/msgpack"
)

type (
	product struct {
		Name   string            `json:"name"`
		Price  float64           `json:"price,omitempty"`
		Tags   []string          `json:"tags"`
		More   map[string]any    `json:"more,omitempty"`
		Parent *product          `json:"parent,omitempty"`
		Labels map[string]string `json:"labels,omitempty"`
		Count  uint8             `json:"count,omitzero"`
		At     time.Time         `msgpack:"at,omitempty"`
		Hidden string            `json:"-"`
		secret string
	}
	node   struct{ Next *node }
	list   []list
	loop   *loop
	name   string
	flags  map[name]bool
	custom struct{ text string } // EncodeMsgpack and DecodeMsgpack
	whole  struct{ text string } // MarshalMsgpack and UnmarshalMsgpack
	level  int                   // MarshalText and UnmarshalText
	packed struct{ n byte }      // MarshalBinary and UnmarshalBinary
	sick   struct{ Text string } // methods that fail
	mad    struct{ Text string } // methods that panic
	broken struct{ data []byte } // a method that writes what is no value
)

func (c *custom) EncodeMsgpack(e *lib.Encoder) error {
	return e.Encode(map[string]string{"b": c.text, "a": "x"})
}
func (c *custom) DecodeMsgpack(d *lib.Decoder) error {
	if code, err := d.PeekCode(); err != nil || code&0xF0 != 0x80 {
		return errors.New("not a small map")
	}
	m, err := d.DecodeMap()
	c.text, _ = m["b"].(string)
	return err
}
func (w whole) MarshalMsgpack() ([]byte, error) { return lib.Marshal([]string{w.text}) }
func (w *whole) UnmarshalMsgpack(data []byte) error {
	var all []string
	err := lib.Unmarshal(data, &all)
	w.text = strings.Join(all, "+")
	return err
}
func (l level) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "level %d", int(l)), nil }
func (l *level) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "level %d", (*int)(l))
	return err
}
func (p packed) MarshalBinary() ([]byte, error) { return []byte{p.n, 0}, nil }
func (p *packed) UnmarshalBinary(data []byte) error {
	if len(data) != 2 {
		return errors.New("not 2 bytes")
	}
	p.n = data[0]
	return nil
}
func (sick) MarshalText() ([]byte, error) { return nil, errors.New("no ink") }
func (s *sick) UnmarshalText(text []byte) error {
	s.Text = string(text)
	return errors.New("no glasses")
}
func (mad) MarshalText() ([]byte, error)         { panic("secret") }
func (m *mad) UnmarshalText(text []byte) error   { m.Text = string(text); panic("secret") }
func (b broken) MarshalMsgpack() ([]byte, error) { return b.data, nil }

func ptr[T any](v T) *T { return &v }

func TestConformance(t *testing.T) {
	cycle := &node{}
	cycle.Next = cycle
	var looped loop
	looped = &looped
	self := []any{nil}
	self[0] = self
	selfMap := map[string]any{}
	selfMap["a"] = selfMap
	selfList := list{nil}
	selfList[0] = selfList
	utc := time.Date(2024, 2, 29, 12, 0, 0, 5, time.UTC)

	into := func(data string, dst any, holds string) encodertest.Into {
		return encodertest.Into{Name: fmt.Sprintf("%q into %T", data, dst), Data: []byte(data), Dst: dst, Holds: holds}
	}
	encodertest.Run(t, encodertest.Suite{
		Encoder: msgpack.New(),
		Cases: []encodertest.Case{
			{Value: nil, Data: []byte("\xc0")},
			{Value: true, Data: []byte("\xc3")},
			{Value: false, Data: []byte("\xc2")},
			{Value: "hello", Data: []byte("\xa5hello")},
			{Value: ""},
			{Value: name("n"), Data: []byte("\xa1n")},
			{Value: []byte{1, 2}, Data: []byte("\xc4\x02\x01\x02")},
			{Value: []byte(nil), Data: []byte("\xc0")},
			{Value: [2]byte{1, 2}, Data: []byte("\xc4\x02\x01\x02")},
			{Value: 5, Data: []byte("\x05")},
			{Value: int8(math.MinInt8)}, {Value: int16(math.MinInt16)}, {Value: int32(math.MinInt32)}, {Value: int64(math.MinInt64)},
			{Value: uint(5)}, {Value: uint8(255)}, {Value: uint16(math.MaxUint16)}, {Value: uint32(math.MaxUint32)},
			{Value: uint64(math.MaxUint64)},
			{Name: "a small number from 64 bits", Value: int64(-1), Data: []byte("\xff")},
			{Value: 1.0, Data: []byte("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00")},
			{Value: math.NaN()}, {Value: math.Inf(-1)}, {Value: math.Copysign(0, -1)},
			{Value: float32(1.5), Data: []byte("\xca\x3f\xc0\x00\x00")},
			{Name: "a float32 in an any", Value: float32(0.1), Into: new(any), Want: float64(float32(0.1))},
			{Name: "an integer into a float", Value: 5, Into: new(float64), Want: 5.0},
			{Name: "a negative one", Value: -5, Into: new(float32), Want: float32(-5)},
			{Name: "a string into bytes", Value: "text", Into: new([]byte), Want: []byte("text")},
			{Value: 90 * time.Second},
			{Value: utc, Data: []byte("\xd7\xff\x00\x00\x00\x14\x65\xe0\x71\xc0")},
			{Name: "a zone is not kept", Value: utc.In(time.FixedZone("", 3600)), Want: utc},
			{Name: "a time as text", Value: "2024-02-29T13:00:00.000000005+01:00", Into: new(time.Time), Want: utc},
			{Value: time.Time{}}, {Value: &utc},
			{Name: "raw JSON is bytes", Value: json.RawMessage(`{"a":1}`), Data: []byte("\xc4\x07{\"a\":1}")},
			{Name: "a null UUID", Value: nulltest.UUID{}, Data: []byte("\xc0")},
			{Name: "what stands in it is not kept", Value: nulltest.UUID{ID: [16]byte{1}}, Want: nulltest.UUID{}},
			{Name: "one that is not null", Value: nulltest.UUID{ID: [16]byte{1}, Valid: true}},
			{Name: "a null decimal", Value: nulltest.Decimal{}, Data: []byte("\xc0")}, {Value: nulltest.Decimal{Valid: true}, Data: []byte("\xa10")},
			{Name: "nulls within", Value: []nulltest.UUID{{}, {Valid: true}, {}}},
			{Name: "nulls in a map", Value: map[string]nulltest.Decimal{"a": {}, "b": {Number: 5, Valid: true}}},
			{Name: "a null as a key", Value: map[nulltest.UUID]int{{}: 1, {Valid: true}: 2}},
			{Name: "a pointer to a null is nil", Value: &nulltest.UUID{}, Want: (*nulltest.UUID)(nil), Data: []byte("\xc0")},
			{Value: struct{ U nulltest.UUID }{}, Data: []byte("\x81\xa1U\xc0")}, {Value: nulltest.Price{}, Data: []byte("\xa10")},
			{Value: []int{1, 2, 3}, Data: []byte("\x93\x01\x02\x03")}, {Value: []int{4}}, {Value: []int{}}, {Value: []int(nil)},
			{Value: [2]bool{true, false}}, {Value: [][]string{{"a"}, nil, {}}},
			{Value: []any{int64(1), "a", nil, []byte("b"), uint64(math.MaxUint64), map[string]any{"a": []any{}}}},
			{Value: []any(nil)},
			{Value: map[string]any{"a": int64(1), "b": nil}, Data: []byte("\x82\xa1a\x01\xa1b\xc0")},
			{Value: map[string]any(nil)},
			{Value: map[string]int{"b": 2, "a": 1, "ccc": 3, "dd": 4}, Data: []byte("\x84\xa1a\x01\xa1b\x02\xa3ccc\x03\xa2dd\x04")},
			{Value: map[string]int{}}, {Value: map[string]int(nil)}, {Value: flags{"b": true, "a": false}},
			{Value: map[name]any{"a": int64(1)}},
			{Value: map[int]string{10: "b", -1: "a", 300: "c"}, Data: []byte("\x83\xff\xa1a\x0a\xa1b\xcd\x01\x2c\xa1c")},
			{Value: map[uint8]string{200: "b", 1: "a"}},
			{Value: map[bool]int{true: 1, false: 0}, Data: []byte("\x82\xc2\x00\xc3\x01")},
			{Value: map[float64]int{1.5: 1, -1: 2}}, {Value: map[[2]int]string{{1, 2}: "a", {0, 9}: "b"}},
			{Value: map[level]string{1: "a", 2: "b"}, Data: []byte("\x82\xa7level 1\xa1a\xa7level 2\xa1b")},
			{Value: map[any]any{"a": int64(1), int64(2): "b", true: nil, nil: 1.5}},
			{Name: "keys of one kind in an any", Value: map[any]any{"a": 1}, Into: new(any), Want: map[string]any{"a": int64(1)}},
			{Name: "keys of two kinds in an any", Value: map[any]any{"a": 1, 2: 3}, Into: new(any),
				Want: map[any]any{"a": int64(1), int64(2): int64(3)}},
			{Value: map[netip.Addr]int{netip.MustParseAddr("::1"): 1}},
			{Value: product{Name: "a", Price: 1.5, Tags: []string{"x"}},
				Data: []byte("\x83\xa4name\xa1a\xa5price\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xa4tags\x91\xa1x")},
			{Value: product{Name: "b", Count: 3, At: utc, Parent: &product{Name: "c", Labels: map[string]string{"k": "v"}}}},
			{Value: product{Hidden: "x", secret: "y"}, Want: product{}},
			{Value: &product{Name: "pointer"}}, {Value: (*product)(nil), Data: []byte("\xc0")}, {Value: ptr(ptr(5))},
			{Value: node{&node{&node{}}}}, {Value: list{list{}, nil}}, {Value: struct{}{}},
			{Value: custom{"c"}, Data: []byte("\x82\xa1a\xa1x\xa1b\xa1c")}, {Value: &custom{"d"}}, {Value: []custom{{"e"}}},
			{Value: whole{"w"}, Data: []byte("\x91\xa1w")}, {Value: []*whole{{"w"}, nil}},
			{Value: level(5), Data: []byte("\xa7level 5")}, {Value: packed{7}, Data: []byte("\xc4\x02\x07\x00")},
			{Value: lib.RawMessage("\x91\x01"), Data: []byte("\x91\x01")},
			{Value: new(big.Int).Exp(big.NewInt(10), big.NewInt(40), nil)},
			{Value: netip.MustParseAddr("127.0.0.1"), Data: []byte("\xa9127.0.0.1")},
			{Value: url.URL{Scheme: "http", Host: "a"}},
		},
		Refuses: []any{
			make(chan int), func() {}, complex(1, 2), uintptr(1), cycle, looped, &looped, self, selfMap, selfList,
			map[string]any{"a": make(chan int)}, []any{func() {}}, struct{ C complex64 }{1}, map[chan int]int{nil: 1},
			"\xff", name("\xff"), []string{"ok", "\xff"}, map[string]any{"\xff": 1}, map[string]int{"\xff": 1},
			product{Parent: &product{Name: "\xff"}}, map[float64]int{math.NaN(): 1}, map[any]int{math.NaN(): 1},
			map[any]int{int8(1): 1, uint(1): 2}, deep(1025),
			struct{ n int }{1}, &struct{ n int }{1}, errors.New("an error"), &sync.Mutex{},
		},
		RefusesInto: []encodertest.Into{
			into("\xa4text", ptr(7), "a string of 4 bytes"),
			into("\xa1t", ptr(7.5), "a string of 1 byte"),
			into("\xa4text", ptr([]string{"old"}), "a string"),
			into("\xa4text", ptr(time.Unix(1, 0)), "a string"),
			into("\xc4\x01a", ptr("old"), "binary data of 1 byte"),
			into("\xc4\x01a", ptr([2]byte{1, 2}), "binary data"),
			into("\xc4\x01a", ptr([]int{1}), "binary data"),
			into("\x05", ptr("old"), "an integer"),
			into("\x05", ptr(true), "an integer"),
			into("\x05", ptr([]byte("old")), "an integer"),
			into("\x05", ptr(time.Unix(1, 0)), "an integer"),
			into("\x05", ptr(level(1)), "an integer"),
			into("\x05", ptr(make(chan int)), "an integer"),
			into("\x05", ptr(complex(1, 1)), "an integer"),
			into("\x05", ptr(fmt.Stringer(time.Second)), "an integer"),
			into("\x05", new(loop), "an integer"),
			into("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", ptr(7), "a float"), // 1.0
			into("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", ptr(uint(7)), "a float"),
			into("\xcb\x7f\xe0\x00\x00\x00\x00\x00\x00", ptr(float32(7)), "a float"), // 2^1023
			into("\xcc\x80", ptr(int8(7)), "an integer"),
			into("\xd1\xff\x7f", ptr(int8(7)), "an integer"), // -129
			into("\xcd\x80\x00", ptr(int16(7)), "an integer"),
			into("\xce\x80\x00\x00\x00", ptr(int32(7)), "an integer"),
			into("\xcf\x80\x00\x00\x00\x00\x00\x00\x00", ptr(int64(7)), "an integer"),
			into("\xcf\x80\x00\x00\x00\x00\x00\x00\x00", ptr(7), "an integer"),
			into("\xcd\x01\x00", ptr(uint8(7)), "an integer"),
			into("\xce\x00\x01\x00\x00", ptr(uint16(7)), "an integer"),
			into("\xcf\x00\x00\x00\x01\x00\x00\x00\x00", ptr(uint32(7)), "an integer"),
			into("\xff", ptr(uint(7)), "an integer"),
			into("\xff", ptr(uint64(7)), "an integer"),
			into("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", ptr(7.5), "an integer"),
			into("\xd3\x7f\xff\xff\xff\xff\xff\xff\xff", ptr(7.5), "an integer"),
			into("\xd3\x80\x00\x00\x00\x00\x00\x00\x01", ptr(7.5), "an integer"),
			into("\xc3", ptr(7), "a boolean"),
			into("\xc3", ptr("old"), "a boolean"),
			into("\x91\x01", ptr("old"), "an array of 1 element"),
			into("\x91\x01", ptr(map[string]int{"a": 1}), "an array"),
			into("\x91\xa1a", ptr([]int{7}), "an array"),
			into("\x91\x01", ptr([2]int{7}), "an array of 1 element"),
			into("\x93\x01\x02\x03", ptr([2]int{7}), "an array of 3 elements"),
			into("\x91\x01", ptr(product{Name: "old"}), "an array"),
			into("\x91\x01", ptr(level(1)), "an array"),
			into("\x81\xa1a\x01", ptr([]int{1}), "a map of 1 entry"),
			into("\x82\xa1a\xa1b\xa1c\x01", ptr(map[string]int{"a": 1}), "a map of 2 entries"),
			into("\x81\x01\x01", ptr(map[string]int{"a": 1}), "a map"),
			into("\x81\x01\x01", ptr(map[string]any{"a": 1}), "a map"),
			into("\x81\xc0\x01", ptr(map[string]int{"a": 1}), "a map"),
			into("\x81\xc4\x01a\x01", ptr(map[string]int{"a": 1}), "a map"),
			into("\x81\xc4\x01a\x01", ptr(any("old")), "a map"),
			into("\x81\x90\x01", ptr(any("old")), "a map"),
			into("\x81\x90\x01", ptr(map[any]any{"old": 1}), "a map"),
			into("\x81\xcb\x7f\xf8\x00\x00\x00\x00\x00\x01\x01", ptr(any("old")), "a map"),
			into("\x81\xcb\x7f\xf8\x00\x00\x00\x00\x00\x01\x01", ptr(map[float64]int{1: 1}), "a map"),
			into("\x81\xa4name\x05", ptr(product{Name: "old"}), "a map"),
			into("\x82\xa5price\x01\xa6parent\x81\xa4tags\x91\x05", ptr(product{Name: "old"}), "a map"),
			into("\xc0", ptr(7), "nil"),
			into("\xc0", ptr("old"), "nil"),
			into("\xc0", ptr(product{Name: "old"}), "nil"),
			into("\xc0", ptr(time.Unix(1, 0)), "nil"),
			into("\xd4\x05x", ptr(any("old")), "an extension of type 5"),
			into("\xd4\x05x", ptr(7), "an extension of type 5"),
			into("\xd4\x80x", ptr("old"), "an extension of type -128"), // a string that the library interned
			into("\xd6\xff\x00\x00\x00\x01", ptr(7), "a timestamp"),
		},
	})
}

// deep is a list in a list, n of them.
func deep(n int) (value any) {
	for range n {
		value = []any{value}
	}
	return value
}

func TestItIsRegistered(t *testing.T) {
	if encoder, ok := encoders.Lookup("msgpack"); !ok || encoder.Name() != "msgpack" {
		t.Error("msgpack is not registered under its name")
	}
}
