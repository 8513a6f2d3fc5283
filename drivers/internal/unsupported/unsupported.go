// Package unsupported marks the errors of what a store can never do, as it is, so that it is not tried again.
package unsupported

import "errors"

// Error is an error that matches [errors.ErrUnsupported], and says what the one says that it is around.
type Error struct{ Err error }

func (e Error) Error() string        { return e.Err.Error() }
func (e Error) Unwrap() error        { return e.Err }
func (e Error) Is(target error) bool { return target == errors.ErrUnsupported }

// If marks an error where it is one of what the store can never do.
func If(never bool, err error) error {
	if never {
		return Error{err}
	}
	return err
}
