package serve

import (
	"maps"
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
	routes              atomic.Pointer[map[string]*Route]
}

// open makes the lane ready.
func (l *lane) open(middleware, handler string) {
	l.middleware, l.handler = middleware, handler
	l.routes.Store(&map[string]*Route{})
}

// route returns the route of a request on which the short way is open, or nil.
func (l *lane) route(c *gin.Context) *Route {
	return (*l.routes.Load())[c.FullPath()]
}

// learn looks at the chain of the GET route that serves a request.
func (l *lane) learn(c *gin.Context, rt *Route) {
	path := c.FullPath()
	if path == "" || c.Request.Method != "GET" {
		return
	}
	for {
		old := l.routes.Load()
		if _, known := (*old)[path]; known {
			return
		}
		routes := maps.Clone(*old)
		routes[path] = nil
		if rt.Part == nil && l.adjacent(c.HandlerNames()) { // a key part may look for what the request has not been given
			routes[path] = rt
		}
		if l.routes.CompareAndSwap(old, &routes) {
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

// Enter answers a GET on the short way, and tells whether it did. If not, it returns the Frame that the request is to
// carry: frame, or one that tells the route what was found.
func (s *Server) Enter(c *gin.Context, frame *Frame) (carry *Frame, answered bool) {
	rt := s.lane.route(c)
	if rt == nil || s.closed.Load() || !lookable(c.Request) {
		return frame, false
	}
	q, ok := s.hit(c, rt, &rt.bind(s).scheme, "")
	if ok {
		return nil, true
	}
	x := &exchange{s: s, c: c, rt: rt, request: c.Request, query: q, path: c.Request.URL.Path}
	x.frame = &Frame{Owner: frame.Owner, Server: s, looked: x}
	return x.frame, false
}

// takeLooked returns the exchange that the short way began for a route, if it did.
func (f *Frame) takeLooked(rt *Route) *exchange {
	x := f.looked
	if x == nil || x.rt != rt {
		return nil
	}
	f.looked = nil
	return x
}
