// Package values has the values that are loaded when they are missing: it finds them, has one load at a time make what is not there, and keeps
// what that makes. They are kept as responses are, in the same store, so that purges hold for both in the same way.
package values

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/flight"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

// ErrNotFound says that there is no such value. It is cachette.ErrNotFound.
var ErrNotFound = errors.New("cachette: there is no such value")

// DefaultTimeout is how long a load may take where nothing else is said.
const DefaultTimeout = 30 * time.Second

const (
	// patience is after how long one more of the callers that wait for a load runs its own.
	patience = 10 * time.Second
	// maxRefreshes bounds the loads under way that no caller waits for; beyond it, stale values stay so a little longer.
	maxRefreshes = 32
	// restFor is for how long a stale value is given out without another load, behind one that failed.
	restFor = 5 * time.Second
)

// Use says how a value is to be kept.
type Use struct {
	TTL                  time.Duration  // for how long it is fresh
	NotFound             time.Duration  // for how long it is known that there is none; 0 for not at all
	StaleWhileRevalidate time.Duration  // for how long after that it is given out while it is loaded anew
	StaleIfError         time.Duration  // for how long after that it stands in for a load that fails
	Patience             time.Duration  // for how long its callers wait for a fresh one, once it is stale; 0 where none does for a time
	Lease                *time.Duration // for how long at most other processes wait for its load; nil for what the cache says
	Jitter               float64        // the part of its time by which it may be stale earlier
	EarlyRefresh         float64        // the beta by which it is loaded anew before it is stale; 0 for not at all
	Timeout              time.Duration  // of a load
	Tags                 []string
	Type                 reflect.Type // of what load makes and take takes
	Independent          bool         // what it is made into does not get its tags
	Lifetime             bool         // what it is made into is fresh no longer than it is
}

// lingers tells whether the value is of use when it is stale.
func (u *Use) lingers() bool {
	return u.StaleWhileRevalidate > 0 || u.StaleIfError > 0 || u.Patience > 0
}

// Load makes the bytes of a value. An error that matches [ErrNotFound] says that there is none.
type Load = func(ctx context.Context) ([]byte, error)

// Take is given the bytes of a value, which it may not change, and tells whether they are one.
type Take = func(data []byte) error

// Store has the values of one cache.
type Store struct {
	entries *entries.Store
	targets target.Values
	codec   string
	log     *slog.Logger
	flights *flight.Group
	leases  *flight.Leases
	resting *flight.Recent // keys whose last load failed
	slots   chan struct{}  // bounds the loads that no caller waits for
	closing context.Context
	close   context.CancelFunc
	told    sync.Once
	onBad   func() // counts a value that its tags, or its key, keep from being kept
}

// Options are what a Store is made of.
type Options struct {
	Store   *entries.Store
	Targets target.Values
	Codec   string // by which values are encoded: what another one wrote is a miss
	Log     *slog.Logger
	Leases  *flight.Leases // nil where no other process waits for loads of this one
	OnBad   func()         // counts a value that is not kept since its tags are wrong, or were purged while it was loaded
}

// New returns a Store.
func New(o Options) *Store {
	s := &Store{entries: o.Store, targets: o.Targets, codec: o.Codec, log: o.Log, onBad: o.OnBad,
		flights: flight.NewGroup(patience), leases: o.Leases, resting: flight.NewRecent(), slots: make(chan struct{}, maxRefreshes)}
	s.targets.Tagged = o.Store.Sharded()
	s.closing, s.close = context.WithCancel(context.Background())
	return s
}

// Close ends the loads that no caller waits for.
func (s *Store) Close() { s.close() }

// Scopes returns by what purges name values.
func (s *Store) Scopes(names []string) (scopes []purge.Scope) {
	for _, name := range names {
		scopes = append(scopes, purge.Scope{Kind: purge.Value, Name: s.targets.Name(name)})
	}
	return scopes
}

// task is what one caller wants.
type task struct {
	name   string
	within *making // as part of which it is asked for; nil for none
	of     target.Target
	use    *Use
	load   Load
	take   Take

	renews   time.Time     // when what is to be loaded anew though it is fresh was made; zero for nothing
	early    bool          // what was found is that
	again    bool          // it is loaded anew in the background
	patience time.Duration // for how long it still waits for a fresh value where there is a stale one
}

// begun returns a load that has begun, and has failed unless it ends well.
func (s *Store) begun(ctx context.Context, k *task) *made {
	in := &making{store: s, name: k.name, kind: k.use.Type, outer: BorrowerOf(ctx)}
	in.tags.Add(k.use.Tags...)
	return &made{of: in, err: errEnded}
}

