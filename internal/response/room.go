package response

import (
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// cutAfter is for how long a client that is waited for may take nothing. Before, it is never cut off.
	cutAfter = 10 * time.Second
	// cutEvery is how often clients are looked at while they hold more than they may.
	cutEvery = time.Second
	// unseen is how many bytes a second a client is taken to take of a write that is not over: what it takes of one cannot be seen.
	unseen = 64 << 10
)

// Room is the memory that bodies take up: those that are being captured, and those of which their clients have not taken all. It is
// safe for concurrent use.
//
// Each of the two may take up the limit. While the clients that are waited for hold more than theirs, the one is cut off that has
// taken nothing for the longest time, or, where all take something, the slowest one. No body is captured that would take the two beyond
// both limits, so the sum is bounded at any time.
type Room struct {
	limit int64
	cut   atomic.Uint64

	mu       sync.Mutex
	captured int64
	waiting  int64
	clients  []*client // those that are waited for
	watched  bool      // relieve is about to be called
}

// NewRoom returns a Room in which bodies that are being captured may take up so many bytes, and those that wait for their clients as
// many again.
func NewRoom(limit int64) *Room {
	return &Room{limit: limit}
}

// Cut returns how many clients were cut off.
func (r *Room) Cut() uint64 { return r.cut.Load() }

// reserve asks for so many bytes more for a body that is being captured, or gives them back, where n is negative, and tells whether
// there is room.
func (r *Room) reserve(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	captured := r.captured + int64(n)
	if n > 0 && (captured > r.limit || captured+r.waiting > 2*r.limit) {
		return false
	}
	r.captured = captured
	return true
}

// client is one that is waited for.
type client struct {
	w     http.ResponseWriter
	held  int64
	since time.Time
	pace  *pace // what it takes; nil for a single write, of which that cannot be seen

	place   int  // among the room's
	cutting bool // it is, or was to be, cut off; both are under the room's lock

	mu   sync.Mutex
	over bool // it is not waited for any more
}

// wait counts so many bytes of a body as waiting for a client, until the function that it returns is called.
func (r *Room) wait(held int, w http.ResponseWriter, p *pace) (over func()) {
	c := &client{w: w, held: int64(held), since: time.Now(), pace: p}
	r.mu.Lock()
	defer r.mu.Unlock()
	c.place = len(r.clients)
	r.clients = append(r.clients, c)
	r.captured -= c.held
	r.waiting += c.held
	r.watch()
	return func() {
		c.mu.Lock() // not while it is being cut off: its writer must not be used for longer
		c.over = true
		c.mu.Unlock()
		r.mu.Lock()
		defer r.mu.Unlock()
		last := len(r.clients) - 1
		r.clients[c.place] = r.clients[last]
		r.clients[c.place].place = c.place
		r.clients[last] = nil
		r.clients = r.clients[:last]
		r.captured += c.held
		r.waiting -= c.held
	}
}

// watch has the clients looked at in a while, if they hold more than they may.
func (r *Room) watch() {
	if r.waiting > r.limit && !r.watched {
		r.watched = true
		time.AfterFunc(cutEvery, r.relieve)
	}
}

// relieve cuts off the clients that keep the others from having their room.
func (r *Room) relieve() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watched = false
	beyond := r.waiting - r.limit
	for _, c := range r.clients {
		if c.cutting {
			beyond -= c.held
		}
	}
	for now := time.Now(); beyond > 0; {
		c := r.worst(now)
		if c == nil {
			break
		}
		c.cutting = true
		beyond -= c.held
		go c.cutOff(r) // a writer of middleware may take its time
	}
	r.watch()
}

// worst returns the client to be cut off next, or nil.
func (r *Room) worst(now time.Time) (worst *client) {
	for _, c := range r.clients {
		if !c.cutting && c.stalls(now) && (worst == nil || c.worse(worst, now)) {
			worst = c
		}
	}
	return worst
}

// idle is for how long a client has taken nothing.
func (c *client) idle(now time.Time) time.Duration {
	if c.pace != nil {
		return now.Sub(c.pace.at())
	}
	return now.Sub(c.since) - unseenTime(int(c.held))
}

// stalls tells whether a client may be cut off. One that takes something may, where it was waited for as long.
func (c *client) stalls(now time.Time) bool {
	return c.idle(now) >= cutAfter || c.pace != nil && c.pace.visible() && now.Sub(c.since) >= cutAfter
}

// worse tells whether a client is to be cut off before another one: one that takes nothing before one that takes something, then the
// one that has taken nothing for longer, or takes less.
func (c *client) worse(other *client, now time.Time) bool {
	idle, others := c.idle(now), other.idle(now)
	if idle >= cutAfter || others >= cutAfter {
		return idle > others
	}
	return c.pace.rate(now) < other.pace.rate(now)
}

// cutOff has what is being written to a client fail, if its writer can.
func (c *client) cutOff(r *Room) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	for w := c.w; w != nil; w = inside(w) {
		if deadline, ok := w.(interface{ SetWriteDeadline(time.Time) error }); ok && deadline.SetWriteDeadline(time.Unix(1, 0)) == nil {
			r.cut.Add(1)
			return
		}
	}
}

// inside returns the writer that a writer stands in front of, or nil. Those of middleware that embed it need not say so by Unwrap.
func inside(w http.ResponseWriter) http.ResponseWriter {
	switch w := w.(type) {
	case *Recorder: // Unwrap would wait for the client
		return w.Outer()
	case interface{ Unwrap() http.ResponseWriter }:
		return w.Unwrap()
	}
	v := reflect.Indirect(reflect.ValueOf(w))
	if v.Kind() != reflect.Struct {
		return nil
	}
	for i := range v.NumField() {
		if field := v.Type().Field(i); field.Anonymous && field.IsExported() {
			if inner, ok := v.Field(i).Interface().(http.ResponseWriter); ok {
				return inner
			}
		}
	}
	return nil
}

// pace is what a client takes of a body that is written to it. One goroutine notes it, and others look.
type pace struct {
	began time.Time
	taken atomic.Int64
	last  atomic.Int64 // when it took something last, as a time.Duration since it began
	whole atomic.Bool  // a write that may be longer than a piece is under way, or was
}

// unseenTime is for how long it is taken for granted that a client takes a write of so many bytes.
func unseenTime(n int) time.Duration { return time.Duration(n) * time.Second / unseen }

// writes notes that a write of n bytes begins.
func (p *pace) writes(n int) {
	p.last.Store(int64(time.Since(p.began) + unseenTime(n)))
	p.whole.Store(n > piece)
}

// took notes that the client has taken n bytes.
func (p *pace) took(n int) {
	p.taken.Add(int64(n))
	p.last.Store(int64(time.Since(p.began)))
}

func (p *pace) at() time.Time { return p.began.Add(time.Duration(p.last.Load())) }

// visible tells whether what the client takes can be seen.
func (p *pace) visible() bool { return !p.whole.Load() }

// rate is how many bytes a second the client has taken.
func (p *pace) rate(now time.Time) float64 {
	return float64(p.taken.Load()) / max(1, now.Sub(p.began).Seconds())
}
