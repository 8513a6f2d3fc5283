package frame

import (
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// A set stores the i-th value of an array in v. It returns what stands in the way, or nothing.
type set func(i int, v reflect.Value) (problem string)

const (
	isNull    = "it is null, and the field is neither a pointer nor a slice"
	tooLarge  = "its value does not fit into the field's type"
	notWhole  = "its value is not a whole number, or too large for the field's type"
	notExact  = "its value loses digits in the field's type"
	notMoment = "its value is beyond the range of time.Time"
)

// setter finds how an array's values get into a Go type, or nil where they do not. want is the column type that the
// field itself would have.
func setter(t reflect.Type, want arrow.DataType, arr arrow.Array, mem memory.Allocator) set {
	if t.Kind() == reflect.Pointer {
		return pointerSetter(t, want, arr, mem)
	}
	if dictionary, ok := arr.(*array.Dictionary); ok {
		inner := setter(t, want, dictionary.Dictionary(), mem)
		if inner == nil {
			return nil
		}
		return nullable(t, arr, func(i int, v reflect.Value) string { return inner(dictionary.GetValueIndex(i), v) })
	}
	if arr.DataType().ID() == arrow.NULL {
		return nullable(t, arr, func(int, reflect.Value) string { return isNull })
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
	return func(i int, v reflect.Value) string {
		if nullAt(arr, i) {
			v.SetZero()
			return ""
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
		return func(i int, v reflect.Value) string {
			if nullAt(arr, i) {
				v.SetZero()
				return ""
			}
			return s(i, v)
		}
	case reflect.Float32, reflect.Float64:
		return func(i int, v reflect.Value) string {
			if nullAt(arr, i) {
				v.SetFloat(math.NaN())
				return ""
			}
			return s(i, v)
		}
	}
	return func(i int, v reflect.Value) string {
		if nullAt(arr, i) {
			return isNull
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
	switch t.Kind() {
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return bytesSetter(arr, mem)
		}
		return listSetter(t, want, arr, mem)
	case reflect.Bool:
		if bools, ok := arr.(*array.Boolean); ok {
			return func(i int, v reflect.Value) string { v.SetBool(bools.Value(i)); return "" }
		}
	case reflect.String:
		if texts, ok := arr.(interface{ Value(int) string }); ok && isText(arr) {
			return func(i int, v reflect.Value) string {
				text := texts.Value(i)
				take(mem, int64(len(text)), 1)
				v.SetString(strings.Clone(text))
				return ""
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
	return func(i int, v reflect.Value) string {
		blob := blobs.Value(i)
		take(mem, int64(len(blob)), 1)
		v.SetBytes(append([]byte{}, blob...)) // not nil, which is null
		return ""
	}
}

func listSetter(t reflect.Type, want arrow.DataType, arr arrow.Array, mem memory.Allocator) set {
	lists, ok := arr.(array.ListLike)
	if !ok {
		return nil
	}
	element := want
	if list, ok := want.(*arrow.ListType); ok {
		element = list.Elem()
	}
	inner := setter(t.Elem(), element, lists.ListValues(), mem)
	if inner == nil {
		return nil
	}
	return func(i int, v reflect.Value) string {
		start, end := lists.ValueOffsets(i)
		n := int(end - start)
		take(mem, int64(n), int64(max(t.Elem().Size(), 1)))
		values := reflect.MakeSlice(t, n, n)
		for k := range n {
			if problem := inner(int(start)+k, values.Index(k)); problem != "" {
				return problem
			}
		}
		v.Set(values)
		return ""
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
		return func(i int, v reflect.Value) string {
			n := int64(arr.Value(i))
			seconds := floorDiv(n, perSecond)
			return setTime(v, time.Unix(seconds, (n-seconds*perSecond)*int64(typ.Unit.Multiplier())).In(zone))
		}
	case *array.Date32:
		return func(i int, v reflect.Value) string {
			return setTime(v, time.Unix(int64(arr.Value(i))*86400, 0).UTC())
		}
	case *array.Date64:
		return func(i int, v reflect.Value) string { return setTime(v, time.UnixMilli(int64(arr.Value(i))).UTC()) }
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
func setTime(v reflect.Value, t time.Time) string {
	if seconds := t.Unix(); seconds > 1<<62 || seconds < -1<<62 {
		return notMoment
	}
	v.Set(reflect.ValueOf(t))
	return ""
}

func durationSetter(arr arrow.Array) set {
	durations, ok := arr.(*array.Duration)
	if !ok {
		return nil
	}
	unit := int64(durations.DataType().(*arrow.DurationType).Unit.Multiplier())
	return func(i int, v reflect.Value) string {
		n := int64(durations.Value(i))
		if n > math.MaxInt64/unit || n < math.MinInt64/unit {
			return tooLarge
		}
		v.SetInt(n * unit)
		return ""
	}
}

func decimalSetter(want arrow.DataType, arr arrow.Array) set {
	typ, ok := want.(*arrow.Decimal128Type)
	decimals, isDecimal := arr.(*array.Decimal128)
	if !ok || !isDecimal {
		return nil
	}
	scale := decimals.DataType().(*arrow.Decimal128Type).Scale
	return func(i int, v reflect.Value) string {
		n := decimals.Value(i)
		if scale != typ.Scale {
			var err error
			if n, err = n.Rescale(scale, typ.Scale); err != nil {
				return notExact
			}
		}
		if !n.FitsInPrecision(typ.Precision) {
			return tooLarge
		}
		v.Set(reflect.ValueOf(n))
		return ""
	}
}
