// Package target says what a request asks for, and builds the key under which the response for it is stored.
//
// A response's key is
//
//	prefix [namespace ":"] "~r:" [tag] scheme mode ["i" ignored] ["o"] ["n"…] ["@" service] ["+" part] ["!" identity] ["=" content] "//" host path ["%@" rest] ["%*" target] ["%?" listed] ["%&" declared] ["?" query] ["#" variant | "#p"]
//
// tag is that of the path, in a store of several servers (see [Tag]); scheme is "s" for a request over TLS, "h" otherwise; mode tells how much of the query is in the key, and, with a digest
// of fixed length, which of its parameters if not all; ignored is a digest of those that count for nothing, and "o" says that their order
// counts for nothing; there is an "n" for each route that this one is inside of; service,
// part, identity, content and variant are digests too, and "#p" is for a part of the response. target is what the client asked for,
// where that is not what the route sees, and listed the parameters of it that count; rest is a digest too, of what a middleware has
// written into the URL beside path and query, and declared one of what the response declares of the query (see [Variation]). Host, path, target and query are escaped, so no two different requests ever share a
// key, and none is ever that of a value (see [Value]).
package target

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// marker begins the part of a key that only responses have.
const marker = "~r:"

// Value returns the key of a value: prefix and name, byte for byte, since other programs may share it. Only a name in
// which a response's marker stands, at its beginning or behind a colon, has the marker's "~" doubled.
func Value(prefix, name string) string { return prefix + escapeMarker(name) }

// Namespace returns what the keys of all values and responses in a namespace begin with.
func Namespace(prefix, namespace string) string { return prefix + escapeMarker(namespace+":") }

// escapeMarker doubles the "~" of each run of them that, before "r:", begins a name or follows a colon. Doubling
// whole runs keeps different names different.
func escapeMarker(name string) string {
	if !strings.Contains(name, marker) {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); {
		run := len(name) - i - len(strings.TrimLeft(name[i:], "~"))
		if run > 0 && (i == 0 || name[i-1] == ':') && strings.HasPrefix(name[i+run:], "r:") {
			b.WriteString(name[i : i+run])
			b.WriteString(name[i : i+run])
			i += run
			continue
		}
		step := max(run, 1)
		b.WriteString(name[i : i+step])
		i += step
	}
	return b.String()
}

// Marks returns what the keys of the marks and logs of purges begin with. Where these have a letter of their own behind it, a
// response's key has the "h" or "s" of its scheme. In a store of several servers the tag of a path comes between, in keys of both.
func Marks(prefix string) string { return prefix + marker }

// Authority returns the host by which a purge names what is stored of it: its case, and the port that is the default one of a
// scheme, do not tell hosts apart (RFC 9110 §4.2.3).
func Authority(host string) string {
	host = strings.ToLower(host)
	if bare, ok := strings.CutSuffix(host, ":80"); ok {
		return bare
	}
	return strings.TrimSuffix(host, ":443")
}

// Query is how much of a request's query enters its key.
type Query byte

// The ways to key by query.
const (
	WholeQuery Query = 'q' // all of it, as it is
	NoQuery    Query = 'p' // none
	ListedOnly Query = 'l' // the parameters that are listed
)

// Route is what the keys of one route have in common.
type Route struct {
	Prefix     string
	Service    string   // see [Service]
	Namespaces []string // the first one begins the keys
	Query      Query
	Params     []string // with ListedOnly: the names of the parameters
	Ignored    []string // parameters that count for nothing; one that ends in "*" stands for all that begin so
	Sorted     bool     // parameters of different names may come in any order
	Depth      int      // how many routes it is inside of
	Tagged     bool     // the store has several servers: see [Tag]
}

// Scheme builds the keys of one route.
type Scheme struct {
	head   string // what a key begins with that has a tag behind that
	tagged bool
	http   string // what a key begins with, or has behind its tag
	https  string // the same for a request over TLS
	query  Query
	params []string

	ignored names
	sorted  bool
}

// NewScheme returns the scheme of a route's keys.
func NewScheme(r Route) Scheme {
	head := r.Prefix + marker
	if len(r.Namespaces) > 0 {
		head = Namespace(r.Prefix, r.Namespaces[0]) + marker
	}
	params := sortedSet(r.Params)
	mode := string(r.Query)
	if r.Query == ListedOnly {
		mode += listDigest(params)
	}
	if len(r.Ignored) > 0 {
		mode += "i" + listDigest(sortedSet(r.Ignored))
	}
	if r.Sorted {
		mode += "o"
	}
	mode += strings.Repeat("n", r.Depth) + r.Service
	s := Scheme{query: r.Query, params: params, tagged: r.Tagged, ignored: namesOf(r.Ignored), sorted: r.Sorted}
	if s.tagged {
		s.head, head = head, ""
	}
	s.http, s.https = head+"h"+mode, head+"s"+mode
	return s
}

