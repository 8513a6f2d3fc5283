package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"hash/fnv"
	"maps"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/keys"
)

// A store that several processes share keeps, for each slot of paths, a mark: a random word that a purge replaces. An
// entry carries the mark of when its fill began and is good only as long as the store still has that one. A mark that
// the store has lost is replaced by another, so losing one costs misses and never brings back what was purged.
const (
	markSlots = 1 << 12
	markTTL   = 30 * 24 * time.Hour
)

// marks are the purges that could not be carried out because the store did not answer: nothing for those paths is
// served until they are.
type marks struct {
	mu      sync.Mutex
	total   uint64            // how many there have ever been
	pending map[uint16]uint64 // the number of the last one of a slot

	creating [64]sync.Mutex // held while a slot that has no mark is given one; several slots share each
}

func markSlot(path string) uint16 {
	h := fnv.New64a() // the same in every process
	_, _ = h.Write([]byte(path))
	return uint16(h.Sum64() % markSlots)
}

// owed returns the number of the last purge that is owed to a slot, or 0.
func (m *marks) owed(slot uint16) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pending[slot]
}

// owe notes that a purge is owed to a slot.
func (m *marks) owe(slot uint16) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pending == nil {
		m.pending = make(map[uint16]uint64)
	}
	m.total++
	m.pending[slot] = m.total
}

// paid notes that what was owed to a slot, up to a number, has been carried out.
func (m *marks) paid(slot uint16, number uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pending[slot] <= number {
		delete(m.pending, slot)
	}
}

// count returns how many purges have ever been owed.
func (m *marks) count() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.total
}

// forget notes that what was owed to any slot, up to a number, has been carried out.
func (m *marks) forget(number uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.pending, func(_ uint16, owed uint64) bool { return owed <= number })
}

// mark returns the mark that the store has for a path, empty for none. It carries out first what is owed.
func (s *Responses) mark(ctx context.Context, path string) (string, error) {
	slot := markSlot(path)
	if s.marks.owed(slot) > 0 {
		if err := s.replaceMark(ctx, path); err != nil {
			return "", err
		}
	}
	item, err := s.get(ctx, keys.Mark(s.prefix, slot))
	if errors.Is(err, drivers.ErrMiss) {
		return "", nil
	}
	return string(item.Value), err
}

// ensureMark returns the mark that the store has for a path, and gives it one if it has none.
func (s *Responses) ensureMark(ctx context.Context, path string) (string, error) {
	mark, err := s.mark(ctx, path)
	if mark != "" || err != nil {
		return mark, err
	}
	// One fill at a time: of several that give a slot a mark at once only the last would be kept.
	creating := &s.marks.creating[markSlot(path)%uint16(len(s.marks.creating))]
	creating.Lock() // not for longer than the operation timeout of whoever has it
	defer creating.Unlock()
	mark, err = s.mark(ctx, path)
	if mark != "" || err != nil {
		return mark, err
	}
	return s.newMark(ctx, path)
}

// replaceMark purges a path. If the store does not answer, the purge is owed.
func (s *Responses) replaceMark(ctx context.Context, path string) error {
	slot := markSlot(path)
	owed := s.marks.owed(slot)
	if _, err := s.newMark(ctx, path); err != nil {
		s.marks.owe(slot)
		return err
	}
	s.marks.paid(slot, owed)
	return nil
}

func (s *Responses) newMark(ctx context.Context, path string) (string, error) {
	var word [12]byte
	_, _ = rand.Read(word[:]) // never fails
	mark := hex.EncodeToString(word[:])
	return mark, s.set(ctx, keys.Mark(s.prefix, markSlot(path)), []byte(mark), markTTL)
}
