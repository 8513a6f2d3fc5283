package purge

import (
	"slices"

	"github.com/gin-cachette/cachette/internal/target"
)

// bill is a purge without the names of its scopes.
type bill struct {
	marks   []due
	records []recorded
}

// due is a mark that a purge deletes.
type due struct {
	id     id
	own    id   // of the mark beside it
	hasOwn bool // there is one
	spared bool // the mark beside it stays: see PurgeBy
	late   bool // the purge stands in the log of tags
	home   home
}

// recorded is a record, and the partitions that get it: a bit each.
type recorded struct {
	record
	parts uint64
}

// dueOf returns what the purge of a scope deletes.
func (s *Shared) dueOf(scope Scope) due {
	d := due{id: scope.id(), late: scope.Kind.late(), home: scope.home(s.Sharded)}
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

// unit is a part of a bill that is carried out as a whole.
type unit struct {
	bill
	part *partition // that its records are for, or the first
}

// units returns the parts of a bill that a store may take or not take each: what is in one partition, and each mark that is in none, for it
// may be on any server. It is the whole bill where there is one server.
func (s *Shared) units(b *bill) []unit {
	if !s.Sharded {
		return []unit{{*b, &s.parts[0]}}
	}
	var parted [target.Partitions]*unit // by their partitions
	var list []unit
	of := func(part int) *unit {
		if parted[part] == nil {
			parted[part] = &unit{part: &s.parts[part]}
		}
		return parted[part]
	}
	for _, r := range b.records {
		for part := range s.parts {
			if bit := uint64(1) << part; r.parts&bit != 0 {
				u := of(part)
				u.records = append(u.records, recorded{r.record, bit})
			}
		}
	}
	for _, one := range b.marks {
		if one.home == nowhere {
			list = append(list, unit{bill{marks: []due{one}}, &s.parts[0]})
		} else {
			u := of(int(one.home))
			u.marks = append(u.marks, one)
		}
	}
	for _, u := range parted {
		if u != nil {
			list = append(list, *u)
		}
	}
	return list
}

// add adds what another bill has.
func (b *bill) add(more *bill) {
	b.marks = append(b.marks, more.marks...)
next:
	for _, r := range more.records {
		for i := range b.records {
			if b.records[i].record == r.record {
				b.records[i].parts |= r.parts
				continue next
			}
		}
		b.records = append(b.records, r)
	}
}

// logged returns what the log of tags has of a bill, or what the log of paths has.
func (b *bill) logged(late bool) (texts []string) {
	for i := range b.marks {
		if one := &b.marks[i]; one.late == late {
			texts = append(texts, string(one.id[:]))
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
		if at := b.marks[i].home; at != nowhere {
			parts |= 1 << at
		}
	}
	return parts
}

// without returns a bill without what another one has, which is a part of it.
func (b *bill) without(rest *bill) *bill {
	if len(rest.marks)+len(rest.records) == 0 {
		return b
	}
	less := &bill{records: slices.Clone(b.records)}
	for i := range less.records {
		for _, r := range rest.records {
			if r.record == less.records[i].record {
				less.records[i].parts &^= r.parts
			}
		}
	}
	for _, one := range b.marks {
		if !slices.ContainsFunc(rest.marks, func(left due) bool { return left.id == one.id }) {
			less.marks = append(less.marks, one)
		}
	}
	return less
}
