package pickle

import (
	"encoding"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"time"
)

// assign stores value in dst, which is zero.
func (d *decoder) assign(value any, dst reflect.Value) error {
	t := dst.Type()
	switch t.Kind() {
	case reflect.Interface:
		if value == nil {
			return nil
		}
		if t.NumMethod() != 0 {
			return unfitf("%s is an interface, of which any alone can be decoded into", t)
		}
		v, err := d.natural(value)
		if err == nil {
			dst.Set(reflect.ValueOf(v))
		}
		return err
	case reflect.Pointer:
		return d.assignPointer(value, dst)
	}
	if value == nil {
		return assignNone(dst)
	}
	if err := d.payForKey(value); err != nil {
		return err
	}
	info := infoOf(t)
	if text, ok := value.(string); ok && info.unmarshal && info.class != classTime && info.class != classBigInt {
		return d.unmarshal(text, dst)
	}
	switch v := value.(type) {
	case bool:
		if dst.Kind() == reflect.Bool && plain(info) {
			dst.SetBool(v)
			return nil
		}
	case int64:
		return d.assignInt(v, dst, info)
	case *big.Int, sharedInt:
		return d.assignBig(value, dst, info)
	case float64:
		return assignFloat(v, dst, info)
	case string:
		if dst.Kind() == reflect.String && plain(info) {
			dst.SetString(v)
			return nil
		}
	case []byte, sharedBytes, byteArray:
		return d.assignBytes(value, dst, info)
	case Decimal, Date, LocalTime, TimeOfDay, time.Time:
		return assignSame(v, dst)
	case TimeDelta:
		return assignDelta(v, dst)
	case *uuidObject:
		return d.assignUUID(v, dst, info)
	case *node:
		return d.assignNode(v, dst, info)
	default:
		return notAValue(value)
	}
	return mismatch(value, t)
}

// plain reports whether a type is read by its kind.
func plain(info *typeInfo) bool { return info.class == classKind }

func assignNone(dst reflect.Value) error {
	switch dst.Kind() {
	case reflect.Map, reflect.Slice:
		return nil // it is nil already
	}
	if infoOf(dst.Type()).nullable {
		return nil
	}
	return unfitf("None stands where the Go type has %s: fetch into a pointer or an any", dst.Type())
}

func (d *decoder) assignPointer(value any, dst reflect.Value) error {
	if value == nil {
		return nil
	}
	elem := dst.Type().Elem()
	for hops := 0; elem.Kind() == reflect.Pointer; hops++ {
		if hops > maxDepth {
			return unfitf("%s is a pointer without an end", dst.Type())
		}
		elem = elem.Elem()
	}
	fresh := reflect.New(dst.Type().Elem())
	if err := d.assign(value, fresh.Elem()); err != nil {
		return err
	}
	dst.Set(fresh)
	return nil
}

func (d *decoder) unmarshal(text string, dst reflect.Value) error {
	if err := d.payFor(len(text)); err != nil {
		return err
	}
	if err := dst.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
		return &unfit{reason: fmt.Sprintf("%s stands where the Go type has %s, which refuses it", kindOf(text), dst.Type()), err: err}
	}
	return nil
}

func assignSame(value any, dst reflect.Value) error {
	v := reflect.ValueOf(value)
	if dst.Type() != v.Type() {
		return unfitf("%s stands where the Go type has %s: fetch into a %s", kindOf(value), dst.Type(), v.Type())
	}
	dst.Set(v)
	return nil
}

func (d *decoder) assignInt(n int64, dst reflect.Value, info *typeInfo) error {
	fits := true
	switch {
	case info.class == classBigInt:
		dst.Addr().Interface().(*big.Int).SetInt64(n)
	case !plain(info):
		return mismatch(n, dst.Type())
	case dst.CanInt():
		fits = !dst.OverflowInt(n)
		dst.SetInt(n)
	case dst.CanUint():
		fits = n >= 0 && !dst.OverflowUint(uint64(n))
		dst.SetUint(uint64(n))
	case dst.CanFloat():
		f := float64(n)
		fits = f < 1<<63 && int64(f) == n && (dst.Kind() == reflect.Float64 || float64(float32(f)) == f)
		dst.SetFloat(f)
	default:
		return mismatch(n, dst.Type())
	}
	if !fits {
		return unfitf("an int does not fit into %s", dst.Type())
	}
	return nil
}

