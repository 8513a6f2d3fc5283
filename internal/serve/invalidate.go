package serve

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

// Invalidate runs the handlers of an unsafe request and, when they succeed, or answer otherwise as InvalidateOn says, invalidates
// what is stored for its URI and for those that its response's Location and Content-Location name (RFC 9111 §4.4). It does so when the last
// handler has returned, since a middleware may commit the change, as to a database, only after the response was written; and before that as well
// where the client may see the response then, and ask for the page at once: a short one stays with the server until then.
func (s *Server) Invalidate(c *gin.Context) {
	if in := carriedBy(c.Request); s.closed.Load() || in != nil && in.x == nil { // the latter is a request of a cache's own, which is no write
		return
	}
	s.comesThrough(c.Request)
	outer, r, asked := c.Writer, c.Request, requestedURL(c.Request)
	u := &unsafeRequest{server: s, c: c, request: r, write: enterWrite(c, asked), asked: asked}
	if r.Method == http.MethodPost && s.readsBy(c.FullPath()) { // also where a guard answers it
		u.write.reads.Store(true)
	}
	own := c.Request
	rec := new(response.Recorder)
	rec.Open(outer, 0, u, nil)
	rec.Watch(u.goes)
	u.rec = rec
	returned := false
	defer func() {
		c.Writer = outer
		r.Form, r.PostForm, r.MultipartForm = own.Form, own.PostForm, own.MultipartForm // net/http removes the files of its own
		switch {
		case returned:
		case rec.Written():
			u.invalidate(rec.Status(), rec.Header())
		default: // a panic, which is answered with an error, if at all
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
	if bare := rec.Finish(); bare && outer.Written() { // past the Recorder, as by HandleContext
		u.invalidate(outer.Status(), outer.Header())
	} else {
		u.invalidate(rec.Status(), rec.Header())
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
	asked   *url.URL // by its client
	rec     *response.Recorder
	said    http.Header // the fields by which the response names what else it invalidates, as it goes out; nil before they are final
	early   bool        // it has invalidated before the response went out
	untaken bool        // the store has not taken what was purged then
}

// namingFields are those by which the answer to an unsafe request names what it invalidates, beside its own URI (RFC 9111 §4.4, RFC 9875 §3).
var namingFields = [...]string{"Location", "Content-Location", "Cache-Group-Invalidation"}

// Decide notes what the response names: what handlers do to its header behind that, no client sees. It invalidates where the response may then go out
// beside the handler, as that to a POST which is kept does: what there is to know of it is the handler's by then. Else nothing is to be done yet.
func (u *unsafeRequest) Decide(rec *response.Recorder) response.Mode {
	u.said = make(http.Header)
	for _, name := range namingFields {
		if values := rec.Header()[name]; len(values) > 0 {
			u.said[name] = slices.Clone(values)
		}
	}
	if x := postedBy(u.c); x != nil && x.verdict.captures() {
		u.early = true
		u.invalidate(rec.Status(), rec.Header())
	}
	return response.Pass
}

// goes invalidates before more of the response goes out than its server holds back.
func (u *unsafeRequest) goes(size int) {
	if !u.early && !u.rec.HeldByServer(size) {
		u.early = true
		u.invalidate(u.rec.Status(), u.rec.Header())
	}
}

// Flushed invalidates before the response is sent.
func (u *unsafeRequest) Flushed() { u.goes(math.MaxInt) }

// Release does so before the connection is the handler's.
func (u *unsafeRequest) Release() { u.goes(math.MaxInt) }

// The others have nothing to do: nothing is captured.
func (u *unsafeRequest) Forgo()                               {}
func (u *unsafeRequest) Waits()                               {}
func (u *unsafeRequest) Waited()                              {}
func (u *unsafeRequest) Gone() bool                           { return u.request.Context().Err() != nil }
func (u *unsafeRequest) CloseNotify() <-chan bool             { return notify(u.request.Context()) }
func (u *unsafeRequest) Sent(*response.Recorder, http.Header) {}

// invalidate purges, by one call, the paths that an answer to the request invalidates, on its host. Only one of success concerns what it
// names: a redirect names where to go on, which anybody may choose where it comes from the request.
func (u *unsafeRequest) invalidate(status int, header http.Header) {
	s, r := u.server, u.request
	if u.said != nil {
		header = u.said
	}
	if !u.write.invalidatedBy(status, s.answers) {
		return
	}
	host, named := target.Authority(r.Host), []*url.URL{u.asked}
	if rfc9111.OnSuccess.Has(status) {
		named = append(named, u.refersTo(header)...)
	}
	var scopes []purge.Scope
	for _, other := range named {
		if scope := purge.OfHostPath(host, s.PurgedAs(other)); !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	tags, groups := u.outdated(), groupsOf(header)
	scopes = append(scopes, s.entries.Tags(tags)...)
	for _, group := range groups {
		scopes = append(scopes, groupScope(host, group))
	}
	u.purge(scopes)
	if s.hears.Load() != nil {
		s.Purged(Purge{URLs: u.urls(host, named), Tags: tags, Groups: u.groups(host, groups)})
	}
}

// purge purges scopes. What the store has not taken before the response it is not asked for behind it, if it is still owed: the client waits
// for one timeout.
func (u *unsafeRequest) purge(scopes []purge.Scope) {
	s, ctx, err := u.server, context.WithoutCancel(u.request.Context()), error(nil)
	if u.untaken && s.entries.Owe(scopes...) {
		return
	}
	if x := postedBy(u.c); x != nil && x.verdict.fate == storable {
		err = s.entries.PurgeOwn(ctx, &x.ticket, scopes...)
	} else {
		err = s.entries.Purge(ctx, nil, scopes...)
	}
	if u.untaken = errors.Is(err, purge.ErrOwed); err != nil {
		s.log.Warn("cachette: an invalidation is still owed to the store", "route", u.c.FullPath(), "error", err)
	}
}

// outdated returns the tags that handlers have said the request outdates.
func (u *unsafeRequest) outdated() (tags []string) {
	seen := make(map[string]bool) // a client may have said what has changed, and how much
	for _, of := range u.write.outdates() {
		for _, tag := range u.named(of) {
			if problem := argument.Tag(tag); problem != "" {
				u.server.tellOnce("outdated", u.c.FullPath(), "cachette: a tag that InvalidatesFrom names is none, and nothing is invalidated by it", "error", problem)
			} else if !seen[tag] {
				seen[tag], tags = true, append(tags, tag)
			}
		}
	}
	return tags
}

// named returns the tags that a function names. Where it panics, the answer may be on its way already: the rest is invalidated all the same.
func (u *unsafeRequest) named(of func(*gin.Context) []string) (tags []string) {
	defer func() {
		if p := recover(); p != nil {
			u.server.log.Error("cachette: a function of InvalidatesFrom panicked, and nothing is invalidated by it", "route", u.c.FullPath(), "panic", p,
				"stack", string(debug.Stack()))
		}
	}()
	return of(u.c)
}

// groupsOf returns the groups that an answer to an unsafe request invalidates (RFC 9875 §3).
func groupsOf(header http.Header) []string {
	groups, _ := rfc9111.ParseGroups(header["Cache-Group-Invalidation"])
	return groups
}

// groups returns groups of a host as Purge names them.
func (u *unsafeRequest) groups(host string, groups []string) (named []string) {
	for _, group := range groups {
		origin := url.URL{Scheme: schemeOf(u.server.Secure(u.c)), Host: host, Fragment: group}
		named = append(named, origin.String())
	}
	return named
}

// urls returns the URLs of a host, as clients ask for them, each once.
func (u *unsafeRequest) urls(host string, named []*url.URL) (urls []string) {
	base := schemeOf(u.server.Secure(u.c)) + "://" + host
	for _, other := range named {
		path := other.EscapedPath()
		if u.server.engine.RemoveExtraSlash {
			path = cleanedPath(path)
		}
		if !slices.Contains(urls, base+path) {
			urls = append(urls, base+path)
		}
	}
	return urls
}

// refersTo returns what a response names, beside its own URL, by Location and Content-Location.
func (u *unsafeRequest) refersTo(header http.Header) (all []*url.URL) {
	for _, name := range []string{"Location", "Content-Location"} {
		for _, value := range header[name] {
			if named, ok := sameOrigin(u.request, value); ok {
				all = append(all, named)
			}
		}
	}
	return all
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

// write is a request with an unsafe method, on its way through the handlers of one engine or of several, which find it by the
// context of the request.
type write struct {
	context.Context
	method, host, path string       // of the request as its client sent it
	said               atomic.Value // the rfc9111.Invalidation that a handler has asked for last; nil for none
	reads              atomic.Bool  // it only reads, as its route says

	mu   sync.Mutex
	tags []func(*gin.Context) []string // what handlers have said it outdates
}

// outdates returns what handlers have said that the request outdates.
func (w *write) outdates() []func(*gin.Context) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.tags)
}

// Invalidates has the request invalidate tags, beside its URL, where its answer does. It does nothing for a safe method, or without a cache.
func Invalidates(c *gin.Context, tags func(*gin.Context) []string) {
	if w := writeOf(c); w != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.tags = append(w.tags, tags)
	}
}

// writeKey is the key of a write, in a gin.Context and in the context of its request. HandleContext takes it from the former, and
// handlers that replace the request may take it from the latter.
type writeKey struct{}

// Value returns the value for a key.
func (w *write) Value(key any) any {
	if _, ok := key.(writeKey); ok {
		return w
	}
	return w.Context.Value(key)
}

// InvalidateOn has these answers to the request invalidate, and no others. It does nothing for a safe method, or without a cache.
func InvalidateOn(c *gin.Context, on rfc9111.Invalidation) {
	if w := writeOf(c); w != nil {
		w.said.Store(on)
	}
}

// writeOf returns the write that a request is, or nil.
func writeOf(c *gin.Context) *write {
	if value, ok := c.Get(writeKey{}); ok {
		return value.(*write)
	}
	if c.Request == nil {
		return nil
	}
	w, _ := c.Request.Context().Value(writeKey{}).(*write)
	if w == nil || !w.is(c.Request) {
		return nil
	}
	return w
}

// is tells whether a request is the one that its client sent, and not another that a handler makes with its context.
func (w *write) is(r *http.Request) bool {
	return r.Method == w.method && r.Host == w.host && requestedURL(r).Path == w.path
}

// enterWrite has the handlers of a request find the write that it is. asked is the URL that its client asked for.
func enterWrite(c *gin.Context, asked *url.URL) *write {
	w := writeOf(c)
	if w == nil {
		r := c.Request
		w = &write{Context: r.Context(), method: r.Method, host: r.Host, path: asked.Path}
		c.Request = r.WithContext(w)
	}
	c.Set(writeKey{}, w)
	return w
}

// invalidatedBy tells whether an answer with a status invalidates, where unless holds that no handler has said otherwise.
func (w *write) invalidatedBy(status int, unless rfc9111.Invalidation) bool {
	if w.reads.Load() {
		return false
	}
	on, said := w.said.Load().(rfc9111.Invalidation)
	if !said {
		on = unless
	}
	return on.Has(status)
}
