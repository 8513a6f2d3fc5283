package pickle

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// stackGlobal takes the two names of a global off the stack.
func (r *reader) stackGlobal() error {
	names, err := r.pop(2)
	if err != nil {
		return err
	}
	module, okModule := names[0].(string)
	qualified, okName := names[1].(string)
	if !okModule || !okName {
		return errors.New("the name of a global is not a str")
	}
	return r.pushGlobal(module, qualified)
}

func (r *reader) pushGlobal(module, qualified string) error {
	// A longer name is none of the list, and is not copied.
	if len(module)+len(qualified) < 64 {
		if g, ok := globals[module+"."+qualified]; ok {
			return r.push(g)
		}
	}
	return r.push(foreignClass(module, qualified))
}

// printable shortens and quotes what stands in a pickle as a name, where it is not the name of a Python object.
func printable(text string) string {
	const limit = 100
	if len(text) > limit {
		text = text[:limit]
	}
	for _, c := range text {
		if c <= ' ' || c > '~' {
			return fmt.Sprintf("%q", text)
		}
	}
	return text
}

var errArguments = errors.New("a global has arguments that Python does not write")

// reduce makes the value for which a pickle has a global and its arguments.
func (r *reader) reduce() error {
	values, err := r.pop(2)
	if err != nil {
		return err
	}
	arguments, okTuple := values[1].(*node)
	if okTuple && arguments.kind == kindTuple {
		switch called := values[0].(type) {
		case *foreign:
			return r.push(called)
		case global:
			value, err := r.make(called, arguments.items)
			if err != nil {
				return err
			}
			return r.push(value)
		}
	}
	return errors.New("the opcode REDUCE finds no global with a tuple of arguments")
}

// maxArguments is how many any global of the list has. More are not looked at: the memo may hand them out again and again.
const maxArguments = 3

func (r *reader) make(g global, args []any) (any, error) {
	if len(args) > maxArguments {
		return nil, errArguments
	}
	switch g {
	case globalDefaultDict: // its one argument makes the values that are missing
		if len(args) <= 1 {
			return &node{kind: kindDict}, nil
		}
		return nil, errArguments
	case globalReconstructor:
		return reconstruct(args)
	}
	if f := foreignIn(args); f != nil {
		return f, nil
	}
	switch g {
	case globalSet:
		return container(kindSet, kindList, args)
	case globalFrozenSet:
		return container(kindFrozenSet, kindList, args)
	case globalCounter:
		return container(kindDict, kindDict, args)
	case globalDeque:
		return deque(args)
	case globalOrderedDict:
		if len(args) == 0 {
			return &node{kind: kindDict}, nil
		}
		return nil, errArguments
	case globalDtype:
		return makeDtype(args)
	case globalScalar:
		return r.scalar(args)
	}
	return r.makeValue(g, args)
}

// makeValue makes what is no container, nor of numpy.
func (r *reader) makeValue(g global, args []any) (any, error) {
	switch g {
	case globalBytes:
		if len(args) == 0 {
			return []byte{}, nil
		}
	case globalByteArray:
		return r.byteArray(args)
	case globalEncode:
		return r.latin1(args, "latin1")
	case globalDecimal:
		text, ok := only[string](args)
		if err := r.payFor(len(text)); err != nil {
			return nil, err
		}
		if ok && Decimal(text).Valid() {
			return Decimal(text), nil
		}
	case globalDate:
		if state, ok := only[[]byte](args); ok {
			return dateFromState(state)
		}
	case globalDateTime:
		return dateTimeFromState(args)
	case globalTime:
		return timeFromState(args)
	case globalTimeDelta:
		return makeTimeDelta(args)
	case globalTimeZone:
		return makeTimeZone(args)
	case globalGetattr:
		// The one attribute that is asked for: a ZoneInfo is pickled as ZoneInfo._unpickle(name, from the cache or not).
		if len(args) == 2 && args[0] == any(globalZoneInfo) && args[1] == any("_unpickle") {
			return globalUnpickleZone, nil
		}
		return foreignClass("builtins", "getattr"), nil
	case globalUnpickleZone:
		return r.zone(args)
	}
	return nil, errArguments
}

// only returns the only argument, if it is a T. What the memo has handed out again is one as well.
func only[T any](args []any) (value T, ok bool) {
	if len(args) != 1 {
		return value, false
	}
	return argument[T](args[0])
}