// made is what a load has made, or what was found.
type made struct {
	entry *response.Entry // nil with an error
	of    *making         // nil where that is one that was found
	stale bool            // it stands in for what could not be loaded
	err   error
}

// outcome returns the error of a caller that has got it, where it has no other one.
func (m *made) outcome(err error) error {
	if err == nil && m.entry.Status == http.StatusNotFound {
		return ErrNotFound
	}
	return err
}

// loan returns what goes with it into what is made of it. A caller that has left may know nothing of what is being made.
func (m *made) loan(use *Use) (loan Loan) {
	switch {
	case m == nil:
		return Loan{Tags: use.Tags}
	case m.of != nil: // just made, of what is perhaps not fresh itself; its tags may not be kept with it
		loan = LoanOf(&m.of.tags, m.of.At())
	default:
		loan.Tags = entries.TagsOf(m.entry)
	}
	if now := time.Now(); m.entry != nil && (use.Lifetime || m.of == nil && m.entry.Meta.Fresh(now) <= 0) {
		loan.Until = now.Add(m.entry.Meta.Fresh(now))
	}
	return loan
}

// Remember gives take the value of a name: the one that is kept, or the one that load makes, which is kept then. Of those that miss it together one
// load runs, also when its caller leaves; its error is that of all of them. What the value is made into, or its failure, is told: borrower may be nil.
func (s *Store) Remember(ctx context.Context, borrower Borrower, name string, use *Use, load Load, take Take) error {
	within := s.within(borrower, name)
	e, renews := s.live(name, borrower, take)
	if e == nil || within.is(s, name) {
		return s.rememberSlowly(ctx, borrower, &task{name: name, within: within, use: use, load: load, take: take, renews: renews})
	}
	found := made{entry: e}
	if borrower != nil && !use.Independent {
		borrower.Borrow(found.loan(use))
	}
	return found.outcome(nil)
}

// rememberSlowly does what Remember does where the value is not at hand in this process.
func (s *Store) rememberSlowly(ctx context.Context, borrower Borrower, k *task) error {
	if err := s.asksForItself(k); err != nil {
		return err
	}
	m, err := s.find(ctx, k)
	if borrower != nil && !k.use.Independent {
		borrower.Borrow(m.loan(k.use))
	}
	return m.outcome(err)
}

// live returns a fresh value that lies in this process as a live object, which needs no more than its key; or, where that is to be loaded anew
// already, when it was made. What goes into something else does not come from near the process: see [entries.Store.GetLive].
func (s *Store) live(name string, borrower Borrower, take Take) (e *response.Entry, renews time.Time) {
	if borrower != nil && !s.entries.Local() {
		return nil, renews
	}
	now := time.Now()
	var room [128]byte
	found, ok := s.entries.GetLive(s.targets.AppendKey(room[:0], name), nil, now)
	if !ok {
		return nil, renews
	}
	if e = s.usable(&found, take); e == nil || e.Meta.Fresh(now) <= 0 {
		return nil, renews
	}
	if e.Meta.EndsEarly(now, rand.Float64) {
		return nil, e.Meta.ResponseTime
	}
	return e, renews
}

// Alone does what Remember does where nothing is kept.
func (s *Store) Alone(ctx context.Context, borrower Borrower, name string, use *Use, load Load, take Take) error {
	k := &task{name: name, within: s.within(borrower, name), use: use, load: load, take: take}
	if err := s.asksForItself(k); err != nil {
		return err
	}
	m, err := s.alone(ctx, k)
	return m.outcome(err)
}

// alone has a value made that is not kept.
func (s *Store) alone(ctx context.Context, k *task) (*made, error) {
	return s.apart(ctx, k, func(ctx context.Context, m *made) { s.make(ctx, k, m) })
}

// asksForItself tells where a load asks for the value that it is there to load.
func (s *Store) asksForItself(k *task) error {
	if k.within.is(s, k.name) {
		return k.waitsForItself()
	}
	return nil
}

func (k *task) waitsForItself() error {
	return fmt.Errorf("%w: the load of %q asks for %q, for which it is there itself, or waits; have it ask for another one", argument.Err, k.within.shown(), k.name)
}

// wait notes that the load within which the value is asked for waits for it, until end is called. It tells where that would wait for itself.
func (s *Store) wait(k *task) (end func(), err error) {
	switch {
	case k.within == nil:
		return func() {}, nil
	case !waiting.add(k.within.loading(), loading{s, k.name}):
		return nil, k.waitsForItself()
	}
	return func() { waiting.remove(k.within.loading(), loading{s, k.name}) }, nil
}

