package entries

import (
	"math/rand/v2"
	"sync/atomic"

	"github.com/gin-cachette/cachette/drivers"
)

// FormCounts is what was counted of the forms in one coding.
type FormCounts struct {
	Made           uint64 // in this process
	Content, Bytes uint64 // of what these were made of, and of what they became
	Found          uint64 // in the store
	Served         uint64
}

// formTally counts the forms in one coding.
type formTally struct {
	made, content, bytes, found atomic.Uint64
	served                      [formSlots]formSlot // all processors serve at once
}

// formSlots is by how many numbers is counted what was served, so that processors do not wait for one another's.
const formSlots = 8

// formSlot is one of these numbers, alone in what processors share of memory at a time.
type formSlot struct {
	n atomic.Uint64
	_ [56]byte
}

func (t *formTally) serve() { t.served[rand.Uint32()%formSlots].n.Add(1) }

func (t *formTally) make(content, bytes int) {
	t.made.Add(1)
	t.content.Add(uint64(content))
	t.bytes.Add(uint64(bytes))
}

func (t *formTally) read() FormCounts {
	c := FormCounts{Made: t.made.Load(), Content: t.content.Load(), Bytes: t.bytes.Load(), Found: t.found.Load()}
	for i := range t.served {
		c.Served += t.served[i].n.Load()
	}
	return c
}

// FormUsage returns what the memory holds that forms have of their own; nothing where they are in the store.
func (s *Store) FormUsage() drivers.Usage {
	if s.forms.Holds == nil {
		return drivers.Usage{}
	}
	return s.forms.Holds.Usage()
}

// FormCounts returns what was counted of the forms in each coding; nothing where none is linked.
func (s *Store) FormCounts() map[string]FormCounts {
	counts := make(map[string]FormCounts)
	for i := range s.forms.tallies {
		counts[s.forms.set.Names[i]] = s.forms.tallies[i].read()
	}
	return counts
}
