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

	"github.com/gin-cachette/cachette/internal/collapse"
	"github.com/gin-cachette/cachette/internal/keys"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/store"
)

// Options are what a Server is made of.
type Options struct {
	Store     *store.Responses
	Engine    http.Handler     // what a background refresh goes through
	Prefix    string           // of all keys
	BodyLimit int64            // how many bytes of a body are kept, unless a route says otherwise
	Clock     func() time.Time // reads the time
	Log       *slog.Logger

	// The names that gin has for the handlers that give requests their Frame, and for those that call Handle.
	Middleware, Handler string
}

// Server is the response cache of one engine.
type Server struct {
	store     *store.Responses
	engine    http.Handler
	prefix    string
	bodyLimit int64
	clock     func() time.Time
	log       *slog.Logger

	counts  Counts
	flights collapse.Group[*response.Entry]
	alone   *collapse.Recent // keys whose last response was for one client only
	lane    lane

	closed    atomic.Bool
	closing   context.Context // done once the server closes
	close     context.CancelFunc
	refreshes sync.WaitGroup
	slots     chan struct{} // bounds the refreshes under way
}

// Counts are what a Server has counted of responses since it was made.
type Counts struct {
	Stored   atomic.Uint64
	TooLarge atomic.Uint64 // that the cache or its store does not take for their size
}

// Counts returns what the server has counted.
func (s *Server) Counts() *Counts { return &s.counts }

// New returns a Server.
func New(o Options) *Server {
	s := &Server{
		store: o.Store, engine: o.Engine, prefix: o.Prefix, bodyLimit: o.BodyLimit, clock: o.Clock, log: o.Log,
		alone: collapse.NewRecent(),
		slots: make(chan struct{}, maxRefreshes),
	}
	s.lane.open(o.Middleware, o.Handler)
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
	r := c.Request
	if f.exchange != nil {
		s.nested(c, f, rt)
		return
	}
	if s.closed.Load() || !lookable(r) {
		s.pass(c, f, rt, &rt.bind(s).scheme)
		return
	}
	if x := f.takeLooked(rt); x != nil {
		x.proceed()
		return
	}
	s.lookUp(c, f, rt, &rt.bind(s).scheme)
}

// lookUp answers a GET or HEAD from what is stored, and has it handled where that is not possible.
func (s *Server) lookUp(c *gin.Context, f *Frame, rt *Route, scheme *keys.Scheme) {
	part := ""
	if rt.Part != nil {
		part = rt.Part(c)
	}
	query, ok := s.hit(c, rt, scheme, part)
	if ok {
		return
	}
	x := &exchange{s: s, c: c, frame: f, rt: rt, request: c.Request, query: query, path: c.Request.URL.Path}
	if f.exchange == nil && scheme == &rt.bind(s).scheme {
		s.lane.learn(c, rt)
	}
	x.proceed()
}

// query is a request as the cache sees it, and what it found for it.
type query struct {
	asked rfc9111.RequestDirectives
	part  string // what the route adds to the key
	key   string // without a variant
	found store.Found
	now   time.Time
	ended uint64 // how many fills had ended before the lookup
}

// hit answers a GET or HEAD with a fresh response, and tells whether there was one. It allocates nothing that it can do
// without.
func (s *Server) hit(c *gin.Context, rt *Route, scheme *keys.Scheme, part string) (q query, ok bool) {
	r := c.Request
	if !rt.IgnoreAsk && asks(r.Header) {
		q.asked = rfc9111.ParseRequest(r.Header)
	}
	q.part = part
	q.key = scheme.Key(r, part)
	q.ended = s.flights.Ended()
	q.now = s.clock()
	q.found = s.store.Get(r.Context(), q.key, r.URL.Path, rt.Namespace, r.Header, q.now)
	e := q.found.Entry
	if e == nil || rt.ShowKey || q.asked.NoStore || e.Meta.Judge(&q.asked, q.now) != rfc9111.Serve ||
		e.Meta.Fresh(q.now) <= 0 || !admits(e, r, part) {
		return q, false
	}
	e.Replay(c.Writer, r, q.now, nil)
	c.Abort()
	return q, true
}

// asks tells whether a request has fields that tell a cache what to do.
func asks(h http.Header) bool {
	if _, ok := h["Cache-Control"]; ok {
		return true
	}
	_, ok := h["Pragma"]
	return ok
}

// admits tells whether a stored response may answer a request that carries credentials: only one that says it is for
// everybody, or whose key names whom it is for. RFC 9111 §3.5 asks this of storing; a page made for nobody in particular
// is as little meant for somebody who is logged in.
func admits(e *response.Entry, r *http.Request, part string) bool {
	return e.Meta.Shareable || part != "" || len(r.Header["Authorization"]) == 0
}

// lookable tells whether a request is one that the cache can answer at all: a GET or HEAD without content, that does not
// ask for another protocol, and has no precondition that only the handler can evaluate.
func lookable(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || r.ContentLength != 0 {
		return false
	}
	if len(r.Header) == 0 {
		return true
	}
	upgrade := r.Header["Upgrade"]
	if len(upgrade) > 0 && !(len(upgrade) == 1 && strings.EqualFold(upgrade[0], "h2c")) { // h2c may be, and is, declined
		return false
	}
	return !rfc9111.ForOrigin(r.Header)
}

// pass lets the handlers answer a request that the cache has nothing to do with.
func (s *Server) pass(c *gin.Context, f *Frame, rt *Route, scheme *keys.Scheme) {
	r := c.Request
	x := &exchange{s: s, c: c, frame: f, rt: rt, request: r, path: r.URL.Path}
	x.found.Why = rfc9111.ForwardMethod
	switch r.Method {
	case http.MethodPost:
		if !s.closed.Load() {
			x.post(scheme)
			return
		}
	case http.MethodGet, http.MethodHead:
		x.found.Why = rfc9111.ForwardBypass
	}
	x.goOn()
}

// nested handles a route inside of another: Cached on a group and on a route of it, say. The inner one knows better. Where
// both give the request the same key, the outer one goes by what the inner one was told; else it steps aside.
func (s *Server) nested(c *gin.Context, f *Frame, rt *Route) {
	x := f.exchange
	if x.rt.sameKeys(rt) {
		x.rt = rt
		if x.recording {
			x.recorder.SetLimit(rt.bodyLimit(s))
		}
		return
	}
	x.stepAside()
	inner := &Frame{Owner: f.Owner, Server: s}
	if s.closed.Load() || !lookable(c.Request) {
		s.pass(c, inner, rt, &rt.bind(s).nested)
		return
	}
	s.lookUp(c, inner, rt, &rt.bind(s).nested)
}
