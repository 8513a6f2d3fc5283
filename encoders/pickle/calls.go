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
	return fmt.Errorf("the global %s is not taken: this codec reads data alone", printable(module+"."+qualified))
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
	g, okGlobal := values[0].(global)
	arguments, okTuple := values[1].(*node)
	if !okGlobal || !okTuple || arguments.kind != kindTuple {
		return errors.New("the opcode REDUCE finds no global with a tuple of arguments")
	}
	value, err := r.make(g, arguments.items)
	if err != nil {
		return err
	}
	return r.push(value)
}

func (r *reader) make(g global, args []any) (any, error) {
	switch g {
	case globalSet:
		return container(kindSet, args)
	case globalFrozenSet:
		return container(kindFrozenSet, args)
	case globalOrderedDict:
		if len(args) == 0 {
			return &node{kind: kindDict}, nil
		}
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
	case globalTimeDelta:
		return makeTimeDelta(args)
	case globalTimeZone:
		return makeTimeZone(args)
	case globalGetattr:
		// The one attribute that is asked for: a ZoneInfo is pickled as ZoneInfo._unpickle(name, from the cache or not).
		if len(args) == 2 && args[0] == any(globalZoneInfo) && args[1] == any("_unpickle") {
			return globalUnpickleZone, nil
		}
		return nil, errors.New("the global builtins.getattr is not taken: this codec reads data alone")
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

// container makes a set of a list, as protocols 0 to 3 have it.
func container(k kind, args []any) (any, error) {
	if len(args) == 0 {
		return &node{kind: k}, nil
	}
	list, ok := only[*node](args)
	if !ok || list.kind != kindList {
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

// makeTimeDelta makes what only a timezone needs: whole seconds, less than a day.
func makeTimeDelta(args []any) (any, error) {
	if len(args) != 3 {
		return nil, errArguments
	}
	days, okDays := args[0].(int64)
	seconds, okSeconds := args[1].(int64)
	if !okDays || !okSeconds || args[2] != any(int64(0)) || days < -1 || days > 0 || seconds < 0 || seconds >= daySeconds {
		return nil, errors.New("a datetime.timedelta is not the offset of a timezone in whole seconds, which is all that is taken")
	}
	return timeDelta(days*daySeconds + seconds), nil
}

const daySeconds = 24 * 60 * 60

func makeTimeZone(args []any) (any, error) {
	if len(args) != 1 && len(args) != 2 {
		return nil, errArguments
	}
	offset, ok := args[0].(timeDelta)
	if !ok || offset <= -daySeconds {
		return nil, errArguments
	}
	if len(args) == 1 {
		if offset == 0 {
			return time.UTC, nil
		}
		return time.FixedZone("", int(offset)), nil
	}
	zone, ok := args[1].(string)
	if !ok {
		return nil, errArguments
	}
	return time.FixedZone(zone, int(offset)), nil
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
