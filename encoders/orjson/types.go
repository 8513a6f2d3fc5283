package orjson

import (
	"encoding"
	"encoding/json"
	"math/big"
	"reflect"
	"sync"
	"time"
)

// traits are what is to know about a type before sonic encodes a value of it.
type traits struct {
	// blanks says that a MarshalJSON method in it may return blanks. sonic takes them out by encoding/json, which takes
	// longer than all the rest.
	blanks bool

	// foreign says that it has in it what sonic takes and encoding/json does not.
	foreign bool
}

var known sync.Map // from reflect.Type to traits

func traitsOf(t reflect.Type) traits {
	if found, ok := known.Load(t); ok {
		return found.(traits)
	}
	var found traits
	found.walk(t, map[reflect.Type]bool{})
	known.Store(t, found)
	return found
}

// walk adds what t has in it.
func (has *traits) walk(t reflect.Type, seen map[reflect.Type]bool) {
	switch t {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[big.Int]():
		return // their methods return no blanks
	}
	if seen[t] {
		return
	}
	seen[t] = true
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(reflect.TypeFor[json.Marshaler]()) {
		has.blanks = true
		return
	}
	switch t.Kind() {
	case reflect.Interface:
		has.blanks = true
	case reflect.Map:
		if t.Key().Kind() == reflect.Bool && !t.Key().Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
			has.foreign = true
		}
		has.walk(t.Elem(), seen)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		has.walk(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			has.walk(t.Field(i).Type, seen)
		}
	}
}

var copied sync.Map // from reflect.Type to whether sonic copies what it decodes into it

// isCopied reports whether sonic, which is told to copy strings, leaves nothing of what it reads in a value of type t, so
// that it may read data itself. It does leave numbers that become text, in an any and as a json.Number, and what a method of
// a type is given.
func isCopied(t reflect.Type) bool {
	if found, ok := copied.Load(t); ok {
		return found.(bool)
	}
	found := copies(t, map[reflect.Type]bool{})
	copied.Store(t, found)
	return found
}

func copies(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] || t == reflect.TypeFor[time.Time]() {
		return true
	}
	seen[t] = true
	if t == reflect.TypeFor[json.Number]() || readsItself(t) {
		return false
	}
	switch t.Kind() {
	case reflect.Interface:
		return false
	case reflect.Map:
		return copies(t.Key(), seen) && copies(t.Elem(), seen)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return copies(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if !copies(t.Field(i).Type, seen) {
				return false
			}
		}
	}
	return true
}

// readsItself reports whether a method of t decodes it.
func readsItself(t reflect.Type) bool {
	pointer := reflect.PointerTo(t)
	return pointer.Implements(reflect.TypeFor[json.Unmarshaler]()) || pointer.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
