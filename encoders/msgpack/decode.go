package msgpack

import (
	"bytes"
	"encoding"
	"errors"
	"math"
	"reflect"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// maxRoom bounds, in bytes, what is allocated for elements before they are seen. More is allocated as they come.
const maxRoom = 16 << 10

// decoder returns how values of t are read. fields is set for structs.
func (b builder) decoder(t reflect.Type, fields *structure) func(*reader, token, reflect.Value) error {
	if t == timeType {
		return decodeTime
	}
	if read := decoderByMethod(t); read != nil {
		return read
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(r *reader, tok token, v reflect.Value) error {
			if tok.kind != kindBool {
				return r.mismatch(tok, t, "")
			}
			v.SetBool(tok.n != 0)
			return nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return decodeInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return decodeUint
	case reflect.Float32, reflect.Float64:
		return decodeFloat
	case reflect.String:
		return decodeString
	case reflect.Interface:
		return decodeInterface
	case reflect.Pointer:
		to := b.plan(t.Elem())
		return func(r *reader, tok token, v reflect.Value) error {
			if r.hops++; r.hops > maxHops {
				return r.mismatch(tok, t, "the type is a pointer to itself")
			}
			fresh := reflect.New(t.Elem())
			err := to.read(r, tok, fresh.Elem())
			r.hops--
			v.Set(fresh)
			return err
		}
	case reflect.Slice:
		return b.decodeSlice(t)
	case reflect.Array:
		return b.decodeArray(t)
	case reflect.Map:
		return b.decodeMap(t)
	case reflect.Struct:
		return decodeStruct(t, fields)
	}
	return func(r *reader, tok token, v reflect.Value) error { return r.mismatch(tok, t, "") }
}

const noFit = "the number does not fit"

func decodeInt(r *reader, t token, v reflect.Value) error {
	switch {
	case t.kind != kindInt && t.kind != kindUint:
		return r.mismatch(t, v.Type(), "")
	case t.kind == kindUint && t.n > math.MaxInt64 || v.OverflowInt(int64(t.n)):
		return r.mismatch(t, v.Type(), noFit)
	}
	v.SetInt(int64(t.n))
	return nil
}

func decodeUint(r *reader, t token, v reflect.Value) error {
	switch {
	case t.kind != kindInt && t.kind != kindUint:
		return r.mismatch(t, v.Type(), "")
	case t.kind == kindInt || v.OverflowUint(t.n):
		return r.mismatch(t, v.Type(), noFit)
	}
	v.SetUint(t.n)
	return nil
}

// decodeFloat takes an integer too, where the float is the same number: other languages write 1.0 as 1.
func decodeFloat(r *reader, t token, v reflect.Value) error {
	var f float64
	switch t.kind {
	case kindFloat:
		f = t.float()
	case kindInt:
		f = float64(int64(t.n))
		if int64(f) != int64(t.n) {
			return r.mismatch(t, v.Type(), noFit)
		}
	case kindUint:
		f = float64(t.n)
		if f >= 1<<64 || uint64(f) != t.n {
			return r.mismatch(t, v.Type(), noFit)
		}
	default:
		return r.mismatch(t, v.Type(), "")
	}
	if v.OverflowFloat(f) {
		return r.mismatch(t, v.Type(), noFit)
	}
	v.SetFloat(f)
	return nil
}

func decodeString(r *reader, t token, v reflect.Value) error {
	if t.kind == kindBin {
		return r.mismatch(t, v.Type(), "fetch a []byte")
	}
	if t.kind != kindStr {
		return r.mismatch(t, v.Type(), "")
	}
	s, err := r.string(t)
	if err == nil {
		v.SetString(s)
	}
	return err
}

// decodeTime takes a text too, for Python's datetime has no form in MessagePack, and its isoformat is RFC 3339.
func decodeTime(r *reader, t token, v reflect.Value) error {
	var at time.Time
	var err error
	switch {
	case t.kind == kindExt && t.ext == timestamp:
		if at, err = r.time(t); err != nil {
			return err
		}
	case t.kind == kindStr:
		if at, err = time.Parse(time.RFC3339Nano, string(r.take(t))); err != nil {
			return r.mismatch(t, v.Type(), "the text is no time in the form of RFC 3339")
		}
	default:
		return r.mismatch(t, v.Type(), "")
	}
	*v.Addr().Interface().(*time.Time) = at.UTC()
	return nil
}

func decodeInterface(r *reader, t token, v reflect.Value) error {
	switch {
	case v.NumMethod() == 0:
		value, err := r.any(t)
		if err == nil && value != nil {
			v.Set(reflect.ValueOf(value))
		}
		return err
	case v.Type() == errorType && t.kind == kindStr:
		text, err := r.string(t)
		if err == nil {
			v.Set(reflect.ValueOf(errors.New(text)))
		}
		return err
	}
	return r.mismatch(t, v.Type(), "of interfaces only any and error can receive a value")
}

func (b builder) decodeSlice(t reflect.Type) func(*reader, token, reflect.Value) error {
	if isBytes(t) {
		return func(r *reader, tok token, v reflect.Value) error {
			if tok.kind != kindBin && tok.kind != kindStr {
				return r.mismatch(tok, t, "")
			}
			v.SetBytes(append([]byte{}, r.take(tok)...))
			return nil
		}
	}
	element := b.plan(t.Elem())
	size := uint64(t.Elem().Size()) + 1
	return func(r *reader, tok token, v reflect.Value) error {
		if tok.kind != kindArray {
			return r.mismatch(tok, t, "")
		}
		if err := r.enter(); err != nil {
			return err
		}
		v.SetZero()
		if tok.n == 0 {
			v.Set(reflect.MakeSlice(t, 0, 0))
		}
		room := int(min(tok.n, maxRoom/size+1))
		v.Grow(room)
		v.SetLen(room)
		for i := range int(tok.n) {
			if i >= v.Len() {
				v.Grow(min(i, int(tok.n)-i))
				v.SetLen(min(v.Cap(), int(tok.n)))
			}
			next, err := r.next()
			if err != nil {
				return err
			}
			if err := element.read(r, next, v.Index(i)); err != nil {
				return err
			}
		}
		r.leave()
		return nil
	}
}

func (b builder) decodeArray(t reflect.Type) func(*reader, token, reflect.Value) error {
	if isBytes(t) {
		return func(r *reader, tok token, v reflect.Value) error {
			if tok.kind != kindBin && tok.kind != kindStr {
				return r.mismatch(tok, t, "")
			}
			if tok.n != uint64(t.Len()) {
				return r.mismatch(tok, t, "the length differs")
			}
			copy(v.Bytes(), r.take(tok))
			return nil
		}
	}
	element := b.plan(t.Elem())
	return func(r *reader, tok token, v reflect.Value) error {
		if tok.kind != kindArray {
			return r.mismatch(tok, t, "")
		}
		if tok.n != uint64(t.Len()) {
			return r.mismatch(tok, t, "the length differs")
		}
		if err := r.enter(); err != nil {
			return err
		}
		for i := range t.Len() {
			next, err := r.next()
			if err != nil {
				return err
			}
			if err := element.read(r, next, v.Index(i)); err != nil {
				return err
			}
		}
		r.leave()
		return nil
	}
}

func decodeStruct(t reflect.Type, s *structure) func(*reader, token, reflect.Value) error {
	return func(r *reader, tok token, v reflect.Value) error {
		if tok.kind != kindMap && (tok.kind != kindArray || !s.asArray) {
			return r.mismatch(tok, t, "")
		}
		if err := r.enter(); err != nil {
			return err
		}
		if tok.kind == kindArray {
			if tok.n != uint64(len(s.fields)) {
				return r.mismatch(tok, t, "the type has another number of fields")
			}
			for i := range s.fields {
				if err := s.fields[i].read(r, v); err != nil {
					return err
				}
			}
			r.leave()
			return nil
		}
		for range tok.n {
			key, err := r.next()
			if err != nil {
				return err
			}
			var f *field
			if key.kind == kindStr {
				f = s.byName[string(r.take(key))]
			} else if err := r.skip(key); err != nil {
				return err
			}
			if f == nil {
				err = r.skipNext()
			} else {
				err = f.read(r, v)
			}
			if err != nil {
				return err
			}
		}
		r.leave()
		return nil
	}
}

func (r *reader) skipNext() error {
	t, err := r.next()
	if err != nil {
		return err
	}
	return r.skip(t)
}

// read stores the next value in the field of the struct v.
func (f *field) read(r *reader, v reflect.Value) error {
	t, err := r.next()
	if err != nil {
		return err
	}
	value, ok := f.make(v)
	if !ok {
		return inField(f.name, r.mismatch(t, f.typ, "it lies behind an embedded pointer to a type that is not exported"))
	}
	if err := f.plan.read(r, t, value); err != nil {
		return inField(f.name, err)
	}
	return nil
}

// decoderByMethod returns how values of t read themselves, or nil.
func decoderByMethod(t reflect.Type) func(*reader, token, reflect.Value) error {
	custom, whole := has(t, customDecoder), has(t, unmarshaler)
	text, binary := has(t, textUnmarshaler), has(t, binaryUnmarshaler)
	if !custom && !whole && !text && !binary {
		return nil
	}
	return func(r *reader, tok token, v reflect.Value) error {
		methods := v.Addr().Interface()
		if custom || whole {
			// What it gets is known to be one value with true lengths: the library would allocate what a length says.
			if err := r.skip(tok); err != nil {
				return err
			}
			return r.refused(tok, t, readWhole(methods, r.data[tok.at:r.pos]))
		}
		if tok.kind != kindStr && tok.kind != kindBin {
			return r.mismatch(tok, t, "")
		}
		data := bytes.Clone(r.take(tok))
		if binary && (tok.kind == kindBin || !text) {
			return r.refused(tok, t, methods.(encoding.BinaryUnmarshaler).UnmarshalBinary(data))
		}
		return r.refused(tok, t, methods.(encoding.TextUnmarshaler).UnmarshalText(data))
	}
}

func readWhole(methods any, data []byte) error {
	custom, ok := methods.(msgpack.CustomDecoder)
	if !ok {
		return methods.(msgpack.Unmarshaler).UnmarshalMsgpack(bytes.Clone(data))
	}
	decoder := msgpack.GetDecoder()
	decoder.Reset(bytes.NewReader(data))
	decoder.SetCustomStructTag("json")
	err := custom.DecodeMsgpack(decoder)
	msgpack.PutDecoder(decoder)
	return err
}
