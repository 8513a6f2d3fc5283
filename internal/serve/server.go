package serve

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/flight"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

// Options are what a Server is made of.
type Options struct {
	Owner        any // see Server
	Store        *entries.Store
	Engine       *gin.Engine // what a background refresh goes through
	Prefix       string      // of all keys
	Service      string      // of the keys of responses: see target.Service
	BodyLimit    int64       // how many bytes of a body are kept, unless a route says otherwise
	CaptureLimit int64       // how many bytes of bodies are held together while they are captured, and twice as many more for slow clients
	Log          *slog.Logger

	Disabled    bool // nothing is cached
	ProxyScheme bool // the scheme that a trusted proxy tells counts

	InvalidateOn rfc9111.Invalidation // which answers to unsafe requests invalidate, unless a handler says otherwise

	// The names that gin has for the handlers that give requests their Frame, and for those that call Handle.
	Middleware, Handler string
	// Get finds the cache of a request by nothing but the keys of its gin.Context.
	Keyed bool
}

// Server is the response cache of one engine.
type Server struct {
	Owner any // the cache, for the package that made the server

	entries   *entries.Store
	engine    *gin.Engine
	prefix    string
	service   string
	bodyLimit int64
	clock     clock
	log       *slog.Logger
	disabled  bool
	answers   rfc9111.Invalidation // which of them to unsafe requests invalidate, where no handler says otherwise
	proxies   *proxies             // nil where no proxy's word counts

	counts  Counts
	room    *response.Room // for bodies that are being captured, or wait for their clients
	flights *flight.Group
	tracks  *tracks
	runs    atomic.Uint64  // how many runs of handlers have begun that others may wait for
	alone   *flight.Recent // keys whose last response was for one client only
	unkept  *flight.Recent // keys of which a response was said to be stored and was not, and which of brokenPromises is why
	resting *flight.Recent // keys whose last refresh stored nothing
	lane    lane
	earlier map[place]bool // the routes that were there before the cache
	tallies atomic.Pointer[map[string]*tally]
	nests   sync.Map     // the patterns of the routes of which a GET went on to another Cached, inside of the first
	told    sync.Map     // what was logged of a route, once and for all
	running sync.Map     // the exchanges whose handlers run, by their *gin.Context, where their routes bind those inside
	bound   atomic.Int64 // how many these are

	fronts  fronts
	cookied sync.Map // the patterns of the routes on which a client without a cookie was given one, outside

	closed    atomic.Bool
	closing   context.Context // done once the server closes
	close     context.CancelFunc
	refreshes sync.WaitGroup
	slots     chan struct{} // bounds the refreshes under way
}

// Counts are what a Server has counted of responses since it was made.
type Counts struct {
	Stored     atomic.Uint64
	TooLarge   atomic.Uint64 // that the cache or its store does not take for their size
	Dropped    atomic.Uint64 // that the store did not take, or not as fast as they came
	Uncaptured atomic.Uint64 // that were not kept since too much was being captured at the time
}

// Counts returns what the server has counted.
func (s *Server) Counts() *Counts { return &s.counts }

// CutOff returns how many clients were cut off since the bodies that they did not read took up too much.
func (s *Server) CutOff() uint64 { return s.room.Cut() }

// New returns a Server.
func New(o Options) *Server {
	s := &Server{
		Owner: o.Owner, entries: o.Store, engine: o.Engine, prefix: o.Prefix, service: o.Service, bodyLimit: o.BodyLimit,
		log: o.Log, disabled: o.Disabled, answers: o.InvalidateOn,
		flights: flight.NewGroup(patience), tracks: newTracks(), room: response.NewRoom(o.CaptureLimit),
		alone: flight.NewRecent(), unkept: flight.NewRecent(), resting: flight.NewRecent(),
		slots: make(chan struct{}, maxRefreshes), earlier: routesOf(o.Engine),
	}
	if o.ProxyScheme {
		s.proxies = &proxies{engine: o.Engine}
	}
	s.lane.open(o.Middleware, o.Handler, o.Keyed)
	s.closing, s.close = context.WithCancel(context.Background())
	return s
}

// Close ends the background refreshes. Requests that come later go to their handlers.
func (s *Server) Close() {
	if s.closed.Swap(true) {
		return
	}
	s.close()
	ended := make(chan struct{})
	go func() {
		s.refreshes.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(closePatience): // a handler that ignores its context is not waited for
	}
}

// Handle takes a request of a route through the cache. It returns with the chain aborted when it has answered; else the
// chain has run, or is to go on.
func (s *Server) Handle(c *gin.Context, f *Frame, rt *Route) {
	s.meet(c, rt)
	if f.exchange.Load() != nil || f.around != nil {
		s.nested(c, f, rt)
		return
	}
	if x := f.takeLooked(rt); x != nil {
		defer x.count()
		x.proceed()
		return
	}
	s.handle(c, f, f.enter(c, nil, rt))
}

