package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/keys"
)

// A store that several processes share keeps, for each slot of paths and namespaces, a mark: a random word that a purge
// replaces. An entry carries the marks of when its fill began and is good only as long as the store still has that one. A mark that
// the store has lost is replaced by another, so losing one costs misses and never brings back what was purged.
const (
	markSlots = 1 << 12
	markTTL   = 30 * 24 * time.Hour
)

// marks are the purges that could not be carried out because the store did not answer: nothing for those paths is
// served until they are.
type marks struct {
	ledger[uint16]

	creating [64]sync.Mutex // held while a slot that has no mark is given one; several slots share each
}

func markSlot(path string) uint16 {
	h := fnv.New64a() // the same in every process
	_, _ = h.Write([]byte(path))
	return uint16(h.Sum64() % markSlots)
}

// slotsOf returns the slots of the marks that a target's purges go by: of its path, of the one that it came with, and of its
// namespaces. No path is what stands for a namespace.
func slotsOf(target *keys.Target) []uint16 {
	slots := make([]uint16, 1, 4)
	slots[0] = markSlot(target.Path)
	if target.Came != "" {
		slots = append(slots, markSlot(target.Came))
	}
	for _, namespace := range target.Namespaces {
		slots = append(slots, namespaceSlot(namespace))
	}
	return slots
}

func namespaceSlot(namespace string) uint16 { return markSlot("namespace " + namespace) }

// joinMarks returns the mark of a target whose slots have these: empty if one has none.
func joinMarks(marks ...string) string {
	if slices.Contains(marks, "") {
		return ""
	}
	return strings.Join(marks, ".")
}

// mark returns the mark that the store has for a target, empty for none. It carries out first what is owed.
func (s *Responses) mark(ctx context.Context, target *keys.Target) (string, error) {
	return s.eachMark(ctx, target, s.markOf)
}

// ensureMark returns the mark that the store has for a target, and gives it one if it has none.
func (s *Responses) ensureMark(ctx context.Context, target *keys.Target) (string, error) {
	return s.eachMark(ctx, target, s.ensureMarkOf)
}

func (s *Responses) eachMark(ctx context.Context, target *keys.Target, read func(context.Context, uint16) (string, error)) (string, error) {
	var marks []string
	for _, slot := range slotsOf(target) {
		mark, err := read(ctx, slot)
		if err != nil {
			return "", err
		}
		marks = append(marks, mark)
	}
	return joinMarks(marks...), nil
}

// markOf returns the mark that the store has for a slot, empty for none. It carries out first what is owed.
func (s *Responses) markOf(ctx context.Context, slot uint16) (string, error) {
	if s.marks.owed(slot) > 0 {
		if _, err := s.replaceMark(ctx, slot); err != nil {
			return "", err
		}
	}
	item, err := s.far.Get(ctx, keys.Mark(s.prefix, slot))
	if errors.Is(err, drivers.ErrMiss) {
		return "", nil
	}
	return string(item.Value), err
}

func (s *Responses) ensureMarkOf(ctx context.Context, slot uint16) (string, error) {
	mark, err := s.markOf(ctx, slot)
	if mark != "" || err != nil {
		return mark, err
	}
	// One fill at a time: of several that give a slot a mark at once only the last would be kept.
	creating := &s.marks.creating[slot%uint16(len(s.marks.creating))]
	creating.Lock() // not for longer than the operation timeout of whoever has it
	defer creating.Unlock()
	mark, err = s.markOf(ctx, slot)
	if mark != "" || err != nil {
		return mark, err
	}
	return s.newMark(ctx, slot, s.far)
}

// replaceMark purges a slot, and returns the mark that it gives it; empty for none. If the store does not answer, the purge is owed.
func (s *Responses) replaceMark(ctx context.Context, slot uint16) (string, error) {
	owed := s.marks.owed(slot)
	mark, err := s.renewMark(ctx, slot, s.far)
	if err != nil {
		s.marks.owe(slot)
		s.startPaying()
		return "", err
	}
	s.marks.paid(slot, owed)
	return mark, nil
}

// replaceOwnMark does what replaceMark does, for a request whose own response is to outlive it: its ticket holds behind the
// purge if it did before, so that purges of others count. Only one that another process carries out between the two operations
// of this is not seen.
func (s *Responses) replaceOwnMark(ctx context.Context, slot uint16, t *Ticket, target *keys.Target) error {
	before, known := s.markOf(ctx, slot)
	mark, err := s.replaceMark(ctx, slot)
	if err != nil || known != nil || t.mark == "" {
		return err
	}
	marks := strings.Split(t.mark, ".")
	for i, of := range slotsOf(target) {
		if of == slot && marks[i] == before {
			marks[i] = mark
		}
	}
	t.mark = joinMarks(marks...)
	return nil
}

// newMark gives a slot a mark that it never had, in far.
func (s *Responses) newMark(ctx context.Context, slot uint16, far *guard.Store) (string, error) {
	var word [12]byte
	_, _ = rand.Read(word[:]) // never fails
	mark := hex.EncodeToString(word[:])
	return mark, far.Set(ctx, keys.Mark(s.prefix, slot), []byte(mark), markTTL)
}

// renewMark gives a slot another mark than it has. A store that is full does not take one, but it removes the one that is there, and
// that a slot has none is as good: what was kept with one is valid no more.
func (s *Responses) renewMark(ctx context.Context, slot uint16, far *guard.Store) (string, error) {
	mark, err := s.newMark(ctx, slot, far)
	if err == nil {
		return mark, nil
	}
	if _, removed := far.Delete(ctx, keys.Mark(s.prefix, slot)); removed != nil {
		return "", err
	}
	return "", nil
}

// oweMarks notes that every response is to be purged, where the store is one that other processes have, too.
func (s *Responses) oweMarks() {
	if s.objects != nil {
		return
	}
	for slot := range uint16(markSlots) {
		s.marks.owe(slot)
	}
}
