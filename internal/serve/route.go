// Package serve takes requests through the cache of one engine: it answers those that it can from what is stored,
// and lets the handlers run for the others, keeping what they make.
package serve

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/audit"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

// Route is what Cached was told of a route, or what several of them come to that are inside of one another. It does not
// change once a request has been through it.
type Route struct {
	Policy     rfc9111.Policy
	TTLFunc    func(*gin.Context) time.Duration // stands for Policy.TTL where it is not nil
	Query      target.Query                     // how much of the query enters the key; 0 where nothing was said, which is all
	Params     []string                         // the parameters that do, with target.ListedOnly; with 0, those that routes outside name
	Ignored    []string                         // parameters that count for nothing, and that handlers do not see
	Sorted     bool                             // handlers see the query sorted by the names of its parameters
	Parts      []KeyPart                        // each adds a part to the key
	Identities []func(*gin.Context) string      // each names whom responses are for
	Skips      []func(*gin.Context) bool        // any of them keeps a request away from the cache
	Vary       []string                         // request fields that the key holds, canonical
	Namespaces []string
	Tags       []string
	TagsFrom   []func(*gin.Context) []string
	Foreign    []string                  // cookies that, set outside, do not matter
	Unkept     []string                  // fields of responses that are not stored, canonical
	BodyKey    bool                      // a POST only reads, and its content is in the key
	BodyLimit  int64                     // bytes; 0 for the cache's own
	Lease      *time.Duration            // for how long at most other processes wait for a fill of this one; nil for what the cache says
	IgnoreAsk  bool                      // the client's Cache-Control and Pragma count for nothing
	Unranked   bool                      // the order of the client's languages counts for nothing
	ShowKey    bool                      // Cache-Status tells the key
	Debugs     []func(*gin.Context) bool // any of them has the response tell how it came about
	DryRun     bool                      // nothing is served from the cache
	Audit      *AuditRate                // of its hits; nil for what the cache says

	Compression *bool // responses are kept so that they can be served in a coding, or not; nil for what the cache says

	Normalisers []audit.Normaliser // take out of responses that are compared what may differ

	depth  int                              // how many routes it is inside of
	search atomic.Pointer[target.Variation] // what responses have declared last of the query; nil where there was none yet
	bound  atomic.Pointer[binding]
	merged atomic.Pointer[map[*Route]*Route] // what it comes to inside of others
}

// KeyPart is what a route adds to the key of a request.
type KeyPart struct {
	Of    func(*gin.Context) string
	Named bool // a purge can name it
}

// binding is a route's key scheme for one server. A route serves one engine as a rule, so the last one is kept.
type binding struct {
	server *Server
	scheme target.Scheme
}

// scheme returns the route's key scheme for a server.
func (rt *Route) scheme(s *Server) *target.Scheme {
	if b := rt.bound.Load(); b != nil && b.server == s {
		return &b.scheme
	}
	query := rt.Query
	if query == 0 {
		query = target.WholeQuery
	}
	b := &binding{server: s, scheme: target.NewScheme(target.Route{
		Prefix: s.prefix, Service: s.service, Namespaces: rt.Namespaces, Query: query, Params: rt.Params,
		Ignored: rt.Ignored, Sorted: rt.Sorted, Depth: rt.depth, Tagged: s.entries.Sharded(),
	})}
	rt.bound.Store(b)
	return &b.scheme
}

// declared notes what a response has declared of the query; nil for no response. Where some declare something, others do not count.
func (rt *Route) declared(v *target.Variation) {
	switch known := rt.search.Load(); {
	case v == nil || v == known:
	case v.Declares() && !v.Equal(known), known == nil:
		rt.search.Store(v)
	}
}

// maxMerged bounds what a route remembers to come to inside of others. A program has few; one that makes its routes anew
// for each request must not grow for it.
const maxMerged = 64

// within returns what the route comes to inside of another one: what the two say adds up where it narrows what is shared,
// and the inner one goes before where it does not.
func (rt *Route) within(outer *Route) *Route {
	known := rt.merged.Load()
	if known != nil {
		if merged := (*known)[outer]; merged != nil {
			return merged
		}
	}
	merged := rt.mergeInto(outer)
	if known == nil {
		rt.merged.CompareAndSwap(nil, &map[*Route]*Route{outer: merged})
	} else if len(*known) < maxMerged {
		more := maps.Clone(*known)
		more[outer] = merged
		rt.merged.CompareAndSwap(known, &more)
	}
	return merged
}

