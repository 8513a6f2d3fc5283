package purge

import (
	"sync"
	"sync/atomic"
)

// maxOwed bounds the purges that are owed one by one, and maxOwedPrefixes those of prefixes, each of which is compared with
// each path. Beyond, everything is owed.
const (
	maxOwed         = 10_000
	maxOwedPrefixes = 64
)

// debts are the purges that the store did not take. Nothing of their scopes is valid in this process until they are carried out.
//
// A request must not take a word for good that was read before a debt was paid and is judged after. So paid is counted up
// after the purge was carried out and before the debt is taken off: whoever finds no debt, and paid as it was before the
// words were read, has words that are no older than the payment, or there was no debt.
type debts struct {
	paid  atomic.Uint64
	count atomic.Int64 // of what is owed; zero tells without a lock that nothing is

	full    uint64     // all partitions: see parted
	mu      sync.Mutex // held for no longer than a look into the maps
	last    uint64     // the number of the newest debt: one that is owed anew while it is paid stays
	marks   map[owing]debt
	records map[record]parted // that of everything is record{}
}

// owing is what a debt is found by: a scope has one of hard purges and one of soft ones.
type owing struct {
	id   id
	soft bool
}

// debt is what is owed to one scope: its marks in some partitions. Its name is not kept, which may be long.
type debt struct {
	due
	number uint64
}

// parted is what is owed of a record: to which partitions, a bit each.
type parted struct{ parts, number uint64 }

// owe notes what the store did not take of a purge.
func (d *debts) owe(b *bill) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	for _, r := range b.records {
		d.oweRecord(r.record, r.parts)
	}
	for _, one := range b.marks {
		d.oweMark(one)
	}
	d.count.Store(int64(len(d.marks) + len(d.records)))
}

// oweRecord notes a record for some partitions. Everything, for all of them, says all that the others say. Of too many records everything is owed,
// where one of them is.
func (d *debts) oweRecord(r record, parts uint64) {
	if d.records == nil {
		d.records = make(map[record]parted)
	}
	parts |= d.records[r].parts
	d.records[r] = parted{parts, d.last}
	if len(d.records) > maxOwedPrefixes {
		for _, other := range d.records {
			parts |= other.parts
		}
		d.records = map[record]parted{{}: {parts, d.last}}
	}
	if d.records[record{}].parts == d.full {
		d.marks, d.records = nil, map[record]parted{{}: {d.full, d.last}}
	}
}

// oweMark notes the marks of a scope, which are one debt. Of too many everything is owed in the partitions that they are in.
func (d *debts) oweMark(one due) {
	if d.marks == nil {
		d.marks = make(map[owing]debt)
	}
	one.spared = false
	of := owing{one.id, one.soft}
	one.parts |= d.marks[of].parts
	if d.marks[of] = (debt{one, d.last}); len(d.marks) <= maxOwed {
		return
	}
	parts, all := uint64(0), record{soft: true}
	for _, one := range d.marks {
		parts |= one.parts
		all.soft = all.soft && one.soft
	}
	d.marks = nil
	d.oweRecord(all, parts)
}

// left tells what the debts leave of an entry that stands on scopes, and is in a partition.
func (d *debts) left(part int, scopes func(yield func(Scope) bool)) State {
	if d.count.Load() == 0 {
		return Valid
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	left := Valid
	lower := func(soft bool) {
		if soft {
			left = min(left, Stale)
		} else {
			left = Gone
		}
	}
	for r, owed := range d.records { // of everything: also of what has no path
		if r.prefix == "" && owed.parts>>part&1 != 0 {
			lower(r.soft)
		}
	}
	for s := range scopes {
		i := s.id()
		for _, soft := range [...]bool{true, false} {
			if owed := d.marks[owing{i, soft}]; owed.path || owed.parts>>part&1 != 0 {
				lower(soft)
			}
		}
		for r, owed := range d.records {
			if s.Kind == Path && owed.parts>>part&1 != 0 && r.covers(s.Name) {
				lower(r.soft)
			}
		}
	}
	return left
}

// all returns what is owed, and the number up to which it is.
func (d *debts) all() (b bill, number uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for r, owed := range d.records {
		b.records = append(b.records, recorded{r, owed.parts})
	}
	for _, one := range d.marks {
		b.marks = append(b.marks, one.due)
	}
	return b, d.last
}

// settle takes off what was carried out, unless it is owed anew.
func (d *debts) settle(b *bill, number uint64) {
	d.paid.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range b.records {
		owed := d.records[r.record]
		if owed.number > number {
			continue
		}
		if owed.parts &^= r.parts; owed.parts != 0 {
			d.records[r.record] = owed
		} else {
			delete(d.records, r.record)
		}
	}
	for _, one := range b.marks {
		of := owing{one.id, one.soft}
		owed, ok := d.marks[of]
		if !ok || owed.number > number {
			continue
		}
		if owed.parts &^= one.parts; owed.parts != 0 {
			d.marks[of] = owed
		} else {
			delete(d.marks, of)
		}
	}
	d.count.Store(int64(len(d.marks) + len(d.records)))
}
