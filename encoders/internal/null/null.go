// Package null knows types that have a value for nothing, and say so in JSON, such as the NullUUID of github.com/google/uuid.
// What their MarshalText writes for it differs from one to the next, and is often not what their UnmarshalText reads.
package null

import "reflect"

type marshaler interface{ MarshalJSON() ([]byte, error) }

// Type reports whether t is such a type: its zero value is null in JSON.
func Type(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface || !reflect.PointerTo(t).Implements(reflect.TypeFor[marshaler]()) {
		return false
	}
	return Value(reflect.Zero(t))
}

// Value reports whether v, a value of such a type, is null in JSON.
func Value(v reflect.Value) (is bool) {
	defer func() {
		if recover() != nil { // of the method, which is not the one that was to be called
			is = false
		}
	}()
	self := reflect.New(v.Type()) // the method may be the pointer's
	self.Elem().Set(v)
	data, err := self.Interface().(marshaler).MarshalJSON()
	return err == nil && string(data) == "null"
}
