package pickle

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"time"
)

// A decoder makes Go values of what a reader has read. What the memo handed out several times becomes as many values:
// as many as the budget pays for, since a pickle of a hundred bytes can name billions.
type decoder struct {
	take   bool
	depth  int
	copies int    // more than 0 within a container that is shared
	keys   writer // where keys are compared
	budget
	hashed int // more than 0 within the key of a dict or the element of a set
	sets   int // how many sets this is in
}

// minTaken is from how many bytes on bytes are left in the data that Take has been given: less would keep it all for a
// little.
const minTaken = 4096

// store stores value in what dst points to. What is decoded into most often needs no reflection.
func (d *decoder) store(value any, dst any, pointer reflect.Value) error {
	if target, ok := dst.(*any); ok {
		v, err := d.natural(value)
		if err == nil {
			*target = v
		}
		return err
	}
	fresh := reflect.New(pointer.Type().Elem()).Elem()
	if err := d.assign(value, fresh); err != nil {
		return err
	}
	pointer.Elem().Set(fresh)
	return nil
}

// payForKey pays for what is hashed and compared as a key.
func (d *decoder) payForKey(value any) error {
	if d.hashed == 0 {
		return nil
	}
	switch v := value.(type) {
	case string:
		return d.payFor(len(v))
	case Decimal:
		return d.payFor(len(v) + v.written())
	}
	return nil
}

// enter goes into a container, and must be followed by leave.
func (d *decoder) enter(n *node) error {
	if n.busy {
		return fmt.Errorf("a %s holds itself, which Go values cannot", kindNames[n.kind])
	}
	if d.depth++; d.depth > maxDepth {
		return fmt.Errorf("it nests deeper than %d", maxDepth)
	}
	if d.hashed > 0 && n.kind != kindTuple && n.kind != kindFrozenSet {
		return fmt.Errorf("a key or an element of a set is a %s, which Python does not allow", kindNames[n.kind])
	}
	if n.kind == kindSet || n.kind == kindFrozenSet {
		if d.sets++; d.sets > maxSets {
			return fmt.Errorf("sets nest deeper than %d", maxSets)
		}
	}
	if n.shared {
		n.busy = true
		d.copies++
	}
	if d.copies > 0 {
		return d.spend(16 * len(n.items))
	}
	return nil
}

func (d *decoder) leave(n *node) {
	d.depth--
	if n.kind == kindSet || n.kind == kindFrozenSet {
		d.sets--
	}
	if n.shared {
		n.busy = false
		d.copies--
	}
}

// natural returns a value as the Go type that is nearest to the Python type.
func (d *decoder) natural(value any) (any, error) {
	if err := d.payForKey(value); err != nil {
		return nil, err
	}
	switch v := value.(type) {
	case nil, bool, int64, float64, string, Decimal, Date, LocalTime, TimeOfDay, TimeDelta, time.Time:
		return value, nil
	case *uuidObject:
		if v.built {
			return v.value, nil
		}
	case []byte, sharedBytes, byteArray:
		return d.bytes(value)
	case *big.Int, sharedInt:
		return d.bigInt(value)
	case *node:
		if err := d.enter(v); err != nil {
			return nil, err
		}
		defer d.leave(v)
		switch v.kind {
		case kindDict:
			return d.naturalDict(v)
		case kindSet:
			items, err := d.elements(v)
			return Set(items), err
		case kindFrozenSet:
			items, err := d.elements(v)
			return FrozenSet(items), err
		case kindTuple:
			items, err := d.naturals(v)
			return Tuple(items), err
		}
		return d.naturals(v)
	}
	return nil, notAValue(value)
}

func notAValue(value any) error {
	switch v := value.(type) {
	case *foreign:
		return v.err()
	case *dtype:
		return foreignClass("numpy", "dtype").err()
	}
	return fmt.Errorf("it has %s where a value should be", kindOf(value))
}

// naturals returns the items of a container. One that nothing else refers to gives its own slice away.
func (d *decoder) naturals(n *node) ([]any, error) {
	items := n.items
	if d.copies > 0 {
		items = make([]any, len(n.items))
	}
	for i, item := range n.items {
		value, err := d.natural(item)
		if err != nil {
			return nil, err
		}
		items[i] = value
	}
	if items == nil {
		items = []any{}
	}
	return slices.Clip(items), nil
}

func (d *decoder) elements(n *node) ([]any, error) {
	d.hashed++
	defer func() { d.hashed-- }()
	return d.naturals(n)
}

