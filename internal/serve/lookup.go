package serve

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

// lookUp answers a GET or HEAD from what is stored, and has it handled where that is not possible.
func (s *Server) lookUp(c *gin.Context, f *Frame, in around) {
	mark, probe := s.marksOf(c.Request)
	if probe != nil {
		s.takeProbe(c, f, in, probe)
		return
	}
	if !entries.Keeps(c.Request.Context()) { // a probe of another server's, of whose engine this one is a part
		x := &exchange{s: s, c: c, frame: f, around: in, request: c.Request}
		x.found.Why = rfc9111.ForwardBypass
		x.goOn()
		x.forward(difference{})
		return
	}
	var q query
	tally := s.tally(c.FullPath())
	if mark != nil { // a refresh is no client's
		tally, q.renews = nil, mark.renews
	}
	if s.hit(c, &in, &q, mark.forces(), tally) {
		if mark != nil { // another has refreshed it since
			mark.stored.Store(true)
			return
		}
		if q.audited {
			s.audit(c, &in, q.found.Entry, f.arrived, f.entered)
		}
		return
	}
	if mark.strays(c, q.found.Key) {
		c.AbortWithStatus(http.StatusMisdirectedRequest)
		return
	}
	x := &exchange{s: s, c: c, frame: f, around: in, request: c.Request, mark: mark, query: q}
	defer x.count()
	x.proceed()
}

// query is a request as the cache sees it, and what it found for it.
type query struct {
	asked  rfc9111.RequestDirectives
	target target.Target // its key is without a variant
	found  entries.Found
	now    time.Time
	ended  uint64 // how many fills had ended before the lookup
	runs   uint64 // how many runs of handlers had begun when it came: see shared
	looked uint64 // and before the last lookup

	near    bool // a near copy has answered
	audited bool // it was answered by a hit of those that are

	early  bool      // what was found is fresh, and to be refreshed all the same
	renews time.Time // of a refresh: when what it is to replace was received; zero where that does not matter
}

// hit answers a GET or HEAD with a fresh response, and tells whether there was one, unless the handler is to run whatever
// there is. It notes in q what it found, and allocates nothing that it can do without. The hit is counted in t, which may be nil.
func (s *Server) hit(c *gin.Context, in *around, q *query, forced bool, t *tally) bool {
	if h := c.Request.Header; !in.rt.IgnoreAsk && asks(h) {
		q.asked = rfc9111.ParseRequest(h)
	}
	q.asked.NoCache = q.asked.NoCache || forced
	q.ended, q.runs = s.flights.Ended(), s.runs.Load()
	q.looked = q.runs
	q.now = s.clock.now()
	room := rooms.Get().(*room)
	served := s.find(c, in, q, room)
	if served && t != nil {
		s.countHit(c, q, t, room.slot)
		q.audited = room.passes(s.rateOf(in.rt))
	}
	rooms.Put(room)
	return served
}

// find does what hit does, with room for it, once what the request asks is known.
func (s *Server) find(c *gin.Context, in *around, q *query, room *room) bool {
	r, rt := c.Request, in.rt
	key, came := rt.scheme(s).AppendKey(room.key[:0], r, s.Secure(c), in.said())
	room.key = key
	live := s.entries.Local() || in.borrower(r) == nil // what is near is not to go into something else: see entries.Store.GetLive
	if live {
		q.found, live = s.entries.GetLive(key, r.Header, q.now)
	}
	if live && s.serves(c, in, q, room) {
		if !s.entries.Local() {
			s.nearHits[room.slot].n.Add(1)
			q.near = true
		}
		return true
	}
	q.target = target.Target{
		Key: string(key), Host: target.Authority(r.Host), Path: r.URL.Path, Came: came, Header: r.Header,
	}
	in.nameIn(&q.target)
	s.purgedAs(&q.target, r)
	if !s.entries.Local() {
		if live && q.early { // unless another process has refreshed it since
			q.renews, q.early = q.found.Entry.Meta.ResponseTime, false
		}
		q.found = s.entries.Get(r.Context(), &q.target, q.now)
		return s.serves(c, in, q, room)
	}
	if q.found.Key == "" {
		q.found.Key = q.target.Key
	}
	return false
}

// room is what a lookup needs for as long as it takes, and what a hit hands out.
type room struct {
	key    []byte
	values response.Values
	slot   uint32  // of the numbers by which hits are counted: each processor has a room of its own as a rule
	way    float64 // to the next hit that is audited
}

var rooms = sync.Pool{New: func() any {
	return &room{key: make([]byte, 0, 256), slot: nextSlot.Add(1) % slots, way: rand.ExpFloat64()}
}}

// serves answers a request with what was found, if that is fresh and suits it without a second thought.
func (s *Server) serves(c *gin.Context, in *around, q *query, room *room) bool {
	e := q.found.Entry
	if e == nil || q.asked.NoStore || e.Meta.Judge(&q.asked, q.now) != rfc9111.Serve ||
		q.asked.TakesStale() && e.Meta.Fresh(q.now) <= 0 || !in.admits(e) {
		return false
	}
	if q.early = q.renewed(&e.Meta); q.early || in.rt.ShowKey || in.rt.DryRun {
		return false
	}
	in.lend(c.Request, e, q.now)
	s.send(c, c.Request, e, &response.Answer{Form: s.formOf(c, in.rt, c.Request, e, q.now), Values: &room.values, Now: q.now, More: s.labels(c, e)})
	c.Abort()
	return true
}

// renewed tells whether what was found is to be refreshed although it is fresh.
func (q *query) renewed(m *rfc9111.Metadata) bool {
	if !q.renews.IsZero() {
		return m.ResponseTime.Equal(q.renews)
	}
	return m.EndsEarly(q.now, rand.Float64)
}

// admits tells whether a stored response may answer a request that carries credentials: only one that says it is for
// everybody, or whose key names whom it is for. RFC 9111 §3.5 asks this of storing; a page made for nobody in particular
// is as little meant for somebody who is logged in.
func (a *around) admits(e *response.Entry) bool {
	return e.Meta.Shareable || a.identified() || !a.credentials
}
