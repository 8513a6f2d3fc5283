package flight

import (
	"context"
	"sync/atomic"
	"time"
)

// Context returns the context for what a leader runs. It ends with parent once no request waits for the flight: the fill of a client
// that leaves goes on for others. Where parent has a deadline, which is that of one client, the fill may take as much longer as
// requests wait for one before another leads.
func (s *Seat) Context(parent context.Context) context.Context {
	s.fill.parent, s.fill.seat, s.fill.grace = parent, s, s.shard.group.patience
	return &s.fill
}

// fill is such a context. What it takes to outlive its parent is made when it is first asked for: most handlers never do.
type fill struct {
	parent context.Context
	seat   interface{ lose() }
	grace  time.Duration // how much later than parent's deadline its own is

	begun atomic.Pointer[life] // nil until it is asked for
	lost  bool                 // parent is done; under the shard's lock
	over  atomic.Bool          // so is this one; what has begun is ended beside the lock
}

// life is what a fill takes to outlive its parent.
type life struct {
	context.Context
	cancel context.CancelCauseFunc
}

func (f *fill) begin() *life {
	if begun := f.begun.Load(); begun != nil {
		return begun
	}
	var own life // it asks parent as little as can be, which may be a fill within a fill
	own.Context, own.cancel = context.WithCancelCause(context.WithoutCancel(f.parent))
	if deadline, ok := f.Deadline(); ok {
		inner, stop := context.WithDeadline(own.Context, deadline)
		context.AfterFunc(inner, stop)
		own.Context = inner
	}
	if !f.begun.CompareAndSwap(nil, &own) { // another goroutine has asked, too
		own.cancel(nil)
		return f.begun.Load()
	}
	context.AfterFunc(f.parent, f.seat.lose)
	return &own
}

// Deadline returns parent's, and the time that it may take longer; none where parent has none.
func (f *fill) Deadline() (deadline time.Time, ok bool) {
	if deadline, ok = f.parent.Deadline(); ok {
		deadline = deadline.Add(f.grace)
	}
	return deadline, ok
}

// Done returns a channel that is closed once nobody is there for whom the handler runs.
func (f *fill) Done() <-chan struct{} { return f.begin().Done() }

// Err returns why the context has ended, or nil.
func (f *fill) Err() error {
	err := f.parent.Err()
	if err == nil {
		return nil
	}
	inner := f.begin()
	if f.seat.lose(); f.over.Load() {
		return err
	}
	return inner.Err()
}

// Value returns parent's value. The standard library finds the channel of Done by it.
func (f *fill) Value(key any) any {
	if begun := f.begun.Load(); begun != nil {
		return begun.Value(key)
	}
	return f.parent.Value(key)
}

// lose notes that a leader's client has left, which ends its fill if no request waits.
func (s *Seat) lose() {
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	s.fill.lost = true
	if !s.leads || len(s.flight.waiting) == 0 {
		s.forsake()
	}
}

// forsake ends a fill whose client has left. It is called where no request waits for it. The shard is locked, and parent may be the
// context of another fill, so the fill ends beside.
func (s *Seat) forsake() {
	if f := &s.fill; f.lost && !f.over.Swap(true) {
		go func() { f.begun.Load().cancel(context.Cause(f.parent)) }()
	}
}
