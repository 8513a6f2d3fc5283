package purge

import (
	"context"
	"fmt"
)

// Purge purges scopes. What the store does not take is owed.
func (s *Shared) Purge(ctx context.Context, scopes ...Scope) error {
	var b bill
	b.add(scopes...)
	return s.purge(ctx, &b, scopes)
}

// purge carries out a bill, or owes the scopes that it is of.
func (s *Shared) purge(ctx context.Context, b *bill, scopes []Scope) error {
	if err := s.carry(ctx, b); err != nil {
		s.debts.owe(scopes...)
		return fmt.Errorf("%w; %w", err, ErrOwed)
	}
	if len(b.records) == 0 {
		return nil
	}
	// Another process may have looked at the log just before. A part more, since no two clocks run alike.
	if err := s.Wait(ctx, s.Every+s.Every/16); err != nil {
		return fmt.Errorf("purge: it is carried out, and holds everywhere within %v: %w", s.Every+s.Every/16, err)
	}
	return nil
}

// carry carries out purges, in this order:
//
//   - Into the logs, for what has no mark to delete: fills under way whose tags have no name yet, and what stands on a prefix.
//   - The marks are deleted, and the pulse, which must not be looked at before the log has the record.
//   - Into the logs once more, for tiers near the processes: such a tier has seen the marks good at a position, and they were until now.
//
// The marks of what is known before a fill need no record but for near tiers.
func (s *Shared) carry(ctx context.Context, b *bill) error {
	if err := s.append(ctx, s.tagLog, s.Keep, texts(b.late)); err != nil {
		return err
	}
	if err := s.append(ctx, s.prefixLog, keepPrefixes, encoded(b.records)); err != nil {
		return err
	}
	if err := s.delete(ctx, b); err != nil {
		return err
	}
	if !s.Near {
		return nil
	}
	if err := s.append(ctx, s.tagLog, s.Keep, texts(b.late)); err != nil {
		return err
	}
	return s.append(ctx, s.pathLog, s.Keep, texts(b.plain))
}

// append appends to a log. One that cannot be written, as in a full store, is deleted: then it tells nothing, and what
// would have asked it is not kept.
func (s *Shared) append(ctx context.Context, log string, keep int, records []string) error {
	if s.Log == nil || len(records) == 0 {
		return nil
	}
	if err := s.Log.Append(ctx, log, keep, logLife, records...); err != nil {
		if dropped := s.Marks.Delete(ctx, log); dropped != nil {
			return err
		}
	}
	return nil
}

// delete deletes the marks of a bill.
func (s *Shared) delete(ctx context.Context, b *bill) error {
	keys := make([]string, 0, len(b.late)+len(b.plain)+len(b.own)+1)
	for _, ids := range [][]id{b.late, b.plain, b.own} {
		for _, i := range ids {
			keys = append(keys, i.key(s.base))
		}
	}
	if len(b.records) > 0 {
		keys = append(keys, s.pulseKey)
	}
	if len(keys) == 0 {
		return nil
	}
	err := s.Marks.Delete(ctx, keys...)
	if len(b.records) > 0 {
		s.Outdate()
	}
	return err
}

// PurgeBy purges scopes for a fill whose own response is to outlive that. The marks of its paths are deleted and added anew,
// and its ticket goes on with the new words. What another request purges between is told by the marks beside them, which the
// ticket stands on since it was taken, and which every purge but this one deletes. Once the paths' marks are deleted, those
// beside them must still be this fill's: another one with Own that has taken them meanwhile has perhaps read what this purge is for,
// and then the purge becomes one like any other, and deletes them.
func (s *Shared) PurgeBy(ctx context.Context, t *Ticket, scopes ...Scope) error {
	var b bill
	var again []int // the marks that are added anew, and those beside them
	for _, scope := range scopes {
		beside, ok := scope.own()
		if i, j := find(marksOf(t.Basis.Marks), scope), find(marksOf(t.Basis.Marks), beside); ok && t.own && i >= 0 && j >= 0 {
			b.plain = append(b.plain, scope.id())
			again = append(again, i, j)
		} else {
			b.add(scope)
		}
	}
	if err := s.purge(ctx, &b, scopes); err != nil || len(again) == 0 {
		return err
	}
	marks := append([]Mark(nil), t.Basis.Marks...)
	err := s.add(ctx, t, marks, again, lifeFor(0))
	for _, i := range again {
		if err != nil || marks[i].Scope.isOwn() && marks[i].Word != t.Basis.Marks[i].Word {
			t.own = false
			return s.Purge(ctx, scopes...)
		}
	}
	t.Basis.Marks = marks
	return nil
}

// payAtOnce bounds the marks that one command deletes.
const payAtOnce = 256

// Owed returns how many purges are owed; everything counts as one.
func (s *Shared) Owed() int { return int(s.debts.count.Load()) }

// Pay carries out what is owed, a part at a time. A prefix that was paid, and everything, hold in other processes when Every is
// over: so do the scopes whose debts the debt of everything has taken in.
func (s *Shared) Pay(ctx context.Context) error {
	for s.Owed() > 0 {
		b, number := s.debts.due(payAtOnce)
		if err := s.carry(ctx, &b); err != nil {
			return err
		}
		s.debts.settle(&b, number)
	}
	return nil
}
