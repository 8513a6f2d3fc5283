// Package marked gives errors a kind that their texts do not say: what a store can never do ([errors.ErrUnsupported]), or what it has
// answered while it works (drivers.ErrAnswered).
package marked

// Error is an error that matches Kind, and says what the one says that it is around.
type Error struct{ Err, Kind error }

func (e Error) Error() string        { return e.Err.Error() }
func (e Error) Unwrap() error        { return e.Err }
func (e Error) Is(target error) bool { return target == e.Kind }

// If marks an error where it is one of a kind.
func If(is bool, kind, err error) error {
	if is {
		return Error{err, kind}
	}
	return err
}
