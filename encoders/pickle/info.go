package pickle

import (
	"encoding"
	"math/big"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/encoders/internal/null"
)

// class says how values of a Go type are written and read.
type class uint8

const (
	classKind class = iota // as its kind says
	classTime
	classDate
	classLocal
	classDecimal
	classTimeOfDay
	classTimeDelta
	classUUID
	classBigInt
	classTuple
	classSet
	classFrozenSet
	classDict
	classMapSet // map[T]struct{}
	classBytes  // a slice of bytes
	classBytesArray
)

// typeInfo is what is known of a Go type.
type typeInfo struct {
	class     class
	marshals  bool // it has a MarshalText method
	nullable  bool // and may be None
	unmarshal bool // and it has an UnmarshalText method
	fields    []field
	byName    map[string]int // of fields, as they are named and in lower case
}

var classes = map[reflect.Type]class{
	reflect.TypeFor[time.Time](): classTime,
	reflect.TypeFor[Date]():      classDate,
	reflect.TypeFor[LocalTime](): classLocal,
	reflect.TypeFor[Decimal]():   classDecimal,
	reflect.TypeFor[TimeOfDay](): classTimeOfDay,
	reflect.TypeFor[TimeDelta](): classTimeDelta,
	reflect.TypeFor[UUID]():      classUUID,
	reflect.TypeFor[big.Int]():   classBigInt,
	reflect.TypeFor[Tuple]():     classTuple,
	reflect.TypeFor[Set]():       classSet,
	reflect.TypeFor[FrozenSet](): classFrozenSet,
	reflect.TypeFor[Dict]():      classDict,
}

var typeInfos sync.Map // of *typeInfo, by reflect.Type

func infoOf(t reflect.Type) *typeInfo {
	if info, ok := typeInfos.Load(t); ok {
		return info.(*typeInfo)
	}
	info, _ := typeInfos.LoadOrStore(t, newTypeInfo(t))
	return info.(*typeInfo)
}

func newTypeInfo(t reflect.Type) *typeInfo {
	if c, ok := classes[t]; ok {
		return &typeInfo{class: c}
	}
	info := &typeInfo{
		marshals:  reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextMarshaler]()),
		unmarshal: reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()),
	}
	info.nullable = info.marshals && null.Type(t)
	switch t.Kind() {
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			info.class = classBytes
		}
	case reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			info.class = classBytesArray
		}
	case reflect.Map:
		if elem := t.Elem(); elem.Kind() == reflect.Struct && elem.NumField() == 0 {
			info.class = classMapSet
		}
	case reflect.Struct:
		info.fields, info.byName = fieldsOf(t)
	}
	return info
}

// fieldOf returns the field for a key: by its exact name, or else without regard to case. It returns nil for none.
func (info *typeInfo) fieldOf(key string) *field {
	i, ok := info.byName[key]
	if !ok {
		if i, ok = info.byName[strings.ToLower(key)]; !ok {
			return nil
		}
	}
	return &info.fields[i]
}
