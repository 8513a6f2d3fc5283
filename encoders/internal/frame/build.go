package frame

import (
	"fmt"
	"reflect"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// An appender adds a Go value to a column that is being built.
type appender func(b array.Builder, v reflect.Value) error

// A kind is how a Go type is a column.
type kind struct {
	typ    arrow.DataType
	append appender
}

// kindOf finds the column type of a field's type.
func kindOf(t reflect.Type, o options) (kind, error) {
	if err := o.check(t); err != nil {
		return kind{}, err
	}
	return kindWithin(t, o, 0)
}

func kindWithin(t reflect.Type, o options, depth int) (kind, error) {
	switch {
	case depth > maxNesting:
		return kind{}, fmt.Errorf("its type is nested too deeply")
	case t == timeType:
		return timeKind(o), nil
	case t == durationType && o.timeOfDay:
		return timeOfDayKind(o.unitOr(arrow.Microsecond)), nil
	case t == durationType:
		return durationKind(o.unitOr(arrow.Nanosecond)), nil
	case t == decimalType:
		return decimalKind(o.decimal), nil
	case mayBeNull(t):
		return wrapped(t.Field(0).Type, o, depth, nullableKind)
	case writesText(t) && o.dictionary:
		return dictionaryKind, nil
	case writesText(t):
		return kind{arrow.BinaryTypes.String, appendText}, nil
	case t.Kind() == reflect.Pointer && !isNilable(t.Elem()):
		return wrapped(t.Elem(), o, depth, pointerKind)
	case t.Kind() == reflect.Slice && isByte(t.Elem()):
		return kind{arrow.BinaryTypes.Binary, appendBytes}, nil
	case t.Kind() == reflect.Slice:
		return wrapped(t.Elem(), o, depth, listKind)
	case t.Kind() == reflect.Array && t.Len() > 0 && isByte(t.Elem()):
		return bytesKind(t), nil
	case t.Kind() == reflect.Array && t.Len() > 0:
		return wrapped(t.Elem(), o, depth, func(inner kind) kind { return arrayKind(t.Len(), inner) })
	}
	if simple, ok := simpleKinds[t.Kind()]; ok {
		if o.dictionary {
			return dictionaryKind, nil
		}
		return simple, nil
	}
	return kind{}, fmt.Errorf("there is no column type for %s", t)
}

// wrapped is the kind of a type that has values of another one.
func wrapped(t reflect.Type, o options, depth int, wrap func(inner kind) kind) (kind, error) {
	inner, err := kindWithin(t, o, depth+1)
	if err != nil {
		return kind{}, err
	}
	return wrap(inner), nil
}

func pointerKind(inner kind) kind {
	return kind{inner.typ, func(b array.Builder, v reflect.Value) error {
		if v.IsNil() {
			b.AppendNull()
			return nil
		}
		return inner.append(b, v.Elem())
	}}
}

func isByte(t reflect.Type) bool { return t.Kind() == reflect.Uint8 && !writesText(t) }

// isNilable reports whether a type has a value for null, so that a pointer to it would have two.
func isNilable(t reflect.Type) bool { return t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice }

var simpleKinds = map[reflect.Kind]kind{
	reflect.Bool: {arrow.FixedWidthTypes.Boolean, func(b array.Builder, v reflect.Value) error {
		b.(*array.BooleanBuilder).Append(v.Bool())
		return nil
	}},
	reflect.String: {arrow.BinaryTypes.String, func(b array.Builder, v reflect.Value) error {
		b.(*array.StringBuilder).Append(v.String())
		return nil
	}},
	reflect.Int:     {arrow.PrimitiveTypes.Int64, appendInt64},
	reflect.Int64:   {arrow.PrimitiveTypes.Int64, appendInt64},
	reflect.Uint:    {arrow.PrimitiveTypes.Uint64, appendUint64},
	reflect.Uint64:  {arrow.PrimitiveTypes.Uint64, appendUint64},
	reflect.Int8:    intKind(arrow.PrimitiveTypes.Int8, (*array.Int8Builder).Append),
	reflect.Int16:   intKind(arrow.PrimitiveTypes.Int16, (*array.Int16Builder).Append),
	reflect.Int32:   intKind(arrow.PrimitiveTypes.Int32, (*array.Int32Builder).Append),
	reflect.Uint8:   uintKind(arrow.PrimitiveTypes.Uint8, (*array.Uint8Builder).Append),
	reflect.Uint16:  uintKind(arrow.PrimitiveTypes.Uint16, (*array.Uint16Builder).Append),
	reflect.Uint32:  uintKind(arrow.PrimitiveTypes.Uint32, (*array.Uint32Builder).Append),
	reflect.Float32: floatKind(arrow.PrimitiveTypes.Float32, (*array.Float32Builder).Append),
	reflect.Float64: floatKind(arrow.PrimitiveTypes.Float64, (*array.Float64Builder).Append),
}

func appendInt64(b array.Builder, v reflect.Value) error {
	b.(*array.Int64Builder).Append(v.Int())
	return nil
}

func appendUint64(b array.Builder, v reflect.Value) error {
	b.(*array.Uint64Builder).Append(v.Uint())
	return nil
}

func intKind[B array.Builder, T int8 | int16 | int32](typ arrow.DataType, add func(B, T)) kind {
	return kind{typ, func(b array.Builder, v reflect.Value) error {
		add(b.(B), T(v.Int()))
		return nil
	}}
}

func uintKind[B array.Builder, T uint8 | uint16 | uint32](typ arrow.DataType, add func(B, T)) kind {
	return kind{typ, func(b array.Builder, v reflect.Value) error {
		add(b.(B), T(v.Uint()))
		return nil
	}}
}

func floatKind[B array.Builder, T float32 | float64](typ arrow.DataType, add func(B, T)) kind {
	return kind{typ, func(b array.Builder, v reflect.Value) error {
		add(b.(B), T(v.Float()))
		return nil
	}}
}

// appendBytes: a nil slice is null, an empty one is not.
func appendBytes(b array.Builder, v reflect.Value) error {
	if v.IsNil() {
		b.AppendNull()
		return nil
	}
	b.(*array.BinaryBuilder).Append(v.Bytes())
	return nil
}

var dictionaryKind = kind{
	&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String},
	func(b array.Builder, v reflect.Value) error {
		text, err := textOf(v)
		if err != nil {
			return err
		}
		return b.(*array.BinaryDictionaryBuilder).AppendString(text)
	},
}

