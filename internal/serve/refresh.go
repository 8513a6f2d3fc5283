package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/collapse"
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
	flight *collapse.Flight[*response.Entry] // nil for none
	key    string                            // what the flight collapses by
	stored atomic.Bool                       // what the handler made is stored
	status atomic.Pointer[string]            // what Cache-Status says of the handler's answer
	engine atomic.Int64                      // the status that the engine has answered with; 0 for none

	route   string                  // the pattern of the route whose response it is to refresh
	params  gin.Params              // those of the request that found it stale
	arrived atomic.Pointer[url.URL] // what the URL is to be at the engine's middleware; nil for what it then is
}

// restore gives the request of a background refresh the URL with which the client's came to the engine's middleware: what stands
// before that has changed it, if it does, for the second time.
func (in *carried) restore(r *http.Request) {
	if in == nil || in.x != nil || in.refresh == nil {
		return
	}
	if u := in.refresh.arrived.Swap(nil); u != nil {
		*r.URL = *u
	}
}

// refreshOf returns the refresh that a request carries out, or nil.
func (s *Server) refreshOf(r *http.Request) *refresh {
	if in := carriedBy(r); in != nil && in.server == s {
		return in.refresh
	}
	return nil
}

// strays tells whether a background refresh has come to a route with the key of what it is to refresh, and yet not to the same
// one, or with other parameters: middleware changes paths in a way that leads somewhere else the second time.
func (r *refresh) strays(c *gin.Context, key string) bool {
	return r != nil && r.flight != nil && r.key == key && (c.FullPath() != r.route || !slices.Equal(c.Params, r.params))
}

// forces tells whether a refresh is one that the program asked for, of what may be fresh.
func (r *refresh) forces() bool { return r != nil && r.flight == nil }

// tell tells a refresh what Cache-Status says, and the status that the handler has answered with: 0 for none.
func (r *refresh) tell(status rfc9111.CacheStatus, answered int) {
	if r != nil {
		status.Status = answered
		said := status.String()
		r.status.Store(&said)
	}
}

// flightFor returns the flight that a refresh leads, or nil when it turns out to be for another key.
func (r *refresh) flightFor(key string) *collapse.Flight[*response.Entry] {
	if r.key != key {
		return nil
	}
	return r.flight
}

// refresh has the stored response refreshed in the background, unless a refresh is under way already, or was in vain a moment
// ago. The refresh is a request of its own through the whole engine, since this one's gin.Context ends with it.
func (x *exchange) refresh() {
	s, key := x.s, x.found.Key
	if s.resting.Has(key, x.now) {
		return
	}
	select {
	case s.slots <- struct{}{}:
	default:
		return
	}
	flight, leads := s.flights.Join(key)
	if !leads || s.closed.Load() {
		if leads {
			flight.Abandon()
		}
		<-s.slots
		return
	}
	mark := &refresh{flight: flight, key: key, route: x.c.FullPath(), params: slices.Clone(x.c.Params)}
	r := x.refreshRequest(mark)
	s.refreshes.Add(1)
	go func() {
		defer s.refreshes.Done()
		defer func() { <-s.slots }()
		defer flight.Abandon()
		defer func() {
			if !mark.stored.Load() {
				s.resting.Add(key, s.clock().Add(restFor))
			}
		}()
		_ = s.run(r) // no request waits for it
	}()
}

// Refresh has the engine answer a GET, and stores what it answers in place of what is stored. It returns why nothing was stored.
func (s *Server) Refresh(r *http.Request) error {
	mark := &refresh{}
	err := s.run(r.WithContext(&fillContext{r.Context(), carried{server: s, refresh: mark}}))
	switch {
	case mark.stored.Load():
		return nil
	case err != nil, s.disabled: // where nothing is cached, that nothing was stored is no error
		return err
	case mark.status.Load() == nil:
		return fmt.Errorf("no route with Cached has answered, but something else with the status %d, so nothing was stored", mark.engine.Load())
	}
	return fmt.Errorf("what the handler answered was not stored (%s)", *mark.status.Load())
}

// run has the engine answer a request that no client waits for.
func (s *Server) run(r *http.Request) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			err = errors.New("the handler broke off its response")
		default:
			s.log.Error("cachette: a handler panicked in a background refresh", "path", r.URL.Path, "panic", p)
			err = errors.New("the handler panicked")
		}
	}()
	ctx, cancel := context.WithTimeout(r.Context(), refreshTimeout)
	defer cancel()
	defer context.AfterFunc(s.closing, cancel)()
	if ctx.Value(http.ServerContextKey) == nil { // httputil.ReverseProxy breaks a response off only where a server is to notice
		ctx = context.WithValue(ctx, http.ServerContextKey, &http.Server{})
	}
	s.engine.ServeHTTP(newDiscard(ctx), r.WithContext(ctx))
	return ctx.Err()
}

// refreshRequest returns a GET for what the client asked for, as it came to the engine, less what is between the client
// and this cache.
func (x *exchange) refreshRequest(mark *refresh) *http.Request {
	r := x.request.Clone(&fillContext{
		context.WithoutCancel(x.request.Context()), carried{server: x.s, refresh: mark, around: x.frame.entered},
	})
	r.Method = http.MethodGet
	r.Body = http.NoBody
	r.ContentLength = 0
	arrived := x.frame.arrived
	if arrived == nil {
		arrived = requestedURL(x.request)
	}
	mark.arrived.Store(arrived)
	r.URL = x.s.entrance(x.c, arrived)
	for _, name := range []string{
		"Cache-Control", "Pragma", "Range", "If-Range", "If-None-Match", "If-Modified-Since",
	} {
		delete(r.Header, name)
	}
	return r
}

// discard is a http.ResponseWriter without a client, whose connection ends with the context.
type discard struct {
	ctx    context.Context
	header http.Header
	gone   chan bool
}

func newDiscard(ctx context.Context) *discard {
	d := &discard{ctx: ctx, header: make(http.Header), gone: make(chan bool, 1)}
	context.AfterFunc(ctx, func() { d.gone <- true })
	return d
}

func (d *discard) Header() http.Header { return d.header }

func (d *discard) Write(b []byte) (int, error) {
	if err := d.ctx.Err(); err != nil {
		return 0, err
	}
	return len(b), nil
}

// WriteHeader tells the refresh that is answered the status.
func (d *discard) WriteHeader(status int) {
	if in, _ := d.ctx.Value(carriedKey{}).(*carried); in != nil && in.refresh != nil {
		in.refresh.engine.Store(int64(status))
	}
}

func (d *discard) Flush() {}

// CloseNotify is what gin's Stream asks for.
func (d *discard) CloseNotify() <-chan bool { return d.gone }
