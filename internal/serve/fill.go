package serve

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/flight"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/values"
)

// fillState is the part of an exchange that is about running the handler.
type fillState struct {
	flight   *flight.Seat  // nil where no request follows
	lease    *flight.Lease // nil where no other process waits
	seat     flight.Room   // for the flight that it begins
	track    *track        // of the fills of the same target
	recorder response.Recorder
	began    time.Time
	serial   uint64 // which run it is, of all that the server has begun: see shared
	errors   int    // how many errors the context had when the handler began
	inner    Frame  // what routes inside find

	pattern    string      // of the engine's route whose handlers run; empty for none
	header     http.Header // of the response, to tell it from others
	keepPosted func()      // keeps the response to a POST, once the POST has invalidated

	asGet       bool          // it is a HEAD that may have its handlers run as for GET
	asWhole     bool          // it is for a part, and may lead those for the whole
	entire      bool          // so it does: the handlers make the whole
	recording   bool          // the recorder is open
	conditioned bool          // the handlers' request has other preconditions than the client's
	coded       bool          // they do not see which codings the client accepts: what they make is coded here
	reported    bool          // the header has this exchange's Cache-Status
	promised    bool          // it was said that the response is stored
	happened    event.Request // as far as it is known
	took        time.Duration // that the handlers ran
	tags        argument.Tags // of the response
	ends        values.Ends   // of the values that it is made of
	unwished    atomic.Bool   // a handler asked for the response not to be stored
	uncounted   atomic.Bool   // the request is none of the application's
	parted      atomic.Bool   // what a route inside answers, and does not share with all clients that share this response, may have gone into it
	verdict     verdict

	*judged
}

// judged is what there is to know of a handler's response, and of what it may be kept with. It is large, and nothing but the exchange has
// it, so that fills use it again, one after the other. What handlers may still have when they are done, such as their request's context, is
// no part of it.
type judged struct {
	ticket     entries.Ticket
	promisedAs string           // of what it is remembered what became of it
	made       rfc9111.Exchange // the request and what the handler answered; its Header is not to be used after Decide
	answer     answered
	length     []string         // the lines of its Content-Length
	cookies    []string         // those that the handler has set
	omit       []string         // the fields that may not be stored
	groups     []purge.Scope    // that the response says it is in (RFC 9875 §2)
	varied     []string         // the lines of its Vary, as it leaves the route
	timed      bool             // the route's function was asked for a time to live
	ttl        time.Duration    // what it has said; 0 as long as it is being asked, or when it panicked
	given      bool             // the route has a time to live for its status
	kept       bool             // the response is stored, or waits for the store
	explicit   bool             // that, or the response itself says for how long it may be kept, or by what to validate it
	altered    []response.Field // what they have changed in the header, where the whole is withheld
	page       *response.Entry  // the whole, once it ended well
	span       rfc9111.Range    // the part that it is
	whole      int64            // the length of what it is a part of
	draft      response.Draft
}

// fill runs the handler: its response goes to the client while it is captured, and is kept if it may be and ends well. It
// leads a flight with seat, which may be nil.
func (x *exchange) fill(seat *flight.Seat) {
	c, s := x.c, x.s
	outer := c.Writer
	x.flight = seat
	seat.Holds(x.lease)
	x.errors = len(c.Errors)
	x.judged = judgements.Get().(*judged)
	x.enterTrack()
	defer x.leaveTrack()
	seat.TakeOff()
	x.began, x.serial = x.now, s.runs.Add(1) // before what was found is looked at: it may be what this fill shares
	x.begin()
	x.recorder.Open(outer, x.around.rt.bodyLimit(s), x, s.room)
	x.recording = true

	restored, panicked := false, true
	restore := func() {
		if restored {
			return
		}
		restored = true
		c.Writer = outer
		x.exit()
	}
	defer func() { // also when the handler panics: Recovery outside then finds its own writer
		restore()
		if x.end(panicked); !panicked {
			x.forgetJudged()
		}
	}()
	x.mark.tell(x.words(event.Request{Outcome: event.Miss}), 0)
	x.enter()
	c.Writer = &x.recorder
	x.run(x.difference())
	panicked = false
	gone := x.Gone()
	if x.method() == http.MethodGet {
		s.lane.ran(c, x.pattern, x.around.rt)
	}

	bare := x.recorder.Finish()
	ended := ending{bare: bare, intact: x.inside() && (!bare || !outer.Written()), gone: gone}
	restore()
	x.recorder.Settle()
	switch x.verdict.fate {
	case confirmed:
		x.freshen()
	case failed:
		x.standIn()
	case storable, lent:
		if bare {
			x.commit(outer)
		}
		if x.recorder.AwaitSent() { // else it is not known what middleware outside has set in the header
			x.finish(ended)
		}
	}
}

var judgements = sync.Pool{New: func() any { return new(judged) }}

