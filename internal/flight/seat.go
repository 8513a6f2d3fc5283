package flight

import (
	"context"
	"slices"
	"time"
)

// Seat is the place of a request in a flight.
type Seat struct {
	shard  *shard  // the same for each flight that the seat may come to
	flight *flight // under the shard's lock, since those that ask for a later fill come to another
	leads  bool
	slow   bool // its response is sent bit by bit, and may go on for long
	ending Ending
	woken  chan struct{} // closed when there is an ending for a seat that waits; nil for the first leader
	result any
	fill   fill // the context of what it leads

	lease *Lease // of its fill: see Holds

	hurry *time.Timer // sets slow; nil where the response is not sent so

	waits moment      // since when its response waits for its client; zero where it does not
	stall *time.Timer // looks at it when that has taken long; nil where no request waits
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

func (s *Seat) wake(ending Ending) {
	s.ending = ending
	close(s.woken)
}

// Wait waits for the flight to end, or to be handed on to this request, or for ctx, and returns which of them came first. There is a
// result with [Shared] only.
func (s *Seat) Wait(ctx context.Context) (result any, ending Ending) {
	select {
	case <-s.woken:
	case <-ctx.Done():
	}
	over := ctx.Err() != nil // before the lock: the context may be that of another fill, which takes its own
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	switch {
	case !over || s.ending == Shared:
		return s.result, s.ending
	case s.ending == Leads:
		s.step(func(f *flight) { f.handOver(0, 0) })
	case s.ending == Left: // it waits
		f := s.flight
		f.waiting = without(f.waiting, s)
		f.next = without(f.next, s)
		f.settle()
	}
	return result, Left
}

// Board says that the leader has found no result, and has not begun to make one: what the flight comes to is as new to a request that joins it now as
// what that would find by itself. It is so until TakeOff.
func (s *Seat) Board() { s.board(true) }

// TakeOff says that the leader begins to make a result, or to look for that of another: a request that comes from now on looks first. s may be nil.
func (s *Seat) TakeOff() { s.board(false) }

func (s *Seat) board(boards bool) {
	if s == nil {
		return
	}
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	s.flight.boards = boards && len(s.flight.leaders) == 1
}

// Share ends the flight with a result for all that wait. Only the first ending of a flight counts.
func (s *Seat) Share(result any) { s.giveUp(func(f *flight) { f.end(result, Shared) }) }

// Part ends the flight without a result: what the leader has made is for its own client, and as a rule so is what others would make.
func (s *Seat) Part() { s.giveUp(func(f *flight) { f.end(nil, Apart) }) }

// Fail says that the leader has no good answer: one more of those that wait leads. Once two have failed, a few do at a time.
func (s *Seat) Fail() { s.giveUp(func(f *flight) { f.handOver(1, 0) }) }

// Forgo says that the leader has an answer that cannot be shared, though others might have one: it does what Fail does, and more
// lead each time.
func (s *Seat) Forgo() { s.giveUp(func(f *flight) { f.handOver(1, 1) }) }

// Pass gives the lead up without having run the handler: another one takes its place.
func (s *Seat) Pass() { s.giveUp(func(f *flight) { f.handOver(0, 0) }) }

// giveUp gives the lead up, and then does what the flight is to do. A nil Seat, of a fill that none follow, has nothing to give up.
func (s *Seat) giveUp(then func(f *flight)) {
	if s == nil {
		return
	}
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	s.step(then)
}

// Holds has those that wait in other processes, for the lease of what a seat leads, go when those of this one do that wait for the seat: its response goes
// on for long, or waits for its client. The other ends of a lease are the caller's.
func (s *Seat) Holds(lease *Lease) {
	if s == nil || lease == nil {
		return
	}
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	s.lease = lease
}

// PartWithin ends the flight as Part does, unless it ends within d, or another leader may do better: the response is sent bit by bit,
// and may go on for long.
func (s *Seat) PartWithin(d time.Duration) {
	if s == nil {
		return
	}
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	if s.leads && s.hurry == nil {
		s.hurry = time.AfterFunc(d, s.slowDown)
	}
}

// slowDown ends the flight if there is no leader whose response may not go on for long.
func (s *Seat) slowDown() {
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	s.slow = true
	s.lease.Free()
	if !slices.ContainsFunc(s.flight.leaders, func(s *Seat) bool { return !s.slow }) {
		s.step(func(f *flight) { f.end(nil, Apart) })
	}
}

// step ends a seat's lead, and then does what the seat's flight is to do. It does nothing for a seat that does not lead any more.
func (s *Seat) step(then func(f *flight)) {
	if !s.leads {
		return
	}
	s.leads = false
	if s.hurry != nil {
		s.hurry.Stop()
	}
	s.resume()
	f := s.flight
	f.leaders = without(f.leaders, s)
	then(f)
	s.forsake()
}

func without(seats []*Seat, seat *Seat) []*Seat {
	if i := slices.Index(seats, seat); i >= 0 {
		return slices.Delete(seats, i, i+1)
	}
	return seats
}
