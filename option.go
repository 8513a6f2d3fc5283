package cachette

import (
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/options"
	"github.com/gin-cachette/cachette/internal/serve"
	"github.com/gin-cachette/cachette/internal/values"
)

// Option changes how [Cached] treats a route. The functions whose names begin with With make them.
type Option interface{ onRoute(*serve.Route) }

// ValueOption changes how [Remember] keeps a value.
type ValueOption interface{ onValue(*values.Use) }

// SharedOption is an [Option] and a [ValueOption].
type SharedOption interface {
	Option
	ValueOption
}

type (
	routeOption  struct{ options.Option }
	valueOption  struct{ options.Value }
	sharedOption struct {
		routeOption
		valueOption
	}
)

func (o routeOption) onRoute(r *serve.Route) { o.Option(r) }
func (o valueOption) onValue(u *values.Use)  { o.Value(u) }

// WithPathKey keys responses without the query: all queries share one response.
func WithPathKey() Option { return routeOption{options.PathKey()} }

// WithQueryParams keys responses by these query parameters alone, in whatever order they come. The handler must not look
// at others. A name stands also for the map that gin's QueryMap reads: filter for filter[color].
func WithQueryParams(names ...string) Option { return routeOption{options.QueryParams(names...)} }

// WithIgnoredQueryParams takes these query parameters off the key, and off the request that the handlers see: neither c.Query nor the URL of their
// request has them, so that none gets into a page for all. A name that ends in "*" stands for all that begin so; each stands also for the map that
// gin's QueryMap reads. Names are compared as they are, with their case. What is before Cached sees the query as it came, and so do handlers
// of writes. A query that cannot be read counts, and is seen, whole. Several of them add up, also with those of a Cached around. See docs/keys.md.
func WithIgnoredQueryParams(names ...string) Option { return routeOption{options.Ignored(names...)} }

// WithoutTrackingParams does what [WithIgnoredQueryParams] does with the parameters that advertisements, mailings and shared links add to URLs:
// utm_*, gclid, fbclid, and some seventy more, of which docs/keys.md has the list. What reads them in the browser goes on doing so.
func WithoutTrackingParams() Option { return routeOption{options.WithoutTrackingParams()} }

// WithSortedQuery keys by the query with its parameters in the order of their names, and has the handlers see it so. Several values of one name keep
// their order. See docs/keys.md.
func WithSortedQuery() Option { return routeOption{options.SortedQuery()} }

// WithKeyPart adds what part returns to the key: a tenant, a plan, a language. Responses are then shared only between
// requests for which it returns the same. Where it returns "", nothing is added. Several of them all count.
//
// A part is only a key. What a shared cache may not keep, it does not keep for a part either: responses that are marked
// private, and those to requests with Authorization. [WithIdentity] is for these.
func WithKeyPart(part func(*gin.Context) string) Option { return routeOption{options.KeyPart(part)} }

// WithCookie adds one cookie of the request to the key, such as that of a session: responses are then shared only between
// requests that have the same one, or none. As any part of a key, it lets no response be kept that says it is private.
func WithCookie(name string) Option { return routeOption{options.Cookie(name)} }

// WithIdentity keeps responses for the one party that identity names, such as the id of the user. The name must be that of nobody else, and
// come from something that was verified before Cached: the subject of a token whose signature was checked, or the user of
// a session that a middleware has loaded. A value that a client can choose, as a header that no proxy of yours sets, gives
// each client everybody's pages.
//
// The cache is then a private one for that identity: responses that are marked private, and responses to requests with
// Authorization, are kept for it and served to it alone. Where identity returns "", as for a client that is not logged in, nothing is
// looked up and nothing is kept. Several of them all count. Keys and entries hold a digest of it only.
func WithIdentity(identity func(*gin.Context) string) Option {
	return routeOption{options.Identity(identity)}
}

// WithVary keys responses by request fields, for handlers that depend on them and do not say so: each response then names
// them in its Vary (RFC 9110 §12.5.5), and is shared only between requests in which they match (RFC 9111 §4.1).
func WithVary(fields ...string) Option { return routeOption{options.Vary(fields...)} }

