package all_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/pickle"
	"github.com/gin-cachette/cachette/internal/takers"
)

// leaves are types that random types are made of.
var leaves = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[uint16](),
	reflect.TypeFor[uint64](), reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[string](),
	reflect.TypeFor[[]byte](), reflect.TypeFor[[2]byte](), reflect.TypeFor[time.Time](),
	reflect.TypeFor[time.Duration](), reflect.TypeFor[any](), reflect.TypeFor[row](), reflect.TypeFor[*row](),
	reflect.TypeFor[hidden](), reflect.TypeFor[tagged](), reflect.TypeFor[quiet](), reflect.TypeFor[chan int](),
	reflect.TypeFor[complex64](), reflect.TypeFor[uintptr](), reflect.TypeFor[inText](), reflect.TypeFor[inJSON](),
	reflect.TypeFor[*inJSON](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[big.Int](),
	reflect.TypeFor[*big.Int](), reflect.TypeFor[pickle.Tuple](), reflect.TypeFor[pickle.Set](),
	reflect.TypeFor[pickle.Date](), reflect.TypeFor[json.Number](), reflect.TypeFor[func()](),
	reflect.TypeFor[error](), reflect.TypeFor[point](), reflect.TypeFor[embeds](),
}

var tags = []reflect.StructTag{
	"", "", "", `json:"-"`, `json:",omitempty"`, `json:",omitzero"`, `arrow:"-"`, `msgpack:"-"`, `pickle:"-"`,
}

type maker struct{ *rand.Rand }

func (m maker) typ(depth int) reflect.Type {
	if depth > 3 || m.IntN(3) == 0 {
		return leaves[m.IntN(len(leaves))]
	}
	switch m.IntN(6) {
	case 0:
		return reflect.PointerTo(m.typ(depth + 1))
	case 1, 2:
		return reflect.SliceOf(m.typ(depth + 1))
	case 3:
		if key := m.typ(depth + 2); key.Comparable() {
			return reflect.MapOf(key, m.typ(depth+1))
		}
		return reflect.ArrayOf(m.IntN(3), m.typ(depth+1))
	default:
		fields := make([]reflect.StructField, m.IntN(4))
		for i := range fields {
			fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: m.typ(depth + 1), Tag: tags[m.IntN(len(tags))]}
		}
		return reflect.StructOf(fields)
	}
}

func (m maker) fill(v reflect.Value, depth int) {
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		far := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
		v.Set(reflect.ValueOf([]time.Time{{}, time.Unix(1e9, 5).UTC(), far}[m.IntN(10)/4]))
		return
	case reflect.TypeFor[netip.Addr](), reflect.TypeFor[big.Int](), reflect.TypeFor[inText](), reflect.TypeFor[inJSON](),
		reflect.TypeFor[hidden](), reflect.TypeFor[error]():
		return
	case reflect.TypeFor[json.Number]():
		v.SetString([]string{"", "1", "-1e5", "x", "null", "1 "}[m.IntN(6)])
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(m.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int64:
		v.SetInt(m.Int64N(100))
	case reflect.Uint8, reflect.Uint16, reflect.Uint64:
		v.SetUint(m.Uint64N(100))
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, 1.5, 1, math.NaN(), math.Inf(1)}[m.IntN(12)%5*m.IntN(2)])
	case reflect.String:
		v.SetString([]string{"", "a", "b", "\xff"}[m.IntN(10)%4*m.IntN(2)])
	case reflect.Pointer:
		if m.IntN(3) > 0 && depth < 6 {
			v.Set(reflect.New(v.Type().Elem()))
			m.fill(v.Elem(), depth+1)
		}
	case reflect.Slice:
		if m.IntN(4) > 0 {
			v.Set(reflect.MakeSlice(v.Type(), m.IntN(3), 3))
		}
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			m.fill(v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range m.IntN(3) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			m.fill(key, depth+1)
			m.fill(value, depth+1)
			if key.Comparable() {
				v.SetMapIndex(key, value)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				m.fill(v.Field(i), depth+1)
			}
		}
	case reflect.Interface:
		if t := m.typ(depth); depth < 6 && m.IntN(4) > 0 {
			inner := reflect.New(t).Elem()
			m.fill(inner, depth+1)
			v.Set(inner)
		}
	}
}

// TestHintsOfRandomValues: an error names the codecs that take the value, whatever that is, and no others.
func TestHintsOfRandomValues(t *testing.T) {
	m := maker{rand.New(rand.NewPCG(1, 2))}
	for range 500 {
		value := reflect.New(m.typ(0)).Elem()
		m.fill(value, 0)
		_, err := takers.Encode(refuser{}, value.Interface())
		var refusal *encoders.UnsupportedTypeError
		if !errors.As(err, &refusal) || !refusal.Asked {
			t.Fatalf("%#v: the codecs were not asked: %v", value, err)
		}
		if want := giversOf(value.Interface()); !slices.Equal(refusal.Takers, want) {
			t.Errorf("%v are said to take %#v, and %v do", refusal.Takers, value, want)
		}
	}
}
