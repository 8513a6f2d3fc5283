package flight

import "time"

const (
	// stallPatience is for how long requests wait for another's client that does not let its response go on. Where one of their key was
	// waited for a moment ago, it is the tenth part of that, so that several of them do not add up.
	stallPatience = 500 * time.Millisecond
	// stalledFor is for how long that is remembered.
	stalledFor = 5 * time.Second
)

// Waits says that the leader's response waits for its client from now on, which may take nothing. Unless [Seat.Waited] is called before
// long, one more of the requests that wait leads. Most clients are waited for a moment, while no request waits for the flight: a timer is
// made where one does.
func (s *Seat) Waits() {
	if s == nil {
		return
	}
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	if !s.leads {
		return
	}
	s.waits = s.shard.group.now()
	if len(s.flight.waiting)+len(s.flight.next) > 0 || s.lease != nil { // for which any process may wait
		s.watch()
	}
}

// Waited says that it goes on.
func (s *Seat) Waited() {
	if s == nil {
		return
	}
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	s.resume()
}

func (s *Seat) resume() {
	s.waits = 0
	if s.stall != nil {
		s.stall.Stop()
		s.stall = nil
	}
}

// stalls returns in how long a leader will have stalled: less than zero where it has.
func (s *Seat) stalls() time.Duration {
	patience := stallPatience
	if s.shard.group.stalled.Has(s.flight.key, time.Now()) {
		patience /= 10
	}
	return patience - s.shard.group.elapsed(s.waits)
}

// watch has a leader looked at when it will have stalled.
func (s *Seat) watch() {
	if s.stall == nil {
		s.stall = time.AfterFunc(max(0, s.stalls()), s.look)
	}
}

// look has a leader give way that has stalled.
func (s *Seat) look() {
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	s.stall = nil
	if !s.giveWay() && s.waits != 0 {
		s.watch()
	}
}

// giveWay has one more of the requests that wait lead, if a leader has stalled, and tells whether it has.
func (s *Seat) giveWay() bool {
	if s.waits == 0 || s.stalls() > 0 {
		return false
	}
	s.lease.Free()
	s.shard.group.stalled.Add(s.flight.key, time.Now().Add(stalledFor)) // first, for the one that leads next looks at it
	s.step(func(f *flight) { f.handOver(1, 0) })                        // and not as Forgo does: clients that are only slow would have nearly all run the handler
	return true
}

// relieve has the leaders give way that have stalled while no request waited, and those that may still do so looked at.
func (f *flight) relieve() {
	for i := len(f.leaders) - 1; i >= 0; i-- { // one that gives way is gone
		if seat := f.leaders[i]; !seat.giveWay() && seat.waits != 0 {
			seat.watch()
		}
	}
}
