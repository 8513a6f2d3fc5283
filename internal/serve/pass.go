package serve

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Why a request that might be looked up goes past the cache, for Cache-Status.
const (
	bypassedDisabled     rfc9111.Refusal = "disabled"          // the cache is switched off, or closed
	bypassedAudit        rfc9111.Refusal = "audit"             // one has found that the route is not to be cached
	bypassedDryRun       rfc9111.Refusal = "dry-run"           // nothing of the route is served from the cache yet
	bypassedSkip         rfc9111.Refusal = "skip"              // a route wants it so
	bypassedIdentity     rfc9111.Refusal = "identity"          // it is not known whom the response is for
	bypassedContent      rfc9111.Refusal = "content"           // RFC 9110 §9.3.1: its content means nothing that a cache knows; or it could not be read whole
	bypassedPrecondition rfc9111.Refusal = "precondition"      // RFC 9111 §4.3.2: only the handler can evaluate it
	bypassedUpgrade      rfc9111.Refusal = "upgrade"           // RFC 9110 §7.8: it asks for another protocol
	bypassedContentSize  rfc9111.Refusal = "content-too-large" // to be read, which its key needs
	bypassedContentRoom  rfc9111.Refusal = "content-room"      // the contents of other requests take up all that there is for them
	bypassedTarget       rfc9111.Refusal = "target"            // RFC 9110 §7.1: it is for a resource that is none of this server's, or may be
)

// bypassed tells why a request goes past the cache; nothing for one that does not.
func (s *Server) bypassed(c *gin.Context, in *around) rfc9111.Refusal {
	switch {
	case s.Idle():
		return bypassedDisabled
	case s.auditor.hasStopped(c.FullPath()):
		return bypassedAudit
	case in.off:
		return bypassedSkip
	case in.nobody:
		return bypassedIdentity
	}
	return s.unlookable(c, in.rt)
}

// unlookable tells why a request is none that the cache can answer; nothing for one that it can: a GET or HEAD for a target of this
// server, without content, or a request that is answered by its content, that does not ask for another protocol, and has no precondition that
// only the handler can evaluate: of a POST each is one (RFC 9110 §13.1.2). Of a route that does not let clients make its handler run, content and preconditions of these kinds are ignored instead, which RFC 9110
// allows (§9.3.1, §13.1.1, §13.1.4).
func (s *Server) unlookable(c *gin.Context, rt *Route) rfc9111.Refusal {
	r := c.Request
	content := rt.byContent(r.Method)
	switch {
	case !rt.lookable(r.Method):
		return rfc9111.RefusedMethod
	case !content && (r.ContentLength != 0 && !(rt.IgnoreAsk && r.Method == http.MethodGet) || contentRead(c)):
		return bypassedContent
	case s.disputed(r), !s.owns(r):
		return bypassedTarget
	case len(r.Header) == 0:
		return ""
	case upgrades(r.Header):
		return bypassedUpgrade
	case !rt.IgnoreAsk && rfc9111.ForOrigin(r.Header), r.Method == http.MethodPost && rfc9111.Conditional(r.Header):
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
	mark, probe := s.marksOf(c.Request)
	if probe != nil && !probe.met {
		c.AbortWithStatus(http.StatusMisdirectedRequest)
		return
	}
	x := &exchange{s: s, c: c, frame: f, around: in, request: c.Request, probe: probe, query: query{mark: mark}}
	defer x.count()
	x.found.Why = rfc9111.ForwardMethod
	switch {
	case in.rt.lookable(c.Request.Method):
		x.found.Why, x.bypass = rfc9111.ForwardBypass, why
	case c.Request.Method == http.MethodPost && in.cacheable() && !s.Idle() && !s.disputed(c.Request):
		x.post()
		return
	}
	x.goOn()
	x.forward(difference{})
}

// naming is an exchange whose response only passes on, and names the fields by which it was chosen: other caches may keep it.
type naming struct{ *exchange }

// Decide names the fields.
func (x naming) Decide(rec *response.Recorder) response.Mode {
	x.negotiated(rec.Header())
	x.vary(rec)
	if len(x.s.tagFields) > 0 && x.around.rt.lookable(x.request.Method) {
		x.tagBeforehand()
		x.label(rec.Header())
	}
	return response.Pass
}

// forward lets the handlers answer on a request of their own, of which nothing is kept.
func (x *exchange) forward(d difference) {
	outer := x.c.Writer
	if x.judged == nil {
		x.judged = new(judged)
	}
	x.recorder.Open(outer, 0, naming{x}, nil)
	defer func() { x.c.Writer = outer }()
	x.c.Writer = &x.recorder
	x.run(d)
	x.recorder.Finish()
}
