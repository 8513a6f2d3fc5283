// Package entries keeps responses in a driver: it finds the one that matches a request, keeps the ones that fills make, and
// makes purges hold.
//
// A driver that keeps live objects holds the entries as they are; any other holds their bytes.
package entries

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

// Store has the responses of one cache.
type Store struct {
	far     *guard.Store
	objects drivers.Objects // nil where the store keeps bytes only
	prefix  string
	service string        // whose tags it has
	keep    time.Duration // how long a response with a validator is kept stale
	log     *slog.Logger
	local   *purge.Local  // the purges, where responses are live objects; else nil
	shared  *purge.Shared // the purges, where the store keeps bytes; else nil
	deletes ledger        // of values
	clears  ledger        // of what has a prefix
	paying  paying
	queue   *queue // of the writes to a store of bytes; else nil
	memo    *memo  // of what was read from a store of bytes; else nil
	guesses *guesses

	declared declarations // that were read or noted last
	fills    atomic.Int64 // that have begun, as far as that counts: see mayTag
	tagged   atomic.Bool  // a tag was named

	standing *standing // for a store of bytes; else nil
	near     *near     // nil for none
	wakes    *Wakes    // nil where the store does not tell
	forms    forms
}

// Options are what a Store is made of.
type Options struct {
	Store     *guard.Store
	Prefix    string        // of all keys
	KeepStale time.Duration // how long a response is kept beyond its freshness, if it has a validator
	Log       *slog.Logger
	Waiting   int64  // how many bytes of responses may wait for a store of bytes; a mebibyte if it is less
	Service   string // whose tags responses have: see target.Service; of all its versions
	Near      Near
	Forms     Forms
}

// New returns the responses that a driver keeps.
func New(o Options) *Store {
	s := &Store{far: o.Store, objects: o.Store.Objects(), prefix: o.Prefix, service: o.Service, keep: o.KeepStale, log: o.Log}
	if s.objects != nil {
		s.local = purge.NewLocal()
	} else {
		s.shared, s.queue, s.memo, s.guesses = shared(o.Store, o.Prefix), newQueue(o.Waiting, s.carry), new(memo), new(guesses)
		s.standing = new(standing)
		s.startWakes()
		s.startNear(o.Near)
	}
	if s.objects != nil {
		o.Forms = Forms{Objects: s.objects}
	}
	s.forms.open(o.Forms, o.Prefix)
	return s
}

// Found is what a lookup found.
type Found struct {
	Entry *response.Entry // nil when nothing matches
	Key   string          // what the request's fill is to be collapsed by: the key, with the variant where one is known
	Why   rfc9111.Forward // without an Entry: why there is none
	Err   error           // the store did not answer

	look     *purge.Look        // what the lookup has read of the marks
	tags     []purge.Scope      // that the responses of the key stood on last, as far as that is known
	variants *response.Variants // by what the responses of the key are told apart; nil where that was not found
	declared *target.Variation  // what was declared last for the path; nil where that was not found, or not looked for
}

// at returns the key of what was found, without its variant; nothing for nothing.
func (f *Found) at() string {
	if f.Entry == nil {
		return ""
	}
	return f.Entry.Page()
}

// Ticket is the state of the purges at the beginning of a fill. What the fill makes is never served if a purge came
// after it was taken.
type Ticket struct {
	purge.Ticket
	err      error              // the store did not answer: nothing can be kept
	bare     *purge.Basis       // the one from before tags were named; nil where none were
	variants *response.Variants // that the lookup before the fill has found
	replaces bool               // the lookup has found a response that was fresh
	found    string             // the key of the response that the lookup has found, without its variant; empty for none
}

// Unkept is the ticket of what is not to be kept.
var Unkept = Ticket{err: errors.New("cachette: it is not kept")}

// Usable tells whether what the fill makes can be kept at all.
func (t *Ticket) Usable() bool { return t.err == nil }

// Sharded tells whether the store has several servers, so that the keys of responses have the tags of their paths: see [target.Tag].
func (s *Store) Sharded() bool { return s.far.Sharded() }

// Adds tells whether fills that begin at once take the marks of each other: without that the last one's take the place of those before.
func (s *Store) Adds() bool { return s.local != nil || s.far.Adds() }

