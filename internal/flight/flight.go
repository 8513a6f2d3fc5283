// Package flight lets concurrent misses of one key wait for one fill (RFC 9111 §4: collapsing requests).
//
// The first request leads: it runs the handler. The requests that come before it is done follow. What happens to one of them, a
// panic, a slow or a lost client, is felt by no other: a leader that has nothing to share hands the lead on, one that takes too long
// gets another beside it, and the fill of one whose client has left goes on for those that wait.
package flight

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// few is how many requests of a key run the handler at a time once two have had nothing to share. A handler that fails is not helped
// by more. Where requests still wait when the patience is over, it is twice as many, and so on: else the last one would wait for as long as
// all before it take, four at a time.
const few = 4

// doublings bounds that.
const doublings = 10

// Group is the flights of a cache. It is safe for concurrent use.
type Group struct {
	patience time.Duration
	made     time.Time
	seed     maphash.Seed
	ended    atomic.Uint64
	stalled  *Recent // keys of which a leader has waited for its client
	shards   [32]shard
}

type shard struct {
	group   *Group
	mu      sync.Mutex // of all its flights and their seats
	flights map[string]*flight
}

// NewGroup returns a Group without flights. patience is after how long one more of the requests that wait for a flight leads.
func NewGroup(patience time.Duration) *Group {
	g := &Group{patience: patience, made: time.Now(), seed: maphash.MakeSeed(), stalled: NewRecent()}
	for i := range g.shards {
		g.shards[i].group = g
	}
	return g
}

// Ended returns how many flights have ended. Where it has not changed between a look for a result and the moment in which the request
// that looked comes to lead a flight, no flight has left a result in between.
func (g *Group) Ended() uint64 { return g.ended.Load() }

// moment is a time since the group was made, by the monotonic clock, which is read sooner than the wall's.
type moment time.Duration

// now returns the time, to two nanoseconds: it is never zero.
func (g *Group) now() moment { return moment(time.Since(g.made)) | 1 }

func (g *Group) elapsed(since moment) time.Duration { return time.Duration(g.now() - since) }

// flight is the fill of one key that others wait for. It has several leaders when one takes too long, or when two have failed.
type flight struct {
	shard   *shard
	key     string
	leaders []*Seat
	since   moment // when the last leader began
	done    bool   // it has ended
	boards  bool   // see Seat.Board
	*others

	first Seat     // the leader that it begins with, which most flights never share with another
	room  [1]*Seat // what leaders has its room from at first
}

// Room is room for one flight, which a request brings along so that the flight it begins needs no other. It is used once.
type Room struct{ flight flight }

// others is what most flights have none of: requests that wait, and leaders that had nothing to share.
type others struct {
	waiting  []*Seat
	next     []*Seat     // those that want a fill that begins later
	timer    *time.Timer // ends the patience of those that wait; nil where none does
	failures int         // how many leaders had nothing to share
	failing  moment      // when these were two
	forgone  int         // how many of these have answered all the same
}

// none are the others of flights that have none. They never change: see gather.
var none others

// gather returns the others of a flight, which are its own from here on.
func (f *flight) gather() *others {
	if f.others == &none {
		f.others = new(others)
	}
	return f.others
}

// Join gives a request a seat in the flight of key that is under way, or in a new one that it leads. A seat that leads must be given
// up, by [Seat.Share], [Seat.Part], [Seat.Fail], [Seat.Forgo] or [Seat.Pass]; one that does not, must wait. room may be nil.
func (g *Group) Join(key string, room *Room) (seat *Seat, leads bool) {
	s, f := g.lock(key)
	defer s.mu.Unlock()
	switch {
	case f == nil:
		return s.begin(key, room), true
	case len(f.leaders) < f.width():
		return f.lead(f.seat()), true
	}
	return f.follow(&f.gather().waiting), false
}

// Boards tells whether the flight of key is one that requests join without looking for a result before: see [Seat.Board].
func (g *Group) Boards(key string) bool {
	s, f := g.lock(key)
	defer s.mu.Unlock()
	return f != nil && f.boards
}

// Follow gives a request that cannot lead a seat in the flight of key that is under way, or nil. If the lead comes to it, it must
// pass it on.
func (g *Group) Follow(key string) *Seat {
	s, f := g.lock(key)
	defer s.mu.Unlock()
	if f == nil {
		return nil
	}
	return f.follow(&f.gather().waiting)
}

// JoinNext does what Join does for a request that wants the handler run anew: it follows the flight after the one under way.
func (g *Group) JoinNext(key string, room *Room) (seat *Seat, leads bool) {
	s, f := g.lock(key)
	defer s.mu.Unlock()
	if f == nil {
		return s.begin(key, room), true
	}
	return f.follow(&f.gather().next), false
}

