package entries

import (
	"context"
	"fmt"
	"time"

	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/purge"
)

// GetValues returns values in the order of their keys, nil for one that is not there, or whose removal is owed. Of several servers those that answer
// give theirs: [guard.ErrorOf] tells of which keys the error is.
func (s *Store) GetValues(ctx context.Context, keys []string) ([][]byte, error) {
	var gone []int
	for i, key := range keys {
		if s.removed(key) {
			gone = append(gone, i)
		}
	}
	values, err := s.far.GetValues(ctx, keys...)
	if len(values) != len(keys) { // as it may be with an error
		values = make([][]byte, len(keys))
	}
	for _, i := range gone {
		values[i] = nil
	}
	return values, err
}

// SetValues stores values, in place of those whose removal may be owed. [guard.ErrorOf] tells of which keys the error is.
func (s *Store) SetValues(ctx context.Context, ttl time.Duration, keys []string, values [][]byte) error {
	if !Keeps(ctx) {
		return nil
	}
	owed := make([]uint64, len(keys))
	for i, key := range keys {
		owed[i] = s.deletes.owed(key)
	}
	err := s.far.SetValues(ctx, ttl, keys, values)
	for i, key := range keys {
		if owed[i] > 0 && guard.ErrorOf(err, i) == nil {
			s.deletes.paid(key, owed[i])
		}
	}
	return err
}

// AddValue stores a value where there is none, and tells whether it has. Where the removal of what is there is owed, that cannot be told: what were
// added would go with it, and another could add its own then.
func (s *Store) AddValue(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	if !Keeps(ctx) {
		return false, nil
	}
	if s.removed(key) {
		return false, fmt.Errorf("the removal of what is there is not carried out yet, and would take the value with it; add it later: %w", purge.ErrOwed)
	}
	return s.far.Insert(ctx, key, value, ttl)
}
