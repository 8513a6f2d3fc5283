package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/flight"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

const (
	// maxRefreshes bounds the background refreshes under way; beyond it, stale responses stay so a little longer.
	maxRefreshes = 32
	// refreshTimeout is the deadline of a background refresh.
	refreshTimeout = 30 * time.Second
	// closePatience is for how long Close waits for the refreshes under way.
	closePatience = 5 * time.Second
)

// restFor is for how long a stale response is served without another refresh, behind one that stored nothing.
const restFor = 5 * time.Second

// refresh is a background refresh (RFC 5861 §3), or one that the program asked for.
type refresh struct {
	flight *flight.Seat                 // nil for none
	key    string                       // what the flight collapses by
	lease  atomic.Pointer[flight.Lease] // nil where no other process waits, and once a fill has it
	stored atomic.Bool                  // what the handler made is stored, or waits for the store
	status atomic.Pointer[string]       // what Cache-Status says of the handler's answer
	engine atomic.Int64                 // the status that was answered with; 0 for none

	written chan error              // what became of what waited for the store; nil where no refresh waits for that
	renews  time.Time               // when what it is to replace was received, fresh or not; zero for no matter when
	awaited bool                    // clients wait for it
	alone   bool                    // the program has asked for it, and no server is known through which to go
	vary    []string                // by what the response varies, as far as that is not to be seen in a refresh
	route   string                  // the pattern of the route whose response it is to refresh
	params  gin.Params              // those of the request that found it stale
	arrived atomic.Pointer[url.URL] // what the URL is to be at the engine's middleware; nil for what it then is
}

// restore gives the request of a background refresh, or of an audit, the URL with which the client's came to the engine's middleware: what stands
// before that has changed it, if it does, for the second time.
func (in *carried) restore(r *http.Request) {
	if in == nil || in.x != nil {
		return
	}
	var u *url.URL
	switch {
	case in.refresh != nil:
		u = in.refresh.arrived.Swap(nil)
	case in.probe != nil:
		u = in.probe.arrived.Swap(nil)
	}
	if u != nil {
		*r.URL = *u
	}
}

// strays tells whether a background refresh has come to a route with the key of what it is to refresh, and yet not to the same
// one, or with other parameters: middleware changes paths in a way that leads somewhere else the second time.
func (r *refresh) strays(c *gin.Context, key string) bool {
	return r != nil && r.flight != nil && r.key == key && (c.FullPath() != r.route || !slices.Equal(c.Params, r.params))
}

// forces tells whether a refresh is one that the program asked for, of what may be fresh.
func (r *refresh) forces() bool { return r != nil && r.flight == nil }

// settle tells a refresh what became of a response that had to wait for the store.
func (r *refresh) settle(s *Server, err error) {
	switch {
	case r == nil || err == nil && r.written == nil:
	case r.written == nil:
		s.resting.Add(r.key, s.clock.now().Add(restFor))
	default:
		select {
		case r.written <- err:
		default: // it was told once
		}
	}
}

// rest has no other refresh of a key begin for some seconds, if this one is of that key and has stored nothing. It comes before the flight ends, which
// may be long before the handlers do: else the next request would begin another one at once.
func (r *refresh) rest(s *Server, key string) {
	if r != nil && r.flight != nil && r.key == key && !r.stored.Load() {
		s.resting.Add(key, s.clock.now().Add(restFor))
	}
}