func listKind(inner kind) kind {
	return kind{arrow.ListOf(inner.typ), func(b array.Builder, v reflect.Value) error {
		if v.IsNil() {
			b.AppendNull()
			return nil
		}
		list := b.(*array.ListBuilder)
		list.Append(true)
		values := list.ValueBuilder()
		for i := range v.Len() {
			if err := inner.append(values, v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}}
}

// timeKind: pandas has microseconds where nothing else is asked for, and so has this.
func timeKind(o options) kind {
	if o.date {
		return kind{arrow.FixedWidthTypes.Date32, func(b array.Builder, v reflect.Value) error {
			t := v.Interface().(time.Time)
			date := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
			days := date.Unix() / 86400 // exact: a midnight in UTC
			if int64(int32(days)) != days {
				return fmt.Errorf("its year is beyond a date's range")
			}
			b.(*array.Date32Builder).Append(arrow.Date32(days))
			return nil
		}}
	}
	unit := o.unitOr(arrow.Microsecond)
	return kind{&arrow.TimestampType{Unit: unit, TimeZone: "UTC"}, func(b array.Builder, v reflect.Value) error {
		n, ok := Timestamp(v.Interface().(time.Time), unit)
		if !ok {
			return fmt.Errorf("its year is beyond the range of a timestamp in %s: say us in the tag", unit)
		}
		b.(*array.TimestampBuilder).Append(n)
		return nil
	}}
}

// Timestamp is a time in a unit, and whether it is within the range.
func Timestamp(t time.Time, unit arrow.TimeUnit) (arrow.Timestamp, bool) {
	perSecond := int64(time.Second / unit.Multiplier())
	seconds, rest := t.Unix(), int64(t.Nanosecond())/int64(unit.Multiplier())
	n := seconds*perSecond + rest
	if limit := (1<<63 - 1) / perSecond; seconds >= limit || seconds <= -limit {
		return 0, false
	}
	return arrow.Timestamp(n), true
}

func durationKind(unit arrow.TimeUnit) kind {
	return kind{&arrow.DurationType{Unit: unit}, func(b array.Builder, v reflect.Value) error {
		b.(*array.DurationBuilder).Append(arrow.Duration(v.Int() / int64(unit.Multiplier())))
		return nil
	}}
}

func decimalKind(typ *arrow.Decimal128Type) kind {
	return kind{typ, func(b array.Builder, v reflect.Value) error {
		n := v.Interface().(decimal128.Num)
		if !n.FitsInPrecision(typ.Precision) {
			return fmt.Errorf("it has more than %d digits", typ.Precision)
		}
		b.(*array.Decimal128Builder).Append(n)
		return nil
	}}
}

// build makes a record of a slice of structs.
func (p *plan) build(rows reflect.Value, pointers bool) (arrow.Record, error) {
	n := rows.Len()
	columns := make([]arrow.Array, len(p.columns))
	if pointers {
		for i := range n {
			if rows.Index(i).IsNil() {
				return nil, fmt.Errorf("row %d is a nil pointer", i)
			}
		}
	}
	for c, column := range p.columns {
		builder := array.NewBuilder(memory.DefaultAllocator, column.typ)
		defer builder.Release()
		builder.Reserve(n)
		for i := range n {
			row := rows.Index(i)
			if pointers {
				row = row.Elem()
			}
			if err := column.append(builder, row.FieldByIndex(column.index)); err != nil {
				return nil, fmt.Errorf("column %q, row %d: %w", column.name, i, err)
			}
		}
		columns[c] = builder.NewArray()
	}
	return array.NewRecord(p.schema, columns, int64(n)), nil
}
