// Package json is the codec that stores values as JSON, by encoding/json. Programs in any language can share its store.
//
// Encode takes every Go value that encoding/json takes, and writes it compactly, in UTF-8, without the HTML escapes
// (< stays <) and without a newline at the end. It refuses what JSON cannot say: channels, functions, complex numbers,
// cycles, NaN and the infinities, and, unlike encoding/json, strings that are not UTF-8, for what came back would be
// another string.
//
// Decode stores exactly what the data holds: nothing of dst's old value is merged into it. A number that lands in an
// any becomes a [json.Number], which loses no digit. Null can be fetched into what can be nil, and is an error for the
// rest, so that it is never mistaken for a zero. Anything after the value is an error. For the rest the rules of
// encoding/json hold: names match without regard to case, unknown fields are skipped, and a []byte is base64.
//
// Python's json module writes NaN and Infinity, which are not JSON: Decode refuses them.
package json

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/gin-cachette/cachette/encoders"
)

const name = "json"

func init() { encoders.Register(New()) }

type encoder struct{}

// New returns the json codec. It has no state.
func New() encoders.Encoder { return encoder{} }

func (encoder) Name() string { return name }

func (encoder) Encode(value any) ([]byte, error) {
	var buffer bytes.Buffer
	writer := json.NewEncoder(&buffer)
	writer.SetEscapeHTML(false)
	if err := writer.Encode(value); err != nil {
		return nil, encodeError(value, err)
	}
	data := bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))

	// For a byte that is not UTF-8, and hardly ever otherwise, encoding/json writes the escape of U+FFFD.
	if bytes.Contains(data, []byte(`\ufffd`)) && !isUTF8(reflect.ValueOf(value)) {
		return nil, refuse("encode", value, "", "it has a string that is not UTF-8, which JSON cannot hold: store bytes as []byte")
	}
	return data, nil
}

func encodeError(value any, err error) error {
	var badType *json.UnsupportedTypeError
	var badValue *json.UnsupportedValueError
	switch {
	case errors.As(err, &badType):
		return refuse("encode", value, "", fmt.Sprintf("JSON has no form for %s", badType.Type))
	case errors.As(err, &badValue):
		return refuse("encode", value, "", "JSON has no form for it: "+badValue.Str)
	}
	return fmt.Errorf("cachette: codec %s cannot encode %T: %w", name, value, err)
}

func (encoder) Decode(data []byte, dst any) error {
	pointer := reflect.ValueOf(dst)
	if pointer.Kind() != reflect.Pointer || pointer.IsNil() {
		return refuse("decode", dst, "", "give a pointer that is not nil")
	}
	elem := pointer.Type().Elem()
	if bytes.Equal(bytes.Trim(data, space), []byte("null")) && !takesNull(elem) {
		// encoding/json would leave a zero, without an error.
		return refuse("decode", dst, "null", "fetch into a pointer or an any")
	}

	// Into a new value: an error leaves dst as it was, and nothing is merged.
	fresh := reflect.New(elem)
	if !holdsAny(elem) && json.Unmarshal(data, fresh.Interface()) == nil {
		pointer.Elem().Set(fresh.Elem())
		return nil
	}
	fresh = reflect.New(elem)
	reader := json.NewDecoder(bytes.NewReader(data))
	reader.UseNumber()
	if err := reader.Decode(fresh.Interface()); err != nil {
		return decodeError(data, dst, err)
	}
	if rest := bytes.TrimLeft(data[reader.InputOffset():], space); len(rest) > 0 {
		return fmt.Errorf("cachette: codec %s cannot decode into %T: %d bytes follow the JSON value", name, dst, len(rest))
	}
	pointer.Elem().Set(fresh.Elem())
	return nil
}

var known sync.Map // from reflect.Type to whether it holds an any

// holdsAny reports whether a number can land in an any within a value of type t. Where none can, json.Unmarshal does
// what a decoder with UseNumber does, without a copy of the data.
func holdsAny(t reflect.Type) bool {
	if holds, ok := known.Load(t); ok {
		return holds.(bool)
	}
	holds := findAny(t, map[reflect.Type]bool{})
	known.Store(t, holds)
	return holds
}

func findAny(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map: // a map's key is text
		return findAny(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if findAny(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}

// space is what JSON allows between its tokens.
const space = " \t\r\n"

func decodeError(data []byte, dst any, err error) error {
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		holds, _, _ := strings.Cut(mismatch.Value, " ") // behind it stands the number itself, which can be a secret
		reason := fmt.Sprintf("%s stands where the Go type has %s", holds, mismatch.Type)
		if mismatch.Field != "" {
			reason = fmt.Sprintf("in field %s %s", mismatch.Field, reason)
		}
		return refuse("decode", dst, kind(data), reason)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		// io.EOF would tell a caller who reads a stream that all went well.
		err = errors.New("the JSON value is cut short")
	}
	return fmt.Errorf("cachette: codec %s cannot decode into %T: %w", name, dst, err)
}

// kind says what JSON value data begins with.
func kind(data []byte) string {
	data = bytes.TrimLeft(data, space)
	if len(data) == 0 {
		return ""
	}
	switch data[0] {
	case '{':
		return "a JSON object"
	case '[':
		return "a JSON array"
	case '"':
		return "a JSON string"
	case 't', 'f':
		return "a JSON boolean"
	case 'n':
		return "null"
	}
	return "a JSON number"
}

// takesNull reports whether a value of type t can tell null from zero.
func takesNull(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		return true
	}
	return reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

// isUTF8 reports whether every string that v holds is UTF-8. Types that write themselves answer for themselves. It is
// only called with what has been encoded, so that v holds no cycle.
func isUTF8(v reflect.Value) bool {
	if !v.IsValid() {
		return true
	}
	t := v.Type()
	if t.Implements(reflect.TypeFor[json.Marshaler]()) {
		return true
	}
	switch v.Kind() {
	case reflect.String:
		return utf8.ValidString(v.String())
	case reflect.Pointer, reflect.Interface:
		return isUTF8(v.Elem())
	case reflect.Struct:
		if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
			return true
		}
		for i := range v.NumField() {
			if field := t.Field(i); (field.IsExported() || field.Anonymous) && field.Tag.Get("json") != "-" && !isUTF8(v.Field(i)) {
				return false
			}
		}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return true // base64, or numbers
		}
		for i := range v.Len() {
			if !isUTF8(v.Index(i)) {
				return false
			}
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			if !isUTF8(entry.Key()) || !isUTF8(entry.Value()) {
				return false
			}
		}
	}
	return true
}

func refuse(op string, value any, holds, reason string) error {
	return &encoders.UnsupportedTypeError{
		Codec: name, Op: op, Type: fmt.Sprintf("%T", value), Holds: holds, Reason: reason,
	}
}