// WithUnrankedLanguages has the order of the languages in a request's Accept-Language count for nothing, and their weights alone, which clients
// cannot rely on either (RFC 9110 §12.5.4): requests that differ in it share a response. The handler sees the languages on one line, those with the
// most weight first, and in alphabetical order where that is the same. So a client that asks for "en, de", without weights, may get what a handler that
// takes the first one makes of "de, en"; browsers send weights. What is no list of languages, and one of more than 64, or 4 KiB, stays as it is.
func WithUnrankedLanguages() Option { return routeOption{options.UnrankedLanguages()} }

// WithSkip keeps requests for which skip returns true away from the cache: their responses are neither looked up nor stored.
// Several of them all count.
func WithSkip(skip func(*gin.Context) bool) Option { return routeOption{options.Skip(skip)} }

// WithNamespace puts the route's responses in a namespace, for [Cache.ClearNamespace]. They can be in several.
func WithNamespace(namespace string) Option { return routeOption{options.Namespace(namespace)} }

// WithTags tags the route's responses, or a value, for [Cache.Invalidate]. See [Tag] for what a tag may be: with others Cached panics, and a
// value, whose tags are often made of a request's, is given out and not kept.
func WithTags(tags ...string) SharedOption {
	return sharedOption{routeOption{options.Tags(tags...)}, valueOption{options.ValueTags(tags...)}}
}

// WithTagsFrom has a function say tags of each response, by the request: it is asked before the handlers run, where nothing that is stored answers.
// Tags that are known before the handlers run cost the store less than those that [Tag] says the first time.
func WithTagsFrom(tags func(*gin.Context) []string) Option {
	return routeOption{options.TagsFrom(tags)}
}

// WithTTLFunc has a function say for how long a response is fresh that does not say so itself, in place of the ttl of
// Cached, which is to be 0, and for the statuses that a ttl is for; [WithStatusTTL] goes before it, and is for others. It is called
// once the status and header of the response are final, which c.Writer has. 0 stands for not at all.
func WithTTLFunc(ttl func(c *gin.Context) time.Duration) Option {
	return routeOption{options.TTLFunc(ttl)}
}

// WithStatusTTL is for how long responses of a status are fresh when they do not say so themselves: 404 for ten
// seconds, say. It goes before the ttl of Cached.
func WithStatusTTL(status int, ttl time.Duration) Option {
	return routeOption{options.StatusTTL(status, ttl)}
}

// WithBodyKey is for a POST that only reads, such as a search or a query of GraphQL: its responses are kept by its content and the fields that
// describe it, as those to QUERY are (RFC 10008 §2.7), and answer later POSTs with the same. Such a POST invalidates nothing, whatever it answers, also where a
// guard does, and whatever [Invalidates] or [InvalidateOn] say. Its handler must not change anything: of several requests one runs it, or none.
//
// It is handed the content as it came. One that is longer than [WithBodyLimit], or [Config.BodyLimit], passes the cache by. Preconditions and ranges are for
// the handler (RFC 9110 §13.1.2, §14.2). It does nothing for other methods. See docs/query.md.
func WithBodyKey() Option { return routeOption{options.BodyKey()} }

// WithBodyLimit is the size, in bytes, of the largest body that is kept. Larger ones reach the client all the same. Of requests that are answered
// by their content (see [WithBodyKey]) it is the size of the largest content.
func WithBodyLimit(bytes int64) Option { return routeOption{options.BodyLimit(bytes)} }

// WithoutRequestDirectives keeps clients from making the handler run by what they ask of the cache. It ignores the
// Cache-Control and Pragma of requests, If-Match and If-Unmodified-Since, which a cache may ignore (RFC 9110 §13.1.1,
// §13.1.4), and content, which means nothing in a GET (§9.3.1) and which the handler does then not see. No request waits for
// one that declares content, since that may never come.
//
// A client still makes it run by what makes for another response, or may: another query, another Host, the same path with
// other escapes (/%61 for /a), a field that Vary names, a range, HEAD or GET with content where nothing is stored, Authorization, Upgrade with
// Connection: upgrade, a target in absolute form (with a user or another scheme each time, else once), a HEAD with content, and
// any method but GET and HEAD. So do a form of several parts, where a middleware before Cached has read it, and, with
// [Config.ProxyScheme], a Forwarded of the client's that names another scheme than the X-Forwarded-Proto of the proxy: have the
// proxy take off the one of the two that it does not set.
func WithoutRequestDirectives() Option { return routeOption{options.WithoutRequestDirectives()} }

