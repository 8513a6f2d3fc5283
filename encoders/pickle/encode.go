package pickle

import (
	"encoding"
	"fmt"
	"math/big"
	"reflect"
	"time"

	"github.com/gin-cachette/cachette/encoders/internal/null"
)

// reflected writes a value by its type.
func (w *writer) reflected(v reflect.Value) error {
	for hops := 0; v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface; hops++ {
		if v.IsNil() {
			w.buf = append(w.buf, opNone)
			return nil
		}
		if hops > maxDepth {
			return unfitf("it is a pointer to itself")
		}
		v = v.Elem()
	}
	info := infoOf(v.Type())
	switch info.class {
	case classTime:
		return w.time(v.Interface().(time.Time))
	case classDate:
		return w.date(v.Interface().(Date))
	case classLocal:
		return w.local(v.Interface().(LocalTime))
	case classDecimal:
		return w.decimal(Decimal(v.String()))
	case classTimeOfDay:
		return w.timeOfDay(v.Interface().(TimeOfDay))
	case classTimeDelta:
		return w.delta(v.Interface().(TimeDelta))
	case classUUID:
		return w.uuid(v.Interface().(UUID))
	case classBigInt:
		return w.bigInt(addressable(v).Addr().Interface().(*big.Int))
	}
	switch {
	case info.nullable && null.Value(v):
		w.buf = append(w.buf, opNone)
		return nil
	case info.marshals:
		return w.marshaled(v)
	}
	switch info.class {
	case classTuple:
		return w.sequence(v, true)
	case classSet:
		return w.set(v, opEmptySet)
	case classFrozenSet:
		return w.set(v, opFrozenSet)
	case classDict:
		return w.dict(v.Interface().(Dict))
	case classMapSet:
		return w.mapSet(v)
	case classBytes:
		w.bytes(v.Bytes())
		return nil
	case classBytesArray:
		w.bytes(addressable(v).Bytes())
		return nil
	}
	return w.byKind(v, info)
}

func (w *writer) byKind(v reflect.Value, info *typeInfo) error {
	switch v.Kind() {
	case reflect.Bool:
		w.bool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		w.buf = appendInt(w.buf, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		w.uint(v.Uint())
	case reflect.Float32, reflect.Float64:
		w.float(v.Float())
	case reflect.String:
		return w.text(v.String())
	case reflect.Slice:
		return w.sequence(v, false)
	case reflect.Array:
		// Python has no key that is a list; a Go array is one that does not change either.
		return w.sequence(v, w.hashed > 0)
	case reflect.Map:
		return w.goMap(v)
	case reflect.Struct:
		return w.object(v, info)
	default:
		return unfitf("pickle has no form for %s", v.Type())
	}
	return nil
}

// addressable returns v, or a copy of it that has an address.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	fresh := reflect.New(v.Type()).Elem()
	fresh.Set(v)
	return fresh
}

// marshaled writes what the type's own MarshalText returns as a str.
func (w *writer) marshaled(v reflect.Value) error {
	if (v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.IsNil() {
		w.buf = append(w.buf, opNone)
		return nil
	}
	marshaler, ok := v.Interface().(encoding.TextMarshaler)
	if !ok { // the method is the pointer's
		marshaler = addressable(v).Addr().Interface().(encoding.TextMarshaler)
	}
	text, err := marshaler.MarshalText()
	if err != nil {
		return fmt.Errorf("MarshalText of %s: %w", v.Type(), err)
	}
	return w.text(string(text))
}

// list writes what sequence does, without reflection.
func (w *writer) list(items []any) error {
	if items == nil {
		w.buf = append(w.buf, opNone)
		return nil
	}
	if err := w.hashable("list", "pickle.Tuple"); err != nil {
		return err
	}
	if err := w.enter(); err != nil {
		return err
	}
	defer w.leave()
	w.buf = append(w.buf, opEmptyList)
	if len(items) == 0 {
		return nil
	}
	w.buf = append(w.buf, opMark)
	for i, item := range items {
		if err := w.value(item); err != nil {
			return within(fmt.Sprintf("[%d]", i), err)
		}
	}
	w.buf = append(w.buf, opAppends)
	return nil
}

// sequence writes a list or a tuple.
func (w *writer) sequence(v reflect.Value, tuple bool) error {
	if v.Kind() == reflect.Slice && v.IsNil() {
		w.buf = append(w.buf, opNone)
		return nil
	}
	if err := w.enter(); err != nil {
		return err
	}
	defer w.leave()
	n := v.Len()
	if !tuple {
		if err := w.hashable("list", "pickle.Tuple"); err != nil {
			return err
		}
		w.buf = append(w.buf, opEmptyList)
	}
	switch {
	case n == 0 && tuple:
		w.buf = append(w.buf, opEmptyTuple)
		return nil
	case n == 0:
		return nil
	case !tuple || n > 3:
		w.buf = append(w.buf, opMark)
	}
	for i := range n {
		if err := w.reflected(v.Index(i)); err != nil {
			return within(fmt.Sprintf("[%d]", i), err)
		}
	}
	switch {
	case !tuple:
		w.buf = append(w.buf, opAppends)
	case n > 3:
		w.buf = append(w.buf, opTuple)
	default:
		w.buf = append(w.buf, opTuple1-1+byte(n))
	}
	return nil
}

// object writes a struct as a dict.
func (w *writer) object(v reflect.Value, info *typeInfo) error {
	if len(info.fields) == 0 && v.NumField() > 0 {
		return unfitf("%s has no exported fields, so that nothing of it would be stored", v.Type())
	}
	if err := w.hashable("dict", "pickle.Tuple"); err != nil {
		return err
	}
	if err := w.enter(); err != nil {
		return err
	}
	defer w.leave()
	w.buf = append(w.buf, opEmptyDict, opMark)
	start := len(w.buf)
	for i := range info.fields {
		f := &info.fields[i]
		value, ok := inStruct(v, f.index)
		if !ok || (f.omitEmpty || f.omitZero) && f.absent(value) {
			continue
		}
		w.buf = append(w.buf, f.key...)
		if err := w.reflected(value); err != nil {
			return within("."+f.name, err)
		}
	}
	if len(w.buf) == start {
		w.buf = w.buf[:start-1] // the mark
		return nil
	}
	w.buf = append(w.buf, opSetItems)
	return nil
}

// inStruct returns a field. It reports false for one of an embedded pointer that is nil.
func inStruct(v reflect.Value, index []int) (reflect.Value, bool) {
	for i, x := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v, true
}
