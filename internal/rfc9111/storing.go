package rfc9111

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Exchange is a request that reached the handler and the response it made.
type Exchange struct {
	Method  string
	Request http.Header // the request's fields
	Partial bool        // a 206 whose part of the whole is known ([ReadPart])
	NoStore bool        // the request says that no response to it is to be stored (RFC 9111 §5.2.1.5)

	Status int
	Header http.Header // the fields that the handler, and nothing outside of the cache, set

	RequestTime  time.Time // when the handler began
	ResponseTime time.Time // when the response's header was complete
}

// Policy is what a route adds to what the response says. The response wins wherever it says something.
type Policy struct {
	// TTL is the freshness of the statuses 200, 203, 204, 300, 301 and 308; none when 0.
	TTL time.Duration
	// StatusTTL is the freshness of other statuses, and wins over TTL.
	StatusTTL map[int]time.Duration
	// Heuristic allows heuristic freshness where nothing else gives any (RFC 9111 §4.2.2).
	Heuristic bool
	// SetCookie allows storing a response that sets cookies.
	SetCookie bool
	// Partitioned says that the cache key names whom the response is for. The cache is then a private one for that
	// party: responses marked private and responses to requests with Authorization may be stored.
	Partitioned bool
	// StaleWhileRevalidate and StaleIfError hold where the response has no such directive (RFC 5861).
	StaleWhileRevalidate time.Duration
	StaleIfError         time.Duration
	// Patience is for how long a request waits for a fresh response where it may have a stale one; 0 where nothing is said.
	Patience time.Duration
	// Jitter is the part of its lifetime by which each response may be stale earlier; 0 where nothing is said.
	Jitter float64
	// EarlyRefresh is the beta by which responses are refreshed before they are stale ([Metadata.EndsEarly]); 0 where nothing is said.
	EarlyRefresh float64
}

// Metadata is what a cache has to know of a response that it stores.
type Metadata struct {
	ResponseTime time.Time     // when it was received
	InitialAge   time.Duration // how old it was then
	Lifetime     time.Duration // how old it may become and still be fresh

	NoCache        bool // any use needs validation
	MustRevalidate bool // once stale, any use needs validation
	Shareable      bool // it may answer a request with Authorization

	StaleWhileRevalidate time.Duration
	StaleIfError         time.Duration
	Patience             time.Duration // for how long a request for it waits for a fresh one, once it is stale; 0 where none does for a time
	Early                time.Duration // what its fill took, times the beta of its route; 0 where it is not refreshed early
	Took                 time.Duration // what the handler took to make it; 0 where that is not known

	Vary []string // the request fields that selected it, canonical, sorted
}

// Refusal is why a response is not stored; it is empty for one that is. It is a token that fits the detail parameter of
// Cache-Status (RFC 9211 §2.7).
type Refusal string

// The reasons not to store a response.
const (
	Stored             Refusal = ""
	RefusedMethod      Refusal = "method"         // RFC 9111 §3: the method is not understood to be cacheable
	RefusedStatus      Refusal = "status"         // RFC 9111 §3: 206, 304 and 416 are not the whole; others are not fresh
	RefusedRequest     Refusal = "request"        // RFC 9111 §5.2.1.5: the request says no-store
	RefusedNoStore     Refusal = "no-store"       // RFC 9111 §5.2.2.5
	RefusedPrivate     Refusal = "private"        // RFC 9111 §5.2.2.7
	RefusedCredentials Refusal = "authorization"  // RFC 9111 §3.5
	RefusedSetCookie   Refusal = "set-cookie"     // a cookie is for one client; a route may allow it
	RefusedVary        Refusal = "vary"           // RFC 9111 §4.1: Vary: * never matches
	RefusedStale       Refusal = "stale"          // not fresh, and nothing to validate it with
	RefusedUnknown     Refusal = "not-understood" // RFC 9111 §5.2.2.3: must-understand, and it is not
	RefusedEventStream Refusal = "event-stream"   // it may never end, and declares no freshness of its own
)

