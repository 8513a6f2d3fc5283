package entries

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/purge"
)

// GetValue returns a value, or [drivers.ErrMiss], which it is for one whose removal is owed.
func (s *Store) GetValue(ctx context.Context, key string) (drivers.Item, error) {
	if s.removed(key) {
		return drivers.Item{}, drivers.ErrMiss
	}
	return s.far.Get(ctx, key)
}

// KeepsNothing is the key, in a context, of true where nothing that is made with it is to be kept: the request is not as any client's.
type KeepsNothing struct{}

// Keeps tells whether what is made with a context may be kept.
func Keeps(ctx context.Context) bool { return ctx.Value(KeepsNothing{}) == nil }

// SetValue stores a value, in place of one whose removal may be owed.
func (s *Store) SetValue(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if !Keeps(ctx) {
		return nil
	}
	owed := s.deletes.owed(key)
	err := s.far.Set(ctx, key, value, ttl)
	if err == nil && owed > 0 {
		s.deletes.paid(key, owed)
	}
	return err
}

// removed tells whether the removal of a value is owed: what the store has under its key is not to be fetched.
func (s *Store) removed(key string) bool {
	return s.deletes.owed(key) > 0 || s.clears.some(func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

// DeleteValues removes values, purges scopes beside that, and returns how many values were live. What the store does not take is owed: of several
// servers that is what those have that do not answer, and [guard.ErrorOf] tells of which keys the error is.
func (s *Store) DeleteValues(ctx context.Context, scopes []purge.Scope, keys ...string) (int, error) {
	if len(keys) == 0 {
		return 0, nil
	}
	purged := s.purgeBeside(ctx, scopes)
	n, err := s.deleteKeys(ctx, keys)
	problem := <-purged
	if err == nil || problem != nil && !errors.Is(problem, purge.ErrOwed) && errors.Is(err, purge.ErrOwed) { // all is owed, or it is not said
		err = problem
	}
	return n, err
}

// errEnded says that a driver has ended the goroutine of an operation.
var errEnded = errors.New("cachette: the driver has ended its goroutine")

// purgeBeside purges scopes while the caller asks the store for something else.
func (s *Store) purgeBeside(ctx context.Context, scopes []purge.Scope) <-chan error {
	done := make(chan error, 1)
	if len(scopes) == 0 || s.local != nil {
		done <- s.purge(ctx, scopes...)
		return done
	}
	go func() {
		err := errEnded // unless it returns
		defer func() { done <- err }()
		err = guard.Contained(func() error { return s.purge(ctx, scopes...) })
	}()
	return done
}

func (s *Store) deleteKeys(ctx context.Context, keys []string) (int, error) {
	number := s.deletes.count()
	n, err := s.far.Delete(ctx, keys...)
	if err == nil {
		s.deletesPaid(keys, number)
		return n, nil
	}
	owes := false
	for i, key := range keys {
		switch of := guard.ErrorOf(err, i); {
		case of == nil:
			s.deletesPaid(keys[i:i+1], number)
		case hopeless(of):
		case !s.deletes.owe(key, maxOwed):
			s.startPaying() // for those before
			return n, s.oweAll(err)
		default:
			owes = true
		}
	}
	if !owes {
		return n, err
	}
	s.startPaying()
	return n, owing(err)
}

func (s *Store) deletesPaid(keys []string, number uint64) {
	if s.deletes.empty() {
		return
	}
	for _, key := range keys {
		s.deletes.paid(key, number)
	}
}

// clear removes what has a prefix and returns how much of it was live. If the store does not answer, that is owed.
func (s *Store) clear(ctx context.Context, prefix string) (int, error) {
	owed := s.clears.owed(prefix)
	n, err := s.far.Clear(ctx, prefix)
	if err != nil {
		return n, s.oweClear(prefix, err)
	}
	s.clears.paid(prefix, owed)
	return n, nil
}

// oweClear notes that a clearing is owed, which has failed with err, and returns the error that says so.
func (s *Store) oweClear(prefix string, err error) error {
	switch {
	case hopeless(err):
		return err
	case !s.clears.owe(prefix, maxOwed):
		return s.oweAll(err)
	}
	s.startPaying()
	return owing(err)
}

// oweAll notes that all there is of the cache is to be cleared, in place of what is too much to be owed one by one. Where other programs
// may have keys among those of the cache, that cannot be carried out, so that it is not owed.
func (s *Store) oweAll(err error) error {
	if s.prefix == "" && !s.far.Dedicated() {
		return err
	}
	s.clears.owe(s.prefix, 0)
	s.startPaying()
	return owing(err)
}
