package response

import (
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"
)

// Recorder stands in for a gin.ResponseWriter while the handlers inside of the cache run. It passes on what they
// write, keeps a copy, and tells its owner the moment the header is final.
//
// It follows gin's semantics: WriteHeader records, and the status and header are final at the first Write,
// WriteString, WriteHeaderNow or Flush. A handler that does none of these leaves the response to the engine.
type Recorder struct {
	gin.ResponseWriter
	baseline Baseline
	owner    Owner
	room     *Room // nil where nothing is captured

	status    int
	size      int
	limit     int64
	upcoming  int // the size of the write that commits
	body      []byte
	written   int // how much of it the client's writer has, where it takes it in place
	reserved  int // how much of the room the body has
	mode      Mode
	committed bool
	fixed     bool // the client cannot be cut off
	waits     bool // the room counts the client as one that is waited for
	outer     outside
	way       way
	drain     *drain  // nil while nothing is written beside the handler
	client    *client // what the room knows of the client; nil until it is waited for

	final, late http.Header // of a held response whose header has not gone out: when it was final, and when the handlers were done

	failed     bool
	overflowed bool // the body is longer than the limit
	starved    bool // there was no room for it
	hijacked   bool
	dropped    bool // the owner has given it up
	sent       bool // the owner knows that the header has gone out
	closed     bool
	interim    bool // the last status was an interim one, and went out by itself

	watch func(size int) // see Watch; nil for none
}

// Owner is told what becomes of the response in a Recorder.
type Owner interface {
	// Decide is called once, when status and header are final and before anything goes out. It may change the header.
	Decide(*Recorder) Mode
	// Sent is called when the header of a response that is captured has gone to the writer outside, with that header: middleware
	// may have changed it on its way. It is called again once the handlers are done, since a writer may have sent it later than it was told to.
	Sent(*Recorder, http.Header)
	// Release is called when the response turns into one that no request should wait for: it is hijacked, or exceeds the limit.
	Release()
	// Forgo is called when there is no room for the body, which others may find.
	Forgo()
	// Flushed is called when the response is flushed as it is made, so that it may go on for long.
	Flushed()
	// Waits is called when the response is about to wait for its client, which may take nothing, and Waited when that is over.
	Waits()
	// Waited is called behind Waits.
	Waited()
	// CloseNotify returns a channel on which that there is no client left for which the handlers run is said once.
	CloseNotify() <-chan bool
	// Gone tells whether there is no client left for which the handlers run.
	Gone() bool
}

// Mode is what a Recorder does with a response from its commit on.
type Mode uint8

const (
	// Pass the response on and keep nothing.
	Pass Mode = iota
	// Capture passes the response on and keeps a copy of its body.
	Capture
	// Swallow keeps the response from the client.
	Swallow
	// Withhold keeps the response as Capture does, and passes nothing on: the owner is to answer from it, or to have the Recorder yield it.
	Withhold
	// NotModified answers the client 304, since it has this very response, and keeps a copy of the body.
	NotModified
)

// Open puts a new Recorder in front of w. limit is how many bytes of a body are kept, and room what they are taken from; it may be nil
// where the owner never has anything captured.
func (r *Recorder) Open(w gin.ResponseWriter, limit int64, owner Owner, room *Room) {
	*r = Recorder{
		ResponseWriter: w,
		baseline:       TakeBaseline(w.Header()),
		owner:          owner,
		room:           room,
		status:         w.Status(),
		size:           -1,
		limit:          limit,
	}
}

// Changes returns what the handlers have changed in the header, and the header by which to decide on storing: for
// reading only, and only until the handlers go on.
func (r *Recorder) Changes() ([]Field, http.Header) {
	changes := r.baseline.Changes(r.Header())
	if len(r.baseline) == 0 && canonical(changes) {
		return changes, r.Header()
	}
	return changes, r.baseline.Header(changes)
}

// Baseline returns the header as it was when the Recorder was made.
func (r *Recorder) Baseline() Baseline { return r.baseline }

// Upcoming returns, while the owner decides, how many bytes of body are about to be written, which may not be all.
func (r *Recorder) Upcoming() int { return r.upcoming }

