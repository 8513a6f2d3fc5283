// Package flight lets concurrent misses of one key wait for one fill (RFC 9111 §4: collapsing requests).
//
// The first request leads: it runs the handler. The requests that come before it is done follow. What happens to one of them, a
// panic, a slow or a lost client, is felt by no other: a leader that has nothing to share hands the lead on, one that takes too long
// gets another beside it, and the fill of one whose client has left goes on for those that wait.
package flight

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// few is how many requests of a key run the handler at a time once two have had nothing to share. A handler that fails is not helped
// by more.
const few = 4

// Group is the flights of a cache. It is safe for concurrent use.
type Group[T any] struct {
	patience time.Duration
	seed     maphash.Seed
	ended    atomic.Uint64
	shards   [32]shard[T]
}

type shard[T any] struct {
	mu      sync.Mutex // of all its flights and their seats
	flights map[string]*flight[T]
}

// NewGroup returns a Group without flights. patience is after how long one more of the requests that wait for a flight leads.
func NewGroup[T any](patience time.Duration) *Group[T] {
	return &Group[T]{patience: patience, seed: maphash.MakeSeed()}
}

// Ended returns how many flights have ended. Where it has not changed between a look for a result and the moment in which the request
// that looked comes to lead a flight, no flight has left a result in between.
func (g *Group[T]) Ended() uint64 { return g.ended.Load() }

// flight is the fill of one key that others wait for. It has several leaders when one takes too long, or when two have failed.
type flight[T any] struct {
	group    *Group[T]
	shard    *shard[T]
	key      string
	leaders  []*Seat[T]
	waiting  []*Seat[T]
	next     []*Seat[T]  // those that want a fill that begins later
	since    time.Time   // when the last leader began
	failures int         // how many leaders had nothing to share
	forgone  int         // how many of these have answered all the same
	done     bool        // it has ended
	timer    *time.Timer // ends the patience of those that wait; nil where none does
	hurry    *time.Timer // ends a flight whose response is sent bit by bit; nil for none

	first Seat[T]     // the leader that it begins with, which most flights never share with another
	room  [1]*Seat[T] // what leaders has its room from at first
}

// Seat is the place of a request in a flight.
type Seat[T any] struct {
	flight *flight[T]
	leads  bool
	woken  chan struct{} // closed when there is an ending for a seat that waits; nil for the first leader
	result T
	ending Ending
	fill   fill // the context of what it leads
}

// Ending is how a flight ended for a request that waited for it.
type Ending uint8

const (
	// Left says that the request's own context was done first.
	Left Ending = iota
	// Shared says that there is a result. It is for the caller to see whether it suits its own request.
	Shared
	// Apart says that there is a result that is for one client only: each goes its own way.
	Apart
	// Leads says that there is no result, or none so far, and that the request leads from now on.
	Leads
)

// Join gives a request a seat in the flight of key that is under way, or in a new one that it leads. A seat that leads must be given
// up, by [Seat.Share], [Seat.Part], [Seat.Fail], [Seat.Forgo] or [Seat.Pass]; one that does not, must wait.
func (g *Group[T]) Join(key string) (seat *Seat[T], leads bool) {
	s := g.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.flights[key]; f != nil {
		return f.follow()
	}
	return g.begin(s, key), true
}

// Follow gives a request that cannot lead a seat in the flight of key that is under way, or nil. If the lead comes to it, it must
// pass it on.
func (g *Group[T]) Follow(key string) *Seat[T] {
	s := g.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.flights[key]
	if f == nil {
		return nil
	}
	seat := &Seat[T]{flight: f, woken: make(chan struct{})}
	f.waiting = append(f.waiting, seat)
	f.wind()
	return seat
}

// JoinNext does what Join does for a request that wants the handler run anew: it follows the flight after the one under way.
func (g *Group[T]) JoinNext(key string) (seat *Seat[T], leads bool) {
	s := g.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.flights[key]
	if f == nil {
		return g.begin(s, key), true
	}
	seat = &Seat[T]{flight: f, woken: make(chan struct{})}
	f.next = append(f.next, seat)
	f.wind()
	return seat, false
}

