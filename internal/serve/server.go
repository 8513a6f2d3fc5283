package serve

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/flight"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Options are what a Server is made of.
type Options struct {
	Owner        any // see Server
	Store        *entries.Store
	Engine       *gin.Engine // what a background refresh goes through
	Prefix       string      // of all keys
	Service      string      // of the keys of responses: see target.Service
	BodyLimit    int64       // how many bytes of a body are kept, unless a route says otherwise
	CaptureLimit int64       // how many bytes of bodies are held together while they are captured, twice as many more for slow clients, and half as many of requests
	Log          *slog.Logger

	Audit      float64 // part of the hits that are audited, where their route does not say, from 0 to 1
	AuditStops bool    // a route that audits have found to depend on what is not in its key is no longer cached

	Describe    func(*Explained) string              // puts what becomes of a request into a field of its response
	Observe     func(context.Context, event.Request) // is told what becomes of each request; nil for nothing
	Disabled    bool                                 // nothing is cached
	ProxyScheme bool                                 // the scheme that a trusted proxy tells counts

	TagFields []argument.TagField // in which the tags of responses are told to a CDN
	Leases    *flight.Leases      // nil where no other process waits for fills of this one

	Compression bool // responses are served in content codings, where their route does not say

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
	codes     bool                 // responses are served in content codings, where their route does not say
	answers   rfc9111.Invalidation // which of them to unsafe requests invalidate, where no handler says otherwise
	tagFields []argument.TagField
	proxies   *proxies // nil where no proxy's word counts

	describe func(*Explained) string
	observe  func(context.Context, event.Request) // nil for nothing
	counts   Counts
	auditor  auditor
	room     *response.Room // for bodies that are being captured, or wait for their clients
	flights  *flight.Group
	leases   *flight.Leases // nil where no other process has any
	contents budget         // of requests that are answered by theirs
	reads    sync.Map       // the patterns of the routes whose POST only reads
	tracks   *tracks
	runs     atomic.Uint64  // how many runs of handlers, and look-ups in their place, have begun that others may wait for
	alone    *flight.Recent // keys whose last response was for one client only
	unkept   *flight.Recent // keys of which a response was said to be stored and was not, and which of brokenPromises is why
	resting  *flight.Recent // keys whose last refresh stored nothing
	lane     lane
	earlier  map[place]bool // the routes that were there before the cache
	tallies  atomic.Pointer[map[string]*tally]
	nearHits [slots]slot  // by near copies
	nests    sync.Map     // the patterns of the routes of which a GET went on to another Cached, inside of the first
	plain    sync.Map     // the patterns of the routes whose last response is of no use once it is stale
	told     sync.Map     // what was logged of a route, once and for all
	running  sync.Map     // the exchanges whose handlers run, by their *gin.Context, where their routes bind those inside
	bound    atomic.Int64 // how many these are

	hears   atomic.Pointer[[]func(Purge)] // of what is purged
	fronts  fronts
	cookied sync.Map // the patterns of the routes on which a client without a cookie was given one, outside

	closed  atomic.Bool
	closing context.Context // done once the server closes
	close   context.CancelFunc
	slots   chan struct{} // bounds the refreshes under way
}

// Counts are what a Server has counted of responses since it was made.
type Counts struct {
	Stored     atomic.Uint64
	TooLarge   atomic.Uint64 // that the cache or its store does not take for their size
	Untagged   atomic.Uint64 // whose tags could not be kept
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
		log: o.Log, observe: o.Observe, describe: o.Describe, disabled: o.Disabled, codes: o.Compression, answers: o.InvalidateOn, tagFields: o.TagFields,
		flights: flight.NewGroup(patience), leases: o.Leases, tracks: newTracks(), room: response.NewRoom(o.CaptureLimit), contents: budget{limit: o.CaptureLimit / 2},
		auditor: newAuditor(o.Audit, o.AuditStops),
		alone:   flight.NewRecent(), unkept: flight.NewRecent(), resting: flight.NewRecent(),
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
	timer := time.NewTimer(closePatience) // a handler that ignores its context is not waited for
	defer timer.Stop()
	for range maxRefreshes { // once the room of all is taken, none is under way, and none begins
		select {
		case s.slots <- struct{}{}:
		case <-timer.C:
			return
		}
	}
	for range maxAudits + maxLooks {
		select {
		case s.auditor.slots <- struct{}{}:
		case s.auditor.looks <- struct{}{}:
		case <-timer.C:
			return
		}
	}
}

// Done returns a channel that is closed once the server is.
func (s *Server) Done() <-chan struct{} { return s.closing.Done() }

// Handle takes a request of a route through the cache. It returns with the chain aborted when it has answered; else the
// chain has run, or is to go on.
func (s *Server) Handle(c *gin.Context, f *Frame, rt *Route) {
	client := c.Request
	if rt.Unranked {
		rank(c)
	}
	if in := carriedBy(c.Request); in != nil && in.explain != nil && in.server == s && in.explain.about(c) {
		in.explain.note(func(e *Explained) { s.explain(c, f, rt, e) })
		return
	}
	if ranked := c.Request; ranked != client {
		defer func() { unrank(c, client, ranked) }()
	}
	if c.Request.Method == http.MethodPost && rt.BodyKey {
		s.reading(c)
	}
	s.meet(c, rt)
	if f.probe != nil {
		f.probe.prepare(c)
	}
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
	why, read := s.admit(c, &in)
	defer read.free()
	s.debug(c, f, &in)
	if why != "" {
		s.pass(c, f, in, why)
		return
	}
	s.lookUp(c, f, in)
}

// Idle tells whether the server caches nothing at all.
func (s *Server) Idle() bool { return s.disabled || s.closed.Load() }

// clock tells the time as time.Now does, but reads the wall clock only once a second: between, it goes by the monotonic clock, and
// so takes half as long. A wall clock that is set is noticed a second later.
type clock struct{ read atomic.Pointer[time.Time] }

func (c *clock) now() time.Time {
	if read := c.read.Load(); read != nil {
		if since := time.Since(*read); since >= 0 && since < time.Second {
			return read.Add(since)
		}
	}
	now := time.Now()
	c.read.Store(&now)
	return now
}
