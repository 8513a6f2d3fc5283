// Package pickle is the codec that stores values as Python's pickle does, as data alone. Python reads with plain
// pickle.loads what Go stores, equal in value and in type, and Go reads what pickle.dumps of Python 3 wrote at protocols 0 to 5.
//
// What names code is not read: an object of a class of one's own, be it a dataclass, an Enum, a namedtuple or a model of
// pydantic, a DataFrame, an array of numpy, a function. It is an error that names the class, unless it stands under a key
// for which the struct that is fetched into has no field: then it is skipped. In Python, store dataclasses.asdict(value),
// value.value, tuple(value) or value.model_dump() in its place.
//
// # Types
//
// What is stored for a Go value, and what a fetch gives: into an any the first Go type of its line, and into another
// destination whatever of the line fits.
//
//	Python                     Go
//	None                       nil; any pointer, map and slice that is nil; types with MarshalText whose MarshalJSON says
//	                           null, of this value and of the zero one, such as google/uuid's NullUUID
//	bool                       bool
//	int                        int64 (beyond it *big.Int), all other int and uint types, big.Int, time.Duration (as an int)
//	float                      float64, float32
//	str                        string; types with MarshalText and UnmarshalText
//	bytes                      []byte, [N]byte; a bytearray is read as bytes
//	list                       []any, slices, arrays; a collections.deque is read as a list
//	tuple                      Tuple; slices and arrays are read of it
//	dict                       map[string]any if all keys are str, else map[any]any, and Dict where a Go map cannot have
//	                           the keys; maps, structs; an OrderedDict, a defaultdict and a Counter are read as
//	                           a dict
//	set                        Set, map[T]struct{}
//	frozenset                  FrozenSet; a map[T]struct{} is read of it
//	decimal.Decimal            Decimal
//	datetime.date              Date
//	datetime.datetime, aware   time.Time
//	datetime.datetime, naive   LocalTime
//	datetime.time, naive       TimeOfDay
//	datetime.timedelta         TimeDelta; a time.Duration is read of it, where it is not too long
//	uuid.UUID                  UUID; [16]byte and types with UnmarshalText are read of it
//
// A scalar of numpy (what mean and sum of a column give) is read as the bool, int, float, str or bytes that it is.
//
// A named type is as the type it is made of. A struct is a dict with the names of its fields, by the rules of
// encoding/json (embedded structs, "-", omitempty, omitzero), named by the tag "pickle", else by "json", else as in Go.
// A fetch finds a field by its exact name, or else without regard to case, and skips what has no field. MarshalText goes
// before the kind of a type. The items of a map are sorted by key and the elements of a set are sorted, so that the same
// value has the same bytes; a [Dict] keeps its order.
//
// What Python hashes, keys and elements, must be hashable there: a list is refused (give a [Tuple]; an array is a tuple
// there by itself), so are a dict and a set (give a [FrozenSet]), and keys that Python holds equal, such as 1, 1.0 and
// true. A string that is not UTF-8 is refused, for Python's str cannot hold it; of Python's a str with a surrogate alone.
//
// Nothing is converted on the way in but an int to a float that holds it exactly. None can be fetched into what can be
// nil only, so that it is never mistaken for a zero.
//
// # Times
//
// A time.Time is stored with its offset from UTC, cut to microseconds, which is all that Python has: as timezone.utc, or
// as a timezone of a fixed offset. The name of its zone is not stored, for Python may not have it, and could then read
// nothing. A datetime with a zoneinfo.ZoneInfo is read as a time.Time in that zone, which the program must know
// (time/tzdata, or the files of the system): where clocks are set back the fold says which of two times it is, from
// protocol 4 on; earlier ones do not have it.
//
// # Safety
//
// A pickle is a program, and one that is read as Python reads it can do anything. This reader has a fixed list of
// opcodes and of globals (the types above, and what Python builds them with), makes each value itself, and calls
// nothing: any other opcode is an error that names it, and of any other global and what it would make nothing is kept but
// the name. Lengths are held against the bytes that are there,
// values nest 1000 deep at most (sets in sets 16), and an int in decimal has 4300 digits at most, as in Python. What is
// one object in Python becomes equal values here, no two of them sharing memory; one that holds itself is an error, and
// so are so many copies that they would cost more than a few hundred bytes for each byte of the pickle, beside some
// megabytes.
//
// # Why it is written here
//
// There are two maintained libraries, github.com/kisielk/og-rek and github.com/nlpodyssey/gopickle. Neither keeps the
// promises of a codec, and both are in its tests instead: what they write is read here, what is written here they read.
//
// Of og-rek, the writer has maps in another order each time, no sets, ints in decimal (Python reads 4300 digits), and
// overflows the stack at a value that holds itself, which no program survives; the reader has no sets, frozensets,
// LONG4, or texts and bytes of 64-bit lengths, and a list that is there twice is empty the second time: x = [1]; [x, x]
// is read as [[1], []], without an error.
//
// Of gopickle, which has no writer, the reader panics at some bytes that Python writes (the set {b"a"}) and at many that
// it does not, allocates whatever a length says, reads a text of protocol 0 with its escapes left in, and hands out any
// global as a class.
//
// To guard them, each opcode would have to be read before they read it, and what they made be converted after, which is
// more than to read it once. [Codec.Encode] and [Codec.Decode] are faster than the bare libraries.
package pickle

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/gin-cachette/cachette/encoders"
)

