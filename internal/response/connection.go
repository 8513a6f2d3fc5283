package response

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// Flush sends what was written so far.
func (r *Recorder) Flush() {
	if r.closed {
		return
	}
	r.commit(0)
	r.Yield()
	r.owner.Flushed()
	switch {
	case !r.passes():
	case r.keeping() && r.beside() && r.flushBeside():
	default:
		r.Drain()
		r.flush()
		r.tellSent()
	}
}

// flush has the client's writer send what it has, and waits for that.
func (r *Recorder) flush() {
	r.await()
	defer r.goOn()
	r.ResponseWriter.Flush()
}

// flushBeside has the drain send what was written so far, and tells whether there is one.
func (r *Recorder) flushBeside() bool {
	if r.drain == nil {
		r.ResponseWriter.WriteHeaderNow()
		r.tellSent()
		if r.startDrain(); r.drain == nil {
			return false
		}
	}
	_ = r.drain.extend(r.body, true)
	return true
}

// SetReadDeadline, SetWriteDeadline and EnableFullDuplex are for http.ResponseController, which would come to the writer outside
// by Unwrap, and so wait for a client that reads slowly.
func (r *Recorder) SetReadDeadline(deadline time.Time) error {
	return http.NewResponseController(r.ResponseWriter).SetReadDeadline(deadline)
}

// SetWriteDeadline is as SetReadDeadline.
func (r *Recorder) SetWriteDeadline(deadline time.Time) error {
	return http.NewResponseController(r.ResponseWriter).SetWriteDeadline(deadline)
}

// EnableFullDuplex is as SetReadDeadline.
func (r *Recorder) EnableFullDuplex() error {
	return http.NewResponseController(r.ResponseWriter).EnableFullDuplex()
}

// CloseNotify returns a channel that says once that there is no client left for which the handlers run: gin's Stream asks for it.
func (r *Recorder) CloseNotify() <-chan bool { return r.owner.CloseNotify() }

// Hijack hands the connection over; what goes over it is no response to keep.
func (r *Recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	r.hijacked, r.size = true, max(0, r.size)
	r.owner.Release()
	r.Drain()
	r.giveUp() // what goes over the connection may go on for long
	return r.ResponseWriter.Hijack()
}
