package flight

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/guard"
)

// Of several processes that share a store, one has the lease of a key, which is a value in the store that expires, and runs the fill. The others
// look at it, and at what is stored, until either is another one, and then for what the fill has left. A lease is for efficiency alone: what is wrong with it, or takes too long,
// costs a fill.

const (
	// firstLook is after how long a lease of another process is looked at for the first time. The next looks come later by an eighth of the
	// time that it has been waited for, so that they cost the store little, and at the latest after longestLook; each toldLook where the end
	// of a lease is told.
	firstLook   = 2 * time.Millisecond
	longestLook = 20 * time.Millisecond
	toldLook    = 200 * time.Millisecond
	// freedFor is for how long it is said that a fill had nothing for others, which then do not wait for one another.
	freedFor = time.Second
)

// freed is a lease behind a fill that had nothing for others, and apart one behind a fill that was for its own client, as others would be.
var (
	freed = []byte("-")
	apart = []byte("--")
)

// Waker has those told that wait for a lease, in whatever process.
type Waker interface {
	Tell(ctx context.Context, lease string) // that it has ended
	// Await returns what is closed when it has ended, as far as that is told from when Ready tells true on. leave is to be called.
	Await(lease string) (told <-chan struct{}, leave func())
	Ready() bool
}

// Leases are those of one cache.
type Leases struct {
	waker  Waker
	store  *guard.Store
	life   time.Duration // of a lease, unless it is said for its fill; 0 for none
	holder uint64        // tells this process from others
	taken  atomic.Uint64 // how many leases it has asked for
}

// NewLeases returns the leases in a store, or nil where it cannot have any: it is this process's alone, or cannot insert.
// life is for how long others wait, and a lease lives, at most, where nothing else is said; 0 for not at all.
func NewLeases(store *guard.Store, life time.Duration, waker Waker) *Leases {
	if store.Objects() != nil || !store.Inserts() {
		return nil
	}
	return &Leases{store: store, life: life, waker: waker, holder: rand.Uint64()}
}

// Lease is one that this process has. nil is none.
type Lease struct {
	leases *Leases
	key    string
	until  time.Time // when it expires, or sooner
	ended  sync.Once
}

// Turn is the wait of one fill for the lease of a key.
type Turn struct {
	leases *Leases
	key    string
	made   string // what the fill makes is stored under it
	life   time.Duration
	until  time.Time // when it has waited for long enough
	apart  bool      // see Apart
}

// Turn returns the wait for the lease of a key, which is as long at most as a lease lives at most: as said, or, where that is nil, that of the leases.
// What the fill makes is stored under made. It is nil where there are no leases, or that is 0.
func (l *Leases) Turn(key, made string, said *time.Duration) *Turn {
	if l == nil {
		return nil
	}
	life := l.life
	if said != nil {
		life = *said
	}
	if life <= 0 {
		return nil
	}
	return &Turn{leases: l, key: key, made: made, life: life, until: time.Now().Add(life)}
}

// Next has the fill run, with the lease, which is nil where it runs without one: it has waited for long enough, fills of this key have nothing for
// others at the time, or the store does not answer. Or it has it look again, for what the fill of another process has left.
func (t *Turn) Next(ctx context.Context) (lease *Lease, run bool) {
	if t == nil {
		return nil, true
	}
	switch lease, held := t.Take(ctx); {
	case !held:
		return lease, true
	case time.Until(t.until) <= 0:
		return nil, true
	}
	came := false
	_ = guard.Contained(func() error { came = t.wait(ctx); return nil })
	return nil, !came
}

// Take takes the lease, and tells whether another process has it instead. Without a lease that no other has, a fill runs all the same. A driver that
// panics has not answered, here as in all that is asked for the sake of a lease: much of it is, behind the back of requests.
func (t *Turn) Take(ctx context.Context) (lease *Lease, held bool) {
	if t != nil {
		_ = guard.Contained(func() error { lease, held = t.take(ctx); return nil })
	}
	return lease, held
}

