package cachette

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/keys"
	"github.com/gin-cachette/cachette/internal/serve"
)

// Cached returns a handler that caches the responses of the handlers behind it, on a route, a group or a whole engine.
//
// ttl is for how long a response of status 200, 203, 204, 300, 301 or 308 is fresh when it does not say so itself, by
// Cache-Control, CDN-Cache-Control or Expires; what it says wins. With 0, only responses that say so are cached.
//
// Responses to GET are kept by host, path and query, and answer GET and HEAD, whole or in ranges, or with 304 where the
// client has them. A client may ask for less than is stored by its own Cache-Control. Successful requests with unsafe
// methods, on any route of the engine, invalidate what is stored for their path. Every response tells in its
// Cache-Status field how it came about (RFC 9211).
//
// Of a Cached inside of another, on a route of a group say, the inner one counts.
//
// Cached panics when ttl is negative or an option is wrong, since that is a mistake in the program; and, when a request
// comes, if the engine has no cache (see [Install]).
func Cached(ttl time.Duration, opts ...Option) gin.HandlerFunc {
	if ttl < 0 {
		panic(fmt.Errorf("%w: Cached: ttl is %v; give 0, to cache only what says for how long, or more", ErrInvalid, ttl))
	}
	route := &serve.Route{Query: keys.WholeQuery}
	route.Policy.TTL = ttl
	for _, opt := range opts {
		if opt == nil {
			panic(fmt.Errorf("%w: Cached: an option is nil", ErrInvalid))
		}
		opt(route)
	}
	return func(c *gin.Context) {
		frame := frameOf(c)
		frame.Server.Handle(c, frame, route)
	}
}

// Option changes how [Cached] treats a route.
type Option func(*serve.Route)

// WithPathKey keys responses without the query: all queries share one response.
func WithPathKey() Option {
	return func(r *serve.Route) { r.Query, r.Params = keys.NoQuery, nil }
}

// WithQueryParams keys responses by these query parameters alone, in whatever order they come. The handler must not look
// at others.
func WithQueryParams(names ...string) Option {
	if len(names) == 0 {
		panic(fmt.Errorf("%w: WithQueryParams: no parameter is named; use WithPathKey to key by path alone", ErrInvalid))
	}
	return func(r *serve.Route) { r.Query, r.Params = keys.ListedOnly, names }
}

// WithKeyPart adds what part returns to the key: a tenant, a user, a language. Responses are then shared only between
// requests for which it returns the same.
//
// Where it returns something, the cache counts as a private one for that part: responses that are marked private and
// responses to requests with Authorization are cached, too. So it must name all of whom such a response is for, and
// come from something that was checked, such as a session that a middleware before Cached has verified. Where it
// returns "", nothing is added and nothing of this holds.
func WithKeyPart(part func(*gin.Context) string) Option {
	if part == nil {
		panic(fmt.Errorf("%w: WithKeyPart: part is nil", ErrInvalid))
	}
	return func(r *serve.Route) { r.Part = part }
}

// WithNamespace puts the route's responses in a namespace, for [Cache.ClearNamespace].
func WithNamespace(namespace string) Option {
	if namespace == "" {
		panic(fmt.Errorf("%w: WithNamespace: the namespace is empty; name one", ErrInvalid))
	}
	return func(r *serve.Route) { r.Namespace = namespace }
}

// WithStatusTTL is for how long responses of a status are fresh when they do not say so themselves: 404 for ten
// seconds, say. It goes before the ttl of Cached.
func WithStatusTTL(status int, ttl time.Duration) Option {
	switch status {
	case http.StatusPartialContent, http.StatusNotModified, http.StatusRequestedRangeNotSatisfiable:
		panic(fmt.Errorf("%w: WithStatusTTL: status %d says nothing of the whole; give another than 206, 304 and 416",
			ErrInvalid, status))
	}
	if status < 200 || status > 599 {
		panic(fmt.Errorf("%w: WithStatusTTL: status %d is not a final one; give one from 200 to 599", ErrInvalid, status))
	}
	if ttl <= 0 {
		panic(fmt.Errorf("%w: WithStatusTTL: the ttl of %d is %v; give more than 0", ErrInvalid, status, ttl))
	}
	return func(r *serve.Route) {
		if r.Policy.StatusTTL == nil {
			r.Policy.StatusTTL = make(map[int]time.Duration)
		}
		r.Policy.StatusTTL[status] = ttl
	}
}

// WithBodyLimit is the size, in bytes, of the largest body that is kept. Larger ones reach the client all the same.
func WithBodyLimit(bytes int64) Option {
	if bytes <= 0 {
		panic(fmt.Errorf("%w: WithBodyLimit: the limit is %d; give a number of bytes over 0", ErrInvalid, bytes))
	}
	return func(r *serve.Route) { r.BodyLimit = bytes }
}

// WithoutRequestDirectives ignores the Cache-Control and Pragma of requests, so that clients cannot make the handler run.
func WithoutRequestDirectives() Option {
	return func(r *serve.Route) { r.IgnoreAsk = true }
}

// WithStaleWhileRevalidate is for how long after a response went stale it is still served while it is refreshed in the
// background, when it does not say so itself (RFC 5861 §3). A response with must-revalidate, proxy-revalidate or s-maxage is
// never served stale (RFC 9111 §4.2.4).
func WithStaleWhileRevalidate(window time.Duration) Option {
	if window <= 0 {
		panic(fmt.Errorf("%w: WithStaleWhileRevalidate: the window is %v; give more than 0", ErrInvalid, window))
	}
	return func(r *serve.Route) { r.Policy.StaleWhileRevalidate = window }
}

// WithStaleIfError is for how long after a response went stale it still stands in for a handler that answers 500, 502,
// 503 or 504, when it does not say so itself (RFC 5861 §4). A response with must-revalidate, proxy-revalidate or s-maxage is
// never served stale (RFC 9111 §4.2.4).
func WithStaleIfError(window time.Duration) Option {
	if window <= 0 {
		panic(fmt.Errorf("%w: WithStaleIfError: the window is %v; give more than 0", ErrInvalid, window))
	}
	return func(r *serve.Route) { r.Policy.StaleIfError = window }
}

// WithHeuristicFreshness gives responses that say when they were last modified, and for which nothing else gives any
// freshness, a tenth of their age then, a day at most (RFC 9111 §4.2.2).
func WithHeuristicFreshness() Option {
	return func(r *serve.Route) { r.Policy.Heuristic = true }
}

// WithSetCookie caches responses that set cookies, with their cookies: every client gets the same ones. It is for
// cookies that tell clients apart in no way.
func WithSetCookie() Option {
	return func(r *serve.Route) { r.Policy.SetCookie = true }
}

// WithCacheStatusKey adds the key to Cache-Status, for debugging. Keys hold the query, and so whatever it gives away.
func WithCacheStatusKey() Option {
	return func(r *serve.Route) { r.ShowKey = true }
}
