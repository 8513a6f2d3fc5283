package flight

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// recents bounds how many keys a Recent remembers.
const recents = 1 << 12

// Recent remembers for a while the keys whose responses turned out to be for one client only, so that requests for
// them do not line up behind one another in vain. It forgets at will: to be remembered too little or too much, as by a
// clash of two keys, costs time and nothing else.
type Recent struct {
	seed  maphash.Seed
	slots [recents]atomic.Uint64 // 32 bits of the key's hash, 32 of the time, in seconds, until which it is remembered
}

// NewRecent returns a Recent that remembers nothing.
func NewRecent() *Recent { return &Recent{seed: maphash.MakeSeed()} }

// Add remembers key until the given time.
func (r *Recent) Add(key string, until time.Time) {
	hash := maphash.String(r.seed, key)
	r.slots[hash%recents].Store(hash&^0xffffffff | uint64(uint32(until.Unix())))
}

// Has tells whether key is remembered.
func (r *Recent) Has(key string, now time.Time) bool {
	hash := maphash.String(r.seed, key)
	slot := r.slots[hash%recents].Load()
	return slot&^0xffffffff == hash&^0xffffffff && uint32(slot) > uint32(now.Unix())
}

// Remove forgets key.
func (r *Recent) Remove(key string) {
	hash := maphash.String(r.seed, key)
	slot := &r.slots[hash%recents]
	if old := slot.Load(); old&^0xffffffff == hash&^0xffffffff {
		slot.CompareAndSwap(old, 0)
	}
}