// assignBig stores an int beyond int64.
func (d *decoder) assignBig(value any, dst reflect.Value, info *typeInfo) error {
	n, err := d.bigInt(value)
	if err != nil {
		return err
	}
	switch {
	case info.class == classBigInt:
		dst.Addr().Interface().(*big.Int).Set(n)
		return nil
	case plain(info) && dst.CanUint() && n.IsUint64() && !dst.OverflowUint(n.Uint64()):
		dst.SetUint(n.Uint64())
		return nil
	case plain(info) && (dst.CanInt() || dst.CanUint() || dst.CanFloat()):
		return unfitf("an int does not fit into %s: fetch into a *big.Int", dst.Type())
	}
	return mismatch(value, dst.Type())
}

// assignFloat stores a float. In a float32 it is rounded, for Python has none.
func assignFloat(f float64, dst reflect.Value, info *typeInfo) error {
	if !plain(info) || !dst.CanFloat() {
		return mismatch(f, dst.Type())
	}
	if dst.OverflowFloat(f) && !math.IsInf(f, 0) {
		return unfitf("a float does not fit into %s", dst.Type())
	}
	dst.SetFloat(f)
	return nil
}

func (d *decoder) assignBytes(value any, dst reflect.Value, info *typeInfo) error {
	if info.class != classBytes && info.class != classBytesArray {
		return mismatch(value, dst.Type())
	}
	data, err := d.bytes(value)
	if err != nil {
		return err
	}
	if info.class == classBytes {
		dst.SetBytes(data)
		return nil
	}
	if len(data) != dst.Len() {
		return unfitf("%d bytes stand where the Go type has %s", len(data), dst.Type())
	}
	reflect.Copy(dst, reflect.ValueOf(data))
	return nil
}

func (d *decoder) assignNode(n *node, dst reflect.Value, info *typeInfo) error {
	if err := d.enter(n); err != nil {
		return err
	}
	defer d.leave(n)
	switch info.class {
	case classTuple, classSet, classFrozenSet:
		if n.kind != nodeKinds[info.class] {
			return mismatch(n, dst.Type())
		}
		items, err := d.naturalsOf(n)
		if err == nil {
			dst.Set(reflect.ValueOf(items).Convert(dst.Type()))
		}
		return err
	case classDict:
		if n.kind != kindDict {
			return mismatch(n, dst.Type())
		}
		dict, _, err := d.dict(n)
		if err == nil {
			dst.Set(reflect.ValueOf(dict))
		}
		return err
	case classMapSet:
		if n.kind == kindSet || n.kind == kindFrozenSet {
			return d.assignMap(n, 1, dst)
		}
		return mismatch(n, dst.Type())
	case classKind:
		return d.assignContainer(n, dst, info)
	}
	return mismatch(n, dst.Type())
}

var nodeKinds = map[class]kind{classTuple: kindTuple, classSet: kindSet, classFrozenSet: kindFrozenSet}

func (d *decoder) naturalsOf(n *node) ([]any, error) {
	if n.kind == kindTuple {
		return d.naturals(n)
	}
	return d.elements(n)
}

// assignContainer stores what the kind of dst alone decides.
func (d *decoder) assignContainer(n *node, dst reflect.Value, info *typeInfo) error {
	sequence := n.kind == kindList || n.kind == kindTuple
	switch target := dst.Addr().Interface().(type) { // without reflection
	case *[]any:
		if sequence {
			items, err := d.naturals(n)
			*target = items
			return err
		}
	case *map[string]any:
		if n.kind == kindDict && onlyText(n.items) {
			m, err := d.textDict(n)
			*target = m
			return err
		}
	}
	switch kind := dst.Kind(); {
	case kind == reflect.Slice && sequence:
		return d.assignSlice(n, dst)
	case kind == reflect.Slice && n.kind != kindDict:
		return unfitf("%s stands where the Go type has %s: fetch into a pickle.Set, a pickle.FrozenSet or a map[T]struct{}",
			kindOf(n), dst.Type())
	case kind == reflect.Array && sequence:
		if len(n.items) != dst.Len() {
			return unfitf("%s of %d stands where the Go type has %s", kindOf(n), len(n.items), dst.Type())
		}
		return d.assignItems(n, dst)
	case kind == reflect.Map && n.kind == kindDict:
		return d.assignMap(n, 2, dst)
	case kind == reflect.Struct && n.kind == kindDict:
		return d.assignStruct(n, dst, info)
	}
	return mismatch(n, dst.Type())
}

