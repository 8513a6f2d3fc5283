package serve

import (
	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// hit returns the words for an answer from what is stored.
func (x *exchange) hit(e *response.Entry) *rfc9111.CacheStatus {
	o := event.Request{Outcome: event.Hit, TTL: e.Meta.Fresh(x.now), Saved: e.Meta.Took}
	if o.TTL <= 0 {
		o.Outcome = event.StaleHit
	}
	status := x.words(o)
	return &status
}

// words notes what became of the request and puts it into the words of Cache-Status.
func (x *exchange) words(o event.Request) rfc9111.CacheStatus {
	o.Forward, o.Bypass, o.Unavailable = x.found.Why, x.bypass, x.found.Err != nil
	if x.around.rt.ShowKey {
		o.Key = x.target.Key
	}
	x.happened = o
	return o.CacheStatus()
}
