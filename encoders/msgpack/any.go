package msgpack

import (
	"math"
	"reflect"
	"unicode/utf8"
)

// string reads the string that t begins.
func (r *reader) string(t token) (string, error) {
	text := r.take(t)
	if !utf8.Valid(text) {
		return "", errNotText
	}
	return string(text), nil
}

// any reads the value that t begins, as the Go type that it is by nature.
func (r *reader) any(t token) (any, error) {
	switch t.kind {
	case kindNil:
		return nil, nil
	case kindBool:
		return t.n != 0, nil
	case kindInt:
		return int64(t.n), nil
	case kindUint:
		if t.n > math.MaxInt64 {
			return t.n, nil
		}
		return int64(t.n), nil
	case kindFloat:
		return t.float(), nil
	case kindStr:
		return r.string(t)
	case kindBin:
		return append([]byte{}, r.take(t)...), nil
	case kindArray:
		return r.anys(t)
	case kindMap:
		return r.anyMap(t)
	}
	if t.ext == timestamp {
		return r.time(t)
	}
	return nil, r.mismatch(t, anyType, "of extensions it takes timestamps only")
}

// nextAny reads the next value.
func (r *reader) nextAny() (any, error) {
	t, err := r.next()
	if err != nil {
		return nil, err
	}
	return r.any(t)
}

func (r *reader) anys(t token) ([]any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	values := make([]any, 0, t.n) // there are as many bytes: see announce
	for range t.n {
		value, err := r.nextAny()
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	r.leave()
	return values, nil
}

// stringAnys reads a map whose keys must be strings.
func (r *reader) stringAnys(t token) (map[string]any, error) {
	m, other, err := r.entries(t)
	if err == nil && other != nil {
		err = r.mismatch(t, reflect.TypeFor[map[string]any](), "it has a key that is not a string: fetch a map[any]any")
	}
	return m, err
}

// anyMap reads a map, as a map[any]any where a key is not a string.
func (r *reader) anyMap(t token) (any, error) {
	m, other, err := r.entries(t)
	if other != nil {
		return other, err
	}
	return m, err
}

// entries reads a map, and returns it as the one or the other type.
func (r *reader) entries(t token) (m map[string]any, other map[any]any, err error) {
	if err := r.enter(); err != nil {
		return nil, nil, err
	}
	m = make(map[string]any, min(t.n, maxRoom/32))
	for range t.n {
		next, err := r.next()
		if err != nil {
			return nil, nil, err
		}
		if next.kind != kindStr && other == nil {
			other = make(map[any]any, len(m)+1)
			for key, value := range m {
				other[key] = value
			}
			m = nil
		}
		if other != nil {
			key, err := r.anyKey(next)
			if err != nil {
				return nil, nil, err
			}
			if other[key], err = r.nextAny(); err != nil {
				return nil, nil, err
			}
			continue
		}
		key, err := r.string(next)
		if err != nil {
			return nil, nil, err
		}
		if m[key], err = r.nextAny(); err != nil {
			return nil, nil, err
		}
	}
	r.leave()
	return m, other, nil
}

// anyKey reads a map's key, of which Go asks that it can be compared.
func (r *reader) anyKey(t token) (any, error) {
	switch {
	case t.kind == kindBin || t.kind == kindArray || t.kind == kindMap:
		return nil, r.mismatch(t, anyType, "Go has no map with such a key")
	case t.kind == kindFloat && math.IsNaN(t.float()):
		return nil, r.mismatch(t, anyType, "NaN is no key of a map: nobody could look it up")
	}
	return r.any(t)
}
