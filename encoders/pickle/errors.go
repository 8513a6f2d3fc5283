package pickle

import (
	"fmt"
	"reflect"

	"github.com/gin-cachette/cachette/encoders"
)

// unfit is a value that has no place where it stands: a Go value without a form in pickle, or a Python value in a
// destination of another type.
type unfit struct {
	path    string // where within the whole value, such as ".name[3]"
	reason  string
	err     error // what a method of the type returned
	foreign bool  // it is no value whatever the destination
}

func (e *unfit) Error() string { return e.reason }

func (e *unfit) text() string {
	if e.path == "" {
		return e.reason
	}
	return fmt.Sprintf("in %s %s", trimDot(e.path), e.reason)
}

func trimDot(path string) string {
	if path != "" && path[0] == '.' {
		return path[1:]
	}
	return path
}

// maxPath keeps the path of a deep value readable.
const maxPath = 200

// within adds a step to the path of err, on its way up.
func within(step string, err error) error {
	if e, ok := err.(*unfit); ok && len(e.path) < maxPath {
		e.path = step + e.path
	}
	return err
}

func unfitf(format string, args ...any) error { return &unfit{reason: fmt.Sprintf(format, args...)} }

func refuse(op string, value any, holds, reason string) error {
	return encoders.Unsupported(name, op, value, holds, reason)
}

// misfit is the error for a value that has no place.
func misfit(op string, value any, holds string, bad *unfit) error {
	refusal := encoders.Unsupported(name, op, value, holds, bad.text())
	refusal.Err = bad.err
	return refusal
}

func mismatch(value any, t reflect.Type) error {
	return unfitf("%s stands where the Go type has %s", kindOf(value), t)
}
