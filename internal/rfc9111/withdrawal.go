package rfc9111

import "net/http"

// Withdraws tells whether a handler's answer to a request that was to validate or refresh what is stored takes that back, so
// that it is to be removed. status is the answer's, and why is what [Storable], or the cache for reasons of its own such as the
// answer's size, says of storing it.
//
// An answer that is stored takes the place of what is stored by itself. One that is not stored says of what is stored:
//
//   - A success or a redirect shows that it is out of date (RFC 9111 §4.3.3), whatever the reason not to store the answer.
//     A 304 confirms it, and a 206 is a part of something; what a 304 takes back, its updated header says.
//   - 404, 410 and 451 say that it is gone, and 401 and 403 that it is not for everybody.
//   - What is about the one request leaves it: any other client error, and an answer that is refused for the request's own
//     no-store, for its method or, unless it says that the page is gone, for its credentials, which may be wrong.
//   - A server error leaves it too: the next request may do better, and stale-if-error lives by that (RFC 5861 §4).
//
// An answer that broke off is no answer, and not to be asked about.
func Withdraws(status int, why Refusal) bool {
	switch why {
	case Stored, RefusedMethod, RefusedRequest:
		return false
	}
	own := why == RefusedCredentials
	switch status {
	case http.StatusPartialContent, http.StatusNotModified:
		return false
	case http.StatusUnauthorized, http.StatusForbidden:
		return !own
	case http.StatusNotFound, http.StatusGone, http.StatusUnavailableForLegalReasons:
		return true
	}
	return IsSuccess(status) && !own
}
