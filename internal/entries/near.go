package entries

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
)

// Near is what the tier near this process is made of.
type Near struct {
	Objects drivers.Objects  // that keep its entries; nil for no tier
	Limit   int64            // how many bytes they take
	Poll    time.Duration    // how often it looks at what was purged
	Stale   time.Duration    // for how long it answers while the store does not
	Close   func() error     // of what keeps the entries
	Holds   drivers.Measured // the same
}

const (
	// soonAgain is how soon it looks again behind a look that has failed, and catchUp for how long it looks every quick behind that: what other
	// processes owe, they carry out when the store is back.
	soonAgain = 250 * time.Millisecond
	quick     = 100 * time.Millisecond
	catchUp   = 2 * time.Second

	nearMark = 160 // what a mark weighs that a near entry stands on, beside its names, in bytes
)

// near has copies of entries in this process, in front of a store of bytes. It keeps an entry the second time that it is read, so that what is read
// once takes no room from what is read often. nil is none.
type near struct {
	Near
	tier  *purge.Tier
	far   *guard.Store
	log   *slog.Logger
	uses  uses
	wakes *Wakes // nil where the store does not tell of records
	stop  context.CancelFunc
	looks background // at what was purged
}

// background is what goes on beside the requests, on the store.
type background struct{ running sync.WaitGroup }

// wait waits until it has ended, or ctx has: a driver that ignores its context is not waited for.
func (b *background) wait(ctx context.Context) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.running.Wait()
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// startNear begins the tier near this process, if there is to be one.
func (s *Store) startNear(o Near) {
	switch {
	case o.Objects == nil:
		return
	case !s.far.Logs() || !s.far.Adds():
		s.log.Warn("cachette: this driver keeps no log of purges, so nothing is kept near this process, in front of the store")
		_ = o.Close() // it does not fail
		return
	}
	ctx, stop := context.WithCancel(insist(context.Background()))
	n := &near{Near: o, far: s.far, log: s.log, uses: newUses(o.Limit), stop: stop}
	n.tier = s.shared.NewTier(2*o.Poll+s.far.Timeout(), o.Stale)
	s.near = n
	if s.wakes != nil {
		n.wakes, s.wakes.always, n.tier.OnNews = s.wakes, true, s.wakes.hear
		n.looks.running.Go(func() { n.listen(ctx) })
	}
	n.looks.running.Go(func() { n.poll(ctx) })
}

// close ends what looks at the purges, waits for that as long as ctx has, and forgets what was kept.
func (n *near) close(ctx context.Context) {
	if n != nil {
		n.stop()
		n.looks.wait(ctx)
		_ = n.Close() // it does not fail
	}
}

// NearUsage returns what the tier near this process holds; zero where there is none.
func (s *Store) NearUsage() drivers.Usage {
	if s.near == nil {
		return drivers.Usage{}
	}
	return s.near.Holds.Usage()
}

// Hottest returns the entries that are the last to be removed from memory: of the store, where it is in this process, and else of the tier near it.
func (s *Store) Hottest(n int) []drivers.Held {
	if s.near == nil {
		return s.far.Hottest(n)
	}
	return s.near.Holds.Hottest(n)
}

// poll looks at what was purged from time to time.
func (n *near) poll(ctx context.Context) {
	var caughtUp time.Time
	for pause := time.Duration(0); purge.Wait(ctx, pause) == nil; {
		switch err := n.look(ctx); {
		case err != nil:
			pause, caughtUp = min(n.Poll, soonAgain), time.Now().Add(catchUp)
		case time.Now().Before(caughtUp):
			pause = min(n.Poll, quick)
		default:
			pause = n.Poll
		}
	}
}

// listen looks when the store tells that something was purged.
func (n *near) listen(ctx context.Context) {
	told, refused := false, false
	for ctx.Err() == nil {
		key, at := n.tier.Log()
		err := errUnknownPlace
		if at != "" {
			if !refused { // one that is refused is so at once, and is tried now and then
				n.wakes.ready.Store(true)
			}
			if err = n.far.Wait(ctx, key, drivers.Position(at)); err == nil {
				err = n.look(ctx)
			} else if ctx.Err() == nil && !told {
				told = true
				n.log.Info("cachette: the store does not tell near tiers of purges at once; this process looks at them from time to time", "every", n.Poll, "error", err)
			}
		}
		if refused = err != nil && at != ""; refused {
			n.wakes.ready.Store(false)
		}
		if errors.Is(err, errors.ErrUnsupported) {
			return
		}
		if err != nil && purge.Wait(ctx, n.Poll) != nil {
			return
		}
	}
}

var errUnknownPlace = errors.New("cachette: no place in the log yet")

// look looks at what was purged. A driver that panics has not told.
func (n *near) look(ctx context.Context) error {
	ctx, cancel := n.far.Step(ctx)
	defer cancel()
	return guard.Contained(func() error { return n.tier.Look(ctx) })
}

// begin is called before something is read that may be kept near.
func (n *near) begin(now time.Time) purge.Reading {
	if n == nil {
		return purge.Reading{}
	}
	return n.tier.Begin(now)
}

// offer keeps an entry near that was read and is valid, and what its variants depend on, if this is not the first time.
func (n *near) offer(r purge.Reading, e *response.Entry, variants *response.Variants, now time.Time) {
	if n == nil || e == nil || e.Meta.Fresh(now) <= 0 || !n.uses.again(e.Key) {
		return
	}
	basis, ok := n.tier.Keep(r, &e.Basis, e.Key)
	if !ok {
		return
	}
	own := e.Near(basis)
	n.Objects.PutObject(e.Key, own, own.Size()+weightOf(&basis), e.Meta.Fresh(now))
	if variants == nil {
		return
	}
	if basis, ok = n.tier.Keep(r, &variants.Basis, variants.Key); ok {
		own := &response.Variants{Key: variants.Key, Fields: variants.Fields, Basis: basis, Expires: variants.Expires}
		n.Objects.PutObject(variants.Key, own, own.Size()+weightOf(&basis), variants.Expires.Sub(now))
	}
}

// weightOf returns what a near entry weighs for what it stands on, in bytes.
func weightOf(basis *purge.Basis) (size int) {
	for i := range basis.Marks {
		mark := &basis.Marks[i]
		size += nearMark + len(mark.Scope.Name) + len(mark.Word) + len(mark.Hard)
	}
	return size
}

// replaced ends what is near of a key under which this process stores something, or which it removes.
// It is called behind the look-ups' knowing of that, or they could keep near what they still find in the store.
func (n *near) replaced(key string) {
	if n != nil {
		n.tier.Replaced(key)
	}
}

// filled does the same for an entry that is to be stored, which counts as a use of it.
func (n *near) filled(key string) {
	if n != nil {
		n.tier.Replaced(key)
		n.uses.again(key)
	}
}

// uses remember which keys were used last, each in a slot that others may take.
type uses []atomic.Uint32

const (
	leastUses, mostUses = 1 << 12, 1 << 20
	usualEntry          = 1 << 10 // for how many bytes of the limit there is a slot
)

var usesSeed = maphash.MakeSeed()

func newUses(limit int64) uses {
	n := uint64(max(leastUses, min(mostUses, limit/usualEntry)))
	return make(uses, 1<<(bits.Len64(n-1)))
}

// again notes a use of a key, and tells whether one was noted before.
func (u uses) again(key string) bool {
	hash := maphash.String(usesSeed, key)
	slot, word := &u[hash%uint64(len(u))], uint32(hash>>32)|1
	if slot.Load() == word {
		return true
	}
	slot.Store(word)
	return false
}
