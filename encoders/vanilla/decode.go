package vanilla

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/gin-cachette/cachette/encoders"
)

func (encoder) Decode(data []byte, dst any) error {
	if d, ok := dst.(*string); ok && d != nil { // what is most often fetched needs no reflection, nor a search for its type
		*d = string(data)
		return nil
	}
	switch d := dst.(type) {
	case *[]byte:
		if d != nil {
			*d = append([]byte{}, data...)
			return nil
		}
	case *any:
		if d != nil {
			*d = string(data)
			return nil
		}
	}
	pointer := reflect.ValueOf(dst)
	if pointer.Kind() != reflect.Pointer || pointer.IsNil() {
		return refuseDecode(data, dst, "give a pointer that is not nil")
	}

	// Into a new value first, so that an error leaves dst as it was.
	fresh := reflect.New(pointer.Type().Elem()).Elem()
	if err := decode(data, dst, fresh); err != nil {
		return err
	}
	pointer.Elem().Set(fresh)
	return nil
}

// Take does what Decode does. A *[]byte receives data itself, and the other bytes of its array stay out of reach.
func (e encoder) Take(data []byte, dst any) error {
	if d, ok := dst.(*[]byte); ok && d != nil && data != nil {
		*d = data[:len(data):len(data)]
		return nil
	}
	return e.Decode(data, dst)
}

// decode stores what data holds in v, which is zero and can be set. dst is what Decode was given, for the error.
func decode(data []byte, dst any, v reflect.Value) error {
	for range maxPointers {
		if v.Kind() != reflect.Pointer {
			break
		}
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}

	methods := v.Addr().Interface()
	if unmarshaler, ok := methods.(encoding.TextUnmarshaler); ok {
		if err := unmarshal(unmarshaler, bytes.Clone(data)); err != nil {
			refusal := encoders.Unsupported(name, "decode", dst, describe(data), "its UnmarshalText method refuses it")
			refusal.Err = err
			return refusal
		}
		return nil
	}
	if duration, ok := methods.(*time.Duration); ok {
		d, err := time.ParseDuration(string(data))
		if err != nil {
			return refuseDecode(data, dst, "it is not a duration such as 1m30s")
		}
		*duration = d
		return nil
	}

	if reason := set(v, data); reason != "" {
		return refuseDecode(data, dst, reason)
	}

	if _, marshals := methods.(encoding.TextMarshaler); marshals {
		// The type says itself how it is written, and not how it is read. Reading it by its kind may be wrong without
		// a sign: a number that writes itself in base 16 stores 16 as "10".
		if !writes(v, data) {
			return refuseDecode(data, dst, "the type writes another text for it: fetch a string, or give the type an UnmarshalText method")
		}
	}
	return nil
}

var errPanic = errors.New("a method of a type panicked")

// unmarshal turns a panic into an error. What was panicked with is not in it: it may hold the value.
func unmarshal(into encoding.TextUnmarshaler, data []byte) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	return into.UnmarshalText(data)
}

// writes reports whether v is written as data. A method that panics, as a MarshalText method may for a number that it has no
// name for, writes nothing.
func writes(v reflect.Value, data []byte) (same bool) {
	defer func() {
		if recover() != nil {
			same = false
		}
	}()
	text, err := encode(v.Interface(), v)
	return err == nil && bytes.Equal(text, data)
}

// set stores what data holds in v by v's kind. It returns why it cannot, or nothing.
func set(v reflect.Value, data []byte) (reason string) {
	if isBytes(v.Type()) {
		v.SetBytes(append([]byte{}, data...))
		return ""
	}
	var err error
	var want string
	switch v.Kind() {
	case reflect.String:
		v.SetString(string(data))
	case reflect.Bool:
		var b bool
		b, err = strconv.ParseBool(string(data))
		v.SetBool(b)
		want = "it is not a boolean"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		var n int64
		n, err = strconv.ParseInt(string(data), 10, v.Type().Bits())
		v.SetInt(n)
		want = "it is not a decimal integer"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		var n uint64
		n, err = strconv.ParseUint(string(data), 10, v.Type().Bits())
		v.SetUint(n)
		want = "it is not a decimal integer of zero or more"
	case reflect.Float32, reflect.Float64:
		var f float64
		f, err = strconv.ParseFloat(string(data), v.Type().Bits())
		v.SetFloat(f)
		want = "it is not a number"
	case reflect.Interface:
		if v.NumMethod() > 0 {
			return "of interfaces only any can receive text"
		}
		v.Set(reflect.ValueOf(string(data)))
	default:
		return "it gives back text, numbers and booleans, and types with an UnmarshalText method"
	}
	switch {
	case errors.Is(err, strconv.ErrRange):
		return "the number does not fit"
	case err != nil:
		return want
	}
	return ""
}

func refuseDecode(data []byte, dst any, reason string) error {
	return encoders.Unsupported(name, "decode", dst, describe(data), reason)
}

// describe tells what data holds without showing it: a value can be a secret, and errors reach logs.
func describe(data []byte) string {
	if len(data) == 1 {
		return "a text of 1 byte"
	}
	return fmt.Sprintf("a text of %d bytes", len(data))
}
