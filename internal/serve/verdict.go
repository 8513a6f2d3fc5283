package serve

import (
	"net/http"

	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// verdict is what becomes of a fill: judge gives it when the status and header of the handler's answer are final, and conclude when the
// handlers are done. exchange.carryOut does what it says.
type verdict struct {
	refusal rfc9111.Refusal // why the answer is not stored; empty where it is, or where that says nothing of the next one
	fate    fate            // of the answer
	mode    response.Mode   // what the recorder does with it
	waiting waiting         // what those are told that wait for it
	stored  change          // of what is stored
	learned lesson          // what it shows of the handlers
}

// fate is what becomes of an answer.
type fate uint8

const (
	unstored  fate = iota // its own client alone gets it
	storable              // the client gets it, and it is kept if it ends well
	lent                  // it would be, but the store does not answer: the requests that wait for it get it
	confirmed             // it says that what is stored is still good
	failed                // it is an error, and what is stored stands in for it
	aside                 // a route inside does the caching
)

// waiting is what the requests are told that wait for a fill.
type waiting uint8

const (
	untold    waiting = iota // nothing
	waitOn                   // the answer is to be theirs, and the next requests for its key are to wait as well
	oneLeads                 // one of them runs the handlers in turn
	moreLead                 // so do more of them each time
	goAlone                  // each runs the handlers for itself
	stayAlone                // so does each, and those that come within the next seconds
)

// change is what becomes of what is stored.
type change uint8

const (
	untouched change = iota // as it is, unless what is kept takes its place
	withdrawn               // it is removed
	freshened               // it is stored with a new header
)

// lesson is what an answer shows of the handlers of its route.
type lesson uint8

const (
	nothing    lesson = iota
	makesParts        // of pages, or pages that are too large
	makesWhole        // pages, whatever Range says
)

// answered is all that decides what becomes of a fill.
type answered struct {
	status  int
	refused rfc9111.Refusal // why HTTP, or the route, does not let the answer be stored, or what is stored as it changes that; empty where they do

	posted      bool // it is to a POST
	credentials bool // its request has some
	identified  bool // the key names whom the answer is for
	ranged      bool // the request is for a part
	entire      bool // and has the handlers make the whole
	small       bool // it is for less than a page, which the handlers make all the same, as pages are small
	neutral     bool // that it is a whole page shows that the handlers take no notice of Range
	followed    bool // other requests may wait for it

	found     bool // something is stored
	foreign   bool // which is not for these credentials
	validates bool // the handlers were asked whether it is still good
	standsIn  bool // it may stand in for an error
	foundAs   int  // the status of what is stored and may be validated; 0 for none

	usable  bool // what the handlers make of what is known of the purges can be kept
	left    bool // their client had left before: they may have made the answer of that
	aborted bool // they have ended in a way that makes it none to keep
	erred   bool // and that with an error
	partial bool // it is a part that is kept as such
	parts   bool // it shows that the handlers can make parts
	silent  bool // of a HEAD: it leaves the freshness as it is
	tells   bool // of a HEAD: it has validators

	bare      bool // the handlers have written nothing
	tooLarge  bool // the body turned out to be
	starved   bool // there was no room for it
	unwanted  bool // a handler asked for the answer not to be stored
	mistagged bool // what they have tagged it with cannot be kept
	parted    bool // something has gone into it that is not for all
	gone      bool // no client was left for which they ran, and it has no length by which to tell that it is whole
	whole     bool // all of it was written, and captured

	facts
}

// facts are what costs to find out, so that it is only asked where all else allows it.
type facts interface {
	unpurged() bool           // nothing that concerns what is stored was purged
	answersLater() bool       // the answer to a POST is one to later GETs as well (RFC 9110 §9.3.3)
	cookieOutside() bool      // a cookie was set outside of the route, to which the page may belong
	fits() bool               // the cache and its store take as many bytes, as far as their number is known
	clientHas() bool          // the client has this very response, by its preconditions (RFC 9110 §13.2)
	same() bool               // the header is one of what is stored (RFC 9111 §4.3.5)
	updated() rfc9111.Refusal // why what is stored, with this header, may not be stored
}

// judge returns what becomes of a fill by the status and header of the handler's answer.
func judge(a *answered) verdict {
	switch {
	case a.status == http.StatusNotModified && a.validates: // RFC 9111 §4.3.3
		return verdict{fate: confirmed, mode: response.Swallow}
	case rfc9111.IsServerError(a.status) && a.standsIn && a.unpurged(): // RFC 5861 §4
		return verdict{fate: failed, mode: response.Swallow}
	}
	v := verdict{refusal: a.refusal()}
	switch {
	case v.refusal == rfc9111.Stored:
		v.fate, v.mode = storable, response.Capture
	case v.refusal == refusedStore && a.followed && !a.partial:
		v.fate, v.mode = lent, response.Capture
	}
	switch {
	case a.posted: // whose preconditions are not for a cache (RFC 9110 §13.2.1)
	case a.clientHas():
		v.mode = response.NotModified
	case a.entire && v.mode == response.Capture && a.status == http.StatusOK:
		v.mode = response.Withhold
	}
	v.stored, v.learned, v.waiting = a.change(v.refusal), a.lesson(v.refusal), a.waiting(v.refusal)
	if v.fate == lent {
		v.waiting = waitOn
	}
	return v
}

// refusal returns why an answer is not stored, by its header.
func (a *answered) refusal() rfc9111.Refusal {
	switch {
	case a.refused != rfc9111.Stored: // RFC 9111 §3
		return a.refused
	case a.posted && !a.answersLater():
		return rfc9111.RefusedMethod
	case a.left, a.aborted:
		return refusedAborted
	case a.cookieOutside():
		return rfc9111.RefusedSetCookie
	case !a.fits():
		return refusedTooLarge
	case !a.usable:
		return refusedStore
	}
	return rfc9111.Stored
}

// change returns what becomes of what is stored, by why the answer is not.
func (a *answered) change(why rfc9111.Refusal) change {
	switch {
	case !a.found, a.left, why == rfc9111.Stored:
		return untouched
	case a.foreign: // the credentials may be wrong, but where it is gone, it is gone
		why = rfc9111.RefusedCredentials
	}
	if rfc9111.Withdraws(a.status, why) {
		return withdrawn
	}
	return untouched
}

// waiting returns what the requests are told that wait, by why the answer is not stored.
func (a *answered) waiting(why rfc9111.Refusal) waiting {
	switch {
	case a.posted:
		return untold
	case why == rfc9111.Stored && !a.partial:
		return waitOn
	case a.left, why == refusedStore, rfc9111.IsServerError(a.status): // it will pass: the next one may do better
		return oneLeads
	case a.credentials, a.ranged && !a.entire: // these are about this request, not about the key
		return moreLead
	case why.ForOne():
		return stayAlone
	case why == refusedTooLarge:
		return goAlone
	}
	return moreLead
}

// lesson returns what the answer shows of the handlers, by why it is not stored.
func (a *answered) lesson(why rfc9111.Refusal) lesson {
	switch {
	case a.posted:
		return nothing
	case a.parts, a.small && why == refusedTooLarge:
		return makesParts
	case a.neutral && why == rfc9111.Stored && a.status == http.StatusOK:
		return makesWhole
	}
	return nothing
}

// conclude returns what becomes of a fill on which the verdict was v, now that its handlers are done. A client may leave as soon as it has as
// many bytes as it was told to expect, which can be before they return; one that has left earlier is none of the answer's doing.
func conclude(v verdict, a *answered) verdict {
	switch {
	case v.fate == confirmed && a.refused != rfc9111.Stored: // this client is the last to get it (RFC 9111 §4.3.4)
		return verdict{refusal: a.refused, fate: confirmed, stored: withdrawn, waiting: a.waiting(a.refused)}
	case v.fate == confirmed:
		return verdict{fate: confirmed, stored: freshened}
	case v.fate == failed:
		return verdict{fate: failed, waiting: oneLeads}
	case !v.captures(): // since the header went out
		return verdict{refusal: v.refusal}
	case a.tooLarge:
		return a.takenBack(refusedTooLarge)
	case a.starved:
		return verdict{}
	case a.posted && a.bare:
		return verdict{refusal: rfc9111.RefusedMethod}
	case a.unwanted:
		return a.takenBack(rfc9111.RefusedNoStore)
	case a.mistagged:
		return a.takenBack(refusedTags)
	case a.aborted && a.erred:
		return verdict{refusal: refusedAborted}
	case a.aborted:
		return a.takenBack(refusedAborted)
	case a.parted:
		return a.takenBack(rfc9111.RefusedPrivate)
	case a.gone:
		return verdict{}
	case !a.whole:
		return verdict{refusal: refusedIncomplete}
	}
	return verdict{refusal: v.refusal, fate: v.fate}
}

// captures tells whether the answer is one to keep, or to lend, if it ends well.
func (v *verdict) captures() bool { return v.fate == storable || v.fate == lent }

// takenBack is the verdict on an answer of which it turns out behind its header that it is not to be stored.
func (a *answered) takenBack(why rfc9111.Refusal) verdict {
	return verdict{refusal: why, stored: a.change(why), waiting: a.waiting(why), learned: a.lesson(why)}
}

// compare returns what the answer to a HEAD does to what is stored for GET (RFC 9111 §4.3.5), which a GET would be refused for why.
func compare(why rfc9111.Refusal, a *answered) verdict {
	v := verdict{refusal: why}
	switch {
	case a.foundAs == 0:
		v.refusal = rfc9111.RefusedCredentials
	case a.status != http.StatusOK && a.credentials && !a.identified:
		v.refusal = rfc9111.RefusedCredentials
	case a.status != http.StatusOK:
		v.refusal = rfc9111.RefusedStatus
	case why == rfc9111.RefusedStale && a.silent: // a HEAD that just says nothing of its freshness leaves that of what is stored as it is
		v.refusal = rfc9111.Stored
	case why == rfc9111.Stored && a.aborted && !a.erred: // behind its header
		v.refusal = refusedAborted
	}
	v.stored = a.change(v.refusal)
	switch {
	case v.stored == withdrawn, a.foundAs == 0, a.status != http.StatusOK:
		return v
	case v.refusal != rfc9111.RefusedCredentials && !a.same(): // whose page may be another one, which says nothing of this one
		v.stored = withdrawn
		return v
	}
	switch why := a.updated(); {
	case rfc9111.Withdraws(a.foundAs, why):
		v.stored = withdrawn
	case why == rfc9111.Stored && !a.aborted && a.tells: // that it is the same
		v.stored = freshened
	}
	return v
}

// Why a response that RFC 9111 lets a cache store is not stored all the same.
const (
	refusedTooLarge   rfc9111.Refusal = "too-large"
	refusedAborted    rfc9111.Refusal = "aborted"
	refusedIncomplete rfc9111.Refusal = "incomplete" // it broke off, or something failed after its first bytes
	refusedStore      rfc9111.Refusal = "store-unavailable"
	refusedTags       rfc9111.Refusal = "tags" // they cannot be kept
)
