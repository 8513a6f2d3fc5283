package frame

import (
	"database/sql/driver"
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Types that are a column by what they say of themselves: as text, or as a value that may be null.

var (
	marshalerType = reflect.TypeFor[encoding.TextMarshaler]()
	valuerType    = reflect.TypeFor[driver.Valuer]()
)

// writesText reports whether a type, or a pointer to it, writes itself as text.
func writesText(t reflect.Type) bool {
	return t.Kind() != reflect.Interface && t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(marshalerType)
}

// mayBeNull reports whether a struct is a value and whether there is one, as those of database/sql are: their first field
// is the value.
func mayBeNull(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() == 2 && t.Field(1).Name == "Valid" && t.Field(1).Type.Kind() == reflect.Bool &&
		t.Field(0).IsExported() && reflect.PointerTo(t).Implements(valuerType)
}

// nullableKind is how a struct that may be null is a column.
func nullableKind(inner kind) kind {
	return kind{inner.typ, func(b array.Builder, v reflect.Value) error {
		if !v.Field(1).Bool() {
			b.AppendNull()
			return nil
		}
		return inner.append(b, v.Field(0))
	}}
}

// textOf is what a value writes of itself.
func textOf(v reflect.Value) (string, error) {
	if !writesText(v.Type()) {
		return v.String(), nil
	}
	text, err := v.Addr().Interface().(encoding.TextMarshaler).MarshalText()
	return string(text), err
}

func appendText(b array.Builder, v reflect.Value) error {
	if v.Kind() == reflect.Slice && v.IsNil() {
		b.AppendNull()
		return nil
	}
	text, err := textOf(v)
	if err == nil {
		b.(*array.StringBuilder).Append(text)
	}
	return err
}

// arrayKind is how an array is a column: one of bytes is a binary of a fixed size.
func arrayKind(n int, inner kind) kind {
	return kind{arrow.FixedSizeListOf(int32(n), inner.typ), func(b array.Builder, v reflect.Value) error {
		list := b.(*array.FixedSizeListBuilder)
		list.Append(true)
		for i := range v.Len() {
			if err := inner.append(list.ValueBuilder(), v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}}
}

func bytesKind(t reflect.Type) kind {
	return kind{&arrow.FixedSizeBinaryType{ByteWidth: t.Len()}, func(b array.Builder, v reflect.Value) error {
		blob := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(blob), v)
		b.(*array.FixedSizeBinaryBuilder).Append(blob)
		return nil
	}}
}

var (
	errLength  = errors.New("its length is not that of the field's type")
	errNoTexts = errors.New("the field's type has MarshalText and no UnmarshalText")
)

// A refusal is what a method of a type returned. It does not show it, for it may quote the value.
type refusal struct{ err error }

func (r *refusal) Error() string { return "UnmarshalText of the field's type refuses its text" }
func (r *refusal) Unwrap() error { return r.err }

// textSetter stores texts, and decimals as texts.
func textSetter(t reflect.Type, arr arrow.Array, mem memory.Allocator) set {
	var text func(i int) string
	switch arr := arr.(type) {
	case *array.String:
		text = arr.Value
	case *array.LargeString:
		text = arr.Value
	case *array.Decimal128:
		text = arr.ValueStr
	default:
		return nil
	}
	return func(i int, v reflect.Value) error {
		text := text(i)
		take(mem, int64(len(text)), 1)
		if unmarshaler, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
			if err := unmarshaler.UnmarshalText([]byte(text)); err != nil {
				return &refusal{err}
			}
			return nil
		}
		if t.Kind() != reflect.String || writesText(t) {
			return errNoTexts
		}
		v.SetString(strings.Clone(text))
		return nil
	}
}

// nullableSetter stores what may be null in a struct that says whether it is.
func nullableSetter(t reflect.Type, want arrow.DataType, arr arrow.Array, mem memory.Allocator) set {
	inner := setter(t.Field(0).Type, want, arr, mem)
	if inner == nil {
		return nil
	}
	return func(i int, v reflect.Value) error {
		v.SetZero()
		if nullAt(arr, i) {
			return nil
		}
		v.Field(1).SetBool(true)
		return inner(i, v.Field(0))
	}
}

// arraySetter stores lists, and bytes, of one length.
func arraySetter(t reflect.Type, want arrow.DataType, arr arrow.Array, mem memory.Allocator) set {
	if blobs, ok := arr.(interface{ Value(int) []byte }); ok && t.Elem().Kind() == reflect.Uint8 {
		return func(i int, v reflect.Value) error {
			if len(blobs.Value(i)) != v.Len() {
				return errLength
			}
			reflect.Copy(v, reflect.ValueOf(blobs.Value(i)))
			return nil
		}
	}
	lists, ok := arr.(array.ListLike)
	if !ok {
		return nil
	}
	inner := setter(t.Elem(), elementOf(want), lists.ListValues(), mem)
	if inner == nil {
		return nil
	}
	return func(i int, v reflect.Value) error {
		start, end := lists.ValueOffsets(i)
		if int(end-start) != v.Len() {
			return errLength
		}
		for k := range v.Len() {
			if problem := inner(int(start)+k, v.Index(k)); problem != nil {
				return problem
			}
		}
		return nil
	}
}

// elementOf is the type of a list's elements.
func elementOf(t arrow.DataType) arrow.DataType {
	if list, ok := t.(arrow.ListLikeType); ok {
		return list.Elem()
	}
	return t
}

// timeOfDayKind is how a duration since midnight is a column.
func timeOfDayKind(unit arrow.TimeUnit) kind {
	count := func(v reflect.Value) (int64, error) {
		if d := v.Int(); d < 0 || d >= int64(day) {
			return 0, fmt.Errorf("it is no time of day, which is less than 24 hours since midnight")
		}
		return v.Int() / int64(unit.Multiplier()), nil
	}
	if unit <= arrow.Millisecond {
		return kind{&arrow.Time32Type{Unit: unit}, func(b array.Builder, v reflect.Value) error {
			n, err := count(v)
			b.(*array.Time32Builder).Append(arrow.Time32(n))
			return err
		}}
	}
	return kind{&arrow.Time64Type{Unit: unit}, func(b array.Builder, v reflect.Value) error {
		n, err := count(v)
		b.(*array.Time64Builder).Append(arrow.Time64(n))
		return err
	}}
}
