package serve

import (
	"reflect"
	"runtime"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// HasPattern tells whether the engine has a route with a pattern.
func (s *Server) HasPattern(pattern string) bool {
	return slices.ContainsFunc(s.engine.Routes(), func(route gin.RouteInfo) bool { return route.Path == pattern })
}

// routesOf returns the routes of an engine, by method and pattern.
func routesOf(engine *gin.Engine) map[place]bool {
	routes := make(map[place]bool)
	for _, route := range engine.Routes() {
		routes[place{route.Method, route.Path}] = true
	}
	return routes
}

// tellEarlier logs, once, the routes of groups that were made before the cache was installed: nothing of the cache runs when
// they are asked, so that unsafe requests to them invalidate nothing.
func (s *Server) tellEarlier() {
	var routes []string
	for at, names := range chains(s.engine) {
		if !rfc9111.IsSafe(at.method) && !s.earlier[at] && !slices.Contains(names, s.lane.middleware) {
			routes = append(routes, at.method+" "+at.path)
		}
	}
	if len(routes) == 0 {
		return
	}
	slices.Sort(routes)
	s.log.Warn("cachette: requests to these routes invalidate nothing, since their group was made before Install; call Install before "+
		"groups are made", "routes", routes)
}

// chains returns the names of the handlers of each route of an engine. gin has no method for it, so that they are read out of its
// trees; a release of gin that has others gives none.
func chains(engine *gin.Engine) map[place][]string {
	all := make(map[place][]string)
	trees := reflect.ValueOf(engine).Elem().FieldByName("trees")
	if trees.Kind() != reflect.Slice {
		return nil
	}
	for i := range trees.Len() {
		tree := reflect.Indirect(trees.Index(i))
		if tree.Kind() != reflect.Struct {
			return nil
		}
		if method, root := tree.FieldByName("method"), tree.FieldByName("root"); method.Kind() == reflect.String && root.Kind() == reflect.Pointer {
			readChains(all, method.String(), root)
		}
	}
	return all
}

// readChains adds the chains of a node of a tree, and of those beneath it.
func readChains(all map[place][]string, method string, node reflect.Value) {
	if node.Kind() != reflect.Pointer || node.IsNil() || node.Elem().Kind() != reflect.Struct {
		return
	}
	node = node.Elem()
	path, handlers, children := node.FieldByName("fullPath"), node.FieldByName("handlers"), node.FieldByName("children")
	if path.Kind() != reflect.String || handlers.Kind() != reflect.Slice || children.Kind() != reflect.Slice {
		return
	}
	var names []string
	for i := range handlers.Len() {
		if handler := handlers.Index(i); handler.Kind() == reflect.Func {
			names = append(names, runtime.FuncForPC(handler.Pointer()).Name())
		}
	}
	if len(names) > 0 {
		all[place{method, path.String()}] = names
	}
	for i := range children.Len() {
		readChains(all, method, children.Index(i))
	}
}
