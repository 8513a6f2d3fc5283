package serve

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// acceptEncoding is the field by which clients say which content codings they accept.
const acceptEncoding = "Accept-Encoding"

// compresses tells whether the responses of a route are to be served in content codings.
func (rt *Route) compresses(s *Server) bool {
	if rt.Compression != nil {
		return *rt.Compression
	}
	return s.codes
}

// leaveCoding has handlers that are to make a page to keep not see which codings its client accepts, where that is left to the cache: there is one page
// then for all clients, whatever a compressor among the handlers would make of it.
func (x *exchange) leaveCoding(r *http.Request) {
	if !x.around.rt.lookable(x.request.Method) || !x.around.rt.compresses(x.s) {
		return
	}
	x.coded, x.conditioned = true, true
	delete(r.Header, acceptEncoding)
}

// formOf returns in which form a request is answered from an entry; nil for the entry as it is. That an entry has a form says the route that has made
// it, which may be one inside of this one.
func (s *Server) formOf(c *gin.Context, rt *Route, r *http.Request, e *response.Entry, now time.Time) *response.Form {
	accept := r.Header[acceptEncoding]
	if e.Content == "" || len(accept) == 0 || rt.Compression != nil && !*rt.Compression || c.Writer.Written() ||
		len(c.Writer.Header()["Content-Encoding"]) > 0 || rfc9111.NoTransform(r.Header) {
		return nil
	}
	return s.entries.FormOf(e, accept, now)
}

// codedAs tells a person in which coding a request would be answered from an entry, or why in none; nothing where the route asks for none.
func (s *Server) codedAs(c *gin.Context, rt *Route, r *http.Request, e *response.Entry, now time.Time) string {
	switch {
	case e == nil, e.Content == "" && !rt.compresses(s), rt.Compression != nil && !*rt.Compression:
		return ""
	case e.Content == "":
		return "not: its size, type, coding or digest forbids it, or it was stored by a route without WithCompression"
	case len(c.Writer.Header()["Content-Encoding"]) > 0:
		return "not by the cache: a middleware outside of Cached does it, for each hit anew"
	case rfc9111.NoTransform(r.Header):
		return "not: the request says no-transform (RFC 9111 §5.2.1.6)"
	}
	coding, form := s.entries.FormFor(e, r.Header[acceptEncoding], now)
	switch {
	case coding == "":
		return "not: the request accepts no coding, or likes the page better as it is (RFC 9110 §12.5.3)"
	case form == nil:
		return "not yet: no hit in this process has asked for " + coding
	case form.Body == nil:
		return "not: " + coding + " makes it hardly smaller"
	}
	return fmt.Sprintf("%s, %d bytes", coding, len(form.Body))
}

// send answers a request from an entry.
func (s *Server) send(c *gin.Context, r *http.Request, e *response.Entry, a *response.Answer) {
	e.Replay(c.Writer, r, a)
	if a.Form == nil && len(e.Body) > worthTelling && len(c.Writer.Header()["Content-Encoding"]) > 0 {
		s.tellCoded(c, e)
	}
}

// worthTelling is how many bytes a page has, at least, that takes long to code.
const worthTelling = 1 << 10

// tellCoded logs, once for a route, that what is stored is coded anew for each request.
func (s *Server) tellCoded(c *gin.Context, e *response.Entry) {
	if len(response.ValuesOf(e.Fields, "Content-Encoding")) > 0 {
		return
	}
	s.tellOnce("coded", c.FullPath(), "cachette: a middleware outside of Cached compresses each hit of this route anew, which takes far longer than the hit; take it off "+
		"the route, and have the cache keep the coded form by WithCompression")
}