// apart runs what makes a value beside its caller, who may leave, and gives what was made to its take.
func (s *Store) apart(ctx context.Context, k *task, run func(context.Context, *made)) (*made, error) {
	m := s.begun(ctx, k)
	in, done := m.of, make(chan struct{})
	go func() {
		defer close(done) // also when the load ends its goroutine
		defer s.recovered(m)
		run(context.WithoutCancel(ctx), m)
	}()
	select {
	case <-done:
		return taken(m, k.take)
	case <-ctx.Done():
		return &made{of: in, err: context.Cause(ctx)}, context.Cause(ctx)
	}
}

// find returns the value of a name, with what take was given of it.
func (s *Store) find(ctx context.Context, k *task) (*made, error) {
	var err error
	if k.of, err = s.targets.Target(k.name); err != nil {
		s.refuse(err)
		return s.alone(ctx, k)
	}
	use := k.use
	k.patience = use.Patience
	k.of.Tags, k.of.Plain, k.of.Usual = use.Tags, !use.lingers(), use.TTL+max(use.StaleWhileRevalidate, use.StaleIfError)
	return s.ask(ctx, k)
}

// ask looks a value up until it is there, waits for a load, or has one run.
func (s *Store) ask(ctx context.Context, k *task) (*made, error) {
	for noted := false; ; {
		ended := s.flights.Ended()
		found, m := s.lookUp(ctx, k)
		if m != nil {
			return m, nil
		}
		if !entries.Keeps(ctx) {
			return s.alone(ctx, k)
		}
		if k.waits(found.Entry) {
			if m, err := s.await(ctx, k, found); m != nil || err != nil {
				return m, err
			}
			continue
		}
		if !noted {
			end, err := s.wait(k)
			if err != nil {
				return nil, err
			}
			defer end()
			noted = true
		}
		seat, leads := s.flights.Join(k.of.Key, nil)
		if !leads {
			result, ending := seat.Wait(ctx)
			m, _ := result.(*made)
			switch {
			case ending == flight.Left:
				return nil, context.Cause(ctx)
			case ending == flight.Leads:
			case m == nil || m.err == nil && !s.entries.Current(ctx, m.entry, &found):
				continue // it was purged since this caller has asked
			default:
				m, err := taken(m, k.take)
				if err != nil && m.err == nil && (m.of == nil || m.of.kind != k.use.Type) {
					continue // it is of another type, and loads its own
				}
				return m, err
			}
		}
		if !leads || s.flights.Ended() != ended { // another one may have left it in between
			if found, m = s.lookAgain(ctx, seat, k); m != nil {
				return m, nil
			}
		}
		if ctx.Err() != nil {
			seat.Pass()
			return nil, context.Cause(ctx)
		}
		return s.apart(ctx, k, func(ctx context.Context, m *made) { s.fillFirst(ctx, seat, k, &found, m) })
	}
}

// taken has what a load has made taken, unless there is none.
func taken(m *made, take Take) (*made, error) {
	if m.err != nil || m.entry.Status == http.StatusNotFound {
		return m, m.err
	}
	return m, take(m.entry.Body)
}

// usable returns what was found, if it is a value that this program can read; else it is forgotten.
func (s *Store) usable(found *entries.Found, take Take) *response.Entry {
	e := found.Entry
	if e == nil {
		return nil
	}
	ours := len(e.Fields) == 1 && slices.Equal(e.Fields[0].Values, []string{s.codec})
	if !ours || e.Status != http.StatusNotFound && take(e.Body) != nil { // of another release, whose type was another one
		found.Entry = nil
	}
	return found.Entry
}

// lookAgain looks a value up for one that leads, which then leads no more unless it has to load it: nor where the decoding of what is there panics.
func (s *Store) lookAgain(ctx context.Context, seat *flight.Seat, k *task) (found entries.Found, m *made) {
	leads := false
	defer func() {
		if !leads {
			seat.Pass()
		}
	}()
	found, m = s.lookUp(ctx, k)
	leads = m == nil
	return found, m
}

// lookUp looks a value up, and returns it if it can be given out. One that is stale is then loaded anew.
func (s *Store) lookUp(ctx context.Context, k *task) (entries.Found, *made) {
	now := time.Now()
	found := s.entries.Get(ctx, &k.of, now)
	e := s.usable(&found, k.take)
	if e == nil {
		return found, nil
	}
	switch use := e.Meta.Judge(&rfc9111.RequestDirectives{}, now); {
	case use == rfc9111.Serve && (e.Meta.ResponseTime.Equal(k.renews) || e.Meta.EndsEarly(now, rand.Float64)):
		k.early = true
		s.refresh(ctx, k, found)
		k.early = false
		return found, &made{entry: e}
	case use == rfc9111.Serve:
		return found, &made{entry: e}
	case use == rfc9111.ServeAndRefresh && k.patience == 0:
		s.refresh(ctx, k, found)
		return found, &made{entry: e}
	}
	return found, nil
}
