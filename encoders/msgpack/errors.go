package msgpack

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/gin-cachette/cachette/encoders"
)

var errMore = errors.New("more bytes follow the value")

// refusal says why a value cannot be written.
type refusal struct{ reason string }

func (e *refusal) Error() string { return e.reason }

func encodeError(value any, err error) error {
	if refused, ok := err.(*refusal); ok {
		return refuse("encode", value, "", refused.reason, nil)
	}
	return fmt.Errorf("cachette: codec %s cannot encode %T: %w", name, value, err)
}

// mismatch says that the data holds one thing and the Go type another.
type mismatch struct {
	at     int // where in the data
	holds  string
	typ    reflect.Type
	path   string // the fields that lead there
	reason string
	err    error // what a method of the type returned
}

func (e *mismatch) Error() string {
	text := fmt.Sprintf("%s stands where the Go type has %s", e.holds, e.typ)
	if e.path != "" {
		text = fmt.Sprintf("in field %s %s", e.path, text)
	}
	if e.reason != "" {
		text += ": " + e.reason
	}
	return text
}

func (r *reader) mismatch(t token, typ reflect.Type, reason string) error {
	return &mismatch{at: t.at, holds: t.String(), typ: typ, reason: reason}
}

// refused is the mismatch of a value that a method of its type refuses with err, or nil where err is.
func (r *reader) refused(t token, typ reflect.Type, err error) error {
	if err == nil {
		return nil
	}
	return &mismatch{at: t.at, holds: t.String(), typ: typ, reason: "a method of the type refuses it", err: err}
}

// inField notes in an error in which field it happened.
func inField(name string, err error) error {
	wrong, ok := err.(*mismatch)
	switch {
	case !ok:
		return err
	case wrong.path == "":
		wrong.path = name
	default:
		wrong.path = name + "." + wrong.path
	}
	return wrong
}

// decodeError makes the error of Decode. first is the token that the data begins with.
func decodeError(first token, dst any, err error) error {
	wrong, ok := err.(*mismatch)
	switch {
	case !ok:
		return fmt.Errorf("cachette: codec %s cannot decode into %T: %w", name, dst, err)
	case wrong.at == first.at:
		return refuse("decode", dst, wrong.holds, wrong.reason, wrong.err)
	}
	return refuse("decode", dst, first.String(), wrong.Error(), wrong.err)
}

// String tells what a token begins without showing it: a value can be a secret, and errors reach logs.
func (t token) String() string {
	switch t.kind {
	case kindNil:
		return "nil"
	case kindBool:
		return "a boolean"
	case kindInt, kindUint:
		return "an integer"
	case kindFloat:
		return "a float"
	case kindStr:
		return "a string of " + count(t.n, "byte")
	case kindBin:
		return "binary data of " + count(t.n, "byte")
	case kindArray:
		return "an array of " + count(t.n, "element")
	case kindMap:
		return "a map of " + count(t.n, "entry")
	}
	if t.ext == timestamp {
		return "a timestamp"
	}
	return fmt.Sprintf("an extension of type %d", t.ext)
}

func count(n uint64, unit string) string {
	switch {
	case n == 1:
		return "1 " + unit
	case unit == "entry":
		return fmt.Sprintf("%d entries", n)
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// refuse makes the error for a type. cause is what a method of it returned, if that is why.
func refuse(op string, value any, holds, reason string, cause error) error {
	refusal := encoders.Unsupported(name, op, value, holds, reason)
	refusal.Err = cause
	return refusal
}
