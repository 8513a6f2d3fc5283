// Package purge makes purges hold: a response whose fill began before a purge is never served after it.
//
// An entry stands on scopes: its path, its namespaces, its tags and so on. There are two ways to keep what purges have done to
// them, with one contract, [Protocol]. [Local] is for a store in this process: each scope that is in use has a generation, which
// a purge ends. [Shared] is for a store of several processes: each scope has a mark in it, a random word, which a purge deletes.
//
// What both rest on: a fill takes the generations or words of its scopes before the handler reads its data. A purge comes after
// the data has changed. So a fill that has read older data has taken a word that the purge removes, and no word comes back. A tag that is
// named after the data was read has a word that may be younger than the purge. So a fill notes its position in a log of the last
// purges of tags before the handler runs, takes the word of the tag when it is named, and then looks whether the tag was purged since the
// position: a purge that is in the log later than that look deletes the word that the fill has taken. Not to find out
// costs a miss: what is lost, is another log or does not reach back makes nothing valid.
//
// A soft purge makes stale what stands on a scope. So a scope has a second mark, the hard mark, which only hard purges delete, while the mark is
// deleted by both. A fill takes the words of both together, and a look-up reads the marks alone: an entry whose words are all there is valid. Where
// a word is gone, the hard marks tell, which are read then: while they have the words of the entry's fill, no hard purge came behind it,
// and the entry is stale. In which order the two are added and deleted does not matter: before the data of a purge changed, a fill that has read
// older data had both words, and behind the purge both are gone. A word of a hard mark is never taken behind the handler, except for what the log
// is asked about.
//
// In a store of several servers all that an entry stands on is on the entry's own: its path has a mark in the path's partition, and a scope that
// has no path has a mark in each partition, of which an entry stands on that of its own. Each partition has a log of tags, too.
package purge

import (
	"context"
	"errors"
	"time"
)

// State is what purges have left of an entry.
type State byte

// The states, from the worst on.
const (
	Gone  State = iota // it is not to be used
	Stale              // it is to be validated before it is used, as one whose time is over
	Valid
)

// ErrOwed says that the store did not take a purge. Nothing that it concerns is valid in this process until it is carried out.
var ErrOwed = errors.New("it is owed: this process serves nothing of what it removes, and carries it out once the store is back")

// Basis is what an entry stands on, with what its fill found there. It goes wherever the entry goes.
type Basis struct {
	Marks []Mark   // Shared: the scopes and their words
	Place Position // Shared: in the log of prefixes, and how keys were spread: see arrangement.go

	gens    [3]*generation // Local: of a path, on its host and on all, and of a namespace, as a rule
	path    string         // Local: what prefixes are compared with
	more    *more          // Local: nil for nothing
	records uint64         // Local: one more than how many prefixes had been purged; zero for what no Begin has taken
}

// Mark is a scope and the words that its marks had.
type Mark struct {
	Scope Scope
	Word  string
	Hard  string // the word of the hard mark; empty where it is not known: then a soft purge leaves nothing
}

// Fill is what is known of a fill before the handler runs.
type Fill struct {
	Known   []Scope       // what the entry will stand on
	Guessed []Scope       // what it may stand on, such as the tags of the entry before: taken early, so that Name needs no log for them
	Late    bool          // tags may be named that are in neither list: notes the position in the log, which costs a round trip
	Plain   bool          // what it makes is of no use once it is stale: it needs no hard marks
	Own     bool          // of an unsafe request, whose response is to outlive its own purge: see PurgeBy
	TTL     time.Duration // how long the entry will be kept, as far as it is known; zero for a day
}

// Ticket is the state of the purges at the beginning of a fill. It belongs to one request.
type Ticket struct {
	Basis Basis // what the entry is kept with, once Name has told true

	part    *partition // Shared: that it is in
	guessed []Mark     // Shared
	log     Position   // Shared: in the partition's log of tags
	until   time.Time  // Shared: the marks live at least until then
	plain   bool       // Shared: no hard marks are taken
	own     bool       // Shared: the marks beside those of the paths are this fill's alone

	gens   []named // Local: what was guessed
	purges uint64  // Local: of tags, when the fill began
	late   bool    // Local: purges was noted
}

// Look is what one request has read of the marks. A request begins with it: what was purged by then is not valid to it. The zero
// Look has read nothing.
type Look struct {
	s           *Shared
	began       time.Time
	paid        uint64 // how many owed purges had been carried out
	scopes      []Scope
	keys        []string   // behind room for one that is not of a mark: see KeysBehind
	words       []string   // as many as have been read
	hards       []Mark     // the words of hard marks, as far as they have been read: Hard alone is set
	part        *partition // of what stands on the scopes
	pulse       int        // the number of the pulse's scope, or -1: see prefixes.go
	tags        Position   // where the partition's log of tags was, noted for following a flight
	arrangement *string    // nil where it is not known yet: see arrangement.go
}

