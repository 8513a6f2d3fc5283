package serve

import (
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Outcome is what became of a request that came to a Cached. What Cache-Status says, and what is counted, is made of it.
type Outcome struct {
	Kind     Kind
	Entry    *response.Entry // that answered, for Hit, StaleHit and StoodIn
	Answered int             // the status of the handler's answer, where the client gets another; 0 for none
	Stored   bool            // the response was accepted for storing
	Refusal  rfc9111.Refusal // why it was not; empty where that goes without saying
}

// Kind is the kind of an outcome.
type Kind uint8

// The kinds of outcomes.
const (
	Unknown       Kind = iota // there is none: the client has left before, or a route inside has it
	Hit                       // a stored response answered, which was fresh
	StaleHit                  // one that was stale did, as it or the client allows, or while it is refreshed
	Collapsed                 // the answer to another request, for which this one has waited, did
	Validated                 // the handler said that what is stored is still good
	StoodIn                   // the handler failed, and what is stored answered in its place
	Miss                      // the handler answered
	Bypassed                  // it did, and nothing was to be looked up
	Unsatisfiable             // the request wanted what is stored alone, and nothing suitable was (RFC 9111 §5.2.1.7)
	kinds
)

// hit returns the words for an answer from what is stored.
func (x *exchange) hit(e *response.Entry) *rfc9111.CacheStatus {
	kind := Hit
	if e.Meta.Fresh(x.now) <= 0 {
		kind = StaleHit
	}
	status := x.words(Outcome{Kind: kind, Entry: e})
	return &status
}

// words notes an outcome and puts it into those of Cache-Status (RFC 9211).
func (x *exchange) words(o Outcome) rfc9111.CacheStatus {
	x.kind = o.Kind
	status := rfc9111.CacheStatus{Status: o.Answered, Stored: o.Stored, Key: x.shownKey()}
	if o.Entry != nil {
		status.HasTTL, status.TTL = true, o.Entry.Meta.Fresh(x.now)
	}
	switch o.Kind {
	case Hit, StaleHit:
		status.Hit = true
		return status
	case Unsatisfiable:
		status.Detail = "only-if-cached"
		return status
	case Collapsed:
		status.Collapsed = true
	}
	status.Forward = x.found.Why
	switch {
	case x.found.Err != nil:
		status.Detail = "store-unavailable"
	case x.bypass != "":
		status.Detail = string(x.bypass)
	default:
		status.Detail = string(o.Refusal)
	}
	return status
}

func (x *exchange) shownKey() string {
	if x.around.rt.ShowKey {
		return x.target.Key
	}
	return ""
}
