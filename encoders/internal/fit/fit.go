// Package fit knows which codecs take a value, without asking them: a program links only those that it uses, and an error
// names also the others.
//
// It goes by the value's shape, and calls no method but the Schema of a table. In doubt it leaves a codec out.
package fit

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

// set is a set of codecs.
type set uint8

const (
	csv set = 1 << iota
	feather
	jsonCodec
	msgpack
	orjson
	parquet
	pickle
	vanilla

	jsons  = jsonCodec | orjson
	python = msgpack | pickle
	nested = jsons | python // what takes values within values
	tables = csv | feather | parquet
)

var names = [...]string{"csv", "feather", "json", "msgpack", "orjson", "parquet", "pickle", "vanilla"}

// Codecs returns the names of the codecs that take value, sorted.
func Codecs(value any) (found []string) {
	defer func() {
		if recover() != nil { // none is known, but an error is no place for a panic
			found = nil
		}
	}()
	v := reflect.ValueOf(value)
	takes := text(v) | rows(v)
	if IsTable(value) {
		takes |= columns(v)
	}
	w := walker{left: maxValues, keys: maxValues}
	within := w.walk(v, 0)
	if Hidden(value, WritesJSON) {
		within &^= jsons
	}
	if Hidden(value, writesMsgpack) {
		within &^= msgpack
	}
	takes |= within

	for i, name := range names {
		if takes&(1<<i) != 0 {
			found = append(found, name)
		}
	}
	return found
}

const (
	maxValues = 100_000 // that are looked at: the rest of a larger value is taken to be as they are
	maxDepth  = 10_000  // encoding/json decodes no deeper
	maxNested = 990     // msgpack and pickle go a little deeper
)

// walker looks at a value and at all that it holds.
type walker struct {
	left int
	keys int // how many keys, elements of sets, and what is in them, are looked at yet
}

// walk returns which of the codecs of nested values take v. depth is how many values are around it: one that holds
// itself is too deep for all.
func (w *walker) walk(v reflect.Value, depth int) set {
	if w.left--; w.left < 0 {
		return nested
	}
	takes := nested
	if depth > maxNested {
		takes = jsons
	}
	switch {
	case depth > maxDepth:
		return 0
	case !v.IsValid():
		return takes
	}
	if year, isTime := yearOf(v); isTime {
		if year < 1 || year > 9999 {
			takes &= msgpack
		}
		return takes
	}
	return takes & (writesSelf(v) | w.byKind(v, depth+1))
}

// writesSelf returns the codecs for which a method of v says how it is written, whatever its kind is.
func writesSelf(v reflect.Value) set {
	t := v.Type()
	if v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		return 0 // it is nil, or what it leads to is looked at
	}
	var own set
	if WritesJSON(t) || v.CanAddr() && WritesJSON(reflect.PointerTo(t)) {
		own |= jsons
	}
	if writesMsgpack(t) {
		own |= msgpack
	}
	if reflect.PointerTo(t).Implements(textMarshaler) {
		own |= pickle
	}
	return own
}

var (
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	binaryMarshaler = reflect.TypeFor[encoding.BinaryMarshaler]()
	jsonMarshaler   = reflect.TypeFor[json.Marshaler]()
	stringer        = reflect.TypeFor[fmt.Stringer]()
	numberType      = reflect.TypeFor[json.Number]()
	timeType        = reflect.TypeFor[time.Time]()
	durationType    = reflect.TypeFor[time.Duration]()
)

// WritesJSON reports whether values of type t say themselves how they are written as JSON.
func WritesJSON(t reflect.Type) bool {
	return t.Implements(jsonMarshaler) || t.Implements(textMarshaler)
}

// writesMsgpack looks for the methods of that library by their names, for it is not linked here.
func writesMsgpack(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return false
	}
	t = reflect.PointerTo(t)
	_, custom := t.MethodByName("EncodeMsgpack")
	_, marshals := t.MethodByName("MarshalMsgpack")
	return custom || marshals || t.Implements(textMarshaler) || t.Implements(binaryMarshaler)
}

// yearOf returns the year of a time.
func yearOf(v reflect.Value) (year int, isTime bool) {
	if v.Type() != timeType || !v.CanInterface() {
		return 0, false
	}
	return v.Interface().(time.Time).Year(), true
}

func (w *walker) byKind(v reflect.Value, depth int) set {
	switch v.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return nested
	case reflect.Uintptr:
		return jsons
	case reflect.Float32, reflect.Float64:
		if math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0) {
			return python
		}
		return nested
	case reflect.String:
		switch s := v.String(); {
		case !utf8.ValidString(s):
			return 0
		case v.Type() == numberType && !isNumberText(s):
			return python
		}
		return nested
	case reflect.Pointer, reflect.Interface:
		return w.walk(v.Elem(), depth)
	case reflect.Slice, reflect.Array:
		return w.elements(v, depth)
	case reflect.Map:
		return w.entries(v, depth)
	case reflect.Struct:
		return w.structure(v, depth)
	}
	return 0
}

// isNumberText reports whether s is a number of JSON. encoding/json writes 0 for none.
func isNumberText(s string) bool {
	return s == "" || strings.IndexByte("-0123456789", s[0]) >= 0 && strings.TrimSpace(s) == s && json.Valid([]byte(s))
}

func (w *walker) elements(v reflect.Value, depth int) set {
	takes := nested
	if v.Type().Elem().Kind() != reflect.Uint8 {
		for i := 0; i < v.Len() && takes != 0 && w.left > 0; i++ {
			takes &= w.walk(v.Index(i), depth)
		}
	}
	if isPickles(v.Type(), "Set", "FrozenSet") && !w.hashables(v, depth) {
		takes &^= pickle
	}
	return takes
}

// text says whether the codec of plain text takes v.
func text(v reflect.Value) set {
	const maxPointers = 8
	for range maxPointers {
		if v.Kind() != reflect.Pointer && v.Kind() != reflect.Interface {
			break
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return 0
	}
	if year, isTime := yearOf(v); isTime && (year < 0 || year > 9999) {
		return 0
	}
	switch self := reflect.PointerTo(v.Type()); {
	case v.Kind() == reflect.Pointer, v.Kind() == reflect.Interface:
		return 0
	case self.Implements(textMarshaler), self.Implements(stringer) && !self.Implements(table):
		return vanilla
	case v.CanInt(), v.CanUint() && v.Kind() != reflect.Uintptr, v.CanFloat(), v.Kind() == reflect.Bool,
		v.Kind() == reflect.String, v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		return vanilla
	}
	return 0
}
