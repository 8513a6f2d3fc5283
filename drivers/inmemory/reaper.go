package inmemory

import (
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

const (
	// reapInterval is how often expired entries are removed in the background.
	reapInterval = time.Second

	// reapDelay is how long they are left before: so long does Sweep find them. Where memory is short they are removed
	// at once, as they would keep live ones out: eviction goes by how often an entry was asked for.
	reapDelay = time.Minute
)

// reaper is the clock by which otter removes expired entries. It trails the driver's own, which alone decides what a
// reader sees, and it moves only when entries are reaped: reading it costs a reader next to nothing.
type reaper struct {
	time atomic.Int64 // a time.Duration since Driver.start

	quit chan struct{}
	done chan struct{}
}

// timeLeft tells otter, by the reaper's clock, when to remove an entry. It is positive, as otter takes anything else
// for no change: then an entry that expired while it was written would stay for ever.
func timeLeft(e otter.Entry[string, entry]) time.Duration {
	return max(e.Value.deadline-time.Duration(e.SnapshotAtNano), 1)
}

// NowNano is the time by which otter tells what has expired.
func (r *reaper) NowNano() int64 {
	return r.time.Load()
}

// Tick keeps otter from reaping on a goroutine of its own.
func (r *reaper) Tick(time.Duration) <-chan time.Time {
	return nil
}

func (r *reaper) start(reap func()) {
	r.quit = make(chan struct{})
	r.done = make(chan struct{})
	go func() {
		defer close(r.done)
		ticker := time.NewTicker(reapInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				reap()
			case <-r.quit:
				return
			}
		}
	}()
}

func (r *reaper) stop() {
	if r.quit == nil {
		return
	}
	close(r.quit)
	<-r.done
}

// reap moves the reaper's clock and has otter remove what has expired by it.
func (d *Driver) reap(cache *store) {
	until := d.now()
	if full := uint64(d.budget.forEntries()); cache.WeightedSize() < full-full/8 {
		until -= reapDelay
	}
	if int64(until) > d.reaper.time.Load() {
		d.reaper.time.Store(int64(until))
		cache.CleanUp()
	}
}