// Lead returns a seat that leads, and nil where a flight is under way whose last leader has not taken longer than the patience.
func (g *Group) Lead(key string) *Seat {
	s, f := g.lock(key)
	defer s.mu.Unlock()
	switch {
	case f == nil:
		return s.begin(key, nil)
	case g.elapsed(f.since) < g.patience:
		return nil
	}
	return f.lead(f.seat())
}

// lock locks the shard of a key, and returns it with the key's flight, which is nil where none is under way.
func (g *Group) lock(key string) (*shard, *flight) {
	s := &g.shards[maphash.String(g.seed, key)%uint64(len(g.shards))]
	s.mu.Lock()
	if f := s.flights[key]; f != nil { // whose leaders may have stalled while no request waited
		f.relieve()
	}
	return s, s.flights[key]
}

// begin has a request lead a new flight. The shard is locked, as it is for all that follows.
func (s *shard) begin(key string, room *Room) *Seat {
	if room == nil || room.flight.shard != nil {
		room = new(Room)
	}
	f := &room.flight
	f.shard, f.key, f.others = s, key, &none
	if s.flights == nil {
		s.flights = make(map[string]*flight)
	}
	s.flights[key] = f
	f.first.shard, f.first.flight, f.leaders = s, f, f.room[:0]
	return f.lead(&f.first)
}

// seat returns one more seat in the flight.
func (f *flight) seat() *Seat { return &Seat{shard: f.shard, flight: f} }

func (f *flight) lead(seat *Seat) *Seat {
	seat.leads = true
	f.leaders = append(f.leaders, seat)
	f.since = f.shard.group.now()
	return seat
}

// width is how many lead at a time: one, and a few once two have failed. Where answers are good, and only none to share, it grows with
// their number, so that the requests for what is never shared do not queue up behind one another.
func (f *flight) width() int {
	if f.failures < 2 {
		return 1
	}
	return max(few<<min(doublings, f.shard.group.elapsed(f.failing)/f.shard.group.patience), f.forgone)
}

// follow has a request wait in a line of the flight's.
func (f *flight) follow(line *[]*Seat) *Seat {
	seat := f.seat()
	seat.woken = make(chan struct{})
	*line = append(*line, seat)
	f.wind()
	return seat
}

// wind starts the time after which one more of those that wait leads, where it does not run.
func (f *flight) wind() {
	if f.timer == nil {
		f.timer = time.AfterFunc(max(0, f.shard.group.patience-f.shard.group.elapsed(f.since)), f.impatient)
	}
}

// impatient has one more lead of those that wait: the one under way takes long, and may hang.
func (f *flight) impatient() {
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
func (f *flight) handOn(n int) {
	if n = min(n, len(f.waiting)); n > 0 {
		for _, seat := range f.waiting[:n] {
			f.lead(seat)
			seat.wake(Leads)
		}
		f.waiting = slices.Delete(f.waiting, 0, n)
	}
	f.settle()
}

// supersede begins the flight of those that have asked for a later fill, if there are any. Those that wait for this one go on to.
func (f *flight) supersede() {
	if len(f.next) == 0 {
		return
	}
	g := &flight{shard: f.shard, key: f.key, others: &others{waiting: f.next}}
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
func (f *flight) end(result any, ending Ending) {
	if f.done {
		return
	}
	f.done = true
	f.shard.group.ended.Add(1)
	if f.timer != nil {
		f.timer.Stop()
	}
	for _, seat := range f.waiting {
		seat.result = result
		seat.wake(ending)
	}
	if len(f.waiting) > 0 {
		f.waiting = nil
	}
	if f.shard.flights[f.key] == f {
		delete(f.shard.flights, f.key)
	}
	f.supersede()
	f.settle()
}

// settle ends the fills for which nobody is there any more: their own clients have left, and no request waits.
func (f *flight) settle() {
	if len(f.waiting) > 0 {
		return
	}
	for _, seat := range f.leaders {
		seat.forsake()
	}
}

// handOver gives the place of a leader to those that wait. failed and forgone are 1 for one that had nothing to share, and for one of
// these that has answered all the same.
func (f *flight) handOver(failed, forgone int) {
	if f.done {
		return
	}
	f.gather()
	f.forgone += forgone
	if f.failures += failed; failed > 0 && f.failures == 2 {
		f.failing = f.shard.group.now()
	}
	f.handOn(max(0, f.width()-len(f.leaders)))
	if len(f.leaders) == 0 {
		f.end(nil, Apart) // no request waits
	}
}
