package takers_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/internal/takers"
)

const secret = "s3cr3t"

// codec is an encoder that a test tells what to do. It counts how often it is asked.
type codec struct {
	name   string
	asked  *atomic.Int64
	encode func(value any) ([]byte, error)
	decode func(dst any) error
}

func (c codec) Name() string { return c.name }

func (c codec) Encode(value any) ([]byte, error) {
	c.asked.Add(1)
	return c.encode(value)
}

func (c codec) Decode(_ []byte, dst any) error { return c.decode(dst) }

func refuse(name string) func(any) ([]byte, error) {
	return func(value any) ([]byte, error) { return nil, encoders.Unsupported(name, "encode", value, "", "no") }
}

// linked are the codecs of this program: two that take everything, one of which asks the value's own method, and three that
// do not.
var linked = map[string]*codec{
	"giver":    {decode: func(any) error { return nil }, encode: func(any) ([]byte, error) { return []byte(secret), nil }},
	"keeper":   {decode: func(any) error { return errors.New("it stays here") }, encode: func(any) ([]byte, error) { return []byte(secret), nil }},
	"panicker": {decode: func(any) error { return nil }, encode: func(any) ([]byte, error) { panic(secret) }},
	"refuser":  {encode: refuse("refuser")},
	"speller": {decode: func(any) error { return nil }, encode: func(value any) ([]byte, error) {
		if speller, ok := value.(fmt.Stringer); ok {
			return []byte(speller.String()), nil
		}
		return []byte(secret), nil
	}},
}

func init() {
	for name, c := range linked {
		c.name, c.asked = name, new(atomic.Int64)
		encoders.Register(c)
	}
}

// reset forgets which were asked.
func reset() {
	for _, c := range linked {
		c.asked.Store(0)
	}
}