// Lead returns a seat that leads, or nil where a flight is under way whose last leader has not taken longer than the patience.
func (g *Group[T]) Lead(key string) *Seat[T] {
	s := g.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.flights[key]
	if f == nil {
		return g.begin(s, key)
	}
	if time.Since(f.since) < g.patience {
		return nil
	}
	return f.lead(&Seat[T]{flight: f})
}

func (g *Group[T]) shard(key string) *shard[T] {
	return &g.shards[maphash.String(g.seed, key)%uint64(len(g.shards))]
}

// begin has a request lead a new flight. The shard is locked, as it is for all that follows.
func (g *Group[T]) begin(s *shard[T], key string) *Seat[T] {
	f := &flight[T]{group: g, shard: s, key: key}
	if s.flights == nil {
		s.flights = make(map[string]*flight[T])
	}
	s.flights[key] = f
	f.first.flight, f.leaders = f, f.room[:0]
	return f.lead(&f.first)
}

func (f *flight[T]) lead(seat *Seat[T]) *Seat[T] {
	seat.leads = true
	f.leaders = append(f.leaders, seat)
	f.since = time.Now()
	return seat
}

// width is how many lead at a time: one, and a few once two have failed. Where answers are good, and only none to share, it grows with
// their number, so that the requests for what is never shared do not queue up behind one another.
func (f *flight[T]) width() int {
	if f.failures < 2 {
		return 1
	}
	return max(few, f.forgone)
}

// follow has a request wait, or lead where several may and not so many do.
func (f *flight[T]) follow() (seat *Seat[T], leads bool) {
	if len(f.leaders) < f.width() {
		return f.lead(&Seat[T]{flight: f}), true
	}
	seat = &Seat[T]{flight: f, woken: make(chan struct{})}
	f.waiting = append(f.waiting, seat)
	f.wind()
	return seat, false
}

// wind starts the time after which one more of those that wait leads, where it does not run.
func (f *flight[T]) wind() {
	if f.timer == nil {
		f.timer = time.AfterFunc(max(0, f.group.patience-time.Since(f.since)), f.impatient)
	}
}

// impatient has one more lead of those that wait: the one under way takes long, and may hang.
func (f *flight[T]) impatient() {
	f.shard.mu.Lock()
	defer f.shard.mu.Unlock()
	f.timer = nil
	if f.done {
		return
	}
	f.supersede()
	f.handOn(1)
	if len(f.waiting) > 0 {
		f.wind()
	}
}

// handOn has up to n of those that wait lead, the first ones first.
func (f *flight[T]) handOn(n int) {
	n = min(n, len(f.waiting))
	for _, seat := range f.waiting[:n] {
		f.lead(seat)
		seat.wake(Leads)
	}
	f.waiting = slices.Delete(f.waiting, 0, n)
	f.settle()
}

// supersede begins the flight of those that have asked for a later fill, if there are any. Those that wait for this one go on to.
func (f *flight[T]) supersede() {
	if len(f.next) == 0 {
		return
	}
	g := &flight[T]{group: f.group, shard: f.shard, key: f.key, waiting: f.next}
	f.next = nil
	for _, seat := range g.waiting {
		seat.flight = g
	}
	f.shard.flights[f.key] = g
	g.handOn(1)
	if len(g.waiting) > 0 {
		g.wind()
	}
}

// end ends the flight for all that wait for it; those that have asked for a later fill begin theirs.
func (f *flight[T]) end(result T, ending Ending) {
	if f.done {
		return
	}
	f.done = true
	f.group.ended.Add(1)
	for _, timer := range []*time.Timer{f.timer, f.hurry} {
		if timer != nil {
			timer.Stop()
		}
	}
	for _, seat := range f.waiting {
		seat.result = result
		seat.wake(ending)
	}
	f.waiting = nil
	if f.shard.flights[f.key] == f {
		delete(f.shard.flights, f.key)
	}
	f.supersede()
	f.settle()
}