func argument[T any](arg any) (value T, ok bool) {
	if shared, is := arg.(sharedBytes); is {
		arg = []byte(shared)
	}
	value, ok = arg.(T)
	return value, ok
}

// deque makes a list of the arguments of a deque: its items, which mostly follow, and how long it may become.
func deque(args []any) (any, error) {
	if len(args) == 2 {
		args = args[:1]
	}
	if items, ok := only[*node](args); ok && items.kind == kindTuple && len(items.items) == 0 {
		args = nil
	}
	return container(kindList, kindList, args)
}

// container makes a container of another one, as protocols 0 to 3 have sets, and all a Counter.
func container(k, of kind, args []any) (any, error) {
	if len(args) == 0 {
		return &node{kind: k}, nil
	}
	list, ok := only[*node](args)
	if !ok || list.kind != of {
		return nil, errArguments
	}
	// The list is of the set alone: a copy of one that the memo hands out would be paid for by a few bytes. It may come
	// once more all the same, within arguments that the memo hands out.
	if list.shared {
		return nil, errArguments
	}
	list.shared = true
	return &node{kind: k, items: slices.Clip(list.items)}, nil
}

// latin1 makes bytes of a str with the characters 0 to 255, as protocols 0 to 2 have them.
func (r *reader) latin1(args []any, coding string) ([]byte, error) {
	if len(args) != 2 || args[1] != any(coding) {
		return nil, errArguments
	}
	text, ok := args[0].(string)
	if !ok {
		return nil, errArguments
	}
	if err := r.payFor(len(text)); err != nil {
		return nil, err
	}
	data := make([]byte, 0, len(text))
	for _, c := range text {
		if c > 255 {
			return nil, errArguments
		}
		data = append(data, byte(c))
	}
	return data, nil
}

func (r *reader) byteArray(args []any) (any, error) {
	switch len(args) {
	case 0:
		return byteArray{}, nil
	case 1:
		data, ok := argument[[]byte](args[0])
		if !ok {
			return nil, errArguments
		}
		return byteArray(data), nil
	}
	data, err := r.latin1(args, "latin-1")
	return byteArray(data), err
}

func makeTimeDelta(args []any) (any, error) {
	if len(args) != 3 {
		return nil, errArguments
	}
	var parts [3]int
	for i, arg := range args {
		n, ok := arg.(int64)
		if !ok || n > maxDays || n < -maxDays {
			return nil, errArguments
		}
		parts[i] = int(n)
	}
	delta := TimeDelta{parts[0], parts[1], parts[2]}
	if !delta.valid() {
		return nil, errors.New("a datetime.timedelta is none that Python has")
	}
	return delta, nil
}

const daySeconds = 24 * 60 * 60

func makeTimeZone(args []any) (any, error) {
	if len(args) != 1 && len(args) != 2 {
		return nil, errArguments
	}
	delta, ok := args[0].(TimeDelta)
	if !ok || delta.Days < -1 || delta.Days > 0 {
		return nil, errArguments
	}
	offset := delta.Days*daySeconds + delta.Seconds
	if offset <= -daySeconds {
		return nil, errArguments
	}
	if delta.Microseconds != 0 {
		return nil, errors.New("the offset of a timezone is not in whole seconds, which is all that is taken")
	}
	if len(args) == 1 {
		if offset == 0 {
			return time.UTC, nil
		}
		return time.FixedZone("", offset), nil
	}
	zone, ok := args[1].(string)
	if !ok {
		return nil, errArguments
	}
	return time.FixedZone(zone, offset), nil
}

// There are fewer zones than that, and none has a longer name.
const (
	maxZones    = 1000
	maxZoneName = 100
)

// zone returns a zone by its name. Each is looked up once.
func (r *reader) zone(args []any) (any, error) {
	if len(args) != 2 {
		return nil, errArguments
	}
	key, ok := args[0].(string)
	if !ok || key == "" || key == "Local" || len(key) > maxZoneName || strings.Contains(key, "..") {
		return nil, errArguments
	}
	if zone, ok := r.zones[key]; ok {
		return zone, nil
	}
	if len(r.zones) >= maxZones {
		return nil, errors.New("there are more time zones than the world has")
	}
	zone, err := time.LoadLocation(key)
	if err != nil {
		return nil, errors.New("the time zone of a datetime is not known to this program: import time/tzdata, or install the zones")
	}
	if r.zones == nil {
		r.zones = make(map[string]*time.Location)
	}
	r.zones[key] = zone
	return zone, nil
}
