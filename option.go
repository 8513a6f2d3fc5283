package cachette

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/keys"
	"github.com/gin-cachette/cachette/internal/serve"
)

// Option changes how [Cached] treats a route. The functions whose names begin with With make them.
type Option struct{ apply func(*serve.Route) }

// minimum is the shortest time that a duration can mean: less is a number that lacks its unit, as in Cached(60).
const minimum = time.Millisecond

// mustLast panics unless a duration is one that can be meant.
func mustLast(what string, d time.Duration) {
	if problem := durationProblem(d); problem != "" {
		panic(fmt.Errorf("%w: %s %s", ErrInvalid, what, problem))
	}
}

// durationProblem tells what is wrong with a duration, or nothing.
func durationProblem(d time.Duration) string {
	switch {
	case d <= 0:
		return fmt.Sprintf("is %v; give more than 0", d)
	case d < minimum:
		meant := fmt.Sprintf("%d*time.Second", d) // a number without a unit
		if d%time.Microsecond == 0 {
			meant = fmt.Sprintf("%d*time.Millisecond, or %s", d/time.Microsecond, meant)
		}
		return fmt.Sprintf("is %v, under a millisecond; did you mean %s? A time.Duration without a unit counts nanoseconds", d, meant)
	}
	return ""
}

// mustAgree panics when two options of one Cached say different things.
func mustAgree(one, other string, agree bool) {
	if !agree {
		panic(fmt.Errorf("%w: Cached: %s contradicts %s; give one of them", ErrInvalid, other, one))
	}
}

// WithPathKey keys responses without the query: all queries share one response.
func WithPathKey() Option {
	return Option{func(r *serve.Route) {
		mustAgree(fmt.Sprintf("WithQueryParams(%s)", quoted(r.Params)), "WithPathKey()", r.Query != keys.ListedOnly)
		r.Query = keys.NoQuery
	}}
}

// WithQueryParams keys responses by these query parameters alone, in whatever order they come. The handler must not look
// at others. A name stands also for the map that gin's QueryMap reads: filter for filter[color].
func WithQueryParams(names ...string) Option {
	if len(names) == 0 {
		panic(fmt.Errorf("%w: WithQueryParams: no parameter is named; use WithPathKey to key by path alone", ErrInvalid))
	}
	if slices.Contains(names, "") {
		panic(fmt.Errorf("%w: WithQueryParams(%s): a name is empty; give the names of the parameters that the handler looks at",
			ErrInvalid, quoted(names)))
	}
	for _, name := range names {
		if strings.ContainsAny(name, ",;&=?") || strings.TrimSpace(name) != name {
			panic(fmt.Errorf("%w: WithQueryParams(%s): %q is no name of a parameter; give the names one by one, as "+
				"WithQueryParams(\"page\", \"sort\")", ErrInvalid, quoted(names), name))
		}
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	return Option{func(r *serve.Route) {
		own := fmt.Sprintf("WithQueryParams(%s)", quoted(names))
		mustAgree("WithPathKey()", own, r.Query != keys.NoQuery)
		mustAgree(fmt.Sprintf("WithQueryParams(%s)", quoted(r.Params)), own, r.Query == 0 || slices.Equal(r.Params, names))
		r.Query, r.Params = keys.ListedOnly, names
	}}
}

func quoted(names []string) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", name)
	}
	return b.String()
}

// WithKeyPart adds what part returns to the key: a tenant, a plan, a language. Responses are then shared only between
// requests for which it returns the same. Where it returns "", nothing is added. Several of them all count.
//
// A part is only a key. What a shared cache may not keep, it does not keep for a part either: responses that are marked
// private, and those to requests with Authorization. [WithIdentity] is for these.
func WithKeyPart(part func(*gin.Context) string) Option {
	if part == nil {
		panic(fmt.Errorf("%w: WithKeyPart: part is nil; give a function that returns a part of the key", ErrInvalid))
	}
	return Option{func(r *serve.Route) { r.Parts = append(r.Parts, part) }}
}

// WithCookie adds one cookie of the request to the key, such as that of a session: responses are then shared only between
// requests that have the same one, or none. As any part of a key, it lets no response be kept that says it is private.
func WithCookie(name string) Option {
	mustNameCookie("WithCookie", name)
	return Option{func(r *serve.Route) {
		r.Parts = append(r.Parts, func(c *gin.Context) string { return cookieValues(c.Request, name) })
	}}
}

// mustNameCookie panics unless a cookie can have a name: one by another would never be there, which tells no clients apart.
func mustNameCookie(option, name string) {
	if !isToken(name) {
		panic(fmt.Errorf("%w: %s: %q is no name of a cookie; give one, as \"session\"", ErrInvalid, option, name))
	}
}

// cookieValues returns what a request's cookies of a name hold: nothing where there is none, which an empty one is not.
func cookieValues(r *http.Request, name string) string {
	var b strings.Builder
	for _, cookie := range r.CookiesNamed(name) {
		fmt.Fprintf(&b, "=%q", cookie.Value)
	}
	return b.String()
}

