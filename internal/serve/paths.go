package serve

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/target"
)

// requestedURL returns the URL that the client asked for: the one on the request line, however it was rewritten on its way,
// as by http.StripPrefix (RFC 9110 §7.1).
func requestedURL(r *http.Request) *url.URL {
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil && strings.HasPrefix(u.Path, "/") {
		return u
	}
	return r.URL
}

// PurgedAs returns the path by which what is stored for a URL is purged: the URL's own, or, where the engine removes extra
// slashes, the one to which it then leads, since all that lead to the same one are answered by the same handler.
func (s *Server) PurgedAs(u *url.URL) string {
	if !s.engine.RemoveExtraSlash {
		return u.Path
	}
	if s.engine.UseRawPath && u.RawPath != "" {
		if p, err := url.PathUnescape(cleanedPath(u.RawPath)); err == nil {
			return p
		}
	}
	return cleanedPath(u.Path)
}

// purgedAs gives a target the paths by which it is purged.
func (s *Server) purgedAs(t *target.Target, r *http.Request) {
	if !s.engine.RemoveExtraSlash {
		return
	}
	t.Path = s.PurgedAs(r.URL)
	if t.Came != "" {
		t.Came = s.PurgedAs(requestedURL(r))
	}
}

// cleanedPath returns a path as an engine that removes extra slashes sees it: one at its end stays.
func cleanedPath(p string) string {
	if clean := cleaned(p); clean == "/" || !strings.HasSuffix(p, "/") && !strings.HasSuffix(p, "/.") {
		return clean
	}
	return cleaned(p) + "/"
}

func cleaned(p string) string { return path.Clean("/" + p) }

// entrance returns the URL with which the engine is to be given a request once more, so that it comes to the same route with
// the same parameters. arrived is what the URL was at the engine's middleware; what stands before that may have changed it.
func (s *Server) entrance(c *gin.Context, arrived *url.URL) *url.URL {
	for _, u := range []*url.URL{arrived, requestedURL(c.Request)} {
		if s.leads(c, u) {
			own := *u
			return &own
		}
	}
	own := *arrived
	if c.FullPath() == "" {
		return &own
	}
	own.Path, own.RawPath = routedPath(c), ""
	if s.engine.UseRawPath {
		s.escape(c, &own)
	}
	return &own
}

// leads tells whether the engine takes a URL to the route of a request, and with its parameters.
func (s *Server) leads(c *gin.Context, u *url.URL) bool {
	if c.FullPath() == "" {
		return !s.mayRoute(http.MethodGet, "", u.Path, u.EscapedPath())
	}
	routed := u.Path
	raw := s.engine.UseRawPath && u.RawPath != ""
	if raw {
		routed = u.RawPath
	}
	if s.engine.RemoveExtraSlash {
		routed = cleanedPath(routed)
	}
	if raw && s.engine.UnescapePathValues {
		if p, err := url.QueryUnescape(routed); err == nil { // as gin does with the parameters in it
			routed = p
		}
	}
	return routed == routedPath(c)
}

// mayRoute tells whether one of the paths may lead to a route of the engine for a method, or for any method with "", other than the
// one with the pattern.
func (s *Server) mayRoute(method, pattern string, paths ...string) bool {
	return slices.ContainsFunc(s.engine.Routes(), func(route gin.RouteInfo) bool {
		return (method == "" || route.Method == method) && route.Path != pattern &&
			slices.ContainsFunc(paths, func(path string) bool { return mayLead(path, route.Path) })
	})
}

// mayLead tells whether a path may lead to the route of a pattern, be it by a redirect. It goes by less than gin does, and so
// rather says yes.
func mayLead(path, pattern string) bool {
	notSlash := func(r rune) bool { return r == '/' }
	segments, wanted := strings.FieldsFunc(cleaned(path), notSlash), strings.FieldsFunc(pattern, notSlash)
	for i, want := range wanted {
		before, _, _ := strings.Cut(want, ":")
		switch {
		case strings.Contains(want, "*"):
			return true
		case i >= len(segments),
			before == want && segments[i] != want, !strings.HasPrefix(segments[i], strings.TrimSuffix(before, `\`)):
			return false
		}
	}
	return len(segments) == len(wanted)
}

// escape gives a URL the raw path from which an engine that goes by it takes the parameters of a request.
func (s *Server) escape(c *gin.Context, u *url.URL) {
	raw := u.Path
	if s.engine.UnescapePathValues {
		raw = routedBy(c, func(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") })
	}
	path, err := url.PathUnescape(raw)
	if err != nil {
		return
	}
	if u.Path = path; u.EscapedPath() != raw {
		u.RawPath = raw
	}
}

// routedPath returns the path by which the engine found the route of a request, whatever was done to the request's URL
// since; empty where there is no route.
func routedPath(c *gin.Context) string {
	return routedBy(c, func(value string) string { return value })
}

// routedBy returns the pattern of a request's route with the parameters put in, each as write writes it.
func routedBy(c *gin.Context, write func(value string) string) string {
	var path strings.Builder
	for segment := range strings.SplitSeq(c.FullPath(), "/") {
		if segment == "" {
			continue
		}
		before, name := cutParam(segment)
		value, ok := c.Params.Get(name)
		if !ok { // the colon, if there is one, is part of the path
			path.WriteString("/" + segment)
			continue
		}
		path.WriteString("/" + before + write(strings.TrimPrefix(value, "/")))
	}
	if strings.HasSuffix(c.FullPath(), "/") {
		path.WriteByte('/')
	}
	return path.String()
}

// cutParam cuts a segment of a route's pattern where a parameter may begin, and returns the name of that.
func cutParam(segment string) (before, name string) {
	i := strings.IndexAny(segment, ":*")
	if i < 0 {
		return segment, ""
	}
	return segment[:i], segment[i+1:]
}
