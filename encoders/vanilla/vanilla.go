// Package vanilla is cachette's default codec: a value is stored as its plain text, and read back as text.
//
// The text is what Python's str() gives for the same value, so that a Go and a Python program can share a store:
// 5 is "5", true is "True", 1.0 is "1.0", 1e22 is "1e+22". It is readable with any tool, and it is text and no more:
// what was stored as the number 5 can be fetched as a number or as the string "5", and the store does not know which.
//
// # What can be stored
//
// Strings, bytes, booleans, integers and floats of every size, named types of these kinds, and any type with a
// MarshalText method. A pointer stands for what it points to. The first of these that fits decides:
//
//  1. [encoding.TextMarshaler]: what MarshalText returns.
//  2. [time.Duration]: what its String method returns, such as 1m30s.
//  3. A string or a []byte: as it is.
//  4. A boolean, an integer or a float: as Python prints it.
//
// Other String methods do not count, for what they return is for people, and nothing reads it back: a number whose String
// method says "blue" is stored as the number. To store it as blue, give its type MarshalText and UnmarshalText.
//
// Nil, nil pointers, maps, structs, other slices, arrays, channels and functions without MarshalText are refused: the text
// that Go prints for them cannot be read back. So is a value whose MarshalJSON says null, where that of its type's zero
// value says so too (google/uuid's NullUUID): its text, if it has one, is that of another value.
//
// # What can be fetched
//
// A *string, a *[]byte and an *any (which receives a string) take any text. Pointers to booleans, integers and floats
// take text that reads as one: a boolean is what [strconv.ParseBool] accepts (Python's True and False, true, false, 1,
// 0 and a few more), an integer is decimal and must fit, a float may be inf or nan, and is rounded to the type asked for.
// A [time.Duration] is read as [time.ParseDuration] does, and any [encoding.TextUnmarshaler] reads itself.
//
// A type that writes itself by MarshalText but has no UnmarshalText is taken only if it would write the same text again: a
// number that writes itself as "blue" can be fetched as a string only.
//
// Two things are not as Python's str has them: a []byte is stored as it is and not as "b'…'", and a type with a method
// of its own is stored in its own form, a [time.Time] for instance in that of RFC 3339.
package vanilla

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/internal/null"
)

const name = "vanilla"

var _ encoders.Taker = encoder{}

func init() { encoders.Register(New()) }

type encoder struct{}

// New returns the vanilla codec. It has no state.
func New() encoders.Encoder { return encoder{} }

func (encoder) Name() string { return name }

func (encoder) Encode(value any) ([]byte, error) {
	switch v := value.(type) { // what is most often stored needs no reflection
	case string:
		return []byte(v), nil
	case []byte:
		return append([]byte{}, v...), nil
	}
	v, ok := pointee(reflect.ValueOf(value))
	if !ok {
		return nil, refuseEncode(value, "give a value or a pointer to one")
	}
	return encode(value, v)
}

// encode returns the text of v. value is what Encode was given, for the error.
func encode(value any, v reflect.Value) ([]byte, error) {
	self := v
	if !self.CanAddr() {
		// A method with a pointer receiver is only found on something that has an address; a value and a pointer to it
		// must be stored alike.
		self = reflect.New(v.Type()).Elem()
		self.Set(v)
	}
	methods := self.Addr().Interface()

	if marshaler, ok := methods.(encoding.TextMarshaler); ok {
		if null.Type(v.Type()) && null.Value(v) {
			return nil, refuseEncode(value, "it is null, for which text has no form: give a value that is not")
		}
		text, err := marshaler.MarshalText()
		if err != nil {
			return nil, fmt.Errorf("cachette: codec %s cannot encode %T: %w", name, value, err)
		}
		return append([]byte{}, text...), nil // the type may keep what it returned
	}
	if duration, ok := methods.(*time.Duration); ok {
		return []byte(duration.String()), nil
	}
	if isBytes(v.Type()) {
		return append([]byte{}, v.Bytes()...), nil
	}
	switch v.Kind() {
	case reflect.String:
		return []byte(v.String()), nil
	case reflect.Bool:
		return appendBool(nil, v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(nil, v.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(nil, v.Uint(), 10), nil
	case reflect.Float32, reflect.Float64:
		return appendFloat(nil, v.Float(), v.Type().Bits()), nil
	}
	if _, prints := methods.(fmt.Stringer); prints {
		return nil, refuseEncode(value, "nothing reads what its String method returns: put that string, "+
			"or give the type the methods MarshalText and UnmarshalText")
	}
	return nil, refuseEncode(value, "it takes text, numbers and booleans, and types with a MarshalText method")
}

// maxPointers bounds how many pointers are followed, for a pointer may point to itself.
const maxPointers = 8

// pointee follows pointers and interfaces to the value they lead to. It reports false when that is nil.
func pointee(v reflect.Value) (reflect.Value, bool) {
	for range maxPointers {
		switch v.Kind() {
		case reflect.Invalid:
			return v, false
		case reflect.Pointer, reflect.Interface:
			v = v.Elem() // invalid if nil
		default:
			return v, true
		}
	}
	return v, false
}

// isBytes reports whether t is []byte or a named type of it.
func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

func refuseEncode(value any, reason string) error {
	return encoders.Unsupported(name, "encode", value, "", reason)
}
