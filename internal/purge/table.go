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
	all  uint64
	path generation
	more []generation // of a second path, and of namespaces
}

// generation is what a slot of the table held when a stamp was taken.
type generation struct {
	of    *atomic.Uint64
	value uint64
}

func (g *generation) holds() bool { return g.of != nil && g.of.Load() == g.value }

// NewTable returns a table on which nothing was purged yet.
func NewTable() *Table { return &Table{seed: maphash.MakeSeed()} }

func (t *Table) path(path string) *atomic.Uint64 {
	return &t.paths[maphash.String(t.seed, path)%pathSlots]
}

func (t *Table) space(namespace string) *atomic.Uint64 {
	return &t.spaces[maphash.String(t.seed, namespace)%spaceSlots]
}

// Stamp returns the generations of a response for path in namespaces. came is a second path that it stands for; empty for
// none.
func (t *Table) Stamp(path, came string, namespaces []string) Stamp {
	s := Stamp{all: t.all.Load(), path: now(t.path(path))}
	if came != "" {
		s.more = append(s.more, now(t.path(came)))
	}
	for _, namespace := range namespaces {
		s.more = append(s.more, now(t.space(namespace)))
	}
	return s
}

func now(of *atomic.Uint64) generation { return generation{of, of.Load()} }

// Holds tells whether nothing that concerns the stamp was purged since it was taken.
func (t *Table) Holds(s *Stamp) bool {
	if !s.path.holds() || t.all.Load() != s.all {
		return false
	}
	for i := range s.more {
		if !s.more[i].holds() {
			return false
		}
	}
	return true
}

// Path purges the responses for a path, of every host, query, variant and namespace.
func (t *Table) Path(path string) { t.path(path).Add(1) }

// PathBy does what Path does, for a request whose own response is to outlive it: its stamp holds behind the purge if it did
// before, so that purges of others count and its own does not.
func (t *Table) PathBy(s *Stamp, path string) {
	of := t.path(path)
	value := of.Add(1)
	s.path.renew(of, value)
	for i := range s.more {
		s.more[i].renew(of, value)
	}
}

// renew follows a purge that has made the value of a slot, unless another one came before it.
func (g *generation) renew(of *atomic.Uint64, value uint64) {
	if g.of == of && g.value == value-1 {
		g.value = value
	}
}

// Namespace purges the responses in a namespace.
func (t *Table) Namespace(namespace string) { t.space(namespace).Add(1) }

// All purges every response.
func (t *Table) All() { t.all.Add(1) }
