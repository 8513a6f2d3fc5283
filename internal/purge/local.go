package purge

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Local keeps purges in this process, exactly: each scope that is in use has a generation, which a purge ends. Generations are kept alive by
// the entries and fills that stand on them, and by nothing else, so a purge of what is not in use leaves nothing behind. Tags that are
// named late are looked for in a ring of the last purges of tags, as in the log of [Shared]. Its methods never block and return no error.
type Local struct {
	gens     scopes // by a digest of kind and name
	tags     ring
	mu       sync.Mutex // held while a prefix is purged
	prefixes atomic.Pointer[prefixes]
	last     atomic.Uint64 // the number of the last one of these, for what has seen it: counted up behind
}

// NewLocal returns purges of which there was none yet.
func NewLocal() *Local {
	l := &Local{}
	l.gens.names, l.gens.hosts = maphash.MakeSeed(), maphash.MakeSeed()
	l.prefixes.Store(&prefixes{})
	return l
}

var (
	_ Protocol = (*Local)(nil)
	_ Protocol = (*Shared)(nil)

	noLook Look // what Local has read of marks
)

func (l *Local) shard(s Scope) (*shard, uint64) {
	hash := l.gens.hash(s)
	return l.gens.of(hash), hash
}

func (l *Local) generation(s Scope) *generation {
	part, hash := l.shard(s)
	return part.current(hash)
}

// Look returns what has no keys to read.
func (l *Local) Look(...Scope) *Look { return &noLook }

// Judge tells what is left of an entry. ok is always true.
func (l *Local) Judge(_ *Look, b *Basis) (state State, ok bool) {
	if b.records == 0 {
		return Gone, true
	}
	state = Valid
	for _, g := range b.gens {
		if g != nil && g.over.Load() {
			state = min(state, g.left())
		}
	}
	if b.more != nil {
		for _, g := range b.more.gens {
			state = min(state, g.left())
		}
	}
	if b.records != l.last.Load()+1 {
		state = min(state, l.prefixes.Load().left(b))
	}
	return state, true
}

// State does what Judge does.
func (l *Local) State(_ context.Context, _ *Look, b *Basis) (State, error) {
	state, _ := l.Judge(nil, b)
	return state, nil
}

// named is a generation and the scope that it is of.
type named struct {
	scope Scope
	gen   *generation
}

// Begin takes the ticket of a fill.
func (l *Local) Begin(_ context.Context, _ *Look, f Fill) (Ticket, error) {
	t := Ticket{late: f.Late}
	t.Basis.records = l.prefixes.Load().last + 1
	if f.Late {
		t.purges = l.tags.last.Load() // before the generations, and so before the handler
	}
	for _, scope := range f.Known {
		t.Basis.stand(scope, l.generation(scope))
	}
	for _, scope := range f.Guessed {
		t.gens = append(t.gens, named{scope, l.generation(scope)})
	}
	return t, nil
}

// more is what few entries stand on.
type more struct {
	gens  []*generation // beside the first ones
	paths []string      // beside the first one
	late  []Scope       // what Basis.Late returns
}

// clone returns a copy, also of nothing.
func (m *more) clone() *more {
	if m == nil {
		return &more{}
	}
	return &more{gens: slices.Clone(m.gens), paths: m.paths[:len(m.paths):len(m.paths)], late: m.late[:len(m.late):len(m.late)]}
}

// stand has a basis stand on a scope more. What is in an entry already stays as it is.
func (b *Basis) stand(s Scope, g *generation) {
	if s.Kind.rare() {
		return
	}
	b.add(g)
	if s.Kind.late() {
		b.more = b.more.clone()
		b.more.late = append(b.more.late, s)
	}
	if s.Kind == Path && b.path != "" {
		b.more = b.more.clone()
		b.more.paths = append(b.more.paths, s.Name)
	} else if s.Kind == Path {
		b.path = s.Name
	}
}

// add has a basis stand on a generation more.
func (b *Basis) add(g *generation) {
	if free := slices.Index(b.gens[:], nil); free >= 0 {
		b.gens[free] = g
		return
	}
	b.more = b.more.clone()
	b.more.gens = append(b.more.gens, g)
}