// WithStaleWhileRevalidate is for how long after a response went stale it is still served while it is refreshed in the
// background, when it does not say so itself (RFC 5861 §3). A response with must-revalidate, proxy-revalidate or s-maxage is
// never served stale (RFC 9111 §4.2.4). A value is given out stale for as long, while it is loaded anew.
func WithStaleWhileRevalidate(window time.Duration) SharedOption {
	return sharedOption{routeOption{options.StaleWhileRevalidate(window)}, valueOption{options.ValueStaleWhileRevalidate(window)}}
}

// WithLease is for how long at most a process that misses a response, or a value, waits for another process that is making it, instead of making it,
// too; 0 for not at all, and that of the [Config] unless said. The process that makes it has a lease in the store that lives as long, so that one
// that is killed holds up the others for no longer. What may not be shared, or could not be made, ends the wait of all; whoever has waited for that long runs the
// handler. It is for what is expensive: a miss asks the store three times more, and once more behind the handler. It does nothing in memory, and where the client asks for the handler to be asked (no-cache).
func WithLease(most time.Duration) SharedOption {
	return sharedOption{routeOption{options.Lease(most)}, valueOption{options.ValueLease(most)}}
}

// WithStaleIfError is for how long after a response went stale it still stands in for a handler that answers 500, 502,
// 503 or 504, when it does not say so itself (RFC 5861 §4). A panic is no answer: with [gin.Recovery] before Cached alone, as
// [gin.Default] has it, clients get the 500 that Recovery makes, and the stale response stays stored. Put one more after Cached,
// which makes the panic an answer of the handler's, and its 500 is replaced. A response with must-revalidate, proxy-revalidate or s-maxage is
// never served stale (RFC 9111 §4.2.4). A stale value stands in for a load that fails or panics.
func WithStaleIfError(window time.Duration) SharedOption {
	return sharedOption{routeOption{options.StaleIfError(window)}, valueOption{options.ValueStaleIfError(window)}}
}

// WithPatience is for how long a request for a stale response waits for a fresh one: then it gets the stale one, while the handler goes on
// for the next. It holds within the windows of stale-while-revalidate, where a request without it does not wait at all, and of
// stale-if-error, since a handler that is late is an error as a gateway's 504 is (RFC 5861 §4); where neither the response nor the route has
// any, for a minute after the response went stale. It holds for no response with must-revalidate, proxy-revalidate, s-maxage or no-cache,
// and for no request whose Cache-Control says what is too old for it (no-cache, max-age, min-fresh, max-stale).
//
// The handler runs in the background, as for [WithStaleWhileRevalidate], once for all that wait. Where that fails they get the stale
// response at once, and so do those that come within the next five seconds. A caller of [Remember] waits for its load as long, and then
// gets the stale value, within the same windows; where the load fails it gets that at once.
func WithPatience(wait time.Duration) SharedOption {
	return sharedOption{routeOption{options.Patience(wait)}, valueOption{options.ValuePatience(wait)}}
}

// WithJitter has each response, or value, be stale earlier by a random part of the time for which it is fresh, up to this one, which is more
// than 0 and less than 1: 0.1 for up to a tenth. What was filled together does then not expire together. It is never fresh for longer than
// it says, or the ttl does. It holds for what says itself for how long it is fresh, too, as by max-age, which clients get as it is.
func WithJitter(part float64) SharedOption {
	return sharedOption{routeOption{options.Jitter(part)}, valueOption{options.ValueJitter(part)}}
}

// WithEarlyRefresh has responses, and values, that are still fresh refreshed in the background by the requests for them, so that none waits for the
// handler: the sooner one ends and the longer its handler took, the more probably each request does so (XFetch, VLDB 2015). 1 is a good beta; more
// refreshes earlier. It is for what is asked for often, several times while its handler runs; else it has no effect.
func WithEarlyRefresh(beta float64) SharedOption {
	return sharedOption{routeOption{options.EarlyRefresh(beta)}, valueOption{options.ValueEarlyRefresh(beta)}}
}