// Protocol is the contract of [Local] and [Shared].
//
// Whoever reads an entry begins with a Look, reads the keys that it wants together with the entry, gives it the words, and asks
// Judge, which does no I/O; or State, which reads what is missing. A fill is Begin, the handler, Name, and then the entry is kept
// with the ticket's Basis; a queued write is an entry like any other, and may be found once Name has told true of what was named
// late: where that is nothing, Name can wait until it is written. A follower of a flight asks Follow. A response that is made from a
// stored one, by a 304, stands on what its own fill does, and on the tags of both: the stored one's are guessed, and named with the new
// ones. A stored response that stands in for a failed fill is asked for with State and a new Look.
type Protocol interface {
	// Look begins a look-up of entries that will stand on scopes. More can be added later.
	Look(scopes ...Scope) *Look

	// Judge tells what is left of an entry, by what the look has read. ok is false where that is not enough: see State.
	Judge(look *Look, basis *Basis) (state State, ok bool)

	// State does what Judge does, and reads what the look has not. look may be nil. With an error the state is Gone.
	State(ctx context.Context, look *Look, basis *Basis) (State, error)

	// Begin takes the ticket of a fill, before the handler runs. look is the request's own, or nil: what it has read is not read
	// again. With an error nothing of the fill can be kept.
	Begin(ctx context.Context, look *Look, fill Fill) (Ticket, error)

	// Name adds to a ticket the scopes that have become known since, and makes sure that what it stands on lives for ttl.
	// kept is false, with or without an error, when the fill cannot be kept: one of them was purged since it began, or that cannot be told.
	Name(ctx context.Context, t *Ticket, late []Scope, ttl time.Duration) (kept bool, err error)

	// NotePosition has a look note where the log of tags is, so that Follow need not ask the log when nothing was purged.
	NotePosition(ctx context.Context, look *Look) error

	// Follow tells what is left, for a request that began with look, of a response whose fill has the ticket and stands on
	// late too, named or not yet.
	Follow(ctx context.Context, look *Look, t *Ticket, late []Scope) (State, error)

	// Purge makes sure that no entry is valid whose fill began before and that stands on one of the scopes: it is gone, or stale for a
	// scope that is soft. It returns when that holds. An error matches ErrOwed when it does not hold in other processes yet.
	Purge(ctx context.Context, scopes ...Scope) error

	// PurgeBy does what Purge does, for a fill with Own whose own response is to outlive it: its ticket holds behind the purge
	// if it did before, so that the purges of others count. No scope is soft.
	PurgeBy(ctx context.Context, t *Ticket, scopes ...Scope) error

	// Owed returns how many purges are owed.
	Owed() int

	// Pay carries out what is owed, as far as the store takes it. It is asked again for what is owed with the next error.
	Pay(ctx context.Context) error
}

// Want has the look read the marks of more scopes.
func (l *Look) Want(scopes ...Scope) {
	for _, scope := range scopes {
		if l.s != nil && !scope.Kind.rare() && l.find(len(l.scopes), scope) < 0 {
			l.scopes = append(l.scopes, scope)
			l.keys = append(l.keys, l.s.keys.key(&scope, l.s.at(&scope, l.part)))
		}
	}
}

// Keys returns the keys of the marks that have not been read yet. They are read after this, never before.
func (l *Look) Keys() []string {
	if len(l.keys) == 0 {
		return nil
	}
	return l.keys[1+len(l.words):]
}

// KeysBehind returns a key and behind it those that Keys returns, in the look's own slice. It is for the first reading.
func (l *Look) KeysBehind(key string) []string {
	l.keys[0] = key
	return l.keys
}

// Read takes the words of the marks, in the order of Keys; empty for one that is not there. It may keep the slice.
func (l *Look) Read(words []string) {
	if len(words) != len(l.Keys()) {
		return
	}
	read := len(l.words)
	if read == 0 {
		l.words = words
	} else {
		l.words = append(l.words, words...)
	}
	if l.pulse >= read && l.pulse < len(l.words) {
		l.part.renew(l.words[l.pulse], l.began)
	}
}

// find returns the number of a scope, or -1. guess is where it may be.
func (l *Look) find(guess int, scope Scope) int {
	if guess < len(l.scopes) && l.scopes[guess] == scope {
		return guess
	}
	for i := range l.scopes {
		if l.scopes[i] == scope {
			return i
		}
	}
	return -1
}

// word returns the word of a scope, and whether it was read.
func (l *Look) word(guess int, scope Scope) (string, bool) {
	i := l.find(guess, scope)
	if i < 0 || i >= len(l.words) {
		return "", false
	}
	return l.words[i], true
}

// hard returns the word of a scope's hard mark, and whether it was read.
func (l *Look) hard(scope Scope) (string, bool) {
	for i := range l.hards {
		if l.hards[i].Scope == scope {
			return l.hards[i].Hard, true
		}
	}
	return "", false
}
