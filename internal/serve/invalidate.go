package serve

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

// Invalidate runs the handlers of an unsafe request and, when they succeed, or answer otherwise as InvalidateOn says, invalidates
// what is stored for its URI and for those that its response's Location and Content-Location name (RFC 9111 §4.4). It does so before
// the client can see the response, and ask for the page at once, and again when the last handler has returned: a middleware may
// commit the change, as to a database, only after the response was written.
func (s *Server) Invalidate(c *gin.Context) {
	if s.closed.Load() {
		return
	}
	s.comesThrough(c.Request)
	outer, r, asked := c.Writer, c.Request, requestedURL(c.Request)
	u := unsafeRequest{s, c, r, enterWrite(c, asked), s.PurgedAs(asked)}
	own := c.Request
	rec := new(response.Recorder)
	rec.Open(outer, 0, u, nil)
	returned := false
	defer func() {
		c.Writer = outer
		r.Form, r.PostForm, r.MultipartForm = own.Form, own.PostForm, own.MultipartForm // net/http removes the files of its own
		if !returned {                                                                  // a panic, which is answered with an error, if at all
			u.invalidate(http.StatusInternalServerError, nil)
		}
	}()
	c.Writer = rec
	c.Next()
	returned = true
	posted := postedBy(c)
	keeps := posted != nil && posted.keepPosted != nil
	if keeps { // what others have stored before, the invalidation ends
		posted.enterTrack()
		defer posted.leaveTrack()
	}
	switch bare := rec.Finish(); {
	case !bare:
		u.invalidate(rec.Status(), rec.Header())
	case outer.Written(): // past the Recorder, as by HandleContext
		u.invalidate(outer.Status(), outer.Header())
	}
	if keeps {
		posted.keepPosted()
	}
}

// unsafeRequest is a request that invalidates as soon as it is answered.
type unsafeRequest struct {
	server  *Server
	c       *gin.Context
	request *http.Request
	write   *write
	path    string
}

// Decide invalidates.
func (u unsafeRequest) Decide(rec *response.Recorder) response.Mode {
	u.invalidate(rec.Status(), rec.Header())
	return response.Pass
}

// The others have nothing to do: nothing is captured.
func (u unsafeRequest) Release()                             {}
func (u unsafeRequest) Forgo()                               {}
func (u unsafeRequest) Flushed()                             {}
func (u unsafeRequest) Waits()                               {}
func (u unsafeRequest) Waited()                              {}
func (u unsafeRequest) Gone() bool                           { return u.request.Context().Err() != nil }
func (u unsafeRequest) CloseNotify() <-chan bool             { return notify(u.request.Context()) }
func (u unsafeRequest) Sent(*response.Recorder, http.Header) {}

// invalidate purges the paths that an answer to the request invalidates, on its host. Only one of success concerns what it names: a
// redirect names where to go on, which anybody may choose where it comes from the request.
func (u unsafeRequest) invalidate(status int, header http.Header) {
	s, r := u.server, u.request
	if !u.write.invalidatedBy(status, s.answers) {
		return
	}
	ctx, host := context.WithoutCancel(r.Context()), target.Authority(r.Host)
	if x := postedBy(u.c); x != nil && x.verdict.fate == storable {
		s.tellOwed(u.path, s.entries.PurgeOwn(ctx, host, u.path, &x.ticket))
	} else {
		s.purge(ctx, host, u.path)
	}
	if !rfc9111.OnSuccess.Has(status) {
		return
	}
	for _, name := range []string{"Location", "Content-Location"} {
		for _, value := range header[name] {
			if named, ok := sameOrigin(r, value); ok {
				if other := s.PurgedAs(named); other != u.path {
					s.purge(ctx, host, other)
				}
			}
		}
	}
}

func (s *Server) purge(ctx context.Context, host, path string) {
	s.tellOwed(path, s.entries.PurgeHostPath(ctx, host, path))
}

// tellOwed logs that a purge was not carried out, if it was not.
func (s *Server) tellOwed(path string, err error) {
	if err != nil {
		s.log.Warn("cachette: an invalidation is still owed to the store", "path", path, "error", err)
	}
}

// sameOrigin resolves a reference against a request's URI and returns what it refers to, if it is of the same origin: no
// response may say anything of another origin's (RFC 9111 §4.4).
func sameOrigin(r *http.Request, reference string) (u *url.URL, ok bool) {
	ref, err := url.Parse(reference)
	if err != nil {
		return nil, false
	}
	base := *requestedURL(r)
	base.Scheme, base.Host, base.User = schemeOf(r.TLS != nil), r.Host, nil
	u = base.ResolveReference(ref)
	if u.Path == "" { // RFC 3986 §6.2.3
		u.Path = "/"
	}
	// Behind a proxy that ends TLS, the handler writes https and the request came over http: the host decides.
	return u, target.Authority(u.Host) == target.Authority(r.Host) && strings.HasPrefix(u.Path, "/")
}
