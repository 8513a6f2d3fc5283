// Package serve takes requests through the cache of one engine: it answers those that it can from what is stored,
// and lets the handlers run for the others, keeping what they make.
package serve

import (
	"slices"
	"sync/atomic"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/keys"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Route is what Cached was told of a route. It does not change once a request has been through it.
type Route struct {
	Policy    rfc9111.Policy
	Query     keys.Query                // how much of the query enters the key
	Params    []string                  // the parameters that do, with keys.ListedOnly
	Part      func(*gin.Context) string // adds a part to the key; nil for none
	Namespace string
	BodyLimit int64 // bytes; 0 for the cache's own
	IgnoreAsk bool  // the client's Cache-Control and Pragma count for nothing
	ShowKey   bool  // Cache-Status tells the key

	bound atomic.Pointer[binding]
}

// binding is a route's key scheme for one server. A route serves one engine as a rule, so the last one is kept.
type binding struct {
	server *Server
	scheme keys.Scheme
	nested keys.Scheme // for a route inside of another one
}

// bind returns the route's key schemes for a server.
func (rt *Route) bind(s *Server) *binding {
	if b := rt.bound.Load(); b != nil && b.server == s {
		return b
	}
	b := &binding{
		server: s,
		scheme: keys.NewScheme(s.prefix, rt.Namespace, rt.Query, rt.Params),
		nested: keys.NewScheme(s.prefix, rt.Namespace, rt.Query, rt.Params).Nested(),
	}
	rt.bound.Store(b)
	return b
}

// sameKeys tells whether two routes look up every request in the same way.
func (rt *Route) sameKeys(other *Route) bool {
	return rt == other || rt.Part == nil && other.Part == nil && rt.Query == other.Query &&
		rt.Namespace == other.Namespace && slices.Equal(rt.Params, other.Params) && rt.IgnoreAsk == other.IgnoreAsk
}

// bodyLimit returns how many bytes of a body are kept.
func (rt *Route) bodyLimit(s *Server) int64 {
	if rt.BodyLimit > 0 {
		return rt.BodyLimit
	}
	return s.bodyLimit
}

// Frame is what a request carries through its chain of handlers: the cache that its engine has, and the fill that it is
// inside of, if any.
type Frame struct {
	Owner    any // the cache, for the package that made the server
	Server   *Server
	exchange *exchange
	looked   *exchange // what the short way has found out for the route that comes next (see lane)
}

// FrameKey is the key of the Frame in a gin.Context.
type FrameKey struct{}
