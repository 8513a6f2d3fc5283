package msgpack

import (
	"encoding"
	"math"
	"reflect"
	"time"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/gin-cachette/cachette/encoders/internal/hidden"
	"github.com/gin-cachette/cachette/encoders/internal/null"
)

// writer collects the bytes of a value. It is also what the library's encoder writes to, for types that use it.
type writer struct {
	buf   []byte
	depth int // arrays and maps around what is written
	hops  int // pointers on the way to it
}

func (w *writer) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	return len(p), nil
}

func (w *writer) WriteByte(c byte) error {
	w.buf = append(w.buf, c)
	return nil
}

func (w *writer) enter() error {
	if w.depth++; w.depth > maxDepth {
		return &refusal{reason: "it nests deeper than 1024 levels, or contains itself"}
	}
	return nil
}

func (w *writer) leave() { w.depth-- }

func (w *writer) string(s string) error {
	if !utf8.ValidString(s) {
		return &refusal{reason: "it has a string that is not UTF-8, which MessagePack cannot hold: store bytes as []byte"}
	}
	if uint64(len(s)) > math.MaxUint32 {
		return errTooLong
	}
	w.buf = appendString(w.buf, s)
	return nil
}

func (w *writer) bytes(data []byte) error {
	if data == nil {
		w.buf = append(w.buf, codeNil)
		return nil
	}
	return w.binary(data)
}

func (w *writer) binary(data []byte) error {
	if uint64(len(data)) > math.MaxUint32 {
		return errTooLong
	}
	w.buf = append(appendLen(w.buf, len(data), codeBin8, codeBin16, codeBin32), data...)
	return nil
}

var errTooLong = &refusal{reason: "MessagePack has no form for what is longer than 4 GiB"}

// any writes a value. What is most often stored needs no reflection.
func (w *writer) any(value any) error {
	switch v := value.(type) {
	case nil:
		w.buf = append(w.buf, codeNil)
	case bool:
		w.buf = appendBool(w.buf, v)
	case string:
		return w.string(v)
	case []byte:
		return w.bytes(v)
	case int:
		w.buf = appendInt(w.buf, int64(v))
	case int64:
		w.buf = appendInt(w.buf, v)
	case uint64:
		w.buf = appendUint(w.buf, v)
	case float64:
		w.buf = appendFloat(w.buf, v)
	case time.Time:
		w.buf = appendTime(w.buf, v)
	case []any:
		return w.anys(v)
	case map[string]any:
		return w.stringAnys(v)
	default:
		v2 := reflect.ValueOf(value)
		return planOf(v2.Type()).encode(w, v2)
	}
	return nil
}

func (w *writer) anys(values []any) error {
	if values == nil {
		w.buf = append(w.buf, codeNil)
		return nil
	}
	if uint64(len(values)) > math.MaxUint32 {
		return errTooLong
	}
	if err := w.enter(); err != nil {
		return err
	}
	w.buf = appendArrayLen(w.buf, len(values))
	for _, value := range values {
		if err := w.any(value); err != nil {
			return err
		}
	}
	w.leave()
	return nil
}

