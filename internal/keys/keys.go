// Package keys builds the keys under which responses are stored.
//
// A response's key is
//
//	prefix [namespace ":"] "~r:" scheme mode ["n"] ["+" part] "//" host path ["?" query] ["#" variant | "#p"]
//
// scheme is "s" for a request over TLS, "h" otherwise; mode tells how much of the query is in the key, and, with a digest
// of fixed length, which of its parameters if not all; "n" is for a route inside of another one; part and variant are
// digests too, and "#p" is for a part of the response. Host, path and query are escaped, so no two different requests ever share a key, and none is ever that of a value (see [Value]).
package keys

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
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

// Mark returns the key of the record that tells which purges a slot of paths has seen.
func Mark(prefix string, slot uint16) string { return prefix + marker + "m" + strconv.Itoa(int(slot)) }

// Query is how much of a request's query enters its key.
type Query byte

// The ways to key by query.
const (
	WholeQuery Query = 'q' // all of it, as it is
	NoQuery    Query = 'p' // none
	ListedOnly Query = 'l' // the parameters that are listed
)

// Scheme builds the keys of one route.
type Scheme struct {
	http   string // what a key begins with
	https  string // the same for a request over TLS
	query  Query
	params []string
}

// NewScheme returns the scheme of a route's keys. params, with ListedOnly, are the names of the parameters.
func NewScheme(prefix, namespace string, query Query, params []string) Scheme {
	head := prefix + marker
	if namespace != "" {
		head = Namespace(prefix, namespace) + marker
	}
	params = slices.Clone(params)
	slices.Sort(params)
	params = slices.Compact(params)
	mode := string(query)
	if query == ListedOnly {
		mode += listDigest(params)
	}
	return Scheme{http: head + "h" + mode, https: head + "s" + mode, query: query, params: params}
}

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

// Nested returns a scheme of the same keys, but for a route inside of another one: it shares no key with any route that is
// not.
func (s Scheme) Nested() Scheme {
	s.http, s.https = s.http+"n", s.https+"n"
	return s
}

// Key returns a request's key. part is what a route adds to it, empty for nothing.
func (s *Scheme) Key(r *http.Request, part string) string {
	path := pathOf(r.URL)
	host := r.Host
	if !plainHost(host) {
		host = escapeHost(host)
	}
	head := s.http
	if r.TLS != nil {
		head = s.https
	}
	query, hasQuery := s.queryOf(r.URL)
	mark := ""
	if hasQuery {
		mark = "?"
	}
	if part != "" {
		sum := sha256.Sum256([]byte(part))
		head += "+" + base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return head + "//" + host + path + mark + query
}

// Variant returns the key of the response that variant selects.
func Variant(key, variant string) string {
	if variant == "" {
		return key
	}
	return key + "#" + variant
}

// Part returns the key of a part of the response that has the key.
func Part(key string) string { return key + "#p" }

// beyond begins what an escaped path alone cannot say. No host or path has it in a key.
const beyond = "%!"

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

// queryOf returns what of the query enters the key, and whether there is any.
func (s *Scheme) queryOf(u *url.URL) (query string, ok bool) {
	switch s.query {
	case WholeQuery:
		if strings.IndexByte(u.RawQuery, '#') >= 0 { // doubled, so that it is not taken for what begins a variant
			return strings.ReplaceAll(u.RawQuery, "#", "##"), true
		}
		return u.RawQuery, u.RawQuery != "" || u.ForceQuery
	case ListedOnly:
		if u.RawQuery == "" {
			return "", false
		}
		values := u.Query()
		var b strings.Builder
		for _, name := range s.params {
			for _, value := range values[name] {
				if b.Len() > 0 {
					b.WriteByte('&')
				}
				b.WriteString(url.QueryEscape(name))
				b.WriteByte('=')
				b.WriteString(url.QueryEscape(value))
			}
		}
		return b.String(), b.Len() > 0
	}
	return "", false
}

// hostEscapes are the bytes of a host that are escaped, since they could be taken for another part of the key, or that
// are brought to lower case.
var hostEscapes = func() (escapes [256]bool) {
	for _, c := range "/?#%ABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		escapes[c] = true
	}
	return escapes
}()

// plainHost tells whether a host enters a key as it is.
func plainHost(host string) bool {
	for i := range len(host) {
		if hostEscapes[host[i]] {
			return false
		}
	}
	return true
}

// escapeHost returns a host as it enters a key.
func escapeHost(host string) string {
	const hex = "0123456789abcdef"
	b := make([]byte, 0, len(host)+8)
	for i := range len(host) {
		switch c := host[i]; {
		case !hostEscapes[c]:
			b = append(b, c)
		case c >= 'A' && c <= 'Z':
			b = append(b, c+'a'-'A')
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}
