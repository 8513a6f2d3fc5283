package serve

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// post runs the handlers of a POST. Its response may answer later GETs when it says so: it declares its freshness, and
// its Content-Location is the URI that was posted to (RFC 9110 §9.3.3). It is kept where a GET of that URI is known to be
// looked up in the same way, by the same Cached alone.
func (x *exchange) post() {
	c, s, rt := x.c, x.s, x.around.rt
	outer := c.Writer
	x.judged = new(judged)
	if !rt.IgnoreAsk {
		x.asked = rfc9111.ParseRequest(x.request.Header)
	}
	x.target = rt.scheme(s).Target(x.request, s.Secure(c), x.around.said())
	x.around.nameIn(&x.target)
	s.purgedAs(&x.target, x.request)
	x.found.Key = x.target.Key
	x.errors = len(c.Errors)
	x.enterTrack()
	defer x.leaveTrack()
	x.ticket = entries.Unkept
	if x.mayAnswerGet() {
		x.target.Tags = x.tagBeforehand()
		x.ticket = s.entries.BeginOwn(x.request.Context(), &x.found, &x.target) // the handler may read what a purge then outdates
	}
	x.began = s.clock.now()
	c.Set(postedKey{}, x)
	x.recorder.Open(outer, rt.bodyLimit(s), x, s.room)
	x.recording = true
	defer func() {
		c.Writer = outer
		defer x.recorder.Close()
		x.recorder.Drain()
	}()
	x.enter()
	c.Writer = &x.recorder
	x.run(difference{own: true})
	gone := x.Gone()

	ended := ending{bare: x.recorder.Finish(), intact: x.inside(), gone: gone}
	c.Writer = outer
	x.recorder.Settle()
	sent := x.verdict.fate == storable && x.recorder.AwaitSent()
	if sent {
		x.conclude(ended)
	}
	if !sent || x.verdict.fate != storable {
		x.settlePromise()
		return
	}
	// The engine's own invalidation, which is still to come, would take this response for one that it outdates. Content-
	// Location says that it is not: the entry is stored when that is over, unless the path was purged by another one too.
	draft := x.draft
	draft.Body = x.recorder.Body()
	x.keepPosted = func() { // once more behind HandleContext, when other requests have the entry already
		own := draft
		own.Fields = slices.Clone(draft.Fields)
		x.put(response.New(&own))
		x.settlePromise()
	}
}

// postedKey is the key, in a gin.Context, of the exchange whose handlers answer a POST.
type postedKey struct{}

// postedBy returns the exchange whose handlers answer, or have answered, a POST, or nil.
func postedBy(c *gin.Context) *exchange {
	value, _ := c.Get(postedKey{})
	x, _ := value.(*exchange)
	return x
}

// describesItself tells whether the response's Content-Location is the URI of its request, query included. One of which the handlers of a GET
// would see less is none: what they would not see may have gone into the response.
func (x *exchange) describesItself() bool {
	location, ok := x.made.Header["Content-Location"]
	if !ok || len(location) != 1 {
		return false
	}
	own := requestedURL(x.request)
	named, ok := sameOrigin(x.request, location[0])
	return ok && named.Path == own.Path && named.EscapedPath() == own.EscapedPath() && named.RawQuery == own.RawQuery &&
		x.around.rt.scheme(x.s).Simpler(own.RawQuery) == own.RawQuery
}

// mayAnswerGet tells, before the handlers run, whether answersGet may be true once they have: else the store is not asked for what is
// not kept.
func (x *exchange) mayAnswerGet() bool {
	pattern := x.c.FullPath()
	return pattern == "" || x.s.lane.seen.Load().only[pattern] == x.around.rt
}

// answersLater tells whether the response to a POST answers later GETs as well: it says that it is the page of its own URI.
func (x *exchange) answersLater() bool { return x.describesItself() && x.answersGet() }

// answersGet tells whether a GET of the URI of another request is known to go through the Cached of that, and through
// no other: what another one adds to the key, or does not let in, would not count for what is kept here. That it is known of a
// route takes a GET that ran its handlers. Where there is no route, all methods have the same handlers.
func (x *exchange) answersGet() bool {
	rt, s := x.around.rt, x.s
	if _, nests := s.nests.Load(x.pattern); nests || rt.depth > 0 || !s.owns(x.request) {
		return false
	}
	u := x.request.URL
	if x.pattern == "" {
		return s.lane.count(x.c.HandlerNames()) == 1 && !s.mayRoute("", "", u.Path, u.EscapedPath(), requestedURL(x.request).Path)
	}
	return s.lane.seen.Load().only[x.pattern] == rt &&
		!s.mayRoute(http.MethodGet, x.pattern, u.Path, u.EscapedPath(), routedPath(x.c))
}