// encoder returns how values of t are written. fields is set for structs.
func (b builder) encoder(t reflect.Type, fields *structure) func(*writer, reflect.Value) error {
	if t == timeType {
		return func(w *writer, v reflect.Value) error {
			if v.CanAddr() {
				w.buf = appendTime(w.buf, *v.Addr().Interface().(*time.Time)) // no copy to the heap
				return nil
			}
			w.buf = appendTime(w.buf, v.Interface().(time.Time))
			return nil
		}
	}
	if write := encoderByMethod(t); write != nil {
		return write
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(w *writer, v reflect.Value) error { w.buf = appendBool(w.buf, v.Bool()); return nil }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(w *writer, v reflect.Value) error { w.buf = appendInt(w.buf, v.Int()); return nil }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return func(w *writer, v reflect.Value) error { w.buf = appendUint(w.buf, v.Uint()); return nil }
	case reflect.Float32:
		return func(w *writer, v reflect.Value) error { w.buf = appendFloat32(w.buf, float32(v.Float())); return nil }
	case reflect.Float64:
		return func(w *writer, v reflect.Value) error { w.buf = appendFloat(w.buf, v.Float()); return nil }
	case reflect.String:
		return func(w *writer, v reflect.Value) error { return w.string(v.String()) }
	case reflect.Interface:
		return encodeInterface(t)
	case reflect.Pointer:
		return b.encodePointer(t)
	case reflect.Slice:
		return b.encodeSlice(t)
	case reflect.Array:
		return b.encodeArray(t)
	case reflect.Map:
		return b.encodeMap(t)
	case reflect.Struct:
		if hidden.Struct(t) {
			return func(*writer, reflect.Value) error { return &refusal{reason: hidden.Reason(t)} }
		}
		return encodeStruct(fields)
	}
	return func(*writer, reflect.Value) error {
		return &refusal{reason: "MessagePack has no form for " + t.String()}
	}
}

func encodeInterface(t reflect.Type) func(*writer, reflect.Value) error {
	return func(w *writer, v reflect.Value) error {
		if v.IsNil() {
			w.buf = append(w.buf, codeNil)
			return nil
		}
		if t == errorType {
			return w.string(v.Interface().(error).Error())
		}
		elem := v.Elem()
		return planOf(elem.Type()).encode(w, elem)
	}
}

// maxHops bounds how many pointers are followed, for one may lead to itself.
const maxHops = 4 * maxDepth

func (b builder) encodePointer(t reflect.Type) func(*writer, reflect.Value) error {
	to := b.plan(t.Elem())
	return func(w *writer, v reflect.Value) error {
		if v.IsNil() {
			w.buf = append(w.buf, codeNil)
			return nil
		}
		if w.hops++; w.hops > maxHops {
			return &refusal{reason: "it is a pointer that leads to itself"}
		}
		err := to.encode(w, v.Elem())
		w.hops--
		return err
	}
}

func (b builder) encodeSlice(t reflect.Type) func(*writer, reflect.Value) error {
	if isBytes(t) {
		return func(w *writer, v reflect.Value) error { return w.bytes(v.Bytes()) }
	}
	array := b.encodeElements(t)
	return func(w *writer, v reflect.Value) error {
		if v.IsNil() {
			w.buf = append(w.buf, codeNil)
			return nil
		}
		return array(w, v)
	}
}

func (b builder) encodeArray(t reflect.Type) func(*writer, reflect.Value) error {
	if !isBytes(t) {
		return b.encodeElements(t)
	}
	return func(w *writer, v reflect.Value) error { return w.binary(addressable(v).Bytes()) }
}

func (b builder) encodeElements(t reflect.Type) func(*writer, reflect.Value) error {
	element := b.plan(t.Elem())
	return func(w *writer, v reflect.Value) error {
		n := v.Len()
		if uint64(n) > math.MaxUint32 {
			return errTooLong
		}
		if err := w.enter(); err != nil {
			return err
		}
		w.buf = appendArrayLen(w.buf, n)
		for i := range n {
			if err := element.encode(w, v.Index(i)); err != nil {
				return err
			}
		}
		w.leave()
		return nil
	}
}

func encodeStruct(s *structure) func(*writer, reflect.Value) error {
	return func(w *writer, v reflect.Value) error {
		if err := w.enter(); err != nil {
			return err
		}
		var err error
		switch {
		case s.asArray:
			err = s.encodeAsArray(w, v)
		case s.omits:
			err = s.encodeSome(w, v)
		default:
			err = s.encodeAll(w, v)
		}
		w.leave()
		return err
	}
}

func (s *structure) encodeAll(w *writer, v reflect.Value) error {
	w.buf = appendMapLen(w.buf, len(s.fields))
	for i := range s.fields {
		f := &s.fields[i]
		w.buf = append(w.buf, f.key...)
		if err := f.plan.encode(w, v.Field(f.index[0])); err != nil {
			return err
		}
	}
	return nil
}

