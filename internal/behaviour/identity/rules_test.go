package identity_test

import (
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// says is one option of a Cached, and what it asks of the answers.
type says struct {
	option cachette.Option
	add    func(*demands)
}

// demands are what the routes that a request is inside of ask of its answer, beside what HTTP asks.
type demands struct {
	identities []func(traits) string // the page is for one of these alone
	parts      []func(traits) string // and shared only between requests that agree in these
	vary       []string              // and in these fields
	query      byte                  // how much of the query counts: 'n' for none, 'q' for the parameter q; else all
	spaces     []string              // the namespaces that it is in
	skip       bool                  // requests with X-Skip are kept away from the cache
	away       bool                  // so are all
	quiet      bool                  // what a client asks of the cache counts for nothing
	statuses   []int                 // errors that may be kept
}

// layer is one Cached of a route.
type layer struct {
	ttl  time.Duration
	says []says
}

func cached(ttl time.Duration, says ...says) layer { return layer{ttl, says} }

// handler returns the Cached.
func (l layer) handler() gin.HandlerFunc {
	options := make([]cachette.Option, len(l.says))
	for i, one := range l.says {
		options[i] = one.option
	}
	return cachette.Cached(l.ttl, options...)
}

// demandsOf returns what layers inside of one another come to.
func demandsOf(layers ...layer) (d demands) {
	for _, l := range layers {
		for _, one := range l.says {
			if one.add != nil {
				one.add(&d)
			}
		}
	}
	return d
}

// within returns the demands of a route inside of others.
func (d demands) within(outer demands) demands {
	d.identities = slices.Concat(outer.identities, d.identities)
	d.parts = slices.Concat(outer.parts, d.parts)
	d.spaces = slices.Concat(outer.spaces, d.spaces)
	d.away = d.away || outer.away
	return d
}

// seenBy returns a trait as a function of a handler.
func seenBy(trait func(traits) string) func(*gin.Context) string {
	return func(c *gin.Context) string { return trait(sawOf(c)) }
}

func identity(of func(traits) string) says {
	return says{cachette.WithIdentity(seenBy(of)), func(d *demands) { d.identities = append(d.identities, of) }}
}

func part(of func(traits) string) says {
	return says{cachette.WithKeyPart(seenBy(of)), func(d *demands) { d.parts = append(d.parts, of) }}
}

func sessionCookie() says {
	return says{cachette.WithCookie("session"), func(d *demands) { d.parts = append(d.parts, sessions) }}
}

func vary(field string) says {
	return says{cachette.WithVary(field), func(d *demands) { d.vary = append(d.vary, field) }}
}

func pathKey() says { return says{cachette.WithPathKey(), func(d *demands) { d.query = 'n' }} }

func params() says { return says{cachette.WithQueryParams("q"), func(d *demands) { d.query = 'q' }} }

func space(name string) says {
	return says{cachette.WithNamespace(name), func(d *demands) { d.spaces = append(d.spaces, name) }}
}

func skip() says {
	return says{cachette.WithSkip(func(c *gin.Context) bool { return c.GetHeader("X-Skip") != "" }), func(d *demands) { d.skip = true }}
}

func away() says {
	return says{cachette.WithSkip(func(*gin.Context) bool { return true }), func(d *demands) { d.away = true }}
}

func quiet() says {
	return says{cachette.WithoutRequestDirectives(), func(d *demands) { d.quiet = true }}
}

func statusTTL(status int) says {
	return says{cachette.WithStatusTTL(status, time.Minute), func(d *demands) { d.statuses = append(d.statuses, status) }}
}

func revalidating() says { return says{option: cachette.WithStaleWhileRevalidate(time.Minute)} }
func standingIn() says   { return says{option: cachette.WithStaleIfError(time.Minute)} }
func patient() says      { return says{option: cachette.WithPatience(time.Millisecond)} }
func limit() says        { return says{option: cachette.WithBodyLimit(1500)} }
func foreign() says      { return says{option: cachette.WithForeignCookies("visit")} }

// rule is a route, and what its handler says of its answers.
type rule struct {
	name    string
	layers  []layer
	control string   // Cache-Control
	vary    []string // Vary, in turn by the number of the page

	apart    bool // each run of the handler makes an answer of its own
	untagged bool // the handler gives no entity tag
	large    bool // pages are too large for most buffers
	length   bool // the handler declares the length
	flushes  bool // it sends its page bit by bit
	ranges   bool // it answers ranges itself
	cookie   bool // it sets a cookie
	takes    bool // it takes its answer back from the cache
	odd404   bool // pages of odd numbers are 404
	posts    bool // what it answers to POST may answer later requests
	breaks   bool // it fails in some of its runs
	spoils   bool // many of its clients have it fail

	shows func(traits) traits // what its pages show of their requests; all unless set

	outside gin.HandlerFunc // stands before all layers
	between gin.HandlerFunc // stands behind each layer
	visits  bool            // the one outside sets a cookie
	varies  bool            // it sets Vary
}

const everybody = "public, max-age=60"

// rules are the routes of each engine.
func rules() []*rule {
	minute := cached(time.Minute)
	in := func(layers ...layer) []layer { return layers }
	one := func(options ...says) []layer { return in(cached(time.Minute, options...)) }
	brief := func(options ...says) []layer { return in(cached(time.Millisecond, options...)) }
	return []*rule{
		{name: "open", layers: one(), control: everybody},
		{name: "plain", layers: one()},
		{name: "plain-apart", layers: one(), apart: true},
		{name: "refreshed", layers: brief(revalidating())},
		{name: "refreshed-open", layers: brief(revalidating()), control: "public"},
		{name: "patient", layers: brief(patient())},
		{name: "patient-open", layers: brief(patient(), revalidating()), control: "public"},
		{name: "patient-identity", layers: brief(patient(), standingIn(), identity(user)), breaks: true},
		{name: "stands-in", layers: brief(standingIn()), control: "public", breaks: true},
		{name: "stands-in-open", layers: brief(standingIn()), control: "public", shows: nobody, breaks: true},
		{name: "stands-in-path", layers: brief(standingIn(), pathKey()), control: "public", breaks: true},
		{name: "stands-in-identity", layers: brief(standingIn(), identity(user)), breaks: true},
		{name: "validated", layers: one(), control: "public, no-cache", shows: nobody},
		{name: "validated-identity", layers: one(identity(user)), control: "private, no-cache", shows: onlyUser},
		{name: "confirmed", layers: brief(revalidating()), control: "public", shows: nobody},
		{name: "s-maxage", layers: one(), control: "s-maxage=1"},
		{name: "must-revalidate", layers: one(), control: "must-revalidate, max-age=1", apart: true},
		{name: "private", layers: one(), control: "private, max-age=60", apart: true},
		{name: "private-bare", layers: one(part(tenant)), control: "private", apart: true},
		{name: "no-store", layers: one(), control: "no-store", apart: true},
		{name: "vary", layers: one(), vary: []string{"Cookie", "Authorization", "X-Kind", "Cookie, X-Kind"}},
		{name: "vary-open", layers: one(), control: everybody, vary: []string{"Authorization", "Authorization, Cookie", "X-Tenant", "Cookie"}},
		{name: "vary-apart", layers: one(revalidating()), control: "public", apart: true, vary: []string{"Authorization, Cookie"}},
		{name: "identity", layers: one(identity(user)), control: "private"},
		{name: "identity-apart", layers: brief(identity(user), revalidating()), apart: true},
		{name: "identity-open", layers: one(identity(user)), control: everybody},
		{name: "identity-untagged", layers: one(identity(user)), untagged: true},
		{name: "identity-cookie", layers: one(identity(cookieUser)), control: "private"},
		{name: "identity-part", layers: one(identity(user), part(tenant)), control: "private"},
		{name: "part", layers: one(part(tenant))},
		{name: "parts", layers: one(part(tenant), part(kind))},
		{name: "parts-open", layers: brief(part(tenant), part(kind), revalidating()), control: "public"},
		{name: "some-part", layers: one(part(someTenant))},
		{name: "cookie", layers: one(sessionCookie())},
		{name: "cookie-open", layers: one(sessionCookie()), control: everybody},
		{name: "vary-option", layers: one(vary("X-Kind"))},
		{name: "path-key", layers: one(pathKey())},
		{name: "params", layers: one(params())},
		{name: "skip", layers: one(skip()), apart: true},
		{name: "quiet", layers: one(quiet()), control: everybody},
		{name: "limited", layers: one(limit()), control: everybody},
		{name: "untagged", layers: one(), untagged: true, control: everybody},
		{name: "login", layers: one(), cookie: true, apart: true},
		{name: "visit", layers: one(), outside: visit, visits: true, apart: true},
		{name: "visit-foreign", layers: one(foreign()), outside: visit, visits: true},
		{name: "visit-late", layers: one(), outside: visitLate, visits: true, apart: true},
		{name: "vary-outside", layers: one(), outside: varyOutside, varies: true, vary: []string{"X-Kind"}},
		{name: "taken-back", layers: one(), takes: true, apart: true},
		{name: "missing", layers: one(statusTTL(404)), odd404: true},
		{name: "pieces", layers: one(), control: "max-age=60", ranges: true},
		{name: "pieces-identity", layers: one(identity(user)), control: "private, max-age=60", ranges: true},
		{name: "pieces-vary", layers: one(), control: "public, max-age=60", ranges: true, vary: []string{"Cookie"}},
		{name: "stream", layers: one(), control: everybody, flushes: true, apart: true},
		{name: "large", layers: one(), control: everybody, large: true},
		{name: "length", layers: one(space("n1")), length: true, apart: true},
		{name: "posted", layers: one(), control: everybody, posts: true},
		{name: "posted-identity", layers: one(identity(user)), control: "private, max-age=60", posts: true},
		{name: "recovered", layers: one(), between: recovery, spoils: true},

		{name: "in-identity", layers: in(cached(time.Minute, identity(user)), cached(30*time.Second)), control: "private"},
		{name: "in-identity-apart", layers: in(cached(time.Minute, identity(user)), cached(time.Millisecond, revalidating())), apart: true},
		{name: "in-part", layers: in(cached(time.Minute, part(tenant)), cached(30*time.Second, revalidating()))},
		{name: "in-cookie", layers: in(cached(time.Minute, sessionCookie()), cached(30*time.Second)), between: clone},
		{name: "in-plain-identity", layers: in(minute, cached(time.Minute, identity(user))), control: "private"},
		{name: "in-plain-part", layers: in(minute, cached(time.Minute, part(someTenant)))},
		{name: "in-plain-skip", layers: in(minute, cached(time.Minute, skip())), apart: true},
		{name: "in-plain-vary", layers: in(minute, cached(30*time.Second), cached(time.Minute, vary("X-Kind")))},
		{name: "in-open", layers: in(minute, cached(30*time.Second)), control: everybody},
		{name: "in-spaces", layers: in(cached(time.Minute, space("n1")), cached(time.Minute, space("n2")))},
		{name: "in-three", layers: in(cached(time.Minute, part(tenant)), cached(time.Minute, sessionCookie()), cached(30*time.Second))},
		{name: "in-three-identity", layers: in(cached(time.Minute, identity(user), space("n3")), cached(time.Minute, part(kind)),
			cached(time.Minute, pathKey())), control: "private"},
		{name: "in-identity-clone", layers: in(cached(time.Minute, identity(user)), minute, minute), between: clone, control: "private"},
	}
}

// way is how a request comes to a route.
type way struct {
	mount  string // a prefix that is taken off before the engine sees the request
	prefix string // a prefix that a handler of the engine takes off by HandleContext
	tenant bool   // the prefix ends in a tenant
	layers []layer
}

// ways are those of each engine. The first one is straight.
var ways = []way{
	{},
	{mount: "/mnt/a"},
	{mount: "/mnt/b"},
	{prefix: "/t", tenant: true},
	{prefix: "/c", tenant: true, layers: []layer{cached(time.Minute, part(tenant), space("n3"))}},
	{prefix: "/i", layers: []layer{cached(time.Minute, identity(user))}},
	{prefix: "/s", layers: []layer{cached(time.Minute, away())}},
	{mount: "/mnt/a", prefix: "/t", tenant: true},
}

// forbids tells whether a rule's answers are for the one client that asked, whatever the key.
func (r *rule) forbids(d *demands) bool {
	return strings.Contains(r.control, "no-store") || r.cookie || r.takes || r.visits && r.name != "visit-foreign" ||
		strings.Contains(r.control, "private") && len(d.identities) == 0
}

// shares tells whether a rule's answers say that they are for requests with Authorization, too (RFC 9111 §3.5).
func (r *rule) shares() bool {
	for _, directive := range []string{"public", "s-maxage", "must-revalidate"} {
		if strings.Contains(r.control, directive) {
			return true
		}
	}
	return false
}
