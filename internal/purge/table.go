// Package purge makes purges hold: a response whose fill began before a purge is never served after it.
//
// Every path, every namespace and the cache as a whole have a generation. A fill notes the generations when it begins,
// a purge raises one, and what was noted before is then out of date, whether it was stored by then or not. Nothing has
// to be found or waited for, so a purge costs the same whatever is stored and wherever it is.
package purge

import (
	"hash/maphash"
	"sync/atomic"
)

// The table is bounded: paths share generations, and so do namespaces. A purge then also hits one other path in 65,536;
// that costs it a miss.
const (
	pathSlots  = 1 << 16
	spaceSlots = 1 << 10
)

// Table holds the generations. It is safe for concurrent use.
type Table struct {
	seed   maphash.Seed
	all    atomic.Uint64
	paths  [pathSlots]atomic.Uint64
	spaces [spaceSlots]atomic.Uint64
}

// Stamp is the generations that concern one response at one moment.
type Stamp struct {
	all, path, space    uint64
	pathSlot, spaceSlot uint16
	spaced              bool // it is in a namespace
}

// NewTable returns a table on which nothing was purged yet.
func NewTable() *Table { return &Table{seed: maphash.MakeSeed()} }

func (t *Table) pathSlot(path string) uint16 {
	return uint16(maphash.String(t.seed, path) % pathSlots)
}

func (t *Table) spaceSlot(namespace string) uint16 {
	return uint16(maphash.String(t.seed, namespace) % spaceSlots)
}

// Stamp returns the generations of a response for path in namespace; an empty namespace is none.
func (t *Table) Stamp(path, namespace string) Stamp {
	s := Stamp{all: t.all.Load(), pathSlot: t.pathSlot(path)}
	s.path = t.paths[s.pathSlot].Load()
	if namespace != "" {
		s.spaced, s.spaceSlot = true, t.spaceSlot(namespace)
		s.space = t.spaces[s.spaceSlot].Load()
	}
	return s
}

// Holds tells whether nothing that concerns the stamp was purged since it was taken.
func (t *Table) Holds(s *Stamp) bool {
	return t.paths[s.pathSlot].Load() == s.path && t.all.Load() == s.all &&
		(!s.spaced || t.spaces[s.spaceSlot].Load() == s.space)
}

// Path purges the responses for a path, of every host, query, variant and namespace.
func (t *Table) Path(path string) { t.paths[t.pathSlot(path)].Add(1) }

// Namespace purges the responses in a namespace.
func (t *Table) Namespace(namespace string) { t.spaces[t.spaceSlot(namespace)].Add(1) }

// All purges every response.
func (t *Table) All() { t.all.Add(1) }
