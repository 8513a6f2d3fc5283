package msgpack

import (
	"reflect"
	"slices"
	"strings"
)

// field is a struct's field on the wire.
type field struct {
	name   string
	alias  string // another name under which it is read
	index  []int
	typ    reflect.Type
	tagged bool // the name is from a tag

	omitEmpty bool
	omitZero  bool
	key       []byte // the name as it is written
	plan      *plan
}

// options are the words after the name in a tag.
type options string

func (o options) has(word string) bool {
	return slices.Contains(strings.Split(string(o), ","), word)
}

// value returns what follows word and a colon: alias:other.
func (o options) value(word string) string {
	for option := range strings.SplitSeq(string(o), ",") {
		if value, ok := strings.CutPrefix(option, word+":"); ok {
			return value
		}
	}
	return ""
}

// tagOf returns the tag that rules a field: msgpack's where there is one, else json's.
func tagOf(f reflect.StructField) (name string, opts options, skip bool) {
	tag := f.Tag.Get("msgpack")
	if tag == "" {
		tag = f.Tag.Get("json")
	}
	if tag == "-" {
		return "", "", true
	}
	name, rest, _ := strings.Cut(tag, ",")
	return name, options(rest), false
}

// fieldsOf returns the fields of a struct in their order, those of embedded structs among them. Where two have one name,
// Go's rules decide, as in encoding/json: the one that is less deep, then the one with a tag, else neither.
func fieldsOf(t reflect.Type) (fields []field, asArray bool) {
	type embedded struct {
		typ   reflect.Type
		index []int
	}
	var marker options
	if f, ok := t.FieldByName("_msgpack"); ok && len(f.Index) == 1 {
		_, marker, _ = tagOf(f)
	}
	omitAll := marker.has("omitempty")

	var all []field
	seen := map[reflect.Type]bool{}
	for level := []embedded{{typ: t}}; len(level) > 0; {
		var next []embedded
		for _, e := range level {
			if seen[e.typ] {
				continue
			}
			for i := range e.typ.NumField() {
				f := e.typ.Field(i)
				name, opts, skip := tagOf(f)
				if skip || f.Name == "_msgpack" {
					continue
				}
				index := append(slices.Clone(e.index), i)
				inner := f.Type
				if inner.Kind() == reflect.Pointer {
					inner = inner.Elem()
				}
				structure := f.Anonymous && inner.Kind() == reflect.Struct
				if !f.IsExported() && !structure {
					continue
				}
				if structure && name == "" && !opts.has("noinline") && !writesItself(inner) {
					next = append(next, embedded{inner, index})
					continue
				}
				if !f.IsExported() {
					continue
				}
				all = append(all, field{
					name: cmpOr(name, f.Name), alias: opts.value("alias"), index: index, typ: f.Type, tagged: name != "",
					omitEmpty: omitAll || opts.has("omitempty"), omitZero: opts.has("omitzero"),
				})
			}
		}
		for _, e := range level {
			seen[e.typ] = true
		}
		level = next
	}
	return dominant(all), marker.has("as_array") || marker.has("asArray")
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// dominant leaves of each name the field that wins, and sorts the fields by where they stand.
func dominant(all []field) []field {
	byName := map[string][]field{}
	for _, f := range all {
		byName[f.name] = append(byName[f.name], f)
	}
	var fields []field
	for _, rivals := range byName {
		slices.SortStableFunc(rivals, func(a, b field) int {
			if d := len(a.index) - len(b.index); d != 0 {
				return d
			}
			if a.tagged != b.tagged {
				if a.tagged {
					return -1
				}
				return 1
			}
			return 0
		})
		first := rivals[0]
		if len(rivals) > 1 && len(rivals[1].index) == len(first.index) && rivals[1].tagged == first.tagged {
			continue
		}
		fields = append(fields, first)
	}
	slices.SortFunc(fields, func(a, b field) int { return slices.Compare(a.index, b.index) })
	return fields
}

// get returns the field's value in a struct, and whether it is there: one behind an embedded nil pointer is not.
func (f *field) get(v reflect.Value) (reflect.Value, bool) {
	if len(f.index) == 1 {
		return v.Field(f.index[0]), true
	}
	for i, at := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(at)
	}
	return v, true
}

// make returns the field's value in a struct to decode into. It makes the embedded structs on the way to it, and reports
// false where one of them is of a type that cannot be made because it is not exported.
func (f *field) make(v reflect.Value) (reflect.Value, bool) {
	if len(f.index) == 1 {
		return v.Field(f.index[0]), true
	}
	for i, at := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !v.CanSet() {
					return v, false
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(at)
	}
	return v, true
}

// omitted reports whether the field is left out for the value that it has.
func (f *field) omitted(v reflect.Value) bool {
	return f.omitEmpty && isEmpty(v) || f.omitZero && isZero(v)
}

type zeroer interface{ IsZero() bool }

// isZero is what omitzero asks.
func isZero(v reflect.Value) bool {
	if v.Type().Implements(zeroerType) {
		if v.Kind() == reflect.Pointer && v.IsNil() || v.Kind() == reflect.Interface && v.IsNil() {
			return true
		}
		return v.Interface().(zeroer).IsZero()
	}
	return v.IsZero()
}

// isEmpty is what omitempty asks: as encoding/json does, and, as the library does, also the type's IsZero method.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Pointer, reflect.Interface:
		return v.IsNil()
	case reflect.Struct:
		return v.Type().Implements(zeroerType) && v.Interface().(zeroer).IsZero()
	}
	return v.IsZero()
}