// WithIdentity must return what names the one party that a response is for, such as the id of the user, and nobody else; and
// take it from something that was verified before Cached: the subject of a token whose signature was checked, or the user of
// a session that a middleware has loaded. A value that a client can choose, as a header that no proxy of yours sets, gives
// each client everybody's pages.
//
// The cache is then a private one for that identity: responses that are marked private, and responses to requests with
// Authorization, are kept for it and served to it alone. Where identity returns "", as for a client that is not logged in, nothing is
// looked up and nothing is kept. Several of them all count. Keys and entries hold a digest of it only.
func WithIdentity(identity func(*gin.Context) string) Option {
	if identity == nil {
		panic(fmt.Errorf("%w: WithIdentity: identity is nil; give a function that names whom a response is for", ErrInvalid))
	}
	return Option{func(r *serve.Route) { r.Identities = append(r.Identities, identity) }}
}

// WithVary keys responses by request fields, for handlers that depend on them and do not say so: each response then names
// them in its Vary (RFC 9110 §12.5.5), and is shared only between requests in which they match (RFC 9111 §4.1).
func WithVary(fields ...string) Option {
	if len(fields) == 0 {
		panic(fmt.Errorf("%w: WithVary: no field is named; give the names of request fields, as \"Accept\"", ErrInvalid))
	}
	var names []string
	for _, field := range fields {
		if !isToken(field) || field == "*" {
			panic(fmt.Errorf("%w: WithVary: %q is no name of a field; give one, as \"Accept\"", ErrInvalid, field))
		}
		names = append(names, http.CanonicalHeaderKey(field))
	}
	return Option{func(r *serve.Route) {
		r.Vary = slices.Compact(slices.Sorted(slices.Values(append(r.Vary, names...))))
	}}
}

// isToken tells whether a text is a token, as names of fields and of cookies are (RFC 9110 §5.6.2).
func isToken(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	}) < 0
}

// WithSkip keeps requests for which skip returns true away from the cache: their responses are neither looked up nor stored.
// Several of them all count.
func WithSkip(skip func(*gin.Context) bool) Option {
	if skip == nil {
		panic(fmt.Errorf("%w: WithSkip: skip is nil; give a function that tells which requests to keep away from the cache", ErrInvalid))
	}
	return Option{func(r *serve.Route) { r.Skips = append(r.Skips, skip) }}
}

// WithNamespace puts the route's responses in a namespace, for [Cache.ClearNamespace]. They can be in several.
func WithNamespace(namespace string) Option {
	if problem := namespaceProblem(namespace); problem != "" {
		panic(fmt.Errorf("%w: WithNamespace: %s", ErrInvalid, problem))
	}
	return Option{func(r *serve.Route) {
		if !slices.Contains(r.Namespaces, namespace) {
			r.Namespaces = append(r.Namespaces, namespace)
		}
	}}
}

// namespaceProblem tells what is wrong with the name of a namespace, or nothing.
func namespaceProblem(namespace string) string {
	bare := strings.TrimRight(namespace, ":")
	trimmed := strings.TrimSpace(bare)
	switch {
	case namespace == "":
		return "the namespace is empty; name one"
	case trimmed == "" && bare != "":
		return fmt.Sprintf("%q is nothing but blanks; name a namespace, as \"shop\"", namespace)
	case trimmed != bare:
		return fmt.Sprintf("%q has blanks around it, which would be part of the name; give %q", namespace, trimmed)
	case bare == "":
		return fmt.Sprintf("%q is nothing but a colon; name a namespace, as \"shop\"", namespace)
	case bare != namespace:
		return fmt.Sprintf("%q ends with the colon that follows a namespace in its keys; give %q", namespace, bare)
	}
	return ""
}

// WithTTLFunc has a function say for how long a response is fresh that does not say so itself, in place of the ttl of
// Cached, which is to be 0, and for the statuses that a ttl is for; [WithStatusTTL] goes before it, and is for others. It is called
// once the status and header of the response are final, which c.Writer has. 0 stands for not at all.
func WithTTLFunc(ttl func(c *gin.Context) time.Duration) Option {
	if ttl == nil {
		panic(fmt.Errorf("%w: WithTTLFunc: ttl is nil; give a function that returns a time to live", ErrInvalid))
	}
	return Option{func(r *serve.Route) {
		mustAgree("another WithTTLFunc", "WithTTLFunc", r.TTLFunc == nil)
		mustAgree(fmt.Sprintf("the ttl %v", r.Policy.TTL), "WithTTLFunc", r.Policy.TTL == 0)
		r.TTLFunc = ttl
	}}
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
	mustLast(fmt.Sprintf("WithStatusTTL: the ttl of %d", status), ttl)
	return Option{func(r *serve.Route) {
		if r.Policy.StatusTTL == nil {
			r.Policy.StatusTTL = make(map[int]time.Duration)
		}
		before, said := r.Policy.StatusTTL[status]
		mustAgree(fmt.Sprintf("WithStatusTTL(%d, %v)", status, before), fmt.Sprintf("WithStatusTTL(%d, %v)", status, ttl), !said || before == ttl)
		r.Policy.StatusTTL[status] = ttl
	}}
}

