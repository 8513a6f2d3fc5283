package store

import (
	"context"

	"github.com/gin-cachette/cachette/internal/keys"
)

// PurgePath makes sure that nothing that is stored for path, or whose fill has begun, is ever served again.
func (s *Responses) PurgePath(ctx context.Context, path string) error {
	s.table.Path(path)
	return s.purgeMark(ctx, path, func(ctx context.Context, slot uint16) error {
		_, err := s.replaceMark(ctx, slot)
		return err
	})
}

// PurgeOwn does what PurgePath does, for a request that changes the path and whose own response, made behind the change, is to
// be kept: its ticket goes on holding, unless another request has purged the target since it was taken.
func (s *Responses) PurgeOwn(ctx context.Context, path string, t *Ticket, target *keys.Target) error {
	s.table.PathBy(&t.stamp, path)
	return s.purgeMark(ctx, path, func(ctx context.Context, slot uint16) error { return s.replaceOwnMark(ctx, slot, t, target) })
}

// purgeMark has a path's mark replaced, where the store is one that other processes have, too.
func (s *Responses) purgeMark(ctx context.Context, path string, replace func(context.Context, uint16) error) error {
	if s.objects != nil {
		return nil
	}
	ctx, cancel := s.far.Step(ctx)
	defer cancel()
	if err := replace(ctx, markSlot(path)); err != nil {
		return owedError{err}
	}
	return nil
}

// ClearNamespace removes the values and responses of a namespace and returns how many were live. Nothing whose fill has
// begun, in whatever process, is served either. If the store does not answer, that is owed.
func (s *Responses) ClearNamespace(ctx context.Context, namespace string) (int, error) {
	s.table.Namespace(namespace)
	prefix := keys.Namespace(s.prefix, namespace)
	if s.objects == nil {
		within, cancel := s.far.Step(ctx)
		_, err := s.replaceMark(within, namespaceSlot(namespace))
		cancel()
		if err != nil {
			return 0, s.oweClear(prefix, err)
		}
	}
	return s.clear(ctx, prefix)
}

// Flush removes all that the cache wrote under its prefix. If the store does not answer, that is owed, and first of all the purge
// of every response, which is carried out sooner.
func (s *Responses) Flush(ctx context.Context) error {
	s.table.All()
	err := s.flush(ctx)
	if err == nil {
		return nil
	}
	s.oweMarks()
	s.startPaying()
	return s.oweClear(s.prefix, err)
}

// flush clears all of the cache, which pays for all that was owed before it.
func (s *Responses) flush(ctx context.Context) error {
	marks, deletes, clears := s.marks.count(), s.deletes.count(), s.clears.count()
	_, err := s.far.Clear(ctx, s.prefix)
	if err == nil {
		s.marks.forget(marks)
		s.deletes.forget(deletes)
		s.clears.forget(clears)
	}
	return err
}
