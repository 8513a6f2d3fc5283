package serve

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// lane is a short way for hits: on a route where nothing stands between the engine's own middleware and Cached, the
// former can answer a hit as well as the latter, and need not first give the request what only other handlers look for.
// Making the map for that (gin.Context.Keys) is what a hit would spend most of its time on.
//
// A route's chain of handlers never changes, so it is looked at once, at the first request that comes to Cached.
type lane struct {
	middleware, handler string // the names of the two
	keyed               bool   // what handlers outside look for once a hit is served is only found by a context's keys
	seen                atomic.Pointer[seen]
}

// seen is what is known of the chains of an engine.
type seen struct {
	met   map[place]chain
	plain map[place]bool       // whether the handlers of those that have run make small pages, and a whole one whatever Range says
	short map[string]*shortWay // the GET routes whose short way is open, by path
	only  map[string]*Route    // the one Cached of those that have run their handlers, by path; nil where there are several
}

// chain is what a request runs through.
type chain struct {
	handlers gin.HandlersChain // empty where gin does not show them
	names    []string
}

// chainsField is where a context of gin has its chain.
var chainsField, chainsShown = reflect.TypeFor[gin.Context]().FieldByName("handlers")

// chainOf returns the chain of a context, of which gin gives away the names and the last one alone.
func chainOf(c *gin.Context) chain {
	own := chain{names: c.HandlerNames()}
	if chainsShown && chainsField.Type == reflect.TypeFor[gin.HandlersChain]() {
		own.handlers = *(*gin.HandlersChain)(unsafe.Add(unsafe.Pointer(c), chainsField.Offset))
	}
	return own
}

// same tells whether two chains are known to have the same handlers. Names alone do not tell: closures of the same lines have one name.
func (c chain) same(other chain) bool {
	return len(c.handlers) > 0 && slices.EqualFunc(c.handlers, other.handlers, identical)
}

// identical tells whether two functions are one.
func identical(a, b gin.HandlerFunc) bool {
	return *(*unsafe.Pointer)(unsafe.Pointer(&a)) == *(*unsafe.Pointer)(unsafe.Pointer(&b))
}

// asOfGet tells whether a request that came to a route goes through the handlers that a GET of it has gone through, of which only the one
// that makes the page stands behind their one Cached.
func (l *lane) asOfGet(c *gin.Context) bool {
	get, met := l.seen.Load().met[place{http.MethodGet, c.FullPath()}]
	n := len(get.names)
	return met && n > 1 && get.names[n-2] == l.handler && l.count(get.names) == 1 && get.same(chainOf(c))
}

// shortWay is a route whose short way is open.
type shortWay struct {
	rt    *Route
	tally *tally
}

// place is where a chain of handlers hangs in an engine.
type place struct{ method, path string }

// The paths of the chains for requests that no route is registered for. gin has none.
const (
	noRoute  = "NoRoute"
	noMethod = "NoMethod"
)

// placeOf returns where the chain hangs that serves a request. The method of a request that no route is registered for is the
// client's choice, and does not count.
func placeOf(c *gin.Context) place {
	switch path := c.FullPath(); {
	case path != "":
		return place{c.Request.Method, path}
	case c.Writer.Status() == http.StatusMethodNotAllowed:
		return place{path: noMethod}
	}
	return place{path: noRoute}
}

// open makes the lane ready.
func (l *lane) open(middleware, handler string, keyed bool) {
	l.middleware, l.handler, l.keyed = middleware, handler, keyed
	l.seen.Store(&seen{})
}

// meet looks at the chain that serves a request which may be looked up, the first time that there is one, whatever becomes of the request. It
// tells of what is a mistake there as a rule, and opens the short way if it can.
func (s *Server) meet(c *gin.Context, rt *Route) {
	if !rt.lookable(c.Request.Method) {
		return
	}
	l, at := &s.lane, placeOf(c)
	for {
		old := l.seen.Load()
		if _, met := old.met[at]; met {
			return
		}
		own := chainOf(c)
		names := own.names
		now := &seen{met: map[place]chain{at: own}, plain: old.plain, short: old.short, only: old.only}
		maps.Copy(now.met, old.met)
		if at.method == http.MethodGet && len(rt.Parts)+len(rt.Identities)+len(rt.Skips)+len(rt.Debugs) == 0 && !rt.Unranked && // those look for what the request has not been given
			l.adjacent(names) {
			now.short = map[string]*shortWay{at.path: {rt, s.tally(at.path)}}
			maps.Copy(now.short, old.short)
		}
		if l.seen.CompareAndSwap(old, now) {
			if len(old.met) == 0 {
				s.tellEarlier()
			}
			s.tellChain(at, names)
			return
		}
	}
}

