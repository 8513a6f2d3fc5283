// Package purge makes purges hold: a response whose fill began before a purge is never served after it.
//
// Every path, every namespace and the cache as a whole have a generation. A fill notes the generations when it begins,
// a purge raises one, and what was noted before is then out of date, whether it was stored by then or not. Nothing has to be
// found or waited for, so a purge costs the same whatever is stored and wherever it is.
package purge

import (
	"hash/maphash"
	"sync/atomic"
)

// slots bounds the table: paths share generations, so that it never grows. A purge then also hits the 1 in 16,384 of
// the other paths that share the slot; that costs them one miss.
const slots = 1 << 14

// Table holds the generations. It is safe for concurrent use.
type Table struct {
	seed  maphash.Seed
	all   atomic.Uint64
	slots [slots]atomic.Uint64
}

// Stamp is the generations that concern one response at one moment.
type Stamp struct {
	all, path, space    uint64
	pathSlot, spaceSlot uint16
}

// NewTable returns a table on which nothing was purged yet.
func NewTable() *Table { return &Table{seed: maphash.MakeSeed()} }

func (t *Table) slot(kind byte, name string) uint16 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	_ = h.WriteByte(kind)
	_, _ = h.WriteString(name)
	return uint16(h.Sum64() % slots)
}

// Stamp returns the generations of a response for path in namespace; an empty namespace is none.
func (t *Table) Stamp(path, namespace string) Stamp {
	s := Stamp{pathSlot: t.slot('p', path), spaceSlot: t.slot('n', namespace)}
	s.all = t.all.Load()
	s.path = t.slots[s.pathSlot].Load()
	s.space = t.slots[s.spaceSlot].Load()
	return s
}

// Holds tells whether nothing that concerns the stamp was purged since it was taken.
func (t *Table) Holds(s *Stamp) bool {
	return t.slots[s.pathSlot].Load() == s.path && t.slots[s.spaceSlot].Load() == s.space && t.all.Load() == s.all
}

// Path purges the responses for a path, of every host, query, variant and namespace.
func (t *Table) Path(path string) { t.slots[t.slot('p', path)].Add(1) }

// Namespace purges the responses in a namespace.
func (t *Table) Namespace(namespace string) { t.slots[t.slot('n', namespace)].Add(1) }

// All purges every response.
func (t *Table) All() { t.all.Add(1) }
