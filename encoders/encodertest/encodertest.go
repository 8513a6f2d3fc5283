// Package encodertest proves a codec: [Run] holds an encoder to everything that the contract of [encoders.Encoder] says,
// and [Fuzz] looks for bytes that break it. A codec's own tests are only for what it alone has.
//
//	func TestConformance(t *testing.T) {
//		encodertest.Run(t, encodertest.Suite{
//			Encoder: json.New(),
//			Cases: []encodertest.Case{
//				{Value: "text"},
//				{Value: 5, Into: new(any), Want: json.Number("5")},
//			},
//			Refuses:     []any{make(chan int)},
//			RefusesInto: []encodertest.Into{{Value: "text", Dst: new(int)}},
//		})
//	}
package encodertest

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/gin-cachette/cachette/encoders"
)

// Suite says what a codec claims.
type Suite struct {
	Encoder encoders.Encoder

	// Cases are values that make the way through the codec: at least one for each type that it claims, and more of
	// one type where they differ, for each is also decoded over another of its type.
	Cases []Case

	// Refuses are values that Encode refuses as unsupported.
	Refuses []any

	// RefusesInto are destinations that Decode refuses as unsupported.
	RefusesInto []Into

	// AllocPerByte and AllocBase bound what decoding may allocate, whatever the bytes say: AllocBase plus AllocPerByte
	// for each byte of data. Zero means 256 bytes a byte, and 64 KiB.
	AllocPerByte int
	AllocBase    int
}

// Case is a value that makes the way through a codec.
type Case struct {
	// Name names the case. Where it is empty the type of Value does.
	Name string

	// Value is what is encoded.
	Value any

	// Into is a pointer whose type says what is decoded into. Nil means a pointer to the type of Want. Only its type counts.
	Into any

	// Want is what comes back. Nil means Value.
	//
	// It is compared by its Equal or Cmp method where its type has one; else NaN equals NaN, -0 differs from 0, and
	// for the rest [reflect.DeepEqual] rules.
	Want any

	// Data is the bytes that Value is encoded as. Nil means that any will do.
	Data []byte
}

// Into is a destination that a codec refuses for what some data holds.
type Into struct {
	// Name names the case. Where it is empty the type of Dst does.
	Name string

	// Value is encoded to have the data. It is not used where Data is set.
	Value any

	// Data is what is decoded.
	Data []byte

	// Dst is the pointer that is refused. What it points to must not change; a zero shows less than another value.
	Dst any

	// Holds is a text that the error has in its Holds field. Empty means that any text will do, but not none.
	Holds string
}

// Run tests an encoder, each promise of the contract as a subtest of its own. It is not to run beside other tests
// (t.Parallel): one of its subtests measures memory.
func Run(t *testing.T, suite Suite) {
	if suite.Encoder == nil || len(suite.Cases) == 0 {
		t.Fatal("encodertest: the suite needs an Encoder and Cases")
	}
	for _, check := range checks {
		t.Run(check.name, func(t *testing.T) {
			check.run(suite, func(format string, args ...any) {
				t.Helper()
				t.Errorf(format, args...)
			})
		})
	}
}

// A check is one promise of the contract. It calls report for each time that the encoder breaks it.
type check struct {
	name string
	run  func(suite Suite, report reporter)
}

type reporter func(format string, args ...any)

// checks is every promise. A check is a plain function, so that the tests of this package can see one fail.
var checks = []check{
	{"name", checkName},
	{"round trip", checkRoundTrip},
	{"same value same bytes", checkDeterminism},
	{"bytes are the caller's", checkOwnership},
	{"the old value is replaced", checkReplacement},
	{"refused values", checkRefuses},
	{"bad destinations", checkBadDestinations},
	{"refused destinations", checkRefusesInto},
	{"concurrent use", checkConcurrency},
	{"hostile bytes", checkHostile},
	{"bounded memory", checkMemory},
}

func (c Case) want() any {
	if c.Want == nil {
		return c.Value
	}
	return c.Want
}

// dstType is the type that the case is decoded into.
func (c Case) dstType() reflect.Type {
	if c.Into != nil {
		return reflect.TypeOf(c.Into).Elem()
	}
	if want := c.want(); want != nil {
		return reflect.TypeOf(want)
	}
	return reflect.TypeFor[any]()
}

// label names the i-th case.
func (c Case) label(i int) string {
	if c.Name != "" {
		return c.Name
	}
	return fmt.Sprintf("case %d (%T)", i, c.Value)
}

// encode calls Encode. A panic is an error, so that one value does not hide what the others would show.
func (s Suite) encode(value any) (data []byte, err error) {
	defer catch(&err)
	return s.Encoder.Encode(value)
}

// decode calls Decode. A panic is an error.
func (s Suite) decode(data []byte, dst any) (err error) {
	defer catch(&err)
	return s.Encoder.Decode(data, dst)
}

// decodeNew decodes data into a new value of type t.
func (s Suite) decodeNew(data []byte, t reflect.Type) (any, error) {
	dst := reflect.New(t)
	if err := s.decode(data, dst.Interface()); err != nil {
		return nil, err
	}
	return dst.Elem().Interface(), nil
}

// panicError is a panic of the encoder.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("it panicked: %v", e.value) }

func catch(err *error) {
	if value := recover(); value != nil {
		*err = &panicError{value}
	}
}

// encoded is a case with its bytes.
type encoded struct {
	Case
	label string
	data  []byte
}

// encodeAll encodes the cases. One that cannot be encoded is left out: the round trip reports it.
func (s Suite) encodeAll() []encoded {
	var all []encoded
	for i, c := range s.Cases {
		if data, err := s.encode(c.Value); err == nil {
			// A copy, for the encoder may not yet be known to give its bytes away.
			all = append(all, encoded{c, c.label(i), append([]byte{}, data...)})
		}
	}
	return all
}
