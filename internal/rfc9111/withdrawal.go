package rfc9111

import "net/http"

// Withdraws tells whether a handler's answer takes back what is stored for the request, so that it is to be removed. x is
// the request that was to validate or refresh it, with the status of the answer, p is the route's policy for it, and why
// is what [Storable], or the cache for reasons of its own such as the answer's size, says of storing that.
//
// An answer that is stored takes the place of what is stored by itself. One that is not stored says of what is stored:
//
//   - A success or a redirect shows that it is out of date (RFC 9111 §4.3.3), whatever the reason not to store the answer.
//     A 304 confirms it, and a 206 is a part of something; what a 304 takes back, its updated header says.
//   - 404, 410 and 451 say that it is gone, and 401 and 403 that it is not for everybody. The latter two say nothing of
//     others where the request has credentials of its own, which may be wrong, and the response is stored for others too.
//   - What is about the one request leaves it: any other client error, an answer that is refused for the request's own
//     no-store, for its credentials or for its method.
//   - A server error leaves it too: the next request may do better, and stale-if-error lives by that (RFC 5861 §4).
//
// An answer that broke off is no answer, and not to be asked about.
func Withdraws(x *Exchange, p *Policy, why Refusal) bool {
	switch why {
	case Stored, RefusedMethod, RefusedRequest, RefusedCredentials:
		return false
	}
	switch x.Status {
	case http.StatusPartialContent, http.StatusNotModified:
		return false
	case http.StatusUnauthorized, http.StatusForbidden:
		return p.Partitioned || len(x.Request["Authorization"]) == 0
	case http.StatusNotFound, http.StatusGone, http.StatusUnavailableForLegalReasons:
		return true
	}
	return IsSuccess(x.Status)
}
