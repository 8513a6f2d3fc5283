package serve

import (
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/audit"
	found "github.com/gin-cachette/cachette/internal/audit"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

const (
	// maxAudits bounds the audits under way; beyond it, hits are not audited.
	maxAudits = 4
	// maxLooks bounds the second looks that are waited for, and lookAfter is how long each is: a clock that shows seconds has gone on by then.
	maxLooks  = 4
	lookAfter = 1100 * time.Millisecond
	// fewSuspects are how many suspects are tested with a hit that is as what the handlers make, and manySuspects with one that is not.
	fewSuspects  = 2
	manySuspects = 6
)

// auditor audits the hits of a server: of some, the handlers run for the same request in the background, and what they answer is compared with
// what was served. Then they run without something of the request that its key does not have, to see whether their answer depends on it.
type auditor struct {
	rate    *AuditRate // of the hits whose route does not say
	stops   bool       // a route that was found to depend on what is not in its key is no longer cached
	ledger  found.Ledger
	slots   chan struct{} // bounds the audits under way
	looks   chan struct{} // bounds those that wait to look once more
	stopped atomic.Pointer[map[string]bool]
	mu      sync.Mutex // of writers of stopped
}

// newAuditor returns an auditor.
func newAuditor(rate float64, stops bool) auditor {
	return auditor{rate: NewAuditRate(rate), stops: stops, slots: make(chan struct{}, maxAudits), looks: make(chan struct{}, maxLooks)}
}

// AuditRate is the part of some hits that are audited.
type AuditRate struct {
	Part float64
	step float64 // of a way of random length, of an exponential distribution: each hit goes one on, and the one that comes to its end is audited
}

// NewAuditRate returns a rate by a part, from 0 to 1.
func NewAuditRate(part float64) *AuditRate { return &AuditRate{Part: part, step: -math.Log1p(-part)} }

// rateOf returns the rate of the hits of a route.
func (s *Server) rateOf(rt *Route) *AuditRate {
	if rt.Audit != nil {
		return rt.Audit
	}
	return s.auditor.rate
}

// audits tells whether a hit is one of those that are audited.
func (a *AuditRate) audits() bool { return a.step > 0 && rand.ExpFloat64() < a.step }

// passes does the same for the hits of a room, one after the other, and asks for no random number for each.
func (r *room) passes(a *AuditRate) bool {
	if a.step <= 0 {
		return false
	}
	if r.way -= a.step; r.way > 0 {
		return false
	}
	r.way = rand.ExpFloat64()
	return true
}

// audit audits a hit in the background, but none of a request that the cache has made. arrived is the request's URL as it came to the engine's
// middleware, nil for that of its request line, and entered what was said outside of the engine's chain.
func (s *Server) audit(c *gin.Context, in *around, e *response.Entry, arrived *url.URL, entered *around) {
	if made := carriedBy(c.Request); made == nil || made.refresh == nil && made.probe == nil && made.x != nil && made.x.c == c {
		s.inspectionOf(c, in, e, arrived, entered).begin(nil, nil)
	}
}

// audit audits the hit of an exchange, if it is one of those that are.
func (x *exchange) audit() {
	if x.mark == nil && x.s.rateOf(x.around.rt).audits() {
		x.s.audit(x.c, &x.around, x.found.Entry, x.frame.arrived, x.frame.entered)
	}
}

// inspection is the audit of one hit.
type inspection struct {
	s        *Server
	route    string // its pattern
	rt       *Route
	key      string // without a variant
	request  *http.Request
	arrived  *url.URL // at the engine's middleware
	entrance *url.URL // with which the engine is given it once more
	entered  *around
	content  *content // of the request, where it is answered by that; else nil
	entry    *response.Entry
	stored   found.Response
	about    found.Request
}

// inspectionOf makes the audit of a hit. Nothing of it is in use by the request any more.
func (s *Server) inspectionOf(c *gin.Context, in *around, e *response.Entry, arrived *url.URL, entered *around) *inspection {
	i := &inspection{s: s, route: c.FullPath(), rt: in.rt, key: s.keyFor(c, in, e), entry: e, entered: entered, request: c.Request}
	if in.rt.byContent(c.Request.Method) {
		i.content = contentOf(c.Request)
	}
	if arrived == nil {
		arrived = requestedURL(c.Request)
	}
	own := *arrived
	i.arrived, i.entrance = &own, s.entrance(c, arrived)
	i.about = found.Request{Varies: union(e.Meta.Vary, in.rt.Vary), Query: in.rt.Query != 0 || len(e.Declares()) > 0}
	if ip := c.ClientIP(); ip != c.RemoteIP() {
		i.about.Addresses = slices.Concat(s.engine.RemoteIPHeaders, []string{s.engine.TrustedPlatform})
	}
	return i
}

// begin begins the audit in the background, if there is a place for it. first is what the handlers have answered, and differs in what it
// differs from what is stored, where that is known.
func (i *inspection) begin(first *found.Response, differs *found.Difference) {
	s := i.s
	select {
	case s.auditor.slots <- struct{}{}:
	default:
		s.auditor.ledger.Skipped(i.route)
		return
	}
	if s.closed.Load() || i.content == nil && i.rt.byContent(i.request.Method) || !i.content.hold() {
		<-s.auditor.slots
		return
	}
	i.copyRequest()
	go func() {
		defer func() { <-s.auditor.slots }()
		defer i.content.free()
		defer i.recover()
		if first == nil {
			var ok bool
			if first, differs, ok = i.sample(); !ok {
				s.auditor.ledger.Skipped(i.route)
				return
			}
		}
		i.investigate(first, differs)
	}()
}

// copyRequest gives the audit a request of its own, as the client's came to the engine, less what is between the client and this cache.
func (i *inspection) copyRequest() {
	r := i.request.Clone(context.WithoutCancel(i.request.Context()))
	if i.content == nil {
		r.Method, r.Body, r.ContentLength = http.MethodGet, http.NoBody, 0
	}
	r.Form, r.PostForm, r.MultipartForm = nil, nil, nil // which were parsed of what a run may lack
	for _, name := range between {
		delete(r.Header, name)
	}
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.URL, i.request = i.entrance, r
}

// recover has a normaliser of the program's that panics end the audit alone.
func (i *inspection) recover() {
	if p := recover(); p != nil {
		i.s.log.Error("cachette: an audit panicked", "route", i.route, "panic", p, "stack", string(debug.Stack()))
	}
}

// of makes what a response is compared by.
func (i *inspection) of(status int, fields []response.Field, body []byte) found.Response {
	return found.Of(status, fields, body, i.rt.Normalisers)
}

// known returns what is stored, as it is compared.
func (i *inspection) known() *found.Response {
	if i.stored.Status == 0 {
		fields := i.entry.Fields
		if i.entry.Made { // its tag is this cache's own
			fields = slices.DeleteFunc(slices.Clone(fields), func(f response.Field) bool { return f.Name == "Etag" })
		}
		i.stored = i.of(i.entry.Status, fields, i.entry.Body)
	}
	return &i.stored
}

// sample runs the handlers as for the client, and compares what they answer with what is stored.
func (i *inspection) sample() (*found.Response, *found.Difference, bool) {
	first, ok := i.run(found.Suspect{})
	if !ok {
		return nil, nil, false
	}
	d := found.Compare(i.known(), first)
	i.s.auditor.ledger.Sampled(i.route, !d.None())
	return first, &d, true
}

// investigate looks for what the response depends on and its key does not have. Where what is stored is not what the handlers make, that may be
// why; else it is looked for all the same, since the client may have been the one for which it was stored.
func (i *inspection) investigate(first *found.Response, differs *found.Difference) {
	ledger, n, depends := &i.s.auditor.ledger, fewSuspects, false
	if !differs.None() {
		n = manySuspects
		switch d, ok := i.again(first); {
		case !ok:
			return
		case !d.None():
			i.looked(d)
			return
		}
	}
	for _, suspect := range ledger.Pick(i.route, i.about.Suspects(i.request), n) {
		if i.s.closed.Load() {
			return
		}
		depends = i.depends(first, suspect) || depends
	}
	if !differs.None() && !depends && ledger.Unexplained(i.route) {
		i.lookLater(first)
	}
}

// again runs the handlers as for the client once more, and tells in what their answer differs from the first one.
func (i *inspection) again(first *found.Response) (*found.Difference, bool) {
	second, ok := i.run(found.Suspect{})
	if !ok {
		return nil, false
	}
	d := found.Compare(first, second)
	return &d, true
}

// depends tells whether the response depends on a suspect: without it the handlers answer otherwise, twice in the same way, and between the two
// they answer the client as before.
func (i *inspection) depends(first *found.Response, suspect found.Suspect) bool {
	without, ok := i.run(suspect)
	if !ok {
		return false
	}
	differs := found.Compare(first, without)
	if differs.None() {
		return false
	}
	switch d, ok := i.again(first); {
	case !ok:
		return false
	case !d.None():
		i.looked(d)
		return false
	}
	twice, ok := i.run(suspect)
	if !ok {
		return false
	}
	if d := found.Compare(without, twice); !d.None() {
		return false
	}
	i.tell(i.s.auditor.ledger.Found(i.route, suspect, &differs))
	return true
}

// looked notes in what two runs for the same request have differed.
func (i *inspection) looked(d *found.Difference) { i.tell(i.s.auditor.ledger.Looked(i.route, d)) }

// lookLater runs the handlers once more after a while, to see whether their answer changes by itself.
func (i *inspection) lookLater(first *found.Response) {
	s := i.s
	select {
	case s.auditor.looks <- struct{}{}:
	default:
		return
	}
	go func() {
		defer func() { <-s.auditor.looks }()
		defer i.recover()
		timer := time.NewTimer(lookAfter)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-s.closing.Done():
			return
		}
		if d, ok := i.again(first); ok {
			i.looked(d)
		}
	}()
}

