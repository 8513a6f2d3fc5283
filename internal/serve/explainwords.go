package serve

import (
	"fmt"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// bypassRules are why nothing is looked up, with the section that says so, and what would have to change.
var bypassRules = map[rfc9111.Refusal][2]string{
	bypassedDisabled:      {"the cache is disabled (CACHETTE_DISABLED), or closed", ""},
	bypassedSkip:          {"a WithSkip of the route keeps the request away from the cache", "the function that WithSkip was given is to return false for it"},
	bypassedDryRun:        {"what is stored would have answered, and WithDryRun keeps the route from it", "WithDryRun is to be taken off the route"},
	bypassedAudit:         {"an audit has found that the route depends on what is not in its key, and AuditStops is set", "what the audit has named is to be in the key (cache.AuditReport), and the program to be started again"},
	bypassedIdentity:      {"a WithIdentity of the route does not know whom the response is for", "somebody is to be logged in, or the guard that says who is to stand before Cached"},
	bypassedContent:       {"the request has content, which means nothing that a cache knows (RFC 9110 §9.3.1); or, of a QUERY, content that could not be read whole", "a GET is to have no content; WithoutRequestDirectives ignores it. Of a QUERY, middleware is to leave the content as it came"},
	bypassedPrecondition:  {"the request has If-Match or If-Unmodified-Since, which the handler alone can evaluate (RFC 9111 §4.3.2)", "the request is to have neither; WithoutRequestDirectives ignores them"},
	bypassedUpgrade:       {"the request asks for another protocol (RFC 9110 §7.8)", ""},
	bypassedTarget:        {"the request is for a resource of another scheme or user, or trusted proxies name two schemes for it (RFC 9110 §7.1)", "the proxy is to take off the one of X-Forwarded-Proto and Forwarded that it does not set"},
	rfc9111.RefusedMethod: {"the method is neither GET, HEAD nor QUERY (RFC 9111 §3), nor POST on a route with WithBodyKey", ""},
	bypassedContentSize:   {"the content of the request is longer than what is kept of a body, and its key would need all of it (RFC 10008 §2.7)", "WithBodyLimit, or CACHETTE_BODY_LIMIT, is to be larger, or the content shorter"},
	bypassedContentRoom:   {"the contents of other requests take up all the memory that there is for them", "CACHETTE_MEMORY_LIMIT is to be larger"},
}

// Rule tells in a sentence what has decided, with its section.
func (e *Explained) Rule() string {
	switch {
	case e.Bypass != "":
		return bypassRules[e.Bypass][0]
	case e.Uncached && e.Route == "":
		return "no route is registered for it, or what is has no Cached"
	case e.Uncached:
		return "its route has no Cached"
	case !e.Reached:
		return fmt.Sprintf("the request has come to no Cached: something before it, or another route, has answered with %d", e.Status)
	case e.Failed != nil:
		return "the store did not answer, so the handler runs (fail open)"
	case e.Outcome == event.Unsatisfiable:
		return "the request says only-if-cached, and nothing suitable is stored (RFC 9111 §5.2.1.7)"
	}
	entry := e.Told.Entry
	switch {
	case entry == nil && e.Told.Variants != nil:
		return "what is stored is for other values of the fields that the response varies by (RFC 9111 §4.1)"
	case e.Forward == rfc9111.ForwardPartial:
		return "what is stored is a part of the page without the range (RFC 9111 §3.3)"
	case entry == nil:
		return "nothing is stored under its key (RFC 9111 §4)"
	case e.Told.State == purge.Gone:
		return "what was stored was purged, or its marks were lost"
	case e.Asked.NoStore:
		return "the request says no-store, so it is kept away from what is stored (RFC 9111 §5.2.1.5)"
	case !e.Admitted:
		return "the request has credentials, and what is stored is neither for whom they are nor says that it is for everybody (RFC 9111 §3.5)"
	}
	return e.freshnessRule(&entry.Meta)
}

// freshnessRule does so of what is stored, and may be for this request.
func (e *Explained) freshnessRule(m *rfc9111.Metadata) string {
	fresh := m.Fresh(e.Now)
	switch {
	case e.Outcome == event.Hit && e.Told.Entry.Asked != "":
		return fmt.Sprintf("a part of the page is stored, has the range, and is fresh for another %v (RFC 9111 §3.3, §4.2)", Short(fresh))
	case e.Outcome == event.Hit:
		return fmt.Sprintf("what is stored is fresh for another %v (RFC 9111 §4.2)", Short(fresh))
	case e.Outcome == event.StaleHit && e.Asked.TakesStale():
		return "what is stored is stale, and the request takes it by max-stale (RFC 9111 §5.2.1.2)"
	case e.Outcome == event.Collapsed:
		return fmt.Sprintf("what is stored is stale; it is refreshed, and a fresh one is waited for, for at most %v as WithPatience says; then the stale one is served (RFC 5861 §3, §4)", Short(m.Patience))
	case e.Outcome == event.StaleHit:
		return "what is stored is stale, and is served while it is refreshed, as stale-while-revalidate says (RFC 5861 §3)"
	case e.Asked.NoCache:
		return "the request says no-cache (RFC 9111 §5.2.1.4)"
	case m.NoCache:
		return "what is stored says no-cache: it is validated before each use (RFC 9111 §5.2.2.4)"
	case fresh > 0 && e.Asked.MaxAge.Set:
		return "the request says max-age, and what is stored is older (RFC 9111 §5.2.1.1)"
	case fresh > 0:
		return "the request says min-fresh, and what is stored is not fresh for so long (RFC 9111 §5.2.1.3)"
	case m.MustRevalidate:
		return "what is stored is stale, and is not to be served so (RFC 9111 §4.2.4, §5.2.2.2)"
	}
	return "what is stored is stale (RFC 9111 §4.2)"
}

// Advice tells what would have to change for a hit; nothing for one. refused are the reasons why responses of the route were not stored.
func (e *Explained) Advice(refused []Refusal) (advice []string) {
	add := func(format string, args ...any) { advice = append(advice, fmt.Sprintf(format, args...)) }
	switch entry := e.Told.Entry; {
	case e.Outcome == event.Hit:
		return nil
	case e.Bypass != "":
		if say := bypassRules[e.Bypass][1]; say != "" {
			add("%s", say)
		}
	case e.Uncached:
		add("the route is to have a Cached")
	case !e.Reached:
		add("what stands before Cached, as a guard, is to let the request through")
	case e.Failed != nil:
		add("the store is to answer: %v", e.Failed)
	case entry == nil && e.Told.Variants != nil:
		add("the request is to have the values of %s that another one had; or a handler is to answer it first", strings.Join(e.Told.Variants.Fields, ", "))
	case entry == nil, e.Told.State == purge.Gone:
		e.adviseFill(add, refused)
	case e.Asked.NoStore, e.Asked.NoCache, e.Asked.MaxAge.Set, e.Asked.MinFresh.Set:
		add("the request is not to ask so in Cache-Control; WithoutRequestDirectives ignores what clients ask")
	case !e.Admitted:
		add("the route is to say whom its pages are for, by WithIdentity; or the response that they are for everybody, by public or s-maxage (RFC 9111 §3.5)")
	case entry.Meta.NoCache:
		add("the response is not to say no-cache")
	default:
		add("a request for it is to be answered by the handler; WithStaleWhileRevalidate serves what is stale meanwhile")
	}
	return advice
}

// adviseFill advises of what is not stored.
func (e *Explained) adviseFill(add func(string, ...any), refused []Refusal) {
	told := false
	for i := range refused {
		if r := &refused[i]; r.Route == e.Route && !r.Bypass {
			add("a response of this route was not stored (%d so far, the last one %v ago): %s (docs/cache-status.md has what to do)", r.Count, Short(e.Now.Sub(r.Last)), r.Reason)
			told = true
		}
	}
	if !told {
		add("a request for it is to be answered by the handler first")
	}
	if e.Nested > 0 {
		add("what stands between two Cached of the route answers it, so the inner one, which may have it, is not asked")
	}
}

// Origin tells what gives what is stored its lifetime.
func (e *Explained) Origin() string {
	entry := e.Told.Entry
	h := entry.UpdatedHeader(nil)
	origin, declared := rfc9111.LifetimeFrom(h, entry.Meta.ResponseTime)
	switch {
	case e.Told.State == purge.Stale:
		return "a soft purge, which has ended it"
	case origin == "":
		return "the route: its ttl, WithTTLFunc, WithStatusTTL or WithHeuristicFreshness"
	case declared != entry.Meta.Lifetime:
		return origin + ", shortened by the route or by what the response is made of"
	}
	return origin
}

// CacheControl returns what the stored response says in Cache-Control.
func (e *Explained) CacheControl() string {
	return strings.Join(response.ValuesOf(e.Told.Entry.Fields, "Cache-Control"), ", ")
}

// Short is a duration in milliseconds.
func Short(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
