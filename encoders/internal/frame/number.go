package frame

import (
	"math"
	"reflect"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// A number is what a numeric column can give: the getter that its type has.
type number struct {
	signed   func(i int) int64
	unsigned func(i int) uint64
	float    func(i int) float64
}

func signed[T int8 | int16 | int32 | int64](value func(int) T) number {
	return number{signed: func(i int) int64 { return int64(value(i)) }}
}

func unsigned[T uint8 | uint16 | uint32 | uint64](value func(int) T) number {
	return number{unsigned: func(i int) uint64 { return uint64(value(i)) }}
}

func numbers(arr arrow.Array) (number, bool) {
	switch arr := arr.(type) {
	case *array.Int8:
		return signed(arr.Value), true
	case *array.Int16:
		return signed(arr.Value), true
	case *array.Int32:
		return signed(arr.Value), true
	case *array.Int64:
		return signed(arr.Value), true
	case *array.Uint8:
		return unsigned(arr.Value), true
	case *array.Uint16:
		return unsigned(arr.Value), true
	case *array.Uint32:
		return unsigned(arr.Value), true
	case *array.Uint64:
		return unsigned(arr.Value), true
	case *array.Float16:
		return number{float: func(i int) float64 { return float64(arr.Value(i).Float32()) }}, true
	case *array.Float32:
		return number{float: func(i int) float64 { return float64(arr.Value(i)) }}, true
	case *array.Float64:
		return number{float: func(i int) float64 { return arr.Value(i) }}, true
	}
	return number{}, false
}

// intSetter takes whole floats too: pandas makes floats of integers that stand beside nulls.
func intSetter(arr arrow.Array) set {
	n, ok := numbers(arr)
	if !ok {
		return nil
	}
	return func(i int, v reflect.Value) error {
		var x int64
		switch {
		case n.signed != nil:
			x = n.signed(i)
		case n.unsigned != nil:
			u := n.unsigned(i)
			if u > math.MaxInt64 {
				return errTooLarge
			}
			x = int64(u)
		default:
			f := n.float(i)
			if f != math.Trunc(f) || f < -1<<63 || f >= 1<<63 {
				return errNotWhole
			}
			x = int64(f)
		}
		if v.OverflowInt(x) {
			return errTooLarge
		}
		v.SetInt(x)
		return nil
	}
}

func uintSetter(arr arrow.Array) set {
	n, ok := numbers(arr)
	if !ok {
		return nil
	}
	return func(i int, v reflect.Value) error {
		var x uint64
		switch {
		case n.unsigned != nil:
			x = n.unsigned(i)
		case n.signed != nil:
			s := n.signed(i)
			if s < 0 {
				return errTooLarge
			}
			x = uint64(s)
		default:
			f := n.float(i)
			if f != math.Trunc(f) || f < 0 || f >= 1<<64 {
				return errNotWhole
			}
			x = uint64(f)
		}
		if v.OverflowUint(x) {
			return errTooLarge
		}
		v.SetUint(x)
		return nil
	}
}

// floatSetter takes integers too, where the float holds them exactly.
func floatSetter(t reflect.Type, arr arrow.Array) set {
	n, ok := numbers(arr)
	if !ok {
		return nil
	}
	narrow := t.Kind() == reflect.Float32
	return func(i int, v reflect.Value) error {
		var f float64
		exact := true
		switch {
		case n.float != nil:
			f = n.float(i)
		case n.signed != nil:
			x := n.signed(i)
			f = float64(x)
			exact = f < 1<<63 && int64(f) == x
		default:
			x := n.unsigned(i)
			f = float64(x)
			exact = f < 1<<64 && uint64(f) == x
		}
		if narrow && f == f && float64(float32(f)) != f {
			exact = false
		}
		if !exact {
			return errNotExact
		}
		v.SetFloat(f)
		return nil
	}
}
