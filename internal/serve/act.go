package serve

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/flight"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

const (
	// patience is for how long requests wait for another's fill before one more of them runs the handler.
	patience = 10 * time.Second
	// aloneFor is for how long requests for a key do not wait for one another, once its response was for one client.
	aloneFor = 5 * time.Second
	// attempts bounds how often a request waits, because another's fill failed or made another variant than it wants.
	attempts = 4
	// statusClientLeft is what the log has of a request whose client left while it waited: no client gets it.
	statusClientLeft = 499
)

// exchange is a request on its way through the cache, where no fresh response was there to answer it.
type exchange struct {
	s      *Server
	c      *gin.Context
	frame  *Frame
	own    Frame // what frame is, where the exchange was begun on the short way
	around around

	request *http.Request   // as it came
	context fillContext     // of the request that the handlers see
	probe   *probe          // of an audit that the request is; nil for none
	bypass  rfc9111.Refusal // why it goes past the cache; empty where it does not
	passed  *response.Entry // what was found and cannot answer, nor be validated: what the handler answers may still take it back
	query
	fillState
}

// proceed does what the stored response, the request and the time allow.
func (x *exchange) proceed() {
	if x.mark == nil {
		x.s.comesThrough(x.request)
	}
	if x.boards {
		x.collapse()
		return
	}
	p := x.plan(false)
	if x.around.rt.DryRun && x.mark == nil {
		x.rehearse(p)
		return
	}
	if p.step == await {
		if x.found.Why = p.why; x.await() {
			return
		}
		p = x.plan(true)
	}
	switch p.step {
	case answer:
		if x.mark != nil { // another has refreshed it since
			x.mark.stored.Store(true)
		}
		x.replay(x.found.Entry, x.hit(x.found.Entry))
		x.audit()
		return
	case answerAndRefresh:
		outside := response.Governing(x.c.Writer.Header())
		x.replay(x.found.Entry, x.hit(x.found.Entry))
		x.refresh(outside, false)
		x.audit()
		return
	}
	x.found.Why = p.why
	if p.forget {
		x.passBy()
		x.found.Entry = nil
	}
	if x.partially() {
		return
	}
	switch p.step {
	case refuse:
		x.unsatisfiable()
	case refill:
		x.lease = x.mark.leaseFor(x.found.Key)
		x.fill(x.mark.flightFor(x.found.Key))
	case collapse:
		x.collapse()
	default:
		x.alone()
	}
}

// plan decides what to do by what was found. waited tells whether it has waited for something fresh.
func (x *exchange) plan(waited bool) plan {
	s := situation{why: x.found.Why, asked: &x.asked, now: x.now, refresh: x.mark != nil, shares: x.collapsible(), waited: waited, early: x.early}
	if e := x.found.Entry; e != nil {
		s.stored, s.admitted = &e.Meta, x.around.admits(e)
	}
	return decide(&s)
}

// forget makes the exchange go on as if nothing were stored.
func (x *exchange) forget(why rfc9111.Forward) {
	if x.found.Entry != nil {
		x.found.Entry, x.found.Why = nil, why
	}
}

// passBy forgets what was found where it is not for the client's credentials. What the handler answers may still take it back.
func (x *exchange) passBy() {
	x.passed = nil
	if e := x.found.Entry; e != nil && !x.asked.NoStore && !x.around.admits(e) {
		x.passed = e
		x.forget(rfc9111.ForwardRequest)
	}
}

// replay answers from an entry and ends the chain.
func (x *exchange) replay(e *response.Entry, status *rfc9111.CacheStatus) {
	x.around.lend(x.request, e, x.now)
	x.s.send(x.c, x.request, e, &response.Answer{Form: x.s.formOf(x.c, x.around.rt, x.request, e, x.now), Now: x.now, Status: status, More: x.labels(e)})
	x.c.Abort()
}

// unsatisfiable answers a request that wants nothing but what is stored, which is not there (RFC 9111 §5.2.1.7).
func (x *exchange) unsatisfiable() {
	status := x.words(event.Request{Outcome: event.Unsatisfiable})
	response.AddStatus(x.c.Writer.Header(), &status)
	x.c.AbortWithStatus(http.StatusGatewayTimeout)
}

// collapsible tells whether a request may share another's fill: one for what is not for one client in particular.
func (x *exchange) collapsible() bool { return x.s.collapsible(&x.around, &x.query, x.found.Key) }

func (s *Server) collapsible(in *around, q *query, key string) bool {
	return !q.asked.NoStore && (!in.credentials || in.identified()) && !s.alone.Has(key, q.now)
}

// reloads tells whether a request wants to see the handler asked anew (RFC 9111 §5.2.1). It may share a fill that begins after it came.
func (x *exchange) reloads() bool {
	return x.asked.NoCache || x.asked.MaxAge.Set && x.asked.MaxAge.Value == 0
}

// follows tells whether a request can only follow a fill: since what it leads others to is none for all, or since it declares content that was not read,
// for which net/http waits before the header goes out, and its client need never send it.
func (x *exchange) follows() bool {
	return x.request.Method == http.MethodHead && !x.asGet || x.request.ContentLength != 0 && !x.byContent() ||
		len(x.request.Header["Range"]) > 0 && !x.asWhole && !x.validating()
}