// naturalDict returns a map[string]any if all keys are str, a map[any]any if Go can have all keys, and else a Dict.
func (d *decoder) naturalDict(n *node) (any, error) {
	if onlyText(n.items) {
		return d.textDict(n)
	}
	dict, comparable, err := d.dict(n)
	if err != nil || !comparable {
		return dict, err
	}
	m := make(map[any]any, len(dict))
	for _, item := range dict {
		m[item.Key] = item.Value
	}
	return m, nil
}

func (d *decoder) textDict(n *node) (map[string]any, error) {
	m := make(map[string]any, len(n.items)/2)
	for i := 0; i < len(n.items); i += 2 {
		key := n.items[i].(string)
		if err := d.payFor(len(key)); err != nil {
			return nil, err
		}
		value, err := d.natural(n.items[i+1])
		if err != nil {
			return nil, err
		}
		m[key] = value
	}
	return m, nil
}

func onlyText(items []any) bool {
	for i := 0; i < len(items); i += 2 {
		if _, ok := items[i].(string); !ok {
			return false
		}
	}
	return true
}

// dict returns the items in their order, of a key that is there twice the last value, and whether Go can have all keys.
func (d *decoder) dict(n *node) (dict Dict, comparable bool, err error) {
	dict = make(Dict, 0, len(n.items)/2)
	comparable = true
	at := make(map[string]int, len(n.items)/2)
	for i := 0; i < len(n.items); i += 2 {
		d.hashed++
		key, err := d.natural(n.items[i])
		d.hashed--
		if err != nil {
			return nil, false, err
		}
		value, err := d.natural(n.items[i+1])
		if err != nil {
			return nil, false, err
		}
		d.keys.buf = d.keys.buf[:0]
		if err := d.keys.keyed(reflect.ValueOf(&key).Elem()); err != nil {
			return nil, false, fmt.Errorf("a dict has a key that Python does not allow")
		}
		if j, found := at[string(d.keys.buf)]; found {
			dict[j].Value = value
			continue
		}
		at[string(d.keys.buf)] = len(dict)
		dict = append(dict, Item{key, value})
		comparable = comparable && canBeKey(key)
	}
	return dict, comparable, nil
}

// canBeKey reports whether a map finds a natural value again that it has as its key.
func canBeKey(key any) bool {
	switch v := key.(type) {
	case float64:
		return !math.IsNaN(v)
	case nil, bool, int64, string, Decimal, Date, LocalTime, TimeOfDay, TimeDelta, UUID:
		return true
	}
	return false
}

// bytes returns bytes that the caller of Decode owns: a copy, or of Take's data, what is long and there only once.
func (d *decoder) bytes(value any) ([]byte, error) {
	var data []byte
	shared := d.copies > 0
	switch v := value.(type) {
	case []byte:
		if data = v; d.take && !shared && len(data) >= minTaken {
			return data, nil
		}
	case byteArray:
		data = v
	case sharedBytes:
		data, shared = v, true
	}
	if shared {
		if err := d.spend(len(data)); err != nil {
			return nil, err
		}
	}
	return append(make([]byte, 0, len(data)), data...), nil
}

func (d *decoder) bigInt(value any) (*big.Int, error) {
	shared, ok := value.(sharedInt)
	if !ok {
		n := value.(*big.Int)
		if d.copies == 0 {
			return n, nil
		}
		shared.value = n
	}
	if err := d.spend(shared.value.BitLen() / 8); err != nil {
		return nil, err
	}
	return new(big.Int).Set(shared.value), nil
}

var kindNames = [...]string{"list", "tuple", "dict", "set", "frozenset"}

// kindOf names the Python type of a value.
func kindOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "None"
	case bool:
		return "bool"
	case int64, *big.Int, sharedInt:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []byte, sharedBytes:
		return "bytes"
	case byteArray:
		return "bytearray"
	case Decimal:
		return "Decimal"
	case Date:
		return "date"
	case LocalTime:
		return "datetime without a zone"
	case time.Time:
		return "datetime with a zone"
	case TimeOfDay:
		return "time"
	case TimeDelta:
		return "timedelta"
	case *uuidObject:
		return "UUID"
	case *foreign:
		return "an object of " + v.String()
	case *time.Location:
		return "timezone"
	case global:
		return "a Python class"
	case *node:
		return kindNames[v.kind]
	}
	return "something else"
}