// WithHeuristicFreshness gives responses that say when they were last modified, and for which nothing else gives any
// freshness, a tenth of their age then, a day at most (RFC 9111 §4.2.2).
func WithHeuristicFreshness() Option { return routeOption{options.HeuristicFreshness()} }

// WithSetCookie caches responses that set cookies, with those that the handler sets: every client gets the same ones. It is
// for cookies that tell clients apart in no way, and for pages that do not depend on those that middleware outside of Cached
// sets.
func WithSetCookie() Option { return routeOption{options.SetCookie()} }

// WithForeignCookies names cookies that middleware outside of Cached sets and that have nothing to do with the route's
// pages, such as that of a session which is renewed with each response, or of analytics: they neither keep a response from
// being stored nor are stored.
func WithForeignCookies(names ...string) Option { return routeOption{options.ForeignCookies(names...)} }

// WithoutHeaders keeps fields out of what is stored, such as X-Request-Id, which belong to one answer: the client for which the handler ran gets
// them, those that are given the stored response do not, and those that waited for it neither. Without some a response means something else,
// as without Content-Type, ETag, Cache-Control, Vary or Set-Cookie: for these it panics.
func WithoutHeaders(fields ...string) Option { return routeOption{options.WithoutHeaders(fields...)} }

// WithCacheStatusKey adds the key to Cache-Status, for debugging. Keys hold the query, and so whatever it gives away.
func WithCacheStatusKey() Option { return routeOption{options.CacheStatusKey()} }

// WithDebug has responses tell in a field, Cachette-Debug, what [Cache.Explain] says of their request, where the function says so: for those
// who run the service. It is one look-up more. The function is to go by what a client cannot make up, as a login of a person on duty does; a field that
// anybody may send is none. The field has no key, query or field of the request, is in no stored response, and holds for
// a Cached inside as well. See docs/explain.md.
func WithDebug(wants func(*gin.Context) bool) Option { return routeOption{options.Debug(wants)} }

// WithCompression has the stored responses of a route served in a content coding that their client accepts (RFC 9110 §12.5.3), which is made once, in the
// background, by the first hit for which there is none yet: that hit, and the response of the handler itself, are not coded. The codings are br, zstd and
// gzip, and those that are linked by a blank import of package compress; without it Cached panics.
//
// Coded is what has a body of 1 KiB to 8 MiB, a type that becomes smaller, as text/html and application/json do, and neither a coding nor
// Cache-Control: no-transform, Content-Range or a digest. Each response of the route has Vary: Accept-Encoding. A strong entity tag
// has a suffix in a coding, "v1-gzip-0a1b2c3d", a weak one stays. The handlers see no Accept-Encoding, so there is one entry for all clients.
// Where a middleware outside codes the response the cache does not. A page that shows what a request says beside a secret should not be coded in any way
// (BREACH): see docs/compression.md.
func WithCompression() Option { return routeOption{options.Compression(true)} }

// WithoutCompression leaves the responses of a route as they are, where [Config.Compression], a Cached outside or one inside has them coded.
func WithoutCompression() Option { return routeOption{options.Compression(false)} }

// WithNotFoundTTL is for how long [Remember] knows that there is no value, where its load says so by [ErrNotFound]. Without it, the next
// caller has it loaded again.
func WithNotFoundTTL(ttl time.Duration) ValueOption { return valueOption{options.NotFoundTTL(ttl)} }

// WithLoadTimeout is how long a load of [Remember] may take, which is 30 seconds without it: then its context ends.
func WithLoadTimeout(timeout time.Duration) ValueOption {
	return valueOption{options.LoadTimeout(timeout)}
}

// WithoutDependencies keeps the tags of a value from what it is made into: see [Remember].
func WithoutDependencies() ValueOption { return valueOption{options.WithoutDependencies()} }

// WithLentLifetime has what a value is made into be fresh no longer than the value is: see [Remember].
func WithLentLifetime() ValueOption { return valueOption{options.LentLifetime()} }
