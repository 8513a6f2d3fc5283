package all_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/decimal128"

	"github.com/gin-cachette/cachette/encoders"
)

// carried are types whose values come back as they were, from each codec that takes them.
var carried = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](),
	reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint64](), reflect.TypeFor[float32](),
	reflect.TypeFor[float64](), reflect.TypeFor[string](), reflect.TypeFor[[]byte](), reflect.TypeFor[time.Time](),
	reflect.TypeFor[time.Duration](), reflect.TypeFor[decimal128.Num](),
}

// plainMaker makes values of types that say all of themselves: without any, tags that leave out, and methods.
type plainMaker struct{ *rand.Rand }

func (m plainMaker) typ(depth int) reflect.Type {
	if depth > 2 || m.IntN(3) > 0 {
		return carried[m.IntN(len(carried))]
	}
	switch m.IntN(6) {
	case 0, 1:
		return reflect.PointerTo(carried[m.IntN(len(carried))])
	case 2, 3:
		return reflect.SliceOf(m.typ(depth + 1))
	case 4:
		return reflect.MapOf(reflect.TypeFor[string](), m.typ(depth+1))
	default:
		return m.row(depth + 1)
	}
}

func (m plainMaker) row(depth int) reflect.Type {
	fields := make([]reflect.StructField, 1+m.IntN(4))
	for i := range fields {
		t := m.typ(depth)
		element := t
		for element.Kind() == reflect.Pointer || element.Kind() == reflect.Slice && element.Elem().Kind() != reflect.Uint8 {
			element = element.Elem()
		}
		var tag reflect.StructTag
		switch {
		case element == reflect.TypeFor[decimal128.Num]():
			tag = `arrow:",decimal(20,3)"`
		case element.Kind() == reflect.String && m.IntN(3) == 0:
			tag = `arrow:",dictionary"`
		}
		fields[i] = reflect.StructField{Name: fmt.Sprint("F", i), Type: t, Tag: tag}
	}
	return reflect.StructOf(fields)
}

func (m plainMaker) fill(v reflect.Value) {
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		seconds := []int64{1e9, -5, 0, 1709168523}[m.IntN(4)]
		v.Set(reflect.ValueOf(time.Unix(seconds, m.Int64N(1e6)*1000).UTC())) // csv and pickle have microseconds
		return
	case reflect.TypeFor[decimal128.Num]():
		v.Set(reflect.ValueOf(decimal128.FromI64(m.Int64N(1e12) - 5e11)))
		return
	case reflect.TypeFor[time.Duration]():
		v.SetInt(m.Int64N(1e12) * 1000)
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(m.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		bits := v.Type().Bits()
		v.SetInt(m.Int64() << (64 - bits) >> (64 - bits) >> m.IntN(bits))
	case reflect.Uint8, reflect.Uint16, reflect.Uint64:
		bits := v.Type().Bits()
		v.SetUint(m.Uint64() >> (64 - bits) >> m.IntN(bits))
	case reflect.Float32:
		v.SetFloat([]float64{0, 1, -1.5, math.MaxFloat32, math.SmallestNonzeroFloat32, float64(float32(m.NormFloat64()))}[m.IntN(6)])
	case reflect.Float64:
		v.SetFloat([]float64{0, 1, -1.5, math.MaxFloat64, math.SmallestNonzeroFloat64, m.NormFloat64(), math.Float64frombits(m.Uint64() >> 2)}[m.IntN(7)])
	case reflect.String:
		texts := []string{"", "a", "NaN", "null", "1", "é\n\"x\",", " lead", "\u2028", "true", "2020-01-01", "\x00", "\r\n", "<&>"}
		v.SetString(texts[m.IntN(len(texts))])
	case reflect.Pointer:
		if m.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			m.fill(v.Elem())
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), m.IntN(4), 4))
		for i := range v.Len() {
			m.fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range m.IntN(3) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			m.fill(key)
			m.fill(value)
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			m.fill(v.Field(i))
		}
	}
}

// same compares values as a codec may give them back: times in another zone, and empty slices for nil ones.
func same(a, b reflect.Value) bool {
	switch {
	case a.Type() == reflect.TypeFor[time.Time]():
		return a.Interface().(time.Time).Equal(b.Interface().(time.Time))
	case a.Type() == reflect.TypeFor[decimal128.Num]():
		return a.Interface() == b.Interface()
	case a.Kind() == reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case a.Kind() == reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for _, key := range a.MapKeys() {
			if !b.MapIndex(key).IsValid() || !same(a.MapIndex(key), b.MapIndex(key)) {
				return false
			}
		}
		return true
	case a.Kind() == reflect.Pointer && !a.IsNil() && !b.IsNil():
		return same(a.Elem(), b.Elem())
	case a.Kind() == reflect.Struct:
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// hasDecimal reports whether there is a decimal in a type: to codecs that are not of tables that is a struct whose fields
// are none of theirs.
func hasDecimal(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return hasDecimal(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if hasDecimal(t.Field(i).Type) {
				return true
			}
		}
	}
	return t == reflect.TypeFor[decimal128.Num]()
}

// TestRandomValuesComeBack: what a codec takes it gives back, whatever types it is made of.
func TestRandomValuesComeBack(t *testing.T) {
	m := plainMaker{rand.New(rand.NewPCG(5, 6))}
	carriedBy := map[string]int{}
	for range 500 {
		typ := m.typ(0)
		if m.IntN(2) == 0 {
			typ = reflect.SliceOf(m.row(1)) // a table
		}
		value := reflect.New(typ).Elem()
		m.fill(value)
		for _, name := range takersOf(value.Interface()) {
			if hasDecimal(typ) && (name == "json" || name == "orjson" || name == "msgpack") {
				continue
			}
			encoder, _ := encoders.Lookup(name)
			got := reflect.New(typ)
			data, err := encoder.Encode(value.Interface())
			if err == nil {
				err = encoder.Decode(data, got.Interface())
			}
			if err != nil || !same(value, got.Elem()) {
				t.Errorf("codec %s: %#v came back as %#v (%v)", name, value, got.Elem(), err)
			}
			carriedBy[name]++
		}
	}
	for _, name := range codecs {
		if carriedBy[name] < 50 {
			t.Errorf("codec %s took %d values: the test needs more that it takes", name, carriedBy[name])
		}
	}
}