const name = "pickle"

func init() { encoders.Register(New()) }

// Codec is the pickle codec. It has no state.
type Codec struct{}

// New returns the pickle codec.
func New() *Codec { return &Codec{} }

var _ encoders.Taker = (*Codec)(nil)

// Name returns "pickle".
func (*Codec) Name() string { return name }

// Encode returns value as a pickle of protocol 4.
func (*Codec) Encode(value any) ([]byte, error) {
	data, err := encode(value)
	if err == nil {
		return data, nil
	}
	var bad *unfit
	if errors.As(err, &bad) {
		return nil, misfit("encode", value, "", bad)
	}
	return nil, fmt.Errorf("cachette: codec %s cannot encode %T: %w", name, value, err)
}

// Decode stores what a pickle of protocol 0 to 5 holds in the value that dst points to.
func (*Codec) Decode(data []byte, dst any) error { return decode(data, dst, false) }

// Take does what Decode does, but that long bytes stay where they are in data.
func (*Codec) Take(data []byte, dst any) error { return decode(data, dst, true) }

func decode(data []byte, dst any, take bool) (err error) {
	pointer := reflect.ValueOf(dst)
	if pointer.Kind() != reflect.Pointer || pointer.IsNil() {
		return refuse("decode", dst, "", "give a pointer that is not nil")
	}
	defer func() {
		// No panic is known. A type's own UnmarshalText may have one.
		// What it panicked with is not shown: it may hold the value.
		if recover() != nil {
			err = fmt.Errorf("cachette: codec %s cannot decode into %T: a method of a type panicked", name, dst)
		}
	}()

	r := reader{data: data, budget: newBudget(data)}
	value, err := r.read()
	if err != nil {
		return fmt.Errorf("cachette: codec %s cannot decode into %T: %w", name, dst, err)
	}
	d := decoder{take: take, budget: r.budget}
	if err = d.store(value, dst, pointer); err == nil {
		return nil
	}
	var bad *unfit
	switch {
	case !errors.As(err, &bad):
		return fmt.Errorf("cachette: codec %s cannot decode into %T: %w", name, dst, err)
	case bad.foreign:
		return fmt.Errorf("cachette: codec %s cannot decode into %T: %s", name, dst, bad.text())
	}
	return misfit("decode", dst, kindOf(value), bad)
}
