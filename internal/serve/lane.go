package serve

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gin-gonic/gin"
)

// lane is a short way for hits: on a route where nothing stands between the engine's own middleware and Cached, the
// former can answer a hit as well as the latter, and need not first give the request what only other handlers look for.
// Making the map for that (gin.Context.Keys) is what a hit would spend most of its time on.
//
// A route's chain of handlers never changes, so it is looked at once, when the route first misses.
type lane struct {
	middleware, handler string // the names of the two
	routes              atomic.Pointer[map[string]laneRoute]
}

// laneRoute is what is known of one route's chain.
type laneRoute struct {
	rt      *Route // nil where the short way is closed
	watched bool   // handlers stand outside that may look for the cache once the hit is served
}

// open makes the lane ready.
func (l *lane) open(middleware, handler string) {
	l.middleware, l.handler = middleware, handler
	l.routes.Store(&map[string]laneRoute{})
}

// learn looks at the chain of the GET route that serves a request, the first time that there is one.
func (l *lane) learn(c *gin.Context, rt *Route, s *Server) {
	path := c.FullPath()
	if path == "" || c.Request.Method != "GET" {
		return
	}
	for {
		old := l.routes.Load()
		if _, known := (*old)[path]; known {
			return
		}
		names := c.HandlerNames()
		var found laneRoute
		if len(rt.Parts)+len(rt.Identities)+len(rt.Skips) == 0 && l.adjacent(names) { // those look for what the request has not been given
			found = laneRoute{rt: rt, watched: l.watched(names)}
		}
		routes := maps.Clone(*old)
		routes[path] = found
		if l.routes.CompareAndSwap(old, &routes) {
			s.tellSkipped(path, l.skipped(names))
			return
		}
	}
}

// adjacent tells whether a chain has one Cached, and that right behind the engine's middleware.
func (l *lane) adjacent(names []string) bool {
	behind, count := false, 0
	for i, name := range names {
		if name == l.handler {
			count++
			behind = i > 0 && names[i-1] == l.middleware
		}
	}
	return behind && count == 1
}

// straight tells whether a chain has its first Cached and depth more one right behind the other.
func (l *lane) straight(c *gin.Context, depth int) bool {
	names := c.HandlerNames()
	names = names[max(0, slices.Index(names, l.handler)):]
	return len(names) > depth && !slices.ContainsFunc(names[:depth+1], func(name string) bool { return name != l.handler })
}

// watched tells whether there are handlers outside of the engine's middleware but gin's own, which know nothing of a cache.
func (l *lane) watched(names []string) bool {
	outside := names[:max(0, slices.Index(names, l.middleware))]
	return slices.ContainsFunc(outside, func(name string) bool { return !strings.HasPrefix(name, "github.com/gin-gonic/gin.") })
}

// skipped returns the handlers of a chain that stand between its last Cached and its last handler: those that hits skip,
// beside the last one.
func (l *lane) skipped(names []string) []string {
	for i := len(names) - 1; i >= 0; i-- {
		if names[i] == l.handler {
			return names[i+1 : max(i+1, len(names)-1)]
		}
	}
	return nil
}

// tellSkipped logs, once for a route, which handlers its hits skip.
func (s *Server) tellSkipped(path string, names []string) {
	if len(names) > 0 {
		s.log.Warn("cachette: these handlers stand behind Cached, so hits skip them; what guards a route, or adds to each response, "+
			"belongs before Cached", "route", path, "handlers", names)
	}
}

// Enter answers a GET on the short way, and tells whether it did. If not, it returns the Frame that the request is to
// carry: frame, or one that tells the route what was found, or what the routes say that have led here from inside of them.
func (s *Server) Enter(c *gin.Context, frame *Frame) (carry *Frame, answered bool) {
	frame = frame.of(c.Request)
	in := s.carriedIn(c)
	if outside := in.outside(c); outside != nil {
		if in.x != nil && in.x.c == c {
			in.x.stepAside(c)
		}
		return &Frame{Owner: frame.Owner, Server: s, around: outside, entered: outside, credentials: frame.credentials}, false
	}
	if c.Request.Method != "GET" || in != nil {
		return frame, false
	}
	known := (*s.lane.routes.Load())[c.FullPath()]
	rt := known.rt
	if rt == nil || s.idle() || !s.lookable(c, rt) {
		return frame, false
	}
	says := around{rt: rt, credentials: frame.credentials}
	if len(rt.Vary) > 0 {
		says = (*around)(nil).enter(c, rt)
	}
	var q query
	if s.hit(c, &says, &q, false) {
		if known.watched {
			c.Set(FrameKey{}, frame)
		}
		return nil, true
	}
	x := &exchange{s: s, c: c, around: says, request: c.Request, query: q}
	x.frame = &Frame{Owner: frame.Owner, Server: s, looked: x, credentials: frame.credentials}
	return x.frame, false
}

// takeLooked returns the exchange that the short way began for a route, if it did.
func (f *Frame) takeLooked(rt *Route) *exchange {
	x := f.looked
	if x == nil || x.around.rt != rt {
		return nil
	}
	f.looked = nil
	return x
}
