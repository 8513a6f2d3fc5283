package cachette

import (
	"context"
	"log/slog"
	"time"

	"github.com/gin-cachette/cachette/internal/event"
)

// Observer is told of what a cache does, as it happens: for a trace, a log or a count of your own. [Cache.Stats] counts without one.
//
// Its methods are called by the goroutine that does it, by many at once, and hold it up: they are not to wait. A panic of theirs is logged, and
// concerns nothing else. A request that goes past the cache is told of, too; one of which the client has left before it was answered is not.
type Observer interface {
	// OnRequest is told what became of a request that came to a [Cached], once its handler, if it ran, has returned. ctx is that of the request.
	OnRequest(ctx context.Context, e RequestEvent)

	// OnOperation is told what became of an operation on the store, right behind it. ctx is that of the caller, as of the request that has looked
	// something up; what the cache does by itself has none that says whose. Live objects in memory are read and written without any operation.
	OnOperation(ctx context.Context, e OperationEvent)
}

// RequestEvent is what became of a request.
type RequestEvent struct {
	Route   string // the pattern of its route, as "/products/:id"; empty for none
	Method  string // one that a route has, or that RFC 9110 or 5789 defines; "_OTHER" for what else clients make up
	Outcome string // a name of [Outcomes.All]
	Forward string // why the handler was asked, as fwd in Cache-Status (RFC 9211 §2.2); empty where it was not
	Reason  string // why the response is not stored, or nothing was looked up, as detail in Cache-Status; empty where that goes without saying

	Background  bool          // it is a refresh in the background, for which no client waits, and which no [RouteStats] has among its Outcomes
	Near        bool          // of a hit: a near copy answered
	Unavailable bool          // the store did not answer when something was looked up
	TTL         time.Duration // of what was stored and has answered: how long it stays fresh; negative where it is stale
	Took        time.Duration // that the handler ran; 0 where it did not
	Saved       time.Duration // what the handler had taken to make what has answered in its place; 0 where that is not known
}

// OperationEvent is what became of an operation on the store.
type OperationEvent struct {
	Kind   string        // a name of [StoreStats.All]
	Result string        // a name of [OperationStats.All]
	Server string        // of several, by the name that the driver gives it; else empty
	Keys   int           // how many it named; of a clearing or a sweep how many entries it has removed
	Bytes  int           // of the values that it has read or written
	Took   time.Duration // 0 in memory, and where the store was not asked
}

func requestEvent(e event.Request) RequestEvent {
	reason, forward := e.Refusal, e.Forward
	switch {
	case e.Outcome == event.Unsatisfiable:
		reason, forward = "only-if-cached", ""
	case e.Outcome == event.Hit, e.Outcome == event.StaleHit:
		forward = ""
	case e.Bypass != "":
		reason = e.Bypass
	}
	return RequestEvent{
		Route: e.Route, Method: e.NamedMethod(), Outcome: e.Outcome.String(), Forward: string(forward), Reason: string(reason),
		Background: e.Background, Near: e.Near, Unavailable: e.Unavailable, TTL: e.TTL, Took: e.Took, Saved: e.Saved,
	}
}

// observe has an observer told of what the cache does, often by a goroutine of the cache's own, which a panic would end the program by.
func (c *Cache) observe(o Observer, log *slog.Logger) (onRequest func(context.Context, event.Request)) {
	if o == nil {
		return nil
	}
	c.store.Observe(event.Surviving(log, func(ctx context.Context, e event.Operation) {
		o.OnOperation(ctx, OperationEvent{Kind: e.Kind.String(), Result: e.Result.String(), Server: e.Server, Keys: e.Keys, Bytes: e.Bytes, Took: e.Took})
	}))
	return event.Surviving(log, func(ctx context.Context, e event.Request) { o.OnRequest(ctx, requestEvent(e)) })
}
