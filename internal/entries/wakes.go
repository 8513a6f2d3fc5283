package entries

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/purge"
)

// lingers is for how long the log is read on behind the last one that waited for something in it.
const lingers = 10 * time.Second

// Wakes have those told that wait for the end of a lease of another process, by the log that near tiers read: a process has one reader of it. It is that
// of the near tier where there is one, and else it runs while something waits. nil tells nothing.
type Wakes struct {
	far    *guard.Store
	shared *purge.Shared
	ready  atomic.Bool // what ends from now on is told
	always bool        // the near tier reads

	readers background

	mu      sync.Mutex
	waiting map[string]map[chan struct{}]struct{} // by what the log has of it
	stop    context.CancelFunc                    // of the reader; nil for none
	idle    *time.Timer                           // ends it
	closed  bool
}

// startWakes makes what tells of leases, where the store tells of records at once.
func (s *Store) startWakes() {
	if s.far.Waits() && s.far.Logs() {
		s.wakes = &Wakes{far: s.far, shared: s.shared, waiting: make(map[string]map[chan struct{}]struct{})}
	}
}

// Waker returns what has those told that wait for a lease; nil where the store does not tell.
func (s *Store) Waker() *Wakes { return s.wakes }

// Tell has those told that wait for a lease, in whatever process, that it has ended.
func (w *Wakes) Tell(ctx context.Context, lease string) {
	if w != nil {
		_ = w.shared.TellWaiters(ctx, lease) // they look from time to time all the same
	}
}

// Await returns what is closed when the lease has ended, as far as that is told from when Ready tells true on. leave is to be called.
func (w *Wakes) Await(lease string) (told <-chan struct{}, leave func()) {
	if w == nil {
		return nil, func() {}
	}
	text, c := purge.NewsOfLease(lease), make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting[text] == nil {
		w.waiting[text] = make(map[chan struct{}]struct{})
	}
	w.waiting[text][c] = struct{}{}
	if w.idle != nil {
		w.idle.Stop()
		w.idle = nil
	}
	if w.stop == nil && !w.always && !w.closed {
		ctx, stop := context.WithCancel(insist(context.Background()))
		w.stop = stop
		w.readers.running.Go(func() { w.read(ctx) })
	}
	return c, func() { w.leave(text, c) }
}

// Ready tells whether what ends is told.
func (w *Wakes) Ready() bool { return w != nil && w.ready.Load() }

func (w *Wakes) leave(text string, c chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if of := w.waiting[text]; of != nil {
		if delete(of, c); len(of) == 0 {
			delete(w.waiting, text)
		}
	}
	if len(w.waiting) == 0 && w.stop != nil && w.idle == nil {
		w.idle = time.AfterFunc(lingers, w.rest)
	}
}

// rest ends the reader if nothing is waited for.
func (w *Wakes) rest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 && w.stop != nil {
		w.stop()
		w.stop, w.idle = nil, nil
		w.ready.Store(false)
	}
}

// close ends the reader, and waits for that as long as ctx has.
func (w *Wakes) close(ctx context.Context) {
	if w == nil {
		return
	}
	w.mu.Lock()
	w.closed = true
	if w.stop != nil {
		w.stop()
	}
	if w.idle != nil {
		w.idle.Stop()
	}
	w.mu.Unlock()
	w.readers.wait(ctx)
}

// hear tells those that wait for something of what the log has. What it does not tell any more may be anything.
func (w *Wakes) hear(texts []string, complete bool) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	tell := func(text string) {
		for c := range w.waiting[text] {
			close(c)
		}
		delete(w.waiting, text)
	}
	for _, text := range texts {
		tell(text)
	}
	if !complete {
		for text := range w.waiting {
			tell(text)
		}
	}
}

// read reads the log for as long as something waits. Where it cannot, what waits looks from time to time.
func (w *Wakes) read(ctx context.Context) {
	key, at := w.shared.NearLog(), drivers.Position("")
	for ctx.Err() == nil {
		err := guard.Contained(func() (err error) { at, err = w.step(ctx, key, at); return err })
		if err == nil {
			continue
		}
		if ctx.Err() != nil { // another reader may have begun
			return
		}
		w.ready.Store(false)
		at = ""
		if purge.Wait(ctx, time.Second) != nil {
			return
		}
	}
}

// step finds the end of the log, or reads what comes behind a place in it.
func (w *Wakes) step(ctx context.Context, key string, at drivers.Position) (drivers.Position, error) {
	far := w.far.Insistent()
	if at == "" {
		end, err := far.End(ctx, key, purge.LogLife)
		w.ready.Store(err == nil)
		w.hear(nil, false) // what has ended before was not told
		return end, err
	}
	if err := far.Wait(ctx, key, at); err != nil {
		return "", err
	}
	records, end, complete, err := far.Since(ctx, key, at)
	if err != nil {
		return "", err
	}
	w.hear(purge.NewsIn(texts(records)), complete)
	return end, nil // empty where it is not complete
}
