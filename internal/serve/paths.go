package serve

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/keys"
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
func (s *Server) purgedAs(t *keys.Target, r *http.Request) {
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

// routedPath returns the path by which the engine found the route of a request, whatever was done to the request's URL
// since; empty where there is no route.
func routedPath(c *gin.Context) string {
	var path strings.Builder
	for segment := range strings.SplitSeq(c.FullPath(), "/") {
		if segment == "" {
			continue
		}
		before, name, ok := cutParam(segment)
		path.WriteString("/" + before)
		if ok {
			path.WriteString(strings.TrimPrefix(c.Param(name), "/"))
		}
	}
	if strings.HasSuffix(c.FullPath(), "/") {
		path.WriteByte('/')
	}
	return path.String()
}

// cutParam cuts a segment of a route's pattern at its parameter, if it has one.
func cutParam(segment string) (before, name string, ok bool) {
	i := strings.IndexAny(segment, ":*")
	if i < 0 {
		return segment, "", false
	}
	return segment[:i], segment[i+1:], true
}
