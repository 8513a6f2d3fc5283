package cachette

import (
	"fmt"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/options"
	"github.com/gin-cachette/cachette/internal/serve"
)

// Cached returns a handler that caches the responses of the handlers after it, on a route, a group or a whole engine.
//
// ttl is for how long a response of status 200, 203, 204, 300, 301 or 308 is fresh when it does not say so itself, by
// Cache-Control, CDN-Cache-Control or Expires; what it says wins. With 0, only responses that say so are cached.
//
// Whatever stands after Cached is skipped on a hit: the handler, and all that stands between the two. So a guard, such as
// one that checks a session, an API key or a password, belongs before Cached, and so does what adds to each response,
// such as CORS or gzip. When a route is first seen with handlers in between, one line in the log names them.
//
// Responses to GET are kept by host, path and query, and answer GET and HEAD, whole or in ranges, or with 304 where the
// client has them. A client may ask for less than is stored by its own Cache-Control. Successful requests with unsafe
// methods, on any route of the engine, invalidate what is stored for their path on their host (RFC 9111 §4.4), unless [InvalidateOn]
// says otherwise. Every response tells in its Cache-Status field how it came about (RFC 9211).
//
// A response to POST is kept for later GETs if it says for how long it is fresh and that it is what its own URL shows, by its
// Content-Location (RFC 9110 §9.3.3), and if the GET route of that URL is known to have this very Cached, of a group or engine
// as a rule, and no other: it is known once a GET has run the route's handler.
//
// A Cached inside of another, on a route of a group say, adds to it: key parts, identities, namespaces, skips and the fields
// of WithVary of both count, and of the query all that either names, so that it can narrow what is shared, and widens it in
// nothing but the query, as follows.
//
// That the whole query counts is a default, which only a Cached's own options change. So [WithPathKey] or [WithQueryParams]
// of the inner one count though the outer one says nothing of the query; and those of the outer one do not count for an inner
// one that says nothing of it: there, the whole query does.
//
// The ttl of the inner one counts, and so do its other options where it has them; where not, those of the outer one.
//
// Cached panics when ttl is negative or cannot be meant, an option is wrong, or two contradict each other, since that is a
// mistake in the program; and, when a request comes, if the engine has no cache (see [Install]).
func Cached(ttl time.Duration, opts ...Option) gin.HandlerFunc {
	route := options.Route(ttl)
	for _, opt := range opts {
		if opt == nil {
			panic(fmt.Errorf("%w: Cached: an option is nil; give one that a function such as WithNamespace has made", ErrInvalid))
		}
		opt.onRoute(route)
	}
	return func(c *gin.Context) {
		frame := frameOf(c)
		frame.Server.Handle(c, frame, route)
	}
}

// NoStore keeps the response to a request from being cached, whatever the route says, and ends what is stored for it, but where
// the handler answers with an error of its own (5xx), in whose place what is stored may stand. It counts at any time before the
// handler returns, in the handler and in middleware on both sides of Cached. It does nothing where nothing would be cached.
func NoStore(c *gin.Context) { serve.NoStore(c) }

// Tag tags the response to a request, for [Cache.Invalidate]: with what it shows, as "product:42". It counts at any time before the handler
// returns, in the handler and in middleware on both sides of Cached, and from goroutines that it waits for. Tags add up, with those of
// [WithTags], of routes around, of values that the handler fetches by [Remember], and of stored responses that an engine has given to a handler
// which makes this response of them. When the handler
// answers 304, the stored response keeps its tags.
//
// A tag has 256 bytes at most, and no control characters or blanks around it; a response has 128 at most. One with others is served, and not
// stored: Stats().Untagged counts it, and the log says why once for a route. Tag does nothing where nothing would be cached.
func Tag(c *gin.Context, tags ...string) { serve.Tag(c, tags) }

// Invalidates returns a handler for routes and groups that has requests with unsafe methods invalidate tags, as [Cache.Invalidate] does, beside
// what is stored for their URL: when they are answered with success, or as [InvalidateOn] says, before their client has the answer. Those of several
// add up. It does nothing for safe methods, and panics when a tag is none: see [Tag].
func Invalidates(tags ...string) gin.HandlerFunc { return options.Invalidates(tags...) }

// InvalidatesFrom does what [Invalidates] does with the tags that a function returns. It is called when the last handler has returned, so
// that it may have noted what it has changed, and before that as well where the answer goes out sooner: see [Cache.OnPurge]. A tag that is none is left out, and the log says so once for a
// route.
func InvalidatesFrom(tags func(*gin.Context) []string) gin.HandlerFunc {
	return options.InvalidatesFrom(tags)
}

// InvalidateOn returns a handler for routes and groups that says which answers to requests with unsafe methods invalidate what is
// stored for their path, and for what their Location and Content-Location name, in place of [Config.InvalidateOn]:
//
//   - none, for what writes nothing, as a search, a webhook, or a call that only reads;
//   - success (2xx), where a redirect means that nothing was written, as one to a login does;
//   - non-error (2xx and 3xx), as RFC 9111 §4.4 has it;
//   - any, for what may have written whatever it answers, or where it panics. It stands behind guards, so that what they refuse does
//     not count.
//
// A handler that knows what a request does calls it before it answers: cachette.InvalidateOn("none")(c). What was said last counts, so
// a route goes before its group. It does nothing for safe methods, nor where nothing would be invalidated.
//
// InvalidateOn panics when it is given another word.
func InvalidateOn(answers string) gin.HandlerFunc { return options.InvalidateOn(answers) }
