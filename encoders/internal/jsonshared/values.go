package jsonshared

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gin-cachette/cachette/encoders/internal/hidden"
)

// Space is what JSON allows between its tokens.
const Space = " \t\r\n"

var (
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// TakesNull reports whether a value of type t can tell null from zero.
func TakesNull(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		return true
	}
	return reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

// has reports whether encoding/json finds the methods of an interface on v: those of a pointer, where v has an address.
func has(v reflect.Value, methods reflect.Type) bool {
	return v.Type().Implements(methods) || v.CanAddr() && reflect.PointerTo(v.Type()).Implements(methods)
}

// isUTF8 reports whether every string that v holds, or that a MarshalText method within it returns, is UTF-8. It is only
// called with what has been encoded, so that v holds no cycle.
func isUTF8(v reflect.Value) bool {
	if !v.IsValid() || has(v, marshaler) {
		return true // what MarshalJSON returned is in the data as it is
	}
	if has(v, textMarshaler) && v.CanInterface() {
		return isTextUTF8(v)
	}
	switch v.Kind() {
	case reflect.String:
		return utf8.ValidString(v.String())
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			key := entry.Key()
			if key.Kind() == reflect.String && !utf8.ValidString(key.String()) || !isUTF8(key) || !isUTF8(entry.Value()) {
				return false
			}
		}
		return true
	}
	return all(v, isUTF8)
}

func isTextUTF8(v reflect.Value) bool {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return true // it is null
	}
	method, ok := v.Interface().(encoding.TextMarshaler)
	if !ok {
		method = v.Addr().Interface().(encoding.TextMarshaler)
	}
	text, err := method.MarshalText()
	return err != nil || utf8.Valid(text)
}

// hiddenIn returns the type of a struct that is v, or is in it, and shows nothing of what it holds: it is {} in JSON. It
// returns nil for none. It is only called with what has been encoded, so that v holds no cycle.
func hiddenIn(v reflect.Value) (found reflect.Type) {
	switch {
	case !v.IsValid() || !traitsOf(v.Type()).hide || has(v, marshaler) || has(v, textMarshaler):
		return nil
	case hidden.Struct(v.Type()):
		return v.Type()
	}
	shows := func(v reflect.Value) bool {
		found = hiddenIn(v)
		return found == nil
	}
	if v.Kind() == reflect.Map {
		for entry := v.MapRange(); entry.Next() && shows(entry.Value()); {
		}
		return found
	}
	all(v, shows)
	return found
}

// all reports whether each value that v leads to and JSON has is good. Of maps it knows nothing.
func all(v reflect.Value, good func(reflect.Value) bool) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return good(v.Elem())
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return true // base64, or numbers
		}
		for i := range v.Len() {
			if !good(v.Index(i)) {
				return false
			}
		}
	case reflect.Struct:
		return allFields(v, good)
	}
	return true
}

// allFields does what all does with a struct. The fields of an embedded one are those of v.
func allFields(v reflect.Value, good func(reflect.Value) bool) bool {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" && options == "" || isOmitted(value, strings.Split(options, ",")) {
			continue
		}
		if inner := reflect.Indirect(value); field.Anonymous && name == "" && inner.Kind() == reflect.Struct && !has(value, marshaler) && !has(value, textMarshaler) {
			if !allFields(inner, good) {
				return false
			}
		} else if field.IsExported() && !good(value) {
			return false
		}
	}
	return true
}

// isOmitted reports whether a field is left out for its value.
func isOmitted(v reflect.Value, options []string) bool {
	if slices.Contains(options, "omitempty") {
		switch v.Kind() {
		case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
			if v.Len() == 0 {
				return true
			}
		case reflect.Pointer, reflect.Interface:
			if v.IsNil() {
				return true
			}
		}
	}
	if !slices.Contains(options, "omitzero") || !v.CanInterface() {
		return false
	}
	if v.IsZero() {
		return true
	}
	self := v
	if v.CanAddr() && v.Kind() != reflect.Pointer {
		self = v.Addr() // the method may be the pointer's
	}
	zeroer, ok := self.Interface().(interface{ IsZero() bool })
	return ok && zeroer.IsZero()
}

// traits are what is to know about a type before its values are looked at, which most are not.
type traits struct {
	hide  bool // a value may have a struct in it that shows nothing
	write bool // a value may have one in it that says itself what its JSON is
}

var known sync.Map // from reflect.Type to traits

func traitsOf(t reflect.Type) traits {
	if t == nil {
		return traits{}
	}
	if found, ok := known.Load(t); ok {
		return found.(traits)
	}
	var found traits
	found.walk(t, map[reflect.Type]bool{})
	known.Store(t, found)
	return found
}

// MayWrite reports whether a value of type t may have one in it that says itself what its JSON is.
func MayWrite(t reflect.Type) bool { return traitsOf(t).write }

// walk adds what t has in it.
func (found *traits) walk(t reflect.Type, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	switch {
	case t.Kind() == reflect.Interface:
		*found = traits{true, true}
		return
	case t == reflect.TypeFor[time.Time]():
		return
	}
	if reflect.PointerTo(t).Implements(marshaler) {
		found.write = true
	}
	if t.Implements(marshaler) || t.Implements(textMarshaler) {
		return
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map: // a map's key is text
		found.walk(t.Elem(), seen)
	case reflect.Struct:
		found.hide = found.hide || hidden.Struct(t)
		for i := range t.NumField() {
			if field := t.Field(i); field.IsExported() || field.Anonymous {
				found.walk(field.Type, seen)
			}
		}
	}
}
