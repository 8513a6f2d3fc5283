package serve

import (
	"context"
	"log/slog"
	"net/http"
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
}

// Server is the response cache of one engine.
type Server struct {
	store     *store.Responses
	engine    http.Handler
	prefix    string
	bodyLimit int64
	clock     func() time.Time
	log       *slog.Logger

	flights collapse.Group[*response.Entry]
	alone   *collapse.Recent // keys whose last response was for one client only

	closed    atomic.Bool
	closing   context.Context // done once the server closes
	close     context.CancelFunc
	refreshes sync.WaitGroup
	slots     chan struct{} // bounds the refreshes under way
}

// New returns a Server.
func New(o Options) *Server {
	s := &Server{
		store: o.Store, engine: o.Engine, prefix: o.Prefix, bodyLimit: o.BodyLimit, clock: o.Clock, log: o.Log,
		alone: collapse.NewRecent(),
		slots: make(chan struct{}, maxRefreshes),
	}
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
		s.pass(c, rt)
		return
	}
	s.lookUp(c, f, rt, &rt.bind(s).scheme)
}

// lookUp answers a GET or HEAD from what is stored, and has it handled where that is not possible. This is the path of a
// hit: it allocates nothing that it can do without.
func (s *Server) lookUp(c *gin.Context, f *Frame, rt *Route, scheme *keys.Scheme) {
	r := c.Request
	var asked rfc9111.RequestDirectives
	if !rt.IgnoreAsk && asks(r.Header) {
		asked = rfc9111.ParseRequest(r.Header)
	}
	part := ""
	if rt.Part != nil {
		part = rt.Part(c)
	}
	key := scheme.Key(r, part)
	ended := s.flights.Ended()
	now := s.clock()
	found := s.store.Get(r.Context(), key, r.URL.Path, r.Header, now)
	if e := found.Entry; e != nil && !rt.ShowKey && !asked.NoStore &&
		e.Meta.Judge(&asked, now) == rfc9111.Serve && e.Meta.Fresh(now) > 0 && admits(e, r, part) {
		e.Replay(c.Writer, r, now, nil)
		c.Abort()
		return
	}
	x := &exchange{s: s, c: c, frame: f, rt: rt, request: r, asked: asked, part: part, key: key, path: r.URL.Path,
		found: found, now: now, ended: ended}
	x.proceed()
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
	return len(r.Header["Upgrade"]) == 0 && !rfc9111.ForOrigin(r.Header)
}

// pass lets the handlers answer a request that the cache has nothing to do with.
func (s *Server) pass(c *gin.Context, rt *Route) {
	if c.Request.Method == http.MethodPost && !s.closed.Load() {
		s.post(c, rt)
		return
	}
	why := rfc9111.ForwardBypass
	if c.Request.Method != http.MethodGet && c.Request.Method != http.MethodHead {
		why = rfc9111.ForwardMethod
	}
	response.AddStatus(c.Writer.Header(), &rfc9111.CacheStatus{Forward: why})
}

// nested handles a route inside of another: Cached on a group and on a route of it, say. The inner one knows better. Where
// both give the request the same key, the outer one goes by what the inner one was told; else it steps aside.
func (s *Server) nested(c *gin.Context, f *Frame, rt *Route) {
	x := f.exchange
	if x.rt.sameKeys(rt) {
		x.rt = rt
		x.recorder.SetLimit(rt.bodyLimit(s))
		return
	}
	x.stepAside()
	if !lookable(c.Request) {
		s.pass(c, rt)
		return
	}
	s.lookUp(c, &Frame{Owner: f.Owner, Server: s}, rt, &rt.bind(s).nested)
}
