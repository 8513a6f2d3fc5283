package entries

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/target"
)

// What is owed is tried again at a pace that suits a store in trouble. A request that needs one of the marks does not wait for it.
const (
	firstPause    = 100 * time.Millisecond
	longestPause  = 500 * time.Millisecond // so that a purge holds within a second of the store's return
	clearPatience = time.Minute            // bounds a clearing, which may have many keys to go through
	deletedAtOnce = 100                    // keys in one operation, which is to end within the operation timeout
)

// paying is the one goroutine that carries out what is owed. There is none where nothing is.
type paying struct {
	mu      sync.Mutex
	ended   chan struct{} // closed once the goroutine has ended; nil where there is none
	stop    context.CancelFunc
	stopped bool
}

// startPaying has what is owed carried out. It is called after that was noted.
func (s *Store) startPaying() {
	p := &s.paying
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped || p.ended != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	p.ended, p.stop = make(chan struct{}), stop
	go s.keepPaying(ctx, p.ended)
}

// keepPaying carries out what is owed until nothing is, or the context has ended.
func (s *Store) keepPaying(ctx context.Context, ended chan<- struct{}) {
	defer close(ended)
	timer := time.NewTimer(firstPause)
	defer timer.Stop()
	for pause := firstPause; ; timer.Reset(pause) {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		all := false
		_ = guard.Contained(func() error { all = s.pay(ctx); return nil })
		if all {
			pause = firstPause
		} else {
			pause = min(2*pause, longestPause)
		}
		if s.donePaying() {
			return
		}
	}
}

// donePaying tells whether nothing is owed any more, and the goroutine ends.
func (s *Store) donePaying() bool {
	p := &s.paying
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.owes() {
		return false
	}
	p.stop()
	p.ended = nil
	return true
}

// owes tells whether anything is owed.
func (s *Store) owes() bool { return s.Owed() > 0 }

// Owed returns how many removals are owed: purges, of which that of everything is one, keys and clearings.
func (s *Store) Owed() int {
	n := int(s.deletes.length.Load() + s.clears.length.Load())
	if s.shared != nil {
		n += s.shared.Owed()
	}
	return n
}

// pay tries to carry out what is owed, and tells whether the store took all of it. Purges come first: they are what makes the
// other processes stop. A clearing that fails holds up no other. It asks the store whatever the breaker has seen, since it has a pace
// of its own, and takes no request's turn to try whether the store is back; what it learns the breaker learns, too.
func (s *Store) pay(ctx context.Context) bool {
	var err error
	if s.shared != nil {
		err = s.shared.Pay(insist(ctx))
	}
	if err == nil || s.far.Sharded() { // a server that does not take a purge may not be the one of what is to be removed
		err = errors.Join(err, s.payDeletes(ctx))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return false // it hangs, and clearing has more patience than that is worth
	}
	clears := s.clears.all()
	if len(clears) > 0 && !s.allAnswer(ctx) {
		return false // each time that it is tried, a clearing takes what the servers that answer have got since
	}
	all := err == nil
	for prefix, number := range clears {
		if ctx.Err() != nil {
			return false
		}
		if err := s.payClear(ctx, prefix, number); err != nil {
			all = false
			if !hopeless(err) {
				break // the store is in trouble
			}
			s.log.Warn("cachette: what was to be cleared stays: the store cannot do it", "error", err)
			s.clears.paid(prefix, number)
		}
	}
	return all
}

// payDeletes removes what is owed, of each server beside the others: one that does not answer holds up what they have.
func (s *Store) payDeletes(ctx context.Context) error {
	owed, byServer := s.deletes.all(), make(map[string][]string)
	for key := range owed {
		server := s.far.ServerOf(key)
		byServer[server] = append(byServer[server], key)
	}
	parts := slices.Collect(maps.Values(byServer))
	errs := make([]error, len(parts))
	var paying sync.WaitGroup
	for i, keys := range parts {
		paying.Go(func() { errs[i] = guard.Contained(func() error { return s.payDeletesOf(ctx, keys, owed) }) })
	}
	paying.Wait()
	return errors.Join(errs...)
}