// handle takes a request through the cache as the routes say that it is inside of.
func (s *Server) handle(c *gin.Context, f *Frame, in around) {
	why := s.bypassed(c, &in)
	if why != "" {
		s.pass(c, f, in, why)
		return
	}
	s.lookUp(c, f, in)
}

// idle tells whether the server caches nothing at all.
func (s *Server) idle() bool { return s.disabled || s.closed.Load() }

// lookUp answers a GET or HEAD from what is stored, and has it handled where that is not possible.
func (s *Server) lookUp(c *gin.Context, f *Frame, in around) {
	mark := s.refreshOf(c.Request)
	var q query
	tally := s.tally(c.FullPath())
	if mark != nil { // a refresh is no client's
		tally = nil
	}
	if s.hit(c, &in, &q, mark.forces(), tally) {
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
	runs   uint64 // how many runs of handlers had begun when it came
}

// hit answers a GET or HEAD with a fresh response, and tells whether there was one, unless the handler is to run whatever
// there is. It notes in q what it found, and allocates nothing that it can do without. The hit is counted in t, which may be nil.
func (s *Server) hit(c *gin.Context, in *around, q *query, forced bool, t *tally) bool {
	if h := c.Request.Header; !in.rt.IgnoreAsk && asks(h) {
		q.asked = rfc9111.ParseRequest(h)
	}
	q.asked.NoCache = q.asked.NoCache || forced
	q.ended, q.runs = s.flights.Ended(), s.runs.Load()
	q.now = s.clock.now()
	room := rooms.Get().(*room)
	served := s.find(c, in, q, room)
	if served && t != nil {
		t.hits[room.slot].n.Add(1)
	}
	rooms.Put(room)
	return served
}

// find does what hit does, with room for it, once what the request asks is known.
func (s *Server) find(c *gin.Context, in *around, q *query, room *room) bool {
	r, rt := c.Request, in.rt
	key, came := rt.scheme(s).AppendKey(room.key[:0], r, s.Secure(c), in.said())
	room.key = key
	if s.entries.Local() {
		q.found = s.entries.GetLocal(key, r.Header, q.now)
		if s.serves(c, in, q, room) {
			return true
		}
	}
	q.target = target.Target{
		Key: string(key), Host: target.Authority(r.Host), Path: r.URL.Path, Came: came, Namespaces: rt.Namespaces, Header: r.Header,
	}
	s.purgedAs(&q.target, r)
	if !s.entries.Local() {
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
	slot   uint32 // of the numbers by which hits are counted: each processor has a room of its own as a rule
}

var rooms = sync.Pool{New: func() any { return &room{key: make([]byte, 0, 256), slot: nextSlot.Add(1) % slots} }}

// serves answers a request with what was found, if that is fresh and suits it without a second thought.
func (s *Server) serves(c *gin.Context, in *around, q *query, room *room) bool {
	e := q.found.Entry
	if e == nil || in.rt.ShowKey || q.asked.NoStore || e.Meta.Judge(&q.asked, q.now) != rfc9111.Serve ||
		q.asked.TakesStale() && e.Meta.Fresh(q.now) <= 0 || !in.admits(e) {
		return false
	}
	e.ReplayFrom(&room.values, c.Writer, c.Request, q.now, nil)
	c.Abort()
	return true
}

// admits tells whether a stored response may answer a request that carries credentials: only one that says it is for
// everybody, or whose key names whom it is for. RFC 9111 §3.5 asks this of storing; a page made for nobody in particular
// is as little meant for somebody who is logged in.
func (a *around) admits(e *response.Entry) bool {
	return e.Meta.Shareable || a.identified() || !a.credentials
}

// Why a GET or HEAD goes past the cache, for Cache-Status.
const (
	bypassedDisabled     rfc9111.Refusal = "disabled"     // the cache is switched off, or closed
	bypassedSkip         rfc9111.Refusal = "skip"         // a route wants it so
	bypassedIdentity     rfc9111.Refusal = "identity"     // it is not known whom the response is for
	bypassedContent      rfc9111.Refusal = "content"      // RFC 9110 §9.3.1: its content means nothing that a cache knows
	bypassedPrecondition rfc9111.Refusal = "precondition" // RFC 9111 §4.3.2: only the handler can evaluate it
	bypassedUpgrade      rfc9111.Refusal = "upgrade"      // RFC 9110 §7.8: it asks for another protocol
	bypassedTarget       rfc9111.Refusal = "target"       // RFC 9110 §7.1: it is for a resource that is none of this server's, or may be
)

// bypassed tells why a request goes past the cache; nothing for one that does not.
func (s *Server) bypassed(c *gin.Context, in *around) rfc9111.Refusal {
	switch {
	case s.idle():
		return bypassedDisabled
	case in.off:
		return bypassedSkip
	case in.nobody:
		return bypassedIdentity
	}
	return s.unlookable(c, in.rt)
}

// unlookable tells why a request is none that the cache can answer; nothing for one that it can: a GET or HEAD for a target of this
// server, without content, that does not ask for another protocol, and has no precondition that only the handler can evaluate. Of a
// route that does not let clients make its handler run, content and preconditions of these kinds are ignored instead, which RFC 9110
// allows (§9.3.1, §13.1.1, §13.1.4).
func (s *Server) unlookable(c *gin.Context, rt *Route) rfc9111.Refusal {
	r := c.Request
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return rfc9111.RefusedMethod
	case r.ContentLength != 0 && !(rt.IgnoreAsk && r.Method == http.MethodGet), contentRead(c):
		return bypassedContent
	case s.disputed(r), !s.owns(r):
		return bypassedTarget
	case len(r.Header) == 0:
		return ""
	case upgrades(r.Header):
		return bypassedUpgrade
	case !rt.IgnoreAsk && rfc9111.ForOrigin(r.Header):
		return bypassedPrecondition
	}
	return ""
}

// owns tells whether a request is for a resource of this server (RFC 9110 §4.2.4, §7.1).
func (s *Server) owns(r *http.Request) bool {
	return r.URL.User == nil && (r.URL.Scheme == "" || r.URL.Scheme == schemeOf(r.TLS != nil))
}

// contentRead tells whether a handler outside has read the content of a request, and left it where handlers find it: a form, or
// the copy that gin's ShouldBindBodyWith keeps.
func contentRead(c *gin.Context) bool {
	r := c.Request
	if r.MultipartForm != nil || len(r.PostForm) > 0 {
		return true
	}
	if r.ContentLength == 0 {
		return false
	}
	_, kept := c.Get(gin.BodyBytesKey)
	return kept
}

// upgrades tells whether a request asks for another protocol, as that for WebSockets: one that it names in Upgrade, and for
// this connection (RFC 9110 §7.8). A request for h2c may be, and is, declined.
func upgrades(h http.Header) bool {
	upgrade := h["Upgrade"]
	if len(upgrade) == 0 || len(upgrade) == 1 && strings.EqualFold(upgrade[0], "h2c") {
		return false
	}
	for _, line := range h["Connection"] {
		for option := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.Trim(option, " \t"), "upgrade") {
				return true
			}
		}
	}
	return false
}

