// Package msgpack is the codec that stores values as MessagePack: smaller and faster than JSON, with bytes and times of
// their own. Programs in any language can share its store; what Python's msgpack writes it reads, and the reverse.
//
// # What can be stored
//
// Booleans, numbers, strings (as str), []byte and [N]byte (as bin), slices and arrays, maps (sorted by their keys, so that
// the same value gives the same bytes), structs (as maps), pointers, and nil. Integers take the fewest bytes that hold
// them; floats stay floats. A [time.Time] is a timestamp, the extension of type -1, and comes back in UTC.
//
// A struct's field has the name in its msgpack tag; where there is none, that in its json tag; else its Go name. "-" leaves
// a field out, as omitempty and omitzero do for what is empty or zero; a type with an IsZero method is empty when it says
// so. Names match exactly. Fields of embedded structs are written as if they were the outer struct's, unless the embedded
// one has a name in its tag or the option noinline; Go's rules settle conflicts. An alias:name is another name to read,
// and a field _msgpack with the option as_array makes the struct an array. The options intern and string do nothing.
//
// A type may write itself: the first that it has of EncodeMsgpack, MarshalMsgpack ([github.com/vmihailenco/msgpack/v5]
// calls them CustomEncoder and Marshaler), MarshalText (as str) and MarshalBinary (as bin) does it, and the methods in the
// other direction read it. A value with one of the latter two whose MarshalJSON says null is nil, where that of its type's
// zero value says so too. What they write must be one value. What they are given to read is one, whose lengths are true; but
// the library's DecodeMap goes into an extension, and believes any length there: look at PeekCode before it.
//
// Channels, functions, complex numbers and cycles are refused, and strings that are not UTF-8, for Python could not read
// them. So is a struct that has fields and exports none (an error in an any, a mutex, an arrow.Table), alone or anywhere in
// a value, for nothing of it would be stored; in a field of the type error an error is its text. So is what nests deeper
// than 1024 levels: Python does not go further.
//
// # What can be fetched
//
// Decode stores exactly what the data holds: nothing of dst's old value is merged into it, and anything after the value is
// an error. In an any, numbers are int64 (uint64 above its range) and float64, maps are map[string]any (map[any]any
// with a key that is not a string), and the rest is []any, string, []byte, bool, [time.Time] and nil. An integer
// must fit the type asked for; a float may come from an integer that it holds exactly, and never goes into an integer. A
// []byte takes a string too, but a string takes no binary data. A [time.Time] takes also text in the form of RFC 3339. Nil
// is the zero value within another value, but alone it goes only into what can be nil. Arrays must have their length.
// Unknown fields are skipped. Extensions other than timestamps are errors.
//
// # Python
//
// A json.RawMessage is a []byte, and so bytes in Python.
//
// fastapi-cachette writes no datetime, set, or integer beyond 64 bits, for msgpack-python does not. It reads a time that Go
// wrote as msgpack.Timestamp, whose to_datetime gives a datetime; Go reads a msgpack.Timestamp, or the text of isoformat
// with a zone, as a [time.Time]. It writes dicts with keys that are not text, and Go reads them, but it refuses to read them
// itself, so that a map[int]string from Go is none of its reading. A dict with bytes as keys Go cannot hold.
//
// # The library
//
// The bytes are those of the library with compact integers and sorted keys, with these exceptions: it sorts a few types of
// maps only; it writes a MarshalText as bin and prefers MarshalBinary to it; it writes nil for what lies behind an embedded
// nil pointer, which is left out here; it merges an embedded struct that has a name; it knows no omitzero. What it writes is read here. Reading
// is not left to it because it cuts integers off that do not fit, allocates what a length announces, and follows any depth.
package msgpack

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"sync"

	"github.com/gin-cachette/cachette/encoders"
)

const name = "msgpack"

func init() { encoders.Register(New()) }

type encoder struct{}

