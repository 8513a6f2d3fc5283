package fit

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

// HiddenReason tells why a codec refuses what is [Hidden].
const HiddenReason = "it has no exported fields, so that nothing of it would be stored"

// Hidden reports whether value is a struct, or leads to one, that has fields and shows none of them: a codec that goes by
// fields would store nothing of it. writesItself says for which types a codec does not go by fields.
func Hidden(value any, writesItself func(reflect.Type) bool) bool {
	const maxPointers = 8
	v := reflect.ValueOf(value)
	for range maxPointers {
		if !v.IsValid() || writesItself(v.Type()) {
			return false
		}
		if v.Kind() != reflect.Pointer && v.Kind() != reflect.Interface {
			return hides(v.Type())
		}
		v = v.Elem()
	}
	return false
}

func hides(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() > 0 && !slices.ContainsFunc(reflect.VisibleFields(t), shows)
}

// shows reports whether a field is one that codecs see. Those of an embedded struct are asked one by one.
func shows(field reflect.StructField) bool {
	t := field.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return field.IsExported() && !(field.Anonymous && t.Kind() == reflect.Struct)
}

func (w *walker) structure(v reflect.Value, depth int) set {
	takes := w.fields(v, depth)
	if t := v.Type(); nothingForPickle(t) || isPickles(t, "Date", "LocalTime") && !isDate(v) {
		takes &^= pickle
	}
	return takes
}

// nothingForPickle reports whether t has fields and the codec pickle would write none of them: it refuses such a type
// within a value too.
func nothingForPickle(t reflect.Type) bool {
	return t.NumField() > 0 && !slices.ContainsFunc(reflect.VisibleFields(t), func(field reflect.StructField) bool {
		return shows(field) && tagOf(field, "pickle") != "-"
	})
}

// tagOf returns a field's tag for a codec, which is that of JSON where it has none of its own.
func tagOf(field reflect.StructField, codec string) string {
	tag, ok := field.Tag.Lookup(codec)
	if !ok {
		tag = field.Tag.Get("json")
	}
	return tag
}

func (w *walker) fields(v reflect.Value, depth int) set {
	if w.left--; w.left < 0 {
		return nested
	}
	t := v.Type()
	takes := nested
	for i := 0; i < t.NumField() && takes != 0; i++ {
		field := t.Field(i)
		without := leaveOut(field, v.Field(i))
		if without == nested {
			continue
		}
		if inner := target(v.Field(i)); field.Anonymous && inner.Kind() == reflect.Struct && depth < maxNested {
			takes &= without | w.fields(inner, depth+1) // as if they were those of v
		} else if field.IsExported() {
			takes &= without | w.walk(v.Field(i), depth)
		}
	}
	return takes
}

// leaveOut returns the codecs that do not write a field, by its tags.
func leaveOut(field reflect.StructField, v reflect.Value) (without set) {
	for _, group := range []struct {
		codecs set
		name   string
	}{{jsons, "json"}, {msgpack, "msgpack"}, {pickle, "pickle"}} {
		tag := tagOf(field, group.name)
		_, options, _ := strings.Cut(tag, ",")
		for _, option := range strings.Split(options, ",") {
			if v.IsZero() && (option == "omitzero" || option == "omitempty" && canBeEmpty(v, group.codecs)) {
				without |= group.codecs
			}
		}
		if tag == "-" {
			without |= group.codecs
		}
	}
	return without
}

// canBeEmpty reports whether a field is left out by omitempty where it is zero.
func canBeEmpty(v reflect.Value, codecs set) bool {
	switch v.Kind() {
	case reflect.Struct, reflect.Array:
		return false
	case reflect.Complex64, reflect.Complex128, reflect.Chan, reflect.Func:
		return codecs != jsons
	}
	return true
}

// entries does not tell whether two keys that differ are written as the same.
func (w *walker) entries(v reflect.Value, depth int) set {
	takes := nested
	switch key := v.Type().Key(); {
	case key.Kind() == reflect.String, key.Implements(textMarshaler):
	case key.Kind() >= reflect.Int && key.Kind() <= reflect.Uintptr:
	default:
		takes &^= jsons
	}
	if !w.hashables(v, depth) {
		takes &^= pickle
	}
	for entry := v.MapRange(); takes != 0 && w.left > 0 && entry.Next(); {
		key := w.walk(entry.Key(), depth)
		if isNaN(entry.Key()) {
			key &^= msgpack
		}
		takes &= key & w.walk(entry.Value(), depth)
	}
	return takes
}

func isNaN(v reflect.Value) bool {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return v.CanFloat() && math.IsNaN(v.Float())
}

// isPickles reports whether t is one of the types of the codec pickle, which is not linked here.
func isPickles(t reflect.Type, names ...string) bool {
	return strings.HasSuffix(t.PkgPath(), "cachette/encoders/pickle") && slices.Contains(names, t.Name())
}

// isDate reports whether a Date or a LocalTime of the codec pickle is one that Python has.
func isDate(v reflect.Value) bool {
	year, month, day := v.FieldByName("Year").Int(), v.FieldByName("Month").Int(), v.FieldByName("Day").Int()
	date := time.Date(int(year), time.Month(month), int(day), 0, 0, 0, 0, time.UTC)
	return year >= 1 && year <= 9999 && int64(date.Month()) == month && int64(date.Day()) == day
}

// hashables reports whether the keys of a map, or the elements of a set, can be that in Python, and none of them are one
// there: of numbers, which are equal across their types, only one type is. What is not looked at is taken to be so.
func (w *walker) hashables(v reflect.Value, depth int) bool {
	var number reflect.Type
	fits := func(key reflect.Value) bool {
		key = target(key)
		if !w.hashable(key, depth+1) {
			return false
		}
		if key.IsValid() && (isNumber(key) || isPickles(key.Type(), "Decimal") || key.Kind() == reflect.Struct) {
			if number == nil {
				number = key.Type()
			}
			return key.Type() == number
		}
		return true
	}
	if v.Kind() == reflect.Map {
		for entry := v.MapRange(); w.keys > 0 && entry.Next(); {
			if !fits(entry.Key()) {
				return false
			}
		}
		return true
	}
	for i := 0; i < v.Len() && w.keys > 0; i++ {
		if !fits(v.Index(i)) {
			return false
		}
	}
	return true
}

// target follows pointers and interfaces.
func target(v reflect.Value) reflect.Value {
	for range maxNested {
		if v.Kind() != reflect.Pointer && v.Kind() != reflect.Interface {
			break
		}
		v = v.Elem()
	}
	return v
}

func isNumber(v reflect.Value) bool {
	return v.Kind() == reflect.Bool || v.CanInt() || v.CanUint() || v.CanFloat()
}

func (w *walker) hashable(v reflect.Value, depth int) bool {
	if w.keys--; w.keys < 0 || depth > maxNested { // it may hold itself
		return w.keys < 0
	}
	switch {
	case !v.IsValid(), isNumber(v), v.Kind() == reflect.String:
		return true
	case reflect.PointerTo(v.Type()).Implements(textMarshaler), isPickles(v.Type(), "Date", "LocalTime"):
		return true
	case isPickles(v.Type(), "FrozenSet"):
		return w.hashables(v, depth)
	case v.Kind() == reflect.Array, isPickles(v.Type(), "Tuple"):
		for i := range v.Len() {
			if !w.hashable(target(v.Index(i)), depth+1) {
				return false
			}
		}
		return true
	}
	return v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 // Python's bytes
}