// settle ends the fills for which nobody is there any more: their own clients have left, and no request waits.
func (f *flight[T]) settle() {
	if len(f.waiting) > 0 {
		return
	}
	for _, seat := range f.leaders {
		seat.forsake()
	}
}

func (s *Seat[T]) wake(ending Ending) {
	s.ending = ending
	close(s.woken)
}

// Wait waits for the flight to end, or to be handed on to this request, or for ctx, and returns which of them came first. There is a
// result with [Shared] only.
func (s *Seat[T]) Wait(ctx context.Context) (result T, ending Ending) {
	select {
	case <-s.woken:
	case <-ctx.Done():
	}
	mu := s.lock()
	defer mu.Unlock()
	switch {
	case ctx.Err() == nil || s.ending == Shared:
		return s.result, s.ending
	case s.ending == Leads:
		s.pass(0, 0)
	case s.ending == Left: // it waits
		f := s.flight
		f.waiting = without(f.waiting, s)
		f.next = without(f.next, s)
		f.settle()
	}
	return result, Left
}

// lock locks the shard of the seat's flight.
func (s *Seat[T]) lock() *sync.Mutex {
	mu := &s.flight.shard.mu // the same for each flight that the seat may come to
	mu.Lock()
	return mu
}

// Share ends the flight with a result for all that wait. Only the first ending of a flight counts.
func (s *Seat[T]) Share(result T) {
	mu := s.lock()
	defer mu.Unlock()
	s.step(func(f *flight[T]) { f.end(result, Shared) })
}

// Part ends the flight without a result: what the leader has made is for its own client, and as a rule so is what others would make.
func (s *Seat[T]) Part() {
	mu := s.lock()
	defer mu.Unlock()
	var none T
	s.step(func(f *flight[T]) { f.end(none, Apart) })
}

// Fail says that the leader has no good answer: one more of those that wait leads. Once two have failed, a few do at a time.
func (s *Seat[T]) Fail() {
	mu := s.lock()
	defer mu.Unlock()
	s.pass(1, 0)
}

// Forgo says that the leader has an answer that cannot be shared, though others might have one: it does what Fail does, and more
// lead each time.
func (s *Seat[T]) Forgo() {
	mu := s.lock()
	defer mu.Unlock()
	s.pass(1, 1)
}

// Pass gives the lead up without having run the handler: another one takes its place.
func (s *Seat[T]) Pass() {
	mu := s.lock()
	defer mu.Unlock()
	s.pass(0, 0)
}

// PartWithin ends the flight as Part does, unless it ends within d: the response is sent bit by bit, and may go on for long.
func (s *Seat[T]) PartWithin(d time.Duration) {
	mu := s.lock()
	defer mu.Unlock()
	f := s.flight
	if !s.leads || f.done || f.hurry != nil || len(f.leaders) > 1 {
		return
	}
	f.hurry = time.AfterFunc(d, func() { s.Part() })
}

// pass takes the lead from a seat, and gives it to others.
func (s *Seat[T]) pass(failed, forgone int) {
	s.step(func(f *flight[T]) {
		if f.done {
			return
		}
		f.failures += failed
		f.forgone += forgone
		f.handOn(max(0, f.width()-len(f.leaders)))
		if len(f.leaders) == 0 {
			var none T
			f.end(none, Apart) // no request waits
		}
	})
}

// step ends a seat's lead, and then does what the seat's flight is to do. It does nothing for a seat that does not lead any more.
func (s *Seat[T]) step(then func(f *flight[T])) {
	if !s.leads {
		return
	}
	s.leads = false
	f := s.flight
	f.leaders = without(f.leaders, s)
	then(f)
	s.forsake()
}

func without[T any](seats []*Seat[T], seat *Seat[T]) []*Seat[T] {
	if i := slices.Index(seats, seat); i >= 0 {
		return slices.Delete(seats, i, i+1)
	}
	return seats
}
