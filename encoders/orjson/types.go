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

// destination is what is to know about a type before sonic decodes into a value of it.
type destination struct {
	// copied says that sonic, which is told to copy strings, leaves nothing of what it reads in such a value, so that it may
	// read data itself. It does leave numbers that become text, in an any and as a json.Number, and what a method of a type
	// is given.
	copied bool

	// arrays says that it has arrays in it, of a fixed length. Where one is full, sonic takes a comma before the end for right.
	arrays bool

	// bytes says that it has []byte in it, which stand in JSON as base64.
	bytes bool
}

var destinations sync.Map // from reflect.Type to destination

func destinationOf(t reflect.Type) destination {
	if found, ok := destinations.Load(t); ok {
		return found.(destination)
	}
	found := destination{copied: true}
	found.walk(t, map[reflect.Type]bool{})
	destinations.Store(t, found)
	return found
}

// walk adds what t has in it.
func (d *destination) walk(t reflect.Type, seen map[reflect.Type]bool) {
	if seen[t] || t == reflect.TypeFor[time.Time]() {
		return
	}
	seen[t] = true
	if t == reflect.TypeFor[json.Number]() || readsItself(t) {
		d.copied = false
		return
	}
	switch t.Kind() {
	case reflect.Interface:
		d.copied = false
	case reflect.Map:
		d.walk(t.Key(), seen)
		d.walk(t.Elem(), seen)
	case reflect.Array:
		d.arrays = true
		d.walk(t.Elem(), seen)
	case reflect.Slice:
		d.bytes = d.bytes || t.Elem().Kind() == reflect.Uint8
		d.walk(t.Elem(), seen)
	case reflect.Pointer:
		d.walk(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			d.walk(t.Field(i).Type, seen)
		}
	}
}

// readsItself reports whether a method of t decodes it.
func readsItself(t reflect.Type) bool {
	pointer := reflect.PointerTo(t)
	return pointer.Implements(reflect.TypeFor[json.Unmarshaler]()) || pointer.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