// WithBodyLimit is the size, in bytes, of the largest body that is kept. Larger ones reach the client all the same.
func WithBodyLimit(bytes int64) Option {
	if bytes <= 0 {
		panic(fmt.Errorf("%w: WithBodyLimit: the limit is %d; give a number of bytes over 0", ErrInvalid, bytes))
	}
	return Option{func(r *serve.Route) {
		mustAgree(fmt.Sprintf("WithBodyLimit(%d)", r.BodyLimit), fmt.Sprintf("WithBodyLimit(%d)", bytes), r.BodyLimit == 0 || r.BodyLimit == bytes)
		r.BodyLimit = bytes
	}}
}

// WithoutRequestDirectives keeps clients from making the handler run by what they ask of the cache. It ignores the
// Cache-Control and Pragma of requests, If-Match and If-Unmodified-Since, which a cache may ignore (RFC 9110 §13.1.1,
// §13.1.4), and content, which means nothing in a GET (§9.3.1) and which the handler does then not see. No request waits for
// one that declares content, since that may never come.
//
// A client still makes it run by what makes for another response, or may: another query, another Host, the same path with
// other escapes (/%61 for /a), a field that Vary names, a range, HEAD or GET with content where nothing is stored, Authorization, Upgrade with
// Connection: upgrade, a target in absolute form (with a user or another scheme each time, else once), a HEAD with content, and
// any method but GET and HEAD.
func WithoutRequestDirectives() Option {
	return Option{func(r *serve.Route) { r.IgnoreAsk = true }}
}

// WithStaleWhileRevalidate is for how long after a response went stale it is still served while it is refreshed in the
// background, when it does not say so itself (RFC 5861 §3). A response with must-revalidate, proxy-revalidate or s-maxage is
// never served stale (RFC 9111 §4.2.4).
func WithStaleWhileRevalidate(window time.Duration) Option {
	mustLast("WithStaleWhileRevalidate: the window", window)
	return Option{func(r *serve.Route) { setWindow(&r.Policy.StaleWhileRevalidate, window, "WithStaleWhileRevalidate") }}
}

// WithStaleIfError is for how long after a response went stale it still stands in for a handler that answers 500, 502,
// 503 or 504, when it does not say so itself (RFC 5861 §4). A panic is no answer: with [gin.Recovery] before Cached alone, as
// [gin.Default] has it, clients get the 500 that Recovery makes, and the stale response stays stored. Put one more after Cached,
// which makes the panic an answer of the handler's, and its 500 is replaced. A response with must-revalidate, proxy-revalidate or s-maxage is
// never served stale (RFC 9111 §4.2.4).
func WithStaleIfError(window time.Duration) Option {
	mustLast("WithStaleIfError: the window", window)
	return Option{func(r *serve.Route) { setWindow(&r.Policy.StaleIfError, window, "WithStaleIfError") }}
}

func setWindow(into *time.Duration, window time.Duration, name string) {
	mustAgree(fmt.Sprintf("%s(%v)", name, *into), fmt.Sprintf("%s(%v)", name, window), *into == 0 || *into == window)
	*into = window
}

// WithHeuristicFreshness gives responses that say when they were last modified, and for which nothing else gives any
// freshness, a tenth of their age then, a day at most (RFC 9111 §4.2.2).
func WithHeuristicFreshness() Option {
	return Option{func(r *serve.Route) { r.Policy.Heuristic = true }}
}

// WithSetCookie caches responses that set cookies, with those that the handler sets: every client gets the same ones. It is
// for cookies that tell clients apart in no way, and for pages that do not depend on those that middleware outside of Cached
// sets.
func WithSetCookie() Option {
	return Option{func(r *serve.Route) { r.Policy.SetCookie = true }}
}

// WithForeignCookies names cookies that middleware outside of Cached sets and that have nothing to do with the route's
// pages, such as that of a session which is renewed with each response, or of analytics: they neither keep a response from
// being stored nor are stored.
func WithForeignCookies(names ...string) Option {
	if len(names) == 0 {
		panic(fmt.Errorf("%w: WithForeignCookies: no cookie is named; give the names of those that middleware sets", ErrInvalid))
	}
	for _, name := range names {
		mustNameCookie("WithForeignCookies", name)
	}
	names = slices.Clone(names)
	return Option{func(r *serve.Route) { r.Foreign = append(r.Foreign, names...) }}
}

// WithCacheStatusKey adds the key to Cache-Status, for debugging. Keys hold the query, and so whatever it gives away.
func WithCacheStatusKey() Option {
	return Option{func(r *serve.Route) { r.ShowKey = true }}
}