// ForOne tells whether a response that is not stored for this reason shows that those to other requests are for one client each, or for
// none to keep, too.
func (why Refusal) ForOne() bool {
	switch why {
	case RefusedNoStore, RefusedPrivate, RefusedCredentials, RefusedSetCookie, RefusedVary, RefusedEventStream:
		return true
	}
	return false
}

// Storable decides whether a shared cache may store a response (RFC 9111 §3) and returns what to know of it. omit names
// the fields that may not be stored with it: those that a qualified private or no-cache lists.
func Storable(x *Exchange, p *Policy) (m Metadata, omit []string, why Refusal) {
	d, targeted := cacheControl(x.Header)
	if why = forbidden(x, &d, p); why != Stored {
		return Metadata{}, nil, why
	}
	omit = append(d.PrivateFields, d.NoCacheFields...)
	if _, sets := x.Header["Set-Cookie"]; sets && !p.SetCookie && !slices.Contains(omit, "Set-Cookie") {
		return Metadata{}, nil, RefusedSetCookie
	}
	vary, any := VaryFields(x.Header)
	if any {
		return Metadata{}, nil, RefusedVary
	}

	m = Metadata{
		ResponseTime:         x.ResponseTime,
		NoCache:              d.NoCache,
		MustRevalidate:       d.MustRevalidate || d.ProxyRevalidate || d.SMaxAge.Set,
		Shareable:            p.Partitioned || sharesCredentials(&d),
		StaleWhileRevalidate: window(d.StaleWhileRevalidate, p.StaleWhileRevalidate),
		StaleIfError:         window(d.StaleIfError, p.StaleIfError),
		Patience:             p.Patience,
		Vary:                 vary,
	}
	lifetime, declared := declaredLifetime(x, &d, targeted)
	if lifetime <= 0 && endless(x.Header) {
		return Metadata{}, nil, RefusedEventStream
	}
	if !declared {
		lifetime = impliedLifetime(x, &d, p)
	}
	m.InitialAge, m.Lifetime = min(initialAge(x), maxDelta), min(lifetime, maxDelta) // so that no sum of them overflows
	return m, omit, worthKeeping(x, &m, declared || d.NoCache)
}

// forbidden applies what rules out storing whatever the freshness (RFC 9111 §3).
func forbidden(x *Exchange, d *ResponseDirectives, p *Policy) Refusal {
	switch {
	case x.Method != http.MethodGet && !selfContained(x):
		return RefusedMethod
	case x.Status < 200 || x.Status == http.StatusPartialContent && !x.Partial || x.Status == http.StatusNotModified,
		x.Status == http.StatusRequestedRangeNotSatisfiable: // the answer to one range, and the key does not hold the range
		return RefusedStatus
	case d.MustUnderstand && !understood(x.Status):
		return RefusedUnknown
	case d.NoStore && !d.MustUnderstand: // §5.2.2.3: a cache that understands the status ignores no-store
		return RefusedNoStore
	case x.NoStore:
		return RefusedRequest
	case d.Private && !p.Partitioned:
		return RefusedPrivate
	case len(x.Request["Authorization"]) > 0 && !p.Partitioned && !sharesCredentials(d):
		return RefusedCredentials
	}
	return Stored
}

// selfContained tells whether a POST's response may answer a later GET (RFC 9110 §9.3.3): it declares its freshness,
// and its Content-Location is the request's own URI, which the caller has seen to.
func selfContained(x *Exchange) bool {
	if x.Method != http.MethodPost || x.Status != http.StatusOK || len(x.Header["Content-Location"]) != 1 {
		return false
	}
	d, targeted := cacheControl(x.Header)
	_, declared := declaredLifetime(x, &d, targeted)
	return declared
}