func sortedSet(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// listDigest tells lists of parameters apart: of two releases of a program that share a store, one may have learnt that
// a parameter counts, and must not be given what the other one has stored without it.
func listDigest(params []string) string {
	var list []byte
	for _, name := range params {
		list = append(list, url.QueryEscape(name)+"&"...)
	}
	sum := sha256.Sum256(list)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// Service returns what keys have of a service and its version: two services that share a store do not share responses. It
// is empty when both are.
func Service(name, version string) string {
	if name == "" && version == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(url.QueryEscape(name) + "&" + url.QueryEscape(version)))
	return "@" + base64.RawURLEncoding.EncodeToString(sum[:6]) // services are few, and their names are not chosen to clash
}

// Said is what routes add to the key of a request. It stands in keys as digests only.
type Said struct {
	Part     string // empty for nothing
	Identity string // empty for nobody in particular
	Content  string // of a request that is keyed by its content: see [Content]; else empty
}

// Target is what a request asks for: where its response is stored, and what a purge of it can name.
type Target struct {
	Key        string
	Value      string // by what purges know a value; empty for what has a path
	Host       string // see [Authority]
	Path       string // as the route sees it
	Came       string // as the client asked for it, where that is another one; else empty
	Namespaces []string
	Identities []string      // whom it is for, as Name gives them
	Tags       []string      // that are said beforehand
	Plain      bool          // what answers it was of no use, the last time, once it was stale
	Usual      time.Duration // how long responses are fresh, and may be served stale, as a rule; 0 where that is not known
	Parts      []string      // of the key, those that purges can name, as Name gives them
	Header     http.Header   // of the request, with the fields that select among the variants
	Search     Search
}

// Target returns a request's target. tls tells that the request counts as one over TLS.
func (s *Scheme) Target(r *http.Request, tls bool, said Said) Target {
	key, came := s.AppendKey(nil, r, tls, said)
	return Target{Key: string(key), Host: Authority(r.Host), Path: r.URL.Path, Came: came, Header: r.Header}
}

// AppendKey appends the key of a request's target to b, and returns with it the path that the client asked for, where it is
// another than the route sees; else nothing. tls is as for Target.
func (s *Scheme) AppendKey(b []byte, r *http.Request, tls bool, said Said) (key []byte, came string) {
	if s.tagged {
		b = append(append(b, s.head...), Tag(Partition(r.URL.Path))...)
	}
	if tls {
		b = append(b, s.https...)
	} else {
		b = append(b, s.http...)
	}
	if said.Part != "" {
		b = appendDigest(b, '+', said.Part)
	}
	if said.Identity != "" {
		b = appendDigest(b, '!', said.Identity)
	}
	if said.Content != "" {
		b = appendDigest(b, '=', said.Content)
	}
	b = append(b, "//"...)
	b = appendHost(b, r.Host)
	if AsItCame(r) {
		b = append(b, r.URL.Path...)
	} else {
		line := s.came(r)
		came = line.path
		b = append(b, pathOf(r.URL)...)
		b = append(b, line.mark...)
	}
	if query, ok := s.QueryOf(r.URL); ok {
		b = append(b, '?')
		b = append(b, query...)
	}
	return b, came
}

// Name returns the name by which purges know an identity or a part of a key: 120 bits of a digest, for what stands in a store is not to tell
// whom a response is for.
func Name(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:15])
}

// appendDigest appends what a key has of a text that is not to be read in it.
func appendDigest(b []byte, sign byte, text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.AppendEncode(append(b, sign), sum[:])
}

// AsItCame tells, without a doubt, that a request's URL is the one on its request line, and that its path needs no escapes: the
// parser would have kept a raw path beside one that does.
func AsItCame(r *http.Request) bool {
	u := r.URL
	if !onlyPathAndQuery(u) || u.RawPath != "" || len(u.Path) == 0 || u.Path[0] != '/' || !plain(u.Path, '/') {
		return false
	}
	rest, ok := strings.CutPrefix(r.RequestURI, u.Path)
	if !ok {
		return false
	}
	if u.RawQuery == "" && !u.ForceQuery {
		return rest == ""
	}
	return len(rest) > 0 && rest[0] == '?' && rest[1:] == u.RawQuery
}

// onlyPathAndQuery tells that a URL has nothing but a path and a query, as that of an origin form (RFC 9112 §3.2.1) has.
func onlyPathAndQuery(u *url.URL) bool {
	return u.Host == "" && u.Scheme == "" && u.User == nil && u.Opaque == "" && u.Fragment == "" && u.RawFragment == "" && !u.OmitHost
}