// pass lets the handlers answer a request that the cache has nothing to do with, for the reason why.
func (s *Server) pass(c *gin.Context, f *Frame, in around, why rfc9111.Refusal) {
	x := &exchange{s: s, c: c, frame: f, around: in, request: c.Request, mark: s.refreshOf(c.Request)}
	defer x.count()
	x.found.Why = rfc9111.ForwardMethod
	switch {
	case c.Request.Method == http.MethodGet, c.Request.Method == http.MethodHead:
		x.found.Why, x.bypass = rfc9111.ForwardBypass, why
	case c.Request.Method == http.MethodPost && in.cacheable() && !s.idle() && !s.disputed(c.Request):
		x.post()
		return
	}
	x.goOn()
	x.forward(guise{})
}

// nested handles a route inside of another: Cached on a group and on a route of it, say. Where the one stands right after
// the other and both look the request up in the same way, the outer one goes on by what they come to; else it steps aside.
func (s *Server) nested(c *gin.Context, f *Frame, rt *Route) {
	x, outside := f.exchange.Load(), f.around
	if x != nil {
		outside = x.says()
	}
	in := f.enter(c, outside, rt)
	if x != nil {
		if x.adopt(&in, rt) {
			return
		}
		x.stepAside(c)
	}
	for over := in.over; over != nil; over = over.around.over {
		over.yield(c, &in, rt)
	}
	s.handle(c, &Frame{Server: s, around: outside, entered: f.entered, arrived: f.arrived}, in)
}

// adopt has an exchange go on by what a route inside of it says, and tells whether it does. It must never keep what a
// request made that the inner route tells from others: they would be given it before that one has its say. Nor where a
// handler stands between the two, which may guard the inner one, or rewrite the request for some clients.
func (x *exchange) adopt(in *around, rt *Route) bool {
	if rt.tells() || !x.around.cacheable() || !x.around.rt.looksUpAs(in.rt) || !x.s.lane.straight(x.c, in.rt.depth) {
		return false
	}
	x.around = *in
	if x.recording {
		x.recorder.SetLimit(in.rt.bodyLimit(x.s))
	}
	return true
}
