// Package hidden knows structs that show codecs nothing.
package hidden

import (
	"reflect"
	"slices"
)

// Reason tells why a codec refuses t, of which [Struct] is true.
func Reason(t reflect.Type) string {
	return t.String() + " has no exported fields, so that nothing of it would be stored"
}

// Struct reports whether t is a struct that has something in it and shows none of it: a codec that goes by fields would
// store nothing.
func Struct(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.Size() > 0 && !slices.ContainsFunc(reflect.VisibleFields(t), shows)
}

// shows reports whether a field is one that codecs see. Those of an embedded struct are asked one by one.
func shows(field reflect.StructField) bool {
	t := field.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return field.IsExported() && !(field.Anonymous && t.Kind() == reflect.Struct)
}