// Name adds scopes to a ticket: their generations first, then it looks into the ring. A purge that is not in the ring by then will end the
// generation that was taken.
func (l *Local) Name(_ context.Context, t *Ticket, late []Scope, _ time.Duration) (bool, error) {
	b, fresh := t.Basis, false
	for _, scope := range late {
		g := l.guessed(t, scope)
		if g == nil {
			if g = l.generation(scope); b.has(g) {
				continue
			}
			fresh = true
		}
		b.stand(scope, g)
	}
	if fresh && (!t.late || l.purged(t, late)) {
		return false, nil
	}
	t.Basis = b
	return true, nil
}

// guessed returns the generation that was taken of a scope before the handler ran, or nil.
func (l *Local) guessed(t *Ticket, scope Scope) *generation {
	for i := range t.gens {
		if t.gens[i].scope == scope {
			return t.gens[i].gen
		}
	}
	return nil
}

// has tells whether a basis stands on a generation.
func (b *Basis) has(g *generation) bool {
	return slices.Contains(b.gens[:], g) || b.more != nil && slices.Contains(b.more.gens, g)
}

// purged tells whether one of scopes that were not guessed was purged since a fill began, or that cannot be told.
func (l *Local) purged(t *Ticket, scopes []Scope) bool {
	var hashes []uint64
	for _, scope := range scopes {
		if l.guessed(t, scope) == nil && !scope.Kind.rare() {
			_, hash := l.shard(scope)
			hashes = append(hashes, hash)
		}
	}
	return l.tags.purged(t.purges, hashes)
}

// NotePosition has nothing to note.
func (l *Local) NotePosition(context.Context, *Look) error { return nil }

// Follow tells what is left of a response whose fill has the ticket.
func (l *Local) Follow(_ context.Context, _ *Look, t *Ticket, late []Scope) (State, error) {
	state, _ := l.Judge(nil, &t.Basis)
	var unnamed []Scope
	for _, scope := range late {
		if g := l.guessed(t, scope); g != nil {
			state = min(state, g.left())
		} else if !t.Basis.has(l.generation(scope)) {
			unnamed = append(unnamed, scope)
		}
	}
	if len(unnamed) > 0 && (!t.late || l.purged(t, unnamed)) {
		return Gone, nil
	}
	return state, nil
}

// Purge purges scopes.
func (l *Local) Purge(_ context.Context, scopes ...Scope) error {
	for _, scope := range scopes {
		l.purge(scope, nil)
	}
	return nil
}

func (l *Local) purge(scope Scope, follow func(ended, next *generation)) {
	if scope.Kind.rare() {
		l.mu.Lock()
		defer l.mu.Unlock()
		next := l.prefixes.Load().with(recordOf(scope))
		l.prefixes.Store(next)
		l.last.Store(next.last)
		return
	}
	part, hash := l.shard(scope)
	if scope.Kind.late() {
		l.tags.add(hash) // before the generation ends: see Name
	}
	if scope.Soft {
		part.age(hash)
	} else {
		part.end(hash, follow)
	}
}

// PurgeBy purges scopes, and has the ticket go on with the generations behind: the purge ends one and begins the next in one step, so that it
// sees all others.
func (l *Local) PurgeBy(_ context.Context, t *Ticket, scopes ...Scope) error {
	if t.Basis.more != nil {
		t.Basis.more = t.Basis.more.clone() // an entry may have it
	}
	for _, scope := range scopes {
		l.purge(scope, t.Basis.follow)
	}
	return nil
}

// follow has a basis go on with the generation behind one of its own.
func (b *Basis) follow(ended, next *generation) {
	replace(b.gens[:], ended, next)
	if b.more != nil {
		replace(b.more.gens, ended, next)
	}
}

func replace(gens []*generation, ended, next *generation) {
	for i := range gens {
		if gens[i] == ended {
			gens[i] = next
		}
	}
}

// Owed returns 0.
func (l *Local) Owed() int { return 0 }

// Pay returns nil.
func (l *Local) Pay(context.Context) error { return nil }
