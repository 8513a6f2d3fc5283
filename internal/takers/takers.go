// Package takers has values go through a codec, and finds out which of the other linked ones take a value that it has refused.
package takers

import (
	"errors"
	"reflect"

	"github.com/gin-cachette/cachette/encoders"
)

// Encode has encoder encode value. Where encoder refuses its type, the error names the other linked codecs that take the
// value; encoder itself need not be linked.
//
// Each of them is asked to encode the value, and to decode it into a new one of its type or of what it points to. A value of more than about a
// megabyte is refused without asking, and so is one that leads to itself.
func Encode(encoder encoders.Encoder, value any) ([]byte, error) {
	data, err := encoder.Encode(value)
	if err == nil || !errors.Is(err, encoders.ErrUnsupportedType) {
		return data, err
	}
	names, asked := of(value, encoder.Name())
	if !asked {
		return nil, err
	}
	var refusal encoders.UnsupportedTypeError
	if made, ok := err.(*encoders.UnsupportedTypeError); ok {
		refusal = *made // a copy, for the codec may keep it
	} else {
		refusal = *encoders.Unsupported(encoder.Name(), "encode", value, "", err.Error())
		refusal.Err = err
	}
	refusal.Takers, refusal.Asked = names, true
	return nil, &refusal
}

// Decode has encoder decode data, which nothing else refers to, into what dst points to: without copying, where it can do that.
func Decode(encoder encoders.Encoder, data []byte, dst any) error {
	if taker, ok := encoder.(encoders.Taker); ok {
		return taker.Take(data, dst)
	}
	return encoder.Decode(data, dst)
}

// maxBytes bounds the values that codecs are asked about, and what they write in answer.
const maxBytes = 1 << 20

// of returns the names of the linked codecs but one that take value, sorted, and whether that is known.
func of(value any, except string) (names []string, known bool) {
	defer func() {
		if recover() != nil { // of a method of the value's type; that of a codec is an answer
			names, known = nil, false
		}
	}()
	left := budget(maxBytes)
	if !left.weigh(value) {
		return nil, false
	}
	left = maxBytes
	for _, name := range encoders.Linked() {
		if name == except {
			continue
		}
		if left <= 0 { // the value writes itself, and is larger than it looks
			return names, len(names) > 0
		}
		encoder, _ := encoders.Lookup(name)
		size, ok := takes(encoder, value)
		if ok {
			names = append(names, name)
		}
		left -= budget(size)
	}
	return names, true
}

// takes reports whether an encoder takes value and gives it back, and how many bytes it wrote. A panic is a no: a method
// of the value's type may have one.
func takes(encoder encoders.Encoder, value any) (size int, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	data, err := encoder.Encode(value)
	if err != nil {
		return 0, false
	}
	t := reflect.TypeOf(value)
	switch {
	case t == nil:
		t = reflect.TypeFor[any]()
	case opaque(t):
		return len(data), true
	}
	ok = encoder.Decode(data, reflect.New(t).Interface()) == nil
	if !ok && t.Kind() == reflect.Pointer { // what is stored is what it points to
		ok = encoder.Decode(data, reflect.New(t.Elem()).Interface()) == nil
	}
	return len(data), ok
}

// opaque reports whether t is a struct, or leads to one, that shows no fields: a time, or a record of Arrow, which is
// fetched into an interface. Whether a codec gives it back cannot be seen from its type.
func opaque(t reflect.Type) bool {
	const maxPointers = 8 // for a type may be a pointer to itself
	for range maxPointers {
		if t.Kind() != reflect.Pointer {
			break
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return false
	}
	for _, field := range reflect.VisibleFields(t) {
		if field.IsExported() {
			return false
		}
	}
	return true
}
