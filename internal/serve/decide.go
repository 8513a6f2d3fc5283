package serve

import (
	"time"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// situation is all that decides what is done with a request.
type situation struct {
	stored   *rfc9111.Metadata // of the response that was found; nil for none
	why      rfc9111.Forward   // why there is none
	asked    *rfc9111.RequestDirectives
	now      time.Time
	admitted bool // what was found may answer a request with these credentials (RFC 9111 §3.5)
	refresh  bool // the request refreshes what is stored: it is no client's
	shares   bool // one run of the handler may serve this request and others
	early    bool // what was found is fresh, and to be refreshed all the same
	waited   bool // it has waited for a fresh one as long as it was to
}

// plan is what is to be done with a request.
type plan struct {
	step   step
	why    rfc9111.Forward // why the handler is asked, where it is
	forget bool            // what was found is neither to be validated nor to stand in for an error
}

// step is the first step of a plan.
type step uint8

const (
	answer           step = iota // with what is stored
	answerAndRefresh             // with what is stored, which is refreshed behind the answer
	await                        // have what is stored refreshed, and wait for that as long as the route does
	refuse                       // the request wants nothing but what is stored
	refill                       // run the handler for the cache
	collapse                     // run the handler for this request and others, or wait for another's
	alone                        // run the handler for this request
)

// decide returns what RFC 9111 §4 lets a cache do.
func decide(s *situation) plan {
	p := plan{why: s.why}
	switch {
	case s.stored == nil:
	case s.asked.NoStore, !s.admitted: // §5.2.1.5: what concerns a request with no-store is better kept out of the cache altogether
		p.why, p.forget = rfc9111.ForwardRequest, true
	default:
		switch use := s.stored.Judge(s.asked, s.now); {
		case use == rfc9111.Serve && s.early && s.refresh:
			p.why = rfc9111.ForwardRequest
		case use == rfc9111.Serve && s.early:
			return plan{step: answerAndRefresh}
		case use == rfc9111.Serve:
			return plan{step: answer}
		case s.waits():
			return plan{step: await, why: rfc9111.ForwardStale}
		case use == rfc9111.ServeAndRefresh && !s.refresh:
			return plan{step: answerAndRefresh}
		case use == rfc9111.ValidateAsked && s.stored.Fresh(s.now) > 0:
			p.why = rfc9111.ForwardRequest
		default:
			p.why = rfc9111.ForwardStale
		}
	}
	switch {
	case s.asked.OnlyIfCached: // §5.2.1.7
		p.step = refuse
	case s.refresh:
		p.step = refill
	case s.shares:
		p.step = collapse
	default:
		p.step = alone
	}
	return p
}

// waits tells whether the request waits for a fresh response, and gets the stale one where that takes long.
func (s *situation) waits() bool {
	return s.stored.Patience > 0 && !s.waited && !s.refresh && !s.asked.OnlyIfCached && s.stored.Fresh(s.now) <= 0 && s.stored.ServableLate(s.asked, s.now)
}
