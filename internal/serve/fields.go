package serve

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// setOutside tells whether a header has a cookie that was set outside of the route and keeps the response from being stored.
func (x *exchange) setOutside(header http.Header) bool {
	if len(x.recorder.Baseline()) == 0 && len(header["Set-Cookie"]) == len(x.cookies) {
		return false // nothing was set outside
	}
	cookies, _ := leaving(header)
	return x.forbid(cookies)
}

// forbid tells whether one of the cookies on the response that the handlers have made, as it leaves, keeps it from being stored.
func (x *exchange) forbid(lines []string) bool {
	return !slices.Contains(x.omit, "Set-Cookie") && x.forbidden(lines, x.cookies)
}

// forbidden tells whether one of the cookies on a response, as it leaves, beside those that were set inside, keeps it from being stored: one that middleware
// outside of the route has set, unless the route says that it does not matter, or that cookies do not. What the page holds and
// what the cookie holds may belong together, as the token of a form and that in a cookie do. Those that the handler has set
// itself are the business of HTTP (rfc9111.Storable).
func (x *exchange) forbidden(lines, inside []string) bool {
	if x.around.rt.Policy.SetCookie {
		return false
	}
	inside = slices.Clone(inside)
	for _, line := range lines {
		if i := slices.Index(inside, line); i >= 0 {
			inside = slices.Delete(inside, i, i+1)
			continue
		}
		if name := cookieName(line); !slices.Contains(x.around.rt.Foreign, name) {
			if len(x.request.Header["Cookie"]) == 0 {
				x.s.cookied.LoadOrStore(x.c.FullPath(), true)
			}
			x.tellCookie(name, "outside of Cached, so the page may belong to it; if it does not, name it in WithForeignCookies")
			return true
		}
	}
	return false
}

// leaving returns the lines of Set-Cookie and those of Vary of a response as it leaves, however the fields are spelled: a
// handler can write to the header map as it likes.
func leaving(header http.Header) (cookies, vary []string) {
	for name, values := range header {
		switch {
		case len(name) == len("Vary") && strings.EqualFold(name, "Vary"):
			vary = append(slices.Clip(vary), values...)
		case len(name) == len("Set-Cookie") && strings.EqualFold(name, "Set-Cookie"):
			cookies = append(slices.Clip(cookies), values...)
		}
	}
	return cookies, vary
}

// cookieName returns the name of a cookie: empty where it has none, and is all value.
func cookieName(line string) string {
	name, _, named := strings.Cut(line, "=")
	if !named {
		return ""
	}
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

// tellSearch logs, once for a route, that what a response declares of the query does not parse.
func (x *exchange) tellSearch(noVarySearch []string) {
	if _, ok := rfc9111.ParseSearch(noVarySearch); !ok {
		x.s.tellOnce("search", x.c.FullPath(), "cachette: a response's No-Vary-Search does not parse, so it counts for nothing; "+
			`write it as params=("a" "b"), except=("a"), or params=("a"), key-order`)
	}
}

// unlike tells whether a refresh that has gone through the engine alone may have come to another response than a client without
// any field would: what stands around the engine was seen to give such clients a cookie.
func (x *exchange) unlike() bool {
	if x.mark == nil || !x.mark.alone || x.around.rt.Policy.SetCookie {
		return false
	}
	_, cookied := x.s.cookied.Load(x.c.FullPath())
	return cookied
}

// negotiated has a response that gin's Negotiate chose by Accept say so, which gin does not (RFC 9110 §12.5.5). What shows it
// is that gin has read the field.
func (x *exchange) negotiated(header http.Header) {
	if x.c.Accepted != nil {
		addVary(header, "Accept")
	}
}

// vary has a response name the request fields by which its route is keyed.
func (x *exchange) vary(rec *response.Recorder) {
	for _, name := range x.around.rt.Vary {
		x.varyBy(rec, name)
	}
	if x.coded {
		x.varyBy(rec, acceptEncoding)
	}
}

// varyBy has a response name a request field, and what is kept of it as well: middleware outside may name the field for this client, and not for the next.
func (x *exchange) varyBy(rec *response.Recorder, name string) {
	addVary(rec.Header(), name)
	if kept := (http.Header{"Vary": response.ValuesOf(x.draft.Fields, "Vary")}); addVary(kept, name) {
		x.draft.Fields = response.AddValue(x.draft.Fields, "Vary", name)
	}
}

// addVary adds a name to Vary unless it is there, and tells whether it did.
func addVary(header http.Header, name string) bool {
	if named, any := rfc9111.VaryFields(header); any || slices.Contains(named, name) {
		return false
	}
	header["Vary"] = append(slices.Clip(header["Vary"]), name)
	return true
}