func (t *Turn) take(ctx context.Context) (lease *Lease, held bool) {
	l, until := t.leases, time.Now().Add(t.life)
	word := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, l.holder), l.taken.Add(1))
	if taken, err := l.store.Insert(ctx, t.key, word, t.life); err != nil {
		return nil, false
	} else if taken {
		return &Lease{leases: l, key: t.key, until: until}, false
	}
	there, err := l.store.Get(ctx, t.key)
	switch {
	case errors.Is(err, drivers.ErrMiss): // it has just ended
		return nil, true
	case err != nil:
		return nil, false
	}
	return nil, !t.frees(there.Value)
}

// frees tells whether a word says that a fill had nothing for others.
func (t *Turn) frees(word []byte) bool {
	t.apart = bytes.Equal(word, apart)
	return t.apart || bytes.Equal(word, freed)
}

// Apart tells, of a fill that runs without a lease, whether that is so because those of this key are for one client each.
func (t *Turn) Apart() bool { return t.apart }

// wait waits until the lease is not the same any more, or something else is stored than before, and tells whether that came before it was over, the
// caller left or the store did not answer. What the fill has left is there before its lease has ended.
func (t *Turn) wait(ctx context.Context) bool {
	began, first := time.Now(), [][]byte(nil)
	told, leave := t.leases.waker.Await(t.key)
	defer leave()
	for pause := firstLook; ; pause = t.leases.pause(time.Since(began)) {
		timer := time.NewTimer(min(pause, time.Until(t.until)))
		select {
		case <-timer.C:
		case <-told:
			timer.Stop()
			return true // what the fill has left is looked for before the lease, which another may have by now
		case <-ctx.Done():
			timer.Stop()
			return false
		}
		values, err := t.leases.store.GetValues(ctx, t.key, t.made)
		switch {
		case err != nil || len(values) != 2:
			return false
		case values[0] == nil || t.frees(values[0]):
			return true
		case first != nil && !slices.EqualFunc(values, first, bytes.Equal):
			return true
		case time.Until(t.until) <= 0:
			return false
		}
		first = values
	}
}

// pause returns after how long a lease is looked at anew that has been waited for.
func (l *Leases) pause(waited time.Duration) time.Duration {
	if l.waker.Ready() {
		return toldLook
	}
	return min(max(firstLook, waited/8), longestLook)
}

// End ends the lease: others look for what was stored. It returns at once, and so do Free and Part.
func (l *Lease) End() {
	l.end(func(ctx context.Context) {
		_, _ = l.leases.store.Delete(ctx, l.key)
		l.leases.waker.Tell(ctx, l.key)
	})
}

// Free ends the lease of a fill that had nothing for others: they do not wait for one another for a moment.
func (l *Lease) Free() { l.free(freed) }

// Part does what Free does, and has others know that there is nothing to wait for in their own process either, as [Seat.Part] does in this one.
func (l *Lease) Part() { l.free(apart) }

func (l *Lease) free(word []byte) {
	l.end(func(ctx context.Context) {
		_ = l.leases.store.Set(ctx, l.key, word, freedFor)
		l.leases.waker.Tell(ctx, l.key)
	})
}

// Written ends the lease once what the fill has made is stored, or has turned out not to be needed any more; else it frees the lease.
func (l *Lease) Written(stored bool) {
	if stored {
		l.End()
	} else {
		l.Free()
	}
}

// end ends the lease by something that is asked of the store, once, and as long as it cannot be the lease of another.
func (l *Lease) end(by func(context.Context)) {
	if l == nil {
		return
	}
	l.ended.Do(func() {
		if time.Until(l.until) <= 0 {
			return
		}
		ctx, cancel := context.WithDeadline(context.Background(), l.until)
		go func() {
			defer cancel()
			_ = guard.Contained(func() error { by(ctx); return nil })
		}()
	})
}
