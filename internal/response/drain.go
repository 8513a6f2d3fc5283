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

// inPlaceWrapped is the same where the rest is held until the handler is done. Such a writer may take each write for a whole, so none is
// cut. As a rule a connection has room for so much; where it has not, as one of HTTP/2 whose client opens no window, the handler waits.
const inPlaceWrapped = 16 << 10

// piece is how much of a body is written at a time to a writer that does not mind, so that it is seen whether the client takes any. net/http
// hands on as much at a time.
const piece = 4 << 10

// drain writes a captured body to its client beside those who must not wait for a client that reads slowly.
type drain struct {
	w     gin.ResponseWriter
	begun chan struct{} // closed once the first write has returned
	ended chan struct{}
	pace  pace

	mu       sync.Mutex
	more     sync.Cond
	body     []byte // what there is so far; it is appended to elsewhere, and what stands in it stays as it is
	written  int
	flush    bool  // what there is so far is to be sent
	complete bool  // there will not be more
	err      error // the client does not take any more
	panicked any   // what a writer of middleware has panicked with

	header http.Header // as the first write left it, to be read once it has begun; only where it was asked for
	held   bool        // the handler is done: the header is asked for, and no write is cut
}

// newDrain returns a drain of which a part of the body has gone to w already. held says that the rest was held until the handler was done.
func newDrain(w gin.ResponseWriter, body []byte, written int, held bool) *drain {
	d := &drain{w: w, begun: make(chan struct{}), ended: make(chan struct{}), body: body, written: written, held: held}
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

// finish says that there will not be more.
func (d *drain) finish() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.complete = true
	d.more.Signal()
}

func (d *drain) run() {
	begin := sync.OnceFunc(func() {
		if d.held {
			d.header = cloned(d.w.Header())
		}
		close(d.begun)
	})
	defer close(d.ended)
	defer begin()
	defer func() {
		if p := recover(); p != nil {
			d.give(nil, p)
		}
	}()
	for ; ; begin() {
		data, flush, ok := d.next()
		if !ok {
			return
		}
		if len(data) > 0 {
			d.pace.begin()
			if _, err := d.w.Write(data); err != nil {
				d.give(err, nil)
				return
			}
			d.pace.end(len(data))
		}
		if flush {
			d.pace.begin()
			d.w.Flush()
			d.pace.end(0)
		}
	}
}

// give gives the client up.
func (d *drain) give(err error, panicked any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err, d.panicked = err, panicked
}

// failed returns what a writer has panicked with, or nil.
func (d *drain) failed() any {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.panicked
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
	end := len(d.body)
	if !d.held {
		end = min(end, d.written+piece)
	}
	data = d.body[d.written:end:end]
	if d.written = end; end == len(d.body) {
		flush, d.flush = d.flush, false
	}
	return data, flush, true
}

// forward gives the client's writer the last n bytes of a captured body: in place as long as no client can make that take long; then
// beside the handler, or, where the writer must not be used beside it, once the handler is done. That the client has left is no error
// as long as there are others for whom the handler runs.
func (r *Recorder) forward(n int) (int, error) {
	r.size += n
	if r.mode != Capture { // the client has it
		return n, nil
	}
	var err error
	held := len(r.body) - n - r.written
	switch {
	case r.drain != nil:
		err = r.drain.extend(r.body, false)
	case len(r.body) <= inPlace, held == 0 && len(r.body) <= inPlaceWrapped && !r.beside():
		err = r.pass(len(r.body))
	case r.beside():
		if r.written < inPlace {
			err = r.pass(inPlace)
		}
		if !r.dropped {
			r.startDrain()
		}
	default:
		r.hold()
	}
	if err != nil && r.owner.Gone() {
		r.failed = true
		return 0, err
	}
	return n, nil
}

// hold leaves what is not written yet until the handler is done. The header is final, though it may go out later.
func (r *Recorder) hold() {
	if r.final == nil {
		r.final = cloned(r.Header())
	}
}

// way is how what is not written in place goes to the client's writer.
type way uint8

const (
	undecided way = iota
	whenDone      // once the handler is done
	beside        // beside the handler
)

// beside tells whether the client's writer may be used while the handler runs: one of net/http, which does not look at the header any
// more. Writers of middleware look at whatever they like, and over HTTP/2 net/http does at trailers. That is so for good once it has been asked.
func (r *Recorder) beside() bool {
	if r.way == undecided {
		r.way = whenDone
		if _, trailers := r.Header()["Trailer"]; !trailers && !r.Wrapped() {
			r.way = beside
		}
	}
	return r.way == beside
}

