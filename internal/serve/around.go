package serve

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
	"github.com/gin-cachette/cachette/internal/values"
)

// around is what the routes that a request is inside of say of it together: a route inside of others can narrow what is
// shared, and never widen it.
type around struct {
	rt         *Route      // what they come to
	parts      string      // what they add to the key, written one after the other
	hasParts   bool        // one of the parts is not empty
	named      uint64      // which of the parts purges can name: a bit each of the first ones, from the lowest on
	added      int         // how many parts there are
	identities string      // the same of whom the response is for
	contents   string      // the same of the contents of requests that are answered by theirs
	off        bool        // one of them wants the request kept away from the cache
	nobody     bool        // one of them does not know whom the response is for
	unwanted   bool        // a handler of a route outside asked for the response not to be stored
	loan       values.Loan // of what handlers of routes outside have tagged it with, and have made it of

	// The request has Authorization, or had when it came to one of them: a handler between two may take it off.
	credentials bool
	// The exchange whose handlers have an engine serve a request of theirs, and are inside of it; nil for none.
	over *exchange
}

// enter returns what holds of a request inside of a route. a is what holds outside of it, nil for the outermost route.
func (a *around) enter(c *gin.Context, rt *Route) around {
	in := around{rt: rt}
	if a != nil {
		in = *a
		in.rt = rt.within(a.rt)
	}
	in.credentials = in.credentials || hasCredentials(c.Request)
	for _, skip := range rt.Skips {
		in.off = in.off || skip(c)
	}
	if in.off {
		return in
	}
	for _, part := range rt.Parts {
		in.add(part.Of(c), part.Named)
	}
	if len(in.rt.Vary) > 0 { // those of the routes outside as well: a handler between may have changed the fields
		in.add(rfc9111.VariantKey(in.rt.Vary, c.Request.Header), false)
	}
	for _, identity := range rt.Identities {
		name := identity(c)
		in.nobody = in.nobody || name == ""
		in.identities = appendText(in.identities, name)
	}
	return in
}

// add adds a part to the key. An empty one keeps its place, so that no two lists of parts look alike.
func (a *around) add(part string, named bool) {
	a.parts = appendText(a.parts, part)
	a.hasParts = a.hasParts || part != ""
	if named && part != "" {
		a.named |= 1 << a.added
	}
	a.added++
}

func appendText(list, text string) string { return list + strconv.Itoa(len(text)) + ":" + text }

// Texts returns what keys have of several parts, or identities: for a program that has no routes to ask.
func Texts(texts ...string) (list string) {
	for _, text := range texts {
		list = appendText(list, text)
	}
	return list
}

// textsOf is the sequence of the texts that appendText has put into a list, with their numbers.
func textsOf(list string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		for i := 0; list != ""; i++ {
			length, rest, _ := strings.Cut(list, ":")
			n, err := strconv.Atoi(length)
			if err != nil || !yield(i, rest[:n]) {
				return
			}
			list = rest[n:]
		}
	}
}

// nameIn gives a target what the routes say that purges can name.
func (a *around) nameIn(t *target.Target) {
	t.Namespaces = a.rt.Namespaces
	for _, identity := range textsOf(a.identities) {
		t.Identities = append(t.Identities, target.Name(identity))
	}
	if a.named == 0 {
		return
	}
	for i, part := range textsOf(a.parts) {
		if a.named>>i&1 != 0 {
			t.Parts = append(t.Parts, target.Name(part))
		}
	}
}

// cacheable tells whether the routes let the request be looked up and its response be kept.
func (a *around) cacheable() bool { return !a.off && !a.nobody }

// said returns what the routes add to the key.
func (a *around) said() target.Said {
	said := target.Said{Identity: a.identities, Content: a.contents}
	if a.hasParts {
		said.Part = a.parts
	}
	return said
}

// hasCredentials tells whether a request has credentials by which HTTP goes (RFC 9111 §3.5).
func hasCredentials(r *http.Request) bool { return len(r.Header["Authorization"]) > 0 }

// request returns the header of a request by which to decide on storing.
func (a *around) request(h http.Header) http.Header {
	if !a.credentials || len(h["Authorization"]) > 0 {
		return h
	}
	came := http.Header{"Authorization": {""}}
	maps.Copy(came, h)
	return came
}

// identified tells whether the key names whom the response is for.
func (a *around) identified() bool { return a.identities != "" }

// Frame is what a request carries through its chain of handlers: the cache that its engine has, and the fill that it is
// inside of, if any.
type Frame struct {
	Server   *Server
	exchange atomic.Pointer[exchange] // also copies of its context have the Frame, for as long as they like
	around   *around                  // what the routes outside say; nil for none
	entered  *around                  // the same for those from which HandleContext has led to this chain
	looked   *exchange                // what the short way has found out for the route that comes next (see lane)
	arrived  *url.URL                 // the request's URL as it came to the engine's middleware; nil where it is that of its request line

	probe *probe // that the request is; nil for none

	credentials bool   // the request came to the engine with Authorization: a guard may take it off
	guarded     *Frame // stands for this Frame on such requests; nil where it is one of a single request
}

// NewFrame returns the Frame that the requests of a server begin with. All of them share it.
func NewFrame(s *Server) *Frame {
	return &Frame{Server: s, guarded: &Frame{Server: s, credentials: true}}
}

// of returns the Frame that a request is to begin with.
func (f *Frame) of(r *http.Request) *Frame {
	if f.guarded != nil && hasCredentials(r) {
		return f.guarded
	}
	return f
}

