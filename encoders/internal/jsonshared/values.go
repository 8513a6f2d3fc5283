package jsonshared

import (
	"encoding"
	"encoding/json"
	"reflect"
	"unicode/utf8"
)

// Space is what JSON allows between its tokens.
const Space = " \t\r\n"

// TakesNull reports whether a value of type t can tell null from zero.
func TakesNull(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		return true
	}
	return reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

// IsUTF8 reports whether every string that v holds is UTF-8. Types that write themselves answer for themselves. It is
// only called with what has been encoded, so that v holds no cycle.
func IsUTF8(v reflect.Value) bool {
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
		return IsUTF8(v.Elem())
	case reflect.Struct:
		if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
			return true
		}
		for i := range v.NumField() {
			if field := t.Field(i); (field.IsExported() || field.Anonymous) && field.Tag.Get("json") != "-" && !IsUTF8(v.Field(i)) {
				return false
			}
		}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return true // base64, or numbers
		}
		for i := range v.Len() {
			if !IsUTF8(v.Index(i)) {
				return false
			}
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			if !IsUTF8(entry.Key()) || !IsUTF8(entry.Value()) {
				return false
			}
		}
	}
	return true
}
