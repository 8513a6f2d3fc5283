// Package options makes what cachette's options say of a route, and panics where that is wrong: an option is a part of the
// program. The root documents them.
package options

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/serve"
)

// Option says something of a route.
type Option = func(*serve.Route)

// Route returns what Cached is told by its ttl.
func Route(ttl time.Duration) *serve.Route {
	if ttl < 0 {
		panic(fmt.Errorf("%w: Cached: ttl is %v; give 0, to cache only what says for how long, or more", argument.Err, ttl))
	}
	if ttl > 0 {
		mustLast("Cached: ttl", ttl)
	}
	route := &serve.Route{}
	route.Policy.TTL = ttl
	return route
}

// mustLast panics unless a duration is one that can be meant.
func mustLast(what string, d time.Duration) {
	if problem := argument.Duration(d); problem != "" {
		panic(fmt.Errorf("%w: %s %s", argument.Err, what, problem))
	}
}

// mustAgree panics when two options of one Cached say different things.
func mustAgree(one, other string, agree bool) {
	if !agree {
		panic(fmt.Errorf("%w: Cached: %s contradicts %s; give one of them", argument.Err, other, one))
	}
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

// KeyPart is WithKeyPart.
func KeyPart(part func(*gin.Context) string) Option {
	if part == nil {
		panic(fmt.Errorf("%w: WithKeyPart: part is nil; give a function that returns a part of the key", argument.Err))
	}
	return func(r *serve.Route) { r.Parts = append(r.Parts, serve.KeyPart{Of: part, Named: true}) }
}

// Cookie is WithCookie.
func Cookie(name string) Option {
	mustNameCookie("WithCookie", name)
	return func(r *serve.Route) {
		r.Parts = append(r.Parts, serve.KeyPart{Of: func(c *gin.Context) string { return cookieValues(c.Request, name) }})
	}
}

// mustNameCookie panics unless a cookie can have a name: one by another would never be there, which tells no clients apart.
func mustNameCookie(option, name string) {
	if !argument.IsToken(name) {
		panic(fmt.Errorf("%w: %s: %q is no name of a cookie; give one, as \"session\"", argument.Err, option, name))
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

// Identity is WithIdentity.
func Identity(identity func(*gin.Context) string) Option {
	if identity == nil {
		panic(fmt.Errorf("%w: WithIdentity: identity is nil; give a function that names whom a response is for", argument.Err))
	}
	return func(r *serve.Route) { r.Identities = append(r.Identities, identity) }
}

// Vary is WithVary.
func Vary(fields ...string) Option {
	if len(fields) == 0 {
		panic(fmt.Errorf("%w: WithVary: no field is named; give the names of request fields, as \"Accept\"", argument.Err))
	}
	var names []string
	for _, field := range fields {
		if !argument.IsToken(field) || field == "*" {
			panic(fmt.Errorf("%w: WithVary: %q is no name of a field; give one, as \"Accept\"", argument.Err, field))
		}
		names = append(names, http.CanonicalHeaderKey(field))
	}
	return func(r *serve.Route) {
		r.Vary = slices.Compact(slices.Sorted(slices.Values(append(r.Vary, names...))))
	}
}

// Skip is WithSkip.
func Skip(skip func(*gin.Context) bool) Option {
	if skip == nil {
		panic(fmt.Errorf("%w: WithSkip: skip is nil; give a function that tells which requests to keep away from the cache", argument.Err))
	}
	return func(r *serve.Route) { r.Skips = append(r.Skips, skip) }
}

// Namespace is WithNamespace.
func Namespace(namespace string) Option {
	if problem := argument.Namespace(namespace); problem != "" {
		panic(fmt.Errorf("%w: WithNamespace: %s", argument.Err, problem))
	}
	return func(r *serve.Route) {
		if !slices.Contains(r.Namespaces, namespace) {
			r.Namespaces = append(r.Namespaces, namespace)
		}
	}
}

// Tags is WithTags.
func Tags(tags ...string) Option {
	return func(r *serve.Route) {
		mustTag("WithTags", tags)
		for _, tag := range tags {
			if !slices.Contains(r.Tags, tag) {
				r.Tags = append(r.Tags, tag)
			}
		}
	}
}

// mustTag panics unless tags are some.
func mustTag(what string, tags []string) {
	if len(tags) == 0 {
		panic(fmt.Errorf("%w: %s: no tag is named; name one or more", argument.Err, what))
	}
	if len(tags) > argument.MaxTags {
		panic(fmt.Errorf("%w: %s: %d tags are named; give %d at most", argument.Err, what, len(tags), argument.MaxTags))
	}
	for _, tag := range tags {
		if problem := argument.Tag(tag); problem != "" {
			panic(fmt.Errorf("%w: %s: %s", argument.Err, what, problem))
		}
	}
}

// TagsFrom is WithTagsFrom.
func TagsFrom(tags func(*gin.Context) []string) Option {
	if tags == nil {
		panic(fmt.Errorf("%w: WithTagsFrom: tags is nil; give a function that returns tags", argument.Err))
	}
	return func(r *serve.Route) { r.TagsFrom = append(r.TagsFrom, tags) }
}

// TTLFunc is WithTTLFunc.
func TTLFunc(ttl func(c *gin.Context) time.Duration) Option {
	if ttl == nil {
		panic(fmt.Errorf("%w: WithTTLFunc: ttl is nil; give a function that returns a time to live", argument.Err))
	}
	return func(r *serve.Route) {
		mustAgree("another WithTTLFunc", "WithTTLFunc", r.TTLFunc == nil)
		mustAgree(fmt.Sprintf("the ttl %v", r.Policy.TTL), "WithTTLFunc", r.Policy.TTL == 0)
		r.TTLFunc = ttl
	}
}

// StatusTTL is WithStatusTTL.
func StatusTTL(status int, ttl time.Duration) Option {
	switch status {
	case http.StatusPartialContent, http.StatusNotModified, http.StatusRequestedRangeNotSatisfiable:
		panic(fmt.Errorf("%w: WithStatusTTL: status %d says nothing of the whole; give another than 206, 304 and 416",
			argument.Err, status))
	}
	if status < 200 || status > 599 {
		panic(fmt.Errorf("%w: WithStatusTTL: status %d is not a final one; give one from 200 to 599", argument.Err, status))
	}
	mustLast(fmt.Sprintf("WithStatusTTL: the ttl of %d", status), ttl)
	return func(r *serve.Route) {
		if r.Policy.StatusTTL == nil {
			r.Policy.StatusTTL = make(map[int]time.Duration)
		}
		before, said := r.Policy.StatusTTL[status]
		mustAgree(fmt.Sprintf("WithStatusTTL(%d, %v)", status, before), fmt.Sprintf("WithStatusTTL(%d, %v)", status, ttl), !said || before == ttl)
		r.Policy.StatusTTL[status] = ttl
	}
}

// WithoutRequestDirectives is cachette's.
func WithoutRequestDirectives() Option {
	return func(r *serve.Route) { r.IgnoreAsk = true }
}

// UnrankedLanguages is WithUnrankedLanguages.
func UnrankedLanguages() Option {
	return func(r *serve.Route) { r.Unranked = true }
}

// StaleWhileRevalidate is WithStaleWhileRevalidate.
func StaleWhileRevalidate(window time.Duration) Option {
	mustLast("WithStaleWhileRevalidate: the window", window)
	return func(r *serve.Route) { setWindow(&r.Policy.StaleWhileRevalidate, window, "WithStaleWhileRevalidate") }
}

// StaleIfError is WithStaleIfError.
func StaleIfError(window time.Duration) Option {
	mustLast("WithStaleIfError: the window", window)
	return func(r *serve.Route) { setWindow(&r.Policy.StaleIfError, window, "WithStaleIfError") }
}

// Lease is WithLease.
func Lease(most time.Duration) Option {
	mustLease(most)
	return func(r *serve.Route) {
		if r.Lease != nil {
			mustAgree(fmt.Sprintf("WithLease(%v)", *r.Lease), fmt.Sprintf("WithLease(%v)", most), *r.Lease == most)
		}
		r.Lease = &most
	}
}

func mustLease(most time.Duration) {
	if most != 0 {
		mustLast("WithLease: the lease", most)
	}
}

func setWindow(into *time.Duration, window time.Duration, name string) {
	mustAgree(fmt.Sprintf("%s(%v)", name, *into), fmt.Sprintf("%s(%v)", name, window), *into == 0 || *into == window)
	*into = window
}

// Patience is WithPatience.
func Patience(wait time.Duration) Option {
	mustLast("WithPatience: the time", wait)
	return func(r *serve.Route) { setWindow(&r.Policy.Patience, wait, "WithPatience") }
}

// Jitter is WithJitter.
func Jitter(part float64) Option {
	mustJitter(part)
	return func(r *serve.Route) {
		own := fmt.Sprintf("WithJitter(%v)", part)
		mustAgree(fmt.Sprintf("WithJitter(%v)", r.Policy.Jitter), own, r.Policy.Jitter == 0 || r.Policy.Jitter == part)
		r.Policy.Jitter = part
	}
}

func mustJitter(part float64) {
	if !(part > 0 && part < 1) {
		panic(fmt.Errorf("%w: WithJitter: the part is %v; give one between 0 and 1, as 0.1", argument.Err, part))
	}
}

// EarlyRefresh is WithEarlyRefresh.
func EarlyRefresh(beta float64) Option {
	mustBeta(beta)
	return func(r *serve.Route) {
		own := fmt.Sprintf("WithEarlyRefresh(%v)", beta)
		mustAgree(fmt.Sprintf("WithEarlyRefresh(%v)", r.Policy.EarlyRefresh), own, r.Policy.EarlyRefresh == 0 || r.Policy.EarlyRefresh == beta)
		r.Policy.EarlyRefresh = beta
	}
}

func mustBeta(beta float64) {
	if !(beta > 0) || math.IsInf(beta, 0) {
		panic(fmt.Errorf("%w: WithEarlyRefresh: beta is %v; give 1, or more to refresh earlier", argument.Err, beta))
	}
}

// HeuristicFreshness is WithHeuristicFreshness.
func HeuristicFreshness() Option {
	return func(r *serve.Route) { r.Policy.Heuristic = true }
}

// SetCookie is WithSetCookie.
func SetCookie() Option {
	return func(r *serve.Route) { r.Policy.SetCookie = true }
}

// ForeignCookies is WithForeignCookies.
func ForeignCookies(names ...string) Option {
	if len(names) == 0 {
		panic(fmt.Errorf("%w: WithForeignCookies: no cookie is named; give the names of those that middleware sets", argument.Err))
	}
	for _, name := range names {
		mustNameCookie("WithForeignCookies", name)
	}
	names = slices.Clone(names)
	return func(r *serve.Route) { r.Foreign = append(r.Foreign, names...) }
}

// CacheStatusKey is WithCacheStatusKey.
func CacheStatusKey() Option {
	return func(r *serve.Route) { r.ShowKey = true }
}

// Debug is WithDebug.
func Debug(wants func(*gin.Context) bool) Option {
	if wants == nil {
		panic("cachette: WithDebug: the function is nil")
	}
	return func(r *serve.Route) { r.Debugs = append(r.Debugs, wants) }
}

// Invalidates is cachette's.
func Invalidates(tags ...string) gin.HandlerFunc {
	mustTag("Invalidates", tags)
	return InvalidatesFrom(func(*gin.Context) []string { return tags })
}

// InvalidatesFrom is cachette's.
func InvalidatesFrom(tags func(*gin.Context) []string) gin.HandlerFunc {
	if tags == nil {
		panic(fmt.Errorf("%w: InvalidatesFrom: tags is nil; give a function that returns tags", argument.Err))
	}
	return func(c *gin.Context) { serve.Invalidates(c, tags) }
}

// InvalidateOn is cachette's.
func InvalidateOn(word string) gin.HandlerFunc {
	on := rfc9111.Invalidation(word)
	switch on {
	case rfc9111.OnNone, rfc9111.OnSuccess, rfc9111.OnNonError, rfc9111.OnAny:
		return func(c *gin.Context) { serve.InvalidateOn(c, on) }
	}
	panic(fmt.Errorf("%w: InvalidateOn: %q names no answers; give \"none\", \"success\", \"non-error\" or \"any\"", argument.Err, word))
}
