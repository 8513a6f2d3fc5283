package guard

import (
	"context"
	"errors"
)

// Keys does what [drivers.Lister] says. A person asks for it: it is bounded by ctx alone, and neither counted nor held against the store. Where the driver cannot
// list keys the error matches [errors.ErrUnsupported].
func (s *Store) Keys(ctx context.Context, prefix string, most int) (keys []string, all bool, err error) {
	if s.lister == nil {
		return nil, false, errors.ErrUnsupported
	}
	return s.lister.Keys(ctx, prefix, most)
}

// Entries does what [drivers.Counted] says, as Keys does. ok tells whether the driver can.
func (s *Store) Entries(ctx context.Context) (n int64, ok bool, err error) {
	if s.counted == nil {
		return 0, false, nil
	}
	n, err = s.counted.Entries(ctx)
	return n, true, err
}
