package pickle

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
)

// textMap writes the most common map without reflection.
func (w *writer) textMap(m map[string]any) error {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return w.items(m == nil, len(keys), func(i int) error {
		if err := w.text(keys[i]); err != nil {
			return err
		}
		return within("[…]", w.value(m[keys[i]]))
	})
}

// items writes a dict. write writes the key and the value of one item.
func (w *writer) items(isNil bool, n int, write func(i int) error) error {
	if isNil {
		w.buf = append(w.buf, opNone)
		return nil
	}
	if err := w.hashable("dict", "pickle.Tuple"); err != nil {
		return err
	}
	if err := w.enter(); err != nil {
		return err
	}
	defer w.leave()
	w.buf = append(w.buf, opEmptyDict)
	if n == 0 {
		return nil
	}
	w.buf = append(w.buf, opMark)
	for i := range n {
		if err := write(i); err != nil {
			return err
		}
	}
	w.buf = append(w.buf, opSetItems)
	return nil
}

// goMap writes a map, sorted by its keys.
func (w *writer) goMap(v reflect.Value) error {
	if v.IsNil() {
		w.buf = append(w.buf, opNone)
		return nil
	}
	keys, err := w.keys(v.Type().Key(), func(yield func(key, value reflect.Value) bool) {
		for entry := v.MapRange(); entry.Next() && yield(entry.Key(), entry.Value()); {
		}
	})
	if err != nil {
		return err
	}
	return w.items(false, len(keys), func(i int) error {
		w.buf = append(w.buf, keys[i].data...)
		return within("[…]", w.reflected(keys[i].value))
	})
}

// mapSet writes a map[T]struct{} as a set.
func (w *writer) mapSet(v reflect.Value) error {
	if v.IsNil() {
		w.buf = append(w.buf, opNone)
		return nil
	}
	return w.elements(opEmptySet, v.Type().Key(), func(yield func(key, value reflect.Value) bool) {
		for entry := v.MapRange(); entry.Next() && yield(entry.Key(), reflect.Value{}); {
		}
	})
}

// set writes a Set or a FrozenSet.
func (w *writer) set(v reflect.Value, op byte) error {
	if v.IsNil() {
		w.buf = append(w.buf, opNone)
		return nil
	}
	return w.elements(op, v.Type().Elem(), func(yield func(key, value reflect.Value) bool) {
		for i := range v.Len() {
			if !yield(v.Index(i), reflect.Value{}) {
				return
			}
		}
	})
}

func (w *writer) elements(op byte, t reflect.Type, all func(yield func(key, value reflect.Value) bool)) error {
	if op == opEmptySet {
		if err := w.hashable("set", "pickle.FrozenSet"); err != nil {
			return err
		}
	}
	if err := w.enter(); err != nil {
		return err
	}
	defer w.leave()
	if w.sets++; w.sets > maxSets {
		return unfitf("sets nest deeper than %d", maxSets)
	}
	defer func() { w.sets-- }()
	keys, err := w.keys(t, all)
	if err != nil {
		return err
	}
	if op == opEmptySet {
		w.buf = append(w.buf, opEmptySet)
		if len(keys) == 0 {
			return nil
		}
		op = opAddItems
	}
	w.buf = append(w.buf, opMark)
	for i := range keys {
		if i == 0 || !bytes.Equal(keys[i].data, keys[i-1].data) {
			w.buf = append(w.buf, keys[i].data...)
		}
	}
	w.buf = append(w.buf, op)
	return nil
}

// dict writes a Dict in its own order.
func (w *writer) dict(items Dict) error {
	if err := w.hashable("dict", "pickle.Tuple"); err != nil { // here already, for a key may hold the dict itself
		return err
	}
	data := make([][]byte, len(items))
	check := newDistinct(len(items))
	for i, item := range items {
		var err error
		if data[i], err = w.key(reflect.ValueOf(&item.Key).Elem()); err != nil {
			return err
		}
		if err = check.add(reflect.ValueOf(&item.Key).Elem(), data[i], false); err != nil {
			return err
		}
	}
	return w.items(items == nil, len(items), func(i int) error {
		w.buf = append(w.buf, data[i]...)
		return within("[…]", w.value(items[i].Value))
	})
}