// forgetJudged leaves what was known of the response to the next fill.
func (x *exchange) forgetJudged() {
	*x.judged = judged{}
	judgements.Put(x.judged)
	x.judged = nil
}

// end lets the requests go that wait for a fill, and then waits for its client.
func (x *exchange) end(panicked bool) {
	if panicked {
		if x.context.Err() == nil {
			x.verdict.refusal = refusedIncomplete
		}
		x.recorder.Retract() // what recovers outside is then to answer
	}
	x.settlePromise()
	x.lease.Free()
	x.mark.rest(x.s, x.found.Key)
	x.flight.Fail()
	x.flight = nil // what is left to do is for its own client alone
	defer x.recorder.Close()
	x.recorder.Drain()
}

// begin takes the ticket of a fill. What was found and has been purged since is not to be validated, nor to stand in.
func (x *exchange) begin() {
	x.target.Tags, x.target.Usual = x.tagBeforehand(), x.around.rt.usual()
	_, x.target.Plain = x.s.plain.Load(x.c.FullPath())
	x.ticket = x.s.entries.Begin(x.request.Context(), &x.found, &x.target)
	if e := x.found.Entry; e != nil && x.s.entries.Outdated(e) {
		x.forget(rfc9111.ForwardURIMiss)
	}
	if e := x.passed; e != nil && x.s.entries.Outdated(e) {
		x.passed = nil
	}
}

// Release lets the requests go that wait for this fill: they may not have what it makes, or would have to wait for too long.
func (x *exchange) Release() {
	x.lease.Part()
	x.flight.Part()
}

// Forgo has others try that wait for this fill, which has nothing for them.
func (x *exchange) Forgo() {
	x.lease.Free()
	x.flight.Forgo()
}

// flushPatience is for how long requests wait for a response that is sent bit by bit. A reverse proxy flushes whatever has no length.
const flushPatience = time.Second

// Flushed lets them go unless the response is complete before long.
func (x *exchange) Flushed() { x.flight.PartWithin(flushPatience) }

// Waits has one more of the requests that wait for this fill lead, unless it goes on before long: it waits for its client now, which may
// take nothing.
func (x *exchange) Waits() { x.flight.Waits() }

// Waited says that it goes on.
func (x *exchange) Waited() { x.flight.Waited() }

// Gone tells whether there is no client left for which the handlers run: neither their own client nor one that waits.
func (x *exchange) Gone() bool { return x.context.Err() != nil }

// CloseNotify returns a channel on which that is said once.
func (x *exchange) CloseNotify() <-chan bool { return notify(&x.context) }

// notify returns a channel on which it is said once that a context is done.
func notify(ctx context.Context) <-chan bool {
	done := make(chan bool, 1)
	context.AfterFunc(ctx, func() { done <- true })
	return done
}

// enter tells the routes inside of this one what they are inside of.
func (x *exchange) enter() {
	if x.frame == &x.own { // nothing else has it
		x.own.exchange.Store(x)
	} else {
		x.inner = Frame{Server: x.s, entered: x.frame.entered, arrived: x.frame.arrived}
		x.inner.exchange.Store(x)
		x.c.Set(FrameKey{}, &x.inner)
	}
	x.header = x.c.Writer.Header()
	x.pattern = x.c.FullPath()
}

// inside tells whether the handlers have left the context as it was when they entered: gin's HandleContext takes away
// its keys and its writer, and what it then writes passes the recorder by.
func (x *exchange) inside() bool {
	frame, _ := x.c.Get(FrameKey{})
	return frame == &x.inner || frame == &x.own
}

// exit takes that back.
func (x *exchange) exit() {
	inside := x.inside()
	x.own.exchange.Store(nil)
	if !inside || x.frame != &x.own {
		x.c.Set(FrameKey{}, x.frame)
	}
}

// goOn reports that the handlers answer, and lets them.
func (x *exchange) goOn() {
	x.reported = true
	status := x.words(event.Request{Outcome: event.Bypassed})
	response.AddStatus(x.c.Writer.Header(), &status)
	x.mark.tell(status, 0)
	x.enter()
}

// stepAside leaves the caching of this exchange to a route inside, which sees the request as it came. c is the route's context.
func (x *exchange) stepAside(c *gin.Context) {
	x.verdict = verdict{fate: aside}
	if x.promised { // its first bytes are out, and the rest is not its own
		x.verdict.refusal = refusedIncomplete
	}
	if x.method() == http.MethodGet {
		x.s.nests.LoadOrStore(x.pattern, true)
	}
	if (x.method() == http.MethodGet || x.byContent()) && x.found.Key != "" { // nor are others to wait for it the next time
		x.s.alone.Add(x.found.Key, x.s.clock.now().Add(aloneFor))
	}
	x.Release()
	x.recorder.Yield()
	x.uncondition(c)
	if x.reported {
		response.DropStatus(c.Writer.Header())
		x.reported = false
	}
}