// arriving returns the Frame of a request that has come to the engine's middleware.
func (f *Frame) arriving(r *http.Request) *Frame {
	if target.AsItCame(r) {
		return f
	}
	arrived := *r.URL
	return &Frame{Server: f.Server, around: f.around, entered: f.entered, looked: f.looked, arrived: &arrived, credentials: f.credentials}
}

// enter returns what holds of a request inside of a route, and of outside, which may be nil.
func (f *Frame) enter(c *gin.Context, outside *around, rt *Route) around {
	in := outside.enter(c, rt)
	in.credentials = in.credentials || f.credentials
	return in
}

// FrameKey is the key of the Frame in a gin.Context.
type FrameKey struct{}

// carried is what the context of a request carries for the cache. gin.Context.Keys would be the place for it, but gin's
// HandleContext takes them away, and a background refresh begins without any.
type carried struct {
	server  *Server
	x       *exchange // the exchange whose handlers see the request; nil for none
	refresh *refresh  // the refresh of the server's that the request is; nil for none
	explain *inquiry  // what is asked of the request, which is answered by no handler; nil for none
	probe   *probe    // of an audit that the request is; nil for none
	around  *around   // of these two: what was said outside of the engine's chain that it goes through
}

type carriedKey struct{}

// carriedBy returns what a request carries, or nil: also what another engine gave it, that this one is a part of.
func carriedBy(r *http.Request) *carried {
	in, _ := r.Context().Value(carriedKey{}).(*carried)
	return in
}

// carriedIn returns what the request of a context carries, or nil. Where a handler has replaced the request by one with a context
// of another origin, and HandleContext has taken away the rest, it is what the exchange carries whose handlers still run.
func (s *Server) carriedIn(c *gin.Context) *carried {
	if in := carriedBy(c.Request); in != nil || s.bound.Load() == 0 {
		return in
	}
	if x, ok := s.running.Load(c); ok {
		return &x.(*exchange).context.carried
	}
	return nil
}

// binds tells whether the routes say anything that the routes inside have to know.
func (a *around) binds() bool {
	return a.hasParts || a.identified() || a.contents != "" || !a.cacheable() || a.credentials || a.over != nil ||
		a.rt.Query != 0 || len(a.rt.Params)+len(a.rt.Ignored)+len(a.rt.Namespaces) > 0 || a.rt.Sorted
}

// bind notes that the handlers of an exchange run. release takes that back.
func (x *exchange) bind() (release func()) {
	outer, _ := x.s.running.Swap(x.c, x)
	x.s.bound.Add(1)
	return func() {
		x.s.bound.Add(-1)
		if outer != nil {
			x.s.running.Store(x.c, outer)
			return
		}
		x.s.running.Delete(x.c)
	}
}

// outside returns what the routes say that a request with this context is inside of, by way of HandleContext or of a handler
// that has an engine serve it.
func (in *carried) outside(c *gin.Context) *around {
	switch {
	case in == nil:
		return nil
	case in.x == nil:
		return in.around
	}
	outside := in.x.says()
	if in.x.c != c {
		outside.over = in.x
		if !in.x.answeredBy(c) {
			outside.loan = values.Loan{} // what the page that is being made is made of has not gone into what it asks for
		}
	}
	return outside
}

// answeredBy tells whether what a context answers goes to the exchange's own client: by an engine that is mounted in another.
func (x *exchange) answeredBy(c *gin.Context) bool {
	return reflect.ValueOf(x.header).Pointer() == reflect.ValueOf(c.Writer.Header()).Pointer()
}

// says returns what the routes say that the handlers of an exchange are inside of.
func (x *exchange) says() *around {
	outside := x.around
	outside.unwanted = outside.unwanted || x.unwished.Load()
	outside.loan = values.LoanOf(&x.tags, x.ends.At())
	return &outside
}

// yield leaves to a route what an exchange would cache of it, whose handlers have had an engine serve the route's request.
// Where the route answers the exchange's own client, that is all of it. Else its answer may go into a page that the handlers
// make, which is then for none but those for which the route's answer is.
func (x *exchange) yield(c *gin.Context, in *around, rt *Route) {
	switch {
	case x.answeredBy(c):
		x.stepAside(c)
	case rt.tells() || !in.cacheable():
		x.parted.Store(true)
	}
}

// fillContext is the context of the request that handlers see: the client's, with what it carries for the cache.
type fillContext struct {
	context.Context
	carried
}

// Value returns the value for a key.
func (f *fillContext) Value(key any) any {
	switch key.(type) {
	case carriedKey:
		return &f.carried
	case entries.KeepsNothing:
		if f.probe != nil {
			return true
		}
	case values.BorrowerKey:
		if f.x != nil {
			return f.x
		}
		if f.probe != nil || f.refresh != nil && f.refresh.flight != nil { // what is refreshed in the background, or for an audit, goes into nothing
			return nil
		}
	}
	return f.Context.Value(key)
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

// adopt has an exchange go on by what a route inside of it says, and tells whether it does.
func (x *exchange) adopt(in *around, rt *Route) bool {
	if !x.s.adopts(x.c, &x.around, in, rt) {
		return false
	}
	x.around = *in
	if x.recording {
		x.leaveCoding(x.c.Request)
		x.tagBeforehand()
		x.recorder.SetLimit(in.rt.bodyLimit(x.s))
	}
	return true
}

// adopts tells whether an exchange outside of a route goes on by what the route says. It must never keep what a
// request made that the inner route tells from others: they would be given it before that one has its say. Nor where a
// handler stands between the two, which may guard the inner one, or rewrite the request for some clients.
func (s *Server) adopts(c *gin.Context, outside, in *around, rt *Route) bool {
	return !rt.tells() && outside.cacheable() && outside.rt.looksUpAs(in.rt) && s.lane.straight(c, in.rt.depth)
}