// tell logs a cause that is named from now on, and stops caching the route where that is wanted. A page that changes by itself may be shown for a
// while all the same.
func (i *inspection) tell(c *audit.Cause) {
	if c == nil {
		return
	}
	s := i.s
	if c.Kind == audit.Time {
		s.log.Warn("cachette: an audit has found that the responses of this route change by themselves", "route", i.route, "differs", c.Differs,
			"first byte", c.FirstByte, "advice", c.Advice)
		return
	}
	s.log.Warn("cachette: an audit has found that the responses of this route depend on what is not in their key, so that clients are given what "+
		"was made for others", "route", i.route, "cause", c.String(), "differs", c.Differs, "first byte", c.FirstByte, "advice", c.Advice)
	if s.auditor.stops {
		s.auditor.stop(i.route)
		s.auditor.ledger.Stopped(i.route)
	}
}

// stop has a route not be cached any more.
func (a *auditor) stop(route string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	stopped := map[string]bool{route: true}
	if all := a.stopped.Load(); all != nil {
		for other := range *all {
			stopped[other] = true
		}
	}
	a.stopped.Store(&stopped)
}

// hasStopped tells whether a route is not cached any more.
func (a *auditor) hasStopped(route string) bool {
	all := a.stopped.Load()
	return all != nil && (*all)[route]
}

