package rfc9111

import "net/http"

// understood tells whether this cache understands the caching of a status code, which is what must-understand asks
// (RFC 9111 §5.2.2.3): the final codes that RFC 9110 §15 and its registry describe, but for those that need a cache to
// combine responses.
func understood(status int) bool {
	switch status {
	case http.StatusPartialContent, http.StatusNotModified:
		return false
	}
	return status >= 200 && http.StatusText(status) != ""
}

// heuristicallyCacheable tells whether a status code may be given a heuristic lifetime (RFC 9110 §15.1).
func heuristicallyCacheable(status int) bool {
	switch status {
	case http.StatusOK, http.StatusNonAuthoritativeInfo, http.StatusNoContent, http.StatusMultipleChoices,
		http.StatusMovedPermanently, http.StatusPermanentRedirect, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusGone, http.StatusRequestURITooLong, http.StatusNotImplemented:
		return true
	}
	return false
}

// takesTTL tells whether a route's time to live is the freshness of a status for which the response declares none.
func takesTTL(status int) bool {
	switch status {
	case http.StatusOK, http.StatusNonAuthoritativeInfo, http.StatusNoContent, http.StatusMultipleChoices,
		http.StatusMovedPermanently, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// IsServerError tells whether a status is an error that a stale response may stand in for (RFC 5861 §4).
func IsServerError(status int) bool {
	switch status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout:
		return true
	}
	return false
}

// IsSafe tells whether a method is safe (RFC 9110 §9.2.1), as IANA's registry of methods has it: those of RFC 9110, PRI
// (RFC 9113), PROPFIND (RFC 4918), QUERY (RFC 10008), REPORT (RFC 3253) and SEARCH (RFC 5323). A request with any other,
// also with one that nobody knows, invalidates what is stored for its URI once it succeeds (RFC 9111 §4.4).
func IsSafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace,
		"PRI", "PROPFIND", "QUERY", "REPORT", "SEARCH":
		return true
	}
	return false
}

// IsSuccess tells whether a status is a non-error one, which is what makes an unsafe request invalidate (RFC 9111 §4.4).
func IsSuccess(status int) bool { return status >= 200 && status < 400 }
