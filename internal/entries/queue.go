package entries

import (
	"context"
	"errors"
	"hash/crc32"
	"sync"
	"sync/atomic"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
)

// ErrFull says that so much waits for the store already that a response is not kept.
var ErrFull = errors.New("cachette: too many responses wait for the store")

// ErrMoot says that there was nothing to store any more: the response was purged, its time was over, or a later one took its place.
var ErrMoot = errors.New("cachette: the response is not needed any more")

const (
	lines       = 16      // of writes, and so how many are under way at once
	maxWaiting  = 4096    // writes: behind a store that takes 20 ms for one they take five seconds
	leastMemory = 1 << 20 // bytes that may wait, where nothing was said
)

// queue is the writes that wait for a store of bytes, so that no client does. A look-up goes by what waits here before it goes by what is
// stored. The writes of one key stand in one line, in their order: there are a few lines, each with a lock of its own and, as long as
// something stands in it, a goroutine that carries one write out after the other.
//
// What waits is bounded by what it takes in memory and by its number.
type queue struct {
	carry func(ctx context.Context, w *write) error
	limit int64 // bytes

	bytes, number atomic.Int64 // of what waits or is under way
	closed        atomic.Bool
	lost          atomic.Int64    // that failed since it is closed
	ctx           context.Context // of the writes; done once they are not waited for any more
	stop          context.CancelFunc
	lines         [lines]line
}

// write is what is to become of a key: an entry or variants are stored under it, or, where there is neither, what is stored is removed.
type write struct {
	tells    bool // what it takes the place of may be near other processes
	key      string
	entry    *response.Entry
	variants *response.Variants
	declared *response.Declared
	ticket   purge.Ticket  // of the entry
	size     int64         // that it was given room for
	removes  bool          // it is a removal, or stands in the place of one: where it fails, what is stored goes all the same
	done     func(error)   // is told what became of it; nil for none
	passed   chan struct{} // is closed when its turn comes, which is all that it is there for; nil for a write
}

// line is the writes of some of the keys.
type line struct {
	mu      sync.Mutex
	running bool // the goroutine
	waiting []*place
	latest  map[string]*place // by key: what waits or, where nothing does, is under way
}

// place is a place in a line. A write that waits is replaced by a later one of its key.
type place struct {
	write
	begun bool
}

func newQueue(limit int64, carry func(context.Context, *write) error) *queue {
	q := &queue{carry: carry, limit: max(limit, leastMemory)}
	q.ctx, q.stop = context.WithCancel(context.Background())
	return q
}

// lineOf returns the line of a key. It is the same in each run of a program, so that what a simulation finds can be repeated.
func (q *queue) lineOf(key string) *line {
	return &q.lines[crc32.ChecksumIEEE([]byte(key))%lines]
}

// Waiting returns how many writes wait for a store of bytes, or are under way, and what they take in memory, in bytes.
func (s *Store) Waiting() (writes, bytes int64) {
	if s.queue == nil {
		return 0, 0
	}
	return s.queue.number.Load(), s.queue.bytes.Load()
}

// reserve asks for the room of so many writes, which take size bytes together.
func (q *queue) reserve(number, size int64) error {
	if q.closed.Load() {
		return drivers.ErrClosed
	}
	count, bytes := q.number.Add(number), q.bytes.Add(size)
	if count > maxWaiting || bytes > q.limit {
		q.number.Add(-number)
		q.bytes.Add(-size)
		return ErrFull
	}
	return nil
}

// claim gives a removal room beyond the bounds, and tells whether it did: where a write of its key waits, of which it takes the place, or is
// under way, of which there is one a line. The removal has to stand behind that, or would be undone by it.
func (q *queue) claim(key string, size int64) bool {
	if _, ok := q.find(key); !ok {
		return false
	}
	q.number.Add(1)
	q.bytes.Add(size)
	return true
}