// await waits until what a refresh has made is stored, and returns why it is not.
func (r *refresh) await(ctx context.Context) error {
	select {
	case err := <-r.written:
		if err != nil && !errors.Is(err, entries.ErrMoot) { // what came since is newer
			return fmt.Errorf("what the handler answered was not stored: %w", err)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tell tells a refresh what Cache-Status says, and the status that the handler has answered with: 0 for none.
func (r *refresh) tell(status rfc9111.CacheStatus, answered int) {
	if r != nil {
		status.Status = answered
		said := status.String()
		r.status.Store(&said)
	}
}

// flightFor returns the flight that a refresh leads, or nil when it turns out to be for another key.
func (r *refresh) flightFor(key string) *flight.Seat {
	if r.key != key {
		return nil
	}
	return r.flight
}

// leaseFor does so for the lease.
func (r *refresh) leaseFor(key string) *flight.Lease {
	if r.key != key {
		return nil
	}
	return r.lease.Swap(nil)
}

// also returns a response's fields of Vary with those that a refresh does not show.
func (r *refresh) also(vary []string, stored *response.Entry) []string {
	if r == nil {
		return vary
	}
	all := union(vary, r.vary)
	if stored != nil {
		all = union(all, stored.Meta.Vary)
	}
	return slices.Sorted(slices.Values(all))
}

// refresh has the stored response, which the client has got, refreshed in the background, unless a refresh is under way already, or
// was in vain a moment ago. The refresh is a request of its own through the whole engine, since this one's gin.Context ends with
// it. What stands around the engine has set outside for this client, and does not see the refresh: the fields in outside, and what
// it has added as the header went out. A page that was made for a client that was given a cookie is not to be stored. Clients may wait for the refresh: it is awaited then.
func (x *exchange) refresh(outside http.Header, awaited bool) {
	s, key := x.s, x.found.Key
	vary, refreshable := x.refreshable()
	if !refreshable || s.resting.Has(key, x.now) {
		return
	}
	select {
	case s.slots <- struct{}{}:
	default:
		return
	}
	seat, content := s.flights.Lead(key), x.content()
	if seat == nil || s.closed.Load() || s.resting.Has(key, x.now) || !content.hold() { // one may have ended in vain since it was looked for
		seat.Pass()
		<-s.slots
		return
	}
	mark := &refresh{flight: seat, key: key, renews: x.found.Entry.Meta.ResponseTime, awaited: awaited, vary: vary, route: x.c.FullPath(), params: slices.Clone(x.c.Params)}
	r, turn, of := x.refreshRequest(mark), s.turn(x.around.rt, key), x.target
	of.Header = r.Header
	go func() {
		defer func() { <-s.slots }()
		defer content.free()
		defer seat.Fail()
		defer mark.rest(s, key)
		defer func() { mark.lease.Swap(nil).Free() }() // unless a fill has it
		run := false
		if _ = guard.Contained(func() error { run = s.takeLease(mark, turn, of); return nil }); !run {
			return
		}
		_ = s.run(s.engine, r, outside) // no request waits for it
	}()
}

// refreshable tells whether a refresh for this client may be stored, by what is set outside by now, and by what fields its response varies
// there. One that is answered by its content has to be sent with all of that once more.
func (x *exchange) refreshable() (vary []string, ok bool) {
	if x.byContent() && x.content() == nil {
		return nil, false
	}
	cookies, varied := leaving(x.c.Writer.Header())
	vary, any := rfc9111.VaryFields(http.Header{"Vary": varied})
	return vary, !any && !x.forbidden(cookies, nil)
}

// noServer stands for the server of requests that have come through none.
var noServer = new(http.Server)

// fronts are the servers by which clients' requests have come, which say how one that the program makes is to come.
type fronts struct {
	mu      sync.RWMutex
	last    *http.Server            // nil for none
	several bool                    // there is another one
	byHost  map[string]*http.Server // the last one for each host
}

const maxFronts = 256 // hosts, which clients choose

// comesThrough notes the server that a client's request has come through.
func (s *Server) comesThrough(r *http.Request) {
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if server == nil || server == noServer {
		return
	}
	f, host := &s.fronts, strings.ToLower(r.Host)
	f.mu.RLock()
	known := f.byHost[host] == server
	f.mu.RUnlock()
	if known {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.several = f.several || f.last != nil && f.last != server
	f.last = server
	if f.byHost == nil {
		f.byHost = make(map[string]*http.Server)
	}
	if _, known := f.byHost[host]; !known && len(f.byHost) == maxFronts { // were it refused, hosts that a client makes up would keep the real ones out
		for any := range f.byHost {
			delete(f.byHost, any)
			break
		}
	}
	f.byHost[host] = server
}

// entry returns what answers requests for a host as clients send them: all that their server has around the engine, or the engine alone
// where no server is known.
func (s *Server) entry(host string) (h http.Handler, alone bool, err error) {
	f := &s.fronts
	f.mu.RLock()
	defer f.mu.RUnlock()
	server := f.byHost[strings.ToLower(host)]
	if server == nil && f.several {
		return nil, false, errors.New("the engine has several servers, and by none of them has a client's request for this host come that its " +
			"handler answered; ask for a page of it first")
	}
	if server == nil {
		server = f.last
	}
	switch {
	case server == nil:
		return s.engine, true, nil
	case server.Handler == nil:
		return http.DefaultServeMux, false, nil
	}
	return server.Handler, false, nil
}

// Refresh has a GET answered as that of a client, and stores what answers it in place of what is stored. It returns why nothing was
// stored.
func (s *Server) Refresh(r *http.Request) error {
	mark := new(refresh)
	if !s.entries.Local() {
		mark.written = make(chan error, 1)
	}
	entry, alone, err := s.entry(r.Host)
	if err != nil {
		return err
	}
	mark.alone = alone
	err = s.run(entry, r.WithContext(&fillContext{r.Context(), carried{server: s, refresh: mark}}), make(http.Header))
	switch {
	case mark.stored.Load() && mark.written != nil:
		return mark.await(r.Context())
	case mark.stored.Load():
		return nil
	case err != nil, s.disabled: // where nothing is cached, that nothing was stored is no error
		return err
	case mark.status.Load() == nil:
		return fmt.Errorf("no route with Cached has answered, but something else with the status %d, so nothing was stored", mark.engine.Load())
	}
	return fmt.Errorf("what the handler answered was not stored (%s)", *mark.status.Load())
}

// run has a request answered that no client waits for. header is what that of the response begins with.
func (s *Server) run(entry http.Handler, r *http.Request, header http.Header) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			err = errors.New("the handler broke off its response")
		default:
			if _, probe := s.marksOf(r); probe == nil { // in an audit it may be for what was taken off
				s.log.Error("cachette: a handler panicked in a background refresh", "route", routeOf(r), "panic", p, "stack", string(debug.Stack()))
			}
			err = errors.New("the handler panicked")
		}
	}()
	ctx, cancel := context.WithTimeout(r.Context(), refreshTimeout)
	defer cancel()
	defer context.AfterFunc(s.closing, cancel)()
	if ctx.Value(http.ServerContextKey) == nil { // httputil.ReverseProxy breaks a response off only where a server is to notice
		ctx = context.WithValue(ctx, http.ServerContextKey, noServer)
	}
	entry.ServeHTTP(newDiscard(ctx, header), r.WithContext(ctx))
	return ctx.Err()
}

// routeOf returns the pattern of the route that a refresh is for, as far as it is known. Paths, which may have secrets, are in no log.
func routeOf(r *http.Request) string {
	if in := carriedBy(r); in != nil && in.refresh != nil {
		return in.refresh.route
	}
	return ""
}

// refreshRequest returns a request for what the client asked for, as it came to the engine, less what is between the client
// and this cache: a GET, or one with the client's content.
func (x *exchange) refreshRequest(mark *refresh) *http.Request {
	r := x.requestFor(&difference{get: !x.byContent(), lacks: between[:], refresh: mark})
	arrived := x.frame.arrived
	if arrived == nil {
		arrived = requestedURL(x.request)
	}
	mark.arrived.Store(arrived)
	r.URL = x.s.entrance(x.c, arrived)
	return r
}

// between are the fields of a request that are between its client and this cache.
var between = [...]string{"Cache-Control", "Pragma", "Range", "If-Range", "If-None-Match", "If-Modified-Since"}

// discard is a http.ResponseWriter without a client, whose connection ends with the context.
type discard struct {
	ctx    context.Context
	header http.Header
	status int // that was written; 0 for none
	gone   <-chan bool
}

func newDiscard(ctx context.Context, header http.Header) *discard {
	return &discard{ctx: ctx, header: header, gone: notify(ctx)}
}

func (d *discard) Header() http.Header { return d.header }

func (d *discard) Write(b []byte) (int, error) {
	if err := d.ctx.Err(); err != nil {
		return 0, err
	}
	if d.status == 0 {
		d.WriteHeader(http.StatusOK)
	}
	return len(b), nil
}

// WriteHeader tells the refresh that is answered the status.
func (d *discard) WriteHeader(status int) {
	d.status = status
	if in, _ := d.ctx.Value(carriedKey{}).(*carried); in != nil && in.refresh != nil {
		in.refresh.engine.Store(int64(status))
	}
}

func (d *discard) Flush() {}

// SetWriteDeadline has nothing to do: no write waits for a client.
func (d *discard) SetWriteDeadline(time.Time) error { return nil }

// CloseNotify is what gin's Stream asks for.
func (d *discard) CloseNotify() <-chan bool { return d.gone }