// encodeSome leaves out fields, which are counted first: how many there are stands before them.
func (s *structure) encodeSome(w *writer, v reflect.Value) error {
	var room [16]int
	written := room[:0]
	for i := range s.fields {
		f := &s.fields[i]
		if value, ok := f.get(v); ok && !f.omitted(value) {
			written = append(written, i)
		}
	}
	w.buf = appendMapLen(w.buf, len(written))
	for _, i := range written {
		f := &s.fields[i]
		w.buf = append(w.buf, f.key...)
		value, _ := f.get(v)
		if err := f.plan.encode(w, value); err != nil {
			return err
		}
	}
	return nil
}

func (s *structure) encodeAsArray(w *writer, v reflect.Value) error {
	w.buf = appendArrayLen(w.buf, len(s.fields))
	for i := range s.fields {
		f := &s.fields[i]
		value, ok := f.get(v)
		if !ok {
			w.buf = append(w.buf, codeNil)
			continue
		}
		if err := f.plan.encode(w, value); err != nil {
			return err
		}
	}
	return nil
}

// addressable returns v, or a copy of it that has an address: methods with a pointer receiver need one.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	self := reflect.New(v.Type()).Elem()
	self.Set(v)
	return self
}

// encoderByMethod returns how values of t write themselves, or nil.
func encoderByMethod(t reflect.Type) func(*writer, reflect.Value) error {
	var write func(w *writer, methods any) error
	switch {
	case has(t, customEncoder):
		write = writeCustom
	case has(t, marshaler):
		write = writeMarshaler
	case has(t, textMarshaler):
		write = func(w *writer, methods any) error {
			text, err := methods.(encoding.TextMarshaler).MarshalText()
			if err != nil {
				return err
			}
			return w.string(string(text))
		}
	case has(t, binaryMarshaler):
		write = func(w *writer, methods any) error {
			data, err := methods.(encoding.BinaryMarshaler).MarshalBinary()
			if err != nil {
				return err
			}
			return w.binary(data)
		}
	default:
		return nil
	}
	nullable := isNullable(t)
	nilable := t.Kind() == reflect.Map || t.Kind() == reflect.Slice || t.Kind() == reflect.Func || t.Kind() == reflect.Chan
	return func(w *writer, v reflect.Value) error {
		if nilable && v.IsNil() || nullable && null.Value(v) {
			w.buf = append(w.buf, codeNil)
			return nil
		}
		return write(w, addressable(v).Addr().Interface())
	}
}

// isNullable reports whether a value of t, which writes itself in another form than that of MessagePack, may be nil there.
func isNullable(t reflect.Type) bool {
	return !has(t, customEncoder) && !has(t, marshaler) && (has(t, textMarshaler) || has(t, binaryMarshaler)) && null.Type(t)
}

func writeCustom(w *writer, methods any) error {
	start := len(w.buf)
	encoder := msgpack.GetEncoder()
	encoder.Reset(w)
	encoder.SetCustomStructTag("json")
	encoder.SetSortMapKeys(true)
	encoder.UseCompactInts(true)
	err := methods.(msgpack.CustomEncoder).EncodeMsgpack(encoder)
	msgpack.PutEncoder(encoder)
	if err != nil {
		return err
	}
	return w.check(start)
}

func writeMarshaler(w *writer, methods any) error {
	data, err := methods.(msgpack.Marshaler).MarshalMsgpack()
	if err != nil {
		return err
	}
	start := len(w.buf)
	w.buf = append(w.buf, data...)
	return w.check(start)
}

// check holds what a type wrote itself, from start on, to one value: less or more would make all else unreadable.
func (w *writer) check(start int) error {
	r := reader{data: w.buf[start:], depth: w.depth}
	t, err := r.next()
	if err == nil {
		err = r.skip(t)
	}
	if err != nil {
		return err
	}
	if r.pos != len(r.data) {
		return errMore
	}
	return nil
}
