package serve

import (
	"cmp"
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
		tally, q.mark, q.renews = nil, mark, mark.renews
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
	x := &exchange{s: s, c: c, frame: f, around: in, request: c.Request, query: q}
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

	boards  bool // nothing was looked for: see Server.boards
	near    bool // a near copy has answered
	audited bool // it was answered by a hit of those that are

	mark   *refresh  // the refresh that the request carries out; nil for none
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
		q.found, live = s.getLive(rt, key, r, q.now, room)
	}
	if live && s.serves(c, in, q, room) {
		if !s.entries.Local() {
			s.nearHits[room.slot].n.Add(1)
			q.near = true
		}
		return true
	}
	q.target = s.targetOf(in, string(key), came, r)
	if s.entries.Local() && q.found.Entry != nil {
		q.target.Key = q.found.Entry.Page()
		q.found.Key = cmp.Or(q.found.Key, q.target.Key)
		return false
	}
	if s.boards(in, q, r) {
		q.boards, q.found = true, entries.Found{Key: q.target.Key, Why: rfc9111.ForwardURIMiss}
		return false
	}
	if live && q.early { // unless another process has refreshed it since
		q.renews, q.early = q.found.Entry.Meta.ResponseTime, false
	}
	q.found = s.entries.Get(r.Context(), &q.target, q.now)
	rt.declared(q.target.Search.Last)
	return s.serves(c, in, q, room)
}

// boards tells whether a request joins a flight of this process without a look at the store: the leader has found nothing there, and has not begun to
// make it, so that this one would find nothing either, or what the leader comes to as well. Of a thousand clients that come for a page that is not
// there, hundreds would ask the store at the moment in which the leader does. It is for those alone that can lead, and want no more than what is there.
func (s *Server) boards(in *around, q *query, r *http.Request) bool {
	return !s.entries.Local() && q.found.Entry == nil && r.Method == http.MethodGet && !in.rt.DryRun && q.mark == nil &&
		s.flights.Boards(q.target.Key) && q.asked == (rfc9111.RequestDirectives{}) && r.ContentLength == 0 && len(r.Header["Range"]) == 0 &&
		s.collapsible(in, q, q.target.Key)
}

// targetOf returns the target of a request by its key. came is what the key's scheme has told of it.
func (s *Server) targetOf(in *around, key, came string, r *http.Request) target.Target {
	t := target.Target{Key: key, Host: target.Authority(r.Host), Path: r.URL.Path, Came: came, Header: r.Header}
	in.rt.scheme(s).Loosen(&t, r.URL, in.rt.search.Load())
	in.nameIn(&t)
	s.purgedAs(&t, r)
	return t
}

// getLive finds what is stored for a request as a live object, first where it is by what responses of the route have declared last.
func (s *Server) getLive(rt *Route, key []byte, r *http.Request, now time.Time, room *room) (found entries.Found, ok bool) {
	if last := rt.search.Load(); last.Declares() {
		room.under = rt.scheme(s).AppendUnder(room.under[:0], key, r.URL, last)
		if found, ok = s.entries.GetLive(room.under, r.Header, now); found.Entry != nil {
			return found, ok
		}
	}
	return s.entries.GetLive(key, r.Header, now)
}

// keyFor returns the key, without a variant, under which an entry answers a request.
func (s *Server) keyFor(c *gin.Context, in *around, e *response.Entry) string {
	scheme := in.rt.scheme(s)
	key, _ := scheme.AppendKey(nil, c.Request, s.Secure(c), in.said())
	if declared := target.VariationOf(e.Declares()); declared != nil && in.rt.Query == 0 {
		key = scheme.AppendUnder(nil, key, c.Request.URL, declared)
	}
	return string(key)
}

// room is what a lookup needs for as long as it takes, and what a hit hands out.
type room struct {
	key    []byte
	under  []byte // the key where what is declared leads to
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
