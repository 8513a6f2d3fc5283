package csv

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"

	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

// reader returns what adds a text to a column of a type. It reports whether the text is one of that type.
func reader(builder array.Builder, t arrow.DataType) func(text string) bool {
	switch b := builder.(type) {
	case *array.StringBuilder:
		return func(text string) bool { b.Append(text); return true }
	case *array.BinaryDictionaryBuilder:
		return func(text string) bool { return b.AppendString(text) == nil }
	case *array.BooleanBuilder:
		return func(text string) bool {
			value, ok := readBool(text)
			if ok {
				b.Append(value)
			}
			return ok
		}
	case *array.Int8Builder:
		return ints(b.Append, 8)
	case *array.Int16Builder:
		return ints(b.Append, 16)
	case *array.Int32Builder:
		return ints(b.Append, 32)
	case *array.Int64Builder:
		return ints(b.Append, 64)
	case *array.Uint8Builder:
		return uints(b.Append, 8)
	case *array.Uint16Builder:
		return uints(b.Append, 16)
	case *array.Uint32Builder:
		return uints(b.Append, 32)
	case *array.Uint64Builder:
		return uints(b.Append, 64)
	case *array.Float32Builder:
		return func(text string) bool {
			value, ok := readFloat(text)
			if ok {
				b.Append(float32(value))
			}
			return ok
		}
	case *array.Float64Builder:
		return func(text string) bool {
			value, ok := readFloat(text)
			if ok {
				b.Append(value)
			}
			return ok
		}
	case *array.TimestampBuilder:
		return timestamps(b, t.(*arrow.TimestampType).Unit)
	case *array.Date32Builder:
		return dates(b)
	case *array.Decimal128Builder:
		return decimals(b, t.(*arrow.Decimal128Type))
	}
	return func(string) bool { return false }
}

// ints reads whole floats too: pandas makes floats of integers that stand beside nulls.
func ints[T int8 | int16 | int32 | int64](add func(T), bits int) func(string) bool {
	return func(text string) bool {
		n, err := strconv.ParseInt(trim(text), 10, bits)
		if err != nil {
			f, ok := readFloat(text)
			if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 || int64(T(int64(f))) != int64(f) {
				return false
			}
			n = int64(f)
		}
		add(T(n))
		return true
	}
}

func uints[T uint8 | uint16 | uint32 | uint64](add func(T), bits int) func(string) bool {
	return func(text string) bool {
		n, err := strconv.ParseUint(trim(text), 10, bits)
		if err != nil {
			f, ok := readFloat(text)
			if !ok || f != math.Trunc(f) || f < 0 || f > 1<<53 || uint64(T(uint64(f))) != uint64(f) {
				return false
			}
			n = uint64(f)
		}
		add(T(n))
		return true
	}
}

// layouts are how pandas writes times. A fraction of the second is read by any of them.
var layouts = []string{"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02", "2006-01-02 15:04:05Z0700",
	"2006-01-02 15:04:05Z07:00:00"}

func readTime(text string) (time.Time, bool) {
	text = trim(text)
	if len(text) > 10 && text[10] == 'T' {
		text = text[:10] + " " + text[11:]
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func timestamps(b *array.TimestampBuilder, unit arrow.TimeUnit) func(string) bool {
	return func(text string) bool {
		t, ok := readTime(text)
		if !ok {
			return false
		}
		n, ok := frame.Timestamp(t, unit)
		if ok {
			b.Append(n)
		}
		return ok
	}
}

func dates(b *array.Date32Builder) func(string) bool {
	return func(text string) bool {
		t, ok := readTime(text)
		if !ok {
			return false
		}
		date := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
		b.Append(arrow.Date32(date.Unix() / 86400))
		return true
	}
}

// decimals reads decimals exactly: digits that the type has no place for are no decimal of that type.
func decimals(b *array.Decimal128Builder, t *arrow.Decimal128Type) func(string) bool {
	const maxLength = 100
	return func(text string) bool {
		text = trim(text)
		if len(text) > maxLength {
			return false
		}
		whole, fraction, _ := strings.Cut(text, ".")
		fraction = strings.TrimRight(fraction, "0")
		if len(fraction) > int(t.Scale) || strings.ContainsAny(fraction, "+-_") || strings.Contains(whole, "_") {
			return false
		}
		n, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", int(t.Scale)-len(fraction)), 10)
		if !ok || n.BitLen() > 127 {
			return false
		}
		value := decimal128.FromBigInt(n)
		if !value.FitsInPrecision(t.Precision) {
			return false
		}
		b.Append(value)
		return true
	}
}
