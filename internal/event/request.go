package event

import (
	"net/http"
	"time"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Request is what became of a request that came to a Cached.
type Request struct {
	Outcome     Outcome
	Route       string          // the pattern of its route; empty for none
	Method      string          // in upper case, as it came
	Background  bool            // it is a refresh that no client waits for
	Near        bool            // of a Hit: a copy near the process answered
	Took        time.Duration   // that the handlers ran; 0 where they did not
	Saved       time.Duration   // what the handlers took to make what answered in their place, as far as that is known
	TTL         time.Duration   // of what answered, for Hit, StaleHit and StoodIn: how long it stays fresh; negative when it is stale
	Answered    int             // the status of the handler's answer, where the client gets another; 0 for none
	Late        bool            // of a StaleHit: the handler has taken longer than the route waits
	Stored      bool            // the response was accepted for storing
	Refusal     rfc9111.Refusal // why it was not; empty where that goes without saying
	Forward     rfc9111.Forward // why it went to the handler, for what is no hit
	Bypass      rfc9111.Refusal // why nothing was to be looked up; empty where something was
	Unavailable bool            // the store did not answer when it was looked for
	Key         string          // of the response, where it is to be shown
}

// NamedMethod returns the method, or "_OTHER" for one that clients have made up: that of a request without a route may be anything.
func (r *Request) NamedMethod() string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return r.Method
	}
	if r.Route == "" {
		return "_OTHER"
	}
	return r.Method
}

// Outcome is the kind of what became of a request.
type Outcome uint8

// The outcomes.
const (
	Unknown       Outcome = iota // there is none: the client has left before, or a route inside has it
	Hit                          // a stored response answered, which was fresh
	StaleHit                     // one that was stale did, as it or the client allows, or while it is refreshed
	Collapsed                    // the answer to another request, for which this one has waited, did
	Validated                    // the handler said that what is stored is still good
	StoodIn                      // the handler failed, and what is stored answered in its place
	Miss                         // the handler answered
	Bypassed                     // it did, and nothing was to be looked up
	Unsatisfiable                // the request wanted what is stored alone, and nothing suitable was (RFC 9111 §5.2.1.7)
	Outcomes
)

// outcomes are the names of the outcomes.
var outcomes = [Outcomes]string{"", "hit", "stale", "collapsed", "validated", "stale-on-error", "miss", "bypass", "unsatisfiable"}

// String returns the name of an outcome.
func (o Outcome) String() string { return outcomes[o] }

// CacheStatus returns what Cache-Status says of the request (RFC 9211).
func (r *Request) CacheStatus() rfc9111.CacheStatus {
	status := rfc9111.CacheStatus{Status: r.Answered, Stored: r.Stored, Key: r.Key}
	switch r.Outcome {
	case Hit, StaleHit:
		status.Hit, status.HasTTL, status.TTL = true, true, r.TTL
		if r.Late {
			status.Detail = "patience"
		}
		return status
	case Unsatisfiable:
		status.Detail = "only-if-cached"
		return status
	case StoodIn:
		status.HasTTL, status.TTL = true, r.TTL
	case Collapsed:
		status.Collapsed = true
	}
	status.Forward = r.Forward
	switch {
	case r.Unavailable:
		status.Detail = "store-unavailable"
	case r.Bypass != "":
		status.Detail = string(r.Bypass)
	default:
		status.Detail = string(r.Refusal)
	}
	return status
}
