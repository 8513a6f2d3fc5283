package purge

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"weak"
)

// Table holds generations: of every path, every namespace and the cache as a whole. A fill notes them when it begins, a purge ends
// one, and what was noted before is then out of date. No two of them share a generation, but for a clash of 64 bits that nobody can
// bring about and that would cost a miss. It holds just those that are in use: by fills under way and by what they have stored.
// It is safe for concurrent use. [Local] does the same for all scopes.
type Table struct {
	all    atomic.Pointer[generation]
	paths  scopes
	spaces scopes
}

// generation is the time between two purges of one path, of one namespace, or of all.
type generation struct {
	over atomic.Bool
	_    [12]byte // objects of less than 16 bytes share a block, and would be kept by one another
}

// Stamp is the generations that concern one response at one moment.
type Stamp struct {
	all, path *generation
	more      []*generation // of a second path, and of namespaces
}

// NewTable returns a table on which nothing was purged yet.
func NewTable() *Table {
	t := &Table{}
	t.all.Store(new(generation))
	t.paths.seed, t.spaces.seed = maphash.MakeSeed(), maphash.MakeSeed()
	return t
}

// Stamp returns the generations of a response for path in namespaces. came is a second path that it stands for; empty for
// none.
func (t *Table) Stamp(path, came string, namespaces []string) Stamp {
	s := Stamp{all: t.all.Load(), path: t.paths.current(path)}
	if came != "" {
		s.more = append(s.more, t.paths.current(came))
	}
	for _, namespace := range namespaces {
		s.more = append(s.more, t.spaces.current(namespace))
	}
	return s
}

// Holds tells whether nothing that concerns the stamp was purged since it was taken.
func (t *Table) Holds(s *Stamp) bool {
	if s.path == nil || s.path.over.Load() || s.all.over.Load() {
		return false
	}
	for _, g := range s.more {
		if g.over.Load() {
			return false
		}
	}
	return true
}

// Path purges the responses for a path, of every host, query, variant and namespace.
func (t *Table) Path(path string) { t.paths.end(path, nil) }

// PathBy does what Path does, for a request whose own response is to outlive it: its stamp holds behind the purge if it did
// before, so that purges of others count and its own does not.
func (t *Table) PathBy(s *Stamp, path string) { t.paths.end(path, s) }

// Namespace purges the responses in a namespace.
func (t *Table) Namespace(namespace string) { t.spaces.end(namespace, nil) }

// All purges every response.
func (t *Table) All() { t.all.Swap(new(generation)).over.Store(true) }

// follow has a stamp go on with the generation behind one of its own.
func (s *Stamp) follow(ended, next *generation) {
	if s.path == ended {
		s.path = next
	}
	for i := range s.more {
		if s.more[i] == ended {
			s.more[i] = next
		}
	}
}

// scopes are the generations of all paths, or of all namespaces, that are in use.
type scopes struct {
	seed   maphash.Seed
	shards [32]shard
}

// shard is a part of them. It keeps none alive: the stamps do.
type shard struct {
	mu      sync.Mutex
	inUse   map[uint64]weak.Pointer[generation] // by the hash of the name, which may be long
	sweepAt int                                 // the number of them from which those are removed that are not in use any more
}

const leastSweep = 64

func (c *scopes) find(name string) (s *shard, hash uint64) {
	hash = maphash.String(c.seed, name)
	return &c.shards[hash%uint64(len(c.shards))], hash
}

// current returns the generation of a name.
func (c *scopes) current(name string) *generation {
	s, hash := c.find(name)
	return s.current(hash)
}

// current returns the generation of a hash.
func (s *shard) current(hash uint64) *generation {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.inUse[hash].Value(); g != nil {
		return g
	}
	return s.begin(hash)
}

// begin makes a new generation of a name. The shard is locked.
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

// end ends the generation of a name. own, if it is not nil, goes on with the next one.
func (c *scopes) end(name string, own *Stamp) {
	s, hash := c.find(name)
	if own == nil {
		s.end(hash, nil)
	} else {
		s.end(hash, own.follow)
	}
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