// SetLimit changes how many bytes of body are kept, before any is written.
func (r *Recorder) SetLimit(limit int64) { r.limit = limit }

// Outer returns the writer that the Recorder stands in front of.
func (r *Recorder) Outer() gin.ResponseWriter { return r.ResponseWriter }

// outside is what is known of the writer that a Recorder stands in front of.
type outside uint8

const (
	unknown outside = iota
	server
	middleware
)

// Wrapped tells whether a writer of middleware stands between the Recorder and the client.
func (r *Recorder) Wrapped() bool {
	if r.outer == unknown {
		if r.outer = server; Wrapped(r.ResponseWriter) {
			r.outer = middleware
		}
	}
	return r.outer == middleware
}

// Status returns the status that the handlers have set.
func (r *Recorder) Status() int { return r.status }

// Size returns how many bytes of body were written, or -1 before the header is.
func (r *Recorder) Size() int { return r.size }

// Written tells whether the header is final, or the handler's own affair.
func (r *Recorder) Written() bool { return r.committed || r.hijacked }

// Unwrap returns the writer outside, for http.ResponseController. It has got all that was written before.
func (r *Recorder) Unwrap() http.ResponseWriter {
	if r.watch != nil {
		r.watch(math.MaxInt)
	}
	r.Drain()
	return r.ResponseWriter
}

// WriteHeader records the status. An interim one (RFC 9110 §15.2) goes to the client at once instead.
func (r *Recorder) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		if !r.committed {
			sendInterim(r.ResponseWriter, status)
			r.interim = true
		}
		return
	}
	if status <= 0 {
		return
	}
	r.interim = false
	if r.committed {
		// Too late: something went wrong after the header, such as a panic that was recovered from inside.
		r.failed = r.failed || status != r.status
		return
	}
	r.status = status
}

// sendInterim writes an interim response. gin's writer would take it for the final one, so it goes to the server's.
func sendInterim(w http.ResponseWriter, status int) {
	for {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			w.WriteHeader(status)
			return
		}
		w = wrapper.Unwrap()
	}
}

// WriteHeaderNow makes status and header final and sends them. Behind an interim status it has nothing left to do.
func (r *Recorder) WriteHeaderNow() {
	if r.interim || !r.commit(0) {
		return
	}
	if r.passes() {
		r.ResponseWriter.WriteHeaderNow()
		r.tellSent()
	}
}

// tellSent tells the owner, once, that the header of a captured response has gone out. Where the owner drops the response then, what was
// captured goes out at once, and takes no room any more.
func (r *Recorder) tellSent() {
	if r.sent || r.closed || r.mode != Capture && r.mode != NotModified {
		return
	}
	r.sent = true
	if r.owner.Sent(r, r.Header()); r.dropped {
		r.Drain()
		r.giveUp()
	}
}

// Sent tells whether the header of a captured response has gone out.
func (r *Recorder) Sent() bool { return r.sent }

// commit makes status and header final, once, and tells whether this call did. upcoming is the size of what is to be
// written next.
func (r *Recorder) commit(upcoming int) bool {
	if r.committed || r.closed {
		return false
	}
	r.committed, r.size, r.upcoming = true, 0, upcoming
	settled := false
	defer func() {
		if !settled { // the owner has panicked: what recovers from it inside is then to answer
			r.committed, r.size = false, -1
		}
	}()
	r.settle()
	settled = true
	if r.mode == NotModified {
		r.ResponseWriter.WriteHeaderNow()
		r.tellSent()
	}
	return true
}

// settle asks the owner what is to become of the response and gives the outer writer its status.
func (r *Recorder) settle() {
	r.mode = r.owner.Decide(r)
	switch r.mode {
	case Pass, Capture:
		r.ResponseWriter.WriteHeader(r.status)
	case Withhold:
		r.hold()
	case NotModified:
		r.ResponseWriter.WriteHeader(http.StatusNotModified)
	}
}

// Write writes a part of the body.
func (r *Recorder) Write(data []byte) (int, error) { return write(r, data, r.ResponseWriter.Write) }

// WriteString writes a part of the body.
func (r *Recorder) WriteString(data string) (int, error) {
	return write(r, data, r.ResponseWriter.WriteString)
}

