package serve

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Explained is what would become of a request, and of what that follows.
type Explained struct {
	Reached  bool   // the request has come to a Cached
	Uncached bool   // its route has none
	Route    string // the pattern of its route
	Status   int    // with which something before a Cached has answered; 0 for nothing

	Outcome   event.Outcome
	Forward   rfc9111.Forward
	Bypass    rfc9111.Refusal
	Asked     rfc9111.RequestDirectives
	Admitted  bool // what is stored may answer a request with these credentials
	Early     bool // it may be refreshed although it is fresh, by chance
	Validates bool // the handler would be asked whether what is stored is still good

	Now    time.Time
	Key    string
	Parts  KeyParts
	Told   entries.Told
	Coded  string // in which content coding what is stored would be served, or why in none; empty where none is asked for
	Tier   Tier   // where what is stored was found
	Failed error  // the store did not answer
	Nested int    // how many more Cached are inside of this one, to which it did not come

	around *around // what the routes say that it has come to; nil for none
	passed int     // how many these are
}

// KeyParts are what a key is made of. What stands in it as a digest is only said to be there.
type KeyParts struct {
	Scheme, Host, Path, Query  string
	Declared                   string // of the query, in No-Vary-Search
	Came                       string // the path that the client has asked for, where the route sees another one
	Namespaces                 []string
	Service, Identity, Content bool
	Part, Varies               bool
}

// inquiry is what is asked of a request, and what was found out so far. A handler that times the engine out, as http.TimeoutHandler, goes on to answer
// while the request still runs.
type inquiry struct {
	mu    sync.Mutex
	of    *gin.Context // of the request; nil until it has come to the engine
	found Explained
}

// about tells whether it is asked about the request of a context, and not about one that a handler sends on the way, with the context of this one.
func (i *inquiry) about(c *gin.Context) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.of == nil {
		i.of = c
	}
	return i.of == c
}

// answer returns what was found out so far.
func (i *inquiry) answer() Explained {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.found
}

// note has what is found out noted. Functions of the program run for that, which may take long, so nothing is locked meanwhile.
func (i *inquiry) note(find func(*Explained)) {
	e := i.answer()
	find(&e)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.found = e
}

// Tier is where a response is.
type Tier string

// The tiers.
const (
	Memory Tier = "memory" // in this process alone
	Near   Tier = "near"   // a copy in this process
	Queued Tier = "queue"  // it waits for the store
	Far    Tier = "store"
)

// Explain has a request go the way of a client's as far as the Cached that decides, and tells what would become of it there. No handler of the
// route runs; what stands before its last Cached does.
func (s *Server) Explain(r *http.Request) (*Explained, error) {
	if r.Method != http.MethodPost && !new(Route).lookable(r.Method) { // of a POST, its route tells
		return refusedByMethod(), nil
	}
	if in := carriedBy(r); in != nil && in.explain != nil && in.server == s { // else a middleware that asks about its own request would without end
		return nil, fmt.Errorf("%w: it was asked on the way of a request that is being explained; ask behind that, or not about it", argument.Err)
	}
	entry, _, err := s.entry(r.Host)
	if err != nil {
		return nil, err
	}
	asked := new(inquiry)
	ctx := &fillContext{r.Context(), carried{server: s, explain: asked}}
	w := newDiscard(ctx, make(http.Header))
	if !ends(func() { entry.ServeHTTP(w, r.WithContext(ctx)) }) {
		return nil, errors.New("what stands before Cached panicked, or broke off its response, as it would for a client")
	}
	e := asked.answer()
	if r.Method == http.MethodPost && e.Uncached {
		return refusedByMethod(), nil
	}
	if !e.Reached && !e.Uncached {
		e.Status = max(w.status, http.StatusOK)
	}
	return &e, r.Context().Err()
}

// refusedByMethod is what becomes of a request whose method no route caches.
func refusedByMethod() *Explained {
	return &Explained{Outcome: event.Bypassed, Forward: rfc9111.ForwardMethod, Bypass: rfc9111.RefusedMethod}
}

// ends tells whether a function returns without a panic, whose value may be a secret of the program's.
func ends(do func()) (ok bool) {
	defer func() { ok = recover() == nil }()
	do()
	return
}

// explain notes what would become of a request that has come to a Cached. Where this one does not answer it, and there is another one inside, it
// goes on to that, as a client's does.
func (s *Server) explain(c *gin.Context, f *Frame, rt *Route, e *Explained) {
	in := f.enter(c, e.around, rt)
	if e.around == nil || !s.adopts(c, e.around, &in, rt) {
		s.foretell(c, f, in, e)
	}
	e.around, e.passed = &in, e.passed+1
	e.Nested = max(0, s.lane.count(c.HandlerNames())-e.passed)
	if e.Nested == 0 || e.Outcome == event.Hit || e.Outcome == event.StaleHit || e.Outcome == event.Unsatisfiable {
		c.Abort()
	}
}

