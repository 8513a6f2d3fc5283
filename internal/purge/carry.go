package purge

import (
	"cmp"
	"context"
	"fmt"
)

// Purge purges scopes. What the store does not take is owed: of several servers, what those have that did not take it.
func (s *Shared) Purge(ctx context.Context, scopes ...Scope) error {
	b := s.bill(scopes...)
	return s.purge(ctx, &b)
}

// Owe notes purges of scopes as owed, without asking the store.
func (s *Shared) Owe(scopes ...Scope) {
	b := s.bill(scopes...)
	s.owe(&b)
}

// owe notes a bill as owed, and then has the near tier of this process know.
func (s *Shared) owe(b *bill) {
	s.debts.owe(b)
	if s.tier != nil {
		s.tier.hear(news(s.units(b)))
	}
}

// purge carries out a bill, or owes what the store does not take of it.
func (s *Shared) purge(ctx context.Context, b *bill) error {
	failed, err := s.carry(ctx, b)
	if err == nil {
		if _, err = s.arrangement(ctx); err != nil { // another process may look for it elsewhere
			failed = b.parts()
		}
	}
	if err != nil {
		owed := b.within(failed)
		s.owe(&owed)
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

// carry carries out a bill, of all servers side by side, and returns the partitions whose server did not take it, and why one did not.
func (s *Shared) carry(ctx context.Context, b *bill) (failed uint64, err error) {
	units := s.units(b)
	lots := s.lots(units)
	errs := make([][]error, len(lots))
	jobs := len(lots)
	if s.asksForNears() {
		jobs++
	}
	s.Beside(jobs, func(i int) {
		if i == len(lots) {
			_, _ = s.nears(ctx) // it is asked again behind, without the store as a rule
		} else {
			errs[i] = s.carryLot(ctx, lots[i])
		}
	})
	for i, lot := range lots {
		for k, why := range errs[i] {
			if why != nil {
				failed, err = failed|1<<lot[k].part.number, cmp.Or(err, why)
			}
		}
	}
	// Behind the marks: a near tier has seen them good at a place in the log, and they were until now.
	return failed, cmp.Or(err, s.tellNear(ctx, news(units)))
}

// carryLot carries out purges on one server, in this order:
//   - Into the logs, for what has no mark to delete: fills under way whose tags have no name yet, and what stands on a prefix.
//   - The marks are deleted, and the pulses, which must not be looked at before the logs have the records: with the records, in one operation of
//     each log that gets some, and in one command where none does.
//
// The marks of what is known before a fill need no record. It returns for each unit why it was not carried out.
func (s *Shared) carryLot(ctx context.Context, lot []unit) []error {
	failed, deleted := make([]error, len(lot)), make([]bool, len(lot))
	var logged []int
	for i := range lot {
		if u := &lot[i]; len(u.records) > 0 || len(u.logged(true)) > 0 {
			logged = append(logged, i)
		}
	}
	if len(logged) > 0 && s.Log != nil {
		s.Beside(len(logged), func(n int) {
			i := logged[n]
			deleted[i], failed[i] = s.log(ctx, &lot[i])
		})
	}
	var left []int
	for i, why := range failed {
		if why == nil && !deleted[i] {
			left = append(left, i)
		}
	}
	fail := func(some []int, err error) {
		for _, i := range some {
			failed[i] = cmp.Or(failed[i], err)
		}
	}
	fail(left, s.delete(ctx, lot, left))
	for i := range lot {
		if u := &lot[i]; len(u.records) > 0 {
			u.part.outdate()
		}
	}
	return failed
}

// log notes a unit in the logs of its partition, and has its marks deleted behind that. They are not where a log could not be written: it was
// deleted then, and they are to be deleted behind that, also if they were before.
func (s *Shared) log(ctx context.Context, u *unit) (deleted bool, err error) {
	defer u.part.noted.Store(nil) // what this process begins behind its own purge is not to be taken for older
	key, keep, records := u.part.tags, s.Keep, recordsOf(u.logged(true))
	if rare := u.encoded(); len(rare) > 0 {
		if err := s.append(ctx, key, keep, records); err != nil {
			return false, err
		}
		key, keep, records = u.part.log, keepPrefixes, rare
	}
	if err := s.Log.Purge(ctx, key, keep, LogLife, records, u.keys(nil)...); err != nil {
		return false, s.drop(ctx, key, err)
	}
	return true, nil
}

// append appends to a log, or deletes it.
func (s *Shared) append(ctx context.Context, log string, keep int, records []string) error {
	if s.Log == nil || len(records) == 0 {
		return nil
	}
	if err := s.Log.Append(ctx, log, keep, LogLife, records...); err != nil {
		return s.drop(ctx, log, err)
	}
	return nil
}

// drop deletes a log that cannot be written, as in a full store: then it tells nothing, and what would have asked it is not kept. It returns why
// the log could not be written where it cannot be deleted either.
func (s *Shared) drop(ctx context.Context, log string, why error) error {
	if s.Marks.Delete(ctx, log) != nil {
		return why
	}
	return nil
}

// delete deletes the marks of some units of a lot, in one command.
func (s *Shared) delete(ctx context.Context, lot []unit, some []int) error {
	var keys []string
	for _, i := range some {
		keys = lot[i].keys(keys)
	}
	if len(keys) == 0 {
		return nil
	}
	return s.Marks.Delete(ctx, keys...)
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
			b.marks, b.records = append(b.marks, more.marks...), append(b.records, more.records...)
		}
	}
	if err := s.purge(ctx, &b); err != nil || len(again) == 0 {
		return err
	}
	marks := append([]Mark(nil), t.Basis.Marks...)
	err := s.add(ctx, t, marks, again, lifeFor(0))
	for _, i := range again {
		if err != nil || marks[i].Scope.isOwn() && marks[i] != t.Basis.Marks[i] {
			t.own = false
			return s.Purge(ctx, scopes...)
		}
	}
	t.Basis.Marks = marks
	return nil
}

// payAtOnce bounds the marks of a part of what is paid, but for those of one scope.
const payAtOnce = 256

// Owed returns how many purges are owed; everything counts as one, and so does all that near tiers alone are to be told.
func (s *Shared) Owed() int {
	owed := int(s.debts.count.Load())
	if owed == 0 && s.untold.some() {
		return 1
	}
	return owed
}

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
	untold := s.tellNear(ctx, s.untold.take())
	all, number := s.debts.all()
	failed := uint64(0) // the partitions
	for first := true; first || len(all.marks) > 0; first = false {
		part := bill{marks: all.atOnce(payAtOnce)}
		all.marks = all.marks[len(part.marks):]
		if first {
			part.records = all.records
		}
		part = part.within(^failed)
		left, why := s.carry(ctx, &part)
		part = part.within(^left)
		s.debts.settle(&part, number)
		if why == nil {
			continue
		}
		if err = why; !s.Sharded || ctx.Err() != nil {
			return err
		}
		failed |= left
	}
	return cmp.Or(err, untold)
}
