package pickle

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// A field is an item of the dict that a struct is.
type field struct {
	name      string
	key       []byte // the name, as it is written
	index     []int
	omitEmpty bool
	omitZero  bool
	tagged    bool
}

// fieldsOf returns the fields of a struct by the rules of encoding/json: a field of an embedded struct is one of the
// struct itself, and of several with one name the least deep one counts, then the tagged one, and else none.
func fieldsOf(t reflect.Type) ([]field, map[string]int) {
	var all []field
	collect(t, nil, nil, &all)

	slices.SortStableFunc(all, func(a, b field) int {
		return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(len(a.index), len(b.index)), compareTagged(a, b))
	})
	var kept []field
	for i := 0; i < len(all); {
		next := i + 1
		for next < len(all) && all[next].name == all[i].name {
			next++
		}
		alone := next == i+1
		if alone || len(all[i].index) != len(all[i+1].index) || all[i].tagged != all[i+1].tagged {
			kept = append(kept, all[i])
		}
		i = next
	}
	slices.SortFunc(kept, func(a, b field) int { return slices.Compare(a.index, b.index) })

	byName := make(map[string]int, len(kept))
	for i, f := range slices.Backward(kept) {
		byName[strings.ToLower(f.name)] = i
	}
	for i, f := range kept {
		byName[f.name] = i // the exact name goes before
	}
	return kept, byName
}

func compareTagged(a, b field) int {
	switch {
	case a.tagged == b.tagged:
		return 0
	case a.tagged:
		return -1
	}
	return 1
}

// collect appends the fields of t and of what it embeds. outer are the structs that embed t, for a type may embed a
// pointer to itself.
func collect(t reflect.Type, index []int, outer []reflect.Type, all *[]field) {
	if slices.Contains(outer, t) {
		return
	}
	outer = append(slices.Clip(outer), t)
	for i := range t.NumField() {
		f := t.Field(i)
		tag, name, tagged := nameOf(f)
		if name == "" {
			continue
		}
		at := append(slices.Clip(index), i)
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if f.Anonymous && !tagged && embeds(inner) {
			collect(inner, at, outer, all)
			continue
		}
		if !f.IsExported() {
			continue
		}
		_, options, _ := strings.Cut(tag, ",")
		*all = append(*all, field{
			name: name, key: appendText(nil, name), index: at, tagged: tagged,
			omitEmpty: hasOption(options, "omitempty"), omitZero: hasOption(options, "omitzero"),
		})
	}
}

// embeds reports whether an embedded field of type t stands for its fields. A struct that is a value of its own does not.
func embeds(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	_, isValue := classes[t]
	return !isValue
}

// nameOf returns the name that a field has in the dict, and the tag that counts: pickle's, else json's. No name means
// that it has no place there.
func nameOf(f reflect.StructField) (tag, name string, tagged bool) {
	tag, ok := f.Tag.Lookup("pickle")
	if !ok {
		tag = f.Tag.Get("json")
	}
	if tag == "-" {
		return tag, "", false
	}
	if name, _, _ = strings.Cut(tag, ","); name != "" {
		return tag, name, true
	}
	return tag, f.Name, false
}

func hasOption(options, want string) bool {
	return slices.Contains(strings.Split(options, ","), want)
}

// absent reports whether a field is left out of the dict for its value.
func (f *field) absent(v reflect.Value) bool {
	if f.omitZero {
		if zeroer, ok := v.Interface().(interface{ IsZero() bool }); ok {
			if v.Kind() == reflect.Pointer && v.IsNil() || zeroer.IsZero() {
				return true
			}
		} else if v.IsZero() {
			return true
		}
	}
	if !f.omitEmpty {
		return false
	}
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
