package frame

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// A set stores the i-th value of an array in v. It returns what stands in the way, or nil.
type set func(i int, v reflect.Value) (problem error)

var (
	errNull      = errors.New("it is null, and the field is neither a pointer nor a slice, nor another type that may be null")
	errTooLarge  = errors.New("its value does not fit into the field's type")
	errNotWhole  = errors.New("its value is not a whole number, or too large for the field's type")
	errNotExact  = errors.New("its value loses digits in the field's type")
	errNotMoment = errors.New("its value is beyond the range of time.Time")
)

// setter finds how an array's values get into a Go type, or nil where they do not. want is the column type that the
// field itself would have.
func setter(t reflect.Type, want arrow.DataType, arr arrow.Array, mem memory.Allocator) set {
	switch {
	case t.Kind() == reflect.Pointer:
		return pointerSetter(t, want, arr, mem)
	case mayBeNull(t):
		return nullableSetter(t, want, arr, mem)
	}
	if dictionary, ok := arr.(*array.Dictionary); ok {
		inner := setter(t, want, dictionary.Dictionary(), mem)
		if inner == nil {
			return nil
		}
		return nullable(t, arr, func(i int, v reflect.Value) error { return inner(dictionary.GetValueIndex(i), v) })
	}
	if arr.DataType().ID() == arrow.NULL {
		return nullable(t, arr, func(int, reflect.Value) error { return errNull })
	}
	if s := valueSetter(t, want, arr, mem); s != nil {
		return nullable(t, arr, s)
	}
	return nil
}

func pointerSetter(t reflect.Type, want arrow.DataType, arr arrow.Array, mem memory.Allocator) set {
	inner := setter(t.Elem(), want, arr, mem)
	if inner == nil {
		return nil
	}
	return func(i int, v reflect.Value) error {
		if nullAt(arr, i) {
			v.SetZero()
			return nil
		}
		take(mem, 1, int64(max(t.Elem().Size(), 8)))
		p := reflect.New(t.Elem())
		problem := inner(i, p.Elem())
		v.Set(p)
		return problem
	}
}

// nullAt reports whether a value is null: itself, or as the null that a dictionary has among its values.
func nullAt(arr arrow.Array, i int) bool {
	if arr.DataType().ID() == arrow.NULL || arr.IsNull(i) {
		return true
	}
	if dictionary, ok := arr.(*array.Dictionary); ok {
		return nullAt(dictionary.Dictionary(), dictionary.GetValueIndex(i))
	}
	return false
}

// nullable handles the nulls. A float becomes NaN, for pandas has one value for both.
func nullable(t reflect.Type, arr arrow.Array, s set) set {
	switch t.Kind() {
	case reflect.Slice:
		return func(i int, v reflect.Value) error {
			if nullAt(arr, i) {
				v.SetZero()
				return nil
			}
			return s(i, v)
		}
	case reflect.Float32, reflect.Float64:
		return func(i int, v reflect.Value) error {
			if nullAt(arr, i) {
				v.SetFloat(math.NaN())
				return nil
			}
			return s(i, v)
		}
	}
	return func(i int, v reflect.Value) error {
		if nullAt(arr, i) {
			return errNull
		}
		return s(i, v)
	}
}

