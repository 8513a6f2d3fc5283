package flight

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// recents bounds how many keys a Recent remembers.
const recents = 1 << 12

// Recent remembers for a while something of a key: that its response turned out to be for one client only, say, so that requests for
// it do not line up behind one another in vain. It forgets at will: to be remembered too little or too much, as by a clash of two keys,
// must cost time and nothing else.
type Recent struct {
	seed  maphash.Seed
	slots atomic.Pointer[slots] // nil as long as nothing was noted: most caches remember nothing of most kinds
}

// slots have 28 bits of a key's hash each, 4 of what is noted, and 32 of the time, in seconds, until which it is remembered.
type slots [recents]atomic.Uint64

const (
	hashBits = uint64(1<<28-1) << 36
	noteBits = uint64(15) << 32
)

// NewRecent returns a Recent that remembers nothing.
func NewRecent() *Recent { return &Recent{seed: maphash.MakeSeed()} }

// Add remembers key until the given time.
func (r *Recent) Add(key string, until time.Time) { r.Note(key, 1, until) }

// Note remembers one of up to 15 things of key, each a number over 0, until the given time.
func (r *Recent) Note(key string, what uint8, until time.Time) {
	all := r.slots.Load()
	if all == nil {
		r.slots.CompareAndSwap(nil, new(slots))
		all = r.slots.Load()
	}
	hash := maphash.String(r.seed, key)
	all[hash%recents].Store(hash&hashBits | uint64(what)<<32&noteBits | uint64(uint32(until.Unix())))
}

// Has tells whether key is remembered.
func (r *Recent) Has(key string, now time.Time) bool { return r.What(key, now) != 0 }

// What returns what is remembered of key, and 0 where nothing is.
func (r *Recent) What(key string, now time.Time) uint8 {
	all := r.slots.Load()
	if all == nil {
		return 0
	}
	hash := maphash.String(r.seed, key)
	slot := all[hash%recents].Load()
	if slot&hashBits != hash&hashBits || uint32(slot) <= uint32(now.Unix()) {
		return 0
	}
	return uint8(slot & noteBits >> 32)
}

// Remove forgets key.
func (r *Recent) Remove(key string) {
	all := r.slots.Load()
	if all == nil {
		return
	}
	hash := maphash.String(r.seed, key)
	slot := &all[hash%recents]
	if old := slot.Load(); old&hashBits == hash&hashBits {
		slot.CompareAndSwap(old, 0)
	}
}