// rest is what a URL has beside a path and a query.
func rest(u *url.URL) string {
	if onlyPathAndQuery(u) {
		return ""
	}
	user := ""
	if u.User != nil {
		user = "@" + u.User.String()
	}
	return fmt.Sprintf("%q %q %q %q %q %q %t", u.Scheme, u.Host, user, u.Opaque, u.Fragment, u.RawFragment, u.OmitHost)
}

// restMark returns what the key has of a URL beside its path and query, where a middleware has set it to what did not come. It is
// a digest, since a user may have a password.
func restMark(sees, came *url.URL) string {
	seen := rest(sees)
	if seen == rest(came) {
		return ""
	}
	sum := sha256.Sum256([]byte(seen))
	return beyondRest + base64.RawURLEncoding.EncodeToString(sum[:])
}

// came is the target of a request line, where it differs from the URL that a route sees.
type came struct {
	path string // empty where the path is the same
	mark string // what the key has of it; empty where nothing differs that counts
}

// came looks what differs between a request line (RFC 9112 §3.2) and the URL that the route sees: a path that was
// rewritten on its way, as by http.StripPrefix, a query, an absolute form, whose scheme and host a handler can see, or a host that
// a middleware has written into the URL. Where
// the route keys by less than the whole query, a difference in the query alone counts only in the parameters that are listed: gin
// keeps the query as it was when a parameter was first asked for. Where the path was rewritten as
// well, what is gone of the query may have gone into something else, as a tenant does that gin's HandleContext leads on.
func (s *Scheme) came(r *http.Request) (c came) {
	uri := r.RequestURI
	if uri == "" { // nothing is known of what came
		return came{}
	}
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		return came{mark: restMark(r.URL, &url.URL{}) + beyondCame + url.PathEscape(uri)}
	}
	rest := restMark(r.URL, u)
	samePath := u.Path == r.URL.Path && u.RawPath == r.URL.RawPath
	if u.Path != r.URL.Path {
		c.path = u.Path
	}
	cameWith, sees := s.Simpler(u.RawQuery), s.Simpler(r.URL.RawQuery)
	sameQuery := cameWith == sees && u.ForceQuery == r.URL.ForceQuery
	listed := ""
	if s.query == ListedOnly && !sameQuery {
		if came := s.listed(cameWith); came != s.listed(sees) {
			listed = beyondListed + came
		}
	}
	if samePath && u.Scheme == "" && u.Host == "" && (sameQuery || s.query != WholeQuery) {
		c.mark = rest + listed
		return c
	}
	if uri = s.SimplerLine(uri); s.query != WholeQuery && (samePath || sameQuery) {
		uri, _, _ = strings.Cut(uri, "?")
	}
	c.mark = rest + beyondCame + url.PathEscape(uri) + listed
	return c
}

// Variant returns the key of the response that variant selects.
func Variant(key, variant string) string {
	if variant == "" {
		return key
	}
	return key + "#" + variant
}

// Lease returns the key of the lease of a fill, by the key of what it makes, which may be a variant.
func Lease(key string) string { return key + "#l" }

// Part returns the target of a part of the response for the target. Of parts, what they declare of the query does not count.
func (t Target) Part() Target {
	t.Key, t.Search = t.Under(nil)+"#p", Search{}
	return t
}

// What an escaped path or a list of parameters alone cannot say begins with one of these, which none of them, and no host, has in
// a key.
const (
	beyond       = "%!"
	beyondRest   = "%@"
	beyondCame   = "%*"
	beyondListed = "%?"
)

// pathOf returns the path as it enters a key: the one that the handlers see, escaped as the client did it.
func pathOf(u *url.URL) string {
	path := u.EscapedPath()
	if u.RawPath != "" && u.RawPath != path {
		// The client left a byte as it is that must be escaped: /a%2Fb{ and /a/b{ both come to /a/b%7B here, and engines with
		// UseRawPath tell them apart. Or a middleware rewrote the path alone. So both count.
		path += beyond + url.PathEscape(u.RawPath)
	}
	if !strings.HasPrefix(path, "/") { // "*" or nothing, and then it does not tell where the host ends
		path = beyond + url.PathEscape(u.Opaque) + beyond + path
	}
	return path
}

// marks are the bytes that could be taken for another part of a key than the one that they are in.
var marks = [256]bool{'/': true, '?': true, '#': true, '%': true}

// plain tells whether a text has none of the marks but that one, of which 0 stands for none.
func plain(text string, but byte) bool {
	for i := range len(text) {
		if c := text[i]; marks[c] && c != but {
			return false
		}
	}
	return true
}

// appendHost appends a host as it enters a key, with the marks in it escaped. Its case stays, since handlers see it.
func appendHost(b []byte, host string) []byte {
	if plain(host, 0) {
		return append(b, host...)
	}
	const hex = "0123456789abcdef"
	for i := range len(host) {
		if c := host[i]; marks[c] {
			b = append(b, '%', hex[c>>4], hex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}