// end gives back the room of a write, and tells what became of it.
func (q *queue) end(w *write, err error) {
	if w.passed != nil {
		close(w.passed)
		return
	}
	q.number.Add(-1)
	q.bytes.Add(-w.size)
	if err != nil && !errors.Is(err, ErrMoot) && q.closed.Load() {
		q.lost.Add(1)
	}
	if w.done != nil {
		w.done(err)
	}
}

// add has a write wait, which has been given room.
func (q *queue) add(w write) {
	l := q.lineOf(w.key)
	l.mu.Lock()
	p := l.latest[w.key]
	if p != nil && !p.begun {
		w.removes, w.tells = w.removes || p.removes, w.tells || p.tells
		w, p.write = p.write, w
		l.mu.Unlock()
		q.end(&w, ErrMoot)
		return
	}
	p = &place{write: w}
	if l.latest == nil {
		l.latest = make(map[string]*place)
	}
	l.latest[w.key] = p
	q.line(l, p)
	l.mu.Unlock()
}

// line puts a place at the end of a line, which is locked.
func (q *queue) line(l *line, p *place) {
	l.waiting = append(l.waiting, p)
	if !l.running {
		l.running = true
		go q.run(l)
	}
}

// run carries out what waits in a line until nothing does.
func (q *queue) run(l *line) {
	for {
		p := l.next()
		if p == nil {
			return
		}
		var err error
		if p.passed == nil {
			err = q.carryOut(&p.write)
			l.leave(p)
		}
		q.end(&p.write, err)
	}
}

// next returns the write whose turn it is, or nil, where the goroutine ends.
func (l *line) next() *place {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.running, l.waiting, l.latest = false, nil, nil
		return nil
	}
	p := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	p.begun = true
	return p
}

// leave ends that look-ups see a write.
func (l *line) leave(p *place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.latest[p.key] == p {
		delete(l.latest, p.key)
	}
}

// carryOut carries out a write. No request is there any more to be answered with an error where a driver panics.
func (q *queue) carryOut(w *write) error {
	return guard.Contained(func() error { return q.carry(q.ctx, w) })
}

// find returns what a key is to become, if anything waits or is under way.
func (q *queue) find(key string) (w write, ok bool) {
	if q.number.Load() == 0 {
		return w, false
	}
	l := q.lineOf(key)
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.latest[key]; p != nil {
		return p.write, true
	}
	return w, false
}

// drop takes out what waits under the keys for which which holds, and tells it err. It returns how much was to be stored of that.
func (q *queue) drop(which func(key string) bool, err error) (dropped int) {
	for i := range q.lines {
		l := &q.lines[i]
		l.mu.Lock()
		kept := make([]*place, 0, len(l.waiting))
		var out []*place
		for _, p := range l.waiting {
			if p.passed != nil || !which(p.key) {
				kept = append(kept, p)
				continue
			}
			out = append(out, p)
			delete(l.latest, p.key)
			if p.entry != nil || p.variants != nil {
				dropped++
			}
		}
		l.waiting = kept
		l.mu.Unlock()
		for _, p := range out {
			q.end(&p.write, err)
		}
	}
	return dropped
}

// settle waits until all that waits or is under way has had its turn.
func (q *queue) settle(ctx context.Context) error {
	var turns [lines]chan struct{}
	for i := range q.lines {
		l := &q.lines[i]
		l.mu.Lock()
		if l.running {
			turns[i] = make(chan struct{})
			q.line(l, &place{write: write{passed: turns[i]}})
		}
		l.mu.Unlock()
	}
	for _, turn := range turns {
		if turn == nil {
			continue
		}
		select {
		case <-turn:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// finish has all that waits carried out, and takes nothing more. What is left when ctx ends is given up. It returns how much of all that the
// store has not taken.
func (q *queue) finish(ctx context.Context) (lost int64) {
	q.closed.Store(true)
	if err := q.settle(ctx); err != nil {
		q.drop(func(string) bool { return true }, err)
	}
	lost = q.lost.Load() + q.number.Load() // of these a driver that ignores its context may still have some
	q.stop()
	return lost
}