func (rt *Route) mergeInto(outer *Route) *Route {
	merged := &Route{
		Policy:     rt.Policy.Within(&outer.Policy),
		TTLFunc:    rt.TTLFunc,
		Vary:       union(outer.Vary, rt.Vary),
		Namespaces: union(outer.Namespaces, rt.Namespaces),
		Tags:       union(outer.Tags, rt.Tags),
		TagsFrom:   slices.Concat(outer.TagsFrom, rt.TagsFrom),
		Foreign:    union(outer.Foreign, rt.Foreign),
		Ignored:    union(outer.Ignored, rt.Ignored),
		Sorted:     rt.Sorted || outer.Sorted,
		Unkept:     union(outer.Unkept, rt.Unkept),
		BodyKey:    rt.BodyKey || outer.BodyKey,
		BodyLimit:  rt.BodyLimit,
		IgnoreAsk:  rt.IgnoreAsk || outer.IgnoreAsk,
		Unranked:   rt.Unranked || outer.Unranked,
		ShowKey:    rt.ShowKey || outer.ShowKey,
		Debugs:     slices.Concat(outer.Debugs, rt.Debugs),
		DryRun:     rt.DryRun || outer.DryRun,
		Audit:      rt.Audit,

		Normalisers: slices.Concat(outer.Normalisers, rt.Normalisers),
		depth:       outer.depth + 1,
	}
	if merged.Lease = rt.Lease; merged.Lease == nil {
		merged.Lease = outer.Lease
	}
	if merged.Audit == nil {
		merged.Audit = outer.Audit
	}
	if merged.Compression = rt.Compression; rt.Compression == nil || outer.Compression != nil && !*outer.Compression {
		merged.Compression = outer.Compression // a page that is to be left alone is, whatever the route inside says
	}
	if merged.BodyLimit == 0 {
		merged.BodyLimit = outer.BodyLimit
	}
	merged.Query, merged.Params = finer(outer, rt)
	return merged
}

// finer returns by how much of the query a route inside of another one is keyed: by all that either names, and by all there is
// where it does not say itself that less counts.
func finer(outer, inner *Route) (target.Query, []string) {
	named := union(outer.Params, inner.Params)
	switch {
	case inner.Query == 0:
		return 0, named
	case len(named) > 0:
		return target.ListedOnly, named
	}
	return target.NoQuery, nil
}

// union returns the members of two lists, those of the first one first.
func union(a, b []string) []string {
	all := slices.Clip(a)
	for _, member := range b {
		if !slices.Contains(all, member) {
			all = append(all, member)
		}
	}
	return all
}

// tells tells whether a route has a say of its own in which requests share a response.
func (rt *Route) tells() bool { return len(rt.Parts)+len(rt.Identities)+len(rt.Skips)+len(rt.Vary) > 0 }

// looksUpAs tells whether a route that was merged with another one inside still looks up and keeps as it did.
func (rt *Route) looksUpAs(merged *Route) bool {
	return rt.Query == merged.Query && rt.BodyKey == merged.BodyKey && slices.Equal(rt.Params, merged.Params) &&
		len(rt.Ignored) == len(merged.Ignored) && rt.Sorted == merged.Sorted &&
		len(rt.Namespaces) == len(merged.Namespaces) && len(rt.Vary) == len(merged.Vary) &&
		len(rt.Foreign) == len(merged.Foreign) && len(rt.Debugs) == len(merged.Debugs) && rt.IgnoreAsk == merged.IgnoreAsk &&
		rt.Unranked == merged.Unranked && rt.Policy.SetCookie == merged.Policy.SetCookie
}

// usual returns how long responses of the route are fresh, and may be served stale, where they do not say so; 0 where the route does not either.
func (rt *Route) usual() time.Duration {
	if rt.TTLFunc != nil || rt.Policy.TTL <= 0 {
		return 0
	}
	return rt.Policy.TTL + max(rt.Policy.StaleWhileRevalidate, rt.Policy.StaleIfError)
}

// bodyLimit returns how many bytes of a body are kept.
func (rt *Route) bodyLimit(s *Server) int64 {
	if rt.BodyLimit > 0 {
		return rt.BodyLimit
	}
	return s.bodyLimit
}
