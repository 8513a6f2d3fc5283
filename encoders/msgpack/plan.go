package msgpack

import (
	"encoding"
	"reflect"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// plan is how values of a type are written and read. What it costs to find out is paid once for each type.
type plan struct {
	encode func(w *writer, v reflect.Value) error

	// decode stores in v, which is zero and can be set, the value that t begins. That is not nil: see read.
	decode func(r *reader, t token, v reflect.Value) error
}

// read stores in v what t begins. Nil is the zero of every type.
func (p *plan) read(r *reader, t token, v reflect.Value) error {
	if t.kind == kindNil {
		v.SetZero()
		return nil
	}
	return p.decode(r, t, v)
}

var plans sync.Map // from reflect.Type to *plan

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	made := builder{}
	p := made.plan(t)
	for t, p := range made { // only now are they all complete, for types refer to each other
		plans.LoadOrStore(t, p)
	}
	return p
}

// builder holds the plans that are being made, so that a type that contains itself ends.
type builder map[reflect.Type]*plan

func (b builder) plan(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	if p, ok := b[t]; ok {
		return p
	}
	p := &plan{}
	b[t] = p

	var fields *structure
	if t.Kind() == reflect.Struct && t != timeType {
		fields = b.structure(t)
	}
	p.encode = b.encoder(t, fields)
	p.decode = b.decoder(t, fields)
	return p
}

var (
	timeType   = reflect.TypeFor[time.Time]()
	anyType    = reflect.TypeFor[any]()
	errorType  = reflect.TypeFor[error]()
	zeroerType = reflect.TypeFor[zeroer]()

	customEncoder     = reflect.TypeFor[msgpack.CustomEncoder]()
	marshaler         = reflect.TypeFor[msgpack.Marshaler]()
	textMarshaler     = reflect.TypeFor[encoding.TextMarshaler]()
	binaryMarshaler   = reflect.TypeFor[encoding.BinaryMarshaler]()
	customDecoder     = reflect.TypeFor[msgpack.CustomDecoder]()
	unmarshaler       = reflect.TypeFor[msgpack.Unmarshaler]()
	textUnmarshaler   = reflect.TypeFor[encoding.TextUnmarshaler]()
	binaryUnmarshaler = reflect.TypeFor[encoding.BinaryUnmarshaler]()
)

// has reports whether t, or a pointer to it, has the methods of an interface. A pointer and an interface have none of
// their own: what they lead to is asked.
func has(t, methods reflect.Type) bool {
	return t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(methods)
}

// writesItself reports whether methods of t say how it is written, so that its fields do not.
func writesItself(t reflect.Type) bool {
	if t == timeType {
		return true
	}
	for _, methods := range []reflect.Type{customEncoder, marshaler, textMarshaler, binaryMarshaler} {
		if has(t, methods) {
			return true
		}
	}
	return false
}

// isBytes reports whether t, a slice or an array, is written as binary data.
func isBytes(t reflect.Type) bool {
	return t.Elem().Kind() == reflect.Uint8 && !writesItself(t.Elem())
}

// structure is what there is to know about a struct.
type structure struct {
	fields  []field
	byName  map[string]*field
	asArray bool
	omits   bool // a field may be left out
}

func (b builder) structure(t reflect.Type) *structure {
	s := &structure{byName: map[string]*field{}}
	s.fields, s.asArray = fieldsOf(t)
	for i := range s.fields {
		f := &s.fields[i]
		f.key = appendString(nil, f.name)
		f.plan = b.plan(f.typ)
		s.omits = s.omits || f.omitEmpty || f.omitZero || len(f.index) > 1
		s.byName[f.name] = f
	}
	for i := range s.fields {
		f := &s.fields[i]
		if _, taken := s.byName[f.alias]; f.alias != "" && !taken {
			s.byName[f.alias] = f
		}
	}
	return s
}
