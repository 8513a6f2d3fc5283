package serve

import (
	"context"

	"github.com/gin-cachette/cachette/internal/keys"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// post runs the handlers of a POST. Its response may answer later GETs when it says so: it declares its freshness, and
// its Content-Location is the URI that was posted to (RFC 9110 §9.3.3).
func (x *exchange) post(scheme *keys.Scheme) {
	c, s, rt := x.c, x.s, x.rt
	r := private(x.request) // the handlers may change the header of theirs
	outer := c.Writer
	x.request = r
	if !rt.IgnoreAsk {
		x.asked = rfc9111.ParseRequest(r.Header)
	}
	if rt.Part != nil {
		x.part = rt.Part(c)
	}
	x.key = scheme.Key(r, x.part)
	x.found.Key = x.key
	x.errors = len(c.Errors)
	x.began = s.clock()
	x.recorder.Open(outer, rt.bodyLimit(s), posted{x})
	x.recording = true
	defer func() { c.Writer = outer }()
	x.enter()
	c.Writer = &x.recorder
	c.Next()

	bare := x.recorder.Finish()
	intact := x.inside()
	c.Writer = outer
	if x.outcome == storable && x.recorder.TooLarge() {
		s.counts.TooLarge.Add(1)
	}
	if x.outcome != storable || bare || !intact || !x.endedWell() {
		return
	}
	// The engine's own invalidation, which is still to come, would take this response for one that it outdates. Content-
	// Location says that it is not: the entry is stored when that is over.
	body := x.recorder.Body()
	c.Set(afterInvalidation{}, func() {
		x.ticket = s.store.Begin(context.WithoutCancel(r.Context()), &x.found, x.path, x.rt.Namespace)
		x.draft.Body = body
		x.put(response.New(&x.draft))
	})
}

// afterInvalidation is the key, in a gin.Context, of what is to be done once the request has invalidated.
type afterInvalidation struct{}

// posted is an exchange whose response may be kept though it is one to a POST.
type posted struct{ *exchange }

// Decide decides on the response to a POST.
func (x posted) Decide(rec *response.Recorder) response.Mode {
	if x.outcome == aside {
		return response.Pass
	}
	changes, header := rec.Changes()
	x.examine(rec.Status(), header)
	report := x.forwarded()
	policy := x.policy()
	meta, omit, why := rfc9111.Storable(&x.made, &policy)
	mode := response.Pass
	if why == rfc9111.Stored && x.describesItself() && !x.aborted() {
		x.draft = response.Draft{Status: x.made.Status, Fields: response.Keep(changes, header, omit), Meta: meta}
		if x.fits(rec) {
			x.outcome = storable
			report.Stored = true
			mode = response.Capture
		} else {
			report.Detail = string(refusedTooLarge)
		}
	}
	response.AddStatus(rec.Header(), &report)
	return mode
}

// describesItself tells whether the response's Content-Location is the URI of its request, query included.
func (x *exchange) describesItself() bool {
	location, ok := x.made.Header["Content-Location"]
	if !ok || len(location) != 1 {
		return false
	}
	own, ok := sameOrigin(x.request, location[0])
	return ok && own.Path == x.request.URL.Path && own.EscapedPath() == x.request.URL.EscapedPath() && own.RawQuery == x.request.URL.RawQuery
}
