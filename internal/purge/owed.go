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

	mu       sync.Mutex // held for no longer than a look into the maps
	last     uint64     // the number of the newest debt: one that is owed anew while it is paid stays
	marks    map[id]debt
	prefixes map[record]uint64
	all      uint64 // the number of the debt of everything, or zero
}

// debt is what is owed to one scope. Its name is not kept, which may be long.
type debt struct {
	number uint64
	own    id   // of the mark beside it
	hasOwn bool // there is one
	late   bool // its purge stands in the log
}

// bill is a purge without the names of its scopes.
type bill struct {
	late, plain []id // marks to delete: those whose purges stand in the log of tags, and the others
	own         []id // marks to delete with them
	records     []record
}

func (b *bill) add(scopes ...Scope) {
	for _, s := range scopes {
		switch {
		case s.Kind.rare():
			b.records = append(b.records, recordOf(s))
		case s.Kind.late():
			b.late = append(b.late, s.id())
		default:
			b.plain = append(b.plain, s.id())
			if own, ok := s.own(); ok {
				b.own = append(b.own, own.id())
			}
		}
	}
}

// owe notes scopes whose purge the store did not take.
func (d *debts) owe(scopes ...Scope) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	for _, s := range scopes {
		switch {
		case s.Kind == All && !s.Soft:
			d.oweAll()
		case s.Kind.rare():
			d.owePrefix(recordOf(s))
		default:
			d.oweMark(s)
		}
	}
	d.recount()
}

func (d *debts) oweAll() {
	d.all = d.last // says all that the others say
	d.marks, d.prefixes = nil, nil
}

func (d *debts) owePrefix(r record) {
	if d.prefixes == nil {
		d.prefixes = make(map[record]uint64)
	}
	if d.prefixes[r] = d.last; len(d.prefixes) > maxOwedPrefixes {
		d.oweAll()
	}
}

func (d *debts) oweMark(s Scope) {
	if d.marks == nil {
		d.marks = make(map[id]debt)
	}
	one := debt{number: d.last, late: s.Kind.late()}
	if own, ok := s.own(); ok {
		one.own, one.hasOwn = own.id(), true
	}
	if d.marks[s.id()] = one; len(d.marks) > maxOwed {
		d.oweAll()
	}
}

// recount makes count agree. mu is held.
func (d *debts) recount() {
	n := len(d.marks) + len(d.prefixes)
	if d.all > 0 {
		n++
	}
	d.count.Store(int64(n))
}

// left tells what the debts leave of an entry that stands on scopes.
func (d *debts) left(scopes func(yield func(Scope) bool)) State {
	if d.count.Load() == 0 {
		return Valid
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all > 0 {
		return Gone
	}
	left := Valid
	lower := func(soft bool) {
		if soft {
			left = min(left, Stale)
		} else {
			left = Gone
		}
	}
	for r := range d.prefixes { // of everything: also of what has no path
		if r.prefix == "" {
			lower(r.soft)
		}
	}
	for s := range scopes {
		if _, owed := d.marks[s.id()]; owed {
			lower(s.Soft)
		}
		for r := range d.prefixes {
			if s.Kind == Path && r.covers(s.Name) {
				lower(r.soft)
			}
		}
	}
	return left
}

// due returns a part of what is owed, and the number up to which it is.
func (d *debts) due(limit int) (b bill, number uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all > 0 {
		b.records = append(b.records, record{})
		return b, d.last
	}
	for r := range d.prefixes {
		b.records = append(b.records, r)
	}
	for i, one := range d.marks {
		if limit--; limit < 0 {
			break
		}
		if one.late {
			b.late = append(b.late, i)
		} else {
			b.plain = append(b.plain, i)
		}
		if one.hasOwn {
			b.own = append(b.own, one.own)
		}
	}
	return b, d.last
}

// settle takes off what was carried out, unless it is owed anew.
func (d *debts) settle(b *bill, number uint64) {
	d.paid.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range b.records {
		if r == (record{}) && d.all > 0 && d.all <= number {
			d.all = 0
		}
		if d.prefixes[r] <= number {
			delete(d.prefixes, r)
		}
	}
	for _, marks := range [][]id{b.late, b.plain} {
		for _, i := range marks {
			if one, owed := d.marks[i]; owed && one.number <= number {
				delete(d.marks, i)
			}
		}
	}
	d.recount()
}
