// Package encoders defines the contract between cachette and the codecs that turn values into the bytes of a store.
//
// The bytes in the store are exactly an encoder's output, so that other programs, in other languages, can share them.
// The package encodertest proves an implementation.
package encoders

import (
	"errors"
	"fmt"
	"strings"
)

// ErrUnsupportedType says that a codec cannot take a value, or cannot give one back in the type asked for.
// What a codec returns is an [*UnsupportedTypeError], which matches it.
var ErrUnsupportedType = errors.New("cachette: unsupported type")

// Encoder turns values into bytes and back. It is safe for concurrent use.
type Encoder interface {
	// Name returns the codec's name, as configured: "json".
	Name() string

	// Encode returns value as bytes that the caller owns. A type that the codec cannot take is an error that
	// matches [ErrUnsupportedType]; [Unsupported] makes it.
	Encode(value any) ([]byte, error)

	// Decode stores what data holds in the value that dst points to. On an error the value is unchanged. A dst
	// that is not a pointer, is nil, or points to a type that cannot hold what data holds is an error that matches
	// [ErrUnsupportedType]; data that the codec did not write is an error, never a panic. Decode keeps no reference
	// to data.
	Decode(data []byte, dst any) error
}

// Taker is an encoder that decodes large data without copying it. cachette gives it the bytes that a store has handed
// over. Without it cachette calls Decode.
type Taker interface {
	// Take does what Decode does, and takes data over: what dst points to may keep references to it afterwards, so
	// it may not be changed any more.
	Take(data []byte, dst any) error
}

// UnsupportedTypeError tells which type a codec could not take or give back. It matches [ErrUnsupportedType].
// [Unsupported] makes it.
type UnsupportedTypeError struct {
	Codec  string   // the codec's name
	Op     string   // "encode" or "decode"
	Type   string   // the Go type, as %T prints it: of the value, or of dst
	Holds  string   // decode only, and only where it is known: what the data holds
	Reason string   // what would be right; may be empty
	Asked  bool     // encode only: whether the other linked codecs were asked, as Put does
	Takers []string // which of them take the value, sorted; none may
	Err    error    // what a method of the type returned, where that refused it; Error does not show it, for it may quote the value
}

// Unsupported returns the error of a codec that cannot take value, or, where op is "decode", give back in the type of
// value, which is then the dst, what the data holds. The value itself is not in the error, and must not be in holds and
// reason: it can be a secret.
func Unsupported(codec, op string, value any, holds, reason string) *UnsupportedTypeError {
	return &UnsupportedTypeError{Codec: codec, Op: op, Type: fmt.Sprintf("%T", value), Holds: holds, Reason: reason}
}

// Error tells all but Err.
func (e *UnsupportedTypeError) Error() string {
	var msg string
	if e.Op == "decode" {
		msg = fmt.Sprintf("cachette: codec %s cannot decode into %s", e.Codec, e.Type)
		if e.Holds != "" {
			msg = fmt.Sprintf("cachette: codec %s cannot decode %s into %s", e.Codec, e.Holds, e.Type)
		}
	} else {
		msg = fmt.Sprintf("cachette: codec %s cannot encode %s", e.Codec, e.Type)
	}
	if e.Reason != "" {
		msg += ": " + e.Reason
	}
	switch n := len(e.Takers); {
	case n == 0 && e.Asked:
		msg += "; no other linked codec takes the value, and to link others is to import their packages"
	case n == 1:
		msg += "; codec " + e.Takers[0] + " takes the value"
	case n > 1:
		msg += "; codecs " + strings.Join(e.Takers[:n-1], ", ") + " and " + e.Takers[n-1] + " take the value"
	}
	return msg
}

// Unwrap returns Err.
func (e *UnsupportedTypeError) Unwrap() error { return e.Err }

// Is reports whether target is [ErrUnsupportedType].
func (e *UnsupportedTypeError) Is(target error) bool { return target == ErrUnsupportedType }
