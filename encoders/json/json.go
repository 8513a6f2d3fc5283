// Package json is the codec that stores values as JSON, by encoding/json. Programs in any language can share its store.
//
// Encode takes every Go value that encoding/json takes, and writes it compactly, in UTF-8, without the HTML escapes
// (< stays <) and without a newline at the end. It refuses what JSON cannot say: channels, functions, complex numbers,
// cycles, NaN and the infinities, and, unlike encoding/json, strings that are not UTF-8, for what came back would be
// another string, and a struct that has fields and exports none (an error, an arrow.Table), for nothing of it would be stored.
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
	"encoding/json"
	"fmt"
	"reflect"
	"sync"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/internal/fit"
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
	if string(data) == "{}" && fit.Hidden(value, fit.WritesJSON) {
		return nil, refuse("encode", value, "", fit.HiddenReason)
	}

	// For a byte that is not UTF-8, and hardly ever otherwise, encoding/json writes the escape of U+FFFD.
	if bytes.Contains(data, []byte(`\ufffd`)) && !jsonshared.IsUTF8(reflect.ValueOf(value)) {
		return nil, refuse("encode", value, "", "it has a string that is not UTF-8, which JSON cannot hold: store bytes as []byte")
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
