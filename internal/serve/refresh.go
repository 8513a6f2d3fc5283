package serve

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-cachette/cachette/internal/collapse"
	"github.com/gin-cachette/cachette/internal/response"
)

const (
	// maxRefreshes bounds the background refreshes under way; beyond it, stale responses stay so a little longer.
	maxRefreshes = 32
	// refreshTimeout is the deadline of a background refresh.
	refreshTimeout = 30 * time.Second
	// closePatience is for how long Close waits for the refreshes under way.
	closePatience = 5 * time.Second
)

// refreshKey is the key of the refresh in the context of the request that carries it out. No client can set it.
type refreshKey struct{}

// refresh is a background refresh (RFC 5861 §3).
type refresh struct {
	flight *collapse.Flight[*response.Entry]
	key    string // what the flight collapses by
}

// refreshing tells whether this request is a background refresh.
func (x *exchange) refreshing() bool {
	_, ok := x.request.Context().Value(refreshKey{}).(*refresh)
	return ok
}

// refreshFlight returns the flight that a background refresh leads, or nil when it turns out to be for another key.
func (x *exchange) refreshFlight() *collapse.Flight[*response.Entry] {
	r, _ := x.request.Context().Value(refreshKey{}).(*refresh)
	if r == nil || r.key != x.found.Key {
		return nil
	}
	return r.flight
}

// refresh has the stored response refreshed in the background, unless somebody is at it already. The refresh is a
// request of its own through the whole engine, since this one's gin.Context ends with it.
func (x *exchange) refresh() {
	s := x.s
	select {
	case s.slots <- struct{}{}:
	default:
		return
	}
	flight, leads := s.flights.Join(x.found.Key)
	if !leads || s.closed.Load() {
		if leads {
			flight.Abandon()
		}
		<-s.slots
		return
	}
	r := x.refreshRequest(&refresh{flight: flight, key: x.found.Key})
	s.refreshes.Add(1)
	go func() {
		defer s.refreshes.Done()
		defer func() { <-s.slots }()
		defer flight.Abandon()
		defer func() {
			if p := recover(); p != nil {
				s.log.Error("cachette: a handler panicked in a background refresh", "path", r.URL.Path, "panic", p)
			}
		}()
		ctx, cancel := context.WithTimeout(r.Context(), refreshTimeout)
		defer cancel()
		defer context.AfterFunc(s.closing, cancel)()
		s.engine.ServeHTTP(newDiscard(ctx), r.WithContext(ctx))
	}()
}

// refreshRequest returns a GET for what the client asked for, as it came to the engine, less what is between the client
// and this cache.
func (x *exchange) refreshRequest(mark *refresh) *http.Request {
	ctx := context.WithValue(context.WithoutCancel(x.request.Context()), refreshKey{}, mark)
	r := x.request.Clone(ctx)
	r.Method = http.MethodGet
	r.Body = http.NoBody
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil { // a handler may have rewritten r.URL
		r.URL = u
	}
	for _, name := range []string{
		"Cache-Control", "Pragma", "Range", "If-Range", "If-None-Match", "If-Modified-Since",
	} {
		delete(r.Header, name)
	}
	return r
}

// discard is a http.ResponseWriter to nobody, who leaves when the context ends.
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

func (d *discard) WriteHeader(int) {}
func (d *discard) Flush()          {}

// CloseNotify is what gin's Stream asks for.
func (d *discard) CloseNotify() <-chan bool { return d.gone }
