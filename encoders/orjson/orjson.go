// Package orjson is the codec that stores values as JSON, fast: it is what the codec json is, by
// github.com/bytedance/sonic instead of encoding/json. Its name is that of Python's fast JSON library.
//
// What the one of the two writes the other reads, and Python too. A value is refused by both, or has the same meaning
// in what both write: it is compact, in UTF-8, without HTML escapes, and has the keys of maps sorted. Decode is as
// strict as that of json: nothing is merged, a number in an any is a [json.Number], null is an error for what cannot be
// nil, and anything after the value is an error. What sonic refuses is judged by encoding/json, whose answer counts:
// errors are the same.
//
// These differences remain:
//
//   - The text differs where JSON has two forms for a character: U+2028 and U+2029 are written as they are, and
//     backspace and form feed as \u0008 and \u000c.
//   - A map with booleans as keys is refused as json does, but not where it is the value of an any: there it is stored.
//   - A map whose keys JSON cannot hold, such as floats, is stored as long as it is empty; json refuses its type.
//   - A field behind an embedded pointer to a struct type that is not exported is fetched; for json it is an error.
//
// It is fast on amd64 and arm64, with the versions of Go that sonic knows; elsewhere encoding/json does all. The first value
// of a type takes longer, for sonic compiles code for it.
package orjson

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/internal/jsonshared"
)

const name = "orjson"

func init() { encoders.Register(New()) }

type encoder struct{}

// New returns the orjson codec. It has no state.
func New() encoders.Encoder { return encoder{} }

func (encoder) Name() string { return name }

func (encoder) Encode(value any) ([]byte, error) {
	data, err := fastEncode(value)
	slow := err != nil
	if slow {
		if data, err = slowEncode(value); err != nil {
			return nil, encodeError(value, err)
		}
	}
	if !isText(data) {
		return nil, refuse("encode", value, "", jsonshared.NotUTF8)
	}
	if reason := jsonshared.Lost(value, data, slow); reason != "" {
		return nil, refuse("encode", value, "", reason)
	}
	return data, nil
}

func (encoder) Decode(data []byte, dst any) error {
	pointer := reflect.ValueOf(dst)
	if pointer.Kind() != reflect.Pointer || pointer.IsNil() {
		return refuse("decode", dst, "", "give a pointer that is not nil")
	}
	escapes := jsonshared.EscapesOf(data)
	switch {
	case !isText(data):
		return fmt.Errorf("cachette: codec %s cannot decode into %T: %w", name, dst, jsonshared.ErrNotUTF8)
	case escapes.Half:
		return fmt.Errorf("cachette: codec %s cannot decode into %T: %w", name, dst, jsonshared.ErrHalf)
	}
	elem := pointer.Type().Elem()
	if isNull(data) && !jsonshared.TakesNull(elem) {
		// Both libraries would leave a zero, without an error.
		return refuse("decode", dst, "null", "fetch into a pointer or an any")
	}

	// Into a value that is zero, so that nothing is merged: dst itself, or a new one where an error has to leave it as it was.
	into := pointer
	if !pointer.Elem().IsZero() {
		into = reflect.New(elem)
	}
	// sonic does not look at escapes in what it skips, or gives to a method of a type as it stands.
	if escapes.Bad || fastDecode(data, into.Interface()) != nil {
		into.Elem().SetZero()
		if err := slowDecode(data, into.Interface()); err != nil {
			into.Elem().SetZero()
			return decodeError(data, dst, err)
		}
	}
	if into != pointer {
		pointer.Elem().Set(into.Elem())
	}
	return nil
}

// recovered turns a panic into an error. What was panicked with is not shown: it may hold the value.
func recovered(err *error) {
	if recover() != nil {
		*err = errPanic
	}
}

func isNull(data []byte) bool {
	return len(data) > 0 && data[0] != '{' && data[0] != '[' && bytes.Equal(bytes.Trim(data, jsonshared.Space), []byte("null"))
}

func refuse(op string, value any, holds, reason string) error {
	return encoders.Unsupported(name, op, value, holds, reason)
}
