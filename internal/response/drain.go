package response

import (
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/gin-gonic/gin"
)

// inPlace is how much of a captured body goes to the client's writer while the handler waits. net/http holds as much before it sends
// anything, so no client can make that take long, and a small response needs nothing beside it.
const inPlace = 2048

// drain writes a captured body to its client, beside the handler, which never waits for a client that reads slowly.
type drain struct {
	w     gin.ResponseWriter
	ended chan struct{}

	mu       sync.Mutex
	more     sync.Cond
	body     []byte // what there is so far; it is appended to elsewhere, and what stands in it stays as it is
	written  int
	flush    bool // what there is so far is to be sent
	complete bool // there will not be more
	broken   bool // the client does not take any more
	panicked any  // what a writer of middleware has panicked with
}

// newDrain returns a drain of which a part of the body has gone to w already.
func newDrain(w gin.ResponseWriter, body []byte, written int) *drain {
	d := &drain{w: w, ended: make(chan struct{}), body: body, written: written}
	d.more.L = &d.mu
	go d.run()
	return d
}

// extend tells the drain how far the body has come.
func (d *drain) extend(body []byte, flush bool) {
	d.mu.Lock()
	d.body, d.flush = body, d.flush || flush
	d.mu.Unlock()
	d.more.Signal()
}

// wait waits until all that was written has gone to the writer, which takes no more from the drain then.
func (d *drain) wait() {
	d.mu.Lock()
	d.complete = true
	d.mu.Unlock()
	d.more.Signal()
	<-d.ended
}

func (d *drain) run() {
	defer close(d.ended)
	defer func() { d.panicked = recover() }()
	for {
		data, flush, ok := d.next()
		if !ok {
			return
		}
		if len(data) > 0 && !d.broken {
			n, err := d.w.Write(data)
			d.broken = err != nil || n != len(data)
		}
		if flush && !d.broken {
			d.w.Flush()
		}
	}
}

// next waits for what is to be written next; ok is false where nothing will be.
func (d *drain) next() (data []byte, flush, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.written == len(d.body) && !d.flush {
		if d.complete {
			return nil, false, false
		}
		d.more.Wait()
	}
	data, flush = d.body[d.written:len(d.body):len(d.body)], d.flush
	d.written, d.flush = len(d.body), false
	return data, flush, true
}

// forward gives the client's writer the last n bytes of a captured body, and all before them: as much as it holds without sending it at
// once, and the rest beside the handler.
func (r *Recorder) forward(n int) {
	r.size += n
	if r.mode != Capture { // the client has it
		return
	}
	if r.drain != nil {
		r.drain.extend(r.body, false)
		return
	}
	written := len(r.body) - n
	now := min(n, max(0, inPlace-written))
	if now > 0 || !r.sent {
		r.pass(r.body[written : written+now])
	}
	if now < n {
		r.beside(written + now)
	}
}

// pass gives the client's writer a part of a captured body in place. That the client has left is nothing that concerns a response that
// others may get; that the response is none, does.
func (r *Recorder) pass(data []byte) {
	_, err := r.ResponseWriter.Write(data)
	r.failed = r.failed || err == http.ErrContentLength || err == http.ErrBodyNotAllowed
	r.tellSent()
}

// beside starts the drain. What the handler changes in the header from here on is kept apart: the client's writer may read it.
func (r *Recorder) beside(written int) {
	h := r.ResponseWriter.Header()
	r.before, r.late = h.Clone(), h.Clone()
	r.drain = newDrain(r.ResponseWriter, r.body, written)
}

// Drain waits until the client's writer has all that was captured. A panic of that writer goes on from here.
func (r *Recorder) Drain() {
	if r.drain == nil {
		return
	}
	d := r.drain
	d.wait()
	r.drain = nil
	r.trail()
	if d.panicked != nil {
		panic(d.panicked)
	}
}

// trail takes over what the handler has changed in the header since the drain began, such as trailers.
func (r *Recorder) trail() {
	h := r.ResponseWriter.Header()
	for name, values := range r.late {
		if !slices.Equal(values, r.before[name]) {
			h[name] = values
		}
	}
	maps.DeleteFunc(h, func(name string, _ []string) bool {
		_, was := r.before[name]
		_, is := r.late[name]
		return was && !is
	})
	r.before, r.late = nil, nil
}

// Header returns the header of the response.
func (r *Recorder) Header() http.Header {
	if r.late != nil {
		return r.late
	}
	return r.ResponseWriter.Header()
}