// payDeletesOf removes the keys of one server, as far as it takes that. owed has the numbers of the debts.
func (s *Store) payDeletesOf(ctx context.Context, keys []string, owed map[string]uint64) error {
	for some := range slices.Chunk(keys, deletedAtOnce) {
		some = slices.DeleteFunc(some, func(key string) bool { return s.deletes.owed(key) == 0 }) // one that was put anew
		if len(some) == 0 {
			continue
		}
		within, cancel := s.far.Step(ctx)
		_, err := s.far.Insistent().Delete(within, some...)
		cancel()
		var gone []string
		for i, key := range some {
			if guard.ErrorOf(err, i) == nil {
				s.deletes.paid(key, owed[key])
				gone = append(gone, key)
			}
		}
		if err = errors.Join(err, s.toldGone(ctx, gone)); err != nil {
			return err
		}
	}
	return nil
}

// toldGone tells near tiers of what was removed late: they may have read it in between.
func (s *Store) toldGone(ctx context.Context, keys []string) error {
	if s.shared == nil || len(keys) == 0 {
		return nil
	}
	ctx, cancel := s.far.Step(ctx)
	defer cancel()
	return s.shared.Replaced(ctx, keys...)
}

// allAnswer tells whether each server of a store of several answers: it asks each for keys that are not there, with the tags of all.
func (s *Store) allAnswer(ctx context.Context) bool {
	if !s.far.Sharded() {
		return true
	}
	keys := make([]string, target.Partitions)
	for i := range keys {
		keys[i] = target.Value(s.prefix, target.Tag(i)+"cachette-ping")
	}
	ctx, cancel := s.far.Step(ctx)
	defer cancel()
	_, err := s.far.Insistent().GetValues(ctx, keys...)
	return err == nil
}

// payClear clears what has a prefix. That of the whole cache pays for all removals that were owed before it.
func (s *Store) payClear(ctx context.Context, prefix string, number uint64) error {
	ctx, cancel := context.WithTimeout(ctx, clearPatience)
	defer cancel()
	if prefix == s.prefix {
		return s.flush(ctx)
	}
	_, err := s.far.Clear(ctx, prefix)
	if err == nil {
		s.clears.paid(prefix, number)
	}
	return err
}

// Close ends what runs beside the requests: it has carried out what waits for the store, and tries a last time to carry out what is owed.
// It takes no longer than the operation timeout for that, nor for what has to end before. The driver is to be closed after it.
func (s *Store) Close() {
	s.stopLooking()
	s.forms.close()
	ctx, cancel := context.WithTimeout(context.Background(), s.far.Timeout())
	defer cancel()
	if s.stopPaying(ctx) && s.owes() {
		s.pay(ctx)
	}
	if s.queue != nil {
		if lost := s.queue.finish(ctx); lost > 0 {
			s.log.Warn("cachette: the store has not taken all that waited for it before the cache closed; handlers run once more for what it does not have",
				"writes", lost)
		}
	}
	if s.owes() {
		s.log.Warn("cachette: the store has not taken all removals before the cache closed; other processes may go on with what " +
			"was to be removed: flush once the store is back, or wait for the times to live to end")
	}
}

// stopLooking ends what looks at the store for news. What then is left to do has a time of its own.
func (s *Store) stopLooking() {
	ctx, cancel := context.WithTimeout(context.Background(), s.far.Timeout())
	defer cancel()
	s.near.close(ctx)
	s.wakes.close(ctx)
}

// stopPaying ends the goroutine that pays, and tells whether it has ended: a driver that ignores its context is not waited for.
func (s *Store) stopPaying(ctx context.Context) bool {
	p := &s.paying
	p.mu.Lock()
	p.stopped = true
	ended, stop := p.ended, p.stop
	p.mu.Unlock()
	if ended == nil {
		return true
	}
	stop()
	select {
	case <-ended:
		return true
	case <-ctx.Done():
		return false
	}
}
