package response

import (
	"cmp"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// cutAfter is for how long a client is waited for before it may be cut off.
	cutAfter = 10 * time.Second
	// cutEvery is how often clients are looked at while they hold more than they may, and what cutAfter is where they hold too much.
	cutEvery = time.Second
	// enough is how many bytes a second a client takes that is never cut off in less than cutAfter. One of which it cannot be seen what it
	// takes has the time for that in addition.
	enough = 64 << 10
)

// Room is the memory that bodies take up: those that are being captured, and those of which their clients have not taken all. It is
// safe for concurrent use.
//
// Bodies that are being captured may take up the limit, whatever others wait for. Clients that are waited for may hold as much again
// without being looked at. Beyond, they are cut off: the one that takes least first, once it was waited for ten seconds; beyond twice as
// much, once it was for one, if it takes little. None is while those that take less, and are too young, hold enough. No body is captured
// that would take the sum beyond three times the limit: so it is bounded at any time, and only what comes faster than clients are cut
// off keeps others from being captured.
//
// Where a client cannot be cut off, its body counts as fixed from the start. These may take up half of the limit.
type Room struct {
	limit int64
	cut   atomic.Uint64

	mu       sync.Mutex
	captured int64
	waiting  int64
	fixed    int64     // of both
	clients  []*client // those that are waited for
	watched  bool      // relieve is about to be called
}

// NewRoom returns a Room in which bodies that are being captured may take up so many bytes, and those that wait for their clients twice
// as many.
func NewRoom(limit int64) *Room {
	return &Room{limit: limit}
}

// Cut returns how many clients were cut off.
func (r *Room) Cut() uint64 { return r.cut.Load() }

// reserve asks for so many bytes more for a body that is being captured, or gives them back, where n is negative, and tells whether
// there is room. fixed says that its client cannot be cut off.
func (r *Room) reserve(n int, fixed bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	captured, held := r.captured+int64(n), r.fixed
	if fixed {
		held += int64(n)
	}
	if n > 0 && (captured > r.limit || captured+r.waiting > 3*r.limit || fixed && held > r.limit/2) {
		return false
	}
	r.captured, r.fixed = captured, held
	return true
}

// client is one that is waited for.
type client struct {
	w     http.ResponseWriter
	held  int64
	since time.Time
	pace  *pace // what it takes; nil where that cannot be seen

	place int  // among the room's
	fixed bool // it cannot be cut off
	cut   bool // it is cut off, or about to be; these are under the room's lock

	mu   sync.Mutex
	over bool // it is not waited for any more
}

// wait counts so many bytes of a body as waiting for a client, until leave is called. c is the client as it was waited for before, and nil
// where it was not; it is another one that is returned where that is about to be cut off.
func (r *Room) wait(c *client, held int, fixed bool, w http.ResponseWriter, p *pace) *client {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c == nil || c.cut {
		c = new(client)
	}
	c.w, c.held, c.fixed, c.since, c.pace, c.over = w, int64(held), fixed, time.Now(), p, false
	c.place = len(r.clients)
	r.clients = append(r.clients, c)
	r.captured -= c.held
	r.waiting += c.held
	r.watch()
	return c
}

// leave says that a client is not waited for any more.
func (r *Room) leave(c *client) {
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

// watch has the clients looked at in a while, if they hold more than they may.
func (r *Room) watch() {
	if r.waiting > r.limit && !r.watched {
		r.watched = true
		time.AfterFunc(cutEvery, r.relieve)
	}
}

// relieve cuts off the clients that hold more than they may, from the worst on. One that is too young counts as if it were: those that
// are better are not cut off in its place.
func (r *Room) relieve() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watched = false
	beyond, now := r.waiting-r.limit, time.Now()
	looks := make([]look, 0, len(r.clients))
	for _, c := range r.clients {
		switch {
		case c.cut:
			beyond -= c.held
		case !c.fixed:
			looks = append(looks, c.look(now))
		}
	}
	slices.SortFunc(looks, look.compare)
	for _, l := range looks {
		if beyond <= 0 {
			break
		}
		if l.due(beyond > r.limit) {
			l.cut = true
			go l.cutOff(r) // a writer of middleware may take its time
		}
		beyond -= l.held
	}
	r.watch()
}

