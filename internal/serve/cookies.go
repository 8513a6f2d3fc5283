package serve

import (
	"net/http"
	"slices"
	"strings"
)

// forbiddenCookie returns the name of a cookie on a response, as it leaves, that keeps it from being stored: one that
// middleware outside of the route has set, unless the route says that it does not matter, or that cookies do not. What the
// page holds and what the cookie holds may belong together, as the token of a form and that in a cookie do. Those that the
// handler has set itself are the business of HTTP (rfc9111.Storable).
func (x *exchange) forbiddenCookie(header http.Header) string {
	if x.around.rt.Policy.SetCookie || slices.Contains(x.omit, "Set-Cookie") {
		return ""
	}
	if len(x.recorder.Baseline()) == 0 && len(header["Set-Cookie"]) == len(x.cookies) && !x.recorder.Sent() {
		return "" // nothing was set outside
	}
	lines := setCookies(header)
	inside := slices.Clone(x.cookies)
	for _, line := range lines {
		if i := slices.Index(inside, line); i >= 0 {
			inside = slices.Delete(inside, i, i+1)
			continue
		}
		if name := cookieName(line); !slices.Contains(x.around.rt.Foreign, name) {
			x.tellCookie(name, "outside of Cached, so the page may belong to it; if it does not, name it in WithForeignCookies")
			return name
		}
	}
	return ""
}

// setCookies returns the lines of Set-Cookie, however the field is spelled: a handler can write to the header map as it
// likes.
func setCookies(header http.Header) (lines []string) {
	for name, values := range header {
		if len(name) == len("Set-Cookie") && strings.EqualFold(name, "Set-Cookie") {
			lines = append(lines, values...)
		}
	}
	return lines
}

// cookieName returns the name of a cookie.
func cookieName(line string) string {
	name, _, _ := strings.Cut(line, "=")
	return strings.Trim(name, " \t")
}

// tellCookie logs, once for a route, which cookie keeps its responses from being stored. Its value is a secret.
func (x *exchange) tellCookie(name, where string) {
	x.s.tellOnce("cookie", x.c.FullPath(), "cachette: responses of this route are not stored: a cookie is set "+where, "cookie", name)
}

// tellOnce logs something of a route, once for each kind.
func (s *Server) tellOnce(kind, route, message string, details ...any) {
	if _, told := s.told.LoadOrStore(kind+" "+route, true); !told {
		s.log.Warn(message, append([]any{"route", route}, details...)...)
	}
}
