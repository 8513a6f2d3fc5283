package entries

import (
	"context"
	"errors"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/target"
)

// Purge makes sure that nothing of scopes that is stored, or whose fill has begun, in whatever process, is ever served again, and removes the
// values of namespaces. It returns when that holds in all processes.
func (s *Store) Purge(ctx context.Context, namespaces []string, scopes ...purge.Scope) error {
	err := s.purge(context.WithoutCancel(ctx), scopes...)
	for _, namespace := range namespaces {
		_, err = s.clearBehind(ctx, namespace, err)
	}
	return err
}

// PurgeOwn does what Purge does, for a request that BeginOwn was told of: its ticket goes on holding, unless another request has purged the
// target since it was taken.
func (s *Store) PurgeOwn(ctx context.Context, t *Ticket, scopes ...purge.Scope) error {
	if s.local != nil {
		return s.local.PurgeBy(ctx, &t.Ticket, scopes...)
	}
	ctx, cancel := s.far.Step(ctx)
	defer cancel()
	return s.owed(s.shared.PurgeBy(ctx, &t.Ticket, scopes...))
}

func (s *Store) purge(ctx context.Context, scopes ...purge.Scope) error {
	if s.local != nil {
		return s.local.Purge(ctx, scopes...)
	}
	ctx, cancel := s.far.Step(ctx)
	defer cancel()
	return s.owed(s.shared.Purge(ctx, scopes...))
}

// Owe does what Purge does of a store that does not take it, without asking: for what it has just not taken, and still owes. It tells
// whether that is so.
func (s *Store) Owe(scopes ...purge.Scope) bool {
	if s.shared == nil || s.shared.Owed() == 0 {
		return false
	}
	s.shared.Owe(scopes...)
	s.startPaying()
	return true
}

// owed has a purge that the store did not take carried out later. It returns its error.
func (s *Store) owed(err error) error {
	if errors.Is(err, purge.ErrOwed) || err != nil && s.shared.Owed() > 0 {
		s.startPaying()
	}
	return err
}

// ClearNamespace removes the values and responses of a namespace and returns how many were live. Nothing whose fill has
// begun, in whatever process, is served either. If the store does not answer, that is owed.
func (s *Store) ClearNamespace(ctx context.Context, namespace string) (int, error) {
	return s.clearBehind(ctx, namespace, s.purge(ctx, purge.Scope{Kind: purge.Namespace, Name: namespace}))
}

// clearBehind removes what is stored of a namespace, behind a purge, and returns how much of it was live. Behind one that has failed it is owed.
func (s *Store) clearBehind(ctx context.Context, namespace string, purged error) (int, error) {
	prefix := target.Namespace(s.prefix, namespace)
	if purged != nil {
		return 0, s.oweClear(prefix, purged)
	}
	waiting := s.unqueue(prefix)
	n, err := s.clear(ctx, prefix)
	return waiting + n, err
}

// Flush removes all that the cache wrote under its prefix: with the marks, every response is gone. If the store does not answer, that
// is owed, and so is the purge of every response, which is carried out sooner.
func (s *Store) Flush(ctx context.Context) error {
	if s.local != nil { // the purges are not in the store
		_ = s.local.Purge(ctx, purge.Scope{Kind: purge.All})
	}
	err := s.flush(ctx)
	if err == nil && s.shared != nil {
		err = s.shared.Arranged(ctx)
	}
	if err == nil {
		return nil
	}
	if s.shared != nil {
		if purged := s.owed(s.shared.Purge(ctx, purge.Scope{Kind: purge.All})); errors.Is(purged, purge.ErrOwed) {
			err = owing(err)
		}
	}
	return s.oweClear(s.prefix, err)
}

// flush clears all of the cache, which pays for what was owed before it.
func (s *Store) flush(ctx context.Context) error {
	s.unqueue(s.prefix)
	deletes, clears := s.deletes.count(), s.clears.count()
	if _, err := s.far.Clear(ctx, s.prefix); err != nil {
		return err
	}
	s.deletes.forget(deletes)
	s.clears.forget(clears)
	if s.shared == nil {
		return nil
	}
	ctx, cancel := s.far.Step(ctx)
	defer cancel()
	return s.owed(s.shared.Cleared(ctx))
}