// askedAbout returns the codecs that were asked since reset.
func askedAbout() (names []string) {
	for name, c := range linked {
		if c.asked.Load() > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// own is a codec that is not linked, as one is that was made with options.
func own(name string, err error) codec {
	return codec{name: name, asked: new(atomic.Int64), encode: func(any) ([]byte, error) { return nil, err }}
}

type (
	open   struct{ Text string }
	closed struct{ text string } // nothing can be fetched into it but by methods
	sick   struct{ Text string }
	long   struct{ Text string }
	table  struct{ rows, columns int64 }
	ring   struct{ Next *ring }
)

func (sick) String() string    { panic(secret) }
func (long) String() string    { return strings.Repeat("x", 2<<20) }
func (t table) NumRows() int64 { return t.rows }
func (t table) NumCols() int64 { return t.columns }

// TestNames: the error names the linked codecs that take the value and give it back.
func TestNames(t *testing.T) {
	all := "giver keeper panicker refuser speller"
	circle := &ring{}
	circle.Next = circle
	for _, test := range []struct {
		name  string
		codec string
		value any
		asked string
		takes string
	}{
		{"a value", "own", open{secret}, all, "giver speller"},
		{"a pointer", "own", &open{secret}, all, "giver speller"},
		{"nil", "own", nil, all, "giver speller"},
		{"what shows nothing", "own", closed{secret}, all, "giver keeper speller"},
		{"a codec of the name of a linked one", "giver", open{secret}, "keeper panicker refuser speller", "speller"},
		{"a method that panics", "own", sick{}, all, "giver"},
		{"a text that is not too long", "own", strings.Repeat("x", 1<<19), all, "giver speller"},
		{"one that is", "own", []string{strings.Repeat("x", 2<<20)}, "", ""},
		{"too many numbers", "own", [][]int64{make([]int64, 1<<18)}, "", ""},
		{"too many values", "own", make([]open, 1<<18), "", ""},
		{"too many values of no size", "own", make([]struct{}, 1<<30), "", ""},
		{"too many entries", "own", manyEntries(), "", ""},
		{"too many fields", "own", &[1 << 17]struct{ A, B *int }{}, "", ""},
		{"a pointer that leads to itself", "own", circle, "", ""},
		{"a table", "own", table{10, 10}, all, "giver keeper speller"},
		{"a table that is too long", "own", table{1 << 40, 1 << 40}, "", ""},
		{"a table that is nil", "own", (*table)(nil), "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			reset()
			made := encoders.Unsupported(test.codec, "encode", test.value, "", "no")
			data, err := takers.Encode(own(test.codec, made), test.value)
			var refusal *encoders.UnsupportedTypeError
			if !errors.As(err, &refusal) || !errors.Is(err, encoders.ErrUnsupportedType) || data != nil {
				t.Fatalf("%q, %v", data, err)
			}
			if got := strings.Join(refusal.Takers, " "); got != test.takes || refusal.Asked != (test.asked != "") {
				t.Errorf("it names %q (asked: %v), want %q", got, refusal.Asked, test.takes)
			}
			if got := strings.Join(askedAbout(), " "); got != test.asked {
				t.Errorf("asked are %q, want %q", got, test.asked)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%q shows the value", err)
			}
			if made.Asked || made.Takers != nil {
				t.Error("the codec's own error was changed")
			}
		})
	}
}

func manyEntries() map[int]int {
	m := map[int]int{}
	for i := range 1 << 17 {
		m[i] = i
	}
	return m
}

// lateAsked counts how often two more codecs are asked. They come behind the others, and write a long value out.
var lateAsked atomic.Int64

func init() {
	for _, name := range []string{"zz-a", "zz-b"} {
		encoders.Register(codec{name: name, asked: &lateAsked, decode: func(any) error { return nil }, encode: func(value any) ([]byte, error) {
			if _, ok := value.(long); !ok {
				return refuse(name)(value)
			}
			return make([]byte, 2<<20), nil
		}})
	}
}

// TestALongAnswerIsTheLast: a value that is larger than it looks costs one answer that is too long.
func TestALongAnswerIsTheLast(t *testing.T) {
	lateAsked.Store(0)
	_, err := takers.Encode(own("speller", encoders.Unsupported("speller", "encode", long{}, "", "")), long{})
	if lateAsked.Load() != 1 || !strings.HasSuffix(err.Error(), "; codecs giver and zz-a take the value") {
		t.Errorf("%d were asked after it: %v", lateAsked.Load()-1, err)
	}
}

// TestOtherErrors: what is stored, and what another error says, is none of the others' business.
func TestOtherErrors(t *testing.T) {
	reset()
	failed := errors.New("no ink")
	if _, err := takers.Encode(own("own", failed), open{}); err != failed {
		t.Errorf("the error is %v", err)
	}
	if data, err := takers.Encode(codec{asked: new(atomic.Int64), encode: func(any) ([]byte, error) { return []byte("x"), nil }}, 5); err != nil || string(data) != "x" {
		t.Errorf("%q, %v", data, err)
	}
	if names := askedAbout(); names != nil {
		t.Errorf("%v were asked", names)
	}
}

// TestErrorsOfAnotherKind: a codec may refuse by an error of its own that matches.
func TestErrorsOfAnotherKind(t *testing.T) {
	cause := fmt.Errorf("yaml has none: %w", encoders.ErrUnsupportedType)
	_, err := takers.Encode(own("yaml", cause), open{secret})
	want := "cachette: codec yaml cannot encode takers_test.open: yaml has none: cachette: unsupported type; codecs giver and speller take the value"
	if err == nil || err.Error() != want || !errors.Is(err, cause) || !errors.Is(err, encoders.ErrUnsupportedType) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestNobody: where none takes it the error says so.
func TestNoTaker(t *testing.T) {
	none := map[string]func(any) ([]byte, error){}
	for name, c := range linked {
		none[name], c.encode = c.encode, refuse(name)
	}
	defer func() {
		for name, c := range linked {
			c.encode = none[name]
		}
	}()
	_, err := takers.Encode(own("own", encoders.Unsupported("own", "encode", open{}, "", "no")), open{})
	if !strings.HasSuffix(err.Error(), ": no; no other linked codec takes the value, and to link others is to import their packages") {
		t.Error(err)
	}
	if reflect.TypeOf(err) != reflect.TypeFor[*encoders.UnsupportedTypeError]() {
		t.Errorf("it is a %T", err)
	}
}