// look is what a client is like at a moment.
type look struct {
	*client
	waited time.Duration // for how long it was waited for
	quiet  time.Duration // for how long it has not been seen to take anything, of that
	rate   float64       // what it takes, in bytes a second; 0 where that is nothing, or cannot be seen
}

func (c *client) look(now time.Time) look {
	l := look{client: c, waited: now.Sub(c.since)}
	if l.quiet = l.waited; c.pace != nil {
		quiet, rate := c.pace.at(now)
		if l.quiet = min(l.quiet, quiet); l.quiet < cutAfter {
			l.rate = rate
		}
	}
	return l
}

// compare puts the one first that takes less, and of those that take nothing the one that has for longer.
func (l look) compare(other look) int {
	return cmp.Or(cmp.Compare(l.rate, other.rate), cmp.Compare(other.quiet, l.quiet))
}

// due tells whether a client may be cut off. hurry says that clients hold more than twice the limit.
func (l look) due(hurry bool) bool {
	if hurry && l.waited >= cutEvery && l.rate < enough {
		return true
	}
	after := cutAfter
	if l.pace == nil {
		after += time.Duration(l.held) * time.Second / enough
	}
	return l.waited >= after
}

// cutOff has what is being written to a client fail.
func (c *client) cutOff(r *Room) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	for w := c.w; w != nil; w = inside(w) {
		if deadline, ok := w.(deadliner); ok && deadline.SetWriteDeadline(time.Unix(1, 0)) == nil {
			r.cut.Add(1)
			return
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c.fixed, c.cut = true, false // it refuses
}

// deadliner is a writer whose writes can be made to fail.
type deadliner interface{ SetWriteDeadline(time.Time) error }

// cuttable tells whether the client behind a writer can be cut off. Those writers of a server that cannot do that wait for no client.
func cuttable(w http.ResponseWriter) bool {
	for ; w != nil; w = inside(w) {
		if _, ok := w.(*Recorder); ok {
			continue
		}
		if _, ok := w.(deadliner); ok || slices.Contains(servers[:], packageOf(w)) {
			return true
		}
	}
	return false
}

// embedded is which field of a type of writer is the writer that it embeds, by type, and -1 where it embeds none.
var embedded sync.Map

// inside returns the writer that a writer stands in front of, or nil. Those of middleware that embed it need not say so by Unwrap.
func inside(w http.ResponseWriter) http.ResponseWriter {
	switch w := w.(type) {
	case *Recorder: // Unwrap would wait for the client
		return w.Outer()
	case interface{ Unwrap() http.ResponseWriter }:
		return w.Unwrap()
	}
	v := reflect.Indirect(reflect.ValueOf(w))
	if !v.IsValid() {
		return nil
	}
	i, ok := embedded.Load(v.Type())
	if !ok {
		i = embeds(v.Type())
		embedded.Store(v.Type(), i)
	}
	if i == -1 {
		return nil
	}
	inner, _ := v.Field(i.(int)).Interface().(http.ResponseWriter)
	return inner
}

// embeds returns which field of a type is a writer that it embeds, or -1.
func embeds(t reflect.Type) int {
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			field := t.Field(i)
			if field.Anonymous && field.IsExported() && field.Type.Implements(reflect.TypeFor[http.ResponseWriter]()) {
				return i
			}
		}
	}
	return -1
}

// pace is what a client takes of a body that is written to it. Only the time counts in which a write is under way: while the handler makes
// more, a client has nothing to take.
type pace struct {
	mu    sync.Mutex
	taken int
	spent time.Duration // in writes that are over
	began time.Time     // when the write began that is under way; zero where none is
}

// begin notes that a write, or a flush, begins.
func (p *pace) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.began = time.Now()
}

// end notes that the client has taken the n bytes of it.
func (p *pace) end(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken += n
	p.spent += time.Since(p.began)
	p.began = time.Time{}
}

// at returns for how long the client has taken nothing of what it is sent, and how many bytes a second it has taken in all.
func (p *pace) at(now time.Time) (quiet time.Duration, rate float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.began.IsZero() {
		quiet = now.Sub(p.began)
	}
	return quiet, float64(p.taken) / max(1, (p.spent+quiet).Seconds())
}
