// Package audit has what audits of a cache have found: see cachette.WithAudit, and docs/audit.md.
package audit

import (
	"fmt"
	"strings"
)

// Report is what audits have found since the cache was installed.
type Report struct {
	Routes []Route // those that requests have come to, sorted by their patterns
}

// Route is what was found of one route.
type Route struct {
	Pattern string // as "/products/:id"; empty for requests without a route
	DryRun  bool   // nothing of it is served from the cache, so that hits are those that would have been
	Stopped bool   // nothing of it is cached any more, since something was found: see AuditStops of the Config

	Requests    uint64 // that came
	Hits        uint64 // that a stored response has answered, or would have
	Samples     uint64 // hits whose handlers were run for comparison
	Differences uint64 // of these: those that were answered otherwise than by what is stored
	Unexplained uint64 // of these: those of which nothing of the request was seen to be the cause, as where data has changed since
	Skipped     uint64 // hits that were to be compared and were not: other audits were under way, or the handlers have failed

	Causes []Cause // what the responses depend on and their key does not have, sorted
}

// Kind says what of a request, or beside it, a response depends on.
type Kind string

// The kinds of causes.
const (
	Cookie  Kind = "cookie"
	Header  Kind = "header"  // a field of the request
	Keys    Kind = "c.Keys"  // a value that a handler before Cached has set on the gin.Context
	Address Kind = "address" // that of the client
	Query   Kind = "query"   // a parameter of it that the route does not key by
	Time    Kind = "time"    // or chance: what runs for the same request make differs
)

// Cause is something that the responses of a route depend on, and that their key does not have: one client may be given what was made for another.
type Cause struct {
	Kind      Kind
	Name      string   // of the cookie, the field, the key or the parameter; empty for the others
	Times     uint64   // how often it was seen
	Differs   []string // what was seen to differ: status, names of fields, body. It has nothing of their contents
	FirstByte int      // the index of the first byte of the body that differs; -1 where the bodies are the same
	Advice    string   // what to do
}

// String names the cause.
func (c *Cause) String() string {
	switch c.Kind {
	case Cookie:
		return fmt.Sprintf("the cookie %q", c.Name)
	case Header:
		return fmt.Sprintf("the request field %q", c.Name)
	case Keys:
		return fmt.Sprintf("the value %q of c.Keys", c.Name)
	case Address:
		return "the client's address"
	case Query:
		return fmt.Sprintf("the query parameter %q", c.Name)
	}
	return "time or chance"
}

// Advise says what to do about a cause.
func (c *Cause) Advise() string {
	const private = ", or mark the response private"
	switch c.Kind {
	case Cookie:
		return fmt.Sprintf("key it with WithCookie(%q), by WithIdentity where it says who asks", c.Name) + private
	case Header:
		if c.Name == "Authorization" {
			return "key by whom it names with WithIdentity" + private
		}
		return fmt.Sprintf("key it with WithVary(%q), or have the response name it in Vary", c.Name) + private
	case Keys:
		return fmt.Sprintf("key it with WithKeyPart(func(c *gin.Context) string { return c.GetString(%q) }), by WithIdentity where it says who asks", c.Name) + private
	case Address:
		return "key by what it decides, as a country, with WithKeyPart" + private
	case Query:
		return fmt.Sprintf("name %q in WithQueryParams", c.Name)
	}
	return "give it a ttl for which it may be shown, do not cache it, or leave out what may differ with WithAuditNormaliser"
}

// String returns the report as text for a person: a line for each route, and one for each cause. It has nothing of any request or response but
// names.
func (r Report) String() string {
	if len(r.Routes) == 0 {
		return "No request has come to a route with Cached yet.\n"
	}
	var b strings.Builder
	for i := range r.Routes {
		r.Routes[i].write(&b)
	}
	return b.String()
}

// write adds the lines of a route.
func (r *Route) write(b *strings.Builder) {
	hits := "hits"
	if r.DryRun {
		hits = "would-be hits"
	}
	fmt.Fprintf(b, "%s: %d requests, %d %s (%s); %d compared, %d different, %d of them with no cause in the request, %d skipped", shown(r.Pattern), r.Requests, r.Hits, hits,
		share(r.Hits, r.Requests), r.Samples, r.Differences, r.Unexplained, r.Skipped)
	if r.Stopped {
		b.WriteString("; no longer cached until the process restarts")
	}
	b.WriteByte('\n')
	for i := range r.Causes {
		c := &r.Causes[i]
		fmt.Fprintf(b, "  differs by %s (%d times: %s", c, c.Times, strings.Join(c.Differs, ", "))
		if c.FirstByte >= 0 {
			fmt.Fprintf(b, " from byte %d on", c.FirstByte)
		}
		fmt.Fprintf(b, "): %s\n", c.Advice)
	}
}

// shown is a pattern as text has it.
func shown(pattern string) string {
	if pattern == "" {
		return "(no route)"
	}
	return pattern
}

// share returns a part of a whole in per cent.
func share(part, whole uint64) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(whole))
}