// mapKey is a key, as it is written, with its value.
type mapKey struct {
	data  []byte
	value reflect.Value
	text  string // what strings are sorted by
	num   int64  // what integers are sorted by
}

// keys writes the keys of a map or the elements of a set apart, and sorts them: strings and integers as themselves, the
// rest by their bytes.
func (w *writer) keys(t reflect.Type, all func(yield func(key, value reflect.Value) bool)) (keys []mapKey, err error) {
	plain := plainKeys(t)
	check := newDistinct(0)
	all(func(key, value reflect.Value) bool {
		k := mapKey{value: value}
		if k.data, err = w.key(key); err != nil {
			return false
		}
		switch {
		case !plain:
			err = check.add(key, k.data, !value.IsValid())
		case key.Kind() == reflect.String:
			k.text = key.String()
		case key.CanInt():
			k.num = key.Int()
		case key.CanUint():
			k.num = int64(min(key.Uint(), math.MaxInt64))
		}
		keys = append(keys, k)
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(keys, func(a, b mapKey) int {
		return cmp.Or(strings.Compare(a.text, b.text), cmp.Compare(a.num, b.num), bytes.Compare(a.data, b.data))
	})
	return keys, nil
}

// plainKeys reports whether Go and Python agree which keys of a type are the same.
func plainKeys(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return false
	}
	info := infoOf(t)
	return info.class == classKind && !info.marshals && t.Kind() != reflect.Struct && t.Kind() != reflect.Array
}

// key writes a key apart from the rest, and returns it.
func (w *writer) key(v reflect.Value) ([]byte, error) {
	start := len(w.buf)
	err := w.keyed(v)
	data := bytes.Clone(w.buf[start:])
	w.buf = w.buf[:start]
	return data, err
}

// keyed writes a key.
func (w *writer) keyed(v reflect.Value) error {
	w.hashed++
	defer func() { w.hashed-- }()
	return w.reflected(v)
}

// distinct finds keys that Go holds apart and Python does not, such as 1, 1.0 and true: a dict would lose one of them.
type distinct map[string]string

func newDistinct(n int) distinct { return make(distinct, n) }

// add adds a key. The same key once more is an error too, unless twice is allowed.
func (d distinct) add(key reflect.Value, data []byte, twice bool) error {
	id := numberOf(key)
	if id == "" {
		id = string(data)
	}
	if before, found := d[id]; found && !(twice && before == string(data)) {
		return unfitf("two keys or elements are one in Python, where 1, 1.0 and True are equal")
	}
	d[id] = string(data)
	return nil
}

// numberOf returns one text for all numbers that Python holds equal, and none for other values.
func numberOf(v reflect.Value) string {
	for depth := 0; v.IsValid() && (v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer); depth++ {
		if depth > maxDepth {
			return ""
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return ""
	}
	number := new(big.Rat)
	switch info := infoOf(v.Type()); {
	case info.class == classDecimal:
		rat, ok := Decimal(v.String()).Rat()
		if !ok {
			return ""
		}
		number = rat
	case info.class == classBigInt:
		number.SetInt(addressable(v).Addr().Interface().(*big.Int))
	case info.marshals:
		return ""
	case v.Kind() == reflect.Bool:
		if v.Bool() {
			number.SetInt64(1)
		}
	case v.CanInt():
		number.SetInt64(v.Int())
	case v.CanUint():
		number.SetUint64(v.Uint())
	case v.CanFloat():
		if math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0) {
			return ""
		}
		number.SetFloat64(v.Float())
	default:
		return ""
	}
	return fmt.Sprint("number ", number)
}
