package purge

import (
	"math/bits"
	"slices"
)

// bill is a purge without the names of its scopes.
type bill struct {
	marks   []due
	records []recorded
}

// due is the marks of a scope that a purge deletes: that of a path, or one in each partition.
type due struct {
	id     id
	own    id     // of the mark beside it
	hasOwn bool   // there is one
	spared bool   // the mark beside it stays: see PurgeBy
	soft   bool   // the hard marks stay
	late   bool   // the purge stands in the logs of tags
	path   bool   // it is of a path, so that it has one mark, whichever partition an entry is in that stands on it
	parts  uint64 // the partitions that the marks are in: a bit each
}

// appendKeys appends the keys that are deleted in a partition, which base is of.
func (d *due) appendKeys(keys []string, base string) []string {
	marks := []id{d.id, d.own}
	if !d.hasOwn || d.spared {
		marks = marks[:1]
	}
	for _, i := range marks {
		if keys = append(keys, i.key(base)); !d.soft {
			keys = append(keys, i.hardKey(base))
		}
	}
	return keys
}

// recorded is a record, and the partitions that get it: a bit each.
type recorded struct {
	record
	parts uint64
}

// dueOf returns what the purge of a scope deletes.
func (s *Shared) dueOf(scope Scope) due {
	d := due{id: scope.id(), soft: scope.Soft, late: scope.Kind.late(), path: scope.onPath(), parts: s.debts.full}
	if d.path {
		d.parts = 1 << s.at(&scope, &s.parts[0]).number
	}
	if own, ok := scope.own(); ok {
		d.own, d.hasOwn = own.id(), true
	}
	return d
}

// bill returns the bill of scopes.
func (s *Shared) bill(scopes ...Scope) (b bill) {
	for _, scope := range scopes {
		if scope.Kind.rare() {
			b.records = append(b.records, recorded{recordOf(scope), s.debts.full})
		} else {
			b.marks = append(b.marks, s.dueOf(scope))
		}
	}
	return b
}

// unit is what a bill has for one partition. A store takes it or not as a whole.
type unit struct {
	bill
	part *partition
}

// keys appends the keys that are deleted of a unit: those of its marks, and the pulse where the log of its partition has a record.
func (u *unit) keys(keys []string) []string {
	for i := range u.marks {
		keys = u.marks[i].appendKeys(keys, u.part.base)
	}
	if len(u.records) > 0 {
		keys = append(keys, u.part.pulse)
	}
	return keys
}

// units returns the parts of a bill, by their partitions. It is the whole bill where there is one server.
func (s *Shared) units(b *bill) (list []unit) {
	if !s.Sharded {
		return []unit{{*b, &s.parts[0]}}
	}
	parted := make([]unit, len(s.parts))
	each := func(parts uint64, add func(u *unit, bit uint64)) {
		for ; parts != 0; parts &= parts - 1 {
			add(&parted[bits.TrailingZeros64(parts)], parts&-parts)
		}
	}
	for _, r := range b.records {
		each(r.parts, func(u *unit, bit uint64) { u.records = append(u.records, recorded{r.record, bit}) })
	}
	for _, one := range b.marks {
		each(one.parts, func(u *unit, bit uint64) {
			one.parts = bit
			u.marks = append(u.marks, one)
		})
	}
	for i := range parted {
		if u := &parted[i]; len(u.marks)+len(u.records) > 0 {
			u.part = &s.parts[i]
			list = append(list, *u)
		}
	}
	return list
}

// lots returns units by the servers that keep what is in their partitions; each alone where that is not known.
func (s *Shared) lots(units []unit) (lots [][]unit) {
	if s.Server == nil {
		return slices.Collect(slices.Chunk(units, 1))
	}
	numbers := make(map[string]int)
	for _, u := range units {
		server := s.Server(u.part.base)
		n, known := numbers[server]
		if !known {
			n = len(lots)
			numbers[server], lots = n, append(lots, nil)
		}
		lots[n] = append(lots[n], u)
	}
	return lots
}

// logged returns what the logs of tags have of a bill, or what that of paths has.
func (b *bill) logged(late bool) (texts []string) {
	for i := range b.marks {
		if one := &b.marks[i]; one.late == late {
			texts = append(texts, one.id.logged(one.soft))
		}
	}
	return texts
}

// encoded returns what the log of a partition has of a bill.
func (b *bill) encoded() (texts []string) {
	for _, r := range b.records {
		texts = append(texts, r.encode())
	}
	return texts
}

// parts returns the partitions that a bill concerns.
func (b *bill) parts() (parts uint64) {
	for _, r := range b.records {
		parts |= r.parts
	}
	for i := range b.marks {
		parts |= b.marks[i].parts
	}
	return parts
}

// within returns what a bill has for some partitions.
func (b *bill) within(parts uint64) (some bill) {
	for _, r := range b.records {
		if r.parts &= parts; r.parts != 0 {
			some.records = append(some.records, r)
		}
	}
	for _, one := range b.marks {
		if one.parts &= parts; one.parts != 0 {
			some.marks = append(some.marks, one)
		}
	}
	return some
}

// atOnce returns the first scopes of a bill: as many as have no more than so many marks, and at least one.
func (b *bill) atOnce(most int) []due {
	for n := range b.marks {
		if most -= bits.OnesCount64(b.marks[n].parts); most < 0 && n > 0 {
			return b.marks[:n]
		}
	}
	return b.marks
}
