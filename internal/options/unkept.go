package options

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/serve"
)

// decisive are fields, and beginnings of the names of others, without which a response means something else, to a cache, a browser or the client:
// what it is and how to read it, for how long it may be kept and for whom, and what a browser may do with it.
var decisive = []string{
	"Accept-Ranges", "Age", "Allow", "Cache-", "Cdn-Cache-Control", "Connection", "Date", "Digest", "Etag", "Expires", "Keep-Alive", "Last-Modified",
	"Link", "Location", "No-Vary-Search", "Pragma", "Proxy-", "Refresh", "Repr-Digest", "Retry-After", "Set-Cookie", "Signature", "Strict-Transport-Security",
	"Surrogate-", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Vary", "Warning", "Www-Authenticate",
	"Access-Control-", "Content-", "Clear-Site-Data", "Cross-Origin-", "Origin-Agent-Cluster", "Permissions-Policy", "Referrer-Policy",
	"Timing-Allow-Origin", "X-Content-Type-Options", "X-Frame-Options", "X-Robots-Tag", "X-Xss-Protection",
}

// WithoutHeaders is cachette's.
func WithoutHeaders(fields ...string) Option {
	if len(fields) == 0 {
		panic(fmt.Errorf("%w: WithoutHeaders: no field is named; give the names of response fields, as \"X-Request-Id\"", argument.Err))
	}
	var names []string
	for _, field := range fields {
		if !argument.IsToken(field) || strings.Contains(field, "*") {
			panic(fmt.Errorf("%w: WithoutHeaders: %q is no name of a field; give one, as \"X-Request-Id\"", argument.Err, field))
		}
		name := http.CanonicalHeaderKey(field)
		if slices.ContainsFunc(decisive, func(d string) bool { return name == d || strings.HasSuffix(d, "-") && strings.HasPrefix(name, d) }) {
			panic(fmt.Errorf("%w: WithoutHeaders: a response without its %s means something else; have the handler leave the field out, or give the name "+
				"of one that says something of a single answer, as \"X-Request-Id\"", argument.Err, name))
		}
		names = append(names, name)
	}
	return func(r *serve.Route) {
		for _, name := range names {
			if !slices.Contains(r.Unkept, name) {
				r.Unkept = append(r.Unkept, name)
			}
		}
	}
}
