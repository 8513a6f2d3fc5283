package purge

import (
	"slices"
	"strings"
	"sync/atomic"
)

// ringSize is how many purges of tags a ring holds.
const ringSize = 4096

// ring is the last purges of tags. No purge waits for another.
type ring struct {
	last  atomic.Uint64 // the number of the last purge
	slots [ringSize]atomic.Pointer[ringed]
}

type ringed struct{ number, hash uint64 }

// add notes a purge. It is found from when add has returned on, and may be before.
func (r *ring) add(hash uint64) {
	next := &ringed{number: r.last.Add(1), hash: hash}
	slot := &r.slots[next.number%ringSize]
	for {
		old := slot.Load()
		if old != nil && old.number > next.number { // of a purge that came a ring's length later
			return
		}
		if slot.CompareAndSwap(old, next) {
			return
		}
	}
}

// purged tells whether one of hashes was purged behind a number, or that cannot be told. A purge that has its number and
// does not stand in the ring yet has not ended its generation either.
func (r *ring) purged(behind uint64, hashes []uint64) bool {
	last := r.last.Load()
	if last-behind > ringSize {
		return true
	}
	for number := behind + 1; number <= last; number++ {
		one := r.slots[number%ringSize].Load()
		switch {
		case one == nil || one.number < number:
		case one.number > number:
			return true
		case slices.Contains(hashes, one.hash):
			return true
		}
	}
	return false
}

// prefixes are the purges of prefixes and of everything. They are never changed.
type prefixes struct {
	last    uint64 // how many there have been
	records []numbered
}

type numbered struct {
	record
	number uint64
}

// with returns the purges with one more, and without those that then say nothing any more. Of too many the two oldest become one
// of what they have in common: it concerns more than they did, among what is as old.
func (p *prefixes) with(r record) *prefixes {
	next := &prefixes{last: p.last + 1}
	for _, older := range p.records {
		if !r.replaces(older.record) {
			next.records = append(next.records, older)
		}
	}
	next.records = append(next.records, numbered{r, next.last})
	if len(next.records) > keepPrefixes {
		a, b := next.records[0], next.records[1]
		both := record{prefix: common(a.prefix, b.prefix), soft: a.soft && b.soft}
		next.records = append([]numbered{{both, b.number}}, next.records[2:]...)
	}
	return next
}

// common returns what two texts begin with.
func common(a, b string) string {
	n := 0
	for n < len(a) && strings.HasPrefix(b, a[:n+1]) {
		n++
	}
	return a[:n]
}

// left tells what the purges leave of an entry.
func (p *prefixes) left(b *Basis) State {
	if p.last < b.records {
		return Valid
	}
	state := Valid
	for i := range p.records {
		r := &p.records[i]
		if r.number < b.records || !b.under(r.record) {
			continue
		}
		if !r.soft {
			return Gone
		}
		state = Stale
	}
	return state
}

// under tells whether a record concerns what the basis is of.
func (b *Basis) under(r record) bool {
	if r.covers(b.path) { // also by everything, where there is none
		return true
	}
	return b.more != nil && slices.ContainsFunc(b.more.paths, r.covers)
}
