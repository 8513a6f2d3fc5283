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
	era  *era // that it is in
}

// era is the time between two hard purges of a scope. It has a generation, and one more behind each soft purge.
type era struct {
	over    atomic.Bool
	first   generation
	current *generation // under the lock of the shard
}

// left tells what is left of what stands on a generation.
func (g *generation) left() State {
	switch {
	case !g.over.Load():
		return Valid
	case g.era.over.Load():
		return Gone
	}
	return Stale
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
	hash := maphash.String(g.names, s.Name) + uint64(s.Kind)*odd
	if s.Host != "" {
		hash += maphash.String(g.hosts, s.Host)
	}
	return hash
}

// shard is a part of them. It keeps none alive: what stands on them does.
type shard struct {
	mu      sync.Mutex
	inUse   map[uint64]weak.Pointer[era] // by the hash of the scope, whose name may be long
	sweepAt int                          // the number of them from which those are removed that are not in use any more
}

const leastSweep = 64

// of returns the shard of a hash.
func (g *scopes) of(hash uint64) *shard { return &g.shards[hash%uint64(len(g.shards))] }

// current returns the generation of a hash.
func (s *shard) current(hash uint64) *generation {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.inUse[hash].Value(); e != nil {
		return e.current
	}
	return s.begin(hash)
}

// inForce returns the era of a hash, or nil where nothing stands on it.
func (s *shard) inForce(hash uint64) *era {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inUse[hash].Value()
}

// begin makes a new era of a hash, and returns its first generation. The shard is locked.
func (s *shard) begin(hash uint64) *generation {
	e := new(era)
	e.first.era, e.current = e, &e.first
	if len(s.inUse) >= max(s.sweepAt, leastSweep) {
		for hash, old := range s.inUse {
			if old.Value() == nil {
				delete(s.inUse, hash)
			}
		}
		s.sweepAt = 2 * len(s.inUse)
	}
	if s.inUse == nil {
		s.inUse = make(map[uint64]weak.Pointer[era])
	}
	s.inUse[hash] = weak.Make(e)
	return e.current
}

// age ends the generation of a hash, and begins the next one in the same era.
func (s *shard) age(hash uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.inUse[hash].Value(); e != nil {
		e.current.over.Store(true)
		e.current = &generation{era: e}
	}
}

// end ends the era of a hash. follow, if it is not nil, is told which generation was its last and which one comes behind it.
func (s *shard) end(hash uint64, follow func(ended, next *generation)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.inUse[hash].Value()
	if e == nil {
		return // nothing stands on it
	}
	e.over.Store(true) // first: what finds its generation over is gone
	e.current.over.Store(true)
	delete(s.inUse, hash)
	if follow != nil {
		follow(e.current, s.begin(hash))
	}
}
