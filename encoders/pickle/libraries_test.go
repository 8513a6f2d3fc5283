package pickle_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	ogorek "github.com/kisielk/og-rek"
	gopickle "github.com/nlpodyssey/gopickle/pickle"

	"github.com/gin-cachette/cachette/encoders/pickle"
)

// plainValues are what both libraries can hold.
func plainValues() map[string]any {
	values := map[string]any{}
	for name, value := range golden() {
		switch strings.Fields(name)[0] {
		case "true", "false", "float", "str", "list", "tuple", "rows":
			values[name] = value
		}
	}
	return values
}

// TestOgrekWritesWeRead: another writer of the same format, at each protocol that has str.
func TestOgrekWritesWeRead(t *testing.T) {
	values := map[string]any{
		"map": map[string]any{"a": 1}, "int": -5, "big": pow2(99), "uint": uint64(1 << 63), "float": 1.5,
		"text": "Gr\u00fc\u00dfe \\u0041",
		"list": []any{1, "a", []any{}}, "tuple": ogorek.Tuple{1, ogorek.Tuple{}}, "bytes": ogorek.Bytes("\x00\xff"),
		"bytearray": []byte{1, 2},
		"decimal":   ogorek.Call{Callable: ogorek.Class{Module: "decimal", Name: "Decimal"}, Args: ogorek.Tuple{"1.10"}},
	}
	want := map[string]any{
		"map": map[string]any{"a": int64(1)}, "int": int64(-5), "big": pow2(99), "uint": pow2(63), "float": 1.5,
		"text": "Gr\u00fc\u00dfe \\u0041",
		"list": []any{int64(1), "a", []any{}}, "tuple": pickle.Tuple{int64(1),
			pickle.Tuple{}}, "bytes": []byte("\x00\xff"), "bytearray": []byte{1, 2},
		"decimal": pickle.Decimal("1.10"),
	}
	for name, value := range values {
		for protocol := range 6 {
			var data bytes.Buffer
			config := &ogorek.EncoderConfig{Protocol: protocol, StrictUnicode: true}
			if err := ogorek.NewEncoderWithConfig(&data, config).Encode(value); err != nil {
				t.Fatal(name, err)
			}
			var got any
			err := pickle.New().Decode(data.Bytes(), &got)
			if protocol < 3 && strings.HasPrefix(name, "byte") && err != nil && strings.Contains(err.Error(), "BINSTRING") {
				continue // its "latin1" is a str of Python 2
			}
			if protocol == 0 && strings.HasPrefix(name, "byte") && err != nil {
				continue
			}
			if err != nil || !same(got, want[name]) {
				t.Errorf("%s at protocol %d: %v (%v), want %v", name, protocol, got, err, want[name])
			}
		}
	}
}

// TestLibrariesReadWhatWeWrite: other readers of the same format find no fault, and the same value as far as they have it.
func TestLibrariesReadWhatWeWrite(t *testing.T) {
	for name, value := range plainValues() {
		data, err := pickle.New().Encode(value)
		if err != nil {
			t.Fatal(name, err)
		}
		unpickler := gopickle.NewUnpickler(bytes.NewReader(data))
		if _, err := unpickler.Load(); err != nil && name != "rows" { // it calls no Decimal
			t.Errorf("gopickle, %s: %v", name, err)
		}
		got, err := ogorek.NewDecoder(bytes.NewReader(data)).Decode()
		if name == "rows" {
			continue // it has no sets
		}
		if err != nil {
			t.Errorf("og-rek, %s: %v", name, err)
		}
		if want := fmt.Sprint(value); fmt.Sprint(got) != strings.ReplaceAll(want, "<nil>", "{}") {
			t.Errorf("og-rek, %s: %v, want %s", name, got, want)
		}
	}
}

func viaOgrek(data string) (value any, err error) {
	defer catchPanic(&err)
	return ogorek.NewDecoder(strings.NewReader(data)).Decode()
}

func viaGopickle(data string) (value any, err error) {
	defer catchPanic(&err)
	unpickler := gopickle.NewUnpickler(strings.NewReader(data))
	return unpickler.Load()
}

var errPanic = errors.New("it panicked")

func catchPanic(err *error) {
	if recover() != nil {
		*err = errPanic
	}
}

// TestWhyNotTheLibraries keeps the reasons of the package's comment true. Where it fails, a library has got better, and the
// comment is to be looked at again.
func TestWhyNotTheLibraries(t *testing.T) {
	shared := "\x80\x04]\x94(]\x94K\x01ah\x01e." // x = [1]; [x, x]
	if got, err := viaOgrek(shared); err != nil || fmt.Sprint(got) != "[[1] []]" {
		t.Errorf("og-rek reads a list that is there twice as %v, %v", got, err)
	}
	var ours any
	if err := pickle.New().Decode([]byte(shared), &ours); err != nil || fmt.Sprint(ours) != "[[1] [1]]" {
		t.Errorf("it is read here as %v, %v", ours, err)
	}
	for name, data := range map[string]string{
		"a set": "\x80\x04\x8f.", "a frozenset": "\x80\x04(\x91.", "a long int": "\x80\x04\x8b\x01\x00\x00\x00\x05.",
		"long bytes": "\x80\x04\x8e\x00\x00\x00\x00\x00\x00\x00\x00.",
	} {
		if got, err := viaOgrek(data); err == nil {
			t.Errorf("og-rek reads %s: %v", name, got)
		}
	}

	latin := "V\xe9\\u20ac\n." // é€ at protocol 0
	if got, err := viaGopickle(latin); err != nil || got == "é€" {
		t.Errorf("gopickle reads protocol 0 as %q, %v", got, err)
	}
	for name, data := range map[string]string{"an opcode that there is not": "\xff", "an empty int": "\x8a\x00.",
		"a set of bytes": "\x80\x04\x8f(C\x01a\x90."} {
		if _, err := viaGopickle(data); !errors.Is(err, errPanic) {
			t.Errorf("gopickle: %s is no panic, but %v", name, err)
		}
	}
	if got, err := viaGopickle("cos\nsystem\n."); err != nil || got == nil {
		t.Errorf("gopickle refuses os.system: %v", err)
	}

	// Maps in another order each time, and an int in decimal, of which Python reads 4300 digits.
	var first bytes.Buffer
	value := map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}
	_ = ogorek.NewEncoderWithConfig(&first, &ogorek.EncoderConfig{Protocol: 4}).Encode(value)
	differ := false
	for range 1000 {
		var again bytes.Buffer
		_ = ogorek.NewEncoderWithConfig(&again, &ogorek.EncoderConfig{Protocol: 4}).Encode(value)
		differ = differ || !bytes.Equal(again.Bytes(), first.Bytes())
	}
	if !differ {
		t.Error("og-rek sorts maps")
	}
	var decimal bytes.Buffer
	_ = ogorek.NewEncoderWithConfig(&decimal, &ogorek.EncoderConfig{Protocol: 4}).Encode(pow2(20000))
	if !bytes.HasPrefix(decimal.Bytes(), []byte("\x80\x04L3980")) {
		t.Errorf("og-rek writes a large int as %.20q", decimal.Bytes())
	}
}