// Audited returns what audits have found.
func (s *Server) Audited() audit.Report {
	requests, hits := make(map[string]uint64), make(map[string]uint64)
	for pattern, o := range s.Routes() {
		hits[pattern] = o.Hits + o.StaleHits
		requests[pattern] = hits[pattern] + o.Collapsed + o.Validated + o.StaleOnError + o.Misses + o.Bypassed + o.Unsatisfiable
	}
	return s.auditor.ledger.Report(requests, hits)
}

// rehearse lets the handlers answer, of a route on which nothing is to be served from the cache yet, and compares what would have been served.
// What is to be stored is stored as usual.
func (x *exchange) rehearse(p plan) {
	would := x.found.Entry
	if p.step != answer && p.step != answerAndRefresh {
		would = nil
	}
	x.s.auditor.ledger.Rehearsed(x.c.FullPath(), would != nil)
	x.passed, x.found.Entry = x.found.Entry, nil
	if would == nil {
		x.found.Why = p.why
		x.alone()
		return
	}
	x.found.Why, x.bypass = rfc9111.ForwardBypass, bypassedDryRun
	i := x.s.inspectionOf(x.c, &x.around, would, x.frame.arrived, x.frame.entered)
	i.about.Keys = keysOf(x.c)
	comparable := (x.request.Method == http.MethodGet || x.byContent()) && !slices.ContainsFunc(between[:], func(name string) bool { return len(x.request.Header[name]) > 0 })
	x.goOn()
	shown, whole := x.observe()
	switch {
	case !comparable:
	case !whole:
		x.s.auditor.ledger.Skipped(i.route)
	default:
		i.compare(shown)
	}
}

// compare compares what the handlers have answered a client with what is stored, and goes on in the background where they differ, and with some
// where they do not.
func (i *inspection) compare(shown *shown) {
	defer i.recover()
	first := i.of(shown.status, shown.fields, shown.body)
	d := found.Compare(i.known(), &first)
	i.s.auditor.ledger.Sampled(i.route, !d.None())
	if !d.None() || i.s.rateOf(i.rt).audits() {
		i.begin(&first, &d)
	}
}
