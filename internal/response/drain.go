package response

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// inPlace is how much of a captured body goes to the client's writer while the handler waits. net/http holds as much before it sends
// anything, so no client can make that take long, and a small response needs nothing beside it.
const inPlace = 2048

// inPlaceWrapped is the same where middleware stands between the two. It may take each write for a whole, so none is cut; a connection
// has room for so much whatever its client does.
const inPlaceWrapped = 16 << 10

// drain writes a captured body to its client, beside the handler, which never waits for a client that reads slowly.
type drain struct {
	w     gin.ResponseWriter
	begun chan struct{} // closed once the first write has returned
	ended chan struct{}

	mu       sync.Mutex
	more     sync.Cond
	body     []byte // what there is so far; it is appended to elsewhere, and what stands in it stays as it is
	written  int
	flush    bool  // what there is so far is to be sent
	complete bool  // there will not be more
	err      error // the client does not take any more
	panicked any   // what a writer of middleware has panicked with
}

// newDrain returns a drain of which a part of the body has gone to w already.
func newDrain(w gin.ResponseWriter, body []byte, written int) *drain {
	d := &drain{w: w, begun: make(chan struct{}), ended: make(chan struct{}), body: body, written: written}
	d.more.L = &d.mu
	go d.run()
	return d
}

// extend tells the drain how far the body has come, and returns why the client has not taken what was written before.
func (d *drain) extend(body []byte, flush bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.body, d.flush = body, d.flush || flush
	d.more.Signal()
	return d.err
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
	begin := sync.OnceFunc(func() { close(d.begun) })
	defer close(d.ended)
	defer begin()
	defer func() { d.panicked = recover() }()
	for ; ; begin() {
		data, flush, ok := d.next()
		if !ok {
			return
		}
		if len(data) > 0 {
			if _, err := d.w.Write(data); err != nil {
				d.give(err)
				return
			}
		}
		if flush {
			d.w.Flush()
		}
	}
}

// give gives the client up.
func (d *drain) give(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
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
// once, and the rest beside the handler. That the client has left is no error as long as there are others for whom the handler runs.
func (r *Recorder) forward(n int) (int, error) {
	r.size += n
	if r.mode != Capture { // the client has it
		return n, nil
	}
	var err error
	if r.drain != nil {
		err = r.drain.extend(r.body, false)
	} else {
		written := len(r.body) - n
		now := r.fitting(written, n)
		if now > 0 || n == 0 {
			err = r.pass(r.body[written : written+now])
		}
		if now < n {
			r.beside(written + now)
		}
	}
	if err != nil && r.owner.Gone() {
		r.failed = true
		return 0, err
	}
	return n, nil
}

// fitting returns how many of n bytes are to be written in place, where some were before.
func (r *Recorder) fitting(written, n int) int {
	switch {
	case written+n <= inPlace:
		return n
	case !Wrapped(r.ResponseWriter):
		return max(0, inPlace-written)
	case written+n <= inPlaceWrapped:
		return n
	}
	return 0
}

// AwaitSent waits until the header of a captured response has gone out, and tells the owner. It returns false where a client is so slow
// that this takes longer than within.
func (r *Recorder) AwaitSent(within time.Duration) bool {
	if r.drain != nil && !r.sent {
		timer := time.NewTimer(within)
		defer timer.Stop()
		select {
		case <-r.drain.begun:
			r.tellSent()
		case <-timer.C:
			return false
		}
	}
	return true
}

// pass gives the client's writer a part of a captured body in place. Some errors say that the response is none to keep.
func (r *Recorder) pass(data []byte) error {
	_, err := r.ResponseWriter.Write(data)
	r.failed = r.failed || err == http.ErrContentLength || err == http.ErrBodyNotAllowed
	r.tellSent()
	return err
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
