package purge

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/target"
)

// attempts bounds how often something is read anew because it changed in the meantime.
const attempts = 8

// errUnsettled says that purges came faster than they could be read.
var errUnsettled = errors.New("purge: what was purged changes faster than the store tells it")

// Options are what a Shared is made of.
type Options struct {
	Marks  Marks
	Log    Log    // nil for a store without one
	Prefix string // of all keys

	Sharded     bool                                      // the store has several servers: what is in one partition has its tag
	Server      func(key string) string                   // the name of the server that keeps a key; nil where that is not known
	Arrangement func(ctx context.Context) (string, error) // what drivers.Arranged says; nil for a driver that says nothing

	Every  time.Duration                                    // how long a look at the log of prefixes is good for; a second by default
	Keep   int                                              // how many purges of tags the log holds; 8,192 by default
	Now    func() time.Time                                 // time.Now by default
	Wait   func(ctx context.Context, d time.Duration) error // waits, or returns the context's error
	Random func([]byte)                                     // crypto/rand by default
	Beside func(n int, do func(i int))                      // does n things side by side
}

// LogLife is how long a log lives that nothing is written to. It is longer than any entry is kept without a look at it.
const LogLife = 30 * 24 * time.Hour

// Shared keeps purges in a store that several processes share, by marks and logs: see the package's comment. It holds no lock
// while it waits for the store, and no request waits for another.
type Shared struct {
	Options

	base              string      // what keys begin with
	nearLog, nearMark string      // for near tiers: see near.go
	parts             []partition // one where the store has one server
	debts             debts
	lives             lives
	keys              keyMemo
	tier              *Tier                 // near this process; nil for none
	near              atomic.Pointer[knows] // whether there are others
	untold            untold                // what these could not be told
}