// foretell notes what would become of a request by what the routes say that it is inside of.
func (s *Server) foretell(c *gin.Context, f *Frame, in around, e *Explained) {
	*e = Explained{Reached: true, Route: c.FullPath(), Now: s.clock.now(), passed: e.passed}
	why, read := s.admit(c, &in)
	defer read.free()
	if e.Bypass = why; why != "" {
		e.Outcome, e.Forward = event.Bypassed, rfc9111.ForwardBypass
		if why == rfc9111.RefusedMethod {
			e.Forward = rfc9111.ForwardMethod
		}
		return
	}
	x := &exchange{s: s, c: c, frame: f, around: in, request: c.Request}
	if !in.rt.IgnoreAsk && asks(c.Request.Header) {
		x.asked = rfc9111.ParseRequest(c.Request.Header)
	}
	x.now, e.Asked = e.Now, x.asked
	e.Tier = x.seek()
	e.Key, e.Parts, e.Failed = x.target.Key, x.keyParts(), x.found.Err
	if e.Failed == nil {
		e.Told, e.Failed = s.entries.Tell(c.Request.Context(), &x.target)
		e.Parts.Varies = e.Told.Variants != nil
	}
	x.foresee(e)
}

// keyParts returns what the key of the exchange's target is made of.
func (x *exchange) keyParts() KeyParts {
	r, said := x.c.Request, x.around.said()
	query, _ := x.around.rt.scheme(x.s).QueryOf(r.URL)
	declared := ""
	if search := &x.target.Search; search.Path != "" && x.target.Key != search.Exact {
		declared = search.Last.String()
	}
	return KeyParts{
		Declared: declared,
		Scheme:   schemeOf(x.s.Secure(x.c)), Host: x.target.Host, Path: x.target.Path, Query: query, Came: x.target.Came, Namespaces: x.target.Namespaces,
		Service: x.s.service != "", Identity: said.Identity != "", Content: said.Content != "", Part: said.Part != "",
	}
}

// seek looks for what is stored, as a request does, and tells where it was.
func (x *exchange) seek() Tier {
	s, c := x.s, x.c
	rt := x.around.rt
	key, came := rt.scheme(s).AppendKey(nil, c.Request, s.Secure(c), x.around.said())
	x.target = s.targetOf(&x.around, string(key), came, c.Request)
	if !s.entries.Local() && x.around.borrower(c.Request) == nil {
		if found, ok := s.getLive(rt, key, c.Request, x.now, new(room)); ok && found.Entry != nil {
			x.found, x.target.Key = found, found.Entry.Page()
			return Near
		}
	}
	x.found = s.entries.Peek(c.Request.Context(), &x.target, x.now)
	switch {
	case s.entries.Local():
		return Memory
	case s.entries.Queued(x.found.Key):
		return Queued
	}
	return Far
}

// foresee tells what the exchange would do.
func (x *exchange) foresee(e *Explained) {
	e.Admitted, e.Outcome = true, event.Hit
	stored := x.found.Entry
	if stored != nil {
		e.Told.Entry, e.Told.Key = stored, stored.Key
		e.Admitted = x.around.admits(stored)
		e.Early = stored.Meta.Early > 0
	}
	defer func() { e.Coded = x.s.codedAs(x.c, x.around.rt, x.request, e.Told.Entry, x.now) }()
	p := x.plan(false)
	if _, ok := x.refreshable(); p.step == await && !ok {
		p = x.plan(true)
	}
	serves := p.step == answer || p.step == answerAndRefresh
	switch {
	case x.around.rt.DryRun && serves:
		e.Outcome, e.Forward, e.Bypass = event.Bypassed, rfc9111.ForwardBypass, bypassedDryRun
		return
	case x.around.rt.DryRun:
		p.step, p.forget = alone, true
	}
	switch p.step {
	case await:
		e.Outcome, e.Forward = event.Collapsed, p.why
		return
	case answer, answerAndRefresh:
		if stored.Meta.Fresh(x.now) <= 0 {
			e.Outcome = event.StaleHit
		}
		return
	}
	if e.Forward = p.why; p.forget {
		x.found.Entry = nil
	}
	if part := x.partFor(e); part != nil {
		e.Told, e.Forward = entries.Told{Key: part.Key, Entry: part, State: purge.Valid}, ""
		if part.Meta.Fresh(x.now) <= 0 {
			e.Outcome = event.StaleHit
		}
		return
	}
	e.Validates = x.validating()
	switch {
	case p.step == refuse:
		e.Outcome, e.Forward = event.Unsatisfiable, ""
	case x.request.Method == http.MethodHead && (p.step == alone || !x.standsForGet()):
		e.Outcome = event.Bypassed
	default:
		e.Outcome = event.Miss
	}
}

// partFor returns the stored part that would answer, where nothing is stored of the whole; nil for none.
func (x *exchange) partFor(e *Explained) *response.Entry {
	if x.found.Entry != nil || x.found.Err != nil || x.around.rt.DryRun || !x.ranged() {
		return nil
	}
	part := x.target.Part()
	found := x.s.entries.Peek(x.request.Context(), &part, x.now).Entry
	if found == nil || !x.around.admits(found) || found.Meta.Judge(&x.asked, x.now) != rfc9111.Serve {
		return nil
	}
	if _, answers := found.PartFor(x.c.Writer.Header(), x.request.Header, x.now); !answers {
		e.Forward = rfc9111.ForwardPartial
		return nil
	}
	return found
}

// debugField is the field in which a response tells how it came about.
const debugField = "Cachette-Debug"

// debug has the response of a request tell what the cache does with it, where a route says so that it is inside of.
func (s *Server) debug(c *gin.Context, f *Frame, in *around) {
	if len(in.rt.Debugs) == 0 || s.describe == nil {
		return
	}
	if mark, probe := s.marksOf(c.Request); mark != nil || probe != nil {
		return
	}
	for _, wants := range in.rt.Debugs {
		if wants(c) {
			e := new(Explained)
			s.foretell(c, f, *in, e)
			c.Header(debugField, s.describe(e))
			return
		}
	}
}
