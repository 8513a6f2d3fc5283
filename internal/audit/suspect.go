package audit

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-cachette/cachette/audit"
)

// Suspect is something of a request that its response may depend on.
type Suspect struct {
	Kind audit.Kind
	Name string
}

const (
	// maxName is how long the name of a suspect may be: clients choose them.
	maxName = 64
	// maxSuspects bounds the suspects of a request.
	maxSuspects = 64
	// elsewhere is the address that stands for another client's: one for documentation (RFC 5737), which no client has.
	elsewhere = "203.0.113.77"
)

// unsuspected are fields of a request that are about the connection or its content, or that its cache has to itself, and Cookie, of which each cookie
// is a suspect of its own.
var unsuspected = []string{
	"Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Cookie", "Expect", "If-Match", "If-Modified-Since",
	"If-None-Match", "If-Range", "If-Unmodified-Since", "Keep-Alive", "Pragma", "Range", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// Request is what there is to know of a request to find its suspects, and to take one off.
type Request struct {
	Varies    []string // the fields that the response itself names in Vary
	Addresses []string // the fields by which the engine goes for the client's address; none where it goes by the connection
	Keys      []string // of c.Keys, that handlers before Cached have set
	Query     bool     // the route keys by less than the whole query, or the response says that it answers for others
}

// Suspects returns what of a request its response may depend on without saying so.
func (q *Request) Suspects(r *http.Request) (all []Suspect) {
	add := func(kind audit.Kind, name string) {
		s := Suspect{kind, name}
		if len(name) <= maxName && len(all) < maxSuspects && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	if !slices.Contains(q.Varies, "Cookie") {
		for name := range cookies(r.Header) {
			add(audit.Cookie, name)
		}
	}
	for _, name := range q.Keys {
		add(audit.Keys, name)
	}
	add(audit.Address, "")
	for name := range r.Header {
		if _, skip := slices.BinarySearch(unsuspected, name); !skip && !slices.Contains(q.Varies, name) && !slices.Contains(q.Addresses, name) {
			add(audit.Header, name)
		}
	}
	if q.Query {
		for name := range parameters(r.URL.RawQuery) {
			add(audit.Query, name)
		}
	}
	return all
}

// Remove takes a suspect off a request that nothing else holds. The address becomes another one; what is in c.Keys is not in the request.
func (q *Request) Remove(s Suspect, r *http.Request) {
	switch s.Kind {
	case audit.Cookie:
		withoutCookie(r.Header, s.Name)
	case audit.Header:
		delete(r.Header, s.Name)
	case audit.Address:
		for _, name := range q.Addresses {
			if len(r.Header[name]) > 0 {
				r.Header[name] = []string{elsewhere}
			}
		}
		if len(q.Addresses) == 0 {
			r.RemoteAddr = elsewhere + ":1"
		}
	case audit.Query:
		before := r.URL.RawQuery
		r.URL.RawQuery = withoutParameter(before, s.Name)
		if line, ok := strings.CutSuffix(r.RequestURI, "?"+before); ok {
			r.RequestURI = line + "?" + r.URL.RawQuery
		}
	}
}

// cookies is the sequence of the names of cookies.
func cookies(h http.Header) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, line := range h["Cookie"] {
			for pair := range strings.SplitSeq(line, ";") {
				if name := cookieName(pair); name != "" && hasValue(pair) && !yield(name) {
					return
				}
			}
		}
	}
}

// hasValue tells whether a pair has a value. One without is not named in a report, since what stands there may be the value: to a browser a cookie without "="
// has no name (RFC 6265bis §5.7), a link may have nothing but a token as its query, and Base64 ends with "=".
func hasValue(pair string) bool {
	_, value, _ := strings.Cut(pair, "=")
	return strings.Trim(value, "= ") != ""
}

func cookieName(pair string) string {
	name, _, _ := strings.Cut(pair, "=")
	return strings.TrimSpace(name)
}

// withoutCookie takes the cookies of a name off a header. The others stay as they came.
func withoutCookie(h http.Header, name string) {
	var lines []string
	for _, line := range h["Cookie"] {
		pairs := slices.DeleteFunc(strings.Split(line, ";"), func(pair string) bool { return cookieName(pair) == name })
		if len(pairs) > 0 {
			lines = append(lines, strings.TrimSpace(strings.Join(pairs, ";")))
		}
	}
	if delete(h, "Cookie"); len(lines) > 0 {
		h["Cookie"] = lines
	}
}

// parameters is the sequence of the names of a query's parameters.
func parameters(query string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for pair := range strings.SplitSeq(query, "&") {
			if name := parameterName(pair); name != "" && hasValue(pair) && !yield(name) {
				return
			}
		}
	}
}

func parameterName(pair string) string {
	name, _, _ := strings.Cut(pair, "=")
	if plain, err := url.QueryUnescape(name); err == nil {
		return plain
	}
	return name
}

// withoutParameter returns a query without the parameters of a name.
func withoutParameter(query, name string) string {
	pairs := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool { return parameterName(pair) == name })
	return strings.Join(pairs, "&")
}
