package encodertest

import (
	"math"
	"reflect"
	"time"
)

// equal reports whether a codec gave back what it was given. It is [reflect.DeepEqual], but for these: NaN equals NaN,
// 0 and -0 differ, times are equal at the same instant with the same offset, and types with an Equal or a Cmp method
// are compared by it, for their fields may differ where their values do not.
func equal(got, want any) bool {
	return equalValues(reflect.ValueOf(got), reflect.ValueOf(want))
}

func equalValues(a, b reflect.Value) bool {
	if !a.IsValid() || !b.IsValid() {
		return a.IsValid() == b.IsValid()
	}
	if a.Type() != b.Type() {
		return false
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
	}
	if same, ok := equalByMethod(a, b); ok {
		return same
	}

	switch a.Kind() {
	case reflect.Float32, reflect.Float64:
		return equalFloats(a.Float(), b.Float())
	case reflect.Complex64, reflect.Complex128:
		return equalFloats(real(a.Complex()), real(b.Complex())) && equalFloats(imag(a.Complex()), imag(b.Complex()))
	case reflect.Pointer, reflect.Interface:
		return equalValues(a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if !equalValues(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !equalValues(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for entry := a.MapRange(); entry.Next(); {
			value := b.MapIndex(entry.Key())
			if !value.IsValid() || !equalValues(entry.Value(), value) {
				return false
			}
		}
		return true
	}
	if a.Comparable() {
		return a.Equal(b)
	}
	return false // functions: they cannot be compared, and no codec holds one
}

func equalFloats(a, b float64) bool {
	return a == b && math.Signbit(a) == math.Signbit(b) || math.IsNaN(a) && math.IsNaN(b)
}

// equalByMethod compares a and b by a method of their type. It reports false for ok when there is none.
func equalByMethod(a, b reflect.Value) (same, ok bool) {
	if !a.CanInterface() {
		return false, false
	}
	if t, isTime := a.Interface().(time.Time); isTime {
		u := b.Interface().(time.Time)
		_, offsetT := t.Zone()
		_, offsetU := u.Zone()
		return t.Equal(u) && offsetT == offsetU, true
	}
	for _, name := range []string{"Equal", "Cmp"} {
		method := a.MethodByName(name)
		if !method.IsValid() {
			continue
		}
		t := method.Type()
		if t.NumIn() != 1 || t.In(0) != a.Type() || t.IsVariadic() || t.NumOut() != 1 {
			continue
		}
		result := method.Call([]reflect.Value{b})[0]
		switch {
		case name == "Equal" && result.Kind() == reflect.Bool:
			return result.Bool(), true
		case name == "Cmp" && result.Kind() == reflect.Int:
			return result.Int() == 0, true
		}
	}
	return false, false
}