// write writes a part of the body; pass is what it goes to where it is not kept.
func write[T string | []byte](r *Recorder, data T, pass func(T) (int, error)) (n int, err error) {
	if r.closed {
		return 0, errOver
	}
	r.commit(len(data))
	switch {
	case r.keeps(len(data)):
		r.body = append(r.body, data...)
		return r.forward(len(data))
	case !r.passes():
		r.size += len(data)
		return len(data), nil
	}
	r.Drain()
	if r.watch != nil {
		r.watch(r.size + len(data))
	}
	n, err = pass(data)
	r.wrote(n, len(data), err)
	return n, err
}

// wrote notes that n of size bytes of a body that is not kept were written.
func (r *Recorder) wrote(n, size int, err error) {
	r.size += n
	r.failed = r.failed || err != nil || n != size
	r.tellSent()
}

// passes tells whether the response goes on to the client.
func (r *Recorder) passes() bool { return r.mode == Pass || r.mode == Capture }

// keeps tells whether n more bytes are to be kept. It gives up a body that they make too long, or for which there is no room; what was
// kept of it then goes to the client before anything else does.
func (r *Recorder) keeps(n int) bool {
	if !r.keeping() {
		return false
	}
	switch {
	case int64(len(r.body)+n) > r.limit:
		r.overflowed = true
		r.owner.Release()
	case !r.reserve(len(r.body) + n):
		r.starved = true
		r.owner.Forgo()
	default:
		return true
	}
	r.Drain()
	r.giveUp()
	return false
}

// keeping tells whether the body is being kept.
func (r *Recorder) keeping() bool {
	return !r.overflowed && !r.starved && !r.dropped && !r.hijacked &&
		(r.mode == Capture || r.mode == Withhold || r.mode == NotModified)
}

// reserve sees to it that the body may take so many bytes, and as a rule half as many more: one that has begun is to find room for its end.
func (r *Recorder) reserve(size int) bool {
	if size <= r.reserved {
		return true
	}
	if r.reserved == 0 {
		r.fixed = (r.mode == Capture || r.mode == Withhold) && !r.beside() && !cuttable(r.ResponseWriter)
	}
	for _, room := range [...]int{size + size/2, size} {
		if r.room.reserve(room-r.reserved, r.fixed) {
			r.reserved = room
			return true
		}
	}
	return false
}

// giveUp gives the body and its room up.
func (r *Recorder) giveUp() {
	r.body = nil
	if r.reserved > 0 {
		r.room.reserve(-r.reserved, r.fixed)
	}
	r.reserved = 0
}

// errOver is what a goroutine gets that writes when the handlers have returned.
var errOver = errors.New("cachette: a write after the handler has returned")

// Close gives the room for the body back. The recorder takes nothing any more, and has nothing more to ask the owner.
func (r *Recorder) Close() {
	r.giveUp()
	r.closed = true
}

// Finish settles a response for which nothing was written, which the engine then commits, and tells whether it was
// such a one.
func (r *Recorder) Finish() (bare bool) {
	if r.committed || r.hijacked {
		return false
	}
	if !r.ResponseWriter.Written() { // else the response went past the Recorder
		r.settle()
	}
	return true
}

// Mode returns what became of the response.
func (r *Recorder) Mode() Mode { return r.mode }

// Complete tells whether all of the body was written, passed on without an error and kept, and has the length that
// declared, the lines of its Content-Length, gives it, if there are any (RFC 9110 §8.6, RFC 9111 §3.3).
func (r *Recorder) Complete(declared []string) bool {
	if r.failed || r.overflowed || r.starved || r.dropped || r.hijacked {
		return false
	}
	return len(declared) == 0 || len(declared) == 1 && declared[0] == strconv.Itoa(max(0, r.size))
}

// TooLarge tells whether the body exceeded the limit.
func (r *Recorder) TooLarge() bool { return r.overflowed }

// Starved tells whether there was no room to keep the body.
func (r *Recorder) Starved() bool { return r.starved }

// Body returns the copy of the body. Its backing array is not much larger than it is.
func (r *Recorder) Body() []byte {
	if cap(r.body)-len(r.body) > 64+len(r.body)/8 {
		return append(make([]byte, 0, len(r.body)), r.body...)
	}
	return r.body
}