// ran notes that the handlers of a GET have run, which may have led to other Cached by then.
func (l *lane) ran(c *gin.Context, path string, rt *Route) {
	for {
		old := l.seen.Load()
		if _, ok := old.only[path]; ok {
			return
		}
		if l.count(c.HandlerNames()) != 1 {
			rt = nil
		}
		now := *old
		now.only = map[string]*Route{path: rt}
		maps.Copy(now.only, old.only)
		if l.seen.CompareAndSwap(old, &now) {
			return
		}
	}
}

// makes notes whether the handlers of a route make small pages, and a whole one whatever Range says. That they do not is not forgotten.
func (l *lane) makes(at place, plain bool) {
	for {
		old := l.seen.Load()
		if before, known := old.plain[at]; known && (before == plain || !before) {
			return
		}
		now := *old
		now.plain = map[place]bool{}
		maps.Copy(now.plain, old.plain)
		now.plain[at] = plain
		if l.seen.CompareAndSwap(old, &now) {
			return
		}
	}
}

// adjacent tells whether a chain has one Cached, and that right after the engine's middleware.
func (l *lane) adjacent(names []string) bool {
	first := slices.Index(names, l.handler)
	return first > 0 && names[first-1] == l.middleware && l.count(names) == 1
}

// count returns how many Cached a chain has.
func (l *lane) count(names []string) (n int) {
	for _, name := range names {
		if name == l.handler {
			n++
		}
	}
	return n
}

// straight tells whether a chain has its first Cached and depth more one right after the other.
func (l *lane) straight(c *gin.Context, depth int) bool {
	names := c.HandlerNames()
	names = names[max(0, slices.Index(names, l.handler)):]
	return len(names) > depth && !slices.ContainsFunc(names[:depth+1], func(name string) bool { return name != l.handler })
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

// tellChain logs, once for a path, which handlers hits skip, and that there is none to make a page.
func (s *Server) tellChain(at place, names []string) {
	if skipped := s.lane.skipped(names); len(skipped) > 0 {
		s.tellOnce("skipped "+strings.Join(skipped, " "), at.path, "cachette: these handlers stand after Cached, so hits skip them; "+
			"what guards a route, or adds to each response, belongs before Cached", "handlers", skipped)
	}
	if at.method != "" && names[len(names)-1] == s.lane.handler {
		s.tellOnce("handler", at.path, "cachette: no handler stands after Cached, so there is no page to cache; give the handler "+
			"of the route after it, as GET(path, cachette.Cached(ttl), handler)")
	}
}

// Enter answers a GET on the short way, and tells whether it did. If not, it returns the Frame that the request is to
// carry: frame, or one that tells the route what was found, or what the routes say that have led here from inside of them.
func (s *Server) Enter(c *gin.Context, frame *Frame) (carry *Frame, answered bool) {
	frame = frame.of(c.Request)
	s.tap(c)
	in := s.carriedIn(c)
	if in != nil && in.explain != nil && (in.server != s || in.explain.about(c)) && s.lane.count(c.HandlerNames()) == 0 { // its handlers are not to run
		in.explain.note(func(e *Explained) { e.Route, e.Uncached = c.FullPath(), true })
		c.Abort()
		return nil, true
	}
	in.restore(c.Request)
	if outside := in.outside(c); outside != nil {
		if in.x != nil && in.x.c == c {
			in.x.recorder.Drain() // HandleContext has put gin's own writer in its place
			in.x.stepAside(c)
		}
		frame = &Frame{Server: s, around: outside, entered: outside, credentials: frame.credentials}
		return frame.arriving(c.Request).probing(in), false
	}
	switch {
	case in != nil, c.Request.Method != http.MethodGet && c.Request.Method != rfc9111.MethodQuery && c.Request.Method != http.MethodPost:
		return frame.probing(in), false
	case c.Request.Method != http.MethodGet:
		return frame.arriving(c.Request), false
	}
	way := s.lane.seen.Load().short[c.FullPath()]
	if way == nil || s.Idle() || s.auditor.hasStopped(c.FullPath()) || s.unlookable(c, way.rt) != "" {
		return frame.arriving(c.Request), false
	}
	rt := way.rt
	says := around{rt: rt, credentials: frame.credentials}
	if len(rt.Vary) > 0 {
		says = (*around)(nil).enter(c, rt)
	}
	var q query
	if s.hit(c, &says, &q, false, way.tally) {
		if s.lane.keyed {
			c.Set(FrameKey{}, frame)
		}
		if q.audited {
			s.audit(c, &says, q.found.Entry, c.Request.URL, nil)
		}
		return nil, true
	}
	x := &exchange{s: s, c: c, around: says, request: c.Request, query: q}
	x.own = Frame{Server: s, looked: x, credentials: frame.credentials}
	x.frame = x.own.arriving(c.Request)
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
