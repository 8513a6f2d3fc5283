package dashboard

import (
	"sync"
	"time"

	"github.com/gin-cachette/cachette"
)

const (
	every = 2 * time.Second
	kept  = int(15 * time.Minute / every) // samples
)

// row is what the cache had counted at a time, as the page gets it: see names.
type row [16]float64

// names are those of the numbers in a row, all of them sums since the start but for those of what there is now. Times are milliseconds.
var names = [len(row{})]string{
	"at", "requests", "shared", "bypassed", "misses", "saved", "fills", "filling", "operations", "waiting", "operated", "failures", "memory", "near", "queue", "owed",
}

// history has the last rows, and the number of the last one.
type history struct {
	mu   sync.Mutex
	rows [kept]row
	last int // of the rows so far
}

func (h *history) add(r row) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rows[h.last%kept] = r
	h.last++
}

// since returns the rows behind one, by how many there were then, and how many there are now.
func (h *history) since(n int) (rows []row, last int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n < 0 || n > h.last {
		n = 0
	}
	rows = make([]row, 0, kept)
	for i := max(n, h.last-kept); i < h.last; i++ {
		rows = append(rows, h.rows[i%kept])
	}
	return rows, h.last
}

// sample adds a row now and then, until the cache is closed or the context of the dashboard ends.
func (d *dashboard) sample() {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		d.history.add(rowOf(d.cache.Stats(), time.Now()))
		select {
		case <-ticker.C:
		case <-d.ctx.Done():
			return
		case <-d.cache.Done():
			return
		}
	}
}

// closed tells whether the cache is.
func (d *dashboard) closed() bool {
	select {
	case <-d.cache.Done():
		return true
	default:
		return false
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// rowOf returns the row of what the cache has counted.
func rowOf(s cachette.Stats, at time.Time) row {
	var requests, shared, bypassed, misses, fills uint64
	var saved, filling time.Duration
	for _, r := range s.Routes {
		requests += total(r.Outcomes)
		shared += r.Hits + r.StaleHits + r.Collapsed
		bypassed += r.Bypassed
		misses += r.Misses
		saved += r.Saved
		fills += r.Fills.Count
		filling += r.Fills.Sum
	}
	var operations, operated, failures uint64
	var waiting time.Duration
	for _, o := range s.Store.All() {
		for _, n := range o.All() {
			operations += n
		}
		operated += o.Took.Count
		waiting += o.Took.Sum
		failures += o.TimedOut + o.Failed + o.Refused
	}
	return row{
		float64(at.UnixMilli()), float64(requests), float64(shared), float64(bypassed), float64(misses), milliseconds(saved), float64(fills), milliseconds(filling),
		float64(operations), milliseconds(waiting), float64(operated), float64(failures),
		float64(s.Memory.Bytes), float64(s.Near.Bytes), float64(s.WaitingBytes), float64(s.Owed),
	}
}

// total returns how many requests came out in any way.
func total(o cachette.Outcomes) (n uint64) {
	for _, one := range o.All() {
		n += one
	}
	return n
}