// startDrain begins to write beside the handler. The header has gone to the writer by now, so that it is known whether another cache's
// recorder outside captures it; that is used by one goroutine alone.
func (r *Recorder) startDrain() {
	if captures(r.ResponseWriter) {
		r.way = whenDone
		r.hold()
		return
	}
	r.drain = newDrain(r.ResponseWriter, r.body, r.written, false)
}

// pass gives the client's writer the captured body up to an offset, in place. Some errors say that the response is none to keep.
func (r *Recorder) pass(to int) error {
	data := r.body[r.written:to]
	r.written = to
	err := r.send(data)
	r.failed = r.failed || err == http.ErrContentLength || err == http.ErrBodyNotAllowed
	r.tellSent()
	return err
}

// send gives the client's writer a part of the captured body, and waits until that has taken it. Only where that is never long, it is not
// noted that the response waits.
func (r *Recorder) send(data []byte) error {
	if r.written > inPlace || !r.beside() {
		r.await()
		defer r.goOn()
	}
	_, err := r.ResponseWriter.Write(data)
	return err
}

// holds tells whether a part of the body waits for the handler to be done.
func (r *Recorder) holds() bool {
	return r.mode == Capture && r.drain == nil && r.written < len(r.body)
}

// Settle begins to write what was held until the handler was done. From here on the header is for the client's writer alone, until
// [Recorder.Drain] has returned.
func (r *Recorder) Settle() {
	if r.holds() {
		r.finalize()
		r.drain = newDrain(r.ResponseWriter, r.body, r.written, true)
	}
}

// cloned is [http.Header.Clone], which would be inlined with all that it does.
//
//go:noinline
func cloned(h http.Header) http.Header { return h.Clone() }

// finalize brings the header back to what it was when it was final: it goes out now.
func (r *Recorder) finalize() {
	if r.final == nil {
		return
	}
	h := r.Header()
	r.late = cloned(h)
	clear(h)
	maps.Copy(h, cloned(r.final)) // writers outside may edit it in place
}

// trail gives the header again what the handlers have made of it since it was final, such as trailers.
func (r *Recorder) trail() {
	h := r.Header()
	for name, values := range r.late {
		if !slices.Equal(values, r.final[name]) {
			h[name] = values
		}
	}
	if r.late != nil {
		for name := range r.final {
			if _, ok := r.late[name]; !ok {
				delete(h, name)
			}
		}
	}
	r.final, r.late = nil, nil
}

// AwaitSent waits until the header of a captured response has gone out, behind Settle, and has the owner look at it a last time. It
// returns false where a writer of middleware has panicked.
func (r *Recorder) AwaitSent() bool {
	if r.mode != Capture && r.mode != NotModified {
		return true
	}
	if r.drain == nil || !r.drain.held {
		if r.Wrapped() { // it may have sent it later than it was told to
			r.owner.Sent(r, r.Header())
		}
		return true
	}
	r.await()
	defer r.goOn()
	<-r.drain.begun
	if r.drain.failed() != nil {
		return false
	}
	r.owner.Sent(r, r.drain.header)
	return true
}

// await notes that the response waits for its client, and its body with it, until goOn is called.
func (r *Recorder) await() {
	r.owner.Waits()
	if r.reserved == 0 {
		return
	}
	if spare := r.reserved - cap(r.body); spare > 0 {
		r.room.reserve(-spare, r.fixed)
		r.reserved -= spare
	}
	var p *pace
	if r.drain != nil && !r.drain.held { // one that was held goes out in a single write
		p = &r.drain.pace
	}
	r.client, r.waits = r.room.wait(r.client, r.reserved, r.fixed, r.ResponseWriter, p), true
}

// goOn says that the client has taken what it was waited for.
func (r *Recorder) goOn() {
	if r.waits {
		r.room.leave(r.client)
		r.waits = false
	}
	r.owner.Waited()
}

// Drain waits until the client's writer has all that was captured, or withheld. A panic of that writer goes on from here.
func (r *Recorder) Drain() {
	r.Yield()
	if r.holds() {
		r.finalize()
		_ = r.pass(len(r.body))
		r.trail()
	}
	if r.drain == nil {
		return
	}
	r.await()
	defer r.goOn()
	d := r.drain
	d.finish()
	<-d.ended
	r.drain, r.written = nil, len(r.body)
	r.trail()
	if p := d.failed(); p != nil {
		panic(p)
	}
}