// sharesCredentials tells whether a response to a request with Authorization may be stored by a shared cache (§3.5).
func sharesCredentials(d *ResponseDirectives) bool {
	return d.Public || d.MustRevalidate || d.SMaxAge.Valid
}

// impliedLifetime is the lifetime of a response that declares none: what the route gives its status, or a heuristic one.
func impliedLifetime(x *Exchange, d *ResponseDirectives, p *Policy) time.Duration {
	if ttl, ok := p.StatusTTL[x.Status]; ok {
		return ttl
	}
	if p.TTL > 0 && takesTTL(x.Status) {
		return p.TTL
	}
	if p.Heuristic {
		return heuristicLifetime(x, d)
	}
	return 0
}

// endless tells whether a response's media type is made to go on for as long as the client listens: events as they come
// (HTML, section 9.2), or pictures of which each replaces the one before. A part of such a response that happened to end
// is no answer to the next client, unless the response itself says that it stays fresh: no time that a route gives is
// meant for it.
func endless(h http.Header) bool {
	for _, line := range h["Content-Type"] {
		kind, _, _ := strings.Cut(line, ";")
		kind = trim(kind)
		if strings.EqualFold(kind, "text/event-stream") || strings.EqualFold(kind, "multipart/x-mixed-replace") {
			return true
		}
	}
	return false
}

// worthKeeping refuses what could never be used: a response that is stale already, and that nothing can validate.
func worthKeeping(x *Exchange, m *Metadata, declared bool) Refusal {
	if m.Lifetime > m.InitialAge && !m.NoCache {
		return Stored
	}
	v := ReadValidators(x.Header, x.ResponseTime)
	switch {
	case declared && (v.ETag != "" || !v.LastModified.IsZero()):
		return Stored
	case m.Lifetime == 0 && !declared && !takesTTL(x.Status):
		return RefusedStatus
	}
	return RefusedStale
}

func window(d Delta, otherwise time.Duration) time.Duration {
	if d.Set {
		return d.Value
	}
	return otherwise
}

// connectionFields are the fields that describe the connection and not the response (RFC 9111 §3.1).
var connectionFields = [...]string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// connectionLengths has a bit for each of their lengths. Most names have none of these.
var connectionLengths = func() (lengths uint64) {
	for _, field := range connectionFields {
		lengths |= 1 << len(field)
	}
	return lengths
}()

// Unstored returns a predicate that tells which fields of a response may not be stored: those of the connection,
// those that its Connection field lists (RFC 9110 §7.6.1), its trailers, and omit.
func Unstored(h http.Header, omit []string) func(name string) bool {
	if _, connection := h["Connection"]; !connection && len(h["Trailer"]) == 0 && len(omit) == 0 {
		return neverStored
	}
	listed := slices.Clone(omit)
	for _, field := range [...]string{"Connection", "Trailer"} {
		for _, line := range h[field] {
			listed = slices.Grow(listed, strings.Count(line, ",")+1)
			for name := range fieldNames(line) {
				listed = append(listed, Canonical(name))
			}
		}
	}
	slices.Sort(listed) // to be searched: both lists, and the fields that are asked for, can be long
	return func(name string) bool {
		_, found := slices.BinarySearch(listed, Canonical(name))
		return found || neverStored(name)
	}
}

// neverStored tells whether a field may never be stored, whatever the response. Its name may be in any spelling: a handler can write to
// the header map as it likes.
func neverStored(name string) bool {
	if len(name) < 64 && connectionLengths>>len(name)&1 == 1 {
		for _, field := range connectionFields {
			if len(field) == len(name) && strings.EqualFold(field, name) { // of one length, so that letters beyond ASCII differ
				return true
			}
		}
	}
	const prefix = http.TrailerPrefix
	return len(name) >= len(prefix) && name[len(prefix)-1] == prefix[len(prefix)-1] && strings.EqualFold(name[:len(prefix)], prefix)
}