// Local tells whether responses are live objects in this process.
func (s *Store) Local() bool { return s.local != nil }

// Begin takes a ticket for a fill. It must be taken before the handler runs. found is what the lookup before it found: an entry
// of a store of bytes that was purged in between is not there any more.
func (s *Store) Begin(ctx context.Context, found *Found, of *target.Target) Ticket {
	return s.begin(ctx, found, of, false)
}

// BeginOwn does what Begin does, for a request that changes its target and whose own response, made behind the change, is to
// be kept: see PurgeOwn.
func (s *Store) BeginOwn(ctx context.Context, found *Found, of *target.Target) Ticket {
	return s.begin(ctx, found, of, true)
}

func (s *Store) begin(ctx context.Context, found *Found, of *target.Target, own bool) (t Ticket) {
	if found.Err != nil { // it has held up the request once, and would again
		return Ticket{err: found.Err}
	}
	if s.local != nil {
		var room [6]purge.Scope
		t.Ticket, _ = s.local.Begin(ctx, nil, purge.Fill{Known: scopesOf(room[:0], of), Guessed: s.guess(found, of), Late: true})
		t.found = found.at()
		return t // what was found is looked at by Outdated
	}
	ctx, cancel := s.far.Step(context.WithoutCancel(ctx)) // the client may leave, and others wait for the fill
	defer cancel()
	ticket, err := s.shared.Begin(ctx, found.look, s.fillOf(found, of, own))
	return s.begun(found, ticket, err)
}

// fillOf returns what is known of a fill in a store of bytes.
func (s *Store) fillOf(found *Found, of *target.Target, own bool) purge.Fill {
	return purge.Fill{
		Known: scopesOf(nil, of), Guessed: s.guess(found, of), Late: s.mayTag(), Own: own, TTL: s.usual(of),
		Plain: of.Plain && (found.Entry == nil || !found.Entry.Lingers()),
	}
}

// begun returns the ticket of a fill in a store of bytes, and forgets what was found where it was purged in between.
func (s *Store) begun(found *Found, ticket purge.Ticket, err error) Ticket {
	t := Ticket{Ticket: ticket, err: err, variants: found.variants, found: found.at(), replaces: found.Entry != nil && found.Entry.Meta.Fresh(time.Now()) > 0}
	if e := found.Entry; e != nil && err == nil {
		state, known := s.shared.Judge(found.look, &e.Basis)
		if known && state == purge.Gone || !t.Basis.Agrees(&e.Basis) {
			found.Entry, found.Why = nil, rfc9111.ForwardURIMiss
		}
	}
	return t
}

// usual returns for how long what a fill makes is kept as a rule; 0 where that is not known. The marks that it stands on live as long: those of
// pages of minutes are not to stay for days.
func (s *Store) usual(of *target.Target) time.Duration {
	if of.Usual <= 0 {
		return 0
	}
	return of.Usual + s.keep
}

// scopesOf appends to scopes what the responses for a target, or its value, stand on: its path, on its host and on every one, the same of the path that
// it came with, its namespaces, its identities and the parts of its key that purges can name.
func scopesOf(scopes []purge.Scope, of *target.Target) []purge.Scope {
	scopes = slices.Grow(scopes, 2+len(of.Namespaces)+len(of.Identities)+len(of.Parts))
	if of.Value != "" {
		scopes = append(scopes, purge.Scope{Kind: purge.Value, Name: of.Value})
	}
	for _, path := range [...]string{of.Path, of.Came} {
		if path != "" || len(scopes) == 0 {
			scopes = append(scopes, purge.OfHostPath(of.Host, path), purge.Scope{Kind: purge.Path, Name: path})
		}
	}
	for _, namespace := range of.Namespaces {
		scopes = append(scopes, purge.Scope{Kind: purge.Namespace, Name: namespace})
	}
	for _, identity := range of.Identities {
		scopes = append(scopes, purge.Scope{Kind: purge.Identity, Name: identity})
	}
	for _, part := range of.Parts {
		scopes = append(scopes, purge.Scope{Kind: purge.Part, Name: part})
	}
	return scopes
}
