package serve

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/audit"
	found "github.com/gin-cachette/cachette/internal/audit"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// probe is a request that an audit makes: that of a client once more, or without something of it. It goes through the engine, so that what
// stands before Cached sees it as it does the client's. It is neither answered from what is stored, nor kept, nor counted.
type probe struct {
	of      *inspection
	without found.Suspect // nothing for the request as it was
	arrived atomic.Pointer[url.URL]

	met    bool   // it has come to the route
	shown  *shown // what was answered there; nil for nothing that counts
	panics bool
}

// shown is what handlers have answered.
type shown struct {
	status int
	fields []response.Field // that would be stored
	body   []byte
}

// marksOf returns the refresh that a request carries out, and the probe that it is; nil for none.
func (s *Server) marksOf(r *http.Request) (*refresh, *probe) {
	if in := carriedBy(r); in != nil && in.server == s {
		return in.refresh, in.probe
	}
	return nil, nil
}

// run has the handlers answer without a suspect, and tells whether they have: not where the request does not come to the route, or to another key
// by what it lacks, which then is in the key; nor where they fail, which may be for no more than that it is not there.
func (i *inspection) run(without found.Suspect) (*found.Response, bool) {
	s, p := i.s, &probe{of: i, without: without}
	r := i.request.WithContext(&fillContext{i.request.Context(), carried{server: s, probe: p, around: i.entered}})
	if i.content != nil {
		r.Body = i.content.again()
	}
	u, arrived := *i.request.URL, *i.arrived
	r.URL, r.Header = &u, i.request.Header.Clone()
	i.about.Remove(without, r)
	if without.Kind == audit.Query {
		arrived.RawQuery = r.URL.RawQuery
	}
	p.arrived.Store(&arrived)
	err := s.run(s.engine, r, make(http.Header))
	if err != nil || p.shown == nil || p.panics || p.shown.status >= http.StatusInternalServerError {
		return nil, false
	}
	got := i.of(p.shown.status, p.shown.fields, p.shown.body)
	return &got, true
}

// probing returns the Frame of a request that is a probe; else the frame.
func (f *Frame) probing(in *carried) *Frame {
	if in == nil || in.x != nil || in.probe == nil {
		return f
	}
	return &Frame{Server: f.Server, around: f.around, entered: f.entered, arrived: f.arrived, credentials: f.credentials, probe: in.probe}
}

// prepare takes what is suspected off the keys of a context, before the routes read it, and notes which there are.
func (p *probe) prepare(c *gin.Context) {
	switch p.without.Kind {
	case "":
		p.of.about.Keys = keysOf(c)
	case audit.Keys:
		if value, ok := c.Get(p.without.Name); ok {
			if plain := blank(value); plain != nil {
				c.Set(p.without.Name, plain)
			} else {
				delete(c.Keys, p.without.Name)
			}
		}
	}
}

// keysOf returns the names in the keys of a context that are texts, but for gin's.
func keysOf(c *gin.Context) (names []string) {
	for key := range c.Keys {
		if name, ok := key.(string); ok && !strings.HasPrefix(name, "_gin-gonic/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// blank returns the zero value of a type that is data and nothing else, so that handlers which count on the type find it; nil for another, as that
// of a connection, in which a zero value has no meaning.
func blank(value any) any {
	t := reflect.TypeOf(value)
	switch {
	case t == nil:
		return nil
	case isData(t, 3):
		return reflect.Zero(t).Interface()
	case t.Kind() == reflect.Pointer && isData(t.Elem(), 3):
		return reflect.New(t.Elem()).Interface()
	}
	return nil
}

// isData tells whether a type has nothing but texts, numbers and truth values, also in fields, as far as depth goes.
func isData(t reflect.Type, depth int) bool {
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64:
		return true
	case reflect.Slice, reflect.Map:
		return depth > 0 && (isData(t.Elem(), depth-1) || t.Elem().Kind() == reflect.Interface)
	case reflect.Struct:
		for i := range t.NumField() {
			if depth == 0 || !t.Field(i).IsExported() || !isData(t.Field(i).Type, depth-1) {
				return false
			}
		}
		return t.NumField() > 0
	}
	return t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64
}

// takeProbe takes a probe through a route. Routes around the one that is audited, and inside of it, let the handlers run.
func (s *Server) takeProbe(c *gin.Context, f *Frame, in around, p *probe) {
	x := &exchange{s: s, c: c, frame: f, around: in, request: c.Request, probe: p}
	x.found.Why = rfc9111.ForwardBypass
	if p.met || in.rt.depth < p.of.rt.depth {
		x.goOn()
		x.forward(difference{})
		return
	}
	p.met = true
	if c.FullPath() != p.of.route || s.keyFor(c, &in, p.of.entry) != p.of.key {
		c.AbortWithStatus(http.StatusMisdirectedRequest)
		return
	}
	defer func() {
		if recover() != nil { // what recovers outside would tell of it as of a fault
			p.panics = true
			c.Abort()
		}
	}()
	x.goOn()
	if shown, whole := x.observe(); whole {
		p.shown = shown
	}
}

// observed is an exchange whose response passes on, and is noted.
type observed struct {
	naming
	shown
}

// Decide notes the status and the fields that would be stored.
func (o *observed) Decide(rec *response.Recorder) response.Mode {
	o.negotiated(rec.Header())
	changes, header := rec.Changes()
	made := rfc9111.Exchange{Method: http.MethodGet, Request: o.request.Header, Status: rec.Status(), Header: header}
	_, omit, _ := rfc9111.Storable(&made, &o.around.rt.Policy)
	o.status, o.fields = rec.Status(), response.Keep(changes, header, union(omit, o.around.rt.Unkept))
	return o.naming.Decide(rec)
}

// observe lets the handlers answer on a request of their own, of which nothing is stored, and returns what they have answered, and whether that is
// all of it.
func (x *exchange) observe() (got *shown, whole bool) {
	outer := x.c.Writer
	x.judged = new(judged)
	o := &observed{naming: naming{x}}
	x.recorder.Open(outer, 0, o, nil)
	copied := response.NewCopy(&x.recorder, x.around.rt.bodyLimit(x.s), x.s.room)
	defer func() {
		x.c.Writer = outer
		copied.Close()
	}()
	x.c.Writer = copied
	x.run(difference{own: true, bare: x.around.rt.IgnoreAsk})
	x.recorder.Finish()
	body, whole := copied.Body()
	if !whole || o.status == 0 || x.context.Err() != nil {
		return nil, false
	}
	o.body = body
	return &o.shown, true
}