func valueSetter(t reflect.Type, want arrow.DataType, arr arrow.Array, mem memory.Allocator) set {
	switch t {
	case timeType:
		return timeSetter(arr)
	case durationType:
		return durationSetter(arr)
	case decimalType:
		return decimalSetter(want, arr)
	}
	if writesText(t) {
		if s := textSetter(t, arr, mem); s != nil {
			return s
		}
	}
	switch t.Kind() {
	case reflect.Slice:
		if isByte(t.Elem()) {
			return bytesSetter(arr, mem)
		}
		return listSetter(t, want, arr, mem)
	case reflect.Array:
		return arraySetter(t, want, arr, mem)
	case reflect.Bool:
		if bools, ok := arr.(*array.Boolean); ok {
			return func(i int, v reflect.Value) error { v.SetBool(bools.Value(i)); return nil }
		}
	case reflect.String:
		if texts, ok := arr.(interface{ Value(int) string }); ok && isText(arr) {
			return func(i int, v reflect.Value) error {
				text := texts.Value(i)
				take(mem, int64(len(text)), 1)
				v.SetString(strings.Clone(text))
				return nil
			}
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return intSetter(arr)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return uintSetter(arr)
	case reflect.Float32, reflect.Float64:
		return floatSetter(t, arr)
	}
	return nil
}

func isText(arr arrow.Array) bool {
	id := arr.DataType().ID()
	return id == arrow.STRING || id == arrow.LARGE_STRING
}

func bytesSetter(arr arrow.Array, mem memory.Allocator) set {
	blobs, ok := arr.(interface{ Value(int) []byte })
	if !ok {
		return nil
	}
	return func(i int, v reflect.Value) error {
		blob := blobs.Value(i)
		take(mem, int64(len(blob)), 1)
		v.SetBytes(append([]byte{}, blob...)) // not nil, which is null
		return nil
	}
}

func listSetter(t reflect.Type, want arrow.DataType, arr arrow.Array, mem memory.Allocator) set {
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
		n := int(end - start)
		take(mem, int64(n), int64(max(t.Elem().Size(), 1)))
		values := reflect.MakeSlice(t, n, n)
		for k := range n {
			if problem := inner(int(start)+k, values.Index(k)); problem != nil {
				return problem
			}
		}
		v.Set(values)
		return nil
	}
}

func timeSetter(arr arrow.Array) set {
	switch arr := arr.(type) {
	case *array.Timestamp:
		typ := arr.DataType().(*arrow.TimestampType)
		zone, err := typ.GetZone()
		if err != nil {
			zone = time.UTC
		}
		perSecond := int64(time.Second / typ.Unit.Multiplier())
		return func(i int, v reflect.Value) error {
			n := int64(arr.Value(i))
			seconds := floorDiv(n, perSecond)
			return setTime(v, time.Unix(seconds, (n-seconds*perSecond)*int64(typ.Unit.Multiplier())).In(zone))
		}
	case *array.Date32:
		return func(i int, v reflect.Value) error {
			return setTime(v, time.Unix(int64(arr.Value(i))*86400, 0).UTC())
		}
	case *array.Date64:
		return func(i int, v reflect.Value) error { return setTime(v, time.UnixMilli(int64(arr.Value(i))).UTC()) }
	}
	return nil
}

func floorDiv(n, by int64) int64 {
	q := n / by
	if n%by < 0 {
		q--
	}
	return q
}

// setTime refuses what is so far away that the arithmetic of time.Time overflows.
func setTime(v reflect.Value, t time.Time) error {
	if seconds := t.Unix(); seconds > 1<<62 || seconds < -1<<62 {
		return errNotMoment
	}
	v.Set(reflect.ValueOf(t))
	return nil
}

// durationSetter takes times of day too, as the time since midnight.
func durationSetter(arr arrow.Array) set {
	switch arr := arr.(type) {
	case *array.Duration:
		return countSetter(arr.Value, arr.DataType().(*arrow.DurationType).Unit)
	case *array.Time32:
		return countSetter(arr.Value, arr.DataType().(*arrow.Time32Type).Unit)
	case *array.Time64:
		return countSetter(arr.Value, arr.DataType().(*arrow.Time64Type).Unit)
	}
	return nil
}

func countSetter[T ~int32 | ~int64](value func(int) T, in arrow.TimeUnit) set {
	unit := int64(in.Multiplier())
	return func(i int, v reflect.Value) error {
		n := int64(value(i))
		if n > math.MaxInt64/unit || n < math.MinInt64/unit {
			return errTooLarge
		}
		v.SetInt(n * unit)
		return nil
	}
}

func decimalSetter(want arrow.DataType, arr arrow.Array) set {
	typ, ok := want.(*arrow.Decimal128Type)
	decimals, isDecimal := arr.(*array.Decimal128)
	if !ok || !isDecimal {
		return nil
	}
	scale := decimals.DataType().(*arrow.Decimal128Type).Scale
	return func(i int, v reflect.Value) error {
		n := decimals.Value(i)
		if scale != typ.Scale {
			var err error
			if n, err = n.Rescale(scale, typ.Scale); err != nil {
				return errNotExact
			}
		}
		if !n.FitsInPrecision(typ.Precision) {
			return errTooLarge
		}
		v.Set(reflect.ValueOf(n))
		return nil
	}
}