// standsForGet tells whether a HEAD may have its handlers run as for a GET of its target: they are known to be those that a GET comes to,
// by no detour on which it may be told something else, to make small pages, and the server leaves the content out (RFC 9110 §9.3.2).
func (x *exchange) standsForGet() bool {
	r := x.request
	if r.Method != http.MethodHead || len(r.Header["Range"]) > 0 || !response.LeavesOut(r) || x.target.Came != "" || x.around.over != nil {
		return false
	}
	x.pattern = x.c.FullPath()
	plain, known := x.s.lane.seen.Load().plain[place{http.MethodGet, x.pattern}]
	return !mounts(x.pattern) && (plain || !known) && x.s.lane.asOfGet(x.c) && x.answersGet()
}

// method is that of the request which the handlers see.
func (x *exchange) method() string {
	if x.asGet {
		return http.MethodGet
	}
	return x.request.Method
}

// collapse leads the fill of the key, or follows the one under way (RFC 9111 §4).
func (x *exchange) collapse() {
	x.asGet, x.asWhole = x.standsForGet(), x.standsForWhole()
	for range attempts {
		seat, leads := x.join()
		if seat == nil {
			break
		}
		if leads {
			x.lead(seat, x.s.flights.Ended() == x.ended && !x.boards)
			return
		}
		shared, ending := seat.Wait(x.request.Context())
		x.now = x.s.clock.now()
		switch ending {
		case flight.Left:
			x.leave()
			return
		case flight.Leads:
			x.asWhole = x.standsForWhole() // by now it may be known that the handlers make parts
			if !x.follows() {
				x.lead(seat, false)
				return
			}
			seat.Pass()
		case flight.Shared:
			if entry := x.shared(shared); entry != nil {
				status := x.words(event.Request{Outcome: event.Collapsed, Saved: entry.Meta.Took})
				x.replay(entry, &status)
				return
			}
		}
		if x.lookAgain(nil) {
			return
		}
		if ending == flight.Apart || ending == flight.Leads {
			break
		}
	}
	x.now = x.s.clock.now()
	x.alone()
}

// join takes a seat in the flight that suits the request; nil where there is none that it could follow.
func (x *exchange) join() (seat *flight.Seat, leads bool) {
	switch key := x.found.Key; {
	case x.reloads() && x.follows():
		return nil, false
	case x.reloads():
		return x.s.flights.JoinNext(key, &x.seat)
	case x.follows():
		return x.s.flights.Follow(key), false
	default:
		return x.s.flights.Join(key, &x.seat)
	}
}

// lead runs the handler for the flight of a seat. current tells that no fill has ended since the lookup.
func (x *exchange) lead(seat *flight.Seat, current bool) {
	defer seat.Pass() // whatever happens, no request waits for ever
	if !current && x.lookAgain(seat) {
		return
	}
	if x.request.Context().Err() != nil { // another one leads
		x.leave()
		return
	}
	if x.awaitsLease(seat) {
		return
	}
	x.entire = x.asWhole && !x.validating() && x.makesWhole()
	x.fill(seat)
}

// leave ends a request whose client has left, or whose time is over.
func (x *exchange) leave() {
	if errors.Is(x.request.Context().Err(), context.DeadlineExceeded) {
		x.c.AbortWithStatus(http.StatusServiceUnavailable)
		return
	}
	x.c.AbortWithStatus(statusClientLeft)
}

// alone runs the handler for this request alone.
func (x *exchange) alone() {
	if x.asGet = false; x.request.Method == http.MethodHead {
		x.head()
		return
	}
	x.fill(nil)
}

// shared returns what a flight has shared, if it answers this request, and nothing was purged that this request may not see.
func (x *exchange) shared(result any) *response.Entry {
	of, _ := result.(*shared)
	if of == nil || !x.suits(of.entry) {
		return nil
	}
	if of.lent && x.runs >= of.run || !of.lent && x.looked >= of.run && !x.s.entries.Current(x.request.Context(), of.entry, &x.found) {
		return nil
	}
	x.tag(of.tags)
	return of.entry
}

// suits tells whether what another request's fill made answers this one.
func (x *exchange) suits(e *response.Entry) bool {
	asked := x.asked
	if x.reloads() { // the fill has begun after it
		asked = rfc9111.RequestDirectives{}
	}
	return entries.Matches(e, &x.target) && x.around.admits(e) && e.Meta.Judge(&asked, x.now) == rfc9111.Serve
}

// lookAgain answers from what a fill that has ended since the lookup left, and tells whether it did. The flight that
// the caller leads, if any, is then over. What was found before is forgotten: it may have been purged, or taken back, while the
// request waited, and must neither be validated nor stand in for anything. A store that did not answer has held up the request once, and is
// not asked again.
func (x *exchange) lookAgain(seat *flight.Seat) bool {
	seat.TakeOff()
	x.boards, x.ended = false, x.s.flights.Ended()
	x.now = x.s.clock.now()
	if x.found.Err != nil {
		return false
	}
	x.looked = x.s.runs.Add(1)
	found := x.s.entries.Get(x.request.Context(), &x.target, x.now)
	if e := found.Entry; e != nil && x.around.admits(e) && e.Meta.Judge(&x.asked, x.now) == rfc9111.Serve {
		seat.Share(&shared{entry: e, run: x.looked})
		x.replay(e, x.hit(e))
		return true
	}
	x.found = found
	if found.Entry != nil {
		x.found.Why = rfc9111.ForwardStale
	}
	x.passBy()
	return false
}