// largeItem is from how many bytes on a slice grows with its items, which may not fit its type, instead of having room for
// all at once.
const largeItem = 256

func (d *decoder) assignSlice(n *node, dst reflect.Value) error {
	size := len(n.items)
	if dst.Type().Elem().Size() < largeItem || size == 0 {
		dst.Set(reflect.MakeSlice(dst.Type(), size, size))
		return d.assignItems(n, dst)
	}
	for i, item := range n.items {
		dst.Grow(1)
		dst.SetLen(i + 1)
		if err := d.assign(item, dst.Index(i)); err != nil {
			return within(fmt.Sprintf("[%d]", i), err)
		}
	}
	return nil
}

func (d *decoder) assignItems(n *node, dst reflect.Value) error {
	for i, item := range n.items {
		if err := d.assign(item, dst.Index(i)); err != nil {
			return within(fmt.Sprintf("[%d]", i), err)
		}
	}
	return nil
}

// assignMap stores a dict, which has a value at each second place, or a set.
func (d *decoder) assignMap(n *node, step int, dst reflect.Value) error {
	t := dst.Type()
	m := reflect.MakeMapWithSize(t, len(n.items)/step)
	for i := 0; i < len(n.items); i += step {
		key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		d.hashed++
		err := d.assign(n.items[i], key)
		d.hashed--
		if err != nil {
			return within("[key]", err)
		}
		if !canBeMapKey(key) {
			return unfitf("a key or an element is one that a Go map does not have: fetch into a pickle.Dict or a pickle.Set")
		}
		if step == 2 {
			if err = d.assign(n.items[i+1], value); err != nil {
				return within("[…]", err)
			}
		}
		m.SetMapIndex(key, value)
	}
	dst.Set(m)
	return nil
}

// canBeMapKey reports whether a map finds key again.
func canBeMapKey(key reflect.Value) bool {
	if key.Kind() == reflect.Interface {
		return key.IsNil() || canBeKey(key.Interface())
	}
	return key.Kind() != reflect.Pointer && key.Comparable()
}

func (d *decoder) assignStruct(n *node, dst reflect.Value, info *typeInfo) error {
	for i := 0; i < len(n.items); i += 2 {
		key, ok := n.items[i].(string)
		if !ok {
			return unfitf("a key is %s, and not the name of a field of %s", kindOf(n.items[i]), dst.Type())
		}
		if err := d.payFor(len(key)); err != nil {
			return err
		}
		f := info.fieldOf(key)
		if f == nil {
			continue
		}
		target, err := settable(dst, f.index)
		if err != nil {
			return within("."+f.name, err)
		}
		target.SetZero() // of a key that is there twice the last counts
		if err := d.assign(n.items[i+1], target); err != nil {
			return within("."+f.name, err)
		}
	}
	return nil
}

// settable returns a field of dst, and makes what it is embedded in.
func settable(dst reflect.Value, index []int) (reflect.Value, error) {
	for i, x := range index {
		if i > 0 && dst.Kind() == reflect.Pointer {
			if !dst.CanSet() && dst.IsNil() {
				return dst, unfitf("%s is embedded by a pointer that is not exported, and cannot be set", dst.Type())
			}
			if dst.IsNil() {
				dst.Set(reflect.New(dst.Type().Elem()))
			}
			dst = dst.Elem()
		}
		dst = dst.Field(x)
	}
	return dst, nil
}
