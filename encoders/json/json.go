// Package json is the codec that stores values as JSON, by encoding/json. Programs in any language can share its store.
//
// Encode takes every Go value that encoding/json takes, and writes it compactly, in UTF-8, without the HTML escapes
// (< stays <) and without a newline at the end. It refuses what JSON cannot say: channels, functions, complex numbers,
// cycles, NaN and the infinities, and, unlike encoding/json, what would come back as something else: strings that are not
// UTF-8, and a struct that has fields and exports none (an error, a mutex, an arrow.Table), for nothing of it would be stored,
// alone or anywhere in a value.
//
// Decode stores exactly what the data holds: nothing of dst's old value is merged into it. A number that lands in an
// any becomes a [json.Number], which loses no digit. Null can be fetched into what can be nil, and is an error for the
// rest, so that it is never mistaken for a zero. Anything after the value is an error, and so is data that is no text: bytes
// that are not UTF-8, and an escape that is half of a surrogate pair, such as "\ud800", which encoding/json reads as U+FFFD,
// whereby two keys can become one. For the rest the rules of
// encoding/json hold: names match without regard to case, unknown fields are skipped, and a []byte is base64.
//
// Python's json module writes NaN and Infinity, which are not JSON: Decode refuses them.
package json

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"unicode/utf8"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/internal/jsonshared"
)

const name = "json"

func init() { encoders.Register(New()) }

type encoder struct{}

// New returns the json codec. It has no state.
func New() encoders.Encoder { return encoder{} }

func (encoder) Name() string { return name }

func (encoder) Encode(value any) ([]byte, error) {
	w := writers.Get().(*writer)
	if err := w.encoder.Encode(value); err != nil {
		return nil, jsonshared.Encode(name, value, err)
	}
	data := bytes.TrimSuffix(w.data, []byte("\n"))
	w.data = nil
	writers.Put(w)
	if jsonshared.MayWrite(reflect.TypeOf(value)) && !utf8.Valid(data) {
		return nil, refuse("encode", value, "", jsonshared.NotUTF8)
	}
	if reason := jsonshared.Lost(value, data, true); reason != "" {
		return nil, refuse("encode", value, "", reason)
	}
	return data, nil
}

// A writer is what a value is written to, in one piece, by an encoder of its own. A bytes.Buffer would clear its memory first.
type writer struct {
	data    []byte
	encoder *json.Encoder
}

func (w *writer) Write(p []byte) (int, error) {
	w.data = append(w.data, p...)
	return len(p), nil
}

// writers keeps writers for the next values. One that an error has stopped is not kept.
var writers = sync.Pool{New: func() any {
	w := new(writer)
	w.encoder = json.NewEncoder(w)
	w.encoder.SetEscapeHTML(false)
	return w
}}

func (encoder) Decode(data []byte, dst any) (err error) {
	pointer := reflect.ValueOf(dst)
	if pointer.Kind() != reflect.Pointer || pointer.IsNil() {
		return refuse("decode", dst, "", "give a pointer that is not nil")
	}
	switch {
	case !utf8.Valid(data):
		return fmt.Errorf("cachette: codec %s cannot decode into %T: %w", name, dst, jsonshared.ErrNotUTF8)
	case jsonshared.EscapesOf(data).Half:
		return fmt.Errorf("cachette: codec %s cannot decode into %T: %w", name, dst, jsonshared.ErrHalf)
	}
	elem := pointer.Type().Elem()
	if bytes.Equal(bytes.Trim(data, jsonshared.Space), []byte("null")) && !jsonshared.TakesNull(elem) {
		// encoding/json would leave a zero, without an error.
		return refuse("decode", dst, "null", "fetch into a pointer or an any")
	}

	defer recovered(dst, &err)

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
		return jsonshared.Decode(name, data, dst, err)
	}
	if rest := bytes.TrimLeft(data[reader.InputOffset():], jsonshared.Space); len(rest) > 0 {
		return fmt.Errorf("cachette: codec %s cannot decode into %T: %d bytes follow the JSON value", name, dst, len(rest))
	}
	pointer.Elem().Set(fresh.Elem())
	return nil
}

// recovered turns the panic of a method of a type into an error. What it panicked with is not shown: it may hold the value.
func recovered(dst any, err *error) {
	if recover() != nil {
		*err = fmt.Errorf("cachette: codec %s cannot decode into %T: a method of a type panicked", name, dst)
	}
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

func refuse(op string, value any, holds, reason string) error {
	return encoders.Unsupported(name, op, value, holds, reason)
}
