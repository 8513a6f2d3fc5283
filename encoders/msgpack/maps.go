package msgpack

import (
	"bytes"
	"cmp"
	"math"
	"reflect"
	"slices"
)

// Maps are written with their keys sorted, so that the same value gives the same bytes.

func (w *writer) stringAnys(m map[string]any) error {
	if m == nil {
		w.buf = append(w.buf, codeNil)
		return nil
	}
	if err := w.enterMap(len(m)); err != nil {
		return err
	}
	var room [16]string
	keys := room[:0]
	if len(m) > len(room) {
		keys = make([]string, 0, len(m))
	}
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if err := w.string(key); err != nil {
			return err
		}
		if err := w.any(m[key]); err != nil {
			return err
		}
	}
	w.leave()
	return nil
}

func (w *writer) enterMap(n int) error {
	if uint64(n) > math.MaxUint32 {
		return errTooLong
	}
	w.buf = appendMapLen(w.buf, n)
	return w.enter()
}

func (b builder) encodeMap(t reflect.Type) func(*writer, reflect.Value) error {
	if t.Key().Kind() == reflect.String && t.Elem() == anyType && !writesItself(t.Key()) {
		plain := reflect.TypeFor[map[string]any]()
		if t.ConvertibleTo(plain) {
			return func(w *writer, v reflect.Value) error {
				return w.stringAnys(v.Convert(plain).Interface().(map[string]any))
			}
		}
	}
	key, value := b.plan(t.Key()), b.plan(t.Elem())
	write := writeByBytes
	if !writesItself(t.Key()) {
		switch t.Key().Kind() {
		case reflect.String:
			write = writeSorted(func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
			write = writeSorted(func(a, b reflect.Value) int { return cmp.Compare(a.Int(), b.Int()) })
		case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			write = writeSorted(func(a, b reflect.Value) int { return cmp.Compare(a.Uint(), b.Uint()) })
		}
	}
	return func(w *writer, v reflect.Value) error {
		if v.IsNil() {
			w.buf = append(w.buf, codeNil)
			return nil
		}
		if err := w.enterMap(v.Len()); err != nil {
			return err
		}
		if err := write(w, v, key, value); err != nil {
			return err
		}
		w.leave()
		return nil
	}
}

// writeEntries writes the entries of a map, sorted.
type writeEntries func(w *writer, v reflect.Value, key, value *plan) error

// writeSorted sorts the entries by their keys.
func writeSorted(compare func(a, b reflect.Value) int) writeEntries {
	return func(w *writer, v reflect.Value, key, value *plan) error {
		type entry struct{ key, value reflect.Value }
		entries := make([]entry, 0, v.Len())
		for walk := v.MapRange(); walk.Next(); {
			entries = append(entries, entry{walk.Key(), walk.Value()})
		}
		slices.SortFunc(entries, func(a, b entry) int { return compare(a.key, b.key) })
		for _, e := range entries {
			if err := key.encode(w, e.key); err != nil {
				return err
			}
			if err := value.encode(w, e.value); err != nil {
				return err
			}
		}
		return nil
	}
}

// writeByBytes sorts the entries by the bytes of their keys, for keys that have no other order.
func writeByBytes(w *writer, v reflect.Value, key, value *plan) error {
	type entry struct {
		key   []byte
		value reflect.Value
	}
	entries := make([]entry, 0, v.Len())
	keys := writer{depth: w.depth, hops: w.hops}
	for walk := v.MapRange(); walk.Next(); {
		if k := walk.Key(); isNaN(k) {
			return &refusal{reason: "it has a map with NaN as a key, which nobody could look up"}
		}
		start := len(keys.buf)
		if err := key.encode(&keys, walk.Key()); err != nil {
			return err
		}
		entries = append(entries, entry{bytes.Clone(keys.buf[start:]), walk.Value()})
	}
	slices.SortFunc(entries, func(a, b entry) int { return bytes.Compare(a.key, b.key) })
	for i, e := range entries {
		if i > 0 && bytes.Equal(e.key, entries[i-1].key) {
			return &refusal{reason: "it has a map with two keys that are one in MessagePack"}
		}
		w.buf = append(w.buf, e.key...)
		if err := value.encode(w, e.value); err != nil {
			return err
		}
	}
	return nil
}

func isNaN(v reflect.Value) bool {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return v.CanFloat() && math.IsNaN(v.Float())
}

func (b builder) decodeMap(t reflect.Type) func(*reader, token, reflect.Value) error {
	key, value := b.plan(t.Key()), b.plan(t.Elem())
	_, isText := reflect.Zero(t).Interface().(map[string]any)
	return func(r *reader, tok token, v reflect.Value) error {
		if tok.kind != kindMap {
			return r.mismatch(tok, t, "")
		}
		if isText {
			m, err := r.stringAnys(tok)
			if err == nil {
				v.Set(reflect.ValueOf(m))
			}
			return err
		}
		if err := r.enter(); err != nil {
			return err
		}
		// An entry takes two bytes at least, and what a map makes room for is many more.
		m := reflect.MakeMapWithSize(t, int(min(tok.n, uint64(maxRoom/(t.Key().Size()+t.Elem().Size()+1)))))
		k, e := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		for range tok.n {
			k.SetZero()
			e.SetZero()
			if err := r.mapKey(key, k); err != nil {
				return err
			}
			next, err := r.next()
			if err != nil {
				return err
			}
			if err := value.read(r, next, e); err != nil {
				return err
			}
			m.SetMapIndex(k, e)
		}
		v.Set(m)
		r.leave()
		return nil
	}
}

// mapKey reads a key of a map.
func (r *reader) mapKey(key *plan, k reflect.Value) error {
	t, err := r.next()
	if err != nil {
		return err
	}
	if t.kind == kindNil && k.Kind() != reflect.Interface && k.Kind() != reflect.Pointer && !isNullable(k.Type()) {
		return r.mismatch(t, k.Type(), "as a map's key") // a zero would be another key
	}
	if err := key.read(r, t, k); err != nil {
		return err
	}
	if !k.Comparable() {
		return r.mismatch(t, k.Type(), "Go has no map with such a key")
	}
	if isNaN(k) {
		return r.mismatch(t, k.Type(), "NaN is no key of a map: nobody could look it up")
	}
	return nil
}
