package purge

import (
	"context"
	"fmt"
	"slices"
)

// Purge purges scopes. What the store does not take is owed: of several servers, what those have that did not take it.
func (s *Shared) Purge(ctx context.Context, scopes ...Scope) error {
	b := s.bill(scopes...)
	return s.purge(ctx, &b)
}

// purge carries out a bill, or owes what the store does not take of it.
func (s *Shared) purge(ctx context.Context, b *bill) error {
	owed, err := s.carry(ctx, b)
	if err == nil {
		if _, err = s.arrangement(ctx); err != nil { // another process may look for it elsewhere
			owed = b
		}
	}
	if err != nil {
		s.debts.owe(owed)
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

// carry carries out a bill, all units side by side, and returns what the store did not take, and why.
func (s *Shared) carry(ctx context.Context, b *bill) (rest *bill, err error) {
	units := s.units(b)
	failed := make([]error, len(units))
	s.Beside(len(units), func(i int) { failed[i] = s.carryUnit(ctx, &units[i]) })
	rest = new(bill)
	for i, why := range failed {
		if why == nil {
			continue
		}
		if rest.add(&units[i].bill); err == nil {
			err = why
		}
	}
	return rest, err
}

// carryUnit carries out purges, in this order:
//   - Into the logs, for what has no mark to delete: fills under way whose tags have no name yet, and what stands on a prefix.
//   - The marks are deleted, and the pulse, which must not be looked at before the log has the record.
//   - Into the logs once more, for tiers near the processes: such a tier has seen the marks good at a position, and they were until now.
//
// The marks of what is known before a fill need no record but for near tiers.
func (s *Shared) carryUnit(ctx context.Context, u *unit) error {
	late := u.logged(true)
	if err := s.append(ctx, s.tagLog, s.Keep, late); err != nil {
		return err
	}
	if err := s.append(ctx, u.part.log, keepPrefixes, u.encoded()); err != nil {
		return err
	}
	if err := s.delete(ctx, u); err != nil {
		return err
	}
	if !s.Near {
		return nil
	}
	if err := s.append(ctx, s.tagLog, s.Keep, late); err != nil {
		return err
	}
	return s.append(ctx, s.pathLog, s.Keep, u.logged(false))
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

// delete deletes the marks of a unit.
func (s *Shared) delete(ctx context.Context, u *unit) error {
	keys := make([]string, 0, 2*len(u.marks)+1)
	for i := range u.marks {
		one := &u.marks[i]
		if keys = append(keys, one.id.key(s.base, one.home)); one.hasOwn && !one.spared {
			keys = append(keys, one.own.key(s.base, one.home))
		}
	}
	if len(u.records) > 0 {
		keys = append(keys, u.part.pulse)
	}
	if len(keys) == 0 {
		return nil
	}
	err := s.Marks.Delete(ctx, keys...)
	if len(u.records) > 0 {
		u.part.outdate()
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
			one := s.dueOf(scope)
			one.spared = true
			b.marks, again = append(b.marks, one), append(again, i, j)
		} else {
			more := s.bill(scope)
			b.add(&more)
		}
	}
	if err := s.purge(ctx, &b); err != nil || len(again) == 0 {
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

// payAtOnce bounds the marks of a part of what is paid.
const payAtOnce = 256

// Owed returns how many purges are owed; everything counts as one.
func (s *Shared) Owed() int { return int(s.debts.count.Load()) }

// Pay carries out what is owed, a part at a time. A prefix that was paid, and everything, hold in other processes when Every is
// over: so do the scopes whose debts the debt of everything has taken in. Of several servers, one that takes nothing holds up no other, and is
// asked once for what it has.
func (s *Shared) Pay(ctx context.Context) (err error) {
	if s.Owed() == 0 {
		return nil
	}
	if _, err := s.arrangement(ctx); err != nil {
		return err
	}
	all, number := s.debts.all()
	failed := uint64(0) // the partitions
	for first := true; first || len(all.marks) > 0; first = false {
		n := min(payAtOnce, len(all.marks))
		part := bill{marks: slices.DeleteFunc(slices.Clone(all.marks[:n]), func(one due) bool { return one.home != nowhere && failed>>one.home&1 != 0 })}
		all.marks = all.marks[n:]
		if first {
			part.records = all.records
		}
		rest, why := s.carry(ctx, &part)
		s.debts.settle(part.without(rest), number)
		if why == nil {
			continue
		}
		if err = why; !s.Sharded || ctx.Err() != nil {
			return err
		}
		failed |= rest.parts()
	}
	return err
}