// New returns the msgpack codec. It has no state.
func New() encoders.Encoder { return encoder{} }

func (encoder) Name() string { return name }

// maxKept bounds the buffers that are kept for the next value.
const maxKept = 2 << 20

var writers = sync.Pool{New: func() any { return new(writer) }}

func (encoder) Encode(value any) (data []byte, err error) {
	switch v := value.(type) { // of what is one piece the size is known
	case string:
		return alone(value, len(v), func(w *writer) error { return w.string(v) })
	case []byte:
		return alone(value, len(v), func(w *writer) error { return w.bytes(v) })
	}
	w := writers.Get().(*writer)
	if err := w.whole(value); err != nil {
		return nil, encodeError(value, err)
	}
	if cap(w.buf) > maxKept {
		return w.buf, nil // it is not worth a copy
	}
	data = append([]byte{}, w.buf...)
	w.buf = w.buf[:0]
	writers.Put(w)
	return data, nil
}

// maxCleared is up to what size a buffer is made beforehand, which clears it. A larger one costs less where it is made by
// append, which clears nothing of what it copies to.
const maxCleared = 16 << 10

// alone encodes a value of size bytes into a buffer of its own.
func alone(value any, size int, write func(*writer) error) ([]byte, error) {
	if size > maxCleared {
		size = 0
	}
	w := writer{buf: make([]byte, 0, size+maxHead)}
	if err := write(&w); err != nil {
		return nil, encodeError(value, err)
	}
	return w.buf, nil
}

// whole writes a value from its beginning. A method of a type that panics is an error.
func (w *writer) whole(value any) (err error) {
	defer recovered(&err)
	return w.any(value)
}

var readers = sync.Pool{New: func() any { return new(reader) }}

func (encoder) Decode(data []byte, dst any) error {
	pointer := reflect.ValueOf(dst)
	if pointer.Kind() != reflect.Pointer || pointer.IsNil() {
		return refuse("decode", dst, "", "give a pointer that is not nil", nil)
	}
	if text, ok := dst.(*string); ok && onlyText(data, text) {
		return nil
	}
	r := readers.Get().(*reader)
	*r = reader{data: data}
	first, err := r.whole(pointer.Elem())
	*r = reader{}
	readers.Put(r)
	if err != nil {
		return decodeError(first, dst, err)
	}
	return nil
}

// onlyText stores data that is a string and nothing else, which needs no plan. It reports whether it did.
func onlyText(data []byte, dst *string) bool {
	r := reader{data: data}
	t, err := r.next()
	if err != nil || t.kind != kindStr || r.pos+int(t.n) != len(data) {
		return false
	}
	text, err := r.string(t)
	if err != nil {
		return false
	}
	*dst = text
	return true
}

// whole reads all of the data into v, which is left as it is on an error. It also returns the data's first token.
func (r *reader) whole(v reflect.Value) (first token, err error) {
	defer recovered(&err)
	if first, err = r.next(); err != nil {
		return first, err
	}
	if first.kind == kindNil && !takesNil(v.Type()) {
		return first, r.mismatch(first, v.Type(), "fetch into a pointer or an any")
	}
	fresh := reflect.New(v.Type()).Elem()
	if err = planOf(v.Type()).read(r, first, fresh); err != nil {
		return first, err
	}
	if r.pos != len(r.data) {
		return first, errMore
	}
	v.Set(fresh)
	return first, nil
}

// takesNil reports whether a value of type t can tell nil from zero.
func takesNil(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		return true
	}
	return has(t, customDecoder) || has(t, unmarshaler) || isNullable(t)
}

// recovered turns a panic into an error. What was panicked with is not shown: it may hold the value.
func recovered(err *error) {
	switch cause := recover().(type) {
	case nil:
	case runtime.Error:
		*err = fmt.Errorf("a method of a type panicked: %w", cause)
	default:
		*err = errors.New("a method of a type panicked")
	}
}
