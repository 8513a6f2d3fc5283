package inmemory

import (
	"math"
	"sync"
	"sync/atomic"
)

// What otter allocates, in bytes, measured with Go 1.26 on 64 bits and held by TestHeapStaysWithinLimit.
const (
	// perEntry is what an entry takes beside its key and its value: otter's node with ours in it (112), and the header of
	// its byte string (16).
	perEntry = 128

	// perSlot is what the hash table takes for each entry that it has room for (64 bytes for a bucket of 3.75 entries,
	// and about a fifth more for buckets that overflow), and the frequency sketch (8 bytes, in powers of two).
	// Neither shrinks when entries leave.
	perSlot = 30

	// firstSlots is how many entries the hash table has room for at first. It doubles when they are exceeded.
	firstSlots = 120

	// fixed is what an empty store takes: the timer wheel, the buffers of reads and writes.
	fixed = 32 << 10
)

// budget divides the memory limit between otter's tables and the entries.
//
// otter bounds the sum of the entries' weights only, and evicts on a goroutine of its own, which a fast writer outruns
// by what fits into the buffer between them: some hundreds of entries of any size, times the processors. So the budget
// takes the tables off what the entries may weigh, and makes a writer wait for evictions now and then.
type budget struct {
	limit   int64
	entries atomic.Int64 // what the entries may weigh together

	unsettled atomic.Int64 // the weight written since otter was last made to catch up

	mu    sync.Mutex
	slots int64 // the most entries that the tables have had to hold, as they round it
}

func (b *budget) init(limit int64) {
	b.limit = limit
	b.slots = firstSlots
	b.divide()
}

// divide gives the entries what the tables leave. Tiny limits are shared by halves.
func (b *budget) divide() {
	b.entries.Store(max(b.limit-fixed-b.slots*perSlot, b.limit/2, 1))
}

func (b *budget) forEntries() int64 {
	return b.entries.Load()
}

// most is what one entry may weigh. otter counts in 32 bits.
func (b *budget) most() int64 { return min(b.forEntries(), math.MaxUint32) }

// room is the size of the largest value that can be kept under a key: less than zero for none.
func (b *budget) room(key string) int64 { return b.most() - perEntry - int64(len(key)) }

// weigh returns what an entry weighs whose value there is room for, from what the allocator made of its key and value. What
// it rounded up is no reason to refuse an entry, so that room is exact.
func (b *budget) weigh(key, value int) uint32 {
	return uint32(min(perEntry+int64(key)+int64(value), b.most()))
}

// spend records a write. Each time that a sixty-fourth of the limit has been written it makes otter catch up, and all
// writers wait for that meanwhile: they exceed the limit by one entry each.
func (b *budget) spend(cache *store, weight uint32) {
	quantum := b.limit / 64
	if b.unsettled.Add(int64(weight)) < quantum {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	settled := b.unsettled.Load()
	if settled < quantum {
		return // another has done it
	}
	// What was added to unsettled was in otter's buffer before, so CleanUp finds it there.
	cache.CleanUp()
	b.unsettled.Add(-settled)
	b.follow(cache)
}

// follow takes from the entries what the tables have grown by. The caller holds mu.
func (b *budget) follow(cache *store) {
	entries := int64(cache.EstimatedSize())
	entries += entries / 32 // the tables have grown for some that are gone already
	if entries <= b.slots {
		return
	}
	for b.slots < entries {
		b.slots *= 2
	}
	b.divide()
	cache.SetMaximum(uint64(b.forEntries()))
}
