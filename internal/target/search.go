package target

import (
	"net/url"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// A response may declare in what the queries of URLs may differ that it answers (No-Vary-Search). It is stored for all of them, under a key
// that has, in place of the query, a digest of what it declares and the form that equivalent queries have in common. So no response that
// declares anything else is ever found there.

// beyondSearch begins that, in a key.
const beyondSearch = "%&"

// Variation is in what queries of equivalent URLs may differ. It does not change.
type Variation struct {
	search rfc9111.Search
	mark   string // what keys have of it
}

// Undeclared stands for what is known to be nothing.
var Undeclared = new(Variation)

// VariationOf returns what a response declares by its fields of that name; nil for nothing.
func VariationOf(noVarySearch []string) *Variation {
	if len(noVarySearch) == 0 {
		return nil
	}
	search, _ := rfc9111.ParseSearch(noVarySearch)
	if search.Default() {
		return nil
	}
	return &Variation{search, string(appendDigest(nil, '&', search.String())) + "?"}
}

// String returns it as a field value.
func (v *Variation) String() string { return v.search.String() }

// Declares tells whether it is known, and anything. It may be nil.
func (v *Variation) Declares() bool { return v != nil && v != Undeclared }

// Equal tells whether two are the same. Either may be nil.
func (v *Variation) Equal(other *Variation) bool {
	return v == other || v != nil && other != nil && v.mark == other.mark
}

// Search is what a target is found by beside its own key, where all of the query counts as long as no response says otherwise.
type Search struct {
	Exact string     // the target's own key
	Path  string     // the same without the query; empty where responses have no say in it
	Query string     // as it counts
	Last  *Variation // that was declared last by a response of the route; nil where that is not known
}

// Loosen notes in a target how it is found by what responses declare. last is what is known of that.
func (s *Scheme) Loosen(t *Target, u *url.URL, last *Variation) {
	if s.query != WholeQuery {
		return
	}
	t.Search = Search{Exact: t.Key, Query: s.Simpler(u.RawQuery), Last: last}
	t.Search.Path = t.Key[:s.bare(len(t.Key), u)]
}

// bare returns how long a key of a length is without its query, in which it ends.
func (s *Scheme) bare(length int, u *url.URL) int {
	if query, ok := s.QueryOf(u); ok {
		return length - len(query) - len("?")
	}
	return length
}

// AppendUnder appends to b the key of the responses that declare v, and answer the target that has key.
func (s *Scheme) AppendUnder(b, key []byte, u *url.URL, v *Variation) []byte {
	return v.append(append(b, key[:s.bare(len(key), u)]...), s.Simpler(u.RawQuery))
}

func (v *Variation) append(path []byte, query string) []byte {
	path = append(append(path, '%'), v.mark...)
	return v.search.AppendForm(path, query)
}

// Under returns the key of the responses for the target that declare v.
func (t *Target) Under(v *Variation) string {
	switch {
	case t.Search.Path == "":
		return t.Key
	case !v.Declares():
		return t.Search.Exact
	}
	return string(v.append([]byte(t.Search.Path), t.Search.Query))
}

// For returns the key of the responses for the target that have these fields of that name.
func (t *Target) For(noVarySearch []string) string { return t.Under(VariationOf(noVarySearch)) }

// Declared returns the key of what was declared last by a response for the path.
func (s *Search) Declared() string { return s.Path + beyondSearch }
