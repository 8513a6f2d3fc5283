package purge

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"weak"
)

// generation is the time between two purges of a scope.
type generation struct {
	over atomic.Bool
	_    [12]byte // objects of less than 16 bytes share a block, and would be kept by one another
}

// scopes are the generations of all scopes that are in use: by fills under way and by what they have stored. No two scopes share
// one, but for a clash of 64 bits that no client can bring about and that would cost a miss.
type scopes struct {
	names  maphash.Seed
	hosts  maphash.Seed
	shards [32]shard
}

// hash returns the hash of a scope. Those of its parts are added up, each with a seed of its own: only who knew the seeds could bring
// about a clash.
func (g *scopes) hash(s Scope) uint64 {
	const odd = 0x9e3779b97f4a7c15 // 2^64 over the golden ratio, so that small numbers are spread
	kind := uint64(s.Kind) << 1
	if s.Soft {
		kind |= 1
	}
	hash := maphash.String(g.names, s.Name) + kind*odd
	if s.Host != "" {
		hash += maphash.String(g.hosts, s.Host)
	}
	return hash
}

// shard is a part of them. It keeps none alive: what stands on them does.
type shard struct {
	mu      sync.Mutex
	inUse   map[uint64]weak.Pointer[generation] // by the hash of the scope, whose name may be long
	sweepAt int                                 // the number of them from which those are removed that are not in use any more
}

const leastSweep = 64

// current returns the generation of a hash.
func (s *shard) current(hash uint64) *generation {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.inUse[hash].Value(); g != nil {
		return g
	}
	return s.begin(hash)
}

// begin makes a new generation of a hash. The shard is locked.
func (s *shard) begin(hash uint64) *generation {
	g := new(generation)
	if len(s.inUse) >= max(s.sweepAt, leastSweep) {
		for hash, old := range s.inUse {
			if old.Value() == nil {
				delete(s.inUse, hash)
			}
		}
		s.sweepAt = 2 * len(s.inUse)
	}
	if s.inUse == nil {
		s.inUse = make(map[uint64]weak.Pointer[generation])
	}
	s.inUse[hash] = weak.Make(g)
	return g
}

// end ends the generation of a hash. follow, if it is not nil, is told which one that was and which one comes behind it.
func (s *shard) end(hash uint64, follow func(ended, next *generation)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.inUse[hash].Value()
	if g == nil {
		return // nothing stands on it
	}
	g.over.Store(true)
	delete(s.inUse, hash)
	if follow != nil {
		follow(g, s.begin(hash))
	}
}