// NewShared returns the purges of a store.
func NewShared(o Options) *Shared {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Keep <= 0 {
		o.Keep = 8192
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait == nil {
		o.Wait = Wait
	}
	if o.Random == nil {
		o.Random = func(b []byte) { _, _ = rand.Read(b) } // never fails
	}
	if o.Beside == nil {
		o.Beside = guard.Beside
	}
	s := &Shared{Options: o, base: target.Marks(o.Prefix), parts: make([]partition, 1)}
	if s.Sharded {
		s.parts = make([]partition, target.Partitions)
	}
	for i := range s.parts {
		p := &s.parts[i]
		p.s, p.number, p.base = s, i, s.base
		if s.Sharded {
			p.base += target.Tag(i)
		}
		p.tags, p.log, p.pulse = p.base+"lt", p.base+"lx", p.base+"le"
	}
	s.nearLog, s.nearMark = s.parts[0].base+"ln", s.parts[0].base+"la" // on one server
	s.debts.full = ^uint64(0) >> (64 - len(s.parts))
	return s
}

// Wait waits for a time, or returns the error with which ctx has ended.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// maker returns what makes words that live until a moment.
func (s *Shared) maker(until time.Time) func() string {
	return func() string { return newWord(until, s.Random) }
}

// Look begins a look-up. It is made before anything is read. It asks for the pulse where the view of the prefixes is too old. It may
// keep the slice of scopes, which is not to change then.
func (s *Shared) Look(scopes ...Scope) *Look { return s.lookIn(s.partOf(scopes), scopes...) }

// lookIn does what Look does, for what is in a partition.
func (s *Shared) lookIn(part *partition, scopes ...Scope) *Look {
	l := &Look{s: s, part: part, began: s.Now(), paid: s.debts.paid.Load(), pulse: -1, keys: make([]string, 1, len(scopes)+2)}
	if distinct(scopes) {
		l.scopes = scopes[:len(scopes):len(scopes)]
		for i := range scopes {
			l.keys = append(l.keys, s.keys.key(&scopes[i], s.at(&scopes[i], part)))
		}
	} else {
		l.Want(scopes...)
	}
	if v := l.part.view.Load(); v != nil && l.began.Sub(v.at) >= s.Every {
		l.pulse = len(l.scopes)
		l.scopes, l.keys = append(l.scopes[:l.pulse:l.pulse], Scope{}), append(l.keys, l.part.pulse)
	}
	return l
}

// at returns the partition of the mark that an entry stands on for a scope: that of the scope's path, and that of the entry for a scope without
// one, which has a mark in each partition. part is the entry's.
func (s *Shared) at(scope *Scope, part *partition) *partition {
	if s.Sharded && scope.onPath() {
		return &s.parts[target.Partition(scope.Name)]
	}
	return part
}

// partOf returns the partition of what stands on scopes: that of the first path among them, by which its key has its tag.
func (s *Shared) partOf(scopes []Scope) *partition {
	for i := range scopes {
		if scopes[i].onPath() {
			return s.at(&scopes[i], &s.parts[0])
		}
	}
	return &s.parts[0]
}

// partOfBasis returns the partition of an entry.
func (s *Shared) partOfBasis(b *Basis) *partition {
	for i := range b.Marks {
		if scope := &b.Marks[i].Scope; scope.onPath() {
			return s.at(scope, &s.parts[0])
		}
	}
	return &s.parts[0]
}

// distinct tells whether each of scopes has a mark, and none stands there twice. What has the same bit is compared alone: a page has many tags.
func distinct(scopes []Scope) bool {
	var seen [8]uint64
	for i := range scopes {
		if scopes[i].Kind.rare() {
			return false
		}
		hash := maphash.String(memoSeed, scopes[i].Name)
		word, bit := &seen[hash>>6%uint64(len(seen))], uint64(1)<<(hash%64)
		if *word&bit != 0 && find(scopes[:i], scopes[i]) >= 0 {
			return false
		}
		*word |= bit
	}
	return true
}

// Judge tells what is left of an entry, by what the look has read.
func (s *Shared) Judge(l *Look, basis *Basis) (state State, ok bool) {
	part := s.partOfBasis(basis)
	if state = s.debts.left(part.number, basis.scopes); state == Gone {
		return Gone, true
	}
	if l.part != part || l.paid != s.debts.paid.Load() { // behind the look at the debts: see debts
		return Gone, false
	}
	ok = true
	for i := range basis.Marks {
		mark := &basis.Marks[i]
		word, read := l.word(i, mark.Scope)
		if read && word != "" && word == mark.Word {
			continue
		}
		hard, settled := "", false
		if read {
			state = min(state, Stale)
			hard, settled = l.hard(mark.Scope)
			settled = settled || mark.Hard == ""
		}
		switch {
		case !settled:
			ok = false
		case hard == "" || hard != mark.Hard:
			return Gone, true
		}
	}
	at, same, known := l.position(basis.Place)
	if !known || !same {
		return Gone, known
	}
	v := part.fresh(l.began)
	if v == nil {
		return Gone, false
	}
	left, known := v.left(basis, at)
	if known && left == Gone {
		return Gone, true
	}
	if !ok || !known {
		return Gone, false
	}
	return min(state, left), true
}

// State does what Judge does, and reads what the look has not: the hard marks where a mark has another word than the entry, and only then.
func (s *Shared) State(ctx context.Context, l *Look, basis *Basis) (State, error) {
	return s.state(ctx, l, basis, true)
}

// Holds tells whether an entry is valid. It does what State does, and reads no hard marks.
func (s *Shared) Holds(ctx context.Context, l *Look, basis *Basis) (bool, error) {
	state, err := s.state(ctx, l, basis, false)
	return state == Valid, err
}

func (s *Shared) state(ctx context.Context, l *Look, basis *Basis, stale bool) (State, error) {
	part := s.partOfBasis(basis)
	for range attempts {
		if l == nil || l.part != part || l.paid != s.debts.paid.Load() {
			l = s.lookIn(part)
		}
		if err := l.arrange(ctx); err != nil {
			return Gone, err
		}
		state, ok := s.Judge(l, basis)
		if ok {
			return state, nil
		}
		l.Want(basis.list()...)
		if keys := l.Keys(); len(keys) > 0 {
			words, err := s.Marks.Words(ctx, keys...)
			if err != nil {
				return Gone, err
			}
			l.Read(words)
			continue
		}
		if doubtful := l.doubtful(basis); len(doubtful) > 0 {
			if !stale {
				return Gone, nil
			}
			if err := l.readHard(ctx, doubtful); err != nil {
				return Gone, err
			}
			continue
		}
		v, err := part.ensure(ctx, l.began)
		if err != nil {
			return Gone, err
		}
		at, _, _ := l.position(basis.Place)
		if _, known := v.left(basis, at); !known {
			if err := part.resolve(ctx, at); err != nil {
				return Gone, err
			}
		}
	}
	return Gone, errUnsettled
}

// doubtful returns the scopes whose hard marks have to be read: their marks have other words than the entry's fill has taken.
func (l *Look) doubtful(basis *Basis) (scopes []Scope) {
	for i := range basis.Marks {
		mark := &basis.Marks[i]
		if word, _ := l.word(i, mark.Scope); word == "" || word != mark.Word {
			if _, read := l.hard(mark.Scope); !read {
				scopes = append(scopes, mark.Scope)
			}
		}
	}
	return scopes
}

// readHard reads the hard marks of scopes.
func (l *Look) readHard(ctx context.Context, scopes []Scope) error {
	keys := make([]string, len(scopes))
	for i := range scopes {
		keys[i] = scopes[i].id().hardKey(l.s.at(&scopes[i], l.part).base)
	}
	words, err := l.s.Marks.Words(ctx, keys...)
	if err != nil || len(words) != len(keys) {
		return cmp.Or(err, errUnsettled)
	}
	for i, word := range words {
		l.hards = append(l.hards, Mark{Scope: scopes[i], Hard: word})
	}
	return nil
}

// scopes are what a basis stands on.
func (b *Basis) scopes(yield func(Scope) bool) {
	for i := range b.Marks {
		if !yield(b.Marks[i].Scope) {
			return
		}
	}
}

func (b *Basis) list() []Scope {
	list := make([]Scope, len(b.Marks))
	for i := range b.Marks {
		list[i] = b.Marks[i].Scope
	}
	return list
}

// on tells whether a basis stands on a scope.
func (b *Basis) on(scope Scope) bool {
	for i := range b.Marks {
		if b.Marks[i].Scope == scope {
			return true
		}
	}
	return false
}

// outlived tells whether a scope was not purged between two takings of its words, but for soft purges. A hard one deletes both words: where the
// first was taken just before and the second behind it, the first says nothing.
func (m *Mark) outlived(other *Mark) bool {
	if m.Hard != "" && other.Hard != "" {
		return m.Hard == other.Hard
	}
	return m.Word == other.Word
}

// Agrees tells whether no scope that both stand on was purged in between, but for soft purges.
func (b *Basis) Agrees(with *Basis) bool {
	for i := range b.Marks {
		for j := range with.Marks {
			one, other := &b.Marks[i], &with.Marks[j]
			if one.Scope == other.Scope && !one.outlived(other) {
				return false
			}
		}
	}
	return true
}
